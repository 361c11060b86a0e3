#!/usr/bin/python3
"""Functions in profiles: debug information, the cache, other build IDs, code of just-in-time
compilers, and running processes.

Usage: profile_symbols.py MALLOW FRAMES
"""

import array
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import profile_writer as w

MALLOW, FRAMES = sys.argv[1:]
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS":
    os.environ.pop(name, None)
BASE = 0x555555554000


def run(*arguments, status=0, **options):
    result = subprocess.run([MALLOW, *map(str, arguments)], text=True, capture_output=True,
                            timeout=120, **options)
    assert result.returncode == status, (arguments, result)
    return result


def output_of(*command):
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout


def build_id(path):
    found = re.search("Build ID: ([0-9a-f]+)", output_of("readelf", "-n", path))
    return bytes.fromhex(found.group(1)) if found else b""


def lines_of(path, function):
    """Returns the addresses in a function, each with addr2line's functions and lines."""
    start, size = next((int(line.split()[0], 16), int(line.split()[1], 16))
                       for line in output_of("nm", "-S", path).splitlines()
                       if line.split()[-1] == function and len(line.split()) == 4)
    text = output_of("addr2line", "-a", "-f", "-i", "-e", path, *map(hex, range(start, start + size)))
    for part in re.split("^0x", text, flags=re.M)[1:]:
        address, *lines = part.splitlines()
        yield int(address, 16), list(zip(lines[::2], lines[1::2]))


def place_of(path, address):
    """Returns where an address is in the file, by its program headers."""
    for line in output_of("readelf", "-lW", path).splitlines():
        if line.split()[:1] == ["LOAD"]:
            offset, start, _, size = (int(field, 16) for field in line.split()[1:5])
            if start <= address < start + size:
                return address - start + offset
    raise KeyError(address)


def profile_of(path, addresses, identity):
    """The stacks have one frame each; all have the same size."""
    text = w.process() + w.modules(w.module(BASE, BASE + (1 << 30), 0, str(path).encode(), identity))
    text += w.stacks(*((i, 0, BASE + place_of(FRAMES, address) + 1)
                       for i, address in enumerate(addresses, 1)))
    return text + w.snapshot(6 * w.SECOND) + w.sites(
        *(w.site(i, (1, 1, 9, 0), (1, 1, 9, 0)) for i in range(1, len(addresses) + 1))) + w.done()


def stacks_of(path):
    """Returns the stacks of all sites, and the messages."""
    result = run("sites", "--json", "--top=0", "--by=stack", path)
    sites = json.loads(result.stdout)["sites"]
    return [[(frame["function"], f"{frame.get('file')}:{frame.get('line', 0)}") for frame in
             site["stack"]] for site in sites], result.stderr


def agrees_with_addr2line(folder, cache):
    """Inlined calls, too. A second look needs no file."""
    program = folder / "program"
    shutil.copy(FRAMES, program)
    some = [pair for function in ("main", "outer", "inlining") for pair in lines_of(FRAMES, function)
            if all("?" not in name + line for name, line in pair[1])]
    assert any(len(frames) > 1 for _, frames in some), "no inlined call in the example"
    path = folder / "profile"
    path.write_bytes(profile_of(program, [address for address, _ in some], build_id(FRAMES)))
    found, messages = stacks_of(path)
    assert not messages, messages
    expected = {tuple((name, Path(line.split()[0]).name) for name, line in frames)
                for _, frames in some}
    base_names = {tuple((name, Path(line).name) for name, line in stack) for stack in found}
    assert base_names == expected, base_names ^ expected
    entry = cache / "mallow" / build_id(FRAMES).hex()
    good = entry.read_bytes()
    os.remove(program)
    assert stacks_of(path)[0] == found, "the cache was not used"
    for damage in (good[:-1], good + b"x", b"", b"\0" * 100, good.replace(b"main", b"niam"),
                   good.replace(b"symbols 1", b"symbols 2")):
        entry.write_bytes(damage)
        assert stacks_of(path)[0] != found, damage[:100]
    shutil.copy(FRAMES, program)
    assert stacks_of(path)[0] == found and entry.read_bytes() == good
    assert [file.name for file in entry.parent.iterdir()] == [entry.name]
    for mode in 0o770, 0o702:
        entry.parent.chmod(mode)
        os.rename(program, folder / "away")
        assert stacks_of(path)[0] != found, "a cache that others can write to was used"
        os.rename(folder / "away", program)
    entry.parent.chmod(0o700)


def reads_at_the_same_time(folder, cache):
    path = folder / "profile"
    addresses = [address for address, _ in lines_of(FRAMES, "main")]
    path.write_bytes(profile_of(FRAMES, addresses, build_id(FRAMES)))
    shutil.rmtree(cache / "mallow", ignore_errors=True)
    several = [subprocess.Popen([MALLOW, "sites", "--json", path], stdout=subprocess.PIPE)
               for _ in range(8)]
    assert len({one.communicate(timeout=60)[0] for one in several}) == 1
    assert len(list((cache / "mallow").iterdir())) == 1


def needs_no_cache(folder, cache):
    path = folder / "profile"
    address = next(lines_of(FRAMES, "main"))[0]
    path.write_bytes(profile_of(FRAMES, [address], build_id(FRAMES)))
    for value in "/dev/null", "/dev/full", "/proc/nowhere", "relative", "":
        result = run("sites", path, env={"XDG_CACHE_HOME": value, "HOME": "/dev/null"})
        assert "main" in result.stdout and not result.stderr, result


