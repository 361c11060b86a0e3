"""The paths of the benchmark, and the build of its C programs."""

import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "bench"
PROGRAMS = BENCH / "programs"
DEFAULT_LIBRARY = ROOT / "build" / "libmallow.so"


def build():
    """Compiles the C programs. Takes almost no time if nothing has changed."""
    for command in (["cmake", "-S", BENCH, "-B", BUILD], ["cmake", "--build", BUILD, "-j", "2"]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(done.stdout + "bench: cannot build the workloads in " + str(BUILD))
