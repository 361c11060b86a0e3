#!/usr/bin/python3
"""The library has the static probes that OpenTelemetry's profiler expects.

Usage: probes.py LIBRARY

Each probe has one place, which is a nop until a profiler attaches. readelf prints the notes.
"""

import re
import subprocess
import sys

LIBRARY = sys.argv[1]
ARGUMENTS = {"alloc": 3, "free": 1}


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True,
                          env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


def code_at(address):
    """Returns the bytes in the file that are mapped at the address."""
    for line in run("readelf", "--wide", "--program-headers", LIBRARY).splitlines():
        words = line.split()
        if words[:1] != ["LOAD"]:
            continue
        offset, start, _, size = (int(word, 16) for word in words[1:5])
        if start <= address < start + size:
            with open(LIBRARY, "rb") as file:
                file.seek(offset + address - start)
                return file.read(4)
    raise AssertionError(f"nothing is mapped at {address:#x}")


notes = run("readelf", "--wide", "--notes", LIBRARY)
found = re.findall(r"Provider: (\S+)\s+Name: (\S+)\s+Location: (\S+), Base: \S+, "
                   r"Semaphore: (\S+)\s+Arguments: (.*)", notes)
assert sorted(name for _, name, *_ in found) == sorted(ARGUMENTS), found
for provider, name, location, semaphore, arguments in found:
    assert provider == "otel_memory", provider
    assert int(semaphore, 16) == 0, semaphore
    words = arguments.split()
    assert len(words) == ARGUMENTS[name], (name, arguments)
    assert all(word.startswith("8@") for word in words), arguments
    code = code_at(int(location, 16))
    assert code[0] == 0x90 or code == bytes.fromhex("1f2003d5"), (name, code)  # x86, aarch64
