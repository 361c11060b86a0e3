#!/usr/bin/python3
"""The control thread answers the command, withstands malicious clients, and the command explains
why a process cannot answer.

Usage: control.py MALLOW LIBRARY TARGET STATIC
"""

import fcntl
import json
import mmap
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

MALLOW, LIBRARY, TARGET, STATIC = sys.argv[1:]
os.environ.pop("MALLOW_OPTIONS", None)
NOBODY = 65534


class Target:
    """A process that waits, with or without Mallow."""

    def __init__(self, what="idle", options="control=on", preload=LIBRARY, program=TARGET):
        environment = dict(os.environ, LD_PRELOAD=preload, MALLOW_OPTIONS=options)
        self.process = subprocess.Popen([program, what], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        word, number = self.process.stdout.readline().split()
        assert word == "ready"
        self.pid = int(number)
        if "control=on" in options and preload:
            wait_until(self.listens)

    def listens(self):
        with open("/proc/net/unix") as sockets:
            return any(line.split()[-1] == "@" + socket_name(self.pid) for line in sockets)

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)  # if a test failed while it was stopped
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait() == 0


def socket_name(pid):
    return f"mallow.{os.stat(f'/proc/{pid}/ns/pid').st_ino}.{pid}"


def state_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def wait_until(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"{condition} did not come true")


def connect(pid):
    client = socket.socket(socket.AF_UNIX)
    client.connect("\0" + socket_name(pid))  # blocks while the queue is full
    client.settimeout(30)
    return client


def read_all(client):
    data = b""
    try:
        while piece := client.recv(4096):
            data += piece
    except ConnectionResetError:
        pass  # The process did not read all of the request.
    return data


def reply(pid, request):
    with connect(pid) as client:
        try:
            client.sendall(request)
        except BrokenPipeError:
            pass  # The process has closed the connection.
        return read_all(client)


def command(*arguments, user=None):
    return subprocess.run([MALLOW, *map(str, arguments)], capture_output=True, text=True, user=user)


def answer(*arguments):
    done = command(*arguments)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout


def expect_failure(text, *arguments, user=None):
    done = command(*arguments, user=user)
    assert done.returncode == 125 and text in done.stderr and done.stdout == "", done


def check_answers(pid):
    figures = json.loads(answer("stats", "--json", pid))
    assert figures["heap_bytes"] == (figures["slab_bytes"] + figures["run_bytes"]
                                     + figures["dirty_bytes"] + figures["clean_bytes"]), figures
    assert figures["live_blocks"] > 200, figures
    assert list(figures)[:2] == ["pid", "resident_bytes"], figures
    assert json.loads(answer("info", "--json", pid)).keys() == figures.keys()
    assert ElementTree.fromstring(answer("info", pid)).find("mallow") is not None
    lines = answer("stats", pid).splitlines()
    assert re.fullmatch(r"resident memory +[0-9.]+ [KMG]iB", lines[0]), lines
    assert re.fullmatch(r"live +[0-9.]+ [KMG]iB in [0-9]+ blocks", lines[1]), lines
    assert all(re.search(r" ([0-9.]+ [KMG]iB|[0-9]+ bytes?)( in [0-9]+ blocks?)?$", line)
               for line in lines), lines
    assert figures["resident_bytes"] > 1e6 and figures["pid"] == pid, figures


def check_trim_text(pid):
    size = "[0-9.]+ (bytes|[KMG]iB)"
    text = answer("trim", pid)
    assert re.fullmatch(f"process {pid}: returned {size}; resident memory before {size}, "
                        f"now {size}\n", text), text


def check_trim(pid, busy=False):
    result = json.loads(answer("trim", "--json", pid))
    assert result["pid"] == pid, result
    if busy:  # A busy process returns unneeded memory without trim, too.
        wait_until(lambda: json.loads(answer("stats", "--json", pid))["purged_bytes"] > 10e6)
        return
    assert result["returned_bytes"] > 10e6, result
    assert result["resident_bytes"] < result["resident_before_bytes"] - 10e6, result


def check_page(pid):
    with connect(pid) as client:
        client.sendall(b"page\n")
        text, (descriptor,), _, _ = socket.recv_fds(client, 16, 4)
    assert text == b"ok\n", text
    size = os.fstat(descriptor).st_size
    seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    assert seals & fcntl.F_SEAL_SHRINK and seals & fcntl.F_SEAL_SEAL, seals
    for write in (lambda: os.pwrite(descriptor, b"x", 0), lambda: os.ftruncate(descriptor, 0),
                  lambda: mmap.mmap(descriptor, size)):
        try:
            write()
            raise AssertionError("the page can be written")
        except PermissionError:
            pass
    page = mmap.mmap(descriptor, size, prot=mmap.PROT_READ)
    head = struct.Struct("=QIIIIQqQQ")

    def read():
        magic, version, used, owner, _, sequence, updated, page_bytes, heap = head.unpack_from(page)
        assert magic.to_bytes(8, "little") == b"\r\nmallow" and version == 1 and used <= size
        assert owner == pid and sequence % 2 == 0 and page_bytes == mmap.PAGESIZE and heap > 0
        return sequence, updated

    before = read()
    assert abs(before[1] - time.monotonic_ns()) < 60e9
    wait_until(lambda: reply(pid, b"refresh\n") == b"ok\n" and read()[1] > before[1])
    assert read()[0] > before[0]


