#!/usr/bin/python3
"""Checks that no file in src/ includes a header of a higher layer, and that no modules include
each other in a cycle. A module is a header and the source of the same name.

Usage: includes.py SOURCE-FOLDER

SOURCE-FOLDER/layers.txt lists the layers, the cycles that still exist, and the headers that the
folders next to src/ may include.
"""

import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def read_rules(path):
    layers, cycles, outside = [], set(), {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if len(words) == 2 and words[0] == "layer":
            layers.append(words[1])
        elif len(words) > 2 and words[0] == "cycle":
            cycles.add(tuple(sorted(words[1:])))
        elif len(words) > 1 and words[0] == "outside":
            outside[words[1]] = set(words[2:])
        elif words:
            sys.exit(f"{path}:{number}: none of 'layer NAME', 'cycle MODULE MODULE...' and "
                     "'outside FOLDER [HEADER...]'")
    return layers, cycles, outside


def includes(source):
    """Yields every include of a header of src/, as a pair of paths below src/."""
    for path in sorted(source.glob("**/*.[ch]")):
        for header in INCLUDE.findall(path.read_text()):
            if (source / header).exists():
                yield str(path.relative_to(source)), header


def upward_faults(pairs, layers):
    for file, header in pairs:
        if len(Path(file).parts) == 1:  # main.c includes what it likes
            continue
        try:
            above = layers.index(Path(header).parts[0]) > layers.index(Path(file).parts[0])
        except ValueError as error:
            yield f"{file}: {error}: add the folder to layers.txt"
            continue
        if above:
            yield f"{file} includes {header}, which belongs to a higher layer"


def reachable(graph, start):
    found, queue = set(), [start]
    while queue:
        for module in graph.get(queue.pop(), ()):
            if module not in found:
                found.add(module)
                queue.append(module)
    return found


def find_cycles(pairs):
    """Returns the groups of modules that include each other, directly or not."""
    graph = {}
    for file, header in pairs:
        module, included = (str(Path(name).with_suffix("")) for name in (file, header))
        if module != included:
            graph.setdefault(module, set()).add(included)
    reach = {module: reachable(graph, module) for module in graph}
    return {
        tuple(sorted(other for other in reach[module] if module in reach.get(other, ())))
        for module in graph
        if module in reach[module]
    }


def outside_includes(source, folder):
    """Yields every include of a header of src/ in a folder next to src/, as a pair of paths."""
    source = source.resolve()
    for path in sorted((source.parent / folder).glob("**/*.[ch]")):
        for header in INCLUDE.findall(path.read_text()):
            for included in {(place / header).resolve() for place in (source, path.parent)}:
                if included.exists() and included.is_relative_to(source):
                    yield str(path.relative_to(source.parent)), str(included.relative_to(source))


def outside_faults(source, outside):
    for folder, allowed in outside.items():
        pairs = list(outside_includes(source, folder))
        for file, header in pairs:
            if header not in allowed:
                yield f"{file} includes {header}, which is internal to src/"
        for header in sorted(allowed - {header for _, header in pairs}):
            yield f"layers.txt: {folder}/ no longer includes {header}: remove the entry"


def find_faults(source):
    layers, allowed, outside = read_rules(source / "layers.txt")
    yield from outside_faults(source, outside)
    pairs = list(includes(source))
    yield from upward_faults(pairs, layers)
    found = find_cycles(pairs)
    for cycle in sorted(found - allowed):
        yield f"modules include each other: {' '.join(cycle)}"
    for cycle in sorted(allowed - found):
        yield f"layers.txt: no such cycle any more: {' '.join(cycle)}"


faults = list(find_faults(Path(sys.argv[1])))
print("\n".join(faults) or "no include points upward, and no cycle but those in layers.txt")
sys.exit(bool(faults))