def distinguishes_files(folder, cache):
    program = folder / "program"
    shutil.copy(FRAMES, program)
    path = folder / "profile"
    address = next(lines_of(FRAMES, "main"))[0]
    path.write_bytes(profile_of(program, [address], b"another build ID"))
    found, messages = stacks_of(path)
    assert found[0][0][0].startswith("program+0x"), found
    assert messages == f"mallow sites: {program} has changed since the profile was written: " \
        "its functions are unknown\n", messages
    path.write_bytes(profile_of(program, [address], b""))
    assert stacks_of(path)[0][0][0][0] == "main"
    path.write_bytes(profile_of("/dev/zero", [address], b"x" * 20))
    assert stacks_of(path)[0][0][0][0].startswith("zero+0x")


def names_generated_code(folder, cache):
    """The last line for an address counts, unless the map is older than the process."""
    names = {0x1000: "py::load:/srv/app.py", 0x2000: "LazyCompile:*render /srv/page.js:12:5",
             0x3000: "JS:~ file:///srv/main.js:3:1", 0x4000: "stub"}
    text = w.process(pid=2**31 - 5, started_at=time.time_ns()) + w.stacks(
        *((i, 0, address + 0x11) for i, address in enumerate(names, 1)), (9, 0, 0x9999)) + \
        w.snapshot(6 * w.SECOND) + w.sites(*(w.site(i, (1, 1, 9, 0), (1, 1, 9, 0))
                                             for i in (1, 2, 3, 4, 9))) + w.done()
    path, jit = folder / "profile", Path(f"/tmp/perf-{2**31 - 5}.map")
    path.write_bytes(text)
    try:
        jit.write_text("1000 100 old\nbad line\nffffffffffffffff 10 x\n" + "".join(
            f"{address:x} 100 {name}\n" for address, name in names.items()))
        expected = [("load", "/srv/app.py:0"), ("render", "/srv/page.js:12"),
                    ("(anonymous)", "file:///srv/main.js:3"), ("stub", "None:0"),
                    ("0x9999", "None:0")]
        assert sorted(stack[0] for stack in stacks_of(path)[0]) == sorted(expected)
        os.utime(jit, (1, 1))
        assert all(stack[0][0].startswith("0x") for stack in stacks_of(path)[0])
    finally:
        jit.unlink()


# ---- running processes ----

def looks_at_a_process(folder, cache):
    """Two looks at a process that allocates meanwhile, and names of its script's interpreter."""
    script = "import time\nkeep = []\nwhile True:\n    keep.append(bytearray(5000)); time.sleep(0.001)"
    command = subprocess.Popen([MALLOW, "run", "--no-summary", "--sample=16k", "-o", folder / "out",
                                "--", "/usr/bin/python3", "-c", script])
    try:
        time.sleep(1.5)
        answer = json.loads(run("sites", "--json", command.pid).stdout)
        assert answer["live"]["bytes"] > 100_000 and len(answer["programs"]) == 1, answer
        assert any("Py" in frame["function"] for site in answer["sites"] for frame in site["stack"])
        assert "one sample for each 16.0 KiB" in run("sites", command.pid).stdout
        answer = json.loads(run("diff", "--json", "--seconds=2", command.pid).stdout)
        grown = answer["sites"][0]
        assert grown["change"] > 500_000 and grown["significant"], grown
        both = (grown["before"]["live"]["error"] ** 2 + grown["after"]["live"]["error"] ** 2) ** 0.5
        assert grown["error"] < both, "samples that both looks have must not count"
    finally:
        command.terminate()
        command.wait()
    result = run("sites", command.pid, status=125)
    assert "there is no process" in result.stderr, result


def refuses_bad_answers(folder, cache):
    """A process can pass anything in place of its profile."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0mallow.{os.stat('/proc/self/ns/pid').st_ino}.{os.getpid()}")
    listener.listen()
    good = folder / "good"
    good.write_bytes(w.process() + w.snapshot(6 * w.SECOND) + w.done())
    (folder / "empty").write_bytes(b"")
    (folder / "cut").write_bytes(w.process())
    reader, writer = os.pipe()

    def serve(descriptors, text):
        client, _ = listener.accept()
        with client:
            client.recv(64)
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
            client.sendmsg([text], rights if descriptors else [])

    for descriptors, text, message in (
            ([os.open(good, os.O_RDONLY)], b"ok\n", ""),
            ([], b"ok\n", "passed no descriptor"),
            ([], b"error sampling is off\n", "refused the request: sampling is off"),
            ([reader], b"ok\n", "is not a regular file"),
            ([os.open("/", os.O_RDONLY)], b"ok\n", "is a directory"),
            ([os.open(folder / "empty", os.O_RDONLY)], b"ok\n", "is empty"),
            ([os.open(folder / "cut", os.O_RDONLY)], b"ok\n", "has no complete snapshot"),
            ([os.open(FRAMES, os.O_RDONLY)], b"ok\n", "is not a profile"),
            ([os.open(good, os.O_WRONLY)], b"ok\n", "cannot be read")):
        server = threading.Thread(target=serve, args=(descriptors, text))
        server.start()
        result = run("sites", os.getpid(), status=125 if message else 0)
        server.join()
        assert message in result.stderr and bool(message) == bool(result.stderr), (message, result)


with tempfile.TemporaryDirectory() as temporary:
    caches = Path(temporary) / "cache"
    os.environ["XDG_CACHE_HOME"] = str(caches)
    for test in (agrees_with_addr2line, reads_at_the_same_time, needs_no_cache, distinguishes_files,
                 names_generated_code, looks_at_a_process, refuses_bad_answers):
        shutil.rmtree(caches, ignore_errors=True)
        caches.mkdir(mode=0o700)
        directory = Path(temporary) / test.__name__
        directory.mkdir()
        test(directory, caches)
