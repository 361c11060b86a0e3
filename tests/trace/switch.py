#!/usr/bin/python3
"""mallow trace records a running process from one moment to another, as often as it is asked.

Usage: switch.py MALLOW PRINT RECORDED
"""

import os
import re
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager

from traces import MALLOW, RECORDED, Trace

folder = tempfile.TemporaryDirectory()
path = f"{folder.name}/trace"


@contextmanager
def running(*options):
    """A program that allocates until the block ends."""
    with subprocess.Popen([MALLOW, "run", *options, "--", RECORDED, "trickle"],
                          stderr=subprocess.PIPE) as process:
        try:
            wait_for(str(process.pid))
            yield process
        finally:
            process.terminate()


def command(*arguments):
    return subprocess.Popen([MALLOW, "trace", *arguments], stderr=subprocess.PIPE, text=True,
                            cwd=folder.name)


def wait_for(program):
    """Waits until the process answers."""
    end = time.monotonic() + 60
    while subprocess.run([MALLOW, "stats", program], capture_output=True).returncode != 0:
        assert time.monotonic() < end
        time.sleep(0.01)


def finish(process, status=0):
    message = process.communicate()[1]
    assert process.returncode == status, (process.returncode, message)
    return message


with running("--no-summary") as run:
    pid = str(run.pid)
    for options in [], ["--stacks"]:
        message = finish(command("-o", path, "--seconds=0.5", *options, pid))
        trace = Trace(path)
        assert re.fullmatch(rf"mallow: the trace of {trace.events} events is in {path}\n", message)
        mallocs = trace.of("malloc")
        assert 20 < len(mallocs) <= 501 and not trace.damage, len(mallocs)
        assert 300e6 < trace.all[-1].time < 2e9, trace.all[-1]
        assert len(trace.of("resident")) >= 5
        assert trace.has_stacks == bool(options) == bool(mallocs[-1].stack)
        assert trace.processes[0]["program"] == RECORDED, trace.processes

    # Only one command records at a time.
    first = command(pid)
    time.sleep(0.3)
    message = finish(command("-o", path, pid), 125)
    assert "another command records its calls" in message, message
    first.send_signal(signal.SIGINT)
    message = finish(first)
    program = re.search(r"trace\.(\d+)\n", message).group(1)
    assert len(Trace(f"{folder.name}/trace.{program}").of("malloc")) > 20

    # A command that is killed leaves a process that another one can record.
    killed = command("-o", path, pid)
    time.sleep(0.7)
    killed.kill()
    finish(killed, -signal.SIGKILL)
    trace = Trace(path)
    assert "the file ends here" in trace.damage and len(trace.of("malloc")) > 20, trace.damage
    message = finish(command("-o", path, "--seconds=0.3", pid))
    assert len(Trace(path).of("malloc")) > 20, message

    # The end of the process ends the trace.
    last = command("-o", path, pid)
    time.sleep(0.3)
    os.kill(int(program), signal.SIGKILL)
    finish(last)
    assert len(Trace(path).of("malloc")) > 20

# A process that mallow run records already, and one that does not answer.
with running(f"--trace={path}") as run:
    message = finish(command(str(run.pid)), 125)
    assert "another command records its calls" in message, message
for arguments, message in (
        ([str(os.getpid())], "MALLOW_OPTIONS=control=on"),
        (["--full=never", str(os.getpid())], "--full='never' is neither 'wait' nor 'drop'"),
        (["--seconds=soon", str(os.getpid())], "--seconds='soon' is not a number of seconds")):
    error = finish(command(*arguments), 125)
    assert message in error, error
