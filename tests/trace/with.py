#!/usr/bin/python3
"""mallow run --trace --with records programs on other allocators, and mallow run --trace the system
calls that a program makes.

Usage: with.py MALLOW PRINT RECORDED RECORDED_CXX
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

from traces import FREES, MALLOW, holds, record, said

CXX = sys.argv[4]
JEMALLOC = (glob.glob("/usr/lib/*/libjemalloc.so.2") + [None])[0]
os.environ["MALLOC_ARENA_MAX"] = "1"  # threads give each other their blocks
folder = tempfile.TemporaryDirectory()
path = f"{folder.name}/trace"
OPTIONS = [[], ["--with=system"]] + ([["--with=" + JEMALLOC]] if JEMALLOC else [])
NAMES = ["mallow", "glibc", JEMALLOC]


def is_loaded(trace, name):
    return any(name in module["path"] for module in trace.modules)


# Debian's Redis is linked with jemalloc.
REDIS = shutil.which("redis-server")
if REDIS and "libjemalloc.so.2" in subprocess.run(["ldd", REDIS], capture_output=True, text=True).stdout:
    trace, done = record(path, "--version", options=["--with=system"], program=REDIS)
    assert trace.allocator == "libjemalloc.so.2", trace.allocator

for options, name in zip(OPTIONS, NAMES):
    trace, done = record(path, "calls", options=options + ["--trace-stacks"])
    holds(trace.all, said(done.stdout))
    trace.check_order()
    assert trace.allocator == name, trace.allocator
    assert is_loaded(trace, "libmallow.so") == (not options), trace.modules
    first = next(e for e in trace.of("malloc") if e.size == 100)
    frames = [module["path"].rsplit("/", 1)[1] for _, module in trace.stack(first.stack)]
    assert frames[:2] == ["trace_recorded"] * 2, frames

    trace, done = record(path, "forks", options=options)
    assert [p["is_fork"] for p in trace.processes] == [0, 1, 0], trace.processes
    trace.check_order()

    for action in "threads", "resizes":
        trace, done = record(path, action, options=options)
        trace.check_order()
        assert len([t for t in trace.threads if t["name"] == "exchanger"]) > 0, trace.threads
    assert len(trace.of("realloc", "malloc")) >= 4 * 20000, trace.events

    # The program's own system calls, with their stacks.
    trace, done = record(path, "maps", options=options + ["--trace-stacks"])
    calls = said(done.stdout)
    own = [e for e in trace.of(*(call[0] for call in calls)) if not e.caused]
    holds(own, calls)
    assert all(trace.stack(e.stack)[0][1]["path"].endswith("trace_recorded")
               for e in own if (e.kind, e.address) in [call[:2] for call in calls]), own
    advice = next(e for e in own if e.kind == "madvise")
    assert advice.flags == 4 and next(e for e in own if e.kind == "mprotect").protection == 1

    # C++, also after an operator has thrown. Mallow's operators for arrays are the same as others.
    trace, done = record(path, options=options, program=CXX)
    news = {(e.kind, e.size, e.count): e.address for e in trace.of("operator new", "operator new[]")}
    freed = [(e.kind, e.old) for e in trace.of(*FREES)]
    for kind, size, align in (("", 1, 0), ("[]", 1001, 0), ("", 2, 0), ("", 640, 64),
                              ("[]", 1280, 64)):
        kind = kind if options else ""
        assert ("operator delete" + kind, news["operator new" + kind, size, align]) in freed, news

if JEMALLOC:
    assert any(e.caused for e in trace.of("mmap")), trace.of("mmap")

for options, message in (
        (["--with=system"], "--trace-stacks, --trace-full and --with need --trace"),
        (["--trace=x", "--with=/nowhere.so"], "--with='/nowhere.so' is neither 'system' nor a library"),
        (["--trace=x", "--with=system", "--check"], "--with and --check exclude each other")):
    done = subprocess.run([MALLOW, "run", *options, "--", "/bin/true"], capture_output=True, text=True)
    assert done.returncode == 125 and message in done.stderr, done
