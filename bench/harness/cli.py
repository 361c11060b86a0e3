"""The command line of bench/run."""

import argparse
import os
import sys

from harness import allocators, paths, plot, programs, report, schedule, workloads

QUICK_SCALE = 0.25


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench/run", description="Compares Mallow with other allocators.")
    parser.add_argument("--quick", action="store_true",
                        help="a quarter of the work and fewer rounds, for a quick impression")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds (default 5, quick 3)")
    parser.add_argument("--only", metavar="WORKLOAD[,..]", help="these workloads only")
    parser.add_argument("--allocators", metavar="NAME[,..]", default=",".join(allocators.NAMES),
                        help="a subset of %(default)s")
    parser.add_argument("--no-latency", action="store_true",
                        help="without the additional runs that time each call")
    parser.add_argument("--lib", metavar="PATH", default=paths.DEFAULT_LIBRARY,
                        help="the libmallow.so to measure (default build/libmallow.so)")
    parser.add_argument("--out", metavar="DIR", default=paths.BUILD / "results",
                        help="where results.json and results.svg go (default build/bench/results)")
    parser.add_argument("--progress", action="store_true",
                        help="show progress even if standard error is not a terminal")
    parser.add_argument("--list", action="store_true", help="list the workloads and exit")
    options = parser.parse_args()
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds needs a positive number")
    return options


def choose_workloads(only):
    every = workloads.everything()
    if not only:
        return every
    names = only.split(",")
    unknown = sorted(set(names) - {each.name for each in every})
    if unknown:
        sys.exit(f"bench: no such workload: {', '.join(unknown)} (bench/run --list names them)")
    return [each for each in every if each.name in names]


def require_programs(chosen):
    names = {each.name for each in chosen}
    missing = [f"bench: {command} not found: install the package {package}"
               for name, command, package in programs.missing() if name in names]
    if missing:
        sys.exit("\n".join(missing))


def main():
    options = arguments()
    paths.build()
    chosen = choose_workloads(options.only)
    if options.list:
        for each in chosen:
            print(f"{each.name:16}{each.meaning}")
        return 0
    require_programs(chosen)
    try:
        measured = allocators.choose(options.allocators.split(","), options.lib)
    except allocators.Unavailable as error:
        sys.exit(f"bench: {error}")

    rounds = options.rounds or (3 if options.quick else 5)
    timed_rounds = 0 if options.no_latency else 1 if options.quick else 2
    scale = QUICK_SCALE if options.quick else 1.0
    results = schedule.perform(chosen, measured, rounds, min(timed_rounds, rounds), scale,
                               schedule.Progress(options.progress))
    publish(results, measured, {"rounds": rounds, "scale": scale}, options.out)
    for failure in results.failures:
        print(f"bench: {failure}", file=sys.stderr)
    return 1 if results.failures else 0


def publish(results, measured, settings, directory):
    print(report.table(results))
    os.makedirs(directory, exist_ok=True)
    libraries = {each.name: os.path.realpath(allocators.provider(each)) for each in measured}
    report.write_json(os.path.join(directory, "results.json"),
                      report.document(results, libraries, settings))
    if allocators.BASELINE in results.allocators:
        with open(os.path.join(directory, "results.svg"), "w") as picture:
            picture.write(plot.draw(results))
