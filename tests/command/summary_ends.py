#!/usr/bin/python3
"""'mallow run' prints a summary however the program ends, and says why a figure is missing.

Usage: summary_ends.py MALLOW ENDS ENDS_FIXED STATIC
"""

import json
import os
import signal
import subprocess
import sys

MALLOW, ENDS, ENDS_FIXED, STATIC = sys.argv[1:]
os.environ.pop("MALLOW_OPTIONS", None)
ALLOCATED, LIVE = 10, 7  # blocks of 1000 bytes in ends.c


def run(*command, options=()):
    done = subprocess.run([MALLOW, "run", *options, "--", *command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr


def figures(*command, options=()):
    status, text = run(*command, options=("--json", *options))
    lines = [line for line in text.splitlines() if line.startswith("{")]
    assert len(lines) == 1, (command, text)
    return status, json.loads(lines[0])


def check_agreement(found):
    """All figures describe the same moment, and the classes add up to the totals."""
    rows = found["classes"]
    for name in ("allocations", "live_blocks", "live_bytes"):
        assert sum(row[name] for row in rows) == found[name], (name, found)
    assert found["live_blocks"] == found["allocations"] - found["frees"], found
    assert found["live_bytes"] <= found["live_peak_bytes"], found
    for row in rows:
        assert row["live_blocks"] <= row["allocations"], row
        if row["size"]:
            assert row["live_bytes"] <= row["live_blocks"] * row["size"], row
    assert found["resident_peak_bytes"] > 0, found


def check_counts(found):
    check_agreement(found)
    row = next(row for row in found["classes"] if row["size"] and row["size"] >= 1000)
    assert ALLOCATED <= row["allocations"] < ALLOCATED + 5, row
    assert LIVE <= row["live_blocks"] < LIVE + 5, row


for way, expected in (("exit", 0), ("return", 0), ("_exit", 0), ("quick_exit", 0), ("closed", 0),
                      ("abort", 134), ("error", 134), ("filter", 0), (str(int(signal.SIGTERM)), 143),
                      (str(int(signal.SIGKILL)), 137)):
    for check in ((), ("--check",)) if way in ("return", "_exit") else ((),):
        status, found = figures(ENDS, way, options=check)
        assert status == expected, (way, status)
        check_counts(found)
        known = way in ("exit", "return", "closed", "error")
        assert (found["resident_bytes"] is not None) == known, (way, found)
        assert not found["resident_peak_of_children"], (way, found)

# A program at a fixed address that has a symbol named malloc.
_, found = figures(ENDS_FIXED, "return")
check_counts(found)

# The summary says which figure is unknown, and why.
_, text = run(ENDS, "_exit")
assert "unknown: it did not end by exit()" in text, text
_, text = run(ENDS, str(int(signal.SIGKILL)))
assert "unknown: a signal ended it" in text and "killed by signal 9" in text, text

# The kernel has only one peak for a process and the children that it has waited for.
_, found = figures("dash", "-c", f"{sys.executable} -c 0; :")
assert found["resident_peak_of_children"] and found["resident_bytes"] is None, found

# Common programs that close standard error or end by _exit.
for command in (["ls"], ["sort"], ["dash", "-c", ":"], ["bash", "-c", "(exit 0)"]):
    status, text = run(*command)
    assert status == 0 and text.count(f"== Mallow: memory of {command[0]}, process ") == 1, text
    assert " allocation" in text, text
    check_agreement(figures(*command, options=("--check",))[1])

# After an exec the summary describes the new program. If that does not run on Mallow, the summary
# says so.
_, text = run(ENDS, "exec", ENDS, "_exit")
assert "memory of " in text and "which ended as" not in text, text
check_counts(figures(ENDS, "exec", ENDS, "_exit")[1])
_, text = run(ENDS, "exec", STATIC)
name = os.path.basename(STATIC)[:15]
assert f"which ended as {name}" in text, text

_, text = run("env", "-u", "LD_PRELOAD", ENDS)
assert "memory of env, process" in text and "which ended as" in text, text

# A daemon still runs after the program has ended.
with subprocess.Popen([MALLOW, "run", "--", ENDS, "daemon"], stdin=subprocess.PIPE,
                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as daemon:
    number = daemon.stdout.readline().strip()
    text = daemon.stderr.read()
    assert f"process {number}, which it started, is still running" in text, text
    row = next(line.split() for line in text.splitlines() if line.split()[:1] == ["1024"])
    assert int(row[1]) < ALLOCATED + 5, row
    daemon.stdin.close()

# There is no summary if no program ran, or with --no-summary.
status, text = run("/nowhere/to/be/found")
assert status == 127 and "Mallow:" not in text, text
status, text = run(ENDS, "exit", options=("--no-summary",))
assert status == 0 and text == "", text

# Without a statistics page, or with a file that is not one, the library prints the summary itself.
library = os.path.join(os.path.dirname(MALLOW), "libmallow.so")
for page in ("/nowhere", "/dev/null", MALLOW):
    done = subprocess.run([ENDS, "exit"], stderr=subprocess.PIPE, text=True,
                          env={"LD_PRELOAD": library,
                               "MALLOW_OPTIONS": f"stats=exit,stats_page={page}"})
    assert done.returncode == 0 and "== Mallow: memory of" in done.stderr, done
