"""Draws the costs of the ways to get memory with gnuplot: as text, or as SVG."""

import math
import shutil
import subprocess
import sys

# In the text each way is a letter. The heap functions that resemble malloc are left out.
LETTERS = {
    "malloc, glibc": "g", "malloc, Mallow": "m", "calloc, Mallow": "c", "realloc, Mallow": "r",
    "mapping": "p", "program break": "b", "arena": "a", "scratch": "s", "alloca": "k",
    "static storage": "t", "shared heap": "h", "secret": "x",
}
MARGIN, HEIGHT = 9, 34


def require_gnuplot():
    if shutil.which("gnuplot") is None:
        sys.exit("bench: gnuplot not found: install the package gnuplot-nox")


def gnuplot(script):
    done = subprocess.run(["gnuplot"], input=script, text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit("bench: " + done.stderr)
    return done.stdout


def data_block(name, points):
    return "\n".join([f"${name} << EOD", *(f"{x} {y}" for x, y in points), "EOD"])


def decades(totals):
    """Returns the range of the axis of time, in whole decades from 1 ns on."""
    times = [max(time, 1) for row in totals.values() for time in row.values()]
    return math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))


def time_tics(low, high):
    units = ("ns", "µs", "ms", "s")
    return ", ".join(f'"{10 ** (power % 3)} {units[power // 3]}" 1e{power}'
                     for power in range(low, high + 1))


def draw_text(names, sizes, totals):
    """Returns lines. Each size has a column for each letter, so that letters never cover others."""
    letters = {way: letter for way, letter in LETTERS.items() if totals.get(way)}
    group = len(letters) + 2
    columns = group * len(sizes)
    low, high = decades({way: totals[way] for way in letters})
    tics = ", ".join(f'"{name}" {group * index + group // 2}' for index, name in enumerate(names))
    blocks, plots = [], []
    for place, (way, letter) in enumerate(letters.items()):
        points = [(group * sizes.index(size) + place + 1, max(time, 10 ** low))
                  for size, time in totals[way].items()]
        blocks.append(data_block(letter, points))
        plots.append(f'${letter} using 1:2:("{letter}") with labels notitle')
    script = f"""
set encoding utf8
set terminal dumb size {columns + MARGIN + 2},{HEIGHT} noenhanced
set lmargin {MARGIN}; set rmargin 1; set tmargin 0; set bmargin 2
set logscale y 10
set yrange [1e{low}:1e{high}]; set xrange [0:{columns}]
set ytics nomirror ({time_tics(low, high)}); set xtics nomirror ({tics}) scale 0
set border 3
""" + "\n".join(blocks) + "\nplot " + ", ".join(plots) + "\n"
    lines = [line.rstrip() for line in gnuplot(script).strip("\f\n").splitlines()]
    legend = [f"{letter} {way}" for way, letter in letters.items()]
    return [line for line in lines if line] + [""] + [
        "".join(f"{entry:20}" for entry in legend[at:at + 6]).rstrip()
        for at in range(0, len(legend), 6)]


def draw_svg(file, sizes, ways, totals):
    """Writes a file: one line for each way, with both axes logarithmic."""
    ways = [way for way in ways if totals.get(way)]
    low, high = decades(totals)
    tics = ", ".join(f'"{name}" {size}' for name, size in
                     (("16 B", 16), ("1 KiB", 1 << 10), ("64 KiB", 1 << 16), ("1 MiB", 1 << 20),
                      ("16 MiB", 1 << 24), ("1 GiB", 1 << 30)))
    blocks = [data_block(f"way{index}", [(size, max(time, 10 ** low))
                                         for size, time in totals[way].items()])
              for index, way in enumerate(ways)]
    plots = [f'$way{index} title "{way}" with linespoints linewidth 1.5 pointtype {index + 1} '
             f"dashtype {index % 3 + 1}" for index, way in enumerate(ways)]
    gnuplot(f"""
set encoding utf8
set terminal svg size 1000,640 noenhanced background "white"
set output "{file}"
set title "a block: allocation, first touch and free"
set logscale xy
set xrange [{sizes[0] / 2}:{sizes[-1] * 2}]; set yrange [1e{low}:1e{high}]
set xtics ({tics}); set ytics ({time_tics(low, high)})
set grid xtics ytics linetype 1 linecolor rgb "#dddddd"
set key outside right
""" + "\n".join(blocks) + "\nplot " + ", ".join(plots) + "\n")
