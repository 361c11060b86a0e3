#!/usr/bin/python3
"""mallow limits agrees with the kernel about the limits of a process, and names the nearest one.

Usage: limits.py MALLOW
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

MALLOW = sys.argv[1]
os.environ.pop("MALLOW_OPTIONS", None)
os.environ.pop("LD_PRELOAD", None)
GROUPS = Path("/sys/fs/cgroup/memory")
MIB = 1 << 20


class Sleeper:
    """A process that waits, after `prepare` has run in it."""

    def __init__(self, prepare=None, program=("sleep", "1000")):
        self.process = subprocess.Popen(program, preexec_fn=prepare)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def run(*arguments, **options):
    return subprocess.run([MALLOW, "limits", *map(str, arguments)], text=True,
                          capture_output=True, timeout=60, **options)


def limits_of(pid):
    """Returns the JSON answer, and its limits by their names."""
    result = run("--json", pid)
    assert result.returncode == 0 and not result.stderr, result
    answer = json.loads(result.stdout)
    return answer, {limit["name"]: limit for limit in answer["limits"]}


def lower(kind, value):
    def prepare():
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))
    return prepare


def agrees_with_prlimit():
    names = {"address_space": ("AS", 500 * MIB), "data": ("DATA", 300 * MIB),
             "stack": ("STACK", 4 * MIB), "locked": ("MEMLOCK", 123 * 1024)}
    for name, (kind, value) in names.items():
        with Sleeper(lower(getattr(resource, "RLIMIT_" + kind), value)) as sleeper:
            answer, limits = limits_of(sleeper.pid)
            expected = None if name == "locked" and answer["may_lock_all"] else value
            assert limits[name]["maximum"] == expected, limits[name]
            if expected is not None:
                assert limits[name]["left"] == value - limits[name]["used"], limits[name]


def status_field(pid, field):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def agrees_with_proc():
    with Sleeper() as sleeper:
        time.sleep(0.2)  # the program starts
        answer, limits = limits_of(sleeper.pid)
        assert answer["pid"] == sleeper.pid and answer["program"] == "sleep"
        for name, field in ("address_space", "VmSize"), ("data", "VmData"), ("stack", "VmStk"):
            assert limits[name]["used"] == status_field(sleeper.pid, field), name
        with open(f"/proc/{sleeper.pid}/maps") as maps:
            assert limits["mappings"]["used"] == len(maps.readlines())
        assert limits["mappings"]["maximum"] == int(Path("/proc/sys/vm/max_map_count").read_text())
        mode = int(Path("/proc/sys/vm/overcommit_memory").read_text())
        assert answer["overcommit_mode"] == mode
        assert (limits["commit"]["maximum"] is None) == (mode != 2)
        assert answer["oom_score_adjustment"] == \
            int(Path(f"/proc/{sleeper.pid}/oom_score_adj").read_text())


def names_the_nearest_limit():
    with Sleeper(lower(resource.RLIMIT_AS, 64 * MIB)) as sleeper:
        time.sleep(0.2)
        answer, limits = limits_of(sleeper.pid)
        assert answer["first"] == limits["address_space"], answer["first"]
        lines = run(sleeper.pid).stdout.splitlines()
        assert lines[-1].startswith("If its private memory grows by "), lines[-1]
        assert 'the limit "address space (RLIMIT_AS)": malloc and mmap fail' in lines[-1]
    # A limit that growth does not reach is named if little of it is left.
    with Sleeper(lower(resource.RLIMIT_STACK, 140 * 1024)) as sleeper:
        time.sleep(0.2)
        assert 'of "first thread\'s stack (RLIMIT_STACK)" is left' in run(sleeper.pid).stdout


def reads_control_groups():
    group = GROUPS / f"mallow-limits-{os.getpid()}"
    try:
        (group / "inner").mkdir(parents=True)
        (group / "memory.limit_in_bytes").write_text(str(64 * MIB))
        (group / "inner" / "memory.limit_in_bytes").write_text(str(32 * MIB))
    except OSError:
        return "no control groups of version 1 can be made here"
    try:
        def enter():
            (group / "inner" / "cgroup.procs").write_text(str(os.getpid()))
        with Sleeper(enter) as sleeper:
            answer, _ = limits_of(sleeper.pid)
            groups = [limit for limit in answer["limits"] if limit["name"] == "group_max"]
            assert [limit["maximum"] for limit in groups[:2]] == [32 * MIB, 64 * MIB], groups
            assert groups[0]["label"].endswith(f"control group {'/' + group.name}/inner"), groups
            assert answer["first"] == groups[0], answer["first"]
    finally:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                (group / "inner").rmdir()
                group.rmdir()
                break
            except OSError:
                time.sleep(0.05)


def processes_that_cannot_answer():
    with Sleeper() as sleeper:
        time.sleep(0.2)
        os.kill(sleeper.pid, signal.SIGSTOP)
        assert limits_of(sleeper.pid)[0]["program"] == "sleep"
    zombie = subprocess.Popen(["true"])
    time.sleep(0.5)
    answer, limits = limits_of(zombie.pid)
    assert limits["address_space"]["used"] is None, "a zombie has no memory"
    zombie.wait()
    gone = run(zombie.pid)
    assert gone.returncode == 125 and f"there is no process {zombie.pid}" in gone.stderr, gone
    result = run("--json", 1)  # belongs to another user, perhaps
    assert result.returncode == 0 and json.loads(result.stdout)["pid"] == 1


def strange_names_are_harmless():
    program = ("python3", "-c", "import sys, time\n"
               "open('/proc/self/comm', 'w').write('a\\x1b[31m\"\\\\')\n"
               "print(flush=True)\ntime.sleep(1000)")
    with subprocess.Popen(program, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        answer, _ = limits_of(process.pid)
        text = run(process.pid).stdout
        process.kill()
    assert "\x1b" not in text and "\x1b" not in answer["program"]


def own_limits():
    result = run("--json", preexec_fn=lower(resource.RLIMIT_AS, 1234 * MIB))
    limits = json.loads(result.stdout)["limits"]
    assert limits[0]["maximum"] == 1234 * MIB, limits[0]
    with open("/dev/full", "w") as full:
        failed = subprocess.run([MALLOW, "limits"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert failed.returncode == 125 and "No space left" in failed.stderr, failed


TESTS = [agrees_with_prlimit, agrees_with_proc, names_the_nearest_limit, reads_control_groups,
         processes_that_cannot_answer, strange_names_are_harmless, own_limits]
for test in TESTS:
    print(test.__name__, test() or "", flush=True)
