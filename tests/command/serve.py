#!/usr/bin/python3
"""mallow serve: Prometheus, Parca, Alloy and Pyroscope get what they ask for, and nobody else does.

Usage: serve.py MALLOW LIBRARY TARGET SOURCE
"""

import contextlib
import gzip
import http.client
import http.server
import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.parser import BytesParser
from pathlib import Path

from pprof_reader import Decoded, decoder

MALLOW, LIBRARY, TARGET, SOURCE = sys.argv[1:5]
for name in "MALLOW_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS", "MALLOW_SERVE_TOKEN", "MALLOW_PUSH_TOKEN":
    os.environ.pop(name, None)
TOKEN = "correct-horse-battery-staple"
BLOCK = 3000
LIMIT = 60  # seconds that anything may take


def wait_for(what):
    """Waits until the function returns something true, and returns that."""
    end = time.monotonic() + LIMIT
    while not (found := what()):
        assert time.monotonic() < end, what
        time.sleep(0.02)
    return found


class Target:
    """A process whose every allocation is sampled."""

    def __init__(self, options="control=on,sample=1"):
        self.process = subprocess.Popen(
            [TARGET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "LD_PRELOAD": LIBRARY, "MALLOW_OPTIONS": options})
        self.pid = self.process.pid
        self.order("keep 10")

    def order(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        if line != "become":
            assert self.process.stdout.readline() == "done\n"

    def end(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Server:
    def __init__(self, *arguments, listen="127.0.0.1:0", env=()):
        self.process = subprocess.Popen(
            [MALLOW, "serve", f"--listen={listen}", *map(str, arguments)], stderr=subprocess.PIPE,
            text=True, env={**os.environ, **dict(env)})
        self.lines = []
        first = self.process.stderr.readline()
        found = re.fullmatch(r"mallow serve: listening on http://(.*):(\d+)/\n", first)
        assert found, (first, self.process.stderr.read())
        self.port = int(found[2])
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def get(self, path, host="127.0.0.1", method="GET", **headers):
        connection = http.client.HTTPConnection(host, self.port, timeout=LIMIT)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            answer.body = answer.read()
            return answer
        finally:
            connection.close()

    def profile(self, profile, path, **headers):
        answer = self.get(path, **headers)
        assert answer.status == 200, (answer.status, answer.body)
        assert answer.getheader("Content-Type") == "application/octet-stream"
        # The body is the file: a client must not undo a Content-Encoding.
        assert answer.getheader("Content-Encoding") is None
        return Decoded(profile, answer.body)

    def children(self):
        pid = self.process.pid
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    def end(self):
        """Expects that it ends at a signal."""
        self.process.terminate()
        assert self.process.wait(LIMIT) == 0, self.lines

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print("mallow serve:", self.lines, file=sys.stderr)
            self.process.kill()
            self.process.wait()
        elif self.process.poll() is None:
            self.end()


def refuses(*arguments, message, env=(), status=125):
    result = subprocess.run([MALLOW, "serve", *map(str, arguments)], capture_output=True, text=True,
                            timeout=LIMIT, env={**os.environ, **dict(env)})
    assert result.returncode == status and message in result.stderr, (arguments, result)


# ---- metrics ----

def parse_metrics(text):
    """A strict parser of the text format 0.0.4. Returns a dictionary of samples."""
    help_of, type_of, samples, family = {}, {}, {}, None
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, _, words = line[7:].partition(" ")
            assert name not in help_of and words, line
            help_of[name], family = words, name
        elif line.startswith("# TYPE "):
            name, kind = line[7:].split(" ")
            assert name == family and name not in type_of and kind in ("gauge", "counter"), line
            type_of[name] = kind
        elif not line.startswith("#"):
            found = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)', line)
            assert found and found[1] == family and family in type_of, line
            assert (type_of[family] == "counter") == family.endswith("_total"), line
            key = found[1] + (found[2] or "")
            assert key not in samples, line
            samples[key] = float(found[3])
    assert help_of.keys() == type_of.keys()
    return samples


def metrics_of(server, **headers):
    answer = server.get("/metrics", **headers)
    assert answer.status == 200, answer.body
    assert answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    text = answer.body.decode()
    with contextlib.suppress(ImportError):
        from prometheus_client.parser import text_string_to_metric_families
        assert all(one.documentation and one.samples for one in text_string_to_metric_families(text))
    return parse_metrics(text)


def metrics_have_the_figures(target, server):
    found = metrics_of(server)
    stats = json.loads(subprocess.run([MALLOW, "stats", "--json", str(target.pid)],
                                      capture_output=True, check=True, text=True).stdout)
    assert found["mallow_up"] == 1 and found["mallow_sampled"] == 1
    assert found["mallow_live_blocks"] == stats["live_blocks"] + stats["mappings"]
    assert found["mallow_live_bytes"] == stats["live_bytes"] + stats["mapping_bytes"]
    for name in "heap_bytes", "slab_bytes", "metadata_bytes", "mappings", "run_bytes":
        assert found[f"mallow_{name}"] == stats[name], name
    assert found['mallow_resident_bytes{kind="pinned"}'] == stats["pinned_bytes"]
    slots = Counter()
    for one in stats["classes"]:
        slots[one["slot_bytes"]] += one["used_slots"]
    for size, used in slots.items():
        assert found[f'mallow_class_live_blocks{{slot_bytes="{size}"}}'] == used, size
    assert found[f'mallow_process_info{{pid="{target.pid}",program="{TARGET}"}}'] == 1
    started = found["mallow_process_start_time_seconds"]
    assert abs(started - Path(f"/proc/{target.pid}").stat().st_ctime) < 30
    resident = found["mallow_process_resident_bytes"]
    assert abs(resident - int(Path(f"/proc/{target.pid}/statm").read_text().split()[1]) * 4096) < 1e6
    # Samples are exact with sample=1, and count from where they were.
    blocks, size = found["mallow_allocated_blocks_total"], found["mallow_allocated_bytes_total"]
    target.order("churn 50")
    again = metrics_of(server)
    assert abs(again["mallow_allocated_blocks_total"] - blocks - 50) < 0.5
    assert abs(again["mallow_allocated_bytes_total"] - size - 50 * BLOCK) < 1
    return found


# ---- profiles ----

def total(decoded, value, function):
    """The sum of a value over the stacks whose innermost own function has that name."""
    return sum(values[value] for frames, values, _ in decoded.samples
               if any(name == function for place in frames for name, _, _ in place))


def ask_for_parts(server, profile):
    """What Parca, Alloy and go tool pprof send when they scrape, as recorded from Go's client."""
    agent = {"User-Agent": "Parca/0.24.0", "Accept-Encoding": "gzip"}
    heap = server.profile(profile, "/debug/pprof/heap", **agent)
    allocs = server.profile(profile, "/debug/pprof/allocs", **agent)
    for one, default in (heap, "inuse_space"), (allocs, "alloc_space"):
        assert one.types == [("alloc_objects", "count"), ("alloc_space", "bytes"),
                             ("inuse_objects", "count"), ("inuse_space", "bytes")]
        assert one.default == default and one.period == ("space", "bytes", 1)
        assert one.mappings[0]["path"] == TARGET and len(one.mappings[0]["build_id"]) >= 16
    return heap, allocs


def profiles_are_scraped(target, server, profile):
    heap, allocs = ask_for_parts(server, profile)
    target.order("keep 7")
    target.order("churn 5")
    later, _ = ask_for_parts(server, profile)
    assert total(later, 2, "keep") - total(heap, 2, "keep") == 7
    assert total(later, 3, "keep") - total(heap, 3, "keep") == 7 * BLOCK
    assert total(later, 0, "churn") - total(allocs, 0, "churn") == 5
    assert {labels["thread_id"] for _, values, labels in later.samples if values[2]} == {target.pid}
    assert server.get("/debug/pprof/heap?debug=0&gc=1").status == 200
    head = server.get("/debug/pprof/heap", method="HEAD")
    assert head.status == 200 and not head.body and int(head.getheader("Content-Length")) > 100


def sleeps(pid):
    """Returns true if a job has taken its first profile, and so sleeps."""
    number = {"x86_64": "230", "aarch64": "115"}[os.uname().machine]  # clock_nanosleep()
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/syscall").read_text().split()[0] == number
    return False


def differences_are_scraped(target, server, profile):
    """With ?seconds=N, each value is a difference. The orders are given while the job waits."""
    found = []
    ask = threading.Thread(target=lambda: found.append(
        server.profile(profile, "/debug/pprof/allocs?seconds=4")))
    ask.start()
    first = server.profile(profile, "/debug/pprof/heap")
    wait_for(lambda: any(map(sleeps, server.children())))
    target.order("churn 9")
    target.order("drop 3")
    ask.join()
    assert total(found[0], 0, "churn") == 9 and total(found[0], 1, "churn") == 9 * BLOCK
    assert total(found[0], 2, "keep") == -3 and total(found[0], 3, "keep") == -3 * BLOCK
    assert not any(labels for _, _, labels in found[0].samples)
    assert total(first, 2, "keep") > 0


def growth_is_scraped(target, server, profile):
    """What became larger since the server started. The rest is left out."""
    grown = server.profile(profile, "/debug/pprof/growth")
    base = total(grown, 2, "keep")
    target.order("keep 4")
    grown = server.profile(profile, "/debug/pprof/growth")
    assert total(grown, 2, "keep") == base + 4, grown.samples
    assert all(values[3] > 0 for _, values, _ in grown.samples)
    target.order(f"drop {base + 8}")
    assert total(server.profile(profile, "/debug/pprof/growth"), 2, "keep") == 0
    target.order(f"keep {base + 8}")


def answers_bad_questions(server):
    for path, status in {
            "/": 200, "/debug/pprof/": 200, "/nothing": 404, "/debug/pprof/profile": 404,
            "/metrics/": 404, "/../metrics": 404, "/debug/pprof/heap?seconds=x": 400,
            "/debug/pprof/heap?seconds=-1": 400, "/debug/pprof/heap?seconds=3601": 400,
            "/debug/pprof/heap?seconds=99999999999999999999": 400,
            "/debug/pprof/heap?debug=1": 400, "//metrics": 404}.items():
        answer = server.get(path)
        assert answer.status == status, (path, answer.status)
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
    for method in "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW":
        answer = server.get("/metrics", method=method)
        assert answer.status == 405 and answer.getheader("Allow") == "GET, HEAD", method
    report = server.get("/")
    assert b"<html" in report.body and b"@MALLOW_DATA@" not in report.body
    assert report.getheader("Content-Type") == "text/html; charset=utf-8"
    assert report.getheader("Content-Security-Policy") == "frame-ancestors 'none'"
    assert report.getheader("Refresh") is None and server.get("/?refresh=x").getheader("Refresh") is None
    assert server.get("/?refresh=30").getheader("Refresh") == "30"
    page = server.get("/debug/pprof/").body.decode()
    for link in re.findall('href="([^"]*)"', page):
        if "seconds" not in link:
            assert server.get(link).status == 200, link


def shows_the_report(server):
    """A browser runs the report's scripts, although the server forbids all others."""
    sys.path.insert(0, f"{SOURCE}/tests/report")
    import browser
    if browser.find() is None:
        return
    with browser.Browser(address="127.0.0.1") as page:
        page.call("Page.navigate", url=f"http://127.0.0.1:{server.port}/")
        wait_for(lambda: "Live at the end" in page.run("document.body?.innerText ?? ''"))
        assert not page.errors, page.errors


def checks_the_host(server):
    """A site cannot reach the server by a name that leads to 127.0.0.1 (DNS rebinding)."""
    for host, status in {"localhost": 200, "LOCALHOST:1": 200, "127.0.0.1:80": 200, "127.9.9.9": 200,
                         "[::1]:6070": 200, "evil.example": 403, "localhost.evil.example": 403,
                         "127.0.0.1.evil.example": 403, "10.0.0.1": 403, "[::2]": 403, "": 403,
                         "[::1": 403, "[::1]x": 403, "127.0.0.1 evil": 403}.items():
        assert server.get("/metrics", Host=host).status == status, host


# ---- robustness ----

def raw(server, content, wait=True):
    """Sends bytes, and returns the first line of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), LIMIT) as connection:
        with contextlib.suppress(OSError):  # the server may be faster
            connection.sendall(content)
            if wait:
                connection.shutdown(socket.SHUT_WR)
                return connection.makefile("rb").readline()
    return b""


def survives_malformed_requests(server):
    good = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert raw(server, good) == b"HTTP/1.1 200 OK\r\n"
    contents = (b"", b"\0" * 1000, b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
                    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100000 + b"\r\n",
                    b"GET / HTTP/1.1\r\nX: " + b"y" * 1000000,
                    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello",
                    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + os.urandom(500))
    with ThreadPoolExecutor(len(contents)) as pool:
        list(pool.map(lambda content: raw(server, content), contents))
    # Some of these are incomplete, and then end only by the limit on time.
    rand = random.Random(3)
    with ThreadPoolExecutor(100) as pool:
        for _ in range(500):
            content = bytearray(good)
            for _ in range(rand.randint(1, 8)):
                content[rand.randrange(len(content))] = rand.choice(b"\r\n\0 :/?%=\xff\x80A1")
            pool.submit(raw, server, bytes(content), rand.random() < 0.5)
    wait_for(lambda: not server.children())
    assert metrics_of(server)["mallow_up"] == 1


def withstands_slow_clients(server, profile):
    """1,000 clients: some never complete a request, some read nothing, some send a byte at a time."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, 8192), limit))
    request = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    clients = []
    for i in range(1000):
        client = socket.create_connection(("127.0.0.1", server.port), LIMIT)
        client.sendall(request if i % 10 == 0 else request[:i % 3 * 5])
        clients.append(client)
    for _ in range(5):
        assert metrics_of(server)["mallow_up"] == 1
        server.profile(profile, "/debug/pprof/heap")
        for client in clients:
            with contextlib.suppress(OSError):
                if client not in clients[::10]:
                    client.send(b"X")
    # A byte now and then does not prolong a request: the server ends all these connections.
    slow = [client for i, client in enumerate(clients) if i % 10]
    for client in slow:
        client.setblocking(False)
    for _ in range(LIMIT * 2):
        if not slow:
            break
        left = []
        for client in slow:
            try:
                client.send(b"X")
                if client.recv(4096):
                    left.append(client)
            except BlockingIOError:
                left.append(client)
            except OSError:
                pass
        slow = left
        time.sleep(0.5)
    assert not slow, len(slow)
    memory = Path(f"/proc/{server.process.pid}/status").read_text()
    assert int(re.search(r"VmHWM:\s*(\d+)", memory)[1]) < 100_000, memory
    for client in clients:
        client.close()
    assert metrics_of(server)["mallow_up"] == 1


def limits_long_questions(server):
    """Eight differences can be asked for at the same time. Their jobs end with the clients."""
    request = b"GET /debug/pprof/heap?seconds=3000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    clients = []
    for _ in range(8):
        clients.append(socket.create_connection(("127.0.0.1", server.port), LIMIT))
        clients[-1].sendall(request)
    wait_for(lambda: len(server.children()) >= 8)
    busy = server.get("/debug/pprof/heap?seconds=1")
    assert busy.status == 503 and b"too many requests" in busy.body, busy.body
    assert busy.getheader("Retry-After")
    assert metrics_of(server)["mallow_up"] == 1
    for client in clients:
        client.close()
    wait_for(lambda: not server.children())
    assert server.get("/debug/pprof/heap").status == 200


# ---- the end of the target ----

def reports_the_end(profile):
    with Target() as target, Server(target.pid) as server:
        wait_for(lambda: server.get("/debug/pprof/growth").status == 200)
        found = []
        ask = threading.Thread(target=lambda: found.append(
            server.get("/debug/pprof/heap?seconds=2")))
        ask.start()
        wait_for(server.children)
        target.end()
        ended = f"process {target.pid} has ended\n".encode()
        for path in "/debug/pprof/heap", "/debug/pprof/growth", "/debug/pprof/allocs?seconds=5", "/":
            answer = server.get(path)
            assert answer.status == 503 and answer.body == ended, (path, answer.body)
        assert metrics_of(server).keys() == {"mallow_up", f'mallow_build_info{{version="{version()}"}}'}
        assert metrics_of(server)["mallow_up"] == 0
        ask.join()
        assert found[0].status == 503 and str(target.pid).encode() in found[0].body, found[0].body
    with Target() as target, Server("--linger=0", target.pid) as server:
        target.end()
        assert server.process.wait(LIMIT) == 0


def version():
    return subprocess.run([MALLOW, "--version"], capture_output=True, text=True).stdout.split()[1]


def another_program_begins_again(profile):
    """After execve(), differences from the first program mean nothing."""
    with Target() as target, Server(target.pid) as server:
        wait_for(lambda: server.get("/debug/pprof/growth").status == 200)
        target.order("become")
        target.order("keep 5")
        # The new program first has to listen.
        wait_for(lambda: b"executed another program" in server.get("/debug/pprof/growth").body)
        wait_for(lambda: server.get("/debug/pprof/growth").status == 200)
        target.order("keep 6")
        assert total(server.profile(profile, "/debug/pprof/growth"), 2, "keep") == 6


def a_stopped_target_is_not_up():
    with Target() as target, Server(target.pid) as server:
        assert metrics_of(server)["mallow_up"] == 1
        target.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: "(stopped)" in Path(f"/proc/{target.pid}/status").read_text())
        assert metrics_of(server)["mallow_up"] == 0
        target.process.send_signal(signal.SIGCONT)
        assert metrics_of(server)["mallow_up"] == 1


