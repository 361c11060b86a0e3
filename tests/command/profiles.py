#!/usr/bin/python3
"""The readers of profiles survive damaged, truncated, foreign and hostile files, and say what is
wrong with them.

Usage: profiles.py MALLOW
"""

import json
import os
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import profile_writer as w

(MALLOW,) = sys.argv[1:]
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS":
    os.environ.pop(name, None)
BAD_PROFILE, OWN_FAILURE = 2, 125
COMMANDS = (["sites", "--stacks"], ["sites", "--json", "--by=stack"], ["diff", "--from=0"],
            ["leaks"])


def run(*arguments, **options):
    return subprocess.run([MALLOW, *map(str, arguments)], text=True, capture_output=True,
                          timeout=60, **options)


def write(path, *parts):
    path.write_bytes(b"".join(parts))
    return path


def refused(path, message):
    for command in COMMANDS:
        result = run(*command, path)
        assert result.returncode == BAD_PROFILE and not result.stdout, result
        assert result.stderr == f"mallow {command[0]}: {path} {message}\n", result.stderr


def live_bytes(path, warning=""):
    """Returns the live bytes by samples, and expects a warning."""
    result = run("sites", "--json", path)
    assert result.returncode == 0, result
    assert re.fullmatch(warning and f"mallow sites: {warning}\n", result.stderr), result.stderr
    return json.loads(result.stdout)["live"]["bytes"]


def begin(pid=4711, **more):
    return w.process(pid=pid, **more) + w.stacks((1, 0, 0x1000), (2, 1, 0x2000))


def state(time, *sizes, reason=w.PERIODIC, lost=0):
    """A snapshot whose node N has the Nth size."""
    return w.snapshot(time * w.SECOND, reason) + w.sites(
        *(w.site(node, (1, 1, size, 1), (1, 1, size, 1), size) for node, size in enumerate(sizes, 1))
    ) + w.live(*((node, size, 1.5, 5 * w.SECOND, node, 1, lost, 0)
                 for node, size in enumerate(sizes, 1))) + w.done()


def refuses_what_is_no_profile(folder):
    refused(write(folder / "empty"), "is empty: no profile was written, or not yet")
    refused(write(folder / "foreign", b"#!/bin/sh\necho hello\n" * 100), "is not a profile")
    refused(folder, "is a directory, not a profile")
    refused(folder / "missing", "cannot be opened: No such file or directory")
    os.mkfifo(folder / "pipe")
    refused(folder / "pipe", "is not a regular file")
    refused(Path("/dev/null"), "is not a regular file")
    refused(write(folder / "newer", w.process(version=3) + state(6, 100)),
            "was written by a newer version of Mallow: this version cannot read it")
    refused(write(folder / "older", b"PROF\x01\0\0\0" + begin()[4:].replace(w.MAGIC, b"PROF")),
            "was written by an older version of Mallow: this version cannot read it")
    refused(write(folder / "headless", state(6, 100)),
            "is not a profile, or its beginning is damaged or missing")
    refused(write(folder / "short", w.block(w.PROCESS, b"\2\1\1\1")), "has an invalid PROCESS block")
    unreadable = write(folder / "unreadable", begin() + state(6, 100))
    unreadable.chmod(0)
    if os.geteuid() != 0:
        refused(unreadable, "cannot be opened: Permission denied")
    huge = folder / "huge"
    huge.touch()
    os.truncate(huge, (16 << 30) + 1)
    refused(huge, "is larger than 16 GiB")


def reads_what_later_versions_add(folder):
    text = w.process(more=b"12345678") + w.block(99, b"unknown") + w.stacks((1, 0, 1)) + \
        w.snapshot(6 * w.SECOND, more=b"87654321") + w.sites(w.site(1, (1, 1, 5, 1), (1, 1, 5, 1))) + \
        w.done()
    assert live_bytes(write(folder / "later", text)) == 5


def counts_complete_snapshots(folder):
    """Cut off anywhere, a file has the state of its last complete snapshot."""
    start, first, second = begin(), state(6, 100), state(7, 150, 30)
    text = start + first + second
    after_first = len(start) + len(first)
    boundaries = {0}
    while max(boundaries) < len(text):
        boundaries.add(max(boundaries) + w.length_of(text, max(boundaries)))
    near = {boundary + i for boundary in boundaries for i in (-1, 0, 1, 4, 11)}
    for length in sorted((near | set(range(0, len(text), 23))) & set(range(1, len(text) + 1))):
        path = write(folder / "cut", text[:length])
        result = run("sites", "--json", path)
        if length < len(w.process()):
            assert result.returncode == BAD_PROFILE, (length, result)
            continue
        assert result.returncode == 0, (length, result)
        expected = 180 if length == len(text) else 100 if length >= after_first else 0
        assert json.loads(result.stdout)["live"]["bytes"] == expected, (length, result.stdout)
        assert ("ends in the middle of a block" in result.stderr) == (length not in boundaries)


