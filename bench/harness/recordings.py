"""Real programs whose allocations are recorded, at a size that makes small traces."""

import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from harness import measure, paths, programs


@dataclass(frozen=True)
class Recording:
    name: str
    command: tuple
    stdin: str = None  # a file
    environment: dict = field(default_factory=dict)
    is_server: bool = False  # redis: it is ended after its clients


@contextmanager
def all_recordings(scale=1.0):
    """Yields the programs, whose input is in a directory that is then removed."""
    with tempfile.TemporaryDirectory() as directory:
        source, service = (os.path.join(directory, name) for name in ("generated.c", "service"))
        programs.write_source(source, functions=int(50 * scale))
        subprocess.run(["g++", "-O2", "-pthread", "-o", service, paths.PROGRAMS / "service.cpp"],
                       check=True)
        yield [
            Recording("redis", ("redis-server", "--port", "0", "--unixsocket", directory + "/socket",
                                "--dir", directory, "--save", "", "--jemalloc-bg-thread", "no"),
                      is_server=True),
            Recording("sqlite", ("sqlite3", "-batch", "-cmd", f".parameter set :rows {int(20000 * scale)}",
                                 ":memory:"), stdin=str(paths.PROGRAMS / "database.sql")),
            Recording("gcc", ("gcc", "-O1", "-c", "-o", "/dev/null", source)),
            Recording("python", ("/usr/bin/python3", str(paths.PROGRAMS / "objects.py"), "1"),
                      environment={"PYTHONMALLOC": "malloc"}),
            Recording("node", ("node", str(paths.PROGRAMS / "server.js"), str(int(20 * scale)))),
            Recording("service", (service, str(int(20000 * scale)))),
        ]


def load_redis(socket, scale):
    deadline = time.monotonic() + 20
    while not os.path.exists(socket) and time.monotonic() < deadline:
        time.sleep(0.01)
    subprocess.run(["redis-benchmark", "-s", socket, "-n", str(int(5000 * scale)), "-P", "16",
                    "-r", "20000", "-d", "100", "-q", "-t", "set,incr,lpush,lpop,sadd,hset,zadd"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    subprocess.run(["redis-cli", "-s", socket, "shutdown", "nosave"], check=True,
                   stdout=subprocess.DEVNULL)


def socket_of(recording):
    """Returns the path of the server's socket, which does not exist yet."""
    socket = recording.command[recording.command.index("--unixsocket") + 1]
    if os.path.exists(socket):
        os.unlink(socket)
    return socket


def peak(recording, allocator, scale=1.0):
    """Runs the program, and returns the peak of resident memory of its largest process in bytes."""
    with open(recording.stdin or os.devnull) as stdin:
        socket = socket_of(recording) if recording.is_server else None
        measured = measure.Measured(recording.command, allocator, stdin=stdin,
                                    environment=recording.environment)
        try:
            if socket:
                load_redis(socket, scale)
            return measured.finish()[0]["rss_kib"] * 1024
        finally:
            measured.kill()


def record(recording, command, file, system=False, scale=1.0):
    """Records the program on Mallow, or on the system's allocator. glibc is preloaded as well, for
    programs that are linked with another one."""
    options = ["--with=system"] if system else []
    environment = {**os.environ, **recording.environment, **({"LD_PRELOAD": "libc.so.6"} if system else {})}
    with open(recording.stdin or os.devnull) as stdin:
        socket = socket_of(recording) if recording.is_server else None
        with subprocess.Popen([command, "run", f"--trace={file}", *options, "--", *recording.command],
                              stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              env=environment, text=True) as process:
            if socket:
                load_redis(socket, scale)
            errors = process.communicate(timeout=measure.TIMEOUT)[1]
    if process.returncode != 0:
        raise measure.RunFailed(f"{recording.name}: {errors}")
