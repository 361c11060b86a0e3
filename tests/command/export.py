#!/usr/bin/python3
"""mallow export: other programs read what it writes, and find the figures of mallow sites.

Usage: export.py MALLOW SOURCE
"""

import csv
import io
import json
import math
import os
import pty
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import profile_writer as w
from pprof_reader import Decoded, decoder

MALLOW, SOURCE = sys.argv[1:]
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS":
    os.environ.pop(name, None)
BASE, JIT = 0x7F0000000000, 0x10000000
VALUES = ["allocated-blocks", "allocated-bytes", "live-blocks", "live-bytes"]


def run(*arguments, status=0, text=True):
    result = subprocess.run([MALLOW, *map(str, arguments)], capture_output=True, timeout=60,
                            text=text)
    assert result.returncode == status, (arguments, result)
    return result


def export(form, path, *options, text=True):
    result = run("export", f"--to={form}", *options, path, text=text)
    assert not result.stderr, result.stderr
    return result.stdout


def read_csv(path):
    return list(csv.DictReader(io.StringIO(export("csv", path, text=False).decode(), newline="")))


# ---- random profiles ----

NAMES = ["f(int)", "ns::Class<int, long>::method(char const*) const", "operator\"\"_x(char)", "malloc",
         "<T as a::B>::c", "grüße", "a;b", 'say "hello", world', "std::vector<int>::reserve"]


class Process:
    """A section with random stacks, of which some have inlined functions or unknown names."""

    def __init__(self, rand, pid, names, threads):
        self.pid, self.build_id = pid, bytes([pid % 256]) * 20
        self.places, self.callers, text = {}, {}, b""
        for node in range(1, rand.randint(3, 40)):
            self.callers[node] = rand.choice([0, *self.callers])
            name = rand.choice(NAMES)
            frames = [(node, False, name, f"{name[0]}.c")]
            if rand.random() < 0.3:
                frames.insert(0, (node + 100, True, rand.choice(NAMES), "inline, \"quoted\".h"))
            self.places[0x1000 + node * 16] = frames if rand.random() < 0.9 else []
        names.write(self.build_id, self.places)
        address = {node: (JIT if rand.random() < 0.1 else BASE + 0x1000 - 0x500) + node * 16 + 1
                   for node in self.callers}
        self.text = w.process(pid=pid, program=b"/usr/bin/pro,\"gram\"") + w.modules(
            w.module(BASE - 0x100000, BASE - 0xF0000, 0, b"/nowhere/first.so", b"\1\2"),
            w.module(BASE, BASE + 0x100000, 0x500, b"/usr/bin/pro,\"gram\"", self.build_id)) + w.stacks(
            *((node, caller, address[node]) for node, caller in self.callers.items())) + w.threads(
            *threads)
        for time in 10, 20:
            self.text += w.snapshot(time * w.SECOND, w.EXIT, (7, 777)) + self.sites(rand, threads)
            self.text += w.done()

    def sites(self, rand, threads):
        records, samples = [], []
        for node in rand.sample(sorted(self.callers), rand.randint(1, len(self.callers))):
            large = rand.randint(0, 1)
            alive = [rand.randint(1, 50), rand.random() * 100, rand.randrange(10**6), 1e6]
            allocated = [figure + rand.randrange(1000) for figure in alive]
            if large:
                alive[1], alive[3], allocated[1], allocated[3] = alive[0], 0, allocated[0], 0
            if rand.random() < 0.2:
                alive = ()
            records.append(w.site(node, allocated, alive, large=large))
            for _ in range(rand.randint(0, 3) if alive else 0):
                samples.append((node, rand.randrange(1, 5000), 1 if large else 1 + rand.random() * 9,
                                6 * w.SECOND, node, rand.choice(threads)[0], 0, large))
        return w.sites(*records) + (w.live(*samples, pid=self.pid) if samples else b"")


def write(folder, *texts):
    path = folder / "profile"
    path.write_bytes(b"".join(texts))
    return path


def frames_of(site):
    return tuple((frame["function"], frame.get("file", ""), frame.get("line", 0))
                 for frame in site["stack"])


def figures_of(site):
    return [site["allocated"]["blocks"], site["allocated"]["bytes"], site["live"]["blocks"],
            site["live"]["bytes"]]


