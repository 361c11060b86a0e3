#!/usr/bin/python3
"""mallow top without a terminal: its text, its JSON, and which processes it refuses.

Usage: top_plain.py MALLOW LIBRARY TARGET BUSY
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "top"))
from tmux import Target, wait_until

MALLOW, LIBRARY, TARGET, BUSY = sys.argv[1:]
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS":
    os.environ.pop(name, None)
IDLE = "100000000"  # microseconds: no second turn while the test runs


def run(*arguments, status=0, error=""):
    result = subprocess.run([MALLOW, *map(str, arguments)], text=True, capture_output=True,
                            timeout=60, stdin=subprocess.DEVNULL)
    assert result.returncode == status, (arguments, result)
    assert re.fullmatch(error, result.stderr.strip()), (arguments, result.stderr)
    return result.stdout


def objects(*arguments, **expected):
    return [json.loads(line) for line in run("top", "--json", *arguments, **expected).splitlines()]


def busy(sites=300, threads=5, turn=IDLE, options="control=on,sample=512"):
    return Target(LIBRARY, BUSY, str(sites), str(threads), turn, options=options)


def agrees_with_stats(target):
    process, = objects("-n", 1, target.pid)[0]["processes"]
    stats = json.loads(run("stats", "--json", target.pid))
    assert process["pid"] == target.pid and process["answers"] and not process["has_ended"]
    assert process["live_bytes"] == stats["live_bytes"] + stats["mapping_bytes"]
    assert process["live_blocks"] == stats["live_blocks"] + stats["mappings"]
    for name in "cached_bytes", "free_bytes", "dirty_bytes", "metadata_bytes", "mapping_bytes":
        assert process[name] == stats[name], name
    assert process["mapping_bytes"] >= 2 << 20
    used = sum(of["slot_bytes"] * of["used_slots"] for of in process["classes"])
    assert used <= process["live_bytes"], process
    assert abs(process["resident_bytes"] - stats["resident_bytes"]) < 1 << 20
    assert process["resident_peak_bytes"] >= process["resident_bytes"]


def agrees_with_sites(target):
    """The program is idle, so both see the same samples."""
    for by in "function", "stack":
        process, = objects("-n", 1, "--top=0", f"--by={by}", target.pid)[0]["processes"]
        sites = json.loads(run("sites", "--json", "--top=0", f"--by={by}", target.pid))
        assert process["is_sampled"] and process["sample_bytes"] == 512
        assert process["live"] == sites["live"] and process["allocated"] == sites["allocated"]
        mine = {json.dumps(site["stack"]): site for site in process["sites"]}
        others = {json.dumps(site["stack"]): site for site in sites["sites"]}
        assert by == "function" or mine.keys() == others.keys()
        pairs = [(site["title"], site["live"], site["allocated"]) for site in process["sites"]]
        expected = [(site[by], site["live"], site["allocated"]) if by == "function" else
                    (mine[key]["title"], site["live"], site["allocated"])
                    for key, site in others.items()]
        order = lambda site: json.dumps(site)
        assert sorted(pairs, key=order) == sorted(expected, key=order)
        live = [site["live"]["bytes"] for site in process["sites"]]
        assert len(live) > 2 and live == sorted(live, reverse=True)
    threads = json.loads(run("sites", "--json", "--top=0", "--by=thread", target.pid))["sites"]
    expected = {int(thread["thread"].split()[0]): thread["live"] for thread in threads}
    mine = {thread["id"]: thread["live"] for thread in process["threads"] if "live" in thread}
    assert mine == expected and len(mine) == 6
    assert {f"worker-{i}" for i in range(5)} <= {thread["name"] for thread in process["threads"]}


def knows_rates():
    """The rate of the program is known: each turn allocates a block."""
    with busy(sites=50, threads=0, turn="1000", options="control=on,sample=512") as target:
        first, *_, before, last = [round["processes"][0]
                                   for round in objects("-n", 6, "-d", 0.5, target.pid)]
        assert first["rate"] is None
        rate = last["rate"]
        elapsed = last["allocated"]["bytes"] - before["allocated"]["bytes"]
        assert rate["bytes_per_second"] > 0 and rate["error"] > 0 and elapsed > 0
        assert abs(rate["bytes_per_second"] / rate["calls_per_second"] - 970) < 200, rate
        sums = sum(site["rate"]["bytes_per_second"] for site in last["sites"])
        assert abs(sums - rate["bytes_per_second"]) < 0.01 * sums, (sums, rate)


def prints_text(target):
    for view, title in ("sites", "SITE"), ("classes", "SIZE"), ("threads", "TID"), \
            ("processes", "PROGRAM"), ("overview", "RESIDENT MEMORY"):
        text = run("top", "-n", 2, "-d", 0.2, f"--view={view}", "--top=3", target.pid)
        assert "\x1b" not in text and len(re.findall("^mallow top  ", text, re.M)) == 2, text
        assert len(re.findall(title, text)) == 2, text
        assert all(line == line.rstrip() for line in text.splitlines()), text
    assert re.search(r"^\d+ more; --top=0 prints all$",
                     run("top", "-n1", "--top=3", "--by=stack", target.pid), re.M)
    text = run("top", "-n", 1, target.pid)
    assert re.search(r"^195\.\dK .* busy_thread \(busy\.c\)$", text, re.M), text
    child, terminal = pty.fork()  # -n prints text on a terminal, too
    if child == 0:
        os.execv(MALLOW, [MALLOW, "top", "-n1", str(target.pid)])
    output = b""
    try:
        while data := os.read(terminal, 4096):
            output += data
    except OSError:
        pass
    os.waitpid(child, 0)
    assert b"\x1b" not in output and b"busy_thread" in output, output


def says_that_samples_are_missing():
    with busy(options="control=on") as target:
        text = run("top", "-n1", target.pid)
        assert "sampling off" in text and "mallow run --sample" in text, text
        process, = objects("-n1", target.pid)[0]["processes"]
        assert not process["is_sampled"] and "sites" not in process


def lists_processes():
    with busy() as one, busy(sites=10) as other:
        found = {process["pid"] for process in objects("-n1")[0]["processes"]}
        assert {one.pid, other.pid} <= found
        text = run("top", "-n1", "--top=0")
        assert all(re.search(rf"^ +{target.pid} .*command_busy", text, re.M)
                   for target in (one, other)), text
        text = run("top", "-n1", one.pid, other.pid, one.pid)
        assert len(text.splitlines()) == 5, text


def ends_with_its_processes():
    with busy() as target:
        top = subprocess.Popen([MALLOW, "top", "-d0.2", str(target.pid)], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert top.stdout.readline().startswith("mallow top")
        target.end()
        output, errors = top.communicate(timeout=60)
        assert top.returncode == 0 and "ENDED" in output and not errors, (output, errors)
    with busy() as target:
        top = subprocess.Popen([MALLOW, "top", "-d0.2", str(target.pid)], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert top.stdout.readline()
        top.stdout.close()  # as head(1) does
        assert top.wait(timeout=60) == 0 and top.stderr.read() == ""
        top.stderr.close()
        top = subprocess.Popen([MALLOW, "top", str(target.pid)], stdout=subprocess.PIPE)
        assert top.stdout.readline()
        top.terminate()
        assert top.wait(timeout=60) == -signal.SIGTERM
        top.stdout.close()


def refuses():
    run("top", "x", status=125, error="mallow top: 'x' is not a process ID; try 'mallow top --help'")
    run("top", "-n1", 999999999, status=125, error="mallow top: there is no process 999999999, .*")
    run("top", "-n1", os.getpid(), status=125,
        error=f"mallow top: process {os.getpid()} does not run on Mallow, .*")
    for value in "0", "-1", "nan", "1e9", "", "1s":
        run("top", f"--delay={value}", status=125, error="mallow top: --delay='.*' is not .*")
    run("top", "-n0", status=125, error="mallow top: --rounds must be at least 1; .*")
    run("top", "--view=x", status=125, error="mallow top: --view='x' is unknown; .*")
    with Target(LIBRARY, TARGET, "idle", options="control=off") as target:
        run("top", "-n1", target.pid, status=125,
            error="mallow top: process .* runs on Mallow, but does not accept requests: .*")
    with busy() as target:
        os.kill(target.pid, signal.SIGSTOP)
        wait_until(lambda: Path(f"/proc/{target.pid}/stat").read_text().split()[2] == "T")
        run("top", "-n1", target.pid, status=125,
            error="mallow top: process .* is stopped: resume it with .*")
        os.kill(target.pid, signal.SIGCONT)
        result = subprocess.run([MALLOW, "top", "-n1", str(target.pid)], stderr=subprocess.PIPE,
                                text=True, stdout=open("/dev/full", "w"))
        assert result.returncode == 125 and "No space left" in result.stderr, result


# command_target prints "ready PID" only with control=on, so it is not waited for.
Target.listens = lambda self, listens=Target.listens: "control=off" in \
    Path(f"/proc/{self.pid}/environ").read_text() or listens(self)

with tempfile.TemporaryDirectory() as cache:
    os.environ["XDG_CACHE_HOME"] = cache
    with busy() as target:
        agrees_with_stats(target)
        agrees_with_sites(target)
        prints_text(target)
    knows_rates()
    says_that_samples_are_missing()
    lists_processes()
    ends_with_its_processes()
    refuses()
