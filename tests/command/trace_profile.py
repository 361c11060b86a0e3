#!/usr/bin/python3
"""Subcommands that read profiles read traces, and their figures are exact.

Usage: trace_profile.py MALLOW WRITER RECORDED: WRITER writes a trace and prints its events; RECORDED forks
"""

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

MALLOW, WRITER, RECORDED = sys.argv[1:]
HEAPTRACK = Path(__file__).parent / "import/heaptrack.zst"
RESIZES, FREES = (3, 4), range(16, 21)


def mallow(*arguments, status=0, errors=""):
    done = subprocess.run([MALLOW, *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == status and re.search(errors, done.stderr), done
    assert errors or not done.stderr, done
    return done.stdout


def table(trace):
    """Returns what `mallow export` says of each site."""
    return list(csv.DictReader(io.StringIO(mallow("export", "--to=csv", trace))))


class Site:
    def __init__(self):
        self.allocated, self.calls, self.live, self.blocks, self.peak, self.temporary = 0, 0, 0, 0, 0, 0

    def change(self, blocks, size):
        self.blocks += blocks
        self.live += blocks * size
        self.peak = max(self.peak, self.live)


def expected(lines):
    """Follows the events, as simply as possible."""
    sites, live = {}, {}

    def release(process, address, time):
        if (process, address) in live:
            site, size, begin = live.pop((process, address))
            site.change(-1, size)
            site.temporary += time - begin < 1000000

    for line in lines:
        kind, _, time, _, process, stack, address, old, size, count, *_ = map(int, line.split())
        size *= count if kind in (2, 4) else 1
        if kind in FREES or kind in RESIZES and (address or size == 0):
            release(process, old, time)
        if kind <= 11 and address:
            release(process, address, time)
            site = sites.setdefault((process, stack), Site())
            site.allocated += size
            site.calls += 1
            site.change(1, size)
            live[process, address] = site, size, time
    return sites


def test_figures():
    for seed in "12":
        printed = subprocess.run([WRITER, "written", seed], check=True, capture_output=True, text=True).stdout
        lines = [line for line in printed.splitlines()[1:] if not line.startswith("frame")]
        sites = expected(lines)
        names = "live_bytes live_blocks allocated_bytes allocated_blocks peak_bytes freed_blocks_within_1ms".split()
        found = Counter((int(row["pid"]) - 100, *(float(row[name]) for name in names)) for row in table("written"))
        wanted = Counter((process, site.live, site.blocks, site.allocated, site.calls, site.peak, site.temporary)
                         for (process, _), site in sites.items())
        assert found == wanted and len(sites) >= 200, (found - wanted, wanted - found)


def test_snapshots():
    """Periodic snapshots lead to the curves of the report."""
    written = json.loads(mallow("export", "--to=json", "written"))
    for process in written["programs"]:
        snapshots = process["snapshots"]
        assert 90 <= len(snapshots) <= 102, len(snapshots)
        times = [snapshot["at"] for snapshot in snapshots]
        assert times == sorted(set(times)) and len({snapshot["live_bytes"] for snapshot in snapshots}) > 50
        assert {snapshot["resident_bytes"] for snapshot in snapshots} != {0}


def test_fork():
    """A child has the blocks of its parent, and does not count as their allocator."""
    subprocess.run([MALLOW, "run", "--no-summary", "--trace=recorded", "--trace-stacks", RECORDED], check=True, capture_output=True)
    rows = [row for row in table("recorded") if row["function"] == "hold"]
    names = "allocated_bytes", "live_bytes", "inherited_bytes"
    sums = [[sum(float(row[name]) for row in rows if row["pid"] == pid) for name in names]
            for pid in dict.fromkeys(row["pid"] for row in rows)]
    assert sums == [[3000, 3000, 0], [700, 2700, 2000]], sums
    assert "of the live bytes were allocated before a fork" in mallow("sites", "recorded")
    leaks = mallow("leaks", "recorded", status=1, errors="|")
    assert "hold (" in leaks and "not freed" in leaks, leaks


def test_names():
    """An imported trace says itself what its functions are called."""
    mallow("import", HEAPTRACK, "-o", "imported")
    text = mallow("sites", "--by=temp", "imported")
    assert text == mallow("sites", "--sort=temporary", "imported") and "of a trace, with each block" in text
    first = text.splitlines()[4]
    assert re.search(r"80 %.* inner \(imported\.c\)", first), text
    stack = mallow("sites", "--by=stack", "--stacks", "imported")
    assert "    inner (/tmp/imported/imported.c:5), inlined\n    outer (/tmp/imported/imported.c:8)\n    main (" in stack, stack
    assert "inner" in mallow("export", "--to=collapsed", "imported")


def test_commands():
    mallow("report", "-o", "page.html", "imported")
    assert Path("page.html").stat().st_size > 100000
    mallow("report", "--diff", "-o", "page.html", "imported", "recorded")
    subprocess.run([WRITER, "one", "1"], check=True, stdout=subprocess.DEVNULL)
    same = mallow("diff", "--top=0", "one", "one")
    assert "inner (" in mallow("diff", "--top=0", "one", "imported") and "inner (" not in same
    mallow("export", "--to=pprof", "-o", "pprof", "imported")
    mallow("sites", HEAPTRACK, status=2, errors="is compressed; if heaptrack wrote it, .mallow import")
    cut = Path("one").read_bytes()[:-1000]
    Path("cut").write_bytes(cut)
    mallow("sites", "cut", errors="the file ends here")


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    test_figures()
    test_snapshots()
    test_fork()
    test_names()
    test_commands()
