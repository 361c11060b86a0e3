#!/usr/bin/python3
"""Checks how much of the library's file a program has in memory.

    resident.py BUILD PROGRAM KIB

The kernel maps the file's pages around an access, but never beyond a segment. A segment that the
program does not use therefore has none, and the figure does not depend on the pages that other
processes have left in memory.
"""

import os
import subprocess
import sys

build, program, limit = sys.argv[1], sys.argv[2], int(sys.argv[3])
library = os.path.realpath(os.path.join(build, "libmallow.so"))


def mappings():
    """Yields range, access and the memory from the file, in KiB, of each mapping of the library."""
    done = subprocess.run([os.path.join(build, "tests/resident", program), "print"],
                          env=dict(os.environ, LD_PRELOAD=library),
                          capture_output=True, text=True, check=True)
    head = []
    for line in done.stdout.splitlines():
        fields = line.split()
        if not fields[0].endswith(":"):
            head = fields
        elif len(head) > 5 and head[5] == library:
            if fields[0] == "Rss:":
                resident = int(fields[1])
            elif fields[0] == "Anonymous:":
                yield head[0], head[1], resident - int(fields[1])


found = list(mappings())
if not found:
    sys.exit("the library is not mapped")
total = sum(kib for _, _, kib in found)
if total > limit:
    print(f"{program}: {total} KiB of the library's file are in memory, more than {limit}:")
    for place, access, kib in found:
        print(f"  {place} {access} {kib} KiB")
    tool = os.path.join(os.path.dirname(__file__), "../../tools/place-functions")
    if subprocess.run([tool, "--check", build]).returncode != 0:
        print(f"tools/place-functions {build} places these functions")
sys.exit(total > limit)
