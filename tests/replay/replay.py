#!/usr/bin/python3
"""mallow replay repeats the calls of a trace, and says what its figures are worth.

Usage: replay.py MALLOW PRINT RECORDED MAKE SPY
"""

import json
import os
import re
import struct
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

import sys
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "trace"))
from traces import CALLS, FREES, MALLOW, Trace  # noqa: E402

MAKE, SPY = sys.argv[4:6]
folder = tempfile.TemporaryDirectory()
path, log = (str(Path(folder.name, name)) for name in ("trace", "log"))


def make(*arguments):
    subprocess.run([MAKE, path, *map(str, arguments)], check=True)


def replay(*arguments, status=0, **environment):
    done = subprocess.run([MALLOW, "replay", *arguments, path], capture_output=True, text=True,
                          env={**os.environ, **environment})
    assert done.returncode == status, done
    return done


def figures(*arguments, **environment):
    return json.loads(replay("--json", *arguments, **environment).stdout)


# ---- the calls ----

SPIED = ("malloc", "calloc", "realloc", "free", "aligned", "free sized", "free aligned")
EXPECTED = {"malloc": "malloc", "operator new": "malloc", "calloc": "calloc", "realloc": "realloc",
            "posix_memalign": "aligned", "free": "free", "operator delete": "free",
            "free_sized": "free sized", "free_aligned_sized": "free aligned"}


