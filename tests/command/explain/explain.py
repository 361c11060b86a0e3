#!/usr/bin/python3
"""mallow explain names the reason for the memory of programs that were built for the purpose.

Usage: explain.py MALLOW GROWING LIBRARY
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MALLOW, GROWING, LIBRARY = sys.argv[1:4]
os.environ.pop("MALLOW_OPTIONS", None)
os.environ.pop("LD_PRELOAD", None)
MIB = 1 << 20


class Program:
    """A program that has printed "ready". It runs on Mallow unless `mallow` is False."""

    def __init__(self, *command, mallow=True, options=()):
        words = [MALLOW, "run", "--no-summary", *options, "--"] if mallow else []
        self.process = subprocess.Popen([*words, *command], stdout=subprocess.PIPE, text=True,
                                        start_new_session=True)
        self.lines = []
        for line in self.process.stdout:
            if line == "ready\n":
                break
            self.lines.append(line.strip())
        else:
            raise SystemExit(self.process.wait())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def run(*arguments, **options):
    return subprocess.run([MALLOW, "explain", *map(str, arguments)], text=True,
                          capture_output=True, timeout=120, **options)


def explain(pid, *arguments):
    """Returns the JSON answer, after a check that holds for each."""
    result = run("--json", *arguments, pid)
    assert result.returncode == 0 and not result.stderr, result
    answer = json.loads(result.stdout)
    last = answer["looks"][-1]
    others = ("resident_bytes", "unexplained_bytes", "swapped_bytes", "shared_dirty_bytes",
              "private_dirty_bytes", "huge_page_bytes", "live_block_bytes")
    parts = sum(value for name, value in last.items()
                if name.endswith("_bytes") and name not in others)
    assert parts + last["unexplained_bytes"] == last["resident_bytes"], last
    return answer, last


def verdict_of(pid, expected, *arguments):
    """The first verdict is the expected one, and the parts add up within 2 %.

    The figures of one look are read one after the other, so a program that grows quickly on a busy
    machine may also change by as much as between two looks."""
    answer, last = explain(pid, *arguments)
    assert answer["verdicts"][0]["name"] == expected, answer["verdicts"]
    before = answer["looks"][-2] if len(answer["looks"]) > 1 else last
    changed = abs(last["resident_bytes"] - before["resident_bytes"])
    assert abs(last["unexplained_bytes"]) <= last["resident_bytes"] * 0.02 + changed, last
    return answer, last, answer["verdicts"][0]["text"]


# ---- the programs ----

def a_leak():
    with Program(GROWING, "leak") as program:
        answer, _, text = verdict_of(program.process.pid, "leak")
        assert answer["lost"]["bytes"] > 3 * MIB, answer["lost"]
        assert "no pointer leads to" in text
        assert re.search(r"It grows in lose_a_block \(growing.c:\d+\)\.$", text), text
        # The samples account for what has grown since the looks began.
        grown = answer["looks"][-1]["live_block_bytes"] - answer["looks"][0]["live_block_bytes"]
        site = answer["growing"][0]
        assert abs(site["bytes"] - grown) < 3 * site["error_bytes"] + MIB, (site, grown)
        # Sampling is off again.
        sites = subprocess.run([MALLOW, "sites", str(program.process.pid)], capture_output=True,
                               text=True)
        assert sites.returncode == 125 and "not sampled" in sites.stderr, sites
        _, _, text = verdict_of(program.process.pid, "leak", "--no-sample")
        assert "lose_a_block" not in text, text
        answer, _, _ = verdict_of(program.process.pid, "growth", "--no-leaks")
        assert answer["lost"] is None, answer


def a_leaking_library():
    with Program(GROWING, "library", LIBRARY) as program:
        answer, _, text = verdict_of(program.process.pid, "leak")
        assert answer["lost"]["bytes"] > 3 * MIB, answer["lost"]
        assert re.search(r"It grows in library_lose_a_block \(library.c:\d+\) in the library "
                         + re.escape(Path(LIBRARY).name), text), text


def a_cache_that_grows():
    with Program(GROWING, "cache") as program:
        answer, _, text = verdict_of(program.process.pid, "growth")
        assert answer["lost"]["bytes"] < 100_000, answer["lost"]
        assert "pointers lead to it" in text
        assert "It grows in remember_an_entry (growing.c:" in text, text


def retention_after_a_peak():
    with Program(GROWING, "retention") as program:
        _, last, text = verdict_of(program.process.pid, "retention")
        returned = int(re.search(r"mallow trim (\d+)", text)[1])
        trim = subprocess.run([MALLOW, "trim", "--json", str(returned)], capture_output=True)
        result = json.loads(trim.stdout)
        freed = result["resident_before_bytes"] - result["resident_bytes"]
        assert abs(freed - last["trimmable_bytes"]) < MIB, (freed, last)
        verdict_of(program.process.pid, "healthy")


def fragmentation_by_survivors():
    with Program(GROWING, "fragmentation") as program:
        answer, last, text = verdict_of(program.process.pid, "fragmentation")
        assert last["pinned_bytes"] > 15 * MIB, last
        assert "blocks of 208 bytes" in text, text
        before = last["pinned_bytes"]
        subprocess.run([MALLOW, "trim", str(program.process.pid)], check=True, capture_output=True)
        _, last = explain(program.process.pid, "--seconds=0")
        assert abs(last["pinned_bytes"] - before) < MIB, last
    with tempfile.TemporaryDirectory() as folder, \
            Program(GROWING, "fragmentation",
                    options=["--sample=4k", "-o", folder + "/profile"]) as program:
        answer, last, text = verdict_of(program.process.pid, "fragmentation")
        assert "are from make_a_survivor (growing.c:" in text, text
        # 200 bytes of 208 were requested.
        assert not answer["rounding_is_upper_bound"]
        share = last["rounding_bytes"] / (last["live_bytes"] + last["rounding_bytes"])
        assert 0.035 < share < 0.045, share


def thread_stacks():
    with Program(GROWING, "stacks") as program:
        _, last, text = verdict_of(program.process.pid, "thread_stacks")
        assert last["stacks_bytes"] > 50 * MIB
        assert f"{last['threads']} threads" in text


def a_file_cache():
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(64 * MIB))
        file.flush()
        with Program(GROWING, "file", file.name) as program:
            _, last, text = verdict_of(program.process.pid, "file_cache")
            assert last["files_bytes"] >= 64 * MIB and file.name in text, text


def copy_on_write():
    with Program(GROWING, "copies") as program:
        child = int(program.lines[0])
        _, _, text = verdict_of(child, "copy_on_write")
        parent = int(re.search(r"with process (\d+)", text)[1])
        status = Path(f"/proc/{child}/status").read_text()
        assert parent == int(re.search(r"PPid:\s(\d+)", status)[1]), text


def small_mappings():
    with Program(GROWING, "mappings") as program:
        _, last, text = verdict_of(program.process.pid, "small_mappings")
        assert last["mappings"] > 40000 and f"it has {last['mappings']} of" in text


def huge_page_surplus():
    modes = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not modes.exists() or "[never]" in modes.read_text():
        return "there are no transparent huge pages"
    with Program(GROWING, "huge") as program:
        _, last = explain(program.process.pid, "--seconds=0")
        if last["huge_page_bytes"] == 0:
            return "the kernel gave no huge pages"
        _, last, _ = verdict_of(program.process.pid, "huge_page_surplus")
        assert last["huge_surplus_bytes"] > 60 * MIB, last


def a_healthy_program():
    with Program(GROWING, "healthy") as program:
        time.sleep(1)
        _, last, text = verdict_of(program.process.pid, "healthy")
        assert text.startswith("Nothing unusual"), text
        # The program has touched all its blocks.
        live = last["live_bytes"] + last["rounding_bytes"]
        assert abs(live - last["live_block_bytes"]) < live * 0.02, last


PYTHON = """
import sys, time
kept = []
print("ready", flush=True)
while True:
    kept.append([str(i) for i in range(1000)])
    time.sleep(0.005)
