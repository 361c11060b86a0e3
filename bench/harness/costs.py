"""Measures what the ways to get memory cost, and prints tables and a plot."""

import argparse
import ctypes
import datetime
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import costs_plot, paths

DOCUMENT = paths.ROOT / "docs" / "choosing.md"
BEGIN, END = "<!-- bench/costs writes this part: do not edit it. -->", "<!-- end -->"

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
SIZES = (16, 64, 256, KIB, 4 * KIB, 64 * KIB, MIB, 16 * MIB, GIB)
PR_CAPBSET_DROP, CAP_IPC_LOCK = 24, 14
PHASES = ("allocation", "first touch", "free")

# The title of each way, and its name in micro/costs.c. Each way in HEAP is measured with glibc's
# malloc and with Mallow's.
HEAP = ("malloc", "calloc", "realloc", "aligned")
WAYS = {
    **{f"{name}, {malloc}": name for name in HEAP for malloc in ("glibc", "Mallow")},
    "mapping": "mmap",
    "program break": "brk",
    "arena": "arena",
    "scratch": "scratch",
    "alloca": "alloca",
    "variable-length array": "array",
    "static storage": "static",
    "shared heap": "shared",
    "secret": "secret",
}


def is_mallow(way):
    return way.endswith(", Mallow")


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/costs", description="Times each way to get memory at each size.")
    parser.add_argument("--rounds", type=int, metavar="N", default=40,
                        help="rounds of the small sizes; large ones get fewer (default %(default)s)")
    parser.add_argument("--sizes", type=int, metavar="N", default=len(SIZES),
                        help=f"only the N smallest of the {len(SIZES)} sizes")
    parser.add_argument("--svg", metavar="FILE", help="also draw the plot as SVG")
    parser.add_argument("--document", action="store_true",
                        help="write the figures into docs/choosing.md instead of printing them")
    return parser.parse_args()


def main():
    options = arguments()
    costs_plot.require_gnuplot()
    sizes = SIZES[:options.sizes]
    with tempfile.TemporaryDirectory() as folder:
        program = compile_program(Path(folder))
        figures = {size: measure(program, size, options.rounds) for size in sizes}
    lines = [*machine(), *tables(sizes, figures), "", *plot(sizes, figures)]
    if options.svg:
        costs_plot.draw_svg(options.svg, sizes, list(WAYS), totals(figures))
    if options.document:
        write_document(lines)
    else:
        print("\n".join(lines))
    return 0


def compile_program(folder):
    """Compiles micro/costs.c. A compiler that knows malloc might remove its calls."""
    build = paths.ROOT / "build"
    if not (build / "libmallow-memory.so").exists():
        sys.exit("bench: build Mallow first: cmake -B build && cmake --build build")
    program = folder / "costs"
    functions = ("malloc", "calloc", "realloc", "free", "aligned_alloc")
    subprocess.run(
        [os.environ.get("CC", "cc"), "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE",
         *(f"-fno-builtin-{function}" for function in functions), f"-I{paths.ROOT}/include",
         paths.BENCH / "micro" / "costs.c", "-o", program, f"-L{build}", "-lmallow-memory",
         f"-Wl,-rpath,{build}"], check=True)
    return program


# ---- the measurement ----

def measure(program, size, rounds):
    """Returns {way: (allocation, touch, free) in ns, or the reason why there is no such block}."""
    if size >= GIB:
        if available_memory() < 4 * GIB:
            return {way: "memory" for way in WAYS}
        passes, rounds = 1, 2
    elif size > MIB:
        passes, rounds = 2, max(2, rounds // 10)
    else:
        passes, rounds = 4, max(2, rounds // 4)
    figures = {}
    for _ in range(passes):
        for preload in (None, paths.DEFAULT_LIBRARY):
            ways = [way for way in WAYS if is_mallow(way) == (preload is not None)]
            add(figures, ways, run(program, size, rounds, [WAYS[way] for way in ways], preload))
        print(".", end="", file=sys.stderr, flush=True)
    return figures


def available_memory():
    with open("/proc/meminfo") as file:
        return next(int(line.split()[1]) * KIB for line in file if line.startswith("MemAvailable"))


def run(program, size, rounds, names, preload):
    environment = dict(os.environ)
    if preload is not None:
        environment["LD_PRELOAD"] = str(preload)
    done = subprocess.run([program, str(rounds), str(size), *names], env=environment,
                          stdout=subprocess.PIPE, text=True, preexec_fn=drop_privilege)
    if done.returncode != 0:
        sys.exit(f"bench: costs {size} ended with status {done.returncode}")
    return done.stdout.splitlines()


def drop_privilege():
    """Makes the limit on locked memory apply to root as well."""
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0)


def add(figures, ways, lines):
    """Keeps the lower of the times of two passes."""
    for way, line in zip(ways, lines, strict=True):
        name, first, rest = line.split(" ", 2)
        assert name == WAYS[way], line
        if first == "-":
            figures[way] = rest
            continue
        times = tuple(float(time) for time in (first, *rest.split()))
        old = figures.get(way, times)
        figures[way] = old if isinstance(old, str) else tuple(map(min, old, times))


def totals(figures):
    """Returns {way: {size: ns}} without the sizes that do not exist."""
    return {way: {size: sum(row[way]) for size, row in figures.items()
                  if not isinstance(row[way], str)} for way in WAYS}


# ---- the output ----

def machine():
    with open("/sys/kernel/mm/transparent_hugepage/enabled") as file:
        huge = file.read().split("[")[1].split("]")[0]
    today = datetime.date.today().isoformat()
    return [f"Measured on {today} with Linux {platform.release()} on {platform.machine()}, "
            f"pages of {os.sysconf('SC_PAGESIZE') // KIB} KiB, transparent huge pages: {huge}.", ""]


def size_text(size):
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size // unit} {name}"
    return f"{size} B"


def time_text(time):
    """Returns two digits. Times below a nanosecond are shown as 0: they are those of the loop."""
    for unit, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns")):
        if time >= 0.995 * unit:
            value = time / unit
            return f"{value:.1f} {name}" if value < 9.95 else f"{value:.0f} {name}"
    return "0"


def tables(sizes, figures):
    reasons = {}
    for index, phase in enumerate(PHASES):
        if index > 0:
            yield ""
        yield f"| {phase} | " + " | ".join(map(size_text, sizes)) + " |"
        yield "|---" + "|---:" * len(sizes) + "|"
        for way in WAYS:
            cells = []
            for size in sizes:
                figure = figures[size][way]
                if isinstance(figure, str):
                    reasons.setdefault(figure, []).append(way)
                    cells.append("-")
                else:
                    cells.append(time_text(figure[index]))
            yield f"| {way} | " + " | ".join(cells) + " |"
    if reasons:
        yield ""
        yield "\\- : " + "; ".join(
            f"{reason} ({', '.join(dict.fromkeys(ways))})" for reason, ways in reasons.items())


def plot(sizes, figures):
    return ["```", *costs_plot.draw_text(list(map(size_text, sizes)), sizes, totals(figures)),
            "```"]


def write_document(lines):
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    DOCUMENT.write_text(before + BEGIN + "\n\n" + "\n".join(lines) + "\n\n" + END + after)
