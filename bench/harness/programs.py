"""Real programs with typical work."""

import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from typing import Callable

from harness import measure, paths


@dataclass(frozen=True)
class Program:
    name: str
    meaning: str
    package: str
    commands: tuple  # must be installed
    perform: Callable  # (allocator, scale) -> figures


def missing():
    """Returns the programs that cannot run here, as (name, missing command, its package)."""
    return [(program.name, command, program.package) for program in ALL for command in program.commands
            if not shutil.which(command)]


def script(interpreter, name, steps, environment=None):
    """Returns a script in programs/ whose argument is the number of its steps."""
    def perform(allocator, scale):
        command = [interpreter, paths.PROGRAMS / name, str(max(1, int(steps * scale)))]
        return measure.run(command, allocator, environment=environment)
    return perform


def sqlite(allocator, scale):
    rows = int(120000 * scale)
    command = ["sqlite3", "-batch", "-cmd", f".parameter set :rows {rows}", ":memory:"]
    with open(paths.PROGRAMS / "database.sql") as statements:
        return measure.run(command, allocator, stdin=statements)


def gcc(allocator, scale):
    with tempfile.TemporaryDirectory() as directory:
        source = os.path.join(directory, "generated.c")
        write_source(source, functions=int(150 * scale))
        return measure.run(["gcc", "-O1", "-c", "-o", "/dev/null", source], allocator)


FUNCTION = """
struct s{n} {{ struct s{n} *next; int key, weights[{width}]; const char *name; }};
static int visit{n}(struct s{n} *head, int limit) {{
    int sum = {n};
    for (struct s{n} *at = head; at; at = at->next) {{
        for (int i = 0; i < {width} && i < limit; i++)
            sum += at->weights[i] * (i ^ {n}) % (at->key | 1);
        switch (at->key % 5) {{
        case 0: sum -= at->key; break;
        case 1: sum += (int)strlen(at->name); break;
        case 2: sum ^= limit << (at->key & 7); break;
        default: if (sum > limit) return sum - limit;
        }}
    }}
    return sum;
}}
int entry{n}(const char *name, int key) {{
    struct s{n} *head = 0;
    for (int i = 0; i < key; i++) {{
        struct s{n} *fresh = malloc(sizeof *fresh);
        if (!fresh) {{ printf("%s: %d of %d\\n", name, i, key); break; }}
        *fresh = (struct s{n}){{head, key * i, {{i, key}}, name}};
        head = fresh;
    }}
    return visit{n}(head, key + {n});
}}
"""


def write_source(path, functions):
    with open(path, "w") as source:
        source.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n")
        for number in range(functions):
            source.write(FUNCTION.format(n=number, width=2 + number % 7))


def redis(allocator, scale):
    """Measures the server, but not its clients, which use the system's malloc."""
    with tempfile.TemporaryDirectory() as directory:
        socket = os.path.join(directory, "socket")
        server = measure.Measured(
            ["redis-server", "--port", "0", "--unixsocket", socket, "--dir", directory,
             "--save", "", "--jemalloc-bg-thread", "no"], allocator)
        try:
            wait_for(socket, server)
            subprocess.run(
                ["redis-benchmark", "-s", socket, "-n", str(int(40000 * scale)), "-P", "16",
                 "-r", "100000", "-d", "100", "-q",
                 "-t", "set,get,incr,lpush,lpop,sadd,hset,zadd,lrange_100,mset"],
                check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                timeout=measure.TIMEOUT)
            subprocess.run(["redis-cli", "-s", socket, "shutdown", "nosave"], check=True,
                           stdout=subprocess.DEVNULL)
            return server.finish()[0]
        except subprocess.SubprocessError as error:
            raise measure.RunFailed(f"redis on {allocator.name}: {error}") from None
        finally:
            server.kill()


def wait_for(socket, server):
    """Waits until the server listens. If it ends before, finish() raises its error."""
    deadline = time.monotonic() + 10
    while not os.path.exists(socket):
        if server.ended() or time.monotonic() > deadline:
            server.finish()
            raise measure.RunFailed("redis-server does not listen")
        time.sleep(0.01)


ALL = (
    Program("python", "objects, text, JSON; PYTHONMALLOC=malloc", "python3", ("/usr/bin/python3",),
            script("/usr/bin/python3", "objects.py", 12, {"PYTHONMALLOC": "malloc"})),
    Program("sqlite", "tables, indices and joins in memory", "sqlite3", ("sqlite3",), sqlite),
    Program("gcc", "compiles 300 generated functions", "gcc", ("gcc",), gcc),
    Program("perl", "hashes and lists of strings", "perl", ("perl",),
            script("perl", "strings.pl", 12)),
    Program("lua", "tables, strings and closures", "lua5.4", ("lua5.4",),
            script("lua5.4", "tables.lua", 7)),
    Program("redis", "the server under redis-benchmark", "redis",
            ("redis-server", "redis-benchmark", "redis-cli"), redis),
)
