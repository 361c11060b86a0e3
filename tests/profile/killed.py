#!/usr/bin/python3
"""Processes that the kernel kills at the memory limit of their control group leave profiles that
show where the memory was.

Usage: killed.py MALLOW PROGRAM [COUNT]
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import profile_format as form

MALLOW, PROGRAM = sys.argv[1:3]
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 10
MIB = 1 << 20
HIERARCHIES = [(Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
               (Path("/sys/fs/cgroup"), "memory.max")]
os.environ.pop("MALLOW_OPTIONS", None)
os.environ.pop("LD_PRELOAD", None)


class Group:
    def __init__(self, limit):
        for root, file in HIERARCHIES:
            self.path = root / f"mallow.killed.{os.getpid()}"
            try:
                self.path.mkdir()
            except OSError:
                continue
            try:
                (self.path / file).write_text(str(limit))
                swap = self.path / "memory.swap.max"
                if swap.exists():
                    swap.write_text("0")
                return
            except OSError:
                self.path.rmdir()
        print("no control group with a memory limit can be created")
        sys.exit(77)

    def enter(self):
        (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.path.rmdir()


def be_killed(directory, number, limit):
    with Group(limit) as group:
        command = [MALLOW, "run", "--no-summary", "--no-control", "--sample", "-o", f"p{number}",
                   "--exec", "--", PROGRAM, "grow"]
        process = subprocess.run(command, cwd=directory, preexec_fn=group.enter, timeout=120,
                                 capture_output=True)
    assert process.returncode == -signal.SIGKILL, process
    data = (directory / f"p{number}").read_bytes()
    section, = form.check(form.read(data))
    reasons = [snapshot.reason for snapshot in section.snapshots]
    limits = [s for s in section.snapshots if s.reason == form.LIMIT]
    assert 1 <= len(limits) <= 2, reasons
    live = sum(site.live.bytes for site in limits[-1].sites.values())
    deviation = sum(site.live.variance for site in limits[-1].sites.values()) ** 0.5
    assert limits[-1].live and live + 3 * deviation > 0.85 * limit, (live, deviation, reasons)
    files = limits[-1].described.files
    assert str(limit) + "\n" in files.values(), (limit, files)
    return len(limits), len(data)


def main():
    twice = size = 0
    with tempfile.TemporaryDirectory(prefix="mallow.killed.") as directory:
        for number in range(COUNT):
            limits, length = be_killed(Path(directory), number, (64 + 8 * (number % 9)) * MIB)
            twice += limits == 2
            size = max(size, length)
    print(f"{COUNT} processes were killed, {twice} left snapshots at both levels; "
          f"the largest file has {size} bytes")
    # Of 64 MiB, 3 % are about four samples, so one process in fifty has none in them.
    assert twice >= COUNT * 7 // 10, "97 % was noticed too late"


main()