def spied():
    """Returns the calls of each thread, in order: (call, size, alignment, number of the block)."""
    threads, numbers, live, sizes = defaultdict(list), {}, set(), {}
    for thread, call, size, alignment, old, block, touched in struct.iter_unpack("7Q", Path(log).read_bytes()):
        call = SPIED[call]
        assert not old or old in live, "a block is freed that is not live"
        if old:
            live.remove(old)
            written = -(-(old % 4096 + sizes[old]) // 4096) if sizes[old] else 0
            assert touched == written, (call, sizes[old], touched, written)
        if block:
            live.add(block)
            sizes[block] = size
        threads[thread].append((call, size, alignment, old, block))
    return list(threads.values()), len(live)


def recorded(trace):
    threads, sizes = defaultdict(list), {}
    for event in trace.all:
        if event.kind not in EXPECTED:
            continue
        size = event.size * event.count if event.kind == "calloc" else event.size
        call = EXPECTED[event.kind]
        if call == "realloc" and not event.old:
            call = "malloc"
        if call.startswith("free"):
            size = sizes.pop(event.old)
        else:
            sizes.pop(event.old, None)
            sizes[event.address] = size
        threads[event.thread].append((call, size, event.count if "aligned" in call else 0,
                                      event.old, event.address))
    return list(threads.values()), len(sizes)


def check_calls(seed, threads, events):
    """Each thread makes the same calls, and each free frees the block that the trace says."""
    make(seed, threads, events)
    Path(log).unlink(missing_ok=True)
    replay(f"--with={SPY}", "--runs=1", "--pace=fast", SPY_LOG=log)
    (found, found_live), (wanted, wanted_live) = spied(), recorded(Trace(path))
    assert found_live == wanted_live, (found_live, wanted_live)
    assert len(found) == len(wanted), (len(found), len(wanted))
    found.sort(key=lambda calls: [call[:3] for call in calls])
    wanted.sort(key=lambda calls: [call[:3] for call in calls])
    same = {}
    for found_calls, wanted_calls in zip(found, wanted):
        assert [c[:3] for c in found_calls] == [c[:3] for c in wanted_calls]
        for found_call, wanted_call in zip(found_calls, wanted_calls):
            for block, address in zip(found_call[3:], wanted_call[3:]):
                assert bool(block) == bool(address) and same.setdefault(block, address) == address


for seed, threads, events in ((1, 1, 3000), (2, 2, 20000), (3, 7, 30000), (4, 32, 20000), (5, 3, 10)):
    check_calls(seed, threads, events)

# ---- figures ----

make(6, 3, 20000)
result = figures("--with=mallow,glibc", "--runs=3", "--pace=fast")
mallow, glibc = result["allocators"]
assert (mallow["name"], glibc["name"]) == ("mallow", "glibc")
for one in mallow, glibc:
    peak, mean = one["peak_bytes"]["mean"], one["mean_bytes"]["mean"]
    assert result["live_peak_bytes"] * 0.9 < peak < 2 * result["live_peak_bytes"] + 4e6, one
    assert mean < peak and one["failed_calls"] == 0
    assert 1 < one["call_ns"]["mean"] < 1e5 and one["page_faults"]["mean"] > peak / 4096 / 2
    assert one["slowest_ns"]["mean"] >= one["call_ns"]["mean"]
    assert len(one["resident"]) == len(result["seconds"]) == len(result["recorded"])
assert result["calls"] == sum(map(len, recorded(Trace(path))[0])), result["calls"]

# A trace is replayed at its speed.
make(6, 1, 200000)
before = os.times().elapsed
duration = figures("--with=glibc", "--runs=3")["seconds"][-1]
assert 0.3 < duration and 3 * duration <= os.times().elapsed - before
make(6, 3, 20000)

# ---- verdicts ----

# Without resident memory, or without the allocator's name, nothing is known.
assert result["verdict"].startswith("No verdict"), result["verdict"]
make(6, 1, 60000, "glibc")
assert figures("--with=glibc", "--runs=1", "--pace=fast")["verdict"].startswith("No verdict")
make(6, 1, 60000, "no/such/library.so", 105)
result = figures("--with=glibc", "--runs=1", "--pace=fast")
assert result["verdict"].startswith("No verdict") and "cannot be loaded" in result["check"]

# A recording that a replay cannot have, and one that it has.
make(6, 1, 60000, "glibc", 160)
result = figures("--with=mallow", "--runs=2", "--pace=fast")
assert [a["name"] for a in result["allocators"]] == ["mallow", "glibc"], "the recorded one is added"
assert not result["is_faithful"] and "differs from the recording" in result["verdict"], result
peaks = {}
for factor in range(100, 140, 4):
    make(6, 1, 60000, "glibc", factor)
    result = figures("--with=mallow,glibc", "--runs=2", "--pace=fast")
    peaks[factor] = (result["peak_error"], result["time_error"])
    if result["is_faithful"]:
        break
assert result["is_faithful"], peaks
assert re.match(r"Switch from glibc to mallow: |Stay with glibc: ", result["verdict"]), result["verdict"]

# ---- forms, and what is left out ----

page = str(Path(folder.name, "page.html"))
text = replay("--with=mallow,glibc", "--runs=2", "--pace=fast", "--options=retain=0;retain=64m",
              "-o", page, LC_ALL="C.UTF-8").stdout
for line in (r"ALLOCATOR +PEAK", r"mallow +\d", r"glibc +\d", r"mallow retain=0 +\d", r"mallow retain=64m +\d",
             r"\(recorded\) +[▁▂▃▄▅▆▇█ ]+\n", r"With the replay on glibc"):
    assert re.search(line, text), (line, text)
html = Path(page).read_text()
assert html.count("<polyline") == 5 and "mallow retain=64m" in html, html

# ---- errors ----

for arguments, message in (
        (["--with=nothing"], "there is no allocator 'nothing'"),
        (["--with=./nothing.so"], "'./nothing.so' cannot be preloaded"),
        ([f"--with={sys.argv[1]}"], "cannot be preloaded"),
        (["--with="], "names no allocator"),
        (["--process=2"], "the trace has 1 process"),
        (["--options=retain"], "'retain' is no setting"),
        (["--runs=0"], "not a number from 1")):
    assert message in replay(*arguments, status=125).stderr, arguments
for name, package in ("jemalloc", "libjemalloc2"), ("mimalloc", "libmimalloc2.0"), \
        ("tcmalloc", "libtcmalloc-minimal4"):
    done = subprocess.run([MALLOW, "replay", f"--with={name}", "--runs=1", "--pace=fast", path],
                          capture_output=True, text=True)
    assert done.returncode == 0 or (f"install the package {package}" in done.stderr and
                                    done.returncode == 125), done
Path(path).write_bytes(b"no trace")
assert path in replay(status=125).stderr
