#!/usr/bin/python3
"""mallow report writes its page as a whole or not at all, with the data of the profile in it.

Usage: command.py MALLOW"""

import base64
import gzip
import json
import math
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "command"))
import profile_writer as w  # noqa: E402

(MALLOW,) = sys.argv[1:]
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS":
    os.environ.pop(name, None)


def run(*arguments, **options):
    return subprocess.run([MALLOW, "report", *map(str, arguments)], capture_output=True, timeout=60,
                          **options)


def refused(status, message, *arguments):
    result = run(*arguments)
    assert result.returncode == status, result
    assert re.fullmatch(message + "\n", result.stderr.decode()), result.stderr
    assert not result.stdout, result.stdout[:100]


# ---- the data ----

def numbers(data, at, kind, count):
    """Returns a column, and the place of its end."""
    values, last = [], 0
    for _ in range(count):
        value = shift = 0
        while kind != 2:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        value = value >> 1 ^ -(value & 1)
        last = last + value if kind == 1 else value
        values.append(last)
    return values, at


def decode(page):
    """Returns the description and the columns."""
    text = re.search(r'<script type="text/plain" id="data">([A-Za-z0-9+/=]+)</script>', page.decode())[1]
    data = gzip.decompress(base64.b64decode(text))
    end = 4 + int.from_bytes(data[:4], "little")
    description, columns = json.loads(data[4:end]), {}
    for name, kind, count in description["columns"]:
        columns[name], end = numbers(data, end, kind, count)
    assert end == len(data)
    return description, columns


def expect_data(page):
    """The figures are those of the example."""
    description, columns = decode(page)
    (profile,) = description["profiles"]
    assert profile["name"] == "server.mallow" and profile["startedAt"] == 1_700_000_000_000.0, profile
    (process,) = profile["processes"]
    assert process["program"] == "/usr/bin/server" and process["rate"] == 524288, process
    assert process["threads"] == [[4711, "main"], [4712, "worker"]], process
    assert process["modules"][0][3:] == [w.EXAMPLE_ID.hex(), "/usr/bin/server"], process
    assert [time / 1e6 for time in columns["a.event.time"]] == [60, 120, 180, 240, 300], columns["a.event.time"]
    assert columns["a.event.liveBytes"] == [60 * w.MIB] * 5
    frames = [description["texts"][text] for text in columns["frame.function"]]
    assert "Session::Session(int, char const*)" in frames, frames
    live = {}
    for site, change in zip(columns["a.record.site"], columns["a.record.liveBytes"]):
        live[site] = live.get(site, 0) + change
    assert sorted(live.values()) == [round(0.1 * w.MIB), round(5 * 175.3 * 3000), 48 * w.MIB], live
    assert len(columns["a.live.address"]) == 4 + 5 + 1 and columns["a.live.address"][0] == 0x7F0000000000