def sites_of(path):
    found = json.loads(run("sites", "--json", "--by=stack", "--top=0", path).stdout)["sites"]
    return {frames_of(site): figures_of(site) for site in found}


def has_the_figures_of_sites(expected, sums, counts):
    """Each sample is rounded to a whole number; sites prints one digit more."""
    for stack in expected.keys() | sums.keys():
        for want, value in zip(expected.get(stack, [0] * 4), sums.get(stack, [0] * 4)):
            assert abs(want - value) <= 0.5 * counts[stack] + 0.06, (stack, want, value)


# ---- pprof ----

def pprof_has_all_figures(profile, path, processes):
    decoded = Decoded(profile, export("pprof", path, text=False))
    assert decoded.types == [("alloc_objects", "count"), ("alloc_space", "bytes"),
                             ("inuse_objects", "count"), ("inuse_space", "bytes")]
    assert decoded.default == "inuse_space" and decoded.period == ("space", "bytes", 524288)
    assert decoded.times == (1_700_000_015 * w.SECOND, 15 * w.SECOND), decoded.times
    assert decoded.mappings[0]["path"] == '/usr/bin/pro,"gram"'
    for process in processes:
        assert f"process {process.pid} (/usr/bin/pro,\"gram\")" in decoded.comments
        own = [one for one in decoded.mappings if one["build_id"] == process.build_id.hex()]
        assert len(own) == 1 and own[0]["range"] == (BASE, BASE + 0x100000), decoded.mappings
        assert own[0]["offset"] == 0x500
    has_the_figures_of_sites(sites_of(path), *decoded.sums())
    return decoded


def pprof_has_labels(decoded, path, processes, threads):
    """Live blocks belong to threads. What was freed has no thread."""
    by_name = Counter()
    expected = json.loads(export("json", path))
    for frames, values, labels in decoded.samples:
        if len(processes) > 1:
            assert labels["pid"] in [process.pid for process in processes]
            assert labels["program"] == '/usr/bin/pro,"gram"'
        else:
            assert "pid" not in labels
        assert ("thread_id" in labels) <= (values[0] == values[1] == 0), (values, labels)
        if "thread_id" in labels:
            assert labels["thread"].encode() == dict(threads)[labels["thread_id"]]
            by_name[labels["thread_id"]] += values[3]
    sums = Counter()
    for program in expected["programs"]:
        for site in program["sites"]:
            total = sum(one["bytes"] for one in site["threads"])
            for one in site["threads"]:
                sums[one["thread"]] += one["bytes"] / total * site["live"]["bytes"]
    for thread, size in sums.items():
        assert abs(by_name[thread] - size) < len(decoded.samples) + 1, (thread, by_name, sums)


def pprof_knows_what_is_unknown(profile, folder):
    names = w.Names(Path(os.environ["XDG_CACHE_HOME"]))
    names.write(b"\7\7", {0x1010: [(3, False, "f", "f.c")], 0x1020: []})
    text = w.process() + w.modules(
        w.module(BASE, BASE + 0x10000, 0, b"/nowhere/a", b"\7\7"),
        w.module(BASE + 0x10000, BASE + 0x20000, 0, b"/nowhere/b")) + w.stacks(
        (1, 0, BASE + 0x1011), (2, 1, BASE + 0x11021))
    text += w.snapshot(6 * w.SECOND) + w.sites(w.site(2, (1, 1, 5, 1), (1, 1, 5, 1)),
                                               w.site(1, (1, 1, 7, 1), (1, 1, 7, 1)),
                                               w.site(0, (1, 1, 9, 1), (1, 1, 9, 1))) + w.done()
    path = write(folder, text)
    decoded = Decoded(profile, export("pprof", path, text=False))
    assert [one["has"] for one in decoded.mappings] == [(True,) * 4, (False,) * 4]
    assert decoded.sums()[0][()] == [1, 9, 1, 9]
    assert export("collapsed", path).splitlines() == ["f;b+0x1021 5", "f 7", "[unknown] 9"]


