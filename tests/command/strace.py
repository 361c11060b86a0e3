#!/usr/bin/python3
"""`mallow strace` prints the system calls of a trace with their causes.

Usage: strace.py MALLOW WRITER PROGRAM: WRITER writes a trace, and PROGRAM allocates large blocks
"""

import json
import os
import re
import subprocess
import sys
import tempfile

MALLOW, WRITER, PROGRAM = sys.argv[1:]

ALL = """\
    0.001000     100 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS) = 0x7000
    for calloc of 60 bytes in fill (p.c:30)
    0.003000     200 mprotect(0x8000, 4096, PROT_EXEC) = -1 ENOMEM
    for free in work (p.c:20)
    0.005000     100 madvise(0x7000, 4096, MADV_HUGEPAGE) = 0
    for calloc of 60 bytes in fill (p.c:30)
    0.008000     100 mmap(NULL, 4096, PROT_READ, MAP_SHARED|MAP_POPULATE, ..., 0x3000) = 0x9000
    by the program in main (p.c:10)
    0.009000     300 brk(0x5000) = 0x5000
    for malloc of 1 byte
    0.011000     100 mremap(0x7000, 8192, 16384, MREMAP_MAYMOVE|MREMAP_FIXED) = 0xa000
    for realloc of 16000 bytes in work (p.c:20)
    0.013000     100 madvise(0x7000, 4096, 99) = 0
    for malloc_trim
    0.015000     200 munmap(0x7000, 4096) = 0
    for an unknown call
8 system calls in 15 events
"""

TOTALS = """\
     calls        bytes  errors  call      for            site
         1     16.0 KiB       0  mremap    realloc        work (p.c:20)
         1      8.0 KiB       0  mmap      calloc         fill (p.c:30)
         1      4.0 KiB       0  madvise   malloc_trim    unknown
         1      4.0 KiB       0  munmap                   unknown
         1      4.0 KiB       0  madvise   calloc         fill (p.c:30)
         1      4.0 KiB       1  mprotect  free           work (p.c:20)
         1      0 bytes       0  brk       malloc         unknown
"""


def strace(*arguments, status=0, errors=""):
    done = subprocess.run([MALLOW, "strace", *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == status and re.search(errors, done.stderr), done
    assert errors or not done.stderr, done
    return done.stdout


def without(text, call):
    lines = text.splitlines(keepends=True)
    index = next(i for i, line in enumerate(lines) if call in line)
    return "".join(lines[:index] + lines[index + 2 :]).replace("8 system", "7 system")


def test_written():
    subprocess.run([WRITER, "written"], check=True)
    assert strace("--all", "written") == ALL, strace("--all", "written")
    assert strace("written") == without(ALL, "= 0x9000")
    assert strace("--process=2000", "written") == "".join(ALL.splitlines(keepends=True)[8:10]) + "1 system call in 15 events\n"
    assert strace("--totals", "written") == TOTALS
    assert strace("--totals", "--top=4", "written") == "".join(TOTALS.splitlines(keepends=True)[:5]) + "3 more; --top=0 prints all\n"
    assert "    main" in strace("--stacks", "written") and "    main" not in strace("written")


def test_json():
    calls = json.loads(strace("--all", "--json", "--stacks", "written"))
    assert calls["count"] == 8 == len(calls["calls"]) and calls["events"] == 15
    first, second, *_, last = calls["calls"]
    assert first["text"] == "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS) = 0x7000"
    assert (first["process"], first["thread"], first["seconds"], first["call"]) == (1000, 100, 0.001, "mmap")
    assert first["cause"] == {"function": "calloc", "bytes": 60} and first["site"] == "fill (p.c:30)"
    assert [frame["function"] for frame in first["stack"]] == ["fill", "main"]
    assert second["error"] == "ENOMEM" and second["cause"] == {"function": "free"}
    assert [frame["function"] for frame in second["stack"]] == ["operator new(unsigned long)", "work", "main"]
    assert last["cause"] is None and last["caused"] and not calls["calls"][3]["caused"] and last["stack"] == []
    totals = json.loads(strace("--totals", "--json", "written"))
    assert totals["count"] == sum(total["calls"] for total in totals["totals"]) == 7
    assert totals["totals"][0]["call"] == "mremap" and totals["totals"][0]["cause"] == "realloc"
    assert totals["totals"][0]["stack"][0]["line"] == 20


def test_recorded():
    """Large blocks of a program are mapped by the calls that allocate them."""
    subprocess.run([MALLOW, "run", "--no-summary", "--trace=recorded", "--trace-stacks", PROGRAM], check=True, capture_output=True)
    calls = json.loads(strace("--json", "recorded"))["calls"]
    large = [call for call in calls if call["cause"] and call["cause"].get("bytes", 0) > 20 << 20]
    assert {call["call"] for call in large} >= {"mmap", "mremap"}, large
    assert all("grow" in call["site"] for call in large if call["call"] == "mremap"), large
    freed = next(call for call in calls if call["call"] == "munmap" and call["bytes"] > 20 << 20)
    assert freed["cause"] == {"function": "free"} and "main" in freed["site"], freed
    assert any("hold" in call["site"] for call in large if call["call"] == "mmap" and call["bytes"] > 20 << 20), large


def test_refusals():
    strace("missing", status=2, errors="missing: cannot be opened: No such file")
    open("text", "w").write("text")
    strace("text", status=2, errors="text: byte 0: is not a trace; `mallow run --trace` writes one")
    data = open("written", "rb").read()
    open("cut", "wb").write(data[:-40])
    assert strace("--all", "cut", errors="the file ends here") == ALL


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    test_written()
    test_json()
    test_recorded()
    test_refusals()