def samples_are_turned_on(profile):
    with Target("control=on") as target:
        with Server(target.pid) as server:
            assert metrics_of(server)["mallow_sampled"] == 0
            answer = server.get("/debug/pprof/heap")
            assert answer.status == 503 and b"refused the request" in answer.body, answer.body
        with Server("--sample=1", target.pid) as server:
            server.profile(profile, "/debug/pprof/heap")
            # The thread notices when its magazine, of at most 64 KiB, is empty.
            target.order("keep 100")
            noticed = total(server.profile(profile, "/debug/pprof/heap"), 2, "keep")
            assert 100 - 65536 // BLOCK <= noticed <= 100, noticed
            target.order("keep 3")
            later = total(server.profile(profile, "/debug/pprof/heap"), 2, "keep")
            assert later == noticed + 3, (noticed, later)
            assert metrics_of(server)["mallow_sampled"] == 1


# ---- tokens ----

def own_address():
    """An address of this machine that others see, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        with contextlib.suppress(OSError):
            one.connect(("192.0.2.1", 9))
            address = one.getsockname()[0]
            return None if address.startswith("127.") else address
    return None


def tokens_are_needed(folder, target):
    secret = folder / "token"
    secret.write_text(TOKEN + "\n")
    secret.chmod(0o600)
    for address in "0.0.0.0:0", "[::]:0", "192.0.2.1:80":
        refuses(f"--listen={address}", target.pid, message="it needs --token-file")
    for text, message in (("short", "shorter than 16"), ("two words " * 3, "other characters"),
                          (TOKEN + "\n" + TOKEN, "more than one line"), ("", "shorter than 16")):
        (folder / "bad").write_text(text)
        (folder / "bad").chmod(0o600)
        refuses(f"--token-file={folder / 'bad'}", target.pid, message=message)
    (folder / "bad").write_text(TOKEN)
    (folder / "bad").chmod(0o644)
    refuses(f"--token-file={folder / 'bad'}", target.pid, message="every user can access it")
    refuses(f"--token-file={folder / 'none'}", target.pid, message="No such file")
    for way in {"arguments": (f"--token-file={secret}",)}, {"env": {"MALLOW_SERVE_TOKEN": TOKEN}}:
        with Server(*way.get("arguments", ()), target.pid, listen="0.0.0.0:0",
                    env=way.get("env", {})) as server:
            answers_only_the_token(server)


def answers_only_the_token(server):
    for host in filter(None, ["127.0.0.1", own_address()]):
        for header, status in {None: 401, f"Bearer {TOKEN}": 200, f"bearer  {TOKEN}": 200,
                               f"Bearer {TOKEN}x": 401, f"Bearer {TOKEN[:-1]}": 401, "Bearer ": 401,
                               f"Bearer {TOKEN[:-1]}X": 401, f"Basic {TOKEN}": 401, TOKEN: 401,
                               "Bearer" + TOKEN: 401, f"Bearer {TOKEN} {TOKEN}": 401,
                               f"Bearer {TOKEN * 2}": 401}.items():
            headers = {} if header is None else {"Authorization": header}
            for path in "/metrics", "/", "/debug/pprof/heap", "/nothing":
                answer = server.get(path, host=host, **headers)
                expected = 404 if status == 200 and path == "/nothing" else status
                assert answer.status == expected, (header, path, answer.status)
                if status == 401:
                    assert answer.getheader("WWW-Authenticate").startswith("Bearer")
                    assert b"mallow_" not in answer.body


def loopback_is_all_that_listens(server):
    if own_address():
        try:
            socket.create_connection((own_address(), server.port), 5).close()
            raise AssertionError("another address listens")
        except OSError:
            pass


# ---- pushing ----

class Pyroscope(http.server.BaseHTTPRequestHandler):
    """Answers with the next status, and keeps what was accepted."""
    statuses, accepted, tokens = [], [], []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.statuses.pop(0) if self.statuses else 200
        self.tokens.append(self.headers["Authorization"])
        if status == 200:
            self.accepted.append((self.path, self.headers, body))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


def check_push(profile, path, headers, body):
    """The documented request: https://grafana.com/docs/pyroscope/latest/reference-server-api."""
    url = urllib.parse.urlsplit(path)
    query = {name: value for name, (value,) in urllib.parse.parse_qs(
        url.query, strict_parsing=True).items()}
    assert url.path == "/ingest" and query["name"] == "shop{region=eu}", path
    assert query["format"] == "pprof" and query["spyName"] == "mallow"
    assert time.time() - 600 < int(query["from"]) <= int(query["until"]) <= time.time() + 1
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    assert headers["Content-Type"].startswith("multipart/form-data; boundary=")
    parts = {part.get_param("name", header="Content-Disposition"): part.get_payload(decode=True)
             for part in BytesParser().parsebytes(head + body).get_payload()}
    assert parts.keys() == {"profile", "sample_type_config"}
    types = json.loads(parts["sample_type_config"])
    decoded = Decoded(profile, parts["profile"])
    assert list(types) == [kind for kind, _ in decoded.types]
    for kind, one in types.items():
        assert one["aggregation"] == ("average" if kind.startswith("inuse") else "sum")
        assert one["units"] == ("bytes" if kind.endswith("space") else "objects")
    assert not any(labels for _, _, labels in decoded.samples)
    return decoded, int(query["from"]), int(query["until"])


