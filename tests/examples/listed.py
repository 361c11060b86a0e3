#!/usr/bin/python3
"""Checks that a folder of examples, the table in its README.md and the tests list the same programs.

Usage: listed.py FOLDER PROGRAM...     the PROGRAMs are those that the tests run
"""

import re
import sys
from pathlib import Path

folder, tested = Path(sys.argv[1]), sys.argv[2:]
lists = {
    "the folder": sorted(path.stem for path in folder.glob("*.c")),
    "the table in README.md": sorted(
        re.findall(r"^\| `(\w+)` ", (folder / "README.md").read_text(), re.MULTILINE)),
    "the tests": sorted(tested),
}
everything = set().union(*lists.values())
faults = [f"{program} is missing in {name}" for name, programs in lists.items()
          for program in sorted(everything - set(programs))]
faults += [f"{name} lists {program} twice" for name, programs in lists.items()
           for program in sorted({each for each in programs if programs.count(each) > 1})]
print("\n".join(faults) or f"{len(everything)} programs are listed everywhere")
sys.exit(bool(faults) or not everything)
