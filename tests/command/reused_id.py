#!/usr/bin/python3
"""Process IDs that are used again while the command looks at a process.

In a PID namespace of its own, the test ends the process at a chosen call of the command and starts
another one with the same ID. The command must say so, and must not change the other process.

Usage: reused_id.py MALLOW LIBRARY TARGET AT_CALL
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MALLOW, LIBRARY, TARGET, AT_CALL = sys.argv[1:5]
LAST_ID = Path("/proc/sys/kernel/ns_last_pid")
REUSED = "has ended, and another process has its ID now"


def enter_namespace():
    """Executes this test again in a PID namespace, or skips it."""
    if os.environ.get("INSIDE") == "1":
        return
    rights = [] if os.geteuid() == 0 else ["-Ur"]
    inside = ["unshare", *rights, "-pf", "--mount-proc", "--kill-child"]
    tried = subprocess.run([*inside, "sh", "-c", f"echo 100 >{LAST_ID}"], capture_output=True,
                           text=True)
    if tried.returncode != 0:
        print(f"no PID namespace in which IDs can be chosen: {tried.stderr}")
        sys.exit(77)
    os.environ["INSIDE"] = "1"
    os.execvp("unshare", [*inside, sys.executable, *sys.argv])


class Target:
    """A process on Mallow that accepts requests. It allocates if `what` is "busy"."""

    def __init__(self, number=None, what="idle", options="control=on"):
        if number is not None:
            LAST_ID.write_text(str(number - 1))
        self.process = subprocess.Popen(
            [TARGET, what], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"LD_PRELOAD": LIBRARY, "MALLOW_OPTIONS": options})
        self.pid = self.process.pid
        assert number in (None, self.pid), (number, self.pid)
        self.process.stdout.readline()

    def end(self):
        """Ends the process. The next one begins at least one clock tick later."""
        self.process.kill()
        self.process.wait()
        time.sleep(2 / os.sysconf("SC_CLK_TCK"))


def command(*arguments, **environment):
    return subprocess.Popen([MALLOW, *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment)


def replace_at(call, count, name, *arguments, options="control=on"):
    """Runs the command, with another process in place of the target from the call on."""
    with tempfile.TemporaryDirectory() as folder:
        fifo = Path(folder) / "fifo"
        for path in fifo, Path(f"{fifo}.back"):
            os.mkfifo(path)
        target = Target(options=options)
        running = command(name, *arguments, target.pid, LD_PRELOAD=AT_CALL, AT_FIFO=str(fifo),
                          AT_CALL=call.format(pid=target.pid), AT_COUNT=str(count))
        signal.alarm(60)  # the command may not make the call
        fifo.read_bytes()
        target.end()
        other = Target(target.pid, "busy", options)
        Path(f"{fifo}.back").write_bytes(b"")
        output, messages = running.communicate(timeout=60)
        signal.alarm(0)
        return other, running.returncode, output, messages


def says_so(call, count, name, *arguments, **options):
    other, status, output, messages = replace_at(call, count, name, *arguments, **options)
    assert status == 125 and not output, (name, status, output, messages)
    assert messages == f"mallow {name}: process {other.pid} {REUSED}\n", (name, messages)
    return other


def requests():
    for name, *arguments in (["trim"], ["stats"], ["info"], ["leaks"], ["stats", "--json"]):
        says_so("connect", 1, name, *arguments).end()
    for call, name, *arguments in ((1, "sites"), (1, "diff", "--seconds=0"),
                                   (2, "diff", "--seconds=0")):
        says_so("connect", call, name, *arguments, options="control=on,sample=16k").end()


def files_of_proc():
    for call, name, *arguments in (("limits", "limits"), ("oom_score", "limits", "--json"),
                                   ("smaps", "map"), ("smaps_rollup", "map"), ("smaps", "explain"),
                                   ("status", "explain")):
        says_so(f"fopen /proc/{{pid}}/{call}", 1 if call != "status" else 8, name, *arguments).end()


def sampling_stays_off():
    """explain connects twice for the first look, then for a profile, and then to turn sampling
    on, which it must not do in another process."""
    for count in 3, 4:
        other = says_so("connect", count, "explain", "--seconds=1")
        result = command("sites", other.pid)
        messages = result.communicate(timeout=60)[1]
        assert "allocations are not sampled" in messages, (count, messages)
        other.end()


def no_message_without_a_reason():
    """The same calls, while the target stays."""
    target = Target(options="control=on,sample=16k")
    for name, *arguments in (["trim"], ["sites"], ["leaks"], ["limits"], ["map"],
                             ["explain", "--seconds=0"], ["diff", "--seconds=0"]):
        running = command(name, *arguments, target.pid)
        _, messages = running.communicate(timeout=60)
        assert running.returncode == 0 and not messages, (name, messages)
    target.end()


enter_namespace()
for test in requests, files_of_proc, sampling_stays_off, no_message_without_a_reason:
    test()
