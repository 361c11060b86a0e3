"""Draws the results: a dot for each allocator and workload, relative to glibc."""

from html import escape
from math import ceil, floor, log2

from harness.allocators import BASELINE
from harness.results import MEMORY, TIME

# Hue and shape differ, so the allocators can be distinguished without colour vision, too.
STYLES = {
    "mallow": ("#c2185b", "M-5,0 L0,-5 L5,0 L0,5 Z"),
    "glibc": ("#555555", "M-1,-6 H1 V6 H-1 Z"),
    "jemalloc": ("#1b7837", "M-4,-4 H4 V4 H-4 Z"),
    "mimalloc": ("#2166ac", "M-5,4 L0,-5 L5,4 Z"),
    "tcmalloc": ("#e08214", "M-5,-4 L5,-4 L0,5 Z"),
}
LABELS, PANEL, GAP, ROW, TOP = 130, 400, 40, 20, 70


def draw(results):
    """Returns an SVG document."""
    rows = results.workloads + ["geometric mean"]
    width, height = LABELS + 2 * PANEL + GAP + 20, TOP + ROW * len(rows) + 30
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>', *legend(results)]
    for index, name in enumerate(rows):
        weight = "bold" if index == len(rows) - 1 else "normal"
        parts.append(text(LABELS - 10, middle(index) + 4, name, anchor="end", weight=weight))
        parts.append(f'<path d="M{LABELS},{middle(index):.0f} H{width - 20}" stroke="#eee"/>')
    parts += panel(results, TIME, "processor time", LABELS)
    parts += panel(results, MEMORY, "peak resident memory", LABELS + PANEL + GAP)
    return "\n".join(parts + ["</svg>\n"])


def middle(index):
    return TOP + ROW * index + ROW / 2


def text(x, y, content, anchor="start", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}" '
            f'fill="#222">{escape(content)}</text>')


def mark(x, y, allocator):
    colour, shape = STYLES[allocator]
    return f'<path transform="translate({x:.1f},{y:.1f})" d="{shape}" fill="{colour}"/>'


def tick(power):
    return str(2 ** power) if power >= 0 else f"1/{2 ** -power}"


def legend(results):
    for index, name in enumerate(results.allocators):
        x = LABELS + 90 * index
        yield mark(x + 6, 20, name)
        yield text(x + 16, 24, name)


def panel(results, figure, title, left):
    """Draws one figure: rows of dots on a logarithmic axis, on which glibc is 1."""
    dots = [(index, name, ratio) for index, workload in enumerate(results.workloads)
            for name in results.allocators
            if (ratio := results.ratio(workload, figure.key, name, BASELINE))]
    dots += [(len(results.workloads), name, mean) for name in results.allocators
             if (mean := results.mean_ratio(figure.key, name, BASELINE))]
    if not dots:
        return
    low = floor(min(log2(ratio) for *_, ratio in dots) - 0.1)
    high = ceil(max(log2(ratio) for *_, ratio in dots) + 0.1)

    def place(ratio):
        return left + (log2(ratio) - low) / (high - low) * PANEL

    yield text(left, TOP - 24, f"{title}, {BASELINE} = 1", weight="bold")
    bottom = middle(len(results.workloads)) + ROW / 2
    for power in range(low, high + 1):
        x, strong = place(2.0 ** power), power == 0
        yield (f'<path d="M{x:.1f},{TOP} V{bottom:.0f}" '
               f'stroke="{"#666" if strong else "#ddd"}"/>')
        yield text(x, bottom + 16, tick(power), anchor="middle")
    for index, name, ratio in dots:
        yield mark(place(ratio), middle(index), name)
