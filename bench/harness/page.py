"""Writes docs/measurements.md. One command measures each section, which is replaced as a whole."""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from typing import Callable

from harness import paths
from harness.allocators import BASELINE, PEERS, SUBJECT
from harness.results import MEMORY, TIME, Results

PAGE = paths.ROOT / "docs" / "measurements.md"
HEADER = """\
# Measurements

`bench/measurements` writes this page: do not edit it. Each section says when, where and by which
command it was measured. `bench/measurements SECTION...` replaces only the sections that it names,
and `--list` shows the names. `bench/README.md` explains the commands and how to read their figures.
"""


class Failed(Exception):
    """Raised if a section cannot be measured; the text says why."""


@dataclass(frozen=True)
class Section:
    name: str
    title: str
    command: str  # the command that the page names
    text: str
    measure: Callable  # options -> the lines of the tables


def run(*command, accept=(0,)):
    """Returns the standard output of a command of this repository. Its messages stay visible."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True,
                          cwd=paths.ROOT)
    if done.returncode not in accept:
        raise Failed(f"{command[0]} ended with status {done.returncode}")
    return done.stdout


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


# ---- the sections ----

def compare(options):
    with tempfile.TemporaryDirectory() as folder:
        run(paths.BENCH / "run", "--no-latency", "--rounds", options.rounds, "--out", folder,
            accept=(0, 1))
        with open(os.path.join(folder, "results.json")) as file:
            results = Results.from_document(json.load(file))
    lines = means(results)
    for figure in (TIME, MEMORY):
        unit = figure.title.split(", ")[1]
        heads = [figure.title.split(", ")[0], f"{SUBJECT}, {unit}", *results.allocators]
        rows = [[workload, median(results, workload, figure),
                 *(ratio(results.ratio(workload, figure.key, name, BASELINE))
                   for name in results.allocators)] for workload in results.workloads]
        lines += ["", *table(heads, rows)]
    return lines


def means(results):
    rows = [[figure.title.split(", ")[0],
             *(ratio(results.mean_ratio(figure.key, name, BASELINE))
               for name in results.allocators)] for figure in (TIME, MEMORY)]
    return table(["geometric mean", *results.allocators], rows)


def median(results, workload, figure):
    value = results.median(workload, SUBJECT, figure.key)
    return "failed" if value is None else f"{value / figure.divisor:.{figure.digits}f}"


def ratio(value):
    return "failed" if value is None else f"{value:.2f}"


SINGLE = ("pair-instructions", "tiny-rss", "thread-rss", "thread-generations", "decay", "trim",
          "realloc-1g")


def single(options):
    names = [SUBJECT] + [peer.name for peer in PEERS]
    rows = []
    for command in SINGLE:
        figure = json.loads(run(paths.BENCH / command, "--json"))
        for index, column in enumerate(figure["columns"]):
            values = [figure["values"].get(name) for name in names]
            rows.append([f"`{command}`: {column}",
                         *("-" if value is None else f"{value[index]:.{figure['digits']}f}"
                           for value in values),
                         "-" if index or figure["limit"] is None else
                         f"{figure['limit']:.{figure['digits']}f}"])
    return table(["`bench/...`", *names, "limit"], rows)


def modes(options):
    return run(paths.BENCH / "checked", "--scale", "0.2", "--rounds", options.rounds,
               accept=(0, 1)).strip().splitlines()


VERDICTS = ("caught", "crashed", "exploited", "harmless")


def misuses(options):
    program = paths.ROOT / "build" / "tests" / "corpus" / "corpus_wide"
    if not program.exists():
        raise Failed(f"{program} does not exist: build the tests")
    mallow = str(paths.DEFAULT_LIBRARY)
    bounds = str(paths.DEFAULT_LIBRARY.with_name("libmallow-check.so"))
    settings = (
        ("Mallow", f"={mallow}"),
        ("`check=seal`", f"={mallow},MALLOW_OPTIONS=check=seal"),
        ("`check=hard`", f"={mallow},MALLOW_OPTIONS=check=hard"),
        ("`check=full`, libmallow-check", f"={bounds}:{mallow},MALLOW_OPTIONS=check=full"),
        ("`check=full`, libmallow-check, `guard=1`",
         f"={bounds}:{mallow},MALLOW_OPTIONS=check=full+guard=1"),
        ("glibc", ""),
        ("glibc, `MALLOC_CHECK_=3`", "=libc_malloc_debug.so.0,MALLOC_CHECK_=3"),
        *((peer.name, f"={peer.library}") for peer in PEERS if peer.name != BASELINE))
    rows = []
    for name, setting in settings:
        output = run(paths.ROOT / "tests" / "corpus" / "wide.py", "--json", program, "it" + setting)
        totals = json.loads(output)["counts"]["it"]["all"]
        rows.append([name, *(str(totals.get(verdict, 0)) for verdict in VERDICTS)])
    return table(["", *VERDICTS], rows)


def stacks(options):
    lines = run(paths.BENCH / "stack-capture").splitlines()
    depths = lines[0].split()[3:6]
    rows = [[found.group(1), *found.group(2).split()] for line in lines[1:]
            if (found := re.match(r"(\S.*?)((?: +-?[\d.]+){3})$", line))]
    return table(["ns per capture", *(f"{depth} frames" for depth in depths)], rows)


SECTIONS = (
    Section("compare", "Compared with other allocators",
            "bench/run --no-latency --rounds {rounds}",
            f"Each figure is a multiple of {BASELINE}'s, the median of the rounds; smaller is "
            "better.", compare),
    Section("single", "Single figures", "bench/" + ", ".join(SINGLE), "", single),
    Section("modes", "What checking costs", "bench/checked --scale 0.2 --rounds {rounds}",
            "Each figure is a multiple of the default mode's, the best of the rounds.", modes),
    Section("misuses", "What is caught", "tests/corpus/wide.py",
            "550 misuses, classified by their outcome (`tests/corpus/README.md`). Races make "
            "the figures differ by a few from run to run.", misuses),
    Section("stacks", "Stack captures", "bench/stack-capture",
            "The rows name what has changed since the last capture. A stack that moves between two "
            "places is remembered as a whole if it has at most 32 words. If nothing is "
            "remembered, each frame is found by its rule. A thread's first capture consists "
            "mostly of page faults.", stacks),
)


# ---- the origin of the figures ----

def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, cwd=paths.ROOT)
    return done.stdout.splitlines()[0].strip() if done.stdout.strip() else ""


def compiler():
    try:
        cache = (paths.ROOT / "build" / "CMakeCache.txt").read_text()
    except OSError:
        return "an unknown compiler"
    found = re.search(r"^CMAKE_C_COMPILER:\w+=(.+)$", cache, re.MULTILINE)
    return first_line(found.group(1), "--version") if found else "an unknown compiler"


def processor():
    with open("/proc/cpuinfo") as file:
        found = re.search(r"^model name\s*: (.+)$", file.read(), re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def commit():
    name = first_line("git", "rev-parse", "--short", "HEAD") or "an unknown commit"
    changed = first_line("git", "status", "--porcelain", "--untracked-files=no")
    return name + (" with changes" if changed else "")


def provenance(section, options):
    return (f"Measured {datetime.date.today()} at commit {commit()} by "
            f"`{section.command.format(rounds=options.rounds)}`: {os.cpu_count()} processors "
            f"({processor()}), Linux {platform.release()}, {os.confstr('CS_GNU_LIBC_VERSION')}, "
            f"{compiler()}.")


# ---- the page ----

def wrap(text):
    return "\n".join(textwrap.wrap(text, 100))


def read_sections():
    """Returns {title: text} of the existing page."""
    if not PAGE.exists():
        return {}
    parts = re.split(r"^## (.+)\n", PAGE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], (text.strip("\n") for text in parts[2::2])))


def write_sections(sections):
    parts = [HEADER]
    parts += [f"## {each.title}\n\n{sections[each.title]}\n" for each in SECTIONS
              if each.title in sections]
    PAGE.write_text("\n".join(parts))


def arguments():
    parser = argparse.ArgumentParser(prog="bench/measurements", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION",
                        help="the sections to measure (default: all)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N",
                        help="rounds, for commands that have them (default %(default)s)")
    parser.add_argument("--list", action="store_true", help="list the sections and exit")
    options = parser.parse_args()
    unknown = sorted(set(options.sections) - {each.name for each in SECTIONS})
    if unknown:
        parser.error(f"no such section: {', '.join(unknown)} (--list shows them)")
    return options


def main():
    options = arguments()
    if options.list:
        for each in SECTIONS:
            print(f"{each.name:10}{each.title}: {each.command.format(rounds=options.rounds)}")
        return 0
    status, sections = 0, read_sections()
    for each in SECTIONS:
        if options.sections and each.name not in options.sections:
            continue
        try:
            where = wrap(provenance(each, options))
            paragraphs = [where, wrap(each.text), "\n".join(each.measure(options))]
        except Failed as error:
            print(f"bench: {each.name}: {error}", file=sys.stderr)
            status = 1
            continue
        sections[each.title] = "\n\n".join(filter(None, paragraphs))
        write_sections(sections)
    return status
