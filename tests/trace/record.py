#!/usr/bin/python3
"""mallow run --trace records what a program does, in order, with its threads, forks and programs.

Usage: record.py MALLOW PRINT RECORDED
"""

import re
import subprocess
import tempfile
from pathlib import Path

from traces import MALLOW, RECORDED, Trace, holds, record, said

MIB = 1 << 20
BURST = 300000  # mallocs, and as many frees
folder = tempfile.TemporaryDirectory()
path = str(Path(folder.name, "trace"))


# Each call, with its addresses and size, and what the allocator asks of the system for it.
trace, done = record(path, "calls")
holds(trace.all, said(done.stdout))
assert re.fullmatch(f"mallow: the trace of {len(trace.all)} events is in {path}\n", done.stderr), done
assert trace.allocator == "mallow" and not trace.has_stacks and not trace.damage
assert trace.events == len(trace.all)
caused = [e for e in trace.of("mmap") if e.caused and e.size >= 64 * MIB]
large = next(e for e in trace.of("malloc") if e.size == 64 * MIB)
assert caused and trace.all.index(caused[-1]) < trace.all.index(large), caused
assert not any(e.follows for e in caused), caused
freed = next(e for e in trace.of("free") if e.old == large.address)
gone = next(e for e in trace.of("munmap") if e.size >= 64 * MIB)
own = [e for e in trace.all if e.thread == gone.thread and e.kind != "resident"]
assert gone.caused and gone.follows and own.index(gone) == own.index(freed) + 1, gone
assert trace.all[-1].kind == "exit" and trace.all[-1].count == 0
trace.check_order()

# The resident memory follows the large block, and the memory of the rings is not part of it.
sizes = [e.size for e in trace.of("resident") if e.time > large.time]
assert 64 * MIB < max(sizes) < 70 * MIB, sizes
assert sizes[-1] < 6 * MIB, sizes

# Most of it is the block, and the rest is the program's files.
parts = [(e.size - e.count) for e in trace.of("resident") if e.time > large.time]
assert all(MIB < part < 6 * MIB for part in parts), parts

# The file belongs to its user alone.
assert Path(path).stat().st_mode & 0o777 == 0o600

# Threads with their names, and blocks that one thread allocates and another frees.
for _ in range(6):
    trace, done = record(path, "threads")
    trace.check_order()
exchangers = [i + 1 for i, thread in enumerate(trace.threads) if i > 0]
assert len(exchangers) == 4, trace.threads
for thread in exchangers:
    kinds = [e.kind for e in trace.all if e.thread == thread]
    assert kinds[0] == "thread start" and "thread end" in kinds, kinds[:3]
    assert kinds.count("malloc") >= 20000, kinds.count("malloc")
assert len(trace.of("malloc")) - len(trace.of("free")) < 200

# A child has the blocks of its parent, and a program that it executes has none.
trace, done = record(path, "forks")
assert [p["is_fork"] for p in trace.processes] == [0, 1, 0], trace.processes
assert [p["parent"] for p in trace.processes] == [0, 1, 2], trace.processes
assert trace.processes[2]["argument"] == "again" and trace.processes[0]["program"] == RECORDED
assert trace.of("fork")[0].count == 2 and trace.of("exec")[0].count == 3
calls = said(done.stdout)
holds([e for e in trace.all if e.process == 2], calls[:2])
holds([e for e in trace.all if e.process == 3], calls[2:])
live = trace.check_order()
assert 11111 not in live[2].values() and 22222 in live[2].values(), live[2]

# Stacks, with the module of each frame.
trace, done = record(path, "calls", options=["--trace-stacks"])
large = next(e for e in trace.of("malloc") if e.size == 64 * MIB)
frames = trace.stack(large.stack)
assert trace.has_stacks and len(frames) >= 3, frames
assert frames[0][1]["path"] == RECORDED, frames
assert "libc" in frames[-2][1]["path"], frames
trace, done = record(path, "calls", options=["--trace-stacks=2"])
large = next(e for e in trace.of("malloc") if e.size == 64 * MIB)
assert [f[1]["path"] for f in trace.stack(large.stack)[:2]] == [RECORDED] * 2

# Nothing is missing, unless the program may drop events. Those are counted.
trace, done = record(path, "burst")
assert len(trace.of("malloc")) >= BURST and not trace.of("lost"), len(trace.of("malloc"))
trace, done = record(path, "burst", options=["--trace-full=drop"])
lost = sum(e.count for e in trace.of("lost"))
said_lost = int((re.findall(r"(\d+) events? could not be recorded", done.stderr) or ["0"])[0])
assert 2 * BURST <= len(trace.of("malloc", "free")) + said_lost < 2 * BURST + 1000
assert lost <= said_lost, (lost, said_lost)

# Exit statuses pass on; a signal ends the trace.
trace, done = record(path, "-c", "exit 7", program="/bin/sh", status=7)
assert trace.all[-1].kind == "exit" and trace.all[-1].count == 7 << 8, trace.all[-1]
trace, done = record(path, "-c", "kill -9 $$", program="/bin/sh", status=137)
assert trace.all[-1].kind == "exit" and trace.all[-1].count == 9, trace.all[-1]

# Refusals name what is wrong.
for options, message in (
        (["--trace="], "the name of a trace must not be empty"),
        (["--trace-stacks"], "--trace-stacks, --trace-full and --with need --trace"),
        (["--trace=x", "--trace-stacks=0"], "--trace-stacks='0' is not a number from 1 to 64"),
        (["--trace=x", "--trace-full=never"], "--trace-full='never' is neither 'wait' nor 'drop'"),
        (["--trace=x", "--exec"], "--trace and --exec exclude each other"),
        (["--trace=/nowhere/x"], "cannot write the trace: /nowhere/x: No such file or directory")):
    done = subprocess.run([MALLOW, "run", *options, "--", "/bin/true"], capture_output=True, text=True)
    assert done.returncode == 125 and message in done.stderr, done
