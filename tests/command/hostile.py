#!/usr/bin/python3
"""The command survives malicious answers, logs and files: it ends, with a message if it cannot
continue, and writes no control characters from them to the terminal.

Usage: hostile.py MALLOW
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

(MALLOW,) = sys.argv[1:]
os.environ.pop("MALLOW_OPTIONS", None)
PATIENCE = 300  # seconds after which a command counts as hanging
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

ANSWER = b"""ok
definitely lost: 96 bytes in 2 blocks, and through them 16 bytes in 1 block; one of 48 bytes at 0x10: 61 |a|
    #0 0x1234 in /nowhere/liba.so+0x12
    #1 0x1235 in main at lose.c:11 (/nowhere/b+0x13)
in all definitely lost: 96 bytes in 2 blocks
in all indirectly lost: 16 bytes in 1 block
in all possibly lost: 0 bytes in 0 blocks
in all still reachable: 5 bytes in 1 block
stopped 2 threads for 608 microseconds; 1 could not be stopped: blocks that only such a thread points to may be listed as lost
"""


class Impostor:
    """Listens at the name of this process's control thread, and sends arbitrary answers."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        namespace = os.stat("/proc/self/ns/pid").st_ino
        self.listener.bind(f"\0mallow.{namespace}.{os.getpid()}")
        self.listener.listen()
        self.listener.settimeout(PATIENCE)

    def answer(self, answer, *arguments):
        """Runs the command with that answer: bytes, or a function that gets the connection.

        Returns the command's status, standard output and standard error."""
        command = subprocess.Popen([MALLOW, *arguments, str(os.getpid())], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        client, _ = self.listener.accept()
        client.settimeout(None)
        server = threading.Thread(target=self.serve, args=(client, answer, command))
        server.start()
        out, error = command.communicate(timeout=PATIENCE)
        server.join()
        assert command.returncode >= 0, (arguments, command.returncode, error)
        return command.returncode, out, error

    @staticmethod
    def serve(client, answer, command):
        with client:
            try:
                client.recv(64)
                if callable(answer):
                    answer(client, command)
                else:
                    client.sendall(answer)
            except (BrokenPipeError, ConnectionResetError):
                pass  # The command has closed the connection.


def expect_no_control(*texts):
    for text in texts:
        text = text.decode(errors="surrogateescape").replace("\n", "").replace("\t", "")
        assert not CONTROL.search(text), text
        assert not re.search("[\udc80-\udc9f]", text), text


# ---- answers ----


def whole(impostor):
    status, out, _ = impostor.answer(ANSWER, "leaks")
    assert status == 1 and b"#0 0x1234 in /nowhere/liba.so+0x12\n" in out, out
    status, out, _ = impostor.answer(ANSWER, "leaks", "--json")
    result = json.loads(out)
    assert len(result["groups"][0]["stack"]) == 2 and result["threads_missed"] == 1, result


def rest(impostor):
    """Lost blocks for which the check had no room are one group without an address."""
    line = b"definitely lost: 30 bytes in 3 blocks; in groups for which the leak check had no room\n"
    answer = ANSWER.replace(b"in all definitely", line + b"in all definitely")
    status, out, _ = impostor.answer(answer, "leaks")
    assert status == 1 and line in out, out
    rest = json.loads(impostor.answer(answer, "leaks", "--json")[1])["groups"][1]
    assert rest["blocks"] == 3 and rest["address"] is None and rest["stack"] == [], rest


def cut(impostor):
    """The answer ends in the middle of a line, after a line, or before the last newline."""
    ends = [i + 1 for i, c in enumerate(ANSWER) if c == ord("\n")]
    places = ends[:-1] + [end - 8 for end in ends[1:]] + [len(ANSWER) - 1, 1]
    for place in places:
        status, _, error = impostor.answer(ANSWER[:place], "leaks")
        assert status == 125 and error.startswith(b"mallow leaks: "), (place, error)


def controls(impostor):
    bad = b"\033[2J\033]0;x\007\x9b1m\xc2\x9b\x7f\r\x08\0end"
    for answer in (b"ok\n" + bad + b"\n", b"error " + bad + b"\n", bad, b"ok" + bad):
        for request in ("stats", "info", "leaks", "trim"):
            _, out, error = impostor.answer(answer, request)
            expect_no_control(out, error)
    answer = ANSWER.replace(b"61 |a|", b"61 |" + bad + b"|").replace(b"liba", bad + b"\xff\"\\")
    status, out, error = impostor.answer(answer, "leaks")
    assert status == 1 and b"end" in out, out
    expect_no_control(out, error)
    status, out, error = impostor.answer(answer, "leaks", "--json")
    assert "\ufffd\"\\" in json.loads(out.decode())["groups"][0]["stack"][0], out


def endless(impostor):
    def send(client, _):
        client.sendall(b"ok\n")
        while True:
            client.sendall(b"x" * 65536)

    status, out, error = impostor.answer(send, "info")
    assert status == 125 and out == b"" and b"is longer than" in error, error


def slow(impostor):
    """Each piece of the answer arrives in time, but the whole does not."""
    def send(client, command):
        client.sendall(b"ok\n")
        while command.poll() is None:
            client.sendall(b"x")
            time.sleep(0.5)

    status, out, error = impostor.answer(send, "info")
    assert status == 125 and out == b"" and b"in time" in error, error


def interrupted(impostor):
    """A command that was stopped continues to read the answer."""
    def send(client, command):
        client.sendall(b"ok\nfirst\n")
        for _ in range(5):
            time.sleep(0.02)
            command.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, command.pid, os.WSTOPPED | os.WNOWAIT)
            command.send_signal(signal.SIGCONT)
        client.sendall(b"second\n")

    status, out, error = impostor.answer(send, "info")
    assert status == 0 and out == b"first\nsecond\n", error


