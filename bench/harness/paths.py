"""Where things are, and the programs in C that everything else here needs."""

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "bench"
PROGRAMS = BENCH / "programs"
DEFAULT_LIBRARY = ROOT / "build" / "libmallow.so"


def build():
    """Compiles the programs in C. Without changes this takes no time worth mentioning."""
    for command in (["cmake", "-S", BENCH, "-B", BUILD], ["cmake", "--build", BUILD, "-j", "2"]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout + "bench: cannot build the workloads in " + str(BUILD))
