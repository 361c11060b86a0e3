#!/usr/bin/python3
"""A privileged program removes the options that it ignores from its environment.

Usage: environment.py PROGRAM
"""

import os
import shutil
import subprocess
import sys
import tempfile

NOBODY = 65534
SETTINGS = ("MALLOW_OPTIONS", "MALLOC_TRACE", "MALLOC_CHECK_", "MALLOC_PERTURB_", "MALLOC_TOP_PAD_",
            "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_",
            "MALLOC_ARENA_MAX", "MALLOC_ARENA_TEST", "GLIBC_TUNABLES")
OTHERS = {"FIRST": "1", "MALLOCATE": "2", "MALLOW": "3", "LAST": "4"}

if os.geteuid() != 0:
    print("skipped: only root can create a program that another user owns")
    sys.exit(77)

with tempfile.TemporaryDirectory() as work:
    program = shutil.copy(sys.argv[1], work)
    os.chown(program, NOBODY, NOBODY)
    os.chmod(program, 0o4755)
    environment = {"FIRST": "1"} | {name: "1" for name in SETTINGS} | OTHERS
    done = subprocess.run([program, "environment"], env=environment, capture_output=True, text=True)
    if done.returncode == 77:
        print("skipped: the file system does not grant privileges")
        sys.exit(77)
    assert done.returncode == 0 and done.stderr == "", done
    left = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert left == OTHERS, left
