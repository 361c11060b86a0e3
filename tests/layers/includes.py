#!/usr/bin/python3
"""Checks that no file in src/ includes a header of a higher layer.

Usage: includes.py SOURCE-FOLDER

SOURCE-FOLDER/layers.txt lists the layers, and the includes that still point upward.
"""

import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def read_rules(path):
    layers, upward = [], set()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if len(words) == 2 and words[0] == "layer":
            layers.append(words[1])
        elif len(words) == 3 and words[0] == "upward":
            upward.add((words[1], words[2]))
        elif words:
            sys.exit(f"{path}:{number}: neither 'layer NAME' nor 'upward FILE HEADER'")
    return layers, upward


def includes(source):
    """Every include of a header of src/, as a pair of paths below it."""
    for path in sorted(source.glob("**/*.[ch]")):
        for header in INCLUDE.findall(path.read_text()):
            if (source / header).exists():
                yield str(path.relative_to(source)), header


def find_faults(source):
    layers, allowed = read_rules(source / "layers.txt")
    found = set()
    for file, header in includes(source):
        try:
            above = layers.index(Path(header).parts[0]) > layers.index(Path(file).parts[0])
        except ValueError as error:
            yield f"{file}: {error}: add the folder to layers.txt"
            continue
        if above:
            found.add((file, header))
    for file, header in sorted(found - allowed):
        yield f"{file} includes {header}, which belongs to a higher layer"
    for file, header in sorted(allowed - found):
        yield f"layers.txt: {file} no longer includes {header}: remove the entry"


faults = list(find_faults(Path(sys.argv[1])))
print("\n".join(faults) or "no include points upward that layers.txt does not list")
sys.exit(bool(faults))
