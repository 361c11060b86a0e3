#!/usr/bin/python3
"""mallow advise names the way that fits what a program does, and is silent about the others.

Usage: programs.py MALLOW COMPILER PROGRAM...
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from advise import MALLOW, advice, run

# The functions, and the ways that fit them. Programs that are not here get no advice.
WAYS = {
    "aligned": {"planted": "aligned"},
    "arena": {"planted": "arena", "planted_name": "arena"},
    "calloc": {"planted": "calloc"},
    "cxx": {"planted": "scratch"},
    "growth": {"planted": "growth factor"},
    "huge_pages": {"planted": "huge pages"},
    "mapping": {"planted": "mapping"},
    "reallocarray": {"planted": "reallocarray"},
    "reservation": {"planted": "reservation"},
    "scratch": {"planted": "scratch"},
    "scratch_threads": {"planted": "scratch"},
    "secret": {"planted": "secret"},
    "stack": {"planted": "stack"},
    "static": {"planted": "static"},
    "tail_call": {"planted": "stack"},
    "wiped": {"planted": "secret"},
    "wrapper": {"planted": "stack"},
}

# What they show depends on the debug information. clang does not describe the calls of functions that
# it knows, such as free.
BY_DEBUG_INFORMATION = "calloc", "reallocarray", "wiped"

# These are not advised for a gain.
SAFE = "secret", "mapping", "reallocarray", "calloc"

folder = tempfile.TemporaryDirectory()
programs = {Path(path).name.removeprefix("advise_"): path for path in sys.argv[3:]}
assert set(WAYS) <= set(programs), programs
assert sum(name.startswith("none_") for name in programs) >= 8, programs

failures = []
for name, program in sorted(programs.items()):
    trace = f"{folder.name}/{name}"
    done = subprocess.run([MALLOW, "run", f"--trace={trace}", "--trace-stacks", "--", program],
                          capture_output=True, text=True)
    assert done.returncode == 0, (name, done)
    answer, ways = advice(trace)
    is_described = sys.argv[2] == "GNU" or name not in BY_DEBUG_INFORMATION
    if ways != WAYS.get(name, {}) and (is_described or ways):
        failures.append((name, ways, answer))
    for one in answer["advice"]:
        gain = one["gain"]
        assert one["mechanism"] in SAFE or gain["nanoseconds"] > 0 or gain["bytes"] > 0, one
        assert one["figures"] and one["evidence"] and one["advice"], one
    text = run("--stacks", trace).stdout
    assert ("nothing speaks for" in text) == (not ways), (name, text)
    for function, way in ways.items():
        assert f"{function} ({name.removesuffix('_threads')}" in text and way in text, (name, text)
assert not failures, failures
