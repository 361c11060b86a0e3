#!/usr/bin/python3
"""Runs the commands in the comment at the head of a file and compares what they print.

Usage: transcript.py [--restricted] PROGRAMS SOURCE

The comment contains a transcript: lines that are indented by four columns. A line that begins with
"$" is a command, and the other lines are its output. <number> and <text> match any number and any
text. Further transcripts of the same commands show the output on machines that lack a feature; if
one of these matches, the exit status is 77.

The commands run in an empty folder, and find the executables in PROGRAMS. Each must succeed. With
--restricted they may lock 64 KiB of memory, write no core, and lack CAP_IPC_LOCK; a match of any
transcript is then a success.
"""

import ctypes
import os
import re
import resource
import subprocess
import sys
import tempfile

PATTERNS = {"<number>": r"-?[0-9]+(?:\.[0-9]+)?", "<text>": r".+"}
SECONDS = 100
PR_CAPBSET_DROP, CAP_IPC_LOCK = 24, 14


def transcripts(source):
    """Returns a list of transcripts, each of which is a list of (command, lines of output)."""
    with open(source) as file:
        comment = re.match(r"/\*(.*?)\*/", file.read(), re.DOTALL)
    if comment is None:
        sys.exit(f"{source}: there is no comment at the head")
    found, current = [], None
    for line in comment[1].split("\n"):
        line = re.sub(r"^ \* ?", "", line)
        if not line.startswith("    "):
            current = None
        elif line.startswith("    $ "):
            if current is None:
                current = []
                found.append(current)
            current.append((line[6:], []))
        elif current is not None:
            current[-1][1].append(line[4:])
    if not found:
        sys.exit(f"{source}: there is no transcript in the comment at the head")
    if any([command for command, _ in each] != [command for command, _ in found[0]]
           for each in found):
        sys.exit(f"{source}: the transcripts have different commands")
    return found


def matches(expected, line):
    parts = re.split(r"(<\w+>)", expected)
    return re.fullmatch("".join(PATTERNS.get(part, re.escape(part)) for part in parts), line)


def agree(transcript, outputs):
    return all(len(lines) == len(output) and all(map(matches, lines, output))
               for (_, lines), output in zip(transcript, outputs))


def restrict():
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0)


def run(command, programs, folder, restricted):
    environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}", LC_ALL="C")
    try:
        done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS, errors="replace",
                              preexec_fn=restrict if restricted else None)
    except subprocess.TimeoutExpired:
        sys.exit(f"$ {command}\nruns for more than {SECONDS} s")
    print(f"$ {command}\n{done.stdout}", end="")
    if done.returncode != 0:
        sys.exit(f"the exit status is {done.returncode}")
    return done.stdout.splitlines()


def main(arguments):
    restricted = arguments[:1] == ["--restricted"]
    programs, source = arguments[restricted:]
    expected = transcripts(source)
    with tempfile.TemporaryDirectory() as folder:
        outputs = [run(command, os.path.abspath(programs), folder, restricted)
                   for command, _ in expected[0]]
    found = [index for index, transcript in enumerate(expected) if agree(transcript, outputs)]
    if not found:
        print("this differs from each transcript of the comment:")
        for transcript in expected:
            for command, lines in transcript:
                print("\n".join([f"    $ {command}", *("    " + line for line in lines)]))
            print()
        return 1
    return 0 if restricted or found[0] == 0 else 77


sys.exit(main(sys.argv[1:]))