def frames(impostor, work):
    """A file that a frame names is not opened if the process has not mapped it."""
    pipe = os.path.join(work, "pipe")
    os.mkfifo(pipe)
    for path in (pipe.encode(), b"/dev/tty", b"/proc/kmsg", MALLOW.encode()):
        answer = ANSWER.replace(b"/nowhere/liba.so+0x12", path + b"+0x5000")
        status, out, error = impostor.answer(answer, "leaks")
        assert status == 1 and b"#0 0x1234 in " + path + b"+0x5000\n" in out, (out, error)
    # The file that is mapped at the address gives the function's name, whatever the frame says.
    with open("/proc/self/maps") as maps:
        line = next(line for line in maps if re.search(r"r-xp .*/libc\.so", line))
    start = int(line.split("-")[0], 16)
    answer = ANSWER.replace(b"0x1234 in /nowhere/liba.so", b"%#x in %s" % (start + 4096, pipe.encode()))
    status, out, error = impostor.answer(answer, "leaks")
    assert status == 1 and b" in /nowhere" not in out and error == b"", (out, error)


# ---- files ----


def symbolize(text):
    done = subprocess.run([MALLOW, "symbolize"], input=text, capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0 and done.stderr == b"", done
    return done.stdout


def build(work, name, *arguments, source=None):
    path = os.path.join(work, name)
    if source is not None:
        with open(path + ".s", "w") as file:
            file.write(source)
    subprocess.run(["gcc", "-nostdlib", "-o", path, *arguments, *([path + ".s"] if source else [])],
                   check=True)
    return path


def frame(path, offset=0x1001):
    return b"    #0 0x12 in %s+%#x\n" % (path.encode(), offset)


def address_of(path, name):
    symbols = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout
    return next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(" " + name))


NESTED = """
    .text
    .globl deep
    .type deep, @function
deep: .rept 16; nop; .endr
    .size deep, . - deep
    .section .debug_abbrev
    .uleb128 1, 0x11; .byte 1; .uleb128 0x11, 1, 0x12, 7, 0, 0
    .uleb128 2, 0x39; .byte 1; .uleb128 0, 0
    .byte 0
    .section .debug_info
    .long end - begin
begin: .short 4; .long 0; .byte 8
    .uleb128 1; .quad deep; .quad 16
    .rept DEPTH; .uleb128 2; .endr
    .rept DEPTH; .byte 0; .endr
    .byte 0
end:
"""


def nested(work):
    """Deeply nested debug information lacks the function, which only the symbol table has."""
    for depth in (100, 30000, 200000):
        path = build(work, f"nested{depth}", "-shared", source=NESTED.replace("DEPTH", str(depth)))
        line = frame(path, address_of(path, "deep") + 1)
        out = symbolize(100 * line)
        assert out.count(b" in deep (") == 100, (depth, out[:200])


