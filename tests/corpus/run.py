#!/usr/bin/python3
"""Runs a program of the corpus, and its twin without the bug, under Mallow; see README.md.

Usage: run.py [--mallow LIBRARY] [--check LIBRARY] MODE... SOURCE PROGRAM

PROGRAM runs in each MODE in which SOURCE says that its bug is reported; its twin runs in every MODE.
"""

import argparse
import os
import re
import signal
import subprocess
import sys

# MODE: (options, True if libmallow-check.so is also preloaded)
MODES = {
    "default": ("", False),
    "full": ("check=full", True),
    "hard": ("check=hard", False),
    "guard": ("check=full,guard=1", True),
    "leak": ("check=full,leak=exit", False),
    "asan": (None, False),  # without Mallow: an oracle for the programs themselves
    "valgrind": (None, False),
}
ORACLES = {"asan", "valgrind"}  # run every program, whichever modes it names
MAY_REPORT = {"leak", "asan"}  # may print reports about correct programs
SKIPPED = 77
SAW_NOTHING = 3  # corpus.h
LEAK_STATUS = 23
LISTED = {"definitely lost", "possibly lost"}  # leak=exit prints only the sum of the other classes
ASAN_STATUS = 99
TIMEOUT = 300

FRAME = re.compile(r"^\s+#\d+ 0x[0-9a-f]+ in (?P<rest>.*)$")
SYMBOLIZED = re.compile(r"[ /](?P<file>[^ /:]+):(?P<line>\d+)")
PAST = re.compile(r"\s*(previously )?(allocated|freed) by ")
RAW = re.compile(r"^(?P<file>/.*)\+0x(?P<offset>[0-9a-f]+)$")
MARK = re.compile(r"/\* (BUG|FOUND|ALLOCATED|FREED)(?::([\w,]+))? \*/")


class Failure(Exception):
    pass


class Source:
    """The expectations in the first comment of a source, and in the marks of its comments."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.lines = text.splitlines()
        header = re.match(r"/\* (cause: .*?) \*/", text, re.DOTALL)
        if header is None:
            raise Failure(f"{path} does not begin with /* cause: ... */")
        joined = re.sub(r"\n \* ", " ", header[1])
        fields = dict(field.split(": ", 1) for field in joined.split(" | "))
        self.causes = fields.pop("cause").split(" or ")
        modes = (mode.partition("=") for mode in fields.pop("modes").split())
        self.modes = {mode: cause for mode, _, cause in modes}
        self.variants = fields.pop("variants", "").split() or [None]
        self.asan = fields.pop("asan", "")
        if fields or not self.modes.keys() <= MODES.keys():
            raise Failure(f"{path}: unknown fields or modes in its first comment")

    def causes_in(self, mode):
        """The mode may override the causes: mode=cause,cause with "-" for a space."""
        override = self.modes.get(mode)
        return override.replace("-", " ").split(",") if override else self.causes

    def found_by_asan(self, variant):
        return self.asan != "no" and variant not in self.asan.removeprefix("all but ").split()

    def marked(self, mark, mode, variant):
        lines = set()
        for number, line in enumerate(self.lines, 1):
            for found, words in MARK.findall(line):
                if found == mark and (not words or {mode, variant} & set(words.split(","))):
                    lines.add(number)
        return lines

    def expected_lines(self, mode, variant):
        if mode == "asan":  # reports the access at once, as guard does
            return self.marked("BUG", "guard", variant) or self.marked("FOUND", "guard", variant)
        return self.marked("FOUND", mode, variant) | self.marked("BUG", mode, variant)


def run(options, mode, program, variant, environment):
    settings, checked = MODES[mode]
    environment = {**os.environ, **environment}
    command = [program] + ([variant] if variant is not None else [])
    if settings is not None:
        libraries = ([options.check] if checked and options.check else []) + [options.mallow]
        environment["LD_PRELOAD"] = " ".join(libraries)
        environment["MALLOW_OPTIONS"] = settings
    if mode == "valgrind":
        command = ["valgrind", "-q", f"--error-exitcode={ASAN_STATUS}", "--leak-check=full",
                   "--errors-for-leak-kinds=all"] + command
    environment["ASAN_OPTIONS"] = f"exitcode={ASAN_STATUS}:allocator_may_return_null=1"
    environment["LSAN_OPTIONS"] = f"exitcode={ASAN_STATUS}"
    return subprocess.run(command, env=environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, errors="replace", timeout=TIMEOUT,
                          check=False)


def addresses(rest):
    """Returns the source lines of one frame of a report as (file, line), innermost first."""
    symbolized = SYMBOLIZED.search(rest)
    if symbolized:
        return [(symbolized["file"], int(symbolized["line"]))]
    raw = RAW.match(rest)
    if not raw:
        return []
    call = hex(int(raw["offset"], 16) - 1)
    output = subprocess.run(["addr2line", "-i", "-e", raw["file"], call], capture_output=True,
                            text=True, check=False).stdout
    places = re.findall(r"^(.*):(\d+)", output, re.MULTILINE)
    return [(os.path.basename(file), int(line)) for file, line in places]


def sections(report):
    """Returns the stacks of a report as (line above the first frame, [frame text after " in "])."""
    stacks, above = [], ""
    inside = False
    for line in report.splitlines():
        frame = FRAME.match(line)
        if frame and not inside:
            stacks.append((above, []))
        if frame:
            stacks[-1][1].append(frame["rest"])
        else:
            above = line
        inside = frame is not None
    return stacks


def first_line(stack, source):
    """Returns the line of the first frame within the program."""
    for rest in stack:
        for file, line in addresses(rest):
            if file == source.name:
                return line
    return None


def check_line(what, stack, source, expected, report):
    if not expected:
        return
    line = first_line(stack, source)
    if line not in expected:
        raise Failure(f"{what} is line {line}, expected {sorted(expected)}; the report:\n{report}")


def check_stacks(report, mode, variant, source):
    """The error's own stack comes first; an error that is found at exit has none."""
    stacks = sections(report)
    expected = source.expected_lines(mode, variant)
    if stacks and not PAST.match(stacks[0][0]):
        check_line("the error", stacks.pop(0)[1], source, expected, report)
    elif mode in ("full", "guard", "asan") and expected:
        raise Failure(f"no stack of the error in the report:\n{report}")
    for above, stack in stacks:
        past = PAST.match(above)
        if past:
            check_line(f"where it was {past[2]}", stack, source,
                       source.marked(past[2].upper(), mode, variant), report)


