#!/usr/bin/python3
"""Looks for leaks in a server under load, again and again: all that is lost and nothing else.

Usage: leaks.py MALLOW LIBRARY LEAKING SLEEPING MODULE
LEAK_ROUNDS in the environment: how many times, 10 by default.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time

MALLOW, LIBRARY, LEAKING, SLEEPING, MODULE = sys.argv[1:]
ROUNDS = int(os.environ.get("LEAK_ROUNDS", "10"))
os.environ.pop("MALLOW_OPTIONS", None)

# Class, how the block begins, size, blocks that it leads, their bytes.
LOST = sorted([
    ("definitely lost", "lost slot", 160, 0, 0),
    ("definitely lost", "lost middle", 3072, 0, 0),
    ("definitely lost", "lost run", 73728, 0, 0),
    ("definitely lost", "lost mapping", 3145728, 0, 0),
    ("definitely lost", "list", 48, 3, 48 + 48 + 200704),
    ("definitely lost", "ring", 48, 2, 48 + 48),
    ("possibly lost", "inside", 512, 0, 0),
])
BYTES = 150 + 3000 + 70000 + (3 << 20) + 40 + 40  # asked for, of what is definitely lost


class Server:
    def __init__(self, *arguments, options="control=on"):
        environment = dict(os.environ, LD_PRELOAD=LIBRARY, MALLOW_OPTIONS=options)
        self.process = subprocess.Popen(arguments, env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        word, number = self.process.stdout.readline().split()
        assert word == "ready"
        self.pid = int(number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """It served on, and none of its threads met with anything odd."""
        self.process.stdin.close()
        last = self.process.stdout.readline().split()
        assert last == ["well"] or last[0] == "served" and int(last[1]) > 1000, last
        assert self.process.wait() == 0


def command(*arguments):
    return subprocess.run([MALLOW, "leaks", *map(str, arguments)], capture_output=True, text=True)


def check(status, *arguments):
    done = command("--json", *arguments)
    assert done.returncode == status and done.stderr == "", done
    return json.loads(done.stdout)


def says(group):
    data = bytes.fromhex(group["first_bytes"])
    return data.rstrip(b"\0").decode(errors="replace")


def described(group):
    """What a node says stands behind its pointers."""
    text = says(group)
    if group["size"] == 48:
        text = "list" if group["indirect_blocks"] == 3 else "ring"
    return (group["class"], text, group["size"], group["indirect_blocks"], group["indirect_bytes"])


def finds_all(pid):
    result = check(1, pid)
    found = sorted(described(group) for group in result["groups"])
    assert found == LOST, result
    assert all(group["blocks"] == 1 for group in result["groups"]), result
    assert result["definitely_lost"]["blocks"] == 6 and result["possibly_lost"]["blocks"] == 1
    assert result["indirectly_lost"] == {"blocks": 5, "bytes": 200704 + 4 * 48}, result
    # One thread blocks all signals; the others stood.
    assert result["threads_missed"] == 1 and result["threads_stopped"] == 8, result
    assert 0 < result["pause_microseconds"] < 10e6 and result["pid"] == pid, result


def finds_nothing(pid):
    result = check(0, pid)
    assert result["groups"] == [] and result["definitely_lost"]["blocks"] == 0, result
    assert result["still_reachable"]["blocks"] > 200, result
    listed = check(0, "--reachable", "--limit=0", pid)
    assert any(says(group) == "kept" for group in listed["groups"]), listed
    assert sum(group["blocks"] for group in listed["groups"]) == \
        listed["still_reachable"]["blocks"], listed


def options(pid):
    text = command(pid).stdout
    assert "started by 'mallow run --check'" in text, text
    assert text.count("definitely lost: ") == 6 and "threads stood still" in text, text
    assert "\n1 thread could not be stopped" in text, text
    assert "\npossibly lost               512 bytes in 1 block\n" in text, text
    result = check(1, "--limit=2", pid)
    assert len(result["groups"]) == 2 and result["groups_omitted"] == 5, result
    assert "\n5 more groups; --limit=0 lists all\n" in command("--limit=2", pid).stdout
    for wrong in ("--limit=x", "--suppressions=/nowhere", "--no-such-option"):
        done = command(wrong, pid)
        assert done.returncode == 125 and done.stdout == "", done
    with tempfile.NamedTemporaryFile("w") as suppressions:
        suppressions.write("# nothing of what has no stack\n\nleak:*\nleak:^main$\n")
        suppressions.flush()
        finds = check(1, f"--suppressions={suppressions.name}", pid)
        assert len(finds["groups"]) == 7, finds
        suppressions.write("leek:x\n")
        suppressions.flush()
        done = command(f"--suppressions={suppressions.name}", pid)
        assert done.returncode == 125 and "line 5" in done.stderr, done


def with_stacks(pid):
    """Sizes are those that were asked for, and places have names."""
    result = check(1, pid)
    assert result["definitely_lost"] == {"blocks": 6, "bytes": BYTES}, result
    assert result["indirectly_lost"] == {"blocks": 5, "bytes": 200000 + 4 * 40}, result
    assert result["possibly_lost"]["blocks"] == 1, result
    assert "started by" not in command(pid).stdout
    lost = [group for group in result["groups"] if group["class"] == "definitely lost"]
    assert all(any(" in lose" in frame for frame in group["stack"]) for group in lost), lost
    for pattern, left in (("^lose$", 0), ("leaking.c", 0), ("command_leak*ing$", 0), ("^los$", 6)):
        with tempfile.NamedTemporaryFile("w") as suppressions:
            suppressions.write(f"leak:{pattern}\n")
            suppressions.flush()
            result = check(int(left > 0), f"--suppressions={suppressions.name}", pid)
        assert result["definitely_lost"]["blocks"] == left, (pattern, result)
        assert left > 0 or result["suppressed"]["blocks"] >= 11, result


with Server(LEAKING, "lost", MODULE) as server:
    for _ in range(ROUNDS):
        finds_all(server.pid)
    options(server.pid)
with Server(LEAKING, MODULE) as server:
    for _ in range(ROUNDS):
        finds_nothing(server.pid)
with Server(LEAKING, MODULE, options="control=on,backend=brk") as server:
    finds_nothing(server.pid)
with Server(LEAKING, "lost", MODULE, options="control=on,check=full") as server:
    with_stacks(server.pid)
with Server(LEAKING, "lost", MODULE, options="control=on,guard=1") as server:
    assert check(1, server.pid)["definitely_lost"] == {"blocks": 6, "bytes": BYTES}
if platform.machine() == "x86_64":
    with Server(SLEEPING) as server:
        for _ in range(ROUNDS):
            assert check(0, server.pid)["threads_stopped"] >= 5
            time.sleep(0.2)
with Server(LEAKING, MODULE, options="") as server:
    refused = command(server.pid)
    assert refused.returncode == 125 and "start it by 'mallow run'" in refused.stderr, refused
