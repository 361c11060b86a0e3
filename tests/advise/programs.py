#!/usr/bin/python3
"""mallow advise names the way that fits what a program does, and is silent about the others.

Usage: programs.py MALLOW PROGRAM...
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
    "cxx": {"planted": "scratch"},
    "growth": {"planted": "growth factor"},
    "huge_pages": {"planted": "huge pages"},
    "reservation": {"planted": "reservation"},
    "scratch": {"planted": "scratch"},
    "scratch_threads": {"planted": "scratch"},
    "stack": {"planted": "stack"},
    "static": {"planted": "static"},
    "wrapper": {"planted": "stack"},
}

folder = tempfile.TemporaryDirectory()
programs = {Path(path).name.removeprefix("advise_"): path for path in sys.argv[2:]}
assert set(WAYS) <= set(programs), programs
assert sum(name.startswith("none_") for name in programs) >= 8, programs

failures = []
for name, program in sorted(programs.items()):
    trace = f"{folder.name}/{name}"
    done = subprocess.run([MALLOW, "run", f"--trace={trace}", "--trace-stacks", "--", program],
                          capture_output=True, text=True)
    assert done.returncode == 0, (name, done)
    answer, ways = advice(trace)
    if ways != WAYS.get(name, {}):
        failures.append((name, ways, answer))
    for one in answer["advice"]:
        gain = one["gain"]
        assert gain["nanoseconds"] > 0 or gain["bytes"] > 0, one
        assert one["figures"] and one["evidence"] and one["advice"], one
    text = run("--stacks", trace).stdout
    assert ("nothing speaks for" in text) == (not ways), (name, text)
    for function, way in ways.items():
        assert f"{function} ({name.removesuffix('_threads')}" in text and way in text, (name, text)
assert not failures, failures
