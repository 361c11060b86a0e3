#!/usr/bin/python3
"""Functions of profiles whose files and debug information are in other places: compressed symbols
in the file, the files of another machine, and a debuginfod server.

Usage: profile_places.py MALLOW FRAMES_CXX
"""

import ctypes
import http.server
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import profile_writer as w

MALLOW, FRAMES = sys.argv[1:]
for name in ("MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS", "http_proxy", "HTTP_PROXY",
             "all_proxy", "ALL_PROXY"):
    os.environ.pop(name, None)
BASE = 0x555555554000
FUNCTION = "shop::Basket<long>::add(long, char const*)"


def run(*arguments, status=0, **options):
    result = subprocess.run([MALLOW, *map(str, arguments)], text=True, capture_output=True,
                            timeout=120, **options)
    assert result.returncode == status, (arguments, result)
    return result


def output_of(*command):
    return subprocess.run(list(map(str, command)), text=True, capture_output=True,
                          check=True).stdout


BUILD_ID = bytes.fromhex(re.search("Build ID: ([0-9a-f]+)", output_of("readelf", "-n", FRAMES))[1])


def place_in_file():
    """Returns where FUNCTION begins in the file, which has a symbol for it, and the symbol."""
    demangled = output_of("nm", "-C", FRAMES).splitlines()
    line = next(i for i, text in enumerate(demangled) if FUNCTION in text)
    address, _, symbol = output_of("nm", FRAMES).splitlines()[line].split()
    for header in output_of("readelf", "-lW", FRAMES).splitlines():
        if header.split()[:1] == ["LOAD"]:
            offset, start, _, size = (int(field, 16) for field in header.split()[1:5])
            if start <= int(address, 16) < start + size:
                return int(address, 16) - start + offset, symbol
    raise KeyError(address)


PLACE, SYMBOL = place_in_file()


def write_profile(path, program, build_id=BUILD_ID):
    """A profile with one stack, whose only frame is in FUNCTION."""
    path.write_bytes(
        w.process(pid=2**31 - 7, started_at=time.time_ns()) +
        w.modules(w.module(BASE, BASE + (1 << 30), 0, str(program).encode(), build_id)) +
        w.stacks((1, 0, BASE + PLACE + 1), (2, 0, 0x9999)) + w.snapshot(6 * w.SECOND) +
        w.sites(w.site(1, (1, 1, 9, 0), (1, 1, 9, 0)), w.site(2, (1, 1, 8, 0), (1, 1, 8, 0))) +
        w.done())
    return path


def frames_of(path, *options, **more):
    """Returns the function and the file of both sites, and the messages."""
    result = run("sites", "--json", "--top=0", "--by=stack", *options, path, **more)
    frames = [site["stack"][0] for site in json.loads(result.stdout)["sites"]]
    return [(frame["function"].partition(" [clone")[0], Path(frame["file"]).name if frame.get("file") else None)
            for frame in frames], result.stderr


def split(folder):
    """Returns copies of the program without symbols, and with nothing else."""
    stripped, debug = folder / "stripped", folder / "debug"
    output_of("objcopy", "--strip-all", FRAMES, stripped)
    output_of("objcopy", "--only-keep-debug", FRAMES, debug)
    return stripped, debug


def compressed_symbols(folder):
    """A symbol table that is compressed in the file itself, as in Fedora."""
    stripped, _ = split(folder)
    path = write_profile(folder / "profile", stripped)
    os.environ["XDG_CACHE_HOME"] = "/dev/null"
    assert frames_of(path)[0][0][0].startswith("stripped+0x")
    (folder / "keep").write_text(SYMBOL + "\n")
    output_of("objcopy", "-S", f"--keep-symbols={folder}/keep", FRAMES, folder / "mini")
    (folder / "mini.xz").write_bytes(lzma.compress((folder / "mini").read_bytes()))
    output_of("objcopy", f"--add-section=.gnu_debugdata={folder}/mini.xz", stripped)
    assert frames_of(path)[0][0] == (FUNCTION, None)
    os.environ["XDG_CACHE_HOME"] = str(caches)