def expanding_name(work):
    """A mangled name whose parts refer to each other twice would be gigabytes long."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    name = "_Z1fI1AIiiE" + "".join(f"S0_IS{digits[i]}_S{digits[i]}_E" for i in range(1, 24)) + "Evv"
    path = build(work, "expanding", "-shared", source=f".globl {name}\n.type {name}, @function\n"
                 f"{name}: .rept 16; nop; .endr\n.size {name}, . - {name}\n")
    out = symbolize(frame(path, address_of(path, name) + 1))
    assert len(out) < 20000 and name.encode() in out, out[:200]


def controls_in_names(work):
    path = build(work, "names", "-shared", source=".globl marked_name\n.type marked_name, @function\n"
                 "marked_name: .rept 16; nop; .endr\n.size marked_name, . - marked_name\n")
    address = address_of(path, "marked_name")
    with open(path, "r+b") as file:
        data = file.read().replace(b"marked_name", b"ma\033[2J\n\xc2\x9bex")
        file.seek(0)
        file.write(data)
    out = symbolize(frame(path, address + 1))
    assert out.count(b"\n") == 1 and b"ma?[2J?" in out, out
    expect_no_control(out)


def odd_files(work):
    """Only programs and shared objects are read, and the command does not wait for a pipe."""
    pipe = os.path.join(work, "other-pipe")
    os.mkfifo(pipe)
    relocatable = build(work, "relocatable", "-g", "-c", source=".globl f\nf: nop\n")
    for path in (pipe, relocatable, "/dev/null", "/dev/tty", work, "/proc/self/mem"):
        assert symbolize(frame(path)) == frame(path), path
    # A pipe in the place of the separate debug information.
    linked = build(work, "linked", "-shared", source=".globl f\nf: nop\n")
    with open(os.path.join(work, "away"), "w") as file:
        file.write("x")
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={work}/away", linked], check=True)
    os.remove(os.path.join(work, "away"))
    os.mkfifo(os.path.join(work, "away"))
    symbolize(frame(linked))


def truncated(work):
    """A file is truncated while the command reads it."""
    path = build(work, "truncated", "-shared", "-g", source=".globl f\n.type f, @function\n"
                 "f: .rept 64; nop; .endr\n.size f, . - f\n")
    address = address_of(path, "f")
    command = subprocess.Popen([MALLOW, "symbolize"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lines = []
    for offset in (1, 10, 20):
        command.stdin.write(frame(path, address + offset))
        command.stdin.flush()
        lines.append(command.stdout.readline())
        os.truncate(path, 0)
    rest, _ = command.communicate(b"rest\n", timeout=PATIENCE)
    assert command.returncode == 0 and rest == b"rest\n", (command.returncode, lines, rest)
    assert b" in f " in lines[0] and all(line.startswith(b"    #0 ") for line in lines), lines


# ---- logs ----


def logs(work):
    log = os.path.join(work, "log")
    places = [b"@ %s:(a+0x1)[0x2]" % (work.encode() + b"/other-pipe"),
              b"@ \xff\"\\\033[2J\x9b:(\"b+0x1)[0x2]", b"@ x\033]0;:[0x5]", b"@ [0x7]"]
    with open(log, "wb") as file:
        file.write(b"= Start\n")
        for i, place in enumerate(places):
            file.write(b"%s + %#x 0x10\n" % (place, 4096 * (i + 1)))
            file.write(b"%s - %#x\n" % (place, 4096 * (i + 100)))
    for options in ([], ["--json"]):
        done = subprocess.run([MALLOW, "mtrace", *options, log], capture_output=True, timeout=PATIENCE)
        assert done.returncode == 1 and done.stderr == b"", done
        expect_no_control(done.stdout)
    result = json.loads(done.stdout.decode())
    assert len(result["errors"]) == 4 and len(result["not_freed"]) == 4, result


with tempfile.TemporaryDirectory() as folder:
    here = Impostor()
    for answers in (whole, rest, cut, controls, endless, interrupted, slow):
        answers(here)
    frames(here, folder)
    for files in (nested, expanding_name, controls_in_names, odd_files, truncated, logs):
        files(folder)