def expect_description(page):
    """What the profile says of the whole process."""
    description, columns = decode(page)
    (profile,) = description["profiles"]
    (process,) = profile["processes"]
    assert process["settings"] == [["check", "hard"], ["sample", "524288"], ["glibc.malloc.top_pad", "0"]], process["settings"]
    assert process["pinnedAt"] == 300 and process["space"]["time"] == 300, process
    pinned = dict(zip(columns["a.pinned.site"], columns["a.pinned.bytes"]))
    nodes = {site: description["texts"][columns["frame.function"][columns["node.frame"][node - 1]]]
             for site, node in enumerate(columns["a.site.node"])}
    assert {nodes[site]: size for site, size in pinned.items()} == {
        w.EXAMPLE_PLACES[0x1040][0][2]: 6 * w.MIB, "format_reply": 1.5 * w.MIB}, (pinned, nodes)
    assert columns["a.pinned.error"] == [round(16 * math.log2(1.96 * 0.5 * w.MIB)), 0], columns["a.pinned.error"]
    uses = "".join("-bfpedcx?"[use] * count for use, count in zip(columns["a.page.use"], columns["a.page.count"]))
    assert [(uses.count(use)) for use in "bfpedcx?"] == [1200, 700, 2048, 100, 400, 3700, 43, 1], uses
    assert columns["a.page.start"][0] * 4096 == 0x7F0000000000 and columns["a.page.start"] == sorted(columns["a.page.start"])
    # Limits: those that mallow limits would print.
    limits = {limit["name"]: limit for limit in process["limits"]["limits"]}
    assert limits["data"]["maximum"] == 100 * w.MIB and limits["data"]["left"] == 20 * w.MIB, limits["data"]
    assert limits["address_space"]["maximum"] is None and limits["mappings"]["used"] == 8, limits
    assert limits["group_max"]["used"] == 119 * w.MIB and limits["group_max"]["left"] == 9 * w.MIB, limits["group_max"]
    assert "/web/server" in limits["group_max"]["label"] and process["limits"]["first"]["name"] == "group_max"
    assert process["limits"]["events"] == [{"group": "/web/server", "name": "max", "count": 3}], process["limits"]
    assert process["limits"]["overcommit_mode"] == 1 and process["limits"]["oom_score_adjustment"] == -5
    # Mappings: resident, proportional, private clean, dirty, swapped, locked, huge.
    kinds = {kind: figures for kind, *figures in process["space"]["kinds"] if figures[0] > 0}
    assert process["space"]["measured"] and process["space"]["count"] == 8, process["space"]
    kib = 1024
    assert kinds["Mallow heap"] == [1, 64 * w.MIB, 60 * w.MIB, 60 * w.MIB, 0, 60 * w.MIB, w.MIB, 512 * kib, 4 * w.MIB], kinds
    assert kinds["Mallow metadata"][:3] == [1, w.MIB, w.MIB] and kinds["anonymous"][:3] == [1, w.MIB, w.MIB], kinds
    assert kinds["program text"][:3] == [1, 64 * kib, 60 * kib] and kinds["program data"][0] == 1, kinds
    assert kinds["thread stack"][:3] == [1, 8 * w.MIB, 12 * kib] and kinds["guard"][:2] == [1, 4 * kib], kinds
    assert kinds["stack"][0] == kinds["kernel"][0] == 1 and len(kinds) == 9, kinds
    assert [region[3] for region in process["space"]["regions"]] == "r-xp rw-p rw-p rw-p rw-p ---p rw-p rw-p --xp".split()
    assert process["space"]["regions"][-1][:2] == ["ffffffffff600000", "ffffffffff601000"]


def expect_same_errors(folder):
    """The errors of the changes are those of mallow diff."""
    for name, minutes in ("early", 3), ("late", 5):
        (folder / name).write_bytes(w.example(minutes))
    _, columns = decode(run("--diff", "-o-", folder / "early", folder / "late").stdout)
    printed = subprocess.run([MALLOW, "diff", "--json", folder / "early", folder / "late"], capture_output=True, check=True)
    wanted = sorted(group["error"] for group in json.loads(printed.stdout)["sites"] if group["error"])
    found = sorted(2 ** (error / 16) for error in columns["b.site.change"] if error)
    assert not any(columns["a.site.change"]) and len(columns["a.site.change"]) == 3, columns["a.site.change"]
    assert len(found) == len(wanted) == 2 and all(math.isclose(a, b, rel_tol=0.03) for a, b in zip(found, wanted)), (found, wanted)
    # Other processes have nothing in common.
    (folder / "late").write_bytes(w.example(5, pid=5000))
    _, columns = decode(run("--diff", "-o-", folder / "early", folder / "late").stdout)
    assert max(columns["a.site.change"]) > 0 and columns["b.site.change"] != columns["a.site.change"], columns


