#!/usr/bin/python3
"""mallow advise reads traces of all kinds, and says why it cannot read others.

Usage: traces.py MALLOW WRITE
"""

import subprocess
import sys
import tempfile

from advise import advice, run

WRITE = sys.argv[2]
folder = tempfile.TemporaryDirectory()


def write(situation):
    path = f"{folder.name}/{situation}"
    subprocess.run([WRITE, situation, path], check=True)
    return path


def ways(situation):
    return advice(write(situation))[1]


# Pages of blocks that the program hides, protects or gives back, but not those of freed blocks, and
# not what the allocator does.
assert ways("secret") == {"0x1000": "secret", "0x2000": "secret"}, ways("secret")
assert ways("mapping") == {"0x1000": "mapping", "0x2000": "mapping"}, ways("mapping")

# No evidence: events are missing, a child frees copies of blocks, blocks
# change threads, the functions are unknown.
assert ways("lost") == {}
assert ways("fork") == {}
assert ways("threads") == {}
assert ways("unknown") == {}
assert ways("nothing") == {}
assert "0 call sites: nothing speaks for" in run(write("nothing")).stdout

# --top, and the largest gain first.
text = run("--top=1", write("mapping")).stdout
assert "1. mapping" in text and "2. " not in text and "1 more with less gain: --top=0" in text, text

# What cannot be read.
for path, words in (
        (write("no_stacks"), "has no stacks"),
        (f"{folder.name}/missing", "No such file or directory"),
        (__file__, "not a trace"),
        (folder.name, "not a regular file"),
):
    done = run(path, status=2)
    assert words in done.stderr and not done.stdout and len(done.stderr.splitlines()) == 1, done

# A file that is cut off is read as far as it goes, with a warning.
with open(write("secret"), "rb") as file:
    content = file.read()
path = f"{folder.name}/cut"
with open(path, "wb") as file:
    file.write(content[:-20])
done = run(path)
assert done.stderr, done
