"""Runs mallow advise, for the tests."""

import json
import os
import subprocess
import sys

MALLOW = sys.argv[1]
for name in "MALLOW_OPTIONS", "LD_PRELOAD":
    os.environ.pop(name, None)


def run(*arguments, status=0):
    done = subprocess.run([MALLOW, "advise", *arguments], capture_output=True, text=True)
    assert done.returncode == status, done
    return done


def function(site):
    """The first function of the stack that does not help to allocate: that of the title."""
    return site["title"].split(" (")[0]


def advice(path):
    """Returns the answer, and the ways as {function: way}."""
    answer = json.loads(run("--json", path).stdout)
    ways = {}
    for one in answer["advice"]:
        for site in [one["site"], *one["others"]]:
            assert ways.get(function(site), one["mechanism"]) == one["mechanism"], ways
            ways[function(site)] = one["mechanism"]
    return answer, ways
