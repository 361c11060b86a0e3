"""Runs real programs in each checking mode; figures are relative to Mallow's default mode."""

import argparse
import os
import shutil
import sys
import tempfile

from harness import allocators, measure, paths, programs
from harness.allocators import Allocator
from harness.results import MEMORY, TIME, Results
from harness.workloads import Workload

PLAIN, FULL = "plain", "full"
LIMIT = 2.0  # the maximum for check=full
TESTS = paths.ROOT / "tests" / "programs"


def modes(library):
    """Returns the modes; those that take minutes come last."""
    library = os.path.abspath(library)
    bounds = os.path.join(os.path.dirname(library), "libmallow-check.so")
    memcheck = ("valgrind", "-q", "--tool=memcheck", "--trace-children=yes",
                "--log-file=/dev/null")

    def mallow(name, options, preload=library):
        return Allocator(name, preload, "", {"MALLOW_OPTIONS": options})

    return (
        Allocator(PLAIN, library, "build it, or name another with --lib"),
        mallow(FULL, "check=full"),
        mallow("full+bounds", "check=full", f"{bounds}:{library}"),
        mallow("seal", "check=seal"),
        mallow("hard", "check=hard"),
        mallow("guard=5000", "guard=5000"),
        Allocator("glibc", "libc.so.6", ""),
        Allocator("glibc CHECK_=3", "libc_malloc_debug.so.0", "", {"MALLOC_CHECK_": "3"}),
        Allocator("memcheck", "libc.so.6", "", {}, memcheck),
    )


def from_tests(name, meaning, *command):
    """Returns a program of tests/programs, run in an empty directory that is also its HOME."""
    def perform(allocator, scale):
        with tempfile.TemporaryDirectory() as home:
            return measure.run([*command[:-1], TESTS / command[-1]], allocator, directory=home,
                               environment={"HOME": home, "LC_ALL": "C"})
    return Workload(name, meaning, perform)


def real_programs():
    own_pools = programs.script("/usr/bin/python3", "objects.py", 12)
    return [
        *(Workload(each.name, each.meaning, each.perform) for each in programs.ALL),
        Workload("python pools", "the same with Python's own pools", own_pools),
        from_tests("bash", "arrays, strings, many forks", "bash", "bash.sh"),
        from_tests("git", "a history packed and cloned", "sh", "git.sh"),
        from_tests("node", "buffers, text, workers", "node", "node.js"),
        from_tests("ruby", "objects, strings, threads", "ruby", "ruby.rb"),
    ]


def arguments():
    parser = argparse.ArgumentParser(prog="bench/checked", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, metavar="N",
                        help="report the best of N runs; memcheck runs once (default %(default)s)")
    parser.add_argument("--scale", type=float, default=0.5, metavar="X",
                        help="the amount of work, where it can be chosen (default %(default)s)")
    parser.add_argument("--only", metavar="PROGRAM[,..]", help="these programs only")
    parser.add_argument("--modes", metavar="MODE[,..]", help="these modes, and plain")
    parser.add_argument("--lib", metavar="PATH", default=paths.DEFAULT_LIBRARY,
                        help="the libmallow.so to measure (default build/libmallow.so)")
    return parser.parse_args()


def chosen(every, names):
    return [each for each in every if not names or each.name in names.split(",")]


def perform(workloads, every, options):
    """Runs all modes of a program in direct succession, in each round."""
    results = Results([each.name for each in every], [each.name for each in workloads])
    for number in range(max(1, options.rounds)):
        for workload in workloads:
            for mode in every:
                if mode.wrapper and number > 0:
                    continue
                try:
                    results.add(workload.name, mode.name, number,
                                workload.perform(mode, options.scale))
                except measure.RunFailed as error:
                    results.failures.append(f"{workload.name}, {mode.name}: {error}")
    return results


def best(results, workload, mode, figure):
    return min(results.rounds(workload, mode, figure.key).values(), default=None)


def table(results, title, figure):
    """Formats a table for the documentation: the plain figure, then ratios to it."""
    unit = {TIME: "s", MEMORY: "MiB"}[figure]
    others = [name for name in results.allocators if name != PLAIN]
    lines = [f"| {title} | {PLAIN}, {unit} | " + " | ".join(others) + " |",
             "|---|" + "---|" * len(results.allocators)]
    for workload in results.workloads:
        plain = best(results, workload, PLAIN, figure)
        values = [best(results, workload, name, figure) for name in others]
        cells = [f"{plain / figure.divisor:.2f}" if plain else "failed"]
        cells += [f"{value / plain:.2f}" if value and plain else "failed" for value in values]
        lines.append(f"| {workload} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def too_slow(results):
    for workload in results.workloads:
        full, plain = (best(results, workload, name, TIME) for name in (FULL, PLAIN))
        if full and plain and full > LIMIT * plain:
            yield f"{workload}: check=full takes {full / plain:.2f} times the plain run"


def main():
    options = arguments()
    paths.build()
    every = modes(options.lib)
    every = every[:1] + tuple(chosen(every[1:], options.modes))
    if any(mode.wrapper and not shutil.which(mode.wrapper[0]) for mode in every):
        sys.exit("bench: valgrind not found: install the package valgrind")
    try:
        allocators.verify(every[0])
    except allocators.Unavailable as error:
        sys.exit(f"bench: {error}")
    results = perform(chosen(real_programs(), options.only), every, options)
    print(table(results, "time", TIME), table(results, "peak memory", MEMORY), sep="\n\n")
    complaints = results.failures + list(too_slow(results))
    for complaint in complaints:
        print(f"bench: {complaint}", file=sys.stderr)
    return 1 if complaints else 0