"""


def a_growing_python_program():
    for options in {}, {"PYTHONMALLOC": "malloc"}:
        os.environ.update(options)
        with Program("/usr/bin/python3", "-c", PYTHON) as program:
            time.sleep(0.5)
            _, _, text = verdict_of(program.process.pid, "growth")
            assert "in this Python program" in text, text
            assert ("PYTHONMALLOC=malloc makes" in text) == (not options), text
        os.environ.pop("PYTHONMALLOC", None)


NODE = """
const kept = [];
console.log("ready");
setInterval(() => { kept.push(Array.from({length: 20000}, (_, i) => "item " + i + Math.random())); }, 10);
"""


def a_growing_node_program():
    node = "/usr/bin/node"
    if not os.access(node, os.X_OK):
        return "node is not installed"
    with Program(node, "-e", NODE) as program:
        time.sleep(1)
        _, _, text = verdict_of(program.process.pid, "growth")
        assert "in this Node.js program" in text, text


# ---- without Mallow, and what goes wrong ----

def programs_on_other_heaps():
    for kind, expected in ("leak", "growth"), ("stacks", "thread_stacks"), ("healthy", "healthy"):
        with Program(GROWING, kind, mallow=False) as program:
            time.sleep(0.3)
            answer, last, text = verdict_of(program.process.pid, expected)
            assert not answer["on_mallow"] and last["live_block_bytes"] == 0, answer
            output = " ".join(run(program.process.pid, "--seconds=0").stdout.split())
            assert "does not run on Mallow" in output and "'mallow run -- PROGRAM'" in output, output
    # A stopped process is not waited for.
    with Program(GROWING, "healthy", options=["--exec"]) as program:
        os.kill(program.process.pid, signal.SIGSTOP)
        while "T (stopped)" not in Path(f"/proc/{program.process.pid}/status").read_text():
            time.sleep(0.01)
        begin = time.monotonic()
        output = " ".join(run(program.process.pid, "--seconds=0").stdout.split())
        assert f"'kill -CONT {program.process.pid}'" in output, output
        assert time.monotonic() - begin < 5


def text_for_people():
    with Program(GROWING, "fragmentation") as program:
        result = run(program.process.pid)
        assert result.returncode == 0 and not result.stderr, result
        lines = result.stdout.splitlines()
        assert re.fullmatch(r"process \d+ \(\S+\), on Mallow, \d+ threads", lines[0]), lines[0]
        assert re.search(r"^free, pinned by live blocks +1\d\.\d MiB +\d\d\.\d %", result.stdout, re.M)
        assert re.search(r"^unexplained +-?[\d.]+ (bytes|.iB) +-?0\.\d %", result.stdout, re.M)
        assert max(map(len, lines)) <= 80, result.stdout
        # A closed pipe and a full disk
        with open("/dev/full", "w") as full:
            result = subprocess.run([MALLOW, "explain", "--seconds=0", str(program.process.pid)],
                                    stdout=full, stderr=subprocess.PIPE, text=True)
        assert result.returncode == 125 and "No space left" in result.stderr, result
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run([MALLOW, "explain", "--seconds=0", str(program.process.pid)],
                                stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        assert result.returncode in (125, -signal.SIGPIPE), result


def processes_that_are_not_there():
    result = run(2 ** 22 + 1)
    assert result.returncode == 125 and "there is no process" in result.stderr, result
    sleeper = subprocess.Popen(["sleep", "1.5"])
    result_of = subprocess.Popen([MALLOW, "explain", "--seconds=4", str(sleeper.pid)],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    sleeper.wait()
    output, message = result_of.communicate(timeout=60)
    assert result_of.returncode == 125 and not output, output
    assert message == f"mallow explain: process {sleeper.pid} has ended\n", message


def processes_of_others():
    if os.geteuid() != 0:
        return "this is not root"
    with Program(GROWING, "healthy", options=["--exec"]) as program:
        def drop():
            os.setgid(65534)
            os.setuid(65534)
        copy = tempfile.mkdtemp()
        os.chmod(copy, 0o755)
        command = Path(copy, "mallow")
        command.write_bytes(Path(MALLOW).read_bytes())
        command.chmod(0o755)
        result = subprocess.run([command, "explain", "--seconds=0", str(program.process.pid)],
                                text=True, capture_output=True, preexec_fn=drop, cwd="/")
        command.unlink()
        os.rmdir(copy)
        assert result.returncode == 0 and not result.stderr, result
        assert re.search(r"^private memory, not split +\d+\.\d MiB", result.stdout, re.M), result
        assert "This user may not inspect process" in result.stdout, result


def processes_in_other_namespaces():
    inside = ["unshare", "-pf", "--mount-proc"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        return "no PID namespace can be made here"
    command = [MALLOW, "run", "--exec", "--no-summary", "--", GROWING, "fragmentation"]
    with Program(*inside, *command, mallow=False) as program:
        pid = program.process.pid
        child = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        answer, _, _ = verdict_of(child, "fragmentation", "--seconds=0")
        assert answer["on_mallow"]
        # From inside, the process has the ID 1.
        result = subprocess.run(["nsenter", "-t", str(child), "-p", "-m", os.path.abspath(MALLOW),
                                 "explain", "--seconds=0", "1"], capture_output=True, text=True)
        assert "process 1 (command_growing), on Mallow" in result.stdout, result


TESTS = [a_leak, a_leaking_library, a_cache_that_grows, retention_after_a_peak,
         fragmentation_by_survivors, thread_stacks, a_file_cache, copy_on_write, small_mappings,
         huge_page_surplus, a_healthy_program, a_growing_python_program, a_growing_node_program,
         programs_on_other_heaps, text_for_people, processes_that_are_not_there,
         processes_of_others, processes_in_other_namespaces]

wanted = sys.argv[4:]
for test in TESTS:
    if wanted and test.__name__ not in wanted:
        continue
    skipped = test()
    print(test.__name__, f"skipped: {skipped}" if skipped else "passed", flush=True)
