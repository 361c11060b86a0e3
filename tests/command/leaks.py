#!/usr/bin/python3
"""'mallow leaks' finds all lost blocks of a server under load, and nothing else.

Usage: leaks.py MALLOW LIBRARY LEAKING SLEEPING MODULE SESSIONS ROOTS
LEAK_ROUNDS in the environment is the number of rounds, 5 by default.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time

MALLOW, LIBRARY, LEAKING, SLEEPING, MODULE, SESSIONS, ROOTS = sys.argv[1:]
ROUNDS = int(os.environ.get("LEAK_ROUNDS", "5"))
os.environ.pop("MALLOW_OPTIONS", None)

# Class, content, blocks, size, indirectly lost blocks, their bytes.
LOST = sorted([
    ("definitely lost", "lost slot", 1, 160, 0, 0),
    ("definitely lost", "lost middle", 1, 3072, 0, 0),
    ("definitely lost", "lost run", 1, 73728, 0, 0),
    ("definitely lost", "lost mapping", 1, 3145728, 0, 0),
    ("definitely lost", "list and ring", 2, 48, 5, 4 * 48 + 200704),
    ("possibly lost", "inside", 1, 512, 0, 0),
])
BYTES = 150 + 3000 + 70000 + (3 << 20) + 40 + 40  # the requested sizes of definitely lost blocks


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
        """The server still serves, and none of its threads has seen an error."""
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


def content(group):
    data = bytes.fromhex(group["first_bytes"])
    return data.rstrip(b"\0").decode(errors="replace")


def described(group):
    """A node's content comes after its pointers, and so is not among the first bytes."""
    text = "list and ring" if group["size"] == 48 else content(group)
    return (group["class"], text, group["blocks"], group["size"], group["indirect_blocks"],
            group["indirect_bytes"])


def finds_all(pid):
    result = check(1, pid)
    found = sorted(described(group) for group in result["groups"])
    assert found == LOST, result
    assert result["definitely_lost"]["blocks"] == 6 and result["possibly_lost"]["blocks"] == 1
    assert result["indirectly_lost"] == {"blocks": 5, "bytes": 200704 + 4 * 48}, result
    # One thread blocks all signals; the others were stopped.
    assert result["threads_missed"] == 1 and result["threads_stopped"] == 8, result
    assert 0 < result["pause_microseconds"] < 10e6 and result["pid"] == pid, result


def finds_nothing(pid):
    result = check(0, pid)
    assert result["groups"] == [] and result["definitely_lost"]["blocks"] == 0, result
    assert result["still_reachable"]["blocks"] > 200, result
    listed = check(0, "--reachable", "--limit=0", pid)
    assert any(content(group) == "kept" for group in listed["groups"]), listed
    assert sum(group["blocks"] for group in listed["groups"]) == \
        listed["still_reachable"]["blocks"], listed


def options(pid):
    text = command(pid).stdout
    assert "start the process with 'mallow run --check'" in text, text
    assert text.count("definitely lost: ") == 5 and "\nstopped " in text, text
    assert "\n1 thread could not be stopped" in text, text
    assert "\npossibly lost               512 bytes in 1 block\n" in text, text
    result = check(1, "--limit=2", pid)
    assert [group["class"] for group in result["groups"]] == \
        2 * ["definitely lost"] + ["possibly lost"], result
    assert result["groups_omitted"] == 3, result
    assert result["groups_omitted_by_class"] == {
        "definitely_lost": 3, "indirectly_lost": 0, "possibly_lost": 0, "still_reachable": 0}
    assert "\ndefinitely lost: 3 more groups; --limit=0 lists all\n" in \
        command("--limit=2", pid).stdout
    for wrong in ("--limit=x", "--suppressions=/nowhere", "--no-such-option"):
        done = command(wrong, pid)
        assert done.returncode == 125 and done.stdout == "", done
    with tempfile.NamedTemporaryFile("w") as suppressions:
        suppressions.write("# matches no block without a stack\n\nleak:*\nleak:^main$\n")
        suppressions.flush()
        finds = check(1, f"--suppressions={suppressions.name}", pid)
        assert len(finds["groups"]) == 6, finds
        suppressions.write("leek:x\n")
        suppressions.flush()
        done = command(f"--suppressions={suppressions.name}", pid)
        assert done.returncode == 125 and "line 5" in done.stderr, done


def with_stacks(pid):
    """With check=full, sizes are the requested ones, and stacks have names."""
    result = check(1, pid)
    assert result["definitely_lost"] == {"blocks": 6, "bytes": BYTES}, result
    assert result["indirectly_lost"] == {"blocks": 5, "bytes": 200000 + 4 * 40}, result
    assert result["possibly_lost"]["blocks"] == 1, result
    assert "start the process" not in command(pid).stdout
    lost = [group for group in result["groups"] if group["class"] == "definitely lost"]
    assert all(any(" in lose" in frame for frame in group["stack"]) for group in lost), lost
    for pattern, left in (("^lose$", 0), ("leaking.c", 0), ("command_leak*ing$", 0), ("^los$", 6)):
        with tempfile.NamedTemporaryFile("w") as suppressions:
            suppressions.write(f"leak:{pattern}\n")
            suppressions.flush()
            result = check(int(left > 0), f"--suppressions={suppressions.name}", pid)
        assert result["definitely_lost"]["blocks"] == left, (pattern, result)
        assert left > 0 or result["suppressed"]["blocks"] >= 11, result


def with_samples(pid):
    """While almost every block is sampled, stacks have names without check=full."""
    result = check(1, pid)
    lost = [group for group in result["groups"] if group["class"] == "definitely lost"]
    assert sum(group["blocks"] for group in lost) == 6, result
    named = [group for group in lost if any(" in lose" in frame for frame in group["stack"])]
    assert len(named) == len(lost), lost


def sessions(pid):
    """Blocks of one size form one group despite their contents, and each class has its limit."""
    result = check(1, pid)
    (group,) = (group for group in result["groups"] if group["size"] == 96)
    # Stale pointers on the stack may keep a few.
    assert 49900 <= group["blocks"] <= 50001 and content(group).startswith("session "), group
    for kind in ("definitely lost", "possibly lost"):
        listed = [group for group in result["groups"] if group["class"] == kind]
        assert len(listed) == 50, (kind, result)
        name = kind.replace(" ", "_")
        omitted = result["groups_omitted_by_class"][name]
        assert omitted >= 9, result
        every = check(1, "--limit=0", pid)
        assert every["groups_omitted"] == 0, every
        for figure in ("blocks", "bytes"):
            assert result[name][figure] == sum(
                group[figure] for group in every["groups"] if group["class"] == kind), every


with Server(ROOTS, "wait") as server:
    nothing = check(0, server.pid)
    assert nothing["groups"] == [] and nothing["possibly_lost"]["blocks"] == 0, nothing
with Server(SESSIONS, "50000", "60") as server:
    sessions(server.pid)
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
with Server(LEAKING, "lost", MODULE, options="control=on,sample=1") as server:
    for _ in range(ROUNDS):
        with_samples(server.pid)
with Server(LEAKING, "lost", MODULE, options="control=on,guard=1") as server:
    assert check(1, server.pid)["definitely_lost"] == {"blocks": 6, "bytes": BYTES}
if platform.machine() == "x86_64":
    with Server(SLEEPING) as server:
        for _ in range(ROUNDS):
            assert check(0, server.pid)["threads_stopped"] >= 5
            time.sleep(0.2)
with Server(LEAKING, MODULE, options="") as server:
    refused = command(server.pid)
    assert refused.returncode == 125 and "start it with 'mallow run'" in refused.stderr, refused
