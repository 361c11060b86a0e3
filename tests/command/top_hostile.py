#!/usr/bin/python3
"""mallow top survives processes that answer anything: it goes on, and shows no control characters.

Usage: top_hostile.py MALLOW
"""

import fcntl
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from profile_writer import example

(MALLOW,) = sys.argv[1:]
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS":
    os.environ.pop(name, None)
F_ADD_SEALS, F_SEAL_SHRINK = 1033, 2
PAGE_BYTES = 65536
MAGIC = 0x776F6C6C616D0A0D


def page(size=PAGE_BYTES, seals=F_SEAL_SHRINK, magic=MAGIC, used=PAGE_BYTES, sequence=2, fill=None):
    """Returns the descriptor of a page."""
    page.updated += 1
    content = bytearray(random.Random(1).randbytes(size) if fill else bytes(size))
    head = (magic.to_bytes(8, "little") + (1).to_bytes(4, "little") + used.to_bytes(4, "little") +
            os.getpid().to_bytes(4, "little") + bytes(4) + sequence.to_bytes(8, "little") +
            page.updated.to_bytes(8, "little"))
    content[:len(head)] = head[:size]
    fd = os.memfd_create("page", os.MFD_ALLOW_SEALING)
    os.write(fd, content)
    fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


page.updated = 0


def profile(content):
    fd = os.memfd_create("profile")
    os.write(fd, content)
    return fd


class Impostor:
    """Listens at the name of this process's control thread. `answers` has a function of the
    connection for each request."""

    def __init__(self):
        self.listener = socket.socket(socket.AF_UNIX)
        namespace = os.stat("/proc/self/ns/pid").st_ino
        self.listener.bind(f"\0mallow.{namespace}.{os.getpid()}")
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        with client:
            try:
                request = client.recv(64).decode().strip()
                self.answers.get(request, lambda client: client.send(b"ok\n"))(client)
            except OSError:
                pass  # the command has hung up


def passes(make, text=b"ok\n"):
    def answer(client):
        fd = make()
        socket.send_fds(client, [text], [fd])
        os.close(fd)
    return answer


def says(text):
    return lambda client: client.send(text)


def never_ends(client):
    while True:
        client.send(b"x" * 4096)


def is_slow(client):
    client.send(b"o")
    time.sleep(10)


def top(impostor, has_figures, **answers):
    impostor.answers = {"page": passes(page), "profile": says(b"error allocations are not sampled\n"),
                        **answers}
    start = time.monotonic()
    for arguments in ["--json"], ["--view=sites"], ["--view=processes"], ["--view=threads"]:
        result = subprocess.run([MALLOW, "top", "-n2", "-d0.1", *arguments, str(os.getpid())],
                                capture_output=True, timeout=120)
        assert result.returncode == 0, (answers, result)
        text = result.stdout.decode(errors="replace") + result.stderr.decode(errors="replace")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text), (answers, text)
        if arguments == ["--json"]:
            rounds = [json.loads(line) for line in result.stdout.splitlines()]
            assert len(rounds) == 2 and \
                all(("live_bytes" in round["processes"][0]) == has_figures for round in rounds), \
                (answers, rounds)
    assert time.monotonic() - start < 60, answers


with tempfile.TemporaryDirectory() as cache:
    os.environ["XDG_CACHE_HOME"] = cache
    impostor = Impostor()
    top(impostor, True)
    top(impostor, True, page=passes(lambda: page(fill=True)))
    for wrong in (dict(size=100), dict(size=4096), dict(seals=0), dict(magic=1), dict(used=100),
                  dict(sequence=1)):
        top(impostor, False, page=passes(lambda: page(**wrong)))
    top(impostor, False, page=passes(lambda: os.open("/dev/zero", os.O_RDONLY)))
    top(impostor, False, page=passes(lambda: os.open("/", os.O_RDONLY)))
    for answer in (says(b"ok\n"), says(b""), says(b"error \x1b[31m\x9b bad\n"), says(b"\x1b[2J"),
                   never_ends, is_slow):
        top(impostor, False, page=answer)
        top(impostor, True, profile=answer)
    good = example()
    for content in b"", b"\x1b[2J" * 1000, good, good[:-3], good + good, good[:200] * 50:
        top(impostor, True, profile=passes(lambda: profile(content)))
    for seed in range(20):
        rand, damaged = random.Random(seed), bytearray(good)
        for _ in range(rand.randint(1, 20)):
            damaged[rand.randrange(len(damaged))] = rand.randrange(256)
        top(impostor, True, profile=passes(lambda: profile(bytes(damaged))))
    top(impostor, True, profile=passes(lambda: os.open("/dev/zero", os.O_RDONLY)))
