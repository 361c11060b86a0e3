#!/usr/bin/python3
"""Checks that the lists of settings in mallow(7) agree with the table of options.

Usage: options.py LIST-OPTIONS PAGE [OLD NEW]

LIST-OPTIONS prints the lines that PAGE must have. With OLD and NEW the check reads the page with
the first OLD replaced by NEW, to prove that it finds the difference.
"""

import difflib
import re
import subprocess
import sys
from pathlib import Path


def between(page, start, end):
    """Returns the lines between `start` and `end`."""
    first = page.index(start) + 1
    return page[first:page.index(end, first)]


def entries(lines):
    """Returns the tag and the first sentence of each entry of a list, with the .TP before them."""
    return [line for i, line in enumerate(lines) if ".TP" in lines[max(i - 2, 0):i + 1]]


def rows(page, header):
    """Returns the rows of the table with that header, without the line below it."""
    return between(page, header, ".TE")[1:]


def read_page(page):
    knobs = between(page, ".SH KNOBS OF THE GNU C LIBRARY", ".SH CHECKS")
    tunables = r"\fBtunable\fP	\fBdefault\fP	\fBrange\fP"
    return {
        "options": entries(between(page, ".B MALLOW_OPTIONS", ".RE")),
        "names": rows(knobs, r"\fBmallopt\fP	\fBvariable\fP	\fBtunable\fP"),
        "ranges": [re.sub("\t.*\t", "\t", row) for row in rows(knobs, tunables)],
        "knobs": entries(knobs),
    }


def read_table(program):
    table = {}
    for line in subprocess.run([program], check=True, text=True, capture_output=True).stdout.splitlines():
        if line.startswith("# "):
            lines = table[line[2:]] = []
        else:
            lines.append(line)
    return table


def differences(table, page):
    for part, lines in table.items():
        for line in difflib.ndiff(lines, page[part]):
            if line.startswith("- "):
                yield f"{part}: missing in mallow(7): {line[2:]}"
            elif line.startswith("+ "):
                yield f"{part}: not in the table of options: {line[2:]}"


text = Path(sys.argv[2]).read_text()
for old, new in zip(sys.argv[3::2], sys.argv[4::2]):
    assert old in text, old
    text = text.replace(old, new, 1)
faults = list(differences(read_table(sys.argv[1]), read_page(text.splitlines())))
print("\n".join(faults) or "mallow(7) agrees with the table of options")
sys.exit(bool(faults))
