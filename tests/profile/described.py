#!/usr/bin/python3
"""A profile describes the whole process: its pinned memory, settings, limits, mappings, and the pages
of its heap, at the end, on request, and if the process is killed.

Usage: described.py MALLOW PROGRAM"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import profile_format as form
from profile_request import request

MALLOW, PROGRAM = sys.argv[1:3]
os.environ.pop("MALLOW_OPTIONS", None)
os.environ.pop("LD_PRELOAD", None)


class Pinning:
    """A program that has freed all blocks but those of one site."""

    def __init__(self, directory):
        environment = {**os.environ, "MALLOW_OPTIONS": "frames=9,retain=20m"}
        self.process = subprocess.Popen(
            [MALLOW, "run", "--no-summary", "--sample=1k", "-o", "p", "--exec", "--", PROGRAM, "pin"],
            cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.pid = self.process.pid
        self.keep, self.fill = (int(word, 16) for word in self.process.stdout.readline().split())

    def allocate(self):
        self.process.stdin.write("x")
        self.process.stdin.flush()
        self.process.stdout.read(1)

    def figures(self):
        return json.loads(request(self.pid, "figures")[0].split("\n", 1)[1])

    def profile(self):
        answer, content = request(self.pid, "profile all")
        assert answer == "ok\n", answer
        section, = form.check(form.read(content))
        return section, section.snapshots[-1].described


def check_pinned(program, section, described, pinned_bytes):
    """The site whose blocks are left accounts for what is pinned."""
    total, error = pinned_of(program, section, described)
    assert 5 << 20 < pinned_bytes < 9 << 20, pinned_bytes
    # Shared granules without a live block count as pinned, too.
    assert abs(total - pinned_bytes) < error + (256 << 10), (total, pinned_bytes, error)


def pinned_of(program, section, described):
    """Returns what all sites pin, and four standard deviations of it."""
    sums = {program.keep: 0, program.fill: 0}
    total = variance = 0
    for (node, large), (size, error) in described.pinned.items():
        assert not large and (node, 0) in section.sites
        pc = section.nodes[node][1]
        start = max((start for start in sums if start < pc <= start + 64), default=None)
        if start is not None:
            sums[start] += size
        total, variance = total + size, variance + error
    assert sums[program.keep] > 0.9 * total and sums[program.fill] == 0, sums
    return total, 4 * variance**0.5


def maps_of(pid):
    pattern = re.compile(r"(\w+)-(\w+) (....) (\w+) \S+ \S+ *(.*)\n")
    with open(f"/proc/{pid}/maps") as file:
        matches = map(pattern.fullmatch, file)
        return {(int(m[1], 16), int(m[2], 16), m[3], int(m[4], 16), m[5]) for m in matches}


def check_mappings(program, described):
    """They are those of the kernel, with their figures."""
    found = {(m.start, m.end, m.permissions, m.offset, m.path.decode()) for m in described.mappings}
    wanted = maps_of(program.pid)
    # The mapping that the profile is passed in, and what the kernel has merged since.
    assert len(found ^ wanted) <= 4, found ^ wanted
    sums = {}
    with open(f"/proc/{program.pid}/smaps_rollup") as file:
        for line in file:
            if match := re.fullmatch(r"(\w+): +(\d+) kB\n", line):
                sums[match[1]] = int(match[2]) * 1024
    assert all(m.measured for m in described.mappings)
    for name, field in ("Rss", "resident"), ("Pss", "proportional"), (
            "Private_Clean", "private_clean"), ("Private_Dirty", "private_dirty"), ("Swap", "swap"), ("Locked", "locked"):
        total = sum(getattr(m, field) for m in described.mappings)
        assert abs(total - sums[name]) <= 256 << 10, (name, total, sums[name])


def check_ranges(program, described):
    """They are what the control request "map" answers, and so are the pages."""
    lines = request(program.pid, "map pages")[0].splitlines()
    found = {f"{use} {start:#x} {end:#x}" for start, end, use in described.ranges}
    wanted = {line for line in lines if re.match("heap|metadata|guarded|profile|stacks|block", line)}
    assert len(found ^ wanted) <= 2 and any(line.startswith("heap ") for line in found), found ^ wanted
    _, start, size, letters = next(line for line in lines if line.startswith("pages ")).split()
    assert described.pages[0][0] == int(start, 16) and size == "4096"
    pages = "".join(use * ((end - start) // 4096) for start, end, use in described.pages)
    wanted = "".join(letter * int(count or 1) for letter, count in re.findall(r"([a-z?])(\d*)", letters))
    assert len(pages) == len(wanted)
    assert sum(a != b for a, b in zip(pages, wanted)) < 100 and pages.count("p") > 1000


def check_files(program, described):
    files = described.files
    for name in "status", "limits":
        lines = set(Path(f"/proc/{program.pid}/{name}").read_text().splitlines())
        some = [line for line in files[f"/proc/self/{name}"].splitlines() if not line.startswith("Vm")]
        assert len(some) >= 2 and set(some) <= lines, (some, lines)
    for name in "overcommit_memory", "overcommit_ratio", "max_map_count":
        path = f"/proc/sys/vm/{name}"
        assert files[path] == Path(path).read_text()
    assert "MemTotal:" in files["/proc/meminfo"] and "Buffers:" not in files["/proc/meminfo"]
    for path, text in files.items():
        if "memory.limit_in_bytes" in path or path.endswith("memory.max"):
            assert Path(path).read_text() == text


def check_settings(described):
    wanted = {"frames": "9", "retain": str(20 << 20), "sample": "1024", "profile": described.settings["profile"], "control": "on"}
    assert wanted.items() <= described.settings.items(), described.settings
    assert described.settings["profile"].endswith("/p")


def a_request_describes_the_process(directory):
    program = Pinning(directory)
    program.profile()  # its memory exists from now on
    section, described = program.profile()
    check_pinned(program, section, described, program.figures()["pinned_bytes"])
    check_mappings(program, described)
    check_ranges(program, described)
    check_files(program, described)
    check_settings(described)
    brief, = form.read(request(program.pid, "profile")[1])
    assert brief.snapshots[-1].described is None and brief.snapshots[-1].live
    program.process.communicate()


def the_last_snapshot_describes_the_process(directory):
    program = Pinning(directory)
    pinned = program.figures()["pinned_bytes"]
    program.process.communicate()
    section, = form.check(form.read_file(directory / "p"))
    final = section.snapshots[-1]
    assert final.reason == form.EXIT
    check_pinned(program, section, final.described, pinned)
    check_settings(final.described)
    assert final.described.files and final.described.mappings and final.described.ranges and final.described.pages


def a_killed_process_is_described(directory):
    """By periodic snapshots, whose number grows with the logarithm of the time."""
    program = Pinning(directory)
    described, end = [], time.monotonic() + 60
    while len(described) < 2:
        assert time.monotonic() < end, "the process is described again"
        program.allocate()
        time.sleep(0.1)  # what many samples pin is left out of periodic snapshots
        section, = form.read_file(directory / "p")
        described = [s for s in section.snapshots if s.described]
    program.process.kill()
    program.process.communicate()
    section, = form.check(form.read_file(directory / "p"), quiet=False)
    assert all(s.reason == form.PERIODIC for s in section.snapshots)
    assert len(section.snapshots) > 2, len(section.snapshots)
    first, second = (s.time - section.started for s in described)
    assert first >= 1e9 and second >= 1.49 * first, (first, second)
    for snapshot in described:
        pinned, _ = pinned_of(program, section, snapshot.described)
        assert pinned > 2 << 20, pinned
        check_settings(snapshot.described)
        assert snapshot.described.mappings and snapshot.described.pages and snapshot.described.files


def main():
    for scenario in a_request_describes_the_process, the_last_snapshot_describes_the_process, a_killed_process_is_described:
        with tempfile.TemporaryDirectory(prefix="mallow.described.") as directory:
            scenario(Path(directory))
            print(f"ok      {scenario.__name__}")


main()