def skips_damaged_blocks(folder):
    damaged = r".*: 1 damaged part was skipped: figures can be too small"
    start, first, second = begin(), state(6, 100), state(7, 150)
    for offset in set(range(0, len(first), 5)) | set(range(12)):
        text = bytearray(start + first + second)
        text[len(start) + offset] ^= 0x55
        assert live_bytes(write(folder / "damaged", text), damaged) == 150, offset
    # A damaged beginning of the second program: its nodes must not be taken for those of the first.
    other = bytearray(begin(pid=5000))
    other[30] ^= 1
    text = start + first + other + state(7, 1000)
    assert live_bytes(write(folder / "lost", text), damaged) == 100
    # Even if nothing says what was damaged, other meanings of the same nodes show it.
    other[11] ^= 1
    conflict = w.stacks((1, 0, 0x999))
    text = start + first + other[:len(w.process())] + conflict + state(7, 1000)
    assert live_bytes(write(folder / "lost", text), damaged.replace("1 damaged part was",
                                                                     "2 damaged parts were")) == 100


def joins_files(folder):
    text = begin(1) + state(6, 100)
    assert live_bytes(write(folder / "joined", text, begin(2), state(6, 30))) == 130
    damaged = r".*: 1 damaged part was skipped: figures can be too small"
    assert live_bytes(write(folder / "joined", text + state(7, 5)[:-20], begin(2), state(6, 30)),
                      damaged) == 130
    write(folder / "run.prof", text)
    write(folder / "run.prof.17", begin(17, started_at=1_700_000_001 * w.SECOND), state(6, 7))
    write(folder / "run.prof.html", b"not a profile")
    assert live_bytes(folder / "run.prof") == 107
    write(folder / "run.prof.9", begin(9, started_at=1_600_000_001 * w.SECOND), state(6, 7))
    assert live_bytes(folder / "run.prof", ".*run.prof.9 is older than .*run.prof and is left out") == 107
    os.remove(folder / "run.prof.9")
    write(folder / "run.prof.18", b"")
    assert live_bytes(folder / "run.prof", ".*run.prof.18 is empty.*") == 107
    result = run("sites", "--process=17", "--json", folder / "run.prof")
    assert json.loads(result.stdout)["live"]["bytes"] == 7
    assert run("sites", "--process=4", folder / "run.prof").returncode == BAD_PROFILE


def tells_lost_blocks_from_others(folder):
    for reason, lost, line in ((w.EXIT, 0, "not freed when the program ended"),
                               (w.PERIODIC, 0, "still allocated at the last snapshot"),
                               (w.EXIT, 1, "lost: no pointer led to them")):
        path = write(folder / "leaks", begin(), state(8, 100, 40, reason=reason, lost=lost))
        result = run("leaks", path)
        assert result.returncode == 1 and line in result.stdout.splitlines()[-1], result
        groups = json.loads(run("leaks", "--json", path).stdout)["groups"]
        assert [group["live"]["bytes"] for group in groups] == ([150, 60] if lost else [100, 40])
        assert all(group["oldest_seconds"] == 3 for group in groups)
    path = write(folder / "leaks", begin(), w.snapshot(6 * w.SECOND, w.EXIT), w.done())
    result = run("leaks", path)
    assert result.returncode == 0 and "no sampled block is left" in result.stdout, result


def leaves_out_suppressed_blocks(folder):
    names = w.Names(folder / "cache")
    names.write(b"id" * 10, {0xfff: [(1, False, "outer", "main.c")], 0x1fff: [(2, False, "inner", "lib.c")]})
    text = w.process() + w.modules(w.module(0x1000, 0x9000, 0, b"/nowhere/lib.so", b"id" * 10)) + \
        w.stacks((1, 0, 0x2000), (2, 1, 0x3000)) + state(6, 100, 40, reason=w.EXIT)
    path, patterns = write(folder / "profile", text), folder / "patterns"
    cache = dict(os.environ, XDG_CACHE_HOME=str(folder / "cache"))
    for pattern, left, suppressed in (("leak:nothing", [100, 40], 0), ("leak:inner", [100], 40),
                                      ("leak:^lib.c$", [100], 40), ("leak:outer", [], 140),
                                      ("leak:/nowhere/", [], 140), ("leak:nn\nleak:ut", [], 140)):
        patterns.write_text(f"# known\n{pattern}\n")
        result = run("leaks", "--json", f"--suppressions={patterns}", path, env=cache)
        answer = json.loads(result.stdout)
        assert [group["live"]["bytes"] for group in answer["groups"]] == left, (pattern, answer)
        assert answer["suppressed"]["bytes"] == suppressed and result.returncode == bool(left), answer
        lines = run("leaks", f"--suppressions={patterns}", path, env=cache).stdout.splitlines()
        assert any(line.endswith(" suppressed") for line in lines) == bool(suppressed), lines
        assert lines[-1].endswith("led to them" if left else "no other sampled block is left"), lines
    for wrong in ("leek:x\n", None):
        patterns.write_text(wrong) if wrong else patterns.unlink()
        result = run("leaks", f"--suppressions={patterns}", path, env=cache)
        assert result.returncode == OWN_FAILURE and "patterns'" in result.stderr, result


