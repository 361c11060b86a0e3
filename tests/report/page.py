#!/usr/bin/python3
"""The page of mallow report in a headless browser: it loads, is brushed, searched and zoomed, by the
pointer and by the keyboard; its address keeps the state; names cannot become markup.

Usage: page.py MALLOW [FOLDER]: screenshots are kept in FOLDER"""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/command"), str(ROOT / "bench")]
import profile_writer as w  # noqa: E402
import report_profile  # noqa: E402
from browser import SKIPPED, Browser, find  # noqa: E402

MALLOW, *KEEP = sys.argv[1:]
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS":
    os.environ.pop(name, None)
if find() is None:
    print("skipped: there is no Chromium")
    sys.exit(SKIPPED)

MARKUP = "</script><script>window.attacked = 1</script><img src=x onerror='window.attacked = 2'>"
SESSION = "Session::Session(int, char const*)"
CALLERS = {"main": 0x1010, "serve": 0x1020}


def report(*arguments):
    subprocess.run([MALLOW, "report", *map(str, arguments)], check=True, timeout=60)


def hostile():
    """A profile in which every name is markup."""
    name = MARKUP.encode()
    return w.process(program=b"/usr/bin/" + name) + w.modules(
        w.module(w.EXAMPLE_BASE, w.EXAMPLE_BASE + 0x10000, 0, name, w.EXAMPLE_ID)) + w.stacks(
        (1, 0, w.EXAMPLE_BASE + 0x1011), (2, 1, w.EXAMPLE_BASE + 0x1021)) + w.threads((4711, name[:15])) + w.snapshot(
        10 * w.SECOND, w.EXIT, (10, 5000), (0, 0), 1 << 20, (3, 4, 5)) + w.sites(
        w.site(2, (9, 9, 5000, 0), (5, 5, 3000, 0), 4000, (4, 0, 0, 0, 0, 0, 0, 0))) + w.live(
        (0x7F0000000000, 600, 5.0, 6 * w.SECOND, 2, 4711, 1, 0)) + w.pairs(w.SETTINGS, {MARKUP: MARKUP}) + w.pairs(w.FILES, {
            "/proc/self/status": f"Name:\t{MARKUP}\n", "/proc/self/cgroup": f"0::/{MARKUP}\n",
            "/proc/self/mountinfo": "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 x x\n", f"/sys/fs/cgroup/{MARKUP}/memory.max": "99\n",
            f"/sys/fs/cgroup/{MARKUP}/memory.current": "50\n"}) + w.mappings((4096, 8192, "r--p", name)) + w.done()


def large(*sizes, pid=4711, at=10):
    """A profile with one block at each place, of exact sizes in MiB."""
    nodes = [(node, 0, w.EXAMPLE_BASE + place + 1) for node, place in enumerate((0x1010, 0x1020), 1)]
    sums = [(1, 1, size * w.MIB, 0) for size in sizes]
    return w.process(pid=pid, program=b"/usr/bin/server") + w.modules(
        w.module(w.EXAMPLE_BASE, w.EXAMPLE_BASE + 0x10000, 0, b"/usr/bin/server", w.EXAMPLE_ID)) + w.stacks(
        *nodes) + w.snapshot(at * w.SECOND, w.EXIT, (2, sum(sizes) * w.MIB), (2, sum(sizes) * w.MIB), sum(sizes) * w.MIB) + w.sites(
        *(w.site(node, figures, figures, figures[2], large=1) for node, figures in enumerate(sums, 1))) + w.live(
        *((0x7F0000000000 + node * 64 * w.MIB, sizes[node - 1] * w.MIB, 1.0, 6 * w.SECOND, node, pid, 0, 1) for node in (1, 2)), pid=pid) + w.done()


def killed():
    figures = 5, 5, 5000, 0
    return w.process() + w.modules(w.module(0x1000, 0x9000, 0, b"/usr/lib/libnothing.so", b"\1" * 20)) + w.stacks(
        (1, 0, 0x2000)) + w.snapshot(10 * w.SECOND, w.PERIODIC, (5, 5000)) + w.sites(
        w.site(1, figures, figures, 5000)) + w.done()


