#!/usr/bin/python3
"""A signal reaches the program of 'mallow run' once, whether it is sent to the command, to the
process group, or to each process in turn, as service managers do.

Usage: group_signals.py MALLOW
"""

import concurrent.futures
import ctypes
import os
import signal
import subprocess
import sys
import time

MALLOW = sys.argv[1]
SIGNAL = signal.SIGUSR1

# Counts signals until its standard input ends.
PROGRAM = r"""
import os, signal, sys
count = 0
def handler(number, frame):
    global count
    count += 1
    os.write(1, b"got\n")
signal.signal(signal.SIGUSR1, handler)
os.write(1, b"ready\n")
while os.read(0, 1): pass
os.write(1, b"%d\n" % count)
"""


def is_pending(process):
    with open(f"/proc/{process}/status") as status:
        return any(int(line.split()[1], 16) for line in status if line.startswith("ShdPnd:"))


def is_gone(process):
    """A zombie counts as gone, because a container's first process may not reap it."""
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Run:
    def __init__(self):
        self.process = subprocess.Popen(
            [MALLOW, "run", "--no-summary", "--", sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = self.process.pid

    def children(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
            return [int(child) for child in children.read().split()]

    def wait_for_signal(self):
        """Waits until no process has the signal pending: equal pending signals become one."""
        assert self.process.stdout.readline() == b"got\n"
        while any(is_pending(process) for process in (self.pid, *self.children())):
            time.sleep(0.01)

    def count(self):
        """Returns the program's count, long after the command would have forwarded the signal."""
        time.sleep(1)
        self.process.stdin.close()
        rest = self.process.stdout.read().split(b"\n")
        assert self.process.wait() == 0
        return int(rest[-2])


def check(send, expected):
    run = Run()
    for _ in range(expected):
        send(run)
        run.wait_for_signal()
    assert run.count() == expected, send


def to_command(run):
    os.kill(run.pid, SIGNAL)


def to_group(run):
    os.killpg(run.pid, SIGNAL)


def to_each(run, order=1):
    """Stops the command meanwhile, so that the time between the signals does not matter."""
    processes = [run.pid, *run.children()]
    os.kill(run.pid, signal.SIGSTOP)
    for process in processes[::order]:
        os.kill(process, SIGNAL)
    os.kill(run.pid, signal.SIGCONT)


def to_each_last_first(run):
    to_each(run, -1)


def to_group_with_probe_late(run):
    """Stops the probe, the command's first child, for longer than the command waits for it."""
    probe = run.children()[0]
    os.kill(probe, signal.SIGSTOP)
    os.killpg(run.pid, SIGNAL)
    time.sleep(0.7)
    os.kill(probe, signal.SIGCONT)


def check_all():
    ways = (to_command, to_group, to_each, to_each_last_first, to_group_with_probe_late)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(check, way, 2) for way in ways]:
            done.result()


check_all()

# The value of a queued signal is forwarded.
VALUE = r"""
import ctypes, os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.write(1, b"ready\n")
info = (ctypes.c_int * 32)()
signal_set = (ctypes.c_ulong * 16)(1 << signal.SIGUSR1 - 1)
ctypes.CDLL(None).sigwaitinfo(signal_set, info)
os.write(1, b"%d\n" % info[6])
"""
with subprocess.Popen([MALLOW, "run", "--no-summary", "--", sys.executable, "-c", VALUE],
                      stdout=subprocess.PIPE) as run:
    assert run.stdout.readline() == b"ready\n"
    ctypes.CDLL(None).sigqueue(run.pid, int(SIGNAL), ctypes.c_void_p(4711))
    assert run.stdout.readline() == b"4711\n"

# A signal to all processes with the command's name, as by killall, reaches only the command, and
# through it the program.
run = Run()
named = [process for process in (run.pid, *run.children())
         if open(f"/proc/{process}/comm").read() == "mallow\n"
         or b"mallow" in open(f"/proc/{process}/cmdline", "rb").read()]
assert named == [run.pid], named
os.kill(run.pid, SIGNAL)
run.wait_for_signal()
assert run.count() == 1

# No helper process keeps the program's inherited descriptors open.
with subprocess.Popen([MALLOW, "run", "--no-summary", "--", "bash", "-c", "exec >&-; read line"],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
    assert run.stdout.read() == b""
    run.stdin.close()

# If the command is killed, its helper processes end, too.
run = Run()
helpers = run.children()
os.kill(run.pid, signal.SIGKILL)
run.process.wait()
run.process.stdin.close()
run.process.stdout.read()
for process in helpers:
    for _ in range(6000):
        if is_gone(process):
            break
        time.sleep(0.01)
    else:
        raise AssertionError(f"process {process} still runs")
