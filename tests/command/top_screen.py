#!/usr/bin/python3
"""mallow top on terminals: views, keys, sizes, what it leaves behind.

Usage: top_screen.py MALLOW LIBRARY BUSY NAMES [CHECK...]
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "top"))
from tmux import Screen, Target, wait_until

MALLOW, LIBRARY, BUSY, NAMES, *CHECKS = sys.argv[1:]
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS", "NO_COLOR":
    os.environ.pop(name, None)
SLOW = "100000"  # microseconds between two turns of BUSY
VIEWS = ["Overview", "Sites", "Classes", "Threads", "Processes"]


def busy(sites=300, threads=5, turn=SLOW, options="control=on,sample=512"):
    return Target(LIBRARY, BUSY, str(sites), str(threads), turn, options=options)


def open_top(screen, *arguments):
    screen.enter(f"{MALLOW} top " + " ".join(map(str, arguments)))
    screen.expect(r"^mallow top  ")


def quit_top(screen, status=0):
    screen.press("q")
    wait_until(lambda: not screen.is_alternate())
    screen.enter("echo status $?")
    screen.expect(rf"^status {status}$")


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def expect_tidy(screen, columns, rows):
    """What the terminal shows after many small changes is what it shows if all is drawn anew."""
    screen.expect_not(r"\+0x")  # all functions have been looked up
    screen.press("p")
    screen.expect("PAUSED")
    time.sleep(0.3)
    before = screen.lines()
    assert len(before) == rows and all(width(line) <= columns for line in before), before
    screen.press("C-l")
    time.sleep(0.3)
    after = screen.lines()
    assert before == after, "\n".join(before + ["--- redrawn:"] + after)
    assert not re.search("[\x00-\x1f\x7f-\x9f\ufffd]", "".join(after)), after
    screen.press("p")
    screen.expect_not("PAUSED")


def table(screen, title):
    """Returns the titles and the rows of the table, as words."""
    lines = screen.lines()
    start = next(i for i, line in enumerate(lines) if title in line.split())
    rows = [line for line in lines[start + 1:-1] if line.strip()]
    return lines[start].split(), [row.split() for row in rows]


def number(word):
    units = {"k": 1e3, "K": 1024, "M": 1024**2, "G": 1024**3}
    return float(word[:-1]) * units[word[-1]] if word[-1] in units else float(word)


def shows_views(columns, rows):
    with busy() as target, Screen(columns, rows) as screen:
        open_top(screen, target.pid)
        screen.expect(rf"{target.pid} command_busy", r"^live +\d", r"^resident +\d",
                      r"^allocated +\d.*calls/s", r"^cached", "OVER TIME", "^live blocks", "now$")
        for key, name, titles, row in [
                ("2", "Sites", "LIVE .* SITE", r"busy_thread \(busy\.c\)"),
                ("3", "Classes", "SIZE .* OF LIVE", r"^ +10\.0K +200\.0K"),
                ("4", "Threads", "TID .* NAME", rf"^ +{target.pid} S .*command_busy"),
                ("5", "Processes", "PID .* PROGRAM", rf"^ +{target.pid} .*command_busy 300"),
                ("1", "Overview", "WHAT THE RESIDENT", r"metadata .*\[\|")]:
            screen.press(key)
            screen.expect(rf"\[{key} {name}\]", titles, row)
            expect_tidy(screen, columns, rows)
        for name in VIEWS[1:] + VIEWS[:1]:
            screen.press("Tab")
            screen.expect(rf"\[\d {name}\]")
        screen.press("?")
        screen.expect("this help")
        screen.press("Escape")
        screen.expect_not("this help")
        quit_top(screen)


def shows_views_at_80_columns():
    shows_views(80, 24)


def shows_views_at_200_columns():
    shows_views(200, 50)


def follows_keys():
    with busy() as target, Screen(100, 30) as screen:
        open_top(screen, "--view=sites --by=stack", target.pid)
        screen.expect(r"busy_thread")
        screen.press("/")
        screen.expect("^filter:")
        screen.type("BUSY_LEFTx")
        screen.press("BSpace", "Enter")
        screen.expect_not("busy_thread")
        lines = screen.expect("filter: BUSY_LEFT", "busy_left")
        assert "busy_right" not in "\n".join(lines), lines
        screen.press("Escape")
        screen.expect("busy_thread")
        screen.press("p")
        screen.expect("PAUSED")
        titles, rows = table(screen, "LIVE")
        live = [number(row[0]) for row in rows]
        assert len(live) > 10 and live == sorted(live, reverse=True), rows
        screen.press("r")
        time.sleep(0.5)
        live = [number(row[0]) for row in table(screen, "LIVE")[1]]
        assert live == sorted(live), live
        screen.press("r", ">", ">")  # by BLOCKS
        time.sleep(0.5)
        blocks = [number(row[2]) for row in table(screen, "LIVE")[1]]
        assert blocks == sorted(blocks, reverse=True), blocks
        first = screen.lines()[7]
        screen.press("End")
        time.sleep(0.3)
        assert screen.lines()[7] != first
        screen.press("Home")
        time.sleep(0.3)
        assert screen.lines()[7] == first
        screen.press("/")
        screen.type("busy_right")
        screen.press("Enter", "Enter")  # the stack of the first one
        screen.expect("CALLED BY", r"^  0  busy_right \(busy\.c:\d+\)")
        screen.press("End")
        screen.expect(r"^ 30  main \(busy\.c:\d+\)")
        screen.press("Escape")
        screen.expect("LIVE .* SITE")
        screen.press("Escape", "p", "g", "<", "<")
        screen.expect(r"busy_thread \(busy\.c\)")
        screen.press("+")
        screen.expect("every 2.0s")
        screen.press("-", "-")
        screen.expect("every 500ms")
        quit_top(screen)


def fits_each_size():
    with busy() as target, Screen(80, 24) as screen:
        open_top(screen, target.pid)
        screen.expect("WHAT THE RESIDENT")
        for columns, rows in [(120, 40), (20, 5), (200, 50), (1, 1), (40, 10), (80, 24)]:
            for view in "12345":
                screen.press(view)
                screen.resize(columns, rows)
                if columns >= 40:
                    screen.expect(rf"\[{view} ")
                    wait_until(lambda: len(screen.lines()) == rows and
                               screen.lines()[-1].startswith("q quit"), screen.text)
                elif columns > 1:
                    screen.expect("mallow top")
        expect_tidy(screen, 80, 24)
        quit_top(screen)


def keeps_the_last_figures():
    with busy() as target, Screen() as screen:
        open_top(screen, "--view=sites", target.pid)
        screen.expect("busy_thread")
        target.end()
        screen.expect(rf"process {target.pid} has ended", "ENDED", "busy_thread", r"^live +\d")
        for view in "12345":
            screen.press(view)
            screen.expect(rf"\[{view} ")
        quit_top(screen)


def says_that_a_process_is_stopped():
    with busy() as target, Screen() as screen:
        open_top(screen, target.pid)
        screen.expect("OVER TIME")
        os.kill(target.pid, signal.SIGSTOP)
        screen.expect(rf"process {target.pid} does not answer")
        os.kill(target.pid, signal.SIGCONT)
        screen.expect_not("does not answer")
        quit_top(screen)


def terminal_state(screen, word):
    screen.enter(f"echo {word}; stty -g")
    lines = screen.expect(rf"^{word}\n[0-9a-f:]+$")
    return lines[lines.index(word) + 1]


def restores_the_terminal():
    with busy() as target, Screen() as screen:
        before = terminal_state(screen, "before")
        open_top(screen, target.pid)
        screen.expect("OVER TIME")
        assert screen.is_alternate()
        screen.press("C-z")
        wait_until(lambda: not screen.is_alternate())
        screen.expect("Stopped")
        assert terminal_state(screen, "stopped") == before
        screen.enter("fg")
        screen.expect("OVER TIME", "^q quit")
        assert screen.is_alternate()
        os.kill(screen.job(), signal.SIGSTOP)  # gives no time to restore anything
        screen.expect("Stopped")
        screen.enter("fg")
        screen.expect_not("Stopped")
        screen.press("2")  # a key that the terminal would not pass on without a line's end
        screen.expect(r"\[2 Sites\]")
        screen.press("1")
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            if number == signal.SIGINT:
                screen.press("C-c")
            else:
                os.kill(screen.job(), number)
            wait_until(lambda: not screen.is_alternate())
            screen.enter("echo status $?")
            screen.expect(rf"^status {128 + number}$")
            assert terminal_state(screen, f"after{int(number)}") == before
            screen.enter("clear")
            open_top(screen, target.pid)
            screen.expect("OVER TIME")
        quit_top(screen)
        assert terminal_state(screen, "end") == before


def is_sampled(target):
    return subprocess.run([MALLOW, "sites", str(target.pid)], capture_output=True).returncode == 0


def turns_sampling_on_and_off():
    with busy(turn="100", options="control=on") as target, Screen() as screen:
        for ending in "q", "C-c":
            assert not is_sampled(target)
            open_top(screen, "--view=sites", target.pid)
            screen.expect("sampling off", "Press s to turn it on", "unknown without samples")
            screen.press("s")
            screen.expect(r"busy_(left|right)", r"1 sample in 64\.0K \(s: off\)")
            assert is_sampled(target)
            screen.press(ending)
            wait_until(lambda: not screen.is_alternate())
            wait_until(lambda: not is_sampled(target))
            screen.enter("clear")
    with busy() as target, Screen() as screen:
        open_top(screen, "--view=sites", target.pid)
        screen.expect("busy_thread")
        screen.press("s")
        screen.expect("samples its allocations already")
        quit_top(screen)
        assert is_sampled(target)


def lists_processes():
    with busy() as one, busy(sites=10) as other, Screen(100, 30) as screen:
        open_top(screen)
        screen.expect(rf"^ +{one.pid} .*command_busy 300", rf"^ +{other.pid} .*command_busy 10 ")
        screen.press("/")
        screen.type("command_busy 10 ")
        screen.press("Enter")
        screen.expect_not(rf"^ +{one.pid} ")
        screen.press("Enter")
        screen.expect(rf"^mallow top  {other.pid} command_busy", r"\[1 Overview\]")
        screen.press("5", "Escape")
        screen.expect(rf"^ +{one.pid} ")
        one.end()
        screen.expect_not(rf"^ +{one.pid} ")
        quit_top(screen)


def suits_each_terminal():
    with busy() as target:
        for terminal in "vt100", "xterm", "xterm-256color", "linux", "screen":
            with Screen(80, 24, TERM=terminal) as screen:
                open_top(screen, target.pid)
                screen.expect("OVER TIME", "^live blocks")
                if terminal in ("vt100", "linux"):
                    assert screen.text().isascii(), screen.text()
                expect_tidy(screen, 80, 24)
                quit_top(screen)
        with Screen(80, 24, LANG="C") as screen:
            open_top(screen, target.pid)
            screen.expect("OVER TIME", "# live  - resident")
            assert screen.text().isascii(), screen.text()
            quit_top(screen)
        for variables, has_color in ({}, True), ({"NO_COLOR": "1"}, False):
            with Screen(80, 24, **variables) as screen:
                open_top(screen, target.pid)
                screen.expect("OVER TIME", "^live blocks")
                colors = re.search(r"\x1b\[[0-9;]*[34][0-7]m", screen.text("-e"))
                assert (colors is not None) == has_color, variables
                quit_top(screen)


def shows_any_name():
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "漢字\x1b[31m\x9b\xff\u202e\ne\u0301 " .replace("\xff", "y")
        shutil.copy(NAMES, program)
        with Target(LIBRARY, str(program), options="control=on,sample=512") as target:
            for columns in 80, 81, 200:
                with Screen(columns, 24) as screen:
                    open_top(screen, "--view=sites", target.pid)
                    screen.expect("漢字漢字", "größe", "very::", "mallow top  .*漢字")
                    if columns < 90:  # it is cut where its columns end, not its characters
                        screen.expect(r"[漢字]…$", r"^ .*<.*…$|very::.*…$")
                    expect_tidy(screen, columns, 24)
                    screen.press("5")
                    screen.expect("PROGRAM", "漢字")
                    assert "\u202e" not in screen.text() and "31m?" in screen.text()
                    expect_tidy(screen, columns, 24)
                    quit_top(screen)
            with Screen(80, 24, LANG="C") as screen:
                open_top(screen, "--view=sites", target.pid)
                screen.expect("gr[?]", "very::")
                assert screen.text().isascii()
                quit_top(screen)


def stays_tidy_with_many_sites():
    with busy(10000, 1000, "200", "control=on,sample=64") as target:
        for columns, rows in (80, 24), (200, 50):
            with Screen(columns, rows) as screen:
                open_top(screen, "-d 0.2", target.pid)
                screen.expect("OVER TIME")
                for view, row in ("2", "busy_thread"), ("4", "worker-"), ("3", "10.0K"):
                    screen.press(view)
                    screen.expect(row)
                    for key in "NPage", "NPage", "End", "PPage", "Home":
                        screen.press(key)
                        time.sleep(0.3)
                    expect_tidy(screen, columns, rows)
                quit_top(screen)


if shutil.which("tmux") is None:
    print("tmux is missing")
    sys.exit(77)
with tempfile.TemporaryDirectory() as cache:
    os.environ["XDG_CACHE_HOME"] = cache
    for check in (shows_views_at_80_columns, shows_views_at_200_columns, follows_keys,
                  fits_each_size, keeps_the_last_figures, says_that_a_process_is_stopped,
                  restores_the_terminal, turns_sampling_on_and_off, lists_processes,
                  suits_each_terminal, shows_any_name, stays_tidy_with_many_sites):
        if not CHECKS or check.__name__ in CHECKS:
            check()