class Page(Browser):
    def state(self):
        """Returns the state that the address contains."""
        return dict(part.split("=", 1) for part in self.run("location.hash.slice(1)").split("&") if part)

    def rows(self):
        """Returns the names and the live figures of the table of sites."""
        return self.run("""Object.fromEntries(Array.from(document.querySelectorAll('#panel-sites tbody tr'),
            (row) => [row.querySelector('.fn').textContent, row.cells[1].innerText.split('\\n')[0].split('±')[0].trim()]))""")

    def spoken(self):
        return self.run("document.getElementById('announcer').textContent")

    def expect(self, value, wanted):
        assert value == wanted, f"{value!r}, not {wanted!r}"

    def keep(self, name):
        if KEEP:
            self.screenshot(Path(KEEP[0]) / f"{name}.png")


def try_load(page, path):
    page.open(path)
    page.expect(page.run("document.title"), "server – Mallow report")
    totals = page.text(".totals")
    for part in "60.0 MiB", "in 2,900 blocks", "75.0 MiB", "Not freed", "allocated in this time":
        assert part in totals, (part, totals)
    cards = page.text("#panel-overview")
    assert "load_index" in cards and SESSION in cards, cards
    # The ranked lists: the largest first.
    page.expect(page.run("Array.from(document.querySelectorAll('.card h2'), (e) => e.textContent).join()"),
                "Live,Peak,Growth,Calls,Temporary,Not freed,Pinned")
    assert "Unknown: no snapshot says what the pages of the heap contain" in cards, cards
    page.expect(page.run("document.querySelector('.card .fn').textContent"), "load_index")
    page.keep("overview")
    # The peak of a module is not that of one of its sites.
    page.open(path, "#view=sites&by=module")
    page.expect(page.run("document.querySelector('#panel-sites tbody tr').cells[3].innerText"), "50.6 MiB")


def try_views(page, path):
    """Every view is shown without an error, and its tab is chosen."""
    page.open(path)
    page.run("document.getElementById('tab-overview').focus()")
    for view in "icicle", "sites", "sizes", "heap", "process", "overview":
        page.key("ArrowRight")
        page.expect(page.run("document.activeElement.id"), f"tab-{view}")
        page.expect(page.run("document.querySelector('[role=tab][aria-selected=true]').id"), f"tab-{view}")
        page.expect(page.run("Array.from(document.querySelectorAll('[role=tabpanel]:not([hidden])'), (e) => e.id).join()"),
                    f"panel-{view}")
        page.keep(f"view-{view}")
    page.open(path, "#view=process")
    for part in "4711 /usr/bin/server", "512 KiB on average", "worker", w.EXAMPLE_ID.hex():
        assert part in page.text("#panel-process"), part
    page.open(path, "#view=heap")
    assert "10 samples, about 50.6 MiB live" in page.text("#panel-heap"), page.text("#panel-heap")