def fails_cleanly(folder):
    path = write(folder / "good", begin(), state(6, 100, 40))
    for command in COMMANDS:
        with open("/dev/full", "w") as full:
            result = subprocess.run([MALLOW, *command, path], stdout=full, stderr=subprocess.PIPE,
                                    text=True, timeout=60)
        assert result.returncode == OWN_FAILURE and "No space left" in result.stderr, result
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run([MALLOW, *command, path], stdout=writer, stderr=subprocess.PIPE,
                                timeout=60, restore_signals=True)
        os.close(writer)
        assert result.returncode == -signal.SIGPIPE and not result.stderr, result
    large = write(folder / "large", begin(), state(6, 100), b"\0" * (64 << 20))

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (48 << 20, 48 << 20))
    result = run("sites", large, preexec_fn=limit)
    assert result.returncode == BAD_PROFILE and "does not fit into memory" in result.stderr, result


def prints_no_control_characters(folder):
    evil = b"/tmp/\x1b[31m\nfoo\xc2\x9b\x07"
    text = w.process(program=evil) + w.modules(w.module(0x1000, 0x2000, 0, evil)) + \
        w.stacks((1, 0, 0x1500)) + w.threads((1, b"\x1b[2J\x00x")) + state(6, 100)
    for command in COMMANDS + (["sites", "--by=thread"], ["sites", "--by=module"]):
        result = run(*command, write(folder / "evil", text))
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.stdout + result.stderr), result


def survives_anything(folder):
    """Random damage: the command ends in time, and its JSON is valid."""
    rand = random.Random(1)
    parts = [w.example(), begin() + state(6, 100, 40), w.process(classes=()),
             w.modules(w.module(0, 1 << 63), w.module(5, 4)), w.stacks((2, 1, 5), (1, 1, 6)),
             w.block(w.STACKS, b"123"), w.block(w.SITES, b"\xff" * 400), w.block(w.LIVE, b"\xff" * 96),
             w.block(w.MODULES, b"\xff" * 80), w.block(w.SNAPSHOT, b"\xff" * 200), w.done(),
             w.snapshot(2**64 - 1, live=(2**64 - 1, 2**64 - 1)), w.process(started=2**64 - 1),
             w.sites(w.site(1, (1, 1e38, 2**64 - 1, -1.0), (2**63, float("nan"), 5, 1e30)))]
    for i in range(400):
        text = bytearray(b"".join(rand.choice(parts) for _ in range(rand.randint(1, 5))))
        if rand.random() < 0.3:
            text = bytearray(parts[0]) + text
        for _ in range(rand.choice([0, 1, 3, 20])):
            place = rand.randrange(len(text))
            change = rand.randint(0, 3)
            if change == 0:
                text[place] ^= 1 << rand.randint(0, 7)
            elif change == 1:
                del text[place:place + rand.randint(1, 100)]
            elif change == 2:
                text[place:place] = bytes(rand.randint(0, 255) for _ in range(rand.randint(1, 50)))
            else:
                struct.pack_into("<Q", text, max(0, place - 8), rand.choice([0, 1, 2**32, 2**64 - 1])) \
                    if len(text) >= 8 else None
            if not text:
                text = bytearray(b"x")
        command = COMMANDS[i % len(COMMANDS)]
        path = write(folder / "fuzzed", repair(text) if rand.random() < 0.5 else text)
        result = subprocess.run([MALLOW, *command, path], capture_output=True, timeout=60)
        assert result.returncode in (0, 1, BAD_PROFILE), (i, command, result)
        if "--json" in command and result.stdout:
            json.loads(result.stdout)


def repair(text):
    """Corrects the checksums, so that the damage reaches what follows them."""
    text, at = bytearray(text), 0
    while at + w.HEAD_BYTES <= len(text):
        end = at + w.length_of(text, at)
        if end > len(text):
            break
        struct.pack_into("<I", text, at + 4, w.zlib.crc32(bytes(text[at + 8:end])))
        at = end
    return text


with tempfile.TemporaryDirectory() as temporary:
    os.environ["XDG_CACHE_HOME"] = temporary
    for test in (refuses_what_is_no_profile, reads_what_later_versions_add,
                 counts_complete_snapshots, skips_damaged_blocks, joins_files,
                 tells_lost_blocks_from_others, leaves_out_suppressed_blocks, fails_cleanly, prints_no_control_characters,
                 survives_anything):
        folder = Path(temporary) / test.__name__
        folder.mkdir()
        test(folder)