def files_of_another_machine(folder):
    """Debug information, programs and code of compilers are found below another directory."""
    stripped, debug = split(folder)
    root, name = folder / "root", "/usr/lib/not-here/program"
    identity = BUILD_ID.hex()
    separate = root / "usr/lib/debug/.build-id" / identity[:2] / f"{identity[2:]}.debug"
    path = write_profile(folder / "profile", name)
    before = folder / "before"
    before.write_bytes(w.process() + w.snapshot(6 * w.SECOND) + w.done())
    unknown = [(f"program+0x{PLACE + 1:x}", None), ("0x9999", None)]
    for directory in root / "usr/lib/not-here", root / "tmp", separate.parent:
        directory.mkdir(parents=True)
    assert frames_of(path) == (unknown, "")
    for command in ["sites"], ["diff"], ["leaks", "--limit=0"]:
        result = run(*command, f"--sysroot={root}/nothing", path, status=125)
        assert "No such file or directory" in result.stderr, result
        result = run(*command, f"--sysroot={path}", path, status=125)
        assert "Not a directory" in result.stderr, result
    assert frames_of(path, f"--sysroot={root}") == (unknown, "")
    for place in root / name[1:], root / "program":
        shutil.copy(stripped, place)
        assert frames_of(path, f"--sysroot={root}")[0] == unknown, "no symbols"
        shutil.copy(debug, separate)
        named = [(FUNCTION, "frames_cxx.cpp"), unknown[1]]
        assert frames_of(path, f"--sysroot={root}") == (named, "")
        assert frames_of(path, "--sysroot=root", cwd=folder) == (named, "")
        assert frames_of(path) == (unknown, ""), "without the option"
        result = run("diff", "--by=stack", "--stacks", f"--sysroot={root}", before, path)
        assert "frames_cxx.cpp" in result.stdout, result
        assert "frames_cxx.cpp" in run("leaks", f"--sysroot={root}", path, status=1).stdout
        separate.unlink()
        place.unlink()
    shutil.copy(FRAMES, root / "program")
    assert frames_of(path, f"--sysroot={root}") == (named, "")
    (root / "tmp" / f"perf-{2**31 - 7}.map").write_text("9990 10 py::work:/srv/work.py\n")
    assert frames_of(path, f"--sysroot={root}")[0][1] == ("work", "work.py")
    assert frames_of(path)[0][1] == ("0x9999", None)
    # Another version there is not used, and the file at the path itself is.
    shutil.copy("/bin/true", root / "program")
    os.environ["XDG_CACHE_HOME"] = "/dev/null"
    here = write_profile(folder / "profile", folder / "program")
    shutil.copy(FRAMES, folder / "program")
    assert frames_of(here, f"--sysroot={root}")[0] == [named[0], ("work", "work.py")]
    (folder / "program").unlink()
    found, messages = frames_of(here, f"--sysroot={root}")
    assert found[0] == unknown[0] and "has changed since" in messages, (found, messages)
    os.environ["XDG_CACHE_HOME"] = str(caches)


class Server:
    """A debuginfod server that passes the debug information of one file, or only errors."""

    def __init__(self, debug, port=0):
        server = self
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.path)
                known = self.path == f"/buildid/{BUILD_ID.hex()}/debuginfo" and debug is not None
                content = debug.read_bytes() if known else b""
                self.send_response(200 if known else 503)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def end(self):
        self.http.shutdown()
        self.http.server_close()


def debuginfod(folder):
    """A server is asked only if the user has set it, and asked again after it failed."""
    try:
        ctypes.CDLL("libdebuginfod.so.1")
    except OSError:
        print("debuginfod is not tested, because libdebuginfod1 is not installed")
        return
    stripped, debug = split(folder)
    path = write_profile(folder / "profile", stripped)
    server = Server(None)
    with_server = dict(os.environ, DEBUGINFOD_URLS=f"http://127.0.0.1:{server.port}",
                       DEBUGINFOD_CACHE_PATH=str(folder / "cache"), DEBUGINFOD_RETRY_LIMIT="0")
    assert frames_of(path)[0][0][0].startswith("stripped+0x") and not server.requests
    # The server fails, which must not be remembered.
    assert frames_of(path, env=with_server)[0][0][0].startswith("stripped+0x")
    assert server.requests, "the server was not asked"
    server.end()
    assert frames_of(path, env=with_server)[0][0][0].startswith("stripped+0x")
    shutil.rmtree(folder / "cache")  # libdebuginfod itself remembers for ten minutes
    server = Server(debug, server.port)
    assert frames_of(path, env=with_server)[0][0] == (FUNCTION, "frames_cxx.cpp")
    # What it has passed is remembered.
    server.end()
    shutil.rmtree(folder / "cache")
    assert frames_of(path, env=with_server)[0][0] == (FUNCTION, "frames_cxx.cpp")


with tempfile.TemporaryDirectory() as temporary:
    caches = Path(temporary) / "cache"
    os.environ["XDG_CACHE_HOME"] = str(caches)
    for test in compressed_symbols, files_of_another_machine, debuginfod:
        shutil.rmtree(caches, ignore_errors=True)
        caches.mkdir(mode=0o700)
        directory = Path(temporary) / test.__name__
        directory.mkdir()
        test(directory)