def profiles_are_pushed(profile):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {"MALLOW_PUSH_TOKEN": TOKEN}
    with Target() as target, Server("--push-every=1", "--push-name=shop{region=eu}",
                                    f"--push=http://127.0.0.1:{port}", target.pid, env=env) as server:
        # The first pushes find nobody. The next ones are refused.
        wait_for(lambda: any("a push failed" in line for line in server.lines))
        target.order("churn 20")
        Pyroscope.statuses = [503, 429, 400]
        receiver = http.server.ThreadingHTTPServer(("127.0.0.1", port), Pyroscope)
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        wait_for(lambda: Pyroscope.accepted)
        target.order("churn 30")
        count = len(Pyroscope.accepted)
        wait_for(lambda: len(Pyroscope.accepted) >= count + 2)
        receiver.shutdown()
        receiver.server_close()
    for status in 503, 429, 400:
        assert any(f"a push failed: the server answered {status}" in line for line in server.lines)
    assert set(Pyroscope.tokens) == {f"Bearer {TOKEN}"}
    pushes = [check_push(profile, *one) for one in Pyroscope.accepted]
    # Nothing is lost and nothing counts twice, in spite of the failures.
    assert sum(total(decoded, 0, "churn") for decoded, _, _ in pushes) == 50
    assert sum(total(decoded, 1, "churn") for decoded, _, _ in pushes) == 50 * BLOCK
    for (_, _, until), (_, since, _) in zip(pushes, pushes[1:]):
        assert since == until
    assert all(total(decoded, 2, "keep") == 10 for decoded, _, _ in pushes)
    for url in "file:///etc/passwd", "ftp://x", "x":
        refuses(f"--push={url}", target.pid, message="is not the URL of a server")


