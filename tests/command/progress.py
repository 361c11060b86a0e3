#!/usr/bin/python3
"""The progress bar appears on a terminal while functions are looked up for more than a second, fits
the terminal's width, and leaves nothing on the screen. A preloaded library makes the time pass.

Usage: progress.py MALLOW FAKE_CLOCK
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

import profile_writer as w

MALLOW, FAKE_CLOCK = sys.argv[1:3]
PLACES = 40
BAR = re.compile(r"looking up functions \[(#*) *\] +(\d+) %")
os.environ.pop("LD_PRELOAD", None)
os.environ["TERM"] = "xterm"


def write_profile(path, missing):
    """One module whose functions are in the symbol cache, and one whose file has changed."""
    text = w.process() + w.modules(
        w.module(0x10000, 0x20000, 0, b"/nowhere/program", b"A" * 20),
        w.module(0x30000, 0x40000, 0, missing, b"B" * 20))
    places = [0x10000 + 16 * i for i in range(PLACES)] + [0x30010 + 16 * i for i in range(PLACES)]
    text += w.stacks(*((i, 0, place + 1) for i, place in enumerate(places, 1)))
    text += w.snapshot(6 * w.SECOND) + w.sites(
        *(w.site(i, (1, 1, 9, 0), (1, 1, 9, 0)) for i in range(1, len(places) + 1))) + w.done()
    path.write_bytes(text)


def on_terminal(profile, step, columns=80, **environment):
    """Returns what the command writes to standard output, and to a terminal as standard error."""
    master, terminal = pty.openpty()
    if columns is not None:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    run = subprocess.Popen([MALLOW, "sites", profile], stdout=subprocess.PIPE, stderr=terminal,
                           env=dict(os.environ, LD_PRELOAD=FAKE_CLOCK, CLOCK_STEP_MS=str(step),
                                    **environment))
    os.close(terminal)
    seen = b""
    try:
        while piece := os.read(master, 65536):
            seen += piece
    except OSError:
        pass  # Linux reports the end of a terminal's output as EIO.
    os.close(master)
    output = run.communicate(timeout=60)[0].decode()
    assert run.returncode == 0, (run.returncode, seen)
    return output, seen.decode()


def screen(text, columns):
    """Returns the lines of a terminal that shows the text, and the longest line that was shown."""
    lines, at, longest = [""], 0, 0
    for part in re.findall(r"\r\n|\r|\033\[K|[^\r\033]+", text):
        if part == "\r\n":
            lines, at = lines + [""], 0
        elif part == "\r":
            at = 0
        elif part == "\033[K":
            lines[-1] = lines[-1][:at]
        else:
            lines[-1] = lines[-1][:at] + part + lines[-1][at + len(part):]
            at += len(part)
            if "%" in part:
                longest = max(longest, at)
    assert longest < columns, (longest, columns, text)
    return lines


try:
    os.close(os.dup(pty.openpty()[0]))
except OSError as error:
    print(f"no terminal is available: {error}")
    sys.exit(77)  # skipped
with tempfile.TemporaryDirectory() as temporary:
    folder = Path(temporary)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    names = w.Names(folder / "cache")
    names.write(b"A" * 20, {16 * i: [(i + 1, False, f"function_{i}", "file.c")]
                            for i in range(PLACES)})
    changed = folder / "changed"
    changed.write_bytes(Path("/bin/true").read_bytes())
    path = folder / "profile"
    write_profile(path, str(changed).encode())
    message = f"mallow sites: {changed} has changed since the profile was written: its functions " \
        "are unknown"

    plain = subprocess.run([MALLOW, "sites", path], capture_output=True, text=True, check=True)
    assert plain.stderr == message + "\n", plain.stderr
    for step, wanted in ((0, False), (1, False), (100, True), (400, True)):
        output, seen = on_terminal(path, step)
        assert output == plain.stdout, "the bar changed the result"
        assert screen(seen, 80) == [message, ""], (step, seen)
        bars = BAR.findall(seen)
        assert bool(bars) == wanted, (step, seen)
        if wanted:
            figures = [int(percent) for _, percent in bars]
            assert figures == sorted(figures) and figures[-1] <= 100, figures
            assert any(30 < figure < 70 for figure in figures), figures
            assert all(abs(len(full) - int(percent) * 30 / 100) <= 1 for full, percent in bars), bars
    for columns in (None, 0, 10, 25, 40, 50, 60, 200):
        _, seen = on_terminal(path, 100, columns)
        assert "%" in seen and screen(seen, columns or 80) == [message, ""], (columns, seen)
        assert bool(BAR.search(seen)) == (not columns or columns >= 40), (columns, seen)
    for terminal in ("dumb", ""):
        _, seen = on_terminal(path, 400, TERM=terminal)
        assert bool("%" in seen) == (terminal == ""), (terminal, seen)
    # Without a terminal there is nothing, however long it takes.
    slow = subprocess.run([MALLOW, "sites", path], capture_output=True, text=True, check=True,
                          env=dict(os.environ, LD_PRELOAD=FAKE_CLOCK, CLOCK_STEP_MS="400"))
    assert (slow.stdout, slow.stderr) == (plain.stdout, plain.stderr), slow
