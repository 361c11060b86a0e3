"""The order of the runs: rounds over all workloads, in which the allocators take turns."""

import sys
import time

from harness.measure import RunFailed
from harness.results import Results


def perform(workloads, allocators, rounds, timed_rounds, scale, progress):
    """Performs all runs. Returns the results so far if it is interrupted."""
    results = Results([each.name for each in allocators], [each.name for each in workloads])
    steps = list(plan(workloads, allocators, rounds, timed_rounds))
    started = time.monotonic()
    try:
        for index, (number, workload, allocator, work) in enumerate(steps):
            progress.show(index, len(steps), started, f"{workload.name} on {allocator.name}")
            try:
                results.add(workload.name, allocator.name, number, work(allocator, scale))
            except RunFailed as error:
                results.failures.append(f"{workload.name}: {error}")
    except KeyboardInterrupt:
        results.failures.append("interrupted")
    progress.clear()
    return results


def plan(workloads, allocators, rounds, timed_rounds):
    """Yields the runs. The order of the allocators rotates with each round and workload, so that no
    allocator is always first or always follows the same one."""
    for number in range(max(rounds, timed_rounds)):
        for index, workload in enumerate(workloads):
            first = (number + index) % len(allocators)
            for allocator in allocators[first:] + allocators[:first]:
                if number < rounds:
                    yield number, workload, allocator, workload.perform
                if number < timed_rounds and workload.perform_timed:
                    yield number, workload, allocator, workload.perform_timed


class Progress:
    """A line on standard error that shows the current run and the remaining time."""

    def __init__(self, wanted):
        self.terminal = sys.stderr.isatty()
        self.wanted = wanted or self.terminal

    def show(self, index, total, started, what):
        if not self.wanted:
            return
        left = ""
        if index:
            seconds = int((time.monotonic() - started) / index * (total - index))
            left = f", {seconds // 60}:{seconds % 60:02} left"
        self.write(f"{index + 1} of {total}: {what}{left}", "" if self.terminal else "\n")

    def clear(self):
        if self.wanted and self.terminal:
            self.write("", "")

    def write(self, line, end):
        start = "\r\033[K" if self.terminal else ""
        print(start + line, end=end, file=sys.stderr, flush=True)