def try_brush(page, path):
    """The pointer, the keyboard, and the fields select a time, and everything is computed anew."""
    page.open(path, "#view=sites")
    page.expect(page.rows()[SESSION], "2.5 MiB")
    left, top, width = page.run("(() => { const r = document.querySelector('.u-over').getBoundingClientRect();"
                                "return [r.x, r.y, r.width]; })()")
    page.drag(left + width * 0.25, top + 30, left + width * 0.55, top + 40)
    state = page.state()
    assert abs(float(state["from"]) - 75) < 1 and abs(float(state["to"]) - 165) < 1, state
    page.expect(page.rows()[SESSION], "1.0 MiB")  # of two minutes
    growth = page.run("Array.from(document.querySelectorAll('#panel-sites tbody tr')).find((r) => r.innerText.includes('Session')).cells[2].innerText")
    page.expect(growth, "+514 KiB")
    # The calls between the snapshots at 60 and 120 seconds, which are temporary.
    calls = page.run("Array.from(document.querySelectorAll('#panel-sites tbody tr')).find((r) => r.innerText.includes('format_reply')).innerText")
    assert "20.0 MiB" in calls and calls.count("1.7 M") == 2, calls
    # The range is moved as a whole.
    page.drag(left + width * 0.4, top + 30, left + width * 0.6, top + 30)
    state = page.state()
    assert abs(float(state["from"]) - 135) < 1 and abs(float(state["to"]) - 225) < 1, state
    page.expect(page.rows()[SESSION], "1.5 MiB")
    # One of the blocks that were not freed was allocated in this time.
    page.expect(page.run("Array.from(document.querySelectorAll('#panel-sites tbody tr')).find((r) => r.innerText.includes('Session')).cells[7].innerText"),
                "514 KiB")
    # The ends of the range are sliders.
    page.run("document.getElementById('handle-to').focus()")
    page.expect(page.run("document.activeElement.getAttribute('role')"), "slider")
    page.key("Home")
    page.expect(float(page.state()["to"]), float(page.state()["from"]))
    page.key("End")
    assert "to" not in page.state(), page.state()
    page.key("ArrowLeft")
    page.expect(page.state()["to"], "297")
    page.expect(page.run("document.getElementById('handle-to').getAttribute('aria-valuetext')"), "4 min 57 s")
    page.run("document.getElementById('range-from').focus(); document.activeElement.select()")
    page.type("61")
    page.key("Enter")
    page.expect(page.state()["from"], "61")
    page.click(".curve-table summary")
    assert "2 min" in page.text(".curve-table") and "60.0 MiB" in page.text(".curve-table"), page.text(".curve-table")
    page.click("#reset-range")
    page.expect(page.state(), {"view": "sites"})
    page.expect(page.rows()[SESSION], "2.5 MiB")


def try_search(page, path):
    page.open(path, "#view=sites")
    page.key("/")
    page.expect(page.run("document.activeElement.id"), "search")
    page.type("sess")
    page.expect(list(page.rows()), [SESSION])
    page.expect(page.state()["search"], "sess")
    page.run("document.getElementById('tab-icicle').click()")
    page.settle()
    assert page.text("#icicle-status").startswith("matches: "), page.text("#icicle-status")
    page.keep("search")
    page.run("document.getElementById('search').focus()")
    page.key("Escape")
    assert "search" not in page.state(), page.state()


def try_icicle(page, path):
    """The graph is used with the keyboard, and says where it is."""
    page.open(path, "#view=icicle&metric=live")
    page.run("document.getElementById('icicle').focus()")
    for key, wanted in ("ArrowDown", "main, "), ("ArrowDown", "serve, "), ("ArrowDown", "load_index, 48.0 MiB, 95 %"), (
            "ArrowRight", "Session::Session"), ("ArrowLeft", "load_index"), ("ArrowUp", "serve"), ("ArrowDown", "load_index"):
        page.key(key)
        assert page.spoken().startswith(wanted), (key, page.spoken())
    page.key("Enter")
    state = page.state()
    page.expect(len(state["zoom"].split(".")), 3)
    page.expect(state["select"], f"t.{state['zoom']}")
    assert "load_index" in page.text(".details h2") and "48.0 MiB" in page.text(".details"), page.text(".details")
    assert "main" in page.text(".details .stack"), page.text(".details .stack")
    page.keep("zoom")
    page.key("Backspace")
    page.expect(len(page.state()["zoom"].split(".")), 2)
    page.key("Escape")
    assert "zoom" not in page.state(), page.state()
    page.key("i")
    page.expect(page.state()["inverted"], "1")
    page.expect(page.run("document.getElementById('invert').getAttribute('aria-pressed')"), "true")
    page.key("Home")
    page.key("ArrowDown")
    assert page.spoken().startswith("load_index, 48.0 MiB"), page.spoken()
    page.key("ArrowDown")
    assert page.spoken().startswith("serve, 48.0 MiB"), page.spoken()
    page.keep("inverted")
    page.open(path, "#view=icicle&metric=temporary&inverted=1")
    page.run("document.getElementById('icicle').focus()")
    page.key("ArrowDown")
    assert page.spoken().startswith("format_reply, 8.4 M, 100 %"), page.spoken()
    page.open(path, "#view=icicle&metric=live")
    # The pointer: the second row is main().
    page.key("i")
    place = page.run("(() => { const r = document.getElementById('icicle').getBoundingClientRect(); return [r.x, r.y]; })()")
    page.mouse("mouseMoved", place[0] + 100, place[1] + 28)
    page.settle()
    assert page.text(".tip").startswith("main\nserver.c:210"), page.text(".tip")
    page.mouse("mousePressed", place[0] + 100, place[1] + 28)
    page.mouse("mouseReleased", place[0] + 100, place[1] + 28)
    page.settle()
    page.expect(len(page.state()["zoom"].split(".")), 1)
    page.open(path, "#view=icicle&metric=live&table=1")
    table = page.text("#panel-icicle table")
    assert "load_index" in table and "48.0 MiB" in table, table
    page.click("#panel-icicle button.twisty")
    page.expect(page.run("document.querySelectorAll('#panel-icicle tbody tr').length"), 1)
    page.expect(page.run("document.activeElement.getAttribute('aria-expanded')"), "false")


