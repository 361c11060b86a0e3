#!/usr/bin/python3
"""mallow sites prints the figures of a profile, compared with figures that are computed here.

Usage: sites.py MALLOW SOURCE
"""

import json
import math
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from profile_writer import *

MALLOW, SOURCE = sys.argv[1:]
os.environ.pop("MALLOW_OPTIONS", None)
os.environ.pop("LD_PRELOAD", None)
os.environ.pop("DEBUGINFOD_URLS", None)
BASE = 0x7F0000000000


def run(*arguments, status=0, command="sites"):
    result = subprocess.run([MALLOW, command, *map(str, arguments)], text=True,
                            capture_output=True, timeout=60)
    assert result.returncode == status, (arguments, result)
    return result


def figures(path, *arguments):
    result = run("--json", "--top=0", *arguments, path)
    assert not result.stderr, result.stderr
    return json.loads(result.stdout)


def near(one, other):
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=0.11)


# ---- random profiles and their figures ----

HELPERS = ["malloc", "operator new(unsigned long)",
           "void std::vector<int, std::allocator<int> >::_M_realloc_insert<int>(int&&)", "g_malloc"]
FUNCTIONS = ["parse", "f(int)", "ns::Class<int>::method(char const*) const", "<T as a::B>::c"]
LIFE_ENDS = [0.001, 0.01, 0.1, 1, 10, 100, 1000, math.inf]


