#!/usr/bin/python3
"""With leak=exit, a process reports its lost blocks when it ends, and its exit status shows them.

Usage: leak_exit.py LIBRARY PROGRAM STATIC
"""

import os
import re
import subprocess
import sys
import tempfile

LIBRARY, PROGRAM, STATIC = sys.argv[1:]


def run(*how, options="leak=exit", program=PROGRAM):
    environment = dict(os.environ, MALLOW_OPTIONS=options)
    if program == PROGRAM:
        environment["LD_PRELOAD"] = LIBRARY
    return subprocess.run([program, *how], env=environment, capture_output=True, text=True)


def expect(status, *how, groups=0, output="buffered", **rest):
    done = run(*how, **rest)
    assert done.returncode == status, done
    assert done.stdout.endswith(output), done  # buffered output is written
    assert len(re.findall("^definitely lost: ", done.stderr, re.M)) == groups, done
    assert groups > 0 or done.stderr == "", done
    return done


HEAD = r"definitely lost: 48 bytes in 1 block, and through it 48 bytes in 1 block; " \
    "one of 48 bytes at 0x[0-9a-f]+:"

for program in (PROGRAM, STATIC):
    expect(0, program=program)
    lost = expect(23, "lose", groups=1, program=program)
    assert re.search(HEAD, lost.stderr) and "head" in lost.stderr, lost
    assert re.match(r"mallow: leaks of process \d+:\n", lost.stderr), lost
    # The library's own records of a large block do not count as pointers to it.
    expect(23, "lose-mapping", groups=1, program=program)
    expect(23, "keep-in-static", "lose", groups=1, program=program)
    expect(0, "keep-in-static", "lose-inside", program=program)
    expect(0, "keep-crowd", program=program)
    lost = expect(23, "lose-crowd", groups=1, program=program)
    assert re.search("in 1 block, and through it [0-9]* bytes in 400000 blocks", lost.stderr), lost
    # The report has the sum of possibly lost blocks. A pointer after the element count of new[], or
    # to a second base class, counts as one to the start of the block.
    lost = expect(23, "lose", "lose-inside", groups=1, program=program)
    assert re.search("^in all possibly lost: [0-9]* bytes in 1 block$", lost.stderr, re.M), lost
    lost = expect(23, "lose", "lose-many-inside", groups=1, program=program)
    assert len(re.findall("^possibly lost: .* bytes ", lost.stderr, re.M)) == 50, lost
    assert "\npossibly lost: 10 more groups\nin all" in lost.stderr, lost
    lost = expect(23, "lose", "keep-array", "keep-base", groups=1, program=program)
    assert "in all possibly lost: 0 bytes in 0 blocks" in lost.stderr, lost
    expect(3, "return-3", program=program, output="")
    expect(23, "lose", "return-3", groups=1, program=program, output="")
    # The program's exit handlers run before the check.
    expect(23, "late", groups=1, program=program, output="bufferedforgot\n")
    expect(23, "thread", "lose", groups=1, program=program)
    # Each process reports only its own lost blocks.
    expect(0, "fork-clean", program=program, output="child 0\nbuffered")
    child = run("fork-lose", program=program)
    assert child.returncode == 0 and child.stdout == "child 23\nbuffered", child
    assert len(re.findall("^definitely lost: ", child.stderr, re.M)) == 1, child
    expect(23, "exec", groups=1, program=program)

expect(5, "lose", groups=1, options="leak=exit,leak_status=5")
expect(0, "lose", groups=1, options="leak=exit,leak_status=0")
expect(0, "lose", options="leak=off")
expect(0, "lose", options="")
for wrong in ("leak=on", "leak=exit,leak_status=256", "leak=exit,leak_suppressions=/nowhere",
              "leak=exit,leak_suppressions=/"):
    done = run(options=wrong)
    assert done.returncode == 0 and "bad value" in done.stderr, done

with tempfile.NamedTemporaryFile("w") as log:
    expect(23, "lose", options=f"leak=exit,log={log.name}")
    assert re.search(HEAD, open(log.name).read())
for pattern, status in (("command_leaking", 0), ("libc*++", 23)):
    with tempfile.NamedTemporaryFile("w") as suppressions:
        suppressions.write(f"leak:{pattern}\n")
        suppressions.flush()
        expect(status, "lose", groups=int(status != 0),
               options=f"leak=exit,check=full,leak_suppressions={suppressions.name}")
with tempfile.NamedTemporaryFile("w") as suppressions:
    # Without recorded stacks, a suppression matches nothing.
    suppressions.write("leak:*\n")
    suppressions.flush()
    expect(23, "lose", groups=1, options=f"leak=exit,leak_suppressions={suppressions.name}")