def try_address(page, path):
    """A link leads to the same state, and so does a change of the address."""
    page.open(path, "#view=sites")
    page.run("Array.from(document.querySelectorAll('#panel-sites .name')).find((e) => e.innerText.includes('Session')).click()")
    page.settle()
    page.run("document.querySelector('[data-sort=calls]').click()")
    page.settle()
    address, details = page.run("location.hash"), page.text(".details")
    assert SESSION in details and "2.5 MiB" in details, details
    page.open(path, address)
    page.expect(page.text(".details"), details)
    page.expect(page.run("Array.from(document.querySelectorAll('.details table.bars'), (e) => e.innerText.replace(/\\s+/g, ' ').trim()).slice(-2).join()"),
                "Live bytes by the size of the block ≥ 2.0 KiB 100 %,Live bytes by thread 4712 worker 100 %")
    page.expect(page.run("document.querySelector('[data-sort=calls]').closest('th').getAttribute('aria-sort')"), "descending")
    page.run("location.hash = '#view=icicle&from=60&to=120&inverted=1'")
    page.wait("!document.getElementById('panel-icicle').hidden", "the view changes")
    page.settle()
    assert "1 min" not in page.text(".range") and "60.0 s" in page.text(".range"), page.text(".range")
    # What is wrong in an address is ignored.
    page.open(path, "#view=nothing&from=-1&to=x&metric=y&select=g.function.99999&zoom=1.2.3.99&process=7&by=z")
    page.open(path, "#view=icicle&select=t.77.88&zoom=99&from=1e9")


