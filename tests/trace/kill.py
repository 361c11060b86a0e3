#!/usr/bin/python3
"""If the program or the command is killed at a random moment, the trace can be read, and lacks less
than the last second.

Usage: kill.py MALLOW PRINT RECORDED [KILLS]
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from traces import MALLOW, RECORDED, Trace

KILLS = int(sys.argv[4]) if len(sys.argv) > 4 else 24
SECOND = 10**9
folder = tempfile.TemporaryDirectory()


def child_of(command):
    """Returns the process ID of the program, once it runs."""
    while True:
        for task in Path(f"/proc/{command.pid}/task").iterdir():
            for pid in (task / "children").read_text().split():
                if Path(f"/proc/{pid}/comm").read_text() == Path(RECORDED).name[:15] + "\n":
                    return int(pid)
        time.sleep(0.001)


def is_running(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "RSD"


def kill_one(number, kills_program):
    """Returns what the trace lacks of the time before the kill, in seconds."""
    path = f"{folder.name}/{number}"
    options = ["--trace-stacks"] if number % 4 >= 2 else []
    action = "storm" if number % 2 == 0 else "trickle"
    with subprocess.Popen([MALLOW, "run", f"--trace={path}", *options, "--", RECORDED, action],
                          stderr=subprocess.PIPE) as command:
        program = child_of(command)
        time.sleep(random.uniform(0, 1.5))
        moment = time.time_ns()
        os.kill(program if kills_program else command.pid, signal.SIGKILL)
        if not kills_program:
            time.sleep(0.05)
            assert is_running(program)
            os.kill(program, signal.SIGKILL)
        status = command.wait()
    assert status == (137 if kills_program else -9), (status, command.stderr)
    trace = Trace(path, only_last=True)
    if kills_program:
        assert not trace.damage and trace.all[-1].kind == "exit", trace.damage
    else:
        assert "the file ends here" in trace.damage or trace.events == 0, trace.damage
    os.unlink(path)
    return (moment - trace.start - (trace.all[-1].time if trace.all else 0)) / SECOND


for kills_program in True, False:
    lost = [kill_one(number, kills_program) for number in range(KILLS // 2)]
    victim = "program" if kills_program else "command"
    print(f"{len(lost)} kills of the {victim}: at most {max(lost):.3f} s are missing, "
          f"{sum(lost) / len(lost):.3f} s in the mean")
    assert max(lost) < 1, lost