def go_reads_pprof(folder, path):
    """The reference tool, if it is installed."""
    if not shutil.which("go"):
        return
    target = folder / "profile.pb.gz"
    run("export", "--to=pprof", "-o", target, path)
    raw = subprocess.run(["go", "tool", "pprof", "-symbolize=none", "-raw", target],
                         capture_output=True, text=True, check=True,
                         env={**os.environ, "HOME": str(folder)}).stdout
    assert "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes[dflt]" in raw
    expected, rows = sites_of(path), re.findall(r"^ *(\d+) +(\d+) +(\d+) +(\d+): ", raw, re.M)
    for index in range(4):
        total = sum(figures[index] for figures in expected.values())
        assert abs(sum(int(row[index]) for row in rows) - total) <= len(rows), (index, raw)


# ---- the other formats ----

def collapsed_has_all_figures(path, processes):
    expected = sites_of(path)
    for index, value in enumerate(VALUES):
        sums = Counter()
        for line in export("collapsed", path, f"--value={value}").splitlines():
            stack, _, figure = line.rpartition(" ")
            if len(processes) > 1:
                root, _, stack = stack.partition(";")
                assert root in [f'/usr/bin/pro,"gram" ({process.pid})' for process in processes]
            assert int(figure) > 0
            sums[stack] += int(figure)
        want = Counter()
        for stack, figures in expected.items():
            want[";".join(name.replace(";", ",") for name, _, _ in reversed(stack))] += figures[index]
        for stack in want.keys() | sums.keys():
            assert abs(want[stack] - sums[stack]) <= len(expected) / 2 + 1, (value, stack)
    assert export("collapsed", path) == export("collapsed", path, "--value=live-bytes")


def speedscope_is_valid(path, processes):
    """The rules of https://www.speedscope.app/file-format-schema.json for sampled profiles."""
    text = json.loads(export("speedscope", path, "--value=allocated-bytes"))
    assert text["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    assert set(text) <= {"$schema", "version", "shared", "profiles", "name", "activeProfileIndex",
                         "exporter"}
    frames = text["shared"]["frames"]
    for frame in frames:
        assert set(frame) <= {"name", "file", "line", "col"} and isinstance(frame["name"], str)
        assert isinstance(frame.get("file", ""), str) and isinstance(frame.get("line", 1), int)
    assert [one["name"] for one in text["profiles"]] == VALUES
    assert text["activeProfileIndex"] == 1
    expected = sites_of(path)
    for index, one in enumerate(text["profiles"]):
        assert set(one) == {"type", "name", "unit", "startValue", "endValue", "samples", "weights"}
        assert one["type"] == "sampled" and one["unit"] in ("none", "bytes")
        assert len(one["samples"]) == len(one["weights"])
        assert one["startValue"] == 0 and one["endValue"] == sum(one["weights"])
        assert all(0 <= frame < len(frames) for sample in one["samples"] for frame in sample)
        total = sum(figures[index] for figures in expected.values())
        assert abs(one["endValue"] - total) <= len(one["samples"]) / 2 + 1
        if len(processes) > 1:
            roots = {frames[sample[0]]["name"] for sample in one["samples"]}
            assert roots == {f'/usr/bin/pro,"gram" ({process.pid})' for process in processes}


def json_has_all_figures(path, processes):
    text = json.loads(export("json", path))
    sums, counts = defaultdict(lambda: [0] * 4), Counter()
    for program in text["programs"]:
        assert program["pid"] in [process.pid for process in processes]
        assert len(program["snapshots"]) == 2 and len(program["modules"]) == 2
        for site in program["sites"]:
            stack, frames = site["stack"], []
            while stack:
                frame = text["frames"][text["stacks"][stack]["frame"]]
                frames.append((frame["function"], frame.get("file", ""), frame.get("line", 0)))
                stack = text["stacks"][stack]["caller"]
            sums[tuple(frames)] = [a + b for a, b in zip(sums[tuple(frames)], figures_of(site))]
            counts[tuple(frames)] += 1
    has_the_figures_of_sites(sites_of(path), sums, counts)


def csv_has_all_figures(path, processes):
    rows = read_csv(path)
    total = [0] * 4
    for row in rows:
        assert None not in row and int(row["pid"]) in [process.pid for process in processes]
        assert row["program"] == '/usr/bin/pro,"gram"'
        total = [before + float(row[name.replace("-", "_")]) for before, name in zip(total, VALUES)]
    for index, value in enumerate(total):
        want = sum(figures[index] for figures in sites_of(path).values())
        assert abs(want - value) < len(rows), (VALUES[index], want, value)
    lines = Counter(row["stack"] for row in rows)
    wanted = Counter(";".join(name for name, _, _ in reversed(stack)) for stack in sites_of(path))
    assert set(lines) == set(wanted)