def try_names(page, path):
    """Names are text, wherever they are shown."""
    for fragment in "", "#view=icicle", "#view=icicle&table=1", "#view=sites", "#view=sites&by=module", "#view=heap", \
            "#view=process", "#view=sites&by=process", "#view=sites&by=file", "#view=sites&by=stack":
        page.open(path, fragment)
        page.run("document.querySelector('.name')?.click()")
        page.settle()
        page.expect(page.run("window.attacked"), None)
        page.expect(page.run("document.querySelectorAll('img, #page script').length"), 0)
    page.open(path, "#view=sites")
    page.run("document.querySelector('.name').click()")
    page.settle()
    assert MARKUP in page.text(".details h2"), page.text(".details h2")
    page.open(path, "#view=process")
    page.click("#panel-process details summary")
    page.expect(page.text("#panel-process").count(MARKUP), 7)
    page.expect(page.run("document.querySelectorAll('img, #page script').length"), 0)
    page.open(path, "#search=" + "%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    page.expect(page.run("document.querySelectorAll('img').length"), 0)


def try_looks(page, path):
    """Light, dark, narrow and on paper."""
    page.open(path)
    light = page.run("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    assert page.run("getComputedStyle(document.body).backgroundColor") != light
    page.run("localStorage.clear()")
    page.media(dark=True)
    for view in "overview", "icicle", "sites":
        page.open(path, f"#view={view}")
        page.expect(page.run("document.documentElement.dataset.theme"), "dark")
        page.keep(f"dark-{view}")
    page.media()
    page.resize(390, 844)
    for view in "overview", "icicle", "sites", "sizes", "heap", "process":
        page.open(path, f"#view={view}")
        page.expect(page.run("document.documentElement.scrollWidth"), 390)
        page.keep(f"narrow-{view}")
    page.resize(1440, 900)
    page.open(path, "#view=icicle")
    paper = Path(KEEP[0] if KEEP else path.parent) / "paper.pdf"
    page.pdf(paper)
    assert paper.read_bytes().startswith(b"%PDF")
    # Every button and field has a name.
    page.open(path, "#view=sites&select=g.function.1")
    page.expect(page.run("Array.from(document.querySelectorAll('button, input, select, canvas')).filter((e) =>"
                         "!(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).length"), 0)


def in_words(size):
    """Returns an amount as the page shows it."""
    unit = 0
    while abs(size) >= 1023.5 and unit < 5:
        size, unit = size / 1024, unit + 1
    if unit == 0:
        return "0" if round(size) == 0 else f"{round(size)} bytes"
    digits = 1 if size < 99.95 else 0
    size = math.floor(size * 10**digits + 0.5) / 10**digits  # halves are rounded up
    return f"{size:.{digits}f} {'KMGTP'[unit - 1]}iB"


def try_figures(page, path):
    """Every figure of every function is the one that mallow sites prints."""
    wanted = {}
    for group in json.loads(path.with_suffix(".json").read_text())["sites"]:
        name, places = group["function"].rsplit(" (", 1)[0], ("live", "peak", "allocated")
        assert name not in wanted
        wanted[name] = [in_words(group["peak_bytes"] if place == "peak" else group[place]["bytes"]) for place in places]
    page.open(path, "#view=sites")
    while page.run("document.querySelector('.more button') !== null"):
        page.run("document.querySelector('.more button').click()")
        page.settle()
    rows = page.run("""Object.fromEntries(Array.from(document.querySelectorAll('#panel-sites tbody tr'), (row) =>
        [row.querySelector('.name').title.split('(')[0], [1, 3, 4].map((i) => row.cells[i].firstChild.textContent)]))""")
    page.expect(len(rows), len(wanted))
    different = {name: (rows.get(name), figures) for name, figures in wanted.items() if rows.get(name) != figures}
    assert not different, (len(different), list(different.items())[:5])


def try_diff(page, path):
    page.open(path, "#view=sites")
    cell_text = ("(() => { const row = Array.from(document.querySelectorAll('#panel-sites tbody tr'))"
                 ".find((r) => r.innerText.includes('Session')); return [row.cells[2].innerText, row.cells[2].className]; })()")
    cell = page.run(cell_text)
    # Chance can cause it. Both profiles are of one process, so samples that are live in both have no part in it.
    page.expect(cell, ["+1.0 MiB±1.4 MiB", "number zero"])
    page.open(path, "#view=sites&to=290")  # not known for other times
    page.expect(page.run(cell_text), ["+514 KiB±2.6 MiB", "number zero"])
    page.open(path)
    assert "Grown" in page.text("#panel-overview") and "Shrunk" in page.text("#panel-overview")
    for view in "icicle", "sizes", "heap", "process", "icicle&table=1", "icicle&inverted=1":
        page.open(path, f"#view={view}&select=g.function.3")
    page.open(path, "#view=icicle&metric=live")
    page.keep("diff")
    page.run("document.getElementById('icicle').focus()")
    page.key("ArrowDown")
    assert "before" in page.spoken() and "after" in page.spoken(), page.spoken()


def try_described(page, path):
    """What is pinned, the pages of the heap, limits, settings and mappings."""
    page.open(path)
    page.expect(page.text(".top .meta").split(" · ")[0], "process 4711 (server-main)")
    assert "snapshot" not in page.text(".top") and "Functions of" not in page.text(".top"), page.text(".top")
    page.expect(page.run("Array.from(document.querySelectorAll('.card')).pop().innerText.split('\\n').filter((line) => /MiB|Session|reply/.test(line)).join()"),
                "Session::Session(int, char const*)session.cpp:57,6.0 MiB,format_replyreply.c:30,1.5 MiB")
    page.open(path, "#view=sites&sort=pinned&order=down")
    page.expect(page.run("Array.from(document.querySelectorAll('#panel-sites tbody tr'), (r) => r.cells[8].innerText.replace(/\\s+/g, ' ')).join()"),
                "6.0 MiB±17 %,1.5 MiB,0")
    page.expect(page.run("document.querySelector('[data-sort=pinned]').closest('th').getAttribute('aria-sort')"), "descending")
    page.open(path, "#view=icicle&metric=pinned")
    page.run("document.getElementById('icicle').focus()")
    page.key("ArrowDown")
    assert page.spoken().startswith("main, 7.5 MiB, 100 %"), page.spoken()
    # The map of the heap: the table has the sums, and the keyboard reads the cells.
    page.open(path, "#view=heap")
    rows = page.run("Array.from(document.querySelectorAll('.uses tbody tr'), (r) => [0, 1, 2].map((i) => r.cells[i].innerText).join(' '))")
    page.expect(rows, ["Large block 4.7 MiB 15 %", "Full 2.7 MiB 8.5 %", "Partly used 8.0 MiB 25 %", "Empty 400 KiB 1.2 %",
                       "Free, used before 1.6 MiB 4.9 %", "Free, clean 14.5 MiB 45 %", "Of others 172 KiB 0.5 %", "Unknown 4.0 KiB 0.0 %"])
    page.run("document.getElementById('page-map').focus()")
    for key, wanted in ("ArrowRight", "0x7f0000000000: large block 8.0 KiB"), ("ArrowRight", "0x7f0000002000: large block 8.0 KiB"), (
            "End", "0x7f0001ffe000: of others 4.0 KiB, unknown 4.0 KiB"), ("ArrowDown", "0x7f0001ffe000: of others 4.0 KiB, unknown 4.0 KiB"), (
            "ArrowLeft", "0x7f0001ffc000: of others 8.0 KiB"), ("Home", "0x7f0000000000: large block 8.0 KiB"):
        page.key(key)
        page.expect(page.spoken(), wanted)
    page.expect(page.run("document.getElementById('page-map').getAttribute('aria-label').slice(0, 39)"), "Map of the heap: 4096 cells of 8.0 KiB.")
    # Cells have the colors of the table: the first one, one of the partly used ones, and a clean one.
    same = page.run("""(() => { const map = document.getElementById('page-map'), columns = Math.round(map.width / 9), all = map.getContext('2d').getImageData(0, 0, map.width, map.height).data;
        return [[300, 0], [1000, 2], [3000, 5]].map(([cell, row]) => {
            const at = 4 * ((Math.floor(cell / columns) * 9 + 3) * map.width + (cell % columns) * 9 + 3), found = all.slice(at, at + 3);
            const wanted = getComputedStyle(document.querySelectorAll('.swatch')[row]).backgroundColor;
            return `rgb(${found[0]}, ${found[1]}, ${found[2]})` === wanted; }); })()""")
    page.expect(same, [True] * 3)
    page.keep("described-heap")
    # The process: limits, settings, mappings.
    page.open(path, "#view=process")
    text = page.text("#panel-process")
    for part in "glibc.malloc.top_pad", "hard", "grows by 9.0 MiB", "memory.max of control group /web/server", "119 MiB", "128 MiB", \
            "3 events of max", "promises any amount of memory", "adjustment of -5", "malloc and mmap fail with ENOMEM", "All 8 mappings":
        assert part in text, (part, text)
    page.expect(page.run("Array.from(document.querySelectorAll('.near-limit'), (e) => e.innerText).join()"), "9.0 MiB7.0 %")
    page.expect(page.run("(() => { const row = Array.from(document.querySelectorAll('#panel-process th[scope=row]')).find((e) => e.innerText === 'Mallow heap').parentElement;"
                         "return Array.from(row.cells, (c) => c.innerText).join('|'); })()"),
                "Mallow heap||96 %|60.0 MiB|60.0 MiB|60.0 MiB|1.0 MiB|512 KiB|4.0 MiB|64.0 MiB|1")
    page.click("#panel-process details summary")
    assert "0xffffffffff600000" in page.text("#panel-process details"), page.text("#panel-process details")
    # Brushing keeps what does not depend on the time.
    page.run("location.hash = '#view=process&from=60'")
    page.settle()
    page.settle()
    page.expect(page.run("document.querySelector('#panel-process details').open"), True)
    page.keep("described-process")
    page.resize(390, 844)
    for view in "heap", "process", "sites":
        page.open(path, f"#view={view}")
        page.expect(page.run("document.documentElement.scrollWidth"), 390)
    page.resize(1440, 900)
    page.media(dark=True)
    for view in "heap", "process":
        page.open(path, f"#view={view}")
        page.keep(f"dark-described-{view}")
    page.media()


def try_growth(page, path):
    """What has grown is red, and what has shrunk is green: in the lists, the table, and the graph."""
    page.open(path)
    first = """Array.from(document.querySelectorAll('.card')).slice(0, 2).map((card) =>
        [card.querySelector('h2'), card.querySelector('.fn'), card.querySelector('.value')].map((e) => e.textContent).join(' '))"""
    page.expect(page.run(first), ["Grown main +20.0 MiB", "Shrunk serve −35.0 MiB"])
    page.expect(page.run("Array.from(document.querySelectorAll('.totals .shrunk'), (e) => e.textContent).join()"), ",".join(["35.0 MiB"] * 5))
    page.open(path, "#view=sites")
    cells = "Array.from(document.querySelectorAll('#panel-sites tbody tr'), (r) => [r.cells[2].innerText, r.cells[2].className].join())"
    page.expect(page.run(cells), ["+20.0 MiBexactly,number grown", "−35.0 MiBexactly,number shrunk"])
    # Both are as wide as the larger figure: 30 and 40 of 70 MiB.
    page.open(path, "#view=icicle&metric=live")
    red, green = page.run("""(() => { const canvas = document.getElementById('icicle');
        const row = canvas.getContext('2d').getImageData(0, 20 + 16, canvas.width, 1).data;
        return [0.62, 0.30].map((x) => Array.from(row.slice(4 * Math.round(canvas.width * x)).slice(0, 3))); })()""")
    assert red[0] > red[1] + 20 and green[1] > green[0] + 20, (red, green)


def try_processes(page, path):
    """One of several processes is selected."""
    page.open(path, "#view=sites")
    page.expect(page.rows()[SESSION], "4.0 MiB")
    page.run("(() => { const e = document.querySelector('select'); e.value = 1; e.dispatchEvent(new Event('change')); })()")
    page.settle()
    page.expect(page.rows()[SESSION], "1.5 MiB")
    page.expect(page.state()["process"], "1")
    assert "60.0 MiB" in page.text(".totals"), page.text(".totals")
    page.open(path, "#view=sites&by=process")
    page.expect(page.run("document.querySelectorAll('#panel-sites tbody tr').length"), 2)
    page.open(path, "#view=process&process=0")
    assert "4711 /usr/bin/server" in page.text("#panel-process") and "5000" not in page.text("#panel-process")


def try_ended(page, path):
    """A process that ended before the selected time does not count, and one that ends in it does."""
    for time, wanted in ("", "30.0 MiB"), ("&from=6", "20.0 MiB"), ("&from=6&to=7", None), ("&to=6", "10.0 MiB"):
        page.open(path, f"#view=sites{time}")
        page.expect(page.rows().get("main"), wanted)
    # The curve of all processes: the first one has ended when the second one takes its snapshot.
    page.open(path)
    page.click(".curve-table summary")
    page.expect(page.run("Array.from(document.querySelectorAll('.curve-table tbody tr'), (row) => row.cells[1].innerText)"),
                ["0 bytes", "50.0 MiB", "40.0 MiB"])


def try_killed(page, path):
    """Without live samples it is unknown what was not freed."""
    page.open(path)
    assert "unknown" in page.text(".totals"), page.text(".totals")
    for part in "The profile has one snapshot", "Functions of libnothing.so without a name have allocated 100 %":
        assert part in page.text(".top"), page.text(".top")
    assert "Unknown: no snapshot lists live blocks" in page.text("#panel-overview")


def try_empty(page, path):
    page.open(path)
    assert "No snapshot is complete" in page.text(".top")
    for view in "icicle", "sites", "sizes", "heap", "process":
        page.open(path, f"#view={view}")


def main(folder):
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    names = w.Names(folder / "cache")
    names.write(w.EXAMPLE_ID, w.EXAMPLE_PLACES)
    profiles = {"server": w.example(), "earlier": w.example(3), "hostile": hostile(), "before": large(10, 40), "after": large(30, 5),
                "second": w.example(3, pid=5000), "killed": killed(), "ended": large(10, 40) + large(20, 20, pid=5000, at=20),
                "empty": w.process() + w.stacks((1, 0, 0x1000)), "described": w.example(described=True)}
    for name, content in profiles.items():
        (folder / name).write_bytes(content)
    report("-o", folder / "server.html", folder / "server")
    report("-o", folder / "described.html", folder / "described")
    report("--diff", "-o", folder / "diff.html", folder / "earlier", folder / "server")
    report("--diff", "-o", folder / "growth.html", folder / "before", folder / "after")
    report("-o", folder / "processes.html", folder / "server", folder / "second")
    report("-o", folder / "ended.html", folder / "ended")
    report_profile.main(folder / "many", 2000, 600, 8, folder / "cache")
    report("-o", folder / "many.html", folder / "many")
    with open(folder / "many.json", "wb") as to:
        subprocess.run([MALLOW, "sites", "--json", "--top=0", folder / "many"], check=True, stdout=to)
    report("-o", folder / "killed.html", folder / "killed")
    subprocess.run([MALLOW, "report", "-o", folder / "empty.html", folder / "empty"], check=True,
                   stderr=subprocess.DEVNULL)
    names.write(w.EXAMPLE_ID, {place: [(line, inlined, MARKUP, MARKUP) for line, inlined, *_ in frames]
                               for place, frames in w.EXAMPLE_PLACES.items()})
    report("-o", folder / "hostile.html", folder / "hostile")
    with Page() as page:
        for test, name in (try_load, "server"), (try_views, "server"), (try_brush, "server"), (try_search, "server"), (
                try_icicle, "server"), (try_address, "server"), (try_names, "hostile"), (try_looks, "server"), (
                try_diff, "diff"), (try_growth, "growth"), (try_figures, "many"), (try_processes, "processes"), (
                try_ended, "ended"), (try_killed, "killed"), (try_empty, "empty"), (try_described, "described"):
            try:
                test(page, folder / f"{name}.html")
            except AssertionError as error:
                raise AssertionError(f"{test.__name__}: {error}; console: {page.errors}") from error
            assert not page.errors, (test.__name__, page.errors)
            outside = [url for url in page.requests if not url.startswith(("file:", "about:", "data:"))]
            assert not outside, (test.__name__, outside)
            page.requests.clear()


with tempfile.TemporaryDirectory() as temporary:
    main(Path(temporary))