# ---- without a process ----

def serves_the_oldest(profile):
    """Runs in a network namespace of its own, where no other process listens."""
    import fcntl
    import struct
    with socket.socket() as one:  # turns the loopback device on
        request = struct.pack("16sh14x", b"lo", 1 | 64)
        fcntl.ioctl(one, 0x8914, request)
    with Server() as server:
        assert metrics_of(server)["mallow_up"] == 0
        answer = server.get("/debug/pprof/heap")
        assert answer.status == 503 and b"no process runs on Mallow" in answer.body, answer.body
        with Target() as first:
            wait_for(lambda: metrics_of(server)["mallow_up"] == 1)
            with Target():
                for _ in range(3):
                    assert f'mallow_process_info{{pid="{first.pid}",program="{TARGET}"}}' in metrics_of(server)
        assert metrics_of(server)["mallow_up"] == 0
        with Target() as second:
            wait_for(lambda: metrics_of(server)["mallow_up"] == 1)
            assert f'mallow_process_info{{pid="{second.pid}",program="{TARGET}"}}' in metrics_of(server)
            wait_for(lambda: server.get("/debug/pprof/growth").status == 200)


def in_a_namespace():
    command = ["unshare", "--net", sys.argv[0], *sys.argv[1:5], "namespace"]
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode == 0:
        assert subprocess.run(command, timeout=300).returncode == 0


def serves(profile, folder):
    with Target() as target, Server(target.pid) as server:
        wait_for(lambda: server.get("/debug/pprof/growth").status == 200)
        metrics_have_the_figures(target, server)
        profiles_are_scraped(target, server, profile)
        differences_are_scraped(target, server, profile)
        growth_is_scraped(target, server, profile)
        answers_bad_questions(server)
        shows_the_report(server)
        checks_the_host(server)
        loopback_is_all_that_listens(server)
        survives_malformed_requests(server)
        limits_long_questions(server)
        withstands_slow_clients(server, profile)
        tokens_are_needed(folder, target)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        profile = decoder(SOURCE, folder)
        if sys.argv[5:] == ["namespace"]:
            serves_the_oldest(profile)
            return
        with ThreadPoolExecutor() as pool:
            parts = [pool.submit(part) for part in (
                lambda: serves(profile, folder), lambda: reports_the_end(profile),
                lambda: another_program_begins_again(profile),
                lambda: samples_are_turned_on(profile), lambda: profiles_are_pushed(profile),
                a_stopped_target_is_not_up, in_a_namespace)]
            for part in parts:
                part.result()


main()
