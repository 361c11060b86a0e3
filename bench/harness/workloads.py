"""The workloads: those in C, then real programs."""

import subprocess
from dataclasses import dataclass
from typing import Callable, Optional

from harness import measure, paths, programs

# Timing each call makes a workload several times slower, and fewer calls suffice.
LATENCY_SCALE = 0.25


@dataclass(frozen=True)
class Workload:
    name: str
    meaning: str
    perform: Callable  # (allocator, scale) -> figures
    perform_timed: Optional[Callable] = None  # likewise, with each call timed


def everything():
    """Returns all workloads in the order of the report."""
    return synthetic() + [Workload(each.name, each.meaning, each.perform) for each in programs.ALL]


def synthetic():
    listing = subprocess.run([paths.BUILD / "workloads", "--list"], check=True,
                             capture_output=True, text=True).stdout
    return [synthetic_workload(*line.split("\t")) for line in listing.splitlines()]


def synthetic_workload(name, meaning):
    def perform(allocator, scale):
        return measure.run_reporting([paths.BUILD / "workloads", name, str(scale)], allocator)

    def perform_timed(allocator, scale):
        command = [paths.BUILD / "workloads-latency", name, str(scale * LATENCY_SCALE)]
        figures = measure.run_reporting(command, allocator)
        return {key: value for key, value in figures.items() if key.startswith("latency_")}

    return Workload(name, meaning, perform, perform_timed)