def hostile_description(folder):
    """Figures and ranges that cannot be do no harm."""
    most = 2**64 - 1
    start = w.process() + w.stacks((1, 0, 0x1000)) + w.snapshot(10 * w.SECOND, w.EXIT, (1, 1))
    for block in (
            w.mappings((4096, most, "rwxs", b"/a" * 3000, most), (8192, 4096, "r--p", b"/b", most)),
            w.mappings(*[(i * 8192, i * 8192 + 4096, "rw-p", b"", most, most) for i in range(1, 5000)]),
            w.ranges((most, 0, 1), (0, most, 2), (4096, 8192, 77)) + w.mappings((4096, 8192, "rw-p", b"", 4)),
            w.block(w.PAGES, w.numbers(w.signed(0), most, 1, 16, 5, 15, 5, 31)),
            w.block(w.PINNED, w.numbers(2, most) + b"\xff\xff\xff\x7f" + w.numbers(4, 1) + b"\0\0\x80\xff"),
            w.pairs(w.SETTINGS, {"": "", "</script>": "\x1b[31m"}),
            w.pairs(w.FILES, {"/proc/self/status": "", "/proc/meminfo": "MemTotal:"}),
            w.pairs(w.FILES, {"/proc/self/status": "Name:\t" + "x" * 5000, "/proc/self/cgroup": "0::/../.." + "/a" * 3000 + "\n",
                              "/proc/self/mountinfo": "1 2 3 / / - cgroup2 x x\n"}),
            w.block(w.FILES, b"\xff" * 9 + b"\x01"), w.block(w.MAPPINGS, b"\x01")):
        (folder / "hostile").write_bytes(start + block + w.done())
        result = run("-o-", folder / "hostile")
        assert result.returncode == 0, (block[:50], result)
        decode(result.stdout)


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    w.Names(folder / "cache").write(w.EXAMPLE_ID, w.EXAMPLE_PLACES)
    profile, page = folder / "server.mallow", folder / "server.html"
    profile.write_bytes(w.example())

    # A new file, with the permissions that the umask leaves, and nothing else in the folder.
    os.umask(0o027)
    before = set(folder.iterdir())
    result = run(profile, "-o", page)
    assert result.returncode == 0 and not result.stdout and not result.stderr, result
    assert set(folder.iterdir()) == before | {page}, list(folder.iterdir())
    assert stat.S_IMODE(page.stat().st_mode) == 0o640, oct(page.stat().st_mode)
    expect_data(page.read_bytes())

    # Options come before or after FILE; "-" is standard output; a pipe is written to.
    result = run("-o-", profile)
    assert result.returncode == 0 and result.stdout == page.read_bytes(), result.stderr
    os.mkfifo(folder / "pipe")
    with subprocess.Popen(["cat", folder / "pipe"], stdout=subprocess.PIPE) as reader, \
            subprocess.Popen([MALLOW, "report", "-o", folder / "pipe", profile]) as writer:
        assert reader.stdout.read() == page.read_bytes()
        assert writer.wait() == 0
    assert stat.S_ISFIFO((folder / "pipe").stat().st_mode)

    # A symbolic link stays, and what it leads to is replaced.
    (folder / "target.html").write_text("old")
    (folder / "link.html").symlink_to("target.html")
    assert run("-o", folder / "link.html", profile).returncode == 0
    assert (folder / "link.html").is_symlink()
    assert (folder / "target.html").read_bytes() == page.read_bytes()

    # If the page cannot be written, the old one stays, and nothing new.
    listed = sorted(os.listdir(folder))
    refused(125, r"mallow report: .*/missing/a.html: No such file or directory", "-o", folder / "missing/a.html", profile)
    refused(125, r"mallow report: /dev/full: No space left on device", "-o", "/dev/full", profile)
    result = run("-o", page, profile, preexec_fn=lambda: __import__("resource").setrlimit(1, (4096, 4096)) or
                 signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
    assert result.returncode == 125 and b"File too large" in result.stderr, result
    expect_data(page.read_bytes())
    assert sorted(os.listdir(folder)) == listed, os.listdir(folder)
    with subprocess.Popen([MALLOW, "report", "-o", "-", profile], stdout=subprocess.PIPE) as writer:
        writer.stdout.close()
        assert writer.wait() == -signal.SIGPIPE, writer.returncode

    # Bad input.
    (folder / "text").write_text("no profile")
    refused(2, r"mallow report: .*/text is not a profile", "-o", page, folder / "text")
    refused(2, r"mallow report: .*/nothing cannot be opened: No such file or directory", "-o", page, folder / "nothing")
    refused(2, r"mallow report: .*/text is not a profile", "-o", page, profile, folder / "text")
    refused(2, r"mallow report: .*/server.mallow has no process 1", "-o", page, "--process=1", profile)
    refused(125, r"mallow report: no -o FILE.html given, the file to write; try 'mallow report --help'", profile)
    refused(125, r"mallow report: no PID or FILE given; try 'mallow report --help'", "-o", page)
    refused(125, r"mallow report: no second FILE given; try 'mallow report --help'", "--diff", "-o", page, profile)
    refused(125, r"mallow report: unexpected argument .*; try 'mallow report --help'", "--diff", "-o", page, *[profile] * 3)
    expect_data(page.read_bytes())
    for bad in b"", w.example()[:200], w.example()[:-30], os.urandom(2000):
        (folder / "bad").write_bytes(bad)
        assert run("-o", "/dev/null", folder / "bad").returncode in (0, 2)
    # The figures are not amounts, or too large for a browser's numbers.
    large = w.process() + w.stacks((1, 0, 0x1000)) + w.snapshot(10 * w.SECOND, w.EXIT, (2**64 - 1, 2**64 - 1)) + w.sites(
        w.site(1, (1, 1e30, 2**64 - 1, 1e30), (1, 1e30, 2**64 - 1, 1e30), 2**64 - 1)) + w.live(
        (2**64 - 1, 2**64 - 1, 1e30, 2**64 - 1, 1, 1, 0, 0)) + w.done()
    (folder / "large").write_bytes(large)
    result = run("-o-", folder / "large")
    assert result.returncode == 0, result
    _, columns = decode(result.stdout)
    assert columns["a.event.liveBytes"] == [2**53 - 1] and columns["a.record.liveBytes"] == [2**53 - 1], columns

    (folder / "described").write_bytes(w.example(described=True))
    expect_description(run("-o-", folder / "described").stdout)
    expect_same_errors(folder)
    hostile_description(folder)

    # A running process.
    with subprocess.Popen([MALLOW, "run", "--no-summary", "--sample=16k", "-o", folder / "running", "--", sys.executable, "-c",
                           "blocks = [bytearray(3000) for _ in range(5000)]; print('ready', flush=True); input()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        child = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        pid = next(pid for pid in child if "python" in os.readlink(f"/proc/{pid}/exe"))
        description, columns = decode(run("-o-", pid).stdout)
        assert description["profiles"][0]["processes"][0]["pid"] == int(pid)
        assert columns["a.event.liveBytes"][-1] > 5000 * 3000, columns["a.event.liveBytes"]
        described = description["profiles"][0]["processes"][0]
        assert described["space"]["measured"] and described["limits"]["limits"] and columns["a.page.use"]
        resident = {kind: figures[2] for kind, *figures in described["space"]["kinds"]}
        assert resident["Mallow heap"] > 5000 * 3000 and resident["program text"] > 0 and resident["stack"] > 0, resident
        process.communicate("\n")

    # Several files are one profile, and two are compared.
    (folder / "second").write_bytes(w.example(3, pid=5000))
    description, columns = decode(run("-o-", profile, folder / "second").stdout)
    assert [process["pid"] for process in description["profiles"][0]["processes"]] == [4711, 5000]
    assert len(columns["a.event.time"]) == 8 and columns["a.event.time"] == sorted(columns["a.event.time"])
    description, columns = decode(run("--diff", "-o-", folder / "second", profile).stdout)
    assert [part["name"] for part in description["profiles"]] == ["second", "server.mallow"]
    assert len(columns["a.event.time"]) == 3 and len(columns["b.event.time"]) == 5
    description, _ = decode(run("-o-", "--process=5000", profile, folder / "second").stdout)
    assert [process["pid"] for process in description["profiles"][0]["processes"]] == [5000]
