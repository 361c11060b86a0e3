#!/usr/bin/python3
"""mallow limits agrees with the kernel about the limits of a process, and names the nearest one.

Usage: limits.py MALLOW FAKE_FILES
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MALLOW, FAKE_FILES = sys.argv[1:3]
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


def run_with(files, pid, *arguments):
    """Runs the command, to which the kernel seems to have these files. In them, ROOT is a folder
    and PID the process ID."""
    with tempfile.TemporaryDirectory() as root:
        for name, content in files.items():
            path = Path(root, name.format(pid=pid))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content.replace("ROOT", root).replace("PID", str(pid)))
        environment = dict(os.environ, LD_PRELOAD=FAKE_FILES, FAKE_FILES=root)
        result = run(*arguments, pid, env=environment)
        assert result.returncode == 0 and not result.stderr, result
        return result.stdout


STATUS = "Name:\tfake\nTgid:\tPID\nVmSize:\t900 kB\nVmLck:\t96 kB\nCapEff:\t%016x\n"
SYSTEM = {
    "proc/{pid}/status": STATUS % 0,
    "proc/{pid}/limits": "Max locked memory         102400               204800     bytes\n"
                         "Max address space         unlimited            unlimited  bytes\n",
    "proc/{pid}/oom_score": "123\n",
    "proc/{pid}/oom_score_adj": "-17\n",
    "proc/{pid}/maps": "line\n" * 900,
    "proc/{pid}/cgroup": "0::/\n",
    "proc/self/mountinfo": "",
    "proc/sys/vm/max_map_count": "1000\n",
    "proc/sys/vm/overcommit_memory": "2\n",
    "proc/sys/vm/overcommit_ratio": "50\n",
    "proc/meminfo": "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n"
                    "SwapTotal: 500 kB\nSwapFree: 300 kB\n"
                    "CommitLimit: 2000 kB\nCommitted_AS: 1800 kB\n",
    "proc/pressure/memory": "some avg10=1.50 avg60=0 avg300=0 total=1\n"
                            "full avg10=0.25 avg60=0 avg300=0 total=1\n",
}


def system_limits_are_those_of_proc():
    with Sleeper() as sleeper:
        answer = json.loads(run_with(SYSTEM, sleeper.pid, "--json"))
        limits = {limit["name"]: limit for limit in answer["limits"]}
        text = run_with(SYSTEM, sleeper.pid)
        privileged = dict(SYSTEM, **{"proc/{pid}/status": STATUS % (1 << 14)})
        may_lock = json.loads(run_with(privileged, sleeper.pid, "--json"))
        may_lock_text = run_with(privileged, sleeper.pid)
        other = dict(SYSTEM, **{"proc/{pid}/status": STATUS % ~(1 << 14 | -1 << 40),
                                "proc/sys/vm/overcommit_memory": "1\n"})
        may_not = json.loads(run_with(other, sleeper.pid, "--json"))
    expected = {"address_space": (900 * 1024, None, None, "bytes"),
                "locked": (98304, 102400, 4096, "bytes"),
                "mappings": (900, 1000, 100, "count"),
                "commit": (1800 * 1024, 2000 * 1024, 200 * 1024, "bytes"),
                "system": (800 * 1024, 1500 * 1024, 700 * 1024, "bytes")}
    for name, values in expected.items():
        limit = limits[name]
        assert (limit["used"], limit["maximum"], limit["left"], limit["unit"]) == values, limit
    assert answer["first"] == limits["commit"], answer["first"]
    assert answer["program"] == "fake"
    assert (answer["oom_score"], answer["oom_score_adjustment"]) == (123, -17), answer
    assert (answer["overcommit_mode"], answer["overcommit_ratio"]) == (2, 50), answer
    assert answer["system_pressure"] == {"some_percent": 1.5, "full_percent": 0.25}, answer
    assert answer["group_pressure"] is None and answer["events"] == [], answer
    assert not answer["may_lock_all"] and not may_not["may_lock_all"]
    assert may_lock["may_lock_all"]
    assert [limit["maximum"] for limit in may_lock["limits"] if limit["name"] == "locked"] == [None]
    assert [limit["maximum"] for limit in may_not["limits"] if limit["name"] == "commit"] == [None]
    assert "because it has CAP_IPC_LOCK" in may_lock_text and "CAP_IPC_LOCK" not in text
    for line in ("overcommit: the kernel promises at most the limit above",
                 "pressure of the system: 1.5 % of the last 10 s some task waited for memory, "
                 "0.2 % all",
                 "out-of-memory score 123, adjustment -17",
                 'Only 100 of "mappings (vm.max_map_count)" is left: then malloc',
                 'Only 4.0 KiB of "locked memory (RLIMIT_MEMLOCK)" is left: then mlock fails'):
        assert line in text, (line, text)
    assert "system\" is left" not in text, text


def control_groups_of_version_2():
    group = "/outer\x1b/inner"
    files = dict(SYSTEM, **{
        "proc/{pid}/cgroup": f"3:cpu:/elsewhere\n0::{group}\n",
        "proc/self/mountinfo": "40 30 0:37 / ROOT/tree rw,relatime - cgroup2 cgroup2 rw\n",
        f"tree{group}/memory.max": "100000\n",
        f"tree{group}/memory.current": "90000\n",
        f"tree{group}/memory.stat": "anon 5\ninactive_file 30000\n",
        f"tree{group}/memory.high": "max\n",
        f"tree{group}/memory.swap.max": "5000\n",
        f"tree{group}/memory.swap.current": "1000\n",
        f"tree{group}/memory.events": "low 5\nhigh 0\nmax 1\noom_kill 2\n",
        f"tree{group}/memory.pressure": "some avg10=2.00 avg60=0\nfull avg10=1.00 avg60=0\n",
        "tree/outer\x1b/memory.high": "200000\n",
        "tree/outer\x1b/memory.current": "95000\n",
        "tree/outer\x1b/memory.pressure": "some avg10=9.00 avg60=0\n",
        "tree/memory.max": "300000\n",
        "tree/memory.current": "99000\n",
    })
    with Sleeper() as sleeper:
        answer = json.loads(run_with(files, sleeper.pid, "--json"))
        text = run_with(files, sleeper.pid)
        outside = dict(files, **{"proc/{pid}/cgroup": "0::/../outer\n"})
        beyond = json.loads(run_with(outside, sleeper.pid, "--json"))
    groups = [limit for limit in answer["limits"] if limit["name"].startswith("group_")]
    values = [(limit["name"], limit["used"], limit["maximum"]) for limit in groups]
    assert values == [("group_max", 60000, 100000), ("group_swap", 1000, 5000),
                      ("group_high", 95000, 200000), ("group_max", 99000, 300000)], values
    assert answer["first"] == groups[0], answer["first"]
    assert [limit["label"][-6:] for limit in groups] == ["/inner", "/inner", "outer?",
                                                         "roup /"], groups
    assert "\x1b" not in json.dumps(answer).replace("\\u001b", "\x1b") and "\x1b" not in text
    events = [(event["name"], event["count"]) for event in answer["events"]]
    assert events == [("max", 1), ("oom_kill", 2)], events
    assert answer["group_pressure"] == {"some_percent": 2, "full_percent": 1}, answer
    assert "2 events of oom_kill" in text and "1 event of max" in text, text
    assert "pressure of the control group: 2.0 %" in text, text
    assert not any(limit["name"].startswith("group_") for limit in beyond["limits"]), beyond


def control_groups_of_version_1():
    files = dict(SYSTEM, **{
        "proc/{pid}/cgroup": "9:cpu:/other\n4:memory:/g\n0::/\n",
        "proc/self/mountinfo": "33 30 0:30 / ROOT/cpu rw - cgroup cgroup rw,cpu\n"
                               "34 30 0:31 / ROOT/memory rw - cgroup cgroup rw,memory\n",
        "memory/g/memory.limit_in_bytes": "100000\n",
        "memory/g/memory.usage_in_bytes": "90000\n",
        "memory/g/memory.stat": "inactive_file 1\ntotal_inactive_file 20000\n",
        "memory/g/memory.soft_limit_in_bytes": "9223372036854771712\n",
        "memory/g/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
    })
    with Sleeper() as sleeper:
        answer = json.loads(run_with(files, sleeper.pid, "--json"))
    groups = [limit for limit in answer["limits"] if limit["name"].startswith("group_")]
    values = [(limit["name"], limit["used"], limit["maximum"]) for limit in groups]
    assert values == [("group_max", 70000, 100000)], values
    assert groups[0]["label"] == "memory.limit_in_bytes of control group /g", groups
    assert [(event["name"], event["count"]) for event in answer["events"]] == [("oom_kill", 3)]


def control_groups_in_containers():
    """Only the container's group is mounted, and the paths of groups begin at the system's root."""
    groups = {"/docker/abc/inner": [("/inner", 1000), ("/", 5000)], "/docker/abc": [("/", 5000)],
              "/docker/abcdef": [("/", 5000)], "/other": [("/", 5000)]}
    for group, expected in groups.items():
        files = dict(SYSTEM, **{
            "proc/{pid}/cgroup": f"4:memory:{group}\n",
            "proc/self/mountinfo":
                "34 30 0:31 /docker/abc ROOT/memory rw - cgroup cgroup rw,memory\n",
            "memory/inner/memory.limit_in_bytes": "1000\n",
            "memory/inner/memory.usage_in_bytes": "10\n",
            "memory/memory.limit_in_bytes": "5000\n",
            "memory/memory.usage_in_bytes": "20\n"})
        with Sleeper() as sleeper:
            answer = json.loads(run_with(files, sleeper.pid, "--json"))
        found = [(limit["label"].split()[-1], limit["maximum"]) for limit in answer["limits"]
                 if limit["name"].startswith("group_")]
        assert found == expected, (group, found)


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
         system_limits_are_those_of_proc, control_groups_of_version_2, control_groups_of_version_1,
         control_groups_in_containers, processes_that_cannot_answer, strange_names_are_harmless,
         own_limits]
for test in TESTS:
    print(test.__name__, test() or "", flush=True)
