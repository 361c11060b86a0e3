#!/usr/bin/python3
"""`mallow import` makes traces of heaptrack's files and of logs of mtrace(3).

Usage: import.py MALLOW LIBRARY PRINT TRACED: PRINT prints a trace, and TRACED calls mtrace(3)
"""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MALLOW, LIBRARY, PRINT, TRACED = sys.argv[1:]
RECORDED = Path(__file__).parent / "import/heaptrack.zst"
for variable in ("MALLOW_OPTIONS", "MALLOC_TRACE", "LD_PRELOAD"):
    os.environ.pop(variable, None)
NAMES = "kind time thread process address old size count stack protection flags error caused follows".split()


def run(*command, status=0, errors="", **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == status and re.search(errors, done.stderr), done
    assert errors or not done.stderr, done
    return done.stdout


class Trace:
    def __init__(self, path, **expected):
        run(MALLOW, "import", path, "-o", "trace", **expected)
        head, *lines = run(PRINT, "trace").splitlines()
        self.__dict__.update(json.loads(head), head=head, lines=lines)
        words = [line.rsplit(" ", len(NAMES) - 1) for line in lines]
        self.events = [{"kind": line[0], **{name: int(word) for name, word in zip(NAMES[1:], line[1:])}} for line in words]

    def stack(self, number):
        """Returns the functions of a stack, the innermost first."""
        names = []
        while number:
            _, number, module, symbol = self.frames[number - 1]
            found = self.symbols[symbol - 1]
            path = self.modules[module - 1]["path"] if module else ""
            names.append((found["function"], Path(found["file"]).name, found["line"], found["is_inlined"], Path(path).name))
        return names

    def live(self):
        blocks = {}
        for event in self.events:
            if event["kind"] in ("free", "realloc") and not event["error"]:
                blocks.pop(event["old"], None)
            if event["address"]:
                assert event["address"] not in blocks or event["kind"] == "realloc"
                blocks[event["address"]] = event["size"]
        return blocks

    def calls(self, *kinds):
        return [event for event in self.events if event["kind"] in kinds]


def refused(content, message, name="bad"):
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    Path("trace").write_text("before")
    run(MALLOW, "import", name, "-o", "trace", status=2, errors=message)
    assert Path("trace").read_text() == "before" and not list(Path().glob("trace.*"))


def test_recorded():
    trace = Trace(RECORDED)
    assert trace.recorder == "heaptrack 1.4.0" and trace.has_stacks and trace.page_size == 4096
    assert trace.processes[0]["argument"] == "./imported"
    sizes = [event["size"] for event in trace.calls("malloc")][1:]  # the first one is the C++ library's
    expected = []
    for i in range(5):
        expected += [100, 200 + i] + [1000] * (i % 2)
    assert sizes == expected + [150], sizes
    assert sorted(trace.live().values()) == [150, 200, 202, 1000]
    stack = trace.stack(trace.calls("malloc")[1]["stack"])
    source = Path(__file__).parent.joinpath("import/imported.c").read_text().splitlines()
    line = {word: next(i for i, text in enumerate(source, 1) if word in text) for word in ("malloc(", "inner(size);", "outer(100)")}
    assert stack[:3] == [("inner", "imported.c", line["malloc("], True, "imported"),
                         ("outer", "imported.c", line["inner(size);"], False, "imported"),
                         ("main", "imported.c", line["outer(100)"], False, "imported")], stack
    assert stack[-1][0] == "_start" and stack[-2][4] == "libc.so.6"
    assert trace.calls("resident")[0]["size"] % 4096 == 0 and trace.calls("resident")[0]["size"] > 0
    return trace


def test_forms(trace, text):
    """The other compression, none, and the format and the version of other releases."""
    Path("plain").write_bytes(text)
    Path("gz").write_bytes(gzip.compress(text))
    assert Trace("plain").lines == Trace("gz").lines == trace.lines and Trace("gz").head == trace.head
    without_lengths = re.sub(rb"(?m)^s [0-9a-f]+ ", b"s ", text)
    Path("two").write_bytes(re.sub(rb"^v 10400 3", b"v 10300 2", without_lengths))
    Path("newer").write_bytes(re.sub(rb"^v 10400 3", b"v 10500 3", text))
    assert Trace("two").lines == trace.lines and Trace("newer").recorder == "heaptrack 1.5.0"


def test_cut_off(trace, text):
    Path("plain").write_bytes(text[: text.rindex(b"\n- 0\n") + 3])
    assert Trace("plain", errors="the file ends in the middle of this line, which is left out").lines == trace.lines[:-2]
    long = text + "".join(f"c {i * i:x}\n" for i in range(300000)).encode()
    compressed = subprocess.run(["zstd", "-qc"], input=long, check=True, capture_output=True).stdout
    Path("zst").write_bytes(compressed[: len(compressed) // 2])
    Path("gz").write_bytes(gzip.compress(long)[: len(gzip.compress(long)) // 2])
    for name in "zst", "gz":
        assert Trace(name, errors="the file ends in the middle of this line").lines == trace.lines


def test_refusals(text):
    refused("", "bad: is empty, or was cut off in its first line")
    refused(RECORDED.read_bytes()[:100], "bad: is empty, or was cut off in its first line")
    refused("\n", "bad:1: is neither a file of heaptrack nor a log")
    refused("v 10400\n", "bad:1: a number is missing")
    refused("v 20000 4\n", "bad:1: heaptrack's format 4 is not known")
    refused("v 10400 3\nx 7 /bin/ls\n", "bad:2: .*heaptrack_interpret first")
    refused("v 10400 3\n+ 0\n", "bad:2: refers to an allocation that is not described")
    refused("v 10400 3\ns 5 abc\n", "bad:2: the text has 3 bytes and not the 5")
    refused("v 10400 3\ni zz 0\n", "bad:2: 'zz 0' is not a hexadecimal number")
    refused("v 10400 3\ni 10000000000000000 0\n", "bad:2: a number is too large")
    refused("v 10400 3\ni 10 1\n", "bad:2: refers to entry 1 of 0")
    refused("v 10400 3\nt 0 0\n", "bad:2: a frame of a stack is missing")
    refused("v 10400 3\na 8 0\n+ 1\n", "bad:3: refers to entry 1 of 0")
    refused("v 10400 3\na 8 0\n- 0\n", "bad:3: frees a block that was not allocated")
    refused("v 10400 3\n?\n\x7f\xff\n", "bad:3: is not a line of a file of heaptrack")
    damaged = bytearray(gzip.compress(text * 50))
    damaged[len(damaged) // 2 : len(damaged) // 2 + 8] = b"\xff" * 8
    refused(bytes(damaged), "bad: damaged after line|bad:[0-9]+: ")
    refused("= Start\nnonsense\n", "bad:2: not a line of an mtrace")
    run(MALLOW, "import", "missing", "-o", "trace", status=2, errors="missing: No such file")
    run(MALLOW, "import", "bad", status=125, errors="no -o TRACE given")
    run(MALLOW, "import", RECORDED, "-o", "/nowhere/trace", status=125, errors="/nowhere/trace")
    run(MALLOW, "import", RECORDED, "-o", "/dev/full", status=125, errors="/dev/full: .*No space left")


def test_mtrace():
    run(TRACED, "clean", env={**os.environ, "LD_PRELOAD": LIBRARY, "MALLOC_TRACE": "log"})
    known = json.loads(run(MALLOW, "mtrace", "--json", TRACED, "log"))
    trace = Trace("log")
    failed = [event for event in trace.events if event["error"]]
    assert len(trace.calls("free")) == known["frees"] and len(trace.calls("realloc")) == known["reallocations"]
    assert len(trace.calls("malloc")) == known["allocations"] > 100 and len(failed) == known["failures"]
    allocated = sum(event["size"] for event in trace.calls("malloc", "realloc") if event["address"])
    assert allocated == known["allocated_bytes"] and not trace.live() and trace.recorder == "mtrace"
    functions = {trace.stack(event["stack"])[0][0] for event in trace.events}
    assert functions == {"call_at_random"}, functions
    assert trace.stack(trace.events[0]["stack"])[-1][4] == Path(TRACED).name


def test_installed_heaptrack():
    """What the installed heaptrack says is what the trace says."""
    if shutil.which("heaptrack") is None:
        print("heaptrack is not installed")
        return
    subprocess.run(["heaptrack", "-o", "new", TRACED, "threads"], check=True, capture_output=True, timeout=600)
    path = next(path for path in Path().glob("new.*"))
    trace = Trace(path)
    said = run("heaptrack_print", path, errors="|")
    calls = int(re.search(r"calls to allocation functions: (\d+)", said).group(1))
    assert len(trace.calls("malloc")) == calls > 20000, (len(trace.calls("malloc")), calls)
    leaked = re.search(r"total memory leaked: ([0-9.]+)([BKM]?)", said)
    factor = {"": 1, "B": 1, "K": 1000, "M": 1000000}[leaked.group(2)]
    assert abs(sum(trace.live().values()) - float(leaked.group(1)) * factor) < factor / 50, (leaked, sum(trace.live().values()))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    first = test_recorded()
    content = subprocess.run(["zstd", "-dc", RECORDED], check=True, capture_output=True).stdout
    test_forms(first, content)
    test_cut_off(first, content)
    test_refusals(content)
    test_mtrace()
    test_installed_heaptrack()
