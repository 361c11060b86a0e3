#!/usr/bin/python3
"""Runs the table of misuses (wide/) under allocators and prints the consequence of each.

caught     the allocator ended the process with a message or a trap, or an inaccessible page
           stopped the program's own access to forbidden memory
crashed    the process died or hung inside the allocator
exploited  the process ended normally, and the misuse had a profit
harmless   the process ended normally, and the misuse had no profit

The exit status is 1 if a bound (--caught, --crashed, --exploited) does not hold.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import signal
import subprocess
import sys

VERDICTS = ("caught", "crashed", "exploited", "harmless")
TRAPS = (signal.SIGABRT, signal.SIGILL, signal.SIGTRAP)
TIMEOUT = 60  # long enough for a busy machine, where 64M blocks take some seconds


def judge(status, output, errors):
    if status == 2:
        raise RuntimeError(f"the program itself failed: {errors}")
    if status == 0:
        return "exploited" if b"exploited: " in output else "harmless"
    in_own_access = output.count(b"[") > output.count(b"]")
    if -status in TRAPS or b"mallow: " in errors or in_own_access:
        return "caught"
    return "crashed"


def run(program, name, environment):
    """Returns the verdict and a description of how the program ended."""
    try:
        process = subprocess.run([program, "run", name], env=environment, capture_output=True,
                                 timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return "crashed", "timeout"
    lines = (process.stderr or process.stdout).decode(errors="replace").splitlines()
    how = f"status {process.returncode}: {(lines or [''])[0]}"
    return judge(process.returncode, process.stdout, process.stderr), how


def environment_of(spec):
    """Parses NAME[=PRELOAD[,VARIABLE=VALUE...]]; PRELOAD is a list of libraries with colons."""
    name, _, rest = spec.partition("=")
    libraries, *settings = rest.split(",") if rest else [""]
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("MALLOC_", "MALLOW_", "LD_PRELOAD"))}
    if libraries:
        environment["LD_PRELOAD"] = libraries
    for setting in settings:
        variable, _, value = setting.partition("=")
        environment[variable] = value.replace("+", ",")
    return name, environment


def run_all(program, names, environment, jobs):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = pool.map(lambda name: run(program, name, environment), names)
        return dict(zip(names, results))


def count(results):
    """Returns kind -> verdict -> number; the kind "all" has the totals."""
    kinds = collections.OrderedDict()
    for name, (verdict, _) in results.items():
        for kind in (name.split(".")[0], "all"):
            kinds.setdefault(kind, collections.Counter())[verdict] += 1
    kinds.move_to_end("all")
    return kinds


def print_table(allocator, kinds):
    print(f"{allocator:<14}" + "".join(f"{verdict:>11}" for verdict in VERDICTS))
    for kind, verdicts in kinds.items():
        print(f"  {kind:<12}" + "".join(f"{verdicts[verdict]:>11}" for verdict in VERDICTS))


def print_comparison(counts):
    print(f"{'':<14}" + "".join(f"{verdict:>11}" for verdict in VERDICTS))
    for allocator, kinds in counts.items():
        print(f"{allocator:<14}" + "".join(f"{kinds['all'][verdict]:>11}" for verdict in VERDICTS))


def within_bounds(options, totals):
    good = True
    for verdict, bound, holds in (("caught", options.caught, int.__ge__),
                                  ("crashed", options.crashed, int.__le__),
                                  ("exploited", options.exploited, int.__le__)):
        if bound is not None and not holds(totals[verdict], bound):
            print(f"{verdict}: {totals[verdict]}, the bound is {bound}", file=sys.stderr)
            good = False
    return good


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the program wide")
    parser.add_argument("allocator", nargs="*", default=["libc"],
                        help="NAME=LIBRARY[:LIBRARY][,VARIABLE=VALUE...]; + in a value is a comma")
    parser.add_argument("--compare", action="store_true", help="print only the totals")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--list", metavar="VERDICT", choices=VERDICTS,
                        help="list the misuses with that verdict")
    parser.add_argument("--only", metavar="TEXT", default="",
                        help="run only misuses whose name contains TEXT")
    parser.add_argument("--jobs", type=int, default=2)
    for verdict, what in (("caught", "at least"), ("crashed", "at most"), ("exploited", "at most")):
        parser.add_argument(f"--{verdict}", type=int, metavar="N", help=f"{what} N of them")
    return parser.parse_args()


def main():
    options = parse()
    names = subprocess.run([options.program, "list"], capture_output=True, text=True,
                           check=True).stdout.split()
    names = [name for name in names if options.only in name]
    counts, everything, good = {}, {}, True
    for spec in options.allocator:
        allocator, environment = environment_of(spec)
        results = run_all(options.program, names, environment, options.jobs)
        counts[allocator] = count(results)
        everything[allocator] = {name: {"verdict": verdict, "how": how}
                                 for name, (verdict, how) in results.items()}
        good = within_bounds(options, counts[allocator]["all"]) and good
    if options.json:
        json.dump({"counts": counts, "results": everything}, sys.stdout, indent=1)
        print()
    elif options.compare:
        print_comparison(counts)
    else:
        for allocator, kinds in counts.items():
            print_table(allocator, kinds)
    if options.list:
        for allocator, results in everything.items():
            for name, result in results.items():
                if result["verdict"] == options.list:
                    print(f"{allocator} {name}: {result['how']}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