def check_leak(result, variant, source):
    if result.returncode != LEAK_STATUS:
        raise Failure(f"exit status {result.returncode}, expected {LEAK_STATUS}:\n"
                      f"{result.stderr}")
    causes = tuple(f"{cause}: " for cause in source.causes_in("leak"))
    if not LISTED & set(source.causes):
        causes = tuple(f"in all {cause}" for cause in causes)
        if not re.search(f"^({'|'.join(causes)})[1-9]", result.stderr, re.MULTILINE):
            raise Failure(f"nothing is {' or '.join(source.causes)}:\n{result.stderr}")
        return
    groups = [stack for above, stack in sections(result.stderr) if above.startswith(causes)]
    expected = source.marked("ALLOCATED", "leak", variant)
    if expected and not any(first_line(stack, source) in expected for stack in groups):
        raise Failure(f"nothing from the lines {sorted(expected)} is "
                      f"{' or '.join(source.causes)}:\n{result.stderr}")
    if not groups:
        raise Failure(f"nothing is {' or '.join(source.causes)}:\n{result.stderr}")


def check_faulty(result, mode, variant, source):
    causes = source.causes_in(mode)
    if mode in ORACLES:
        if source.found_by_asan(variant) and result.returncode != ASAN_STATUS:
            raise Failure(f"{mode} finds nothing, exit status {result.returncode}")
        if mode == "asan" and source.found_by_asan(variant):
            check_stacks(result.stderr, mode, variant, source)
    elif mode == "leak":
        check_leak(result, variant, source)
    elif "visible" not in causes or result.returncode != SAW_NOTHING:
        if result.returncode != -signal.SIGABRT:
            raise Failure(f"exit status {result.returncode}, expected {' or '.join(causes)}:\n"
                          f"{result.stderr}")
        if not re.search(f"^mallow: ({'|'.join(causes)}) of 0x", result.stderr, re.MULTILINE):
            raise Failure(f"expected a message of {' or '.join(causes)}:\n{result.stderr}")
        check_stacks(result.stderr, mode, variant, source)


def check_twin(result, mode, _variant, _source):
    if result.returncode != 0 or (result.stderr and mode not in MAY_REPORT):
        raise Failure(f"the twin's exit status is {result.returncode}:\n{result.stderr}")


def failures(options, source, modes, check, **environment):
    """Runs the program in each mode with each variant."""
    for mode in modes:
        for variant in source.variants:
            try:
                result = run(options, mode, options.program, variant, environment)
                if result.returncode != SKIPPED:
                    check(result, mode, variant, source)
            except (Failure, subprocess.TimeoutExpired) as failure:
                yield f"{options.program} {variant or ''} ({mode}): {failure}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mallow", metavar="LIBRARY")
    parser.add_argument("--check", metavar="LIBRARY")
    parser.add_argument("modes", nargs="+", metavar="MODE", choices=MODES)
    parser.add_argument("source")
    parser.add_argument("program")
    options = parser.parse_args()
    source = Source(options.source)
    modes = [mode for mode in options.modes if mode in ORACLES or mode in source.modes]
    failed = list(failures(options, source, modes, check_faulty))
    failed += failures(options, source, options.modes, check_twin, MALLOW_TEST_TWIN="1")
    for failure in failed:
        print(failure, file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
