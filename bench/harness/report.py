"""Formats the table for standard output and the JSON file."""

import json
import os
import platform
from statistics import median

from harness.allocators import BASELINE, SUBJECT
from harness.results import FIGURES, MEMORY, TIME

LIMIT = 1.25  # a workload with a higher ratio to its best rival is marked
NAME_WIDTH = 16


def table(results):
    """Returns the whole report as text."""
    lines = []
    for figure in FIGURES:
        rows = [row(results, figure, workload) for workload in results.workloads
                if results.values.get(workload) and has(results, figure, workload)]
        if rows:
            lines += [heading(results, figure.title), *rows, ""]
    lines += summary(results)
    return "\n".join(lines)


def has(results, figure, workload):
    return any(results.rounds(workload, name, figure.key) for name in results.allocators)


def heading(results, title):
    columns = "".join(f"{name:>13}" for name in results.allocators)
    last = f"  {SUBJECT} / best other" if SUBJECT in results.allocators else ""
    return f"{title}\n{'':{NAME_WIDTH}}{columns}{last}"


def row(results, figure, workload):
    cells = "".join(f"{cell(results, figure, workload, name):>13}" for name in results.allocators)
    return f"{workload:{NAME_WIDTH}}{cells}{comparison(results, figure, workload)}"


def cell(results, figure, workload, allocator):
    values = [value / figure.divisor
              for value in results.rounds(workload, allocator, figure.key).values()]
    if not values:
        return "failed"
    text = f"{median(values):.{figure.digits}f}"
    if figure.spread and len(values) > 1:
        text = f"{min(values):.{figure.digits}f} {text}"
    return text


def comparison(results, figure, workload):
    found = SUBJECT in results.allocators and results.against_best(workload, figure.key, SUBJECT)
    if not found:
        return ""
    ratio, rival = found
    mark = "!" if figure is TIME and ratio > LIMIT else " "
    return f"  {ratio:5.2f}{mark} {rival}"


def summary(results):
    """Returns the geometric means over the workloads, and the workload with the worst ratio."""
    means = results.summary()
    lines = [f"geometric means over {len(results.workloads)} workloads",
             " " * 30 + "".join(f"{name:>13}" for name in results.allocators)]
    for figure, title in ((TIME, "processor time"), (MEMORY, "peak memory")):
        for key, label in (("to_" + BASELINE, BASELINE), ("to_best_other", "best other")):
            cells = "".join(f"{number(means[name][figure.key][key]):>13}"
                            for name in results.allocators)
            lines.append(f"{title + ' / ' + label:30}{cells}")
    worst = means.get(SUBJECT, {}).get(TIME.key, {}).get("worst_to_best_other")
    if worst:
        lines.append(f"{SUBJECT}'s worst ratio to the best other is in {worst['workload']}: "
                     f"{worst['ratio']:.2f}")
    return lines


def number(value):
    return "-" if value is None else f"{value:.3f}"


def document(results, libraries, settings):
    """Returns all results for other programs: each figure of each run, and the means."""
    return {
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
        "libraries": libraries,
        "settings": settings,
        "values": results.values,
        "summary": results.summary(),
        "failures": results.failures,
    }


def write_json(path, content):
    with open(path, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
