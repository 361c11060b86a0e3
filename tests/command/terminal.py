#!/usr/bin/python3
"""Ctrl-C on a terminal reaches the program once: the command does not forward it a second time.

Usage: terminal.py MALLOW
"""

import os
import pty
import sys

PROGRAM = "trap 'echo interrupted' INT; echo ready; until read -r _; do :; done; exit 5"


def read_until(terminal, text):
    seen = b""
    while text not in seen:
        seen += os.read(terminal, 4096)
    return seen


try:
    child, terminal = pty.fork()
except OSError as error:
    print(f"no terminal is available: {error}")
    sys.exit(77)  # skipped
if child == 0:
    os.execv(sys.argv[1], [sys.argv[1], "run", "--", "bash", "-c", PROGRAM])

read_until(terminal, b"ready")
os.write(terminal, b"\x03")
output = read_until(terminal, b"interrupted")
os.write(terminal, b"\n")
_, status = os.waitpid(child, 0)
try:
    while data := os.read(terminal, 4096):
        output += data
except OSError:
    pass  # Linux reports the end of a terminal's output as EIO.

assert os.waitstatus_to_exitcode(status) == 5, f"exit status {status}"
assert output.count(b"interrupted") == 1, output
