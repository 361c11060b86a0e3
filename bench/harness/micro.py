"""A command that measures one figure on every allocator and compares Mallow's with a limit."""

import argparse
import json
import sys
from dataclasses import dataclass
from statistics import median
from typing import Callable

from harness import allocators, measure, paths


@dataclass(frozen=True)
class Micro:
    title: str
    columns: tuple  # names of the figures with their units; the limit is for the first
    perform: Callable  # allocator -> a value for each column
    limit: Callable  # {name of an allocator: first value} -> the maximum for Mallow, or None
    limit_says: str
    digits: int = 0
    rounds: int = 1  # more where the figure varies


def main(micro):
    options = arguments(micro)
    paths.build()
    try:
        chosen = allocators.choose(options.allocators.split(","), options.lib)
        values = measure_all(micro, chosen, options.rounds)
    except (allocators.Unavailable, measure.RunFailed) as error:
        sys.exit(f"bench: {error}")
    if options.json:
        return print_json(micro, values)
    print(micro.title)
    print(" " * 12 + "".join(f"{column:>18}" for column in micro.columns))
    for name, row in values.items():
        print(f"{name:12}" + "".join(f"{value:18.{micro.digits}f}" for value in row))
    return verdict(micro, {name: row[0] for name, row in values.items()})


def arguments(micro):
    parser = argparse.ArgumentParser(description=micro.title)
    parser.add_argument("--allocators", metavar="NAME[,..]", default=",".join(allocators.NAMES),
                        help="a subset of %(default)s")
    parser.add_argument("--lib", metavar="PATH", default=paths.DEFAULT_LIBRARY,
                        help="the libmallow.so to measure (default build/libmallow.so)")
    parser.add_argument("--rounds", type=int, metavar="N", default=micro.rounds,
                        help="report the median of N runs (default %(default)s)")
    parser.add_argument("--json", action="store_true",
                        help="print the figures and the limit as JSON, without a verdict")
    return parser.parse_args()


def measure_all(micro, chosen, rounds):
    """Returns the medians of each allocator. Each round measures every allocator once."""
    samples = {allocator.name: [] for allocator in chosen}
    for _ in range(max(1, rounds)):
        for allocator in chosen:
            samples[allocator.name].append(micro.perform(allocator))
    return {name: [median(column) for column in zip(*rows)] for name, rows in samples.items()}


def print_json(micro, values):
    limit = micro.limit({name: row[0] for name, row in values.items()})
    json.dump({"title": micro.title, "columns": micro.columns, "digits": micro.digits,
               "values": values, "limit": limit}, sys.stdout)
    print()
    return 0


def verdict(micro, values):
    """Returns the exit status: 1 if Mallow is above the limit."""
    limit = micro.limit(values)
    if limit is None or allocators.SUBJECT not in values:
        return 0
    met = values[allocators.SUBJECT] <= limit
    print(f"{'limit':12}{limit:18.{micro.digits}f}  {micro.limit_says}: "
          f"{'met' if met else 'NOT met'}")
    return 0 if met else 1