class Process:
    """A section with random stacks and samples. Keeps what the readers must find."""

    def __init__(self, rand, pid, names, build_id):
        self.pid, self.build_id = pid, build_id
        self.places = {}
        self.callers, self.frames = {}, {}
        for node in range(1, rand.randint(3, 40)):
            self.callers[node] = rand.choice([0, *self.callers])
            # A return address: the place is the byte before it.
            place = 0x1000 + node * 16
            function = rand.choice(HELPERS + FUNCTIONS)
            frames = [(node, False, function, f"{function[0]}.c")]
            if rand.random() < 0.3:
                frames.insert(0, (node + 100, True, rand.choice(FUNCTIONS), "inline.h"))
            self.places[place] = self.frames[node] = frames
        names.write(build_id, self.places)
        self.sites, self.peaks, self.samples = {}, {}, []
        self.text = process(pid=pid) + modules(
            module(BASE, BASE + 0x100000, 0x500, b"/nowhere/lib.so", build_id)) + stacks(
            *((node, caller, BASE + 0x1000 - 0x500 + node * 16 + 1)
              for node, caller in self.callers.items())) + threads((pid, b"main"), (9, b"worker"))
        for time in range(6, 6 + rand.randint(1, 6)):
            self.take_snapshot(rand, time, random.random() < 0.5)
        self.take_snapshot(rand, 20, True)

    def headline(self, node):
        """The first frame, from the innermost one, that is not a helper."""
        first = self.frames[node][0] if node else None
        while node:
            for frame in self.frames[node]:
                if frame[2] not in HELPERS:
                    return frame
            node = self.callers[node]
        return first

    def take_snapshot(self, rand, time, last):
        records = []
        for node in rand.sample(sorted(self.callers), rand.randint(1, len(self.callers))):
            key = node, rand.randint(0, 1)
            old = self.sites.get(key, {"allocated": [0] * 4, "freed": [0] * 8, "peak": 0})
            large = key[1]
            alive = [rand.randint(1, 50), rand.random() * 100, rand.randrange(10**6),
                     rand.random() * 1e9]
            allocated = [a + b + rand.randrange(10) for a, b in zip(old["allocated"], alive)]
            if large:  # all of them are recorded
                alive[1], alive[3], allocated[1], allocated[3] = alive[0], 0, allocated[0], 0
            freed = [a + rand.random() * 20 for a in old["freed"]]
            self.sites[key] = {"allocated": allocated, "live": alive, "freed": freed,
                               "peak": max(old["peak"], alive[2]) + rand.randrange(10),
                               "inherited": rand.choice([[0] * 4, alive, [n // 2 for n in alive]])}
            if large:
                self.sites[key]["inherited"][1] = self.sites[key]["inherited"][0]
            if self.sites[key]["inherited"][0] == 0:
                self.sites[key]["inherited"] = [0] * 4

            entry = self.sites[key]
            inherited = entry["inherited"] if entry["inherited"][0] else ()
            records.append(site(node, allocated, alive, entry["peak"], freed, large, inherited))
        self.text += snapshot(time * SECOND, EXIT if last else PERIODIC, (7, 777),
                              classes=(1, 0, 5)) + sites(*records)
        self.note_peaks()
        if last:
            self.samples = [(rand.random() * 14 + 5.5, rand.choice(sorted(self.sites)),
                             rand.randint(1, 5000), 1 + rand.random() * 100,
                             rand.choice([self.pid, 9])) for _ in range(rand.randint(0, 60))]
            self.samples = [(at, key, size, 1 if key[1] else blocks, thread)
                            for at, key, size, blocks, thread in self.samples if at < time]
            self.last = time
            self.text += live(*((i, size, blocks, int(at * SECOND), key[0], thread, 0, key[1])
                                for i, (at, key, size, blocks, thread) in enumerate(self.samples)),
                              pid=self.pid)
        self.text += done()

    def note_peaks(self):
        now = {}
        for (node, _), entry in self.sites.items():
            name = self.name(node)
            now[name] = now.get(name, 0) + entry["live"][2]
            self.peaks[name] = max(self.peaks.get(name, 0), entry["peak"])
        for name, live_bytes in now.items():
            self.peaks[name] = max(self.peaks[name], live_bytes)

    def name(self, node):
        return self.headline(node)[2]


def median_lifetime(freed, ages):
    """A life table: live blocks are at risk for half of the interval in which their age lies."""
    aged = [0.0] * 8
    for age, blocks in ages:
        aged[next(i for i, end in enumerate(LIFE_ENDS) if age < end)] += blocks
    left, survival = sum(freed) + sum(aged), 1.0
    for i in range(8):
        if left - aged[i] / 2 > 0:
            survival *= 1 - freed[i] / (left - aged[i] / 2)
        if survival <= 0.5:
            return i
        left -= freed[i] + aged[i]
    return 8


def expected_by_function(processes):
    """Returns the expected figures of each function."""
    result = {}
    for one in processes:
        for (node, large), entry in one.sites.items():
            sums = result.setdefault(one.name(node), {
                "live": [0] * 4, "allocated": [0] * 4, "inherited": [0] * 4, "freed": [0] * 8,
                "ages": [],
                "threads": set(), "peak": 0})
            for kind in "live", "allocated", "inherited", "freed":
                sums[kind] = [a + b for a, b in zip(sums[kind], entry[kind])]
        for name, peak in one.peaks.items():
            result[name]["peak"] += peak
        for at, (node, _), size, blocks, thread in one.samples:
            result[one.name(node)]["ages"].append((one.last - at, blocks))
            result[one.name(node)]["threads"].add(thread)
    return result


def expect_sum(found, sums):
    assert found["samples"] == sums[0], (found, sums)
    assert near(found["blocks"], sums[1]) and near(found["bytes"], sums[2]), (found, sums)
    assert near(found["error"], 1.96 * math.sqrt(sums[3])), (found, sums)


def agrees_with_the_model(folder, names):
    for seed in range(40):
        rand = random.Random(seed)
        random.seed(seed)
        processes = [Process(rand, 100 + i, names, bytes([seed, i]) * 10)
                     for i in range(rand.choice([1, 1, 2, 3]))]
        path = folder / "model"
        path.write_bytes(b"".join(one.text for one in processes))
        answer = figures(path)
        found = {}
        for group in answer["sites"]:
            name = next((frame["function"] for frame in group["stack"]
                         if frame["function"] not in HELPERS), group["stack"][0]["function"])
            assert name not in found
            found[name] = group
        expected = expected_by_function(processes)
        assert set(found) == set(expected), (seed, set(found) ^ set(expected))
        expect_orders(path, answer)
        for name, group in found.items():
            sums = expected[name]
            expect_sum(group["live"], sums["live"])
            expect_sum(group["allocated"], sums["allocated"])
            expect_sum(group["inherited"], sums["inherited"])
            assert near(group["peak_bytes"], sums["peak"]), (seed, name, group, sums)
            assert near(group["temporary_share"], round(sums["freed"][0] / sums["allocated"][1], 4))
            assert group["threads"] == len(sums["threads"])
            if not sums["ages"] and sums["live"][1] > 0:
                assert group["median_lifetime"] is None
                continue
            median = median_lifetime(sums["freed"], sums["ages"])
            to = group["median_lifetime"]["to_seconds"]
            assert to == (LIFE_ENDS[median] if median < 7 else None), (seed, name, group)
        total = sum(entry["live"][2] for one in processes for entry in one.sites.values())
        assert near(answer["live"]["bytes"], total)
        total = sum(entry["inherited"][2] for one in processes for entry in one.sites.values())
        assert near(answer["inherited"]["bytes"], total)
        expect_process(path, processes[-1])
        last = answer["programs"][0]["last_snapshot"]
        assert (last["live_blocks"], last["live_bytes"], last["seconds"]) == (7, 777, 15), last
        assert last["classes"] == [{"bytes": 16, "live_blocks": 1}, {"bytes": 48, "live_blocks": 5}]
        expect_processes(path, processes)
        expect_threads(path, processes)
        run("--stacks", "--by=stack", path)


def expect_orders(path, answer):
    """Programs that have ended are sorted by their peaks, unless an option says otherwise."""
    keys = {"live": lambda group: group["live"]["bytes"], "peak": lambda group: group["peak_bytes"],
            "allocated": lambda group: group["allocated"]["bytes"],
            "calls": lambda group: group["allocated"]["blocks"],
            "temporary": lambda group: group["freed_blocks_by_lifetime"][0]}
    name = random.choice(list(keys))
    for key, groups in (("peak", answer["sites"]), (name, figures(path, f"--sort={name}")["sites"])):
        order = [keys[key](group) for group in groups]
        assert order == sorted(order, reverse=True), (key, order)


def expect_process(path, process):
    answer = figures(path, f"--process={process.pid}")
    assert [program["pid"] for program in answer["programs"]] == [process.pid]
    total = sum(entry["live"][2] for entry in process.sites.values())
    assert near(answer["live"]["bytes"], total)


def expect_processes(path, processes):
    found = {group["process"]: group for group in figures(path, "--by=process")["sites"]}
    assert set(found) == {f"{process.pid} (/usr/bin/program)" for process in processes}
    for one in processes:
        group, entries = found[f"{one.pid} (/usr/bin/program)"], one.sites.values()
        assert near(group["live"]["bytes"], sum(entry["live"][2] for entry in entries))
        assert near(group["allocated"]["blocks"], sum(entry["allocated"][1] for entry in entries))


def expect_threads(path, processes):
    expected = {}
    for one in processes:
        for _, _, size, blocks, thread in one.samples:
            name = f"{thread} ({'worker' if thread == 9 else 'main'})"
            expected[name] = expected.get(name, 0) + size * blocks
    found = {group["thread"]: group["live"]["bytes"] for group in figures(path, "--by=thread")["sites"]}
    assert set(found) == set(expected)
    assert all(near(found[name], expected[name]) for name in found)


def names_inherited_blocks(folder, names):
    """A site that has only blocks from before a fork, and one that also has others."""
    names.write(b"fork" * 5, {0x1000 * node: [(1, False, f"f{node}", "f.c")] for node in (1, 2)})
    path = folder / "inherited"
    path.write_bytes(process() + modules(module(BASE, BASE + 0x10000, 0, b"/nowhere", b"fork" * 5)) + stacks(
        *((node, 0, BASE + 0x1000 * node + 1) for node in (1, 2))) + snapshot(6 * SECOND) + sites(
        site(1, (), (2, 4, 4096, 9), 4096, inherited=(2, 4, 4096, 9)),
        site(2, (1, 2, 1024, 9), (2, 4, 3072, 9), 3072, inherited=(1, 2, 2048, 9))) + done())
    lines = run(path).stdout.splitlines()
    assert "inherited: 6.0 KiB of the live bytes were allocated before a fork" in lines, lines
    rows = {line.split()[-2]: line for line in lines if "(f.c" in line}
    assert " 4.0 KiB  inherited " in rows["f1"] and " 1.0 KiB " in rows["f2"], rows


# ---- differences ----

def simulate(rand, rate, count, end):
    """Returns sampled blocks (allocated at, freed at, site, bytes, 1/p) that never die and are reborn
    in one interval, so that the variance of a difference can be computed exactly."""
    blocks = []
    for _ in range(count):
        size, born = rand.randint(1, 200000), rand.uniform(0, end)
        dies = rand.choice([math.inf, born + rand.uniform(0, end)])
        probability = 1 - math.exp(-size / rate)
        if rand.random() < probability:
            blocks.append((born, dies, rand.randint(1, 3), size, 1 / probability))
    return blocks


def sums(blocks):
    return (len(blocks), sum(b[4] for b in blocks), sum(b[3] * b[4] for b in blocks),
            sum(variance(b) for b in blocks))


def variance(block):
    return block[3] ** 2 * (block[4] - 1) * block[4]


def state_at(blocks, time):
    records = []
    for node in (1, 2, 3):
        mine = [b for b in blocks if b[2] == node and b[0] <= time]
        alive = [b for b in mine if b[1] > time]
        records.append(site(node, sums(mine), sums(alive)))
    return snapshot(5 * SECOND + int(time * SECOND)) + sites(*records) + done()


def compares_moments(folder, names):
    """The change is right. Its error is at least the exact one, which only samples contribute to
    that are live at one of the moments; it is the exact one if nothing dies as young as that; and
    it is at most the error of two unrelated moments."""
    for seed in range(15):
        rand = random.Random(seed)
        blocks = simulate(rand, 500000, 3000, 100)
        names.write(bytes([seed, 77]) * 10, {0x1000 * node: [(1, False, f"f{node}", "f.c")]
                                             for node in (1, 2, 3)})
        start = process() + modules(module(BASE, BASE + 0x10000, 0, b"/nowhere", bytes([seed, 77]) * 10)) + \
            stacks(*((node, 0, BASE + 0x1000 * node + 1) for node in (1, 2, 3)))
        times = 20, 50, 90
        path = folder / "moments"
        path.write_bytes(start + b"".join(state_at(blocks, time) for time in times))
        first, last = folder / "first", folder / "last"
        first.write_bytes(start + state_at(blocks, 50))
        last.write_bytes(start + state_at(blocks, 50) + state_at(blocks, 90))
        for arguments in (["--from=50.1", "--to=95", path], [first, last]):
            answer = json.loads(run("--json", *arguments, command="diff").stdout)
            expect_differences(blocks, answer, 50, 90)
        answer = json.loads(run("--json", path, command="diff").stdout)
        expect_differences(blocks, answer, 20, 90)
        back = json.loads(run("--json", last, first, command="diff").stdout)
        assert {g["function"]: -g["change"] for g in back["sites"]} == \
            {g["function"]: g["change"] for g in
             json.loads(run("--json", first, last, command="diff").stdout)["sites"]}


def expect_differences(blocks, answer, before, after):
    assert len(answer["sites"]) == 3
    for group in answer["sites"]:
        mine = [b for b in blocks if group["function"].startswith(f"f{b[2]}")]
        old = {b for b in mine if b[0] <= before < b[1]}
        new = {b for b in mine if b[0] <= after < b[1]}
        born = [b for b in mine if before < b[0] <= after]
        assert near(group["change"], sums(list(new))[2] - sums(list(old))[2]), group
        exact = sums(list(old ^ new))[3]
        dead_young = sums([b for b in born if b[1] <= after])[3]
        bound = 1.96 * math.sqrt(exact + 2 * dead_young)
        unrelated = 1.96 * math.sqrt(sums(list(old))[3] + sums(list(new))[3])
        low, high = 1 - 1e-6, 1 + 1e-6  # estimates have 24 bits
        assert 1.96 * math.sqrt(exact) * low - 1 <= group["error"] <= bound * high + 1, group
        assert group["error"] <= unrelated * high + 1, group
        assert group["significant"] == (abs(group["change"]) > group["error"])
    order = [(not group["significant"], -abs(group["change"])) for group in answer["sites"]]
    assert order == sorted(order)


def compares_unrelated_profiles(folder, names):
    """Without common samples, the variances add up."""
    names.write(EXAMPLE_ID, EXAMPLE_PLACES)
    (folder / "one").write_bytes(example(2))
    (folder / "two").write_bytes(example(5, pid=77))
    answer = json.loads(run("--json", folder / "one", folder / "two", command="diff").stdout)
    for group in answer["sites"]:
        both = math.hypot(group["before"]["live"]["error"], group["after"]["live"]["error"])
        assert near(group["error"], both), group


def is_in_the_manual(folder, names):
    """The example in mallow(1) is what the command prints."""
    names.write(EXAMPLE_ID, EXAMPLE_PLACES)
    (folder / "server.prof").write_bytes(example())
    expect_example(folder, "sites", "server.prof")
    expect_example(folder, "diff", "--from=60", "server.prof")
    expect_example(folder, "leaks", "server.prof", status=1)


def expect_example(folder, *arguments, status=0):
    result = subprocess.run([MALLOW, *arguments], text=True, capture_output=True, timeout=60,
                            cwd=folder)
    assert result.returncode == status and not result.stderr, result
    manual = (Path(SOURCE) / "docs/man/mallow.1").read_text().replace("\\-", "-")
    shown = f"$ mallow {' '.join(arguments)}\n{result.stdout}"
    assert shown in manual, shown


with tempfile.TemporaryDirectory() as temporary:
    os.environ["XDG_CACHE_HOME"] = temporary + "/cache"
    folder = Path(temporary)
    (folder / "cache").mkdir(mode=0o700)
    names = Names(folder / "cache")
    is_in_the_manual(folder, names)
    compares_moments(folder, names)
    compares_unrelated_profiles(folder, names)
    agrees_with_the_model(folder, names)
    names_inherited_blocks(folder, names)