def bad_clients(pid):
    """No client can keep the process from answering others."""
    assert reply(pid, b"bogus\n") == b"error unknown request\n"
    assert reply(pid, b"trimmer\n") == b"error unknown request\n"
    assert reply(pid, b"trim -1\n") == b"error not an amount\n"
    assert reply(pid, b"trim 99999999999999999999999\n") == b"error not an amount\n"
    assert reply(pid, b"\0\n") == b"error unknown request\n"
    assert reply(pid, b"x" * 100000) == b"error no request was received\n"
    silent = connect(pid)
    assert read_all(silent) == b"error no request was received\n"
    silent.close()
    for _ in range(1000):
        connect(pid).close()
    for _ in range(100):
        with connect(pid) as client:
            client.sendall(b"info\n")
    taker = connect(pid)  # sends descriptors, and does not read its answer
    socket.send_fds(taker, [b"info\n"], [0, 1, 2])
    check_answers(pid)
    taker.close()


def other_users(pid):
    if os.geteuid() != 0:
        return
    expect_failure("try as the user it runs as", "stats", pid, user=NOBODY)


def without_control():
    for options in ("", "control=off"):
        with Target(options=options) as target:
            assert target.threads() == 1 and not target.listens()
            expect_failure("start it with 'mallow run'", "stats", target.pid)
            if os.geteuid() == 0:
                expect_failure("try as the user it runs as", "stats", target.pid, user=NOBODY)
    with Target(preload="") as target:
        expect_failure("does not run on Mallow", "stats", target.pid)
    gone = subprocess.Popen(["true"])
    gone.wait()
    expect_failure("there is no process", "trim", gone.pid)


def impostor():
    """A process that listens at another process's name is not accepted as that process."""
    with Target(options="") as target, socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0" + socket_name(target.pid))
        listener.listen()
        expect_failure("belongs to another process", "stats", target.pid)


def stopped():
    """The command notices a stopped process at once, without waiting for an answer."""
    with Target() as target:
        os.kill(target.pid, signal.SIGSTOP)
        wait_until(lambda: state_of(target.pid) == "T")
        expect_failure(f"is stopped: resume it with 'kill -CONT {target.pid}'", "stats",
                       target.pid)
        os.kill(target.pid, signal.SIGCONT)
        check_answers(target.pid)


def true_causes():
    """The message names the actual cause, not the most frequent one."""
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    expect_failure("has ended", "stats", zombie.pid)
    zombie.wait()
    if os.geteuid() != 0:
        return
    if not os.access("/proc/1/maps", os.R_OK):
        expect_failure("even root may not inspect it", "stats", 1)
    if os.path.exists("/proc/2/status") and "VmSize" not in open("/proc/2/status").read():
        expect_failure("process 2 is a kernel thread", "stats", 2)
    for wrapper, text in ((["unshare", "-m", "sh", "-c", 'umount -l /proc; exec "$@"', "sh"],
                           "/proc is not mounted"),
                          (["unshare", "-pf"], "/proc belongs to another PID namespace")):
        if subprocess.run([*wrapper, "true"], capture_output=True).returncode == 0:
            done = subprocess.run([*wrapper, MALLOW, "stats", "4000000"], capture_output=True,
                                  text=True)
            assert done.returncode == 125 and text in done.stderr, (wrapper, done)


def wrapper():
    """The PID of 'mallow run' means the program that it runs, from its start on."""
    for command_line in ([MALLOW, "run"], [MALLOW, "run", "--no-summary", "--", MALLOW, "run"]):
        with subprocess.Popen([*command_line, "--log=/dev/null", TARGET], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
            command("stats", run.pid)  # The program may not run yet.
            pid = int(run.stdout.readline().split()[1])
            wait_until(lambda: command("stats", pid).returncode == 0)
            assert json.loads(answer("stats", "--json", run.pid))["pid"] == pid
            assert json.loads(answer("leaks", "--json", run.pid))["pid"] == pid
            run.stdin.close()
            assert run.wait() == 0


def by_run():
    with subprocess.Popen([MALLOW, "run", "--log=/dev/null", TARGET], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        pid = int(run.stdout.readline().split()[1])
        wait_until(lambda: command("stats", pid).returncode == 0)
        check_trim(pid)
        thread = max(map(int, os.listdir(f"/proc/{pid}/task")))
        expect_failure(f"is a thread of process {pid}", "stats", thread)
        run.stdin.close()
        assert run.wait() == 0


for kind in ("idle", "busy", "fork", "closefrom"):
    with Target(kind) as one:
        check_answers(one.pid)
        check_trim(one.pid, busy=kind == "busy")
        check_answers(one.pid)
with Target() as one:
    assert one.threads() == 3
    check_page(one.pid)
    check_trim_text(one.pid)
    bad_clients(one.pid)
    other_users(one.pid)
    assert one.threads() == 3
with Target(preload="", program=STATIC) as one:
    wait_until(one.listens)
    check_answers(one.pid)
without_control()
impostor()
stopped()
true_causes()
wrapper()
by_run()