def csv_quotes_names(folder):
    """Commas and quotation marks stay. Control characters are replaced, as everywhere."""
    names = w.Names(Path(os.environ["XDG_CACHE_HOME"]))
    program = 'a "b", c\n=d'
    names.write(b"\5" * 20, {0x10: [(3, False, 'x<"a", b>', 'f, "g".c')]})
    path = write(folder, w.process(program=program.encode()), w.modules(
        w.module(BASE, BASE + 0x1000, 0, b"/m\n,\"", b"\5" * 20)), w.stacks((1, 0, BASE + 0x11)),
        w.snapshot(6 * w.SECOND), w.sites(w.site(1, (1, 1, 5, 1), (1, 1, 5, 1))), w.done())
    row, = read_csv(path)
    assert row["program"] == program.replace("\n", "?") and row["module"] == '/m?,"', row
    assert row["function"] == row["stack"] == 'x<"a", b>' and row["file"] == 'f, "g".c', row
    assert row["line"] == "3" and row["live_bytes"] == "5.0", row


# ---- output ----

def writes_files_as_a_whole(folder, path):
    target = folder / "out"
    target.write_text("old")
    os.umask(0o027)
    run("export", "--to=csv", "-o", target, path)
    assert target.read_text().startswith("pid,") and stat.S_IMODE(target.stat().st_mode) == 0o640
    bad = run("export", "--to=csv", "-o", folder / "none" / "out", path, status=125)
    assert bad.stderr.endswith("/none/out: No such file or directory\n"), bad.stderr
    # The profile is not one, so nothing is written.
    (folder / "bad").write_text("x")
    target.write_text("old")
    run("export", "--to=csv", "-o", target, folder / "bad", status=2)
    assert target.read_text() == "old"
    full = run("export", "--to=csv", "-o", "/dev/full", path, status=125)
    assert "No space left on device" in full.stderr
    assert sorted(one.name for one in folder.glob("out*")) == ["out"]
    # A limit on the size of files ends the writing in the middle.
    limited = subprocess.run(["sh", "-c", 'ulimit -f 0; trap "" XFSZ; exec "$@"', "sh", MALLOW, "export",
                              "--to=json", "-o", target, path], capture_output=True, text=True)
    assert limited.returncode == 125 and "File too large" in limited.stderr, limited
    assert target.read_text() == "old" and len(list(folder.glob("out*"))) == 1


def refuses_binary_on_a_terminal(path):
    try:
        ours, theirs = pty.openpty()
    except OSError:
        return  # a bare chroot
    for form, status in ("pprof", 125), ("csv", 0):
        result = subprocess.run([MALLOW, "export", "--to", form, path], stdout=theirs,
                                stderr=subprocess.PIPE, text=True)
        assert result.returncode == status, result
        assert ("-o FILE" in result.stderr) == (status == 125), result.stderr
    os.close(ours)
    os.close(theirs)


def main():
    rand = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        names = w.Names(folder / "cache")
        profile = decoder(SOURCE, folder)
        threads = [(1, b"main"), (2, b"wor\"ker"), (3, b"grand,child")]
        for turn in range(12):
            processes = [Process(rand, 100 + turn * 4 + i, names, threads)
                         for i in range(1 + turn % 3)]
            path = write(folder, *(process.text for process in processes))
            decoded = pprof_has_all_figures(profile, path, processes)
            pprof_has_labels(decoded, path, processes, threads)
            collapsed_has_all_figures(path, processes)
            speedscope_is_valid(path, processes)
            json_has_all_figures(path, processes)
            csv_has_all_figures(path, processes)
            one = export("json", path, f"--process={processes[0].pid}")
            assert [one["pid"] for one in json.loads(one)["programs"]] == [processes[0].pid]
        go_reads_pprof(folder, path)
        writes_files_as_a_whole(folder, path)
        refuses_binary_on_a_terminal(path)
        pprof_knows_what_is_unknown(profile, folder)
        csv_quotes_names(folder)


main()
