"""The results of all runs: medians, ratios of pairs, geometric means."""

from dataclasses import dataclass, field
from math import exp, log
from statistics import median

from harness.allocators import BASELINE


@dataclass(frozen=True)
class Figure:
    key: str
    title: str
    divisor: float = 1.0
    digits: int = 2
    spread: bool = False  # show the minimum in addition to the median


TIME = Figure("time", "processor time, s", spread=True)
MEMORY = Figure("rss_kib", "peak resident memory, MiB", divisor=1024, digits=1)
FIGURES = (
    TIME,
    MEMORY,
    Figure("wall", "elapsed time, s", spread=True),
    Figure("faults", "page faults, thousands", divisor=1000, digits=1),
    Figure("thread_kib", "memory per thread, KiB", digits=1),
    Figure("latency_p999_ns", "99.9th percentile of a call, us", divisor=1000),
    Figure("latency_p9999_ns", "99.99th percentile of a call, us", divisor=1000),
)


@dataclass
class Results:
    """values[workload][allocator][figure][round]; a failed run has no entry."""

    allocators: list
    workloads: list
    values: dict = field(default_factory=dict)
    failures: list = field(default_factory=list)

    @classmethod
    def from_document(cls, document):
        """Returns the results that report.document() has written; rounds are strings in them."""
        values = document["values"]
        allocators = list(dict.fromkeys(name for each in values.values() for name in each))
        return cls(allocators, list(values), values, document["failures"])

    def add(self, workload, allocator, number, figures):
        figures = dict(figures)
        if "user" in figures:
            figures["time"] = figures["user"] + figures["system"]
        by_figure = self.values.setdefault(workload, {}).setdefault(allocator, {})
        for key, value in figures.items():
            by_figure.setdefault(key, {})[number] = value

    def rounds(self, workload, allocator, key):
        """Returns {round: value}, which is empty if there are no results."""
        return self.values.get(workload, {}).get(allocator, {}).get(key, {})

    def median(self, workload, allocator, key):
        """Returns the median over the rounds, or None if there are no results."""
        values = self.rounds(workload, allocator, key).values()
        return median(values) if values else None

    def ratio(self, workload, key, one, other):
        """Returns the median of one / other over the rounds; None if no round has both."""
        ones, others = (self.rounds(workload, name, key) for name in (one, other))
        pairs = [ones[number] / others[number] for number in ones if others.get(number)]
        return median(pairs) if pairs else None

    def against_best(self, workload, key, subject):
        """Returns the subject's ratio to its best rival and the rival's name, or None."""
        ratios = ((self.ratio(workload, key, subject, other), other)
                  for other in self.allocators if other != subject)
        return max((each for each in ratios if each[0] is not None), default=None)

    def mean_ratio(self, key, one, other):
        """Returns the geometric mean of the ratios over the workloads."""
        ratios = [self.ratio(workload, key, one, other) for workload in self.workloads]
        logarithms = [log(ratio) for ratio in ratios if ratio]
        return exp(sum(logarithms) / len(logarithms)) if logarithms else None

    def mean_against_best(self, key, subject):
        """Returns the subject's mean ratio to the rival that is best over all workloads."""
        means = [self.mean_ratio(key, subject, other)
                 for other in self.allocators if other != subject]
        return max((mean for mean in means if mean is not None), default=None)

    def worst(self, key, subject):
        """Returns the worst ratio of the subject to its best rival, and the workload."""
        ratios = [(found[0], workload) for workload in self.workloads
                  if (found := self.against_best(workload, key, subject))]
        return max(ratios, default=None)

    def summary(self):
        """Returns the geometric means of each allocator, in the form of the JSON file."""
        means = {}
        for name in self.allocators:
            means[name] = {}
            for figure in (TIME, MEMORY):
                worst = self.worst(figure.key, name)
                means[name][figure.key] = {
                    "to_" + BASELINE: self.mean_ratio(figure.key, name, BASELINE),
                    "to_best_other": self.mean_against_best(figure.key, name),
                    "worst_to_best_other": worst and {"ratio": worst[0], "workload": worst[1]},
                }
        return means
