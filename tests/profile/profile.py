#!/usr/bin/python3
"""Programs under `mallow run --sample` leave profiles that are whole, true and readable.

Usage: profile.py MALLOW PROGRAM SCENARIO...
"""

import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import profile_format as form
from profile_request import request

MALLOW, PROGRAM = sys.argv[1:3]
os.environ.pop("MALLOW_OPTIONS", None)
os.environ.pop("LD_PRELOAD", None)
SKIPPED = 77


class Skip(Exception):
    pass


def run(directory, *arguments, rate="8k", prefix=(), options=(), **more):
    """Runs the program in the directory; its profile is the file `p`."""
    more.setdefault("timeout", 120)
    command = [*prefix, MALLOW, "run", "--no-summary", f"--sample={rate}", "-o", "p", *options,
               "--", PROGRAM, *arguments]
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True, **more)
    if result.returncode == SKIPPED:
        raise Skip(arguments[0])
    return result


def read(directory, name="p", quiet=True):
    return form.check(form.read_file(directory / name), quiet)


def children(directory):
    return sorted(directory.glob("p.[0-9]*"))


def last(sections):
    return sections[-1].snapshots[-1]


# ---- figures ----

def totals_contain_large_blocks(directory):
    """Also those that have a mapping of their own."""
    command = [MALLOW, "run", "--no-summary", "--sample=64k", "-o", "p", "--", sys.executable, "-c",
               "import os; block = bytearray(8 << 20); os._exit(0)"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=120)
    final = last(read(directory))
    assert final.large_bytes >= 8 << 20, final.large_bytes
    assert final.live_bytes > final.large_bytes, (final.live_bytes, final.large_bytes)
    assert final.live_blocks == sum(final.classes) + final.large_blocks, final.live_blocks


def exact_figures_are_within_their_intervals(directory):
    """The same random numbers in each run (setarch -R), but different rates."""
    if subprocess.run(["setarch", "-R", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("setarch -R")
    misses = tries = 0
    for rate in ("2k", "4k", "8k", "16k", "32k", "64k", "100000", "128k"):
        result = run(directory, "exact", rate=rate, prefix=("setarch", "-R"))
        assert result.returncode == 0, result
        sections = read(directory)
        section, final = sections[0], last(sections)
        assert final.reason == form.EXIT and len(sections) == 1
        exact = [line.split() for line in result.stdout.splitlines()]
        starts = sorted(int(words[0], 16) for words in exact)
        for words in exact:
            start = int(words[0], 16)
            above = [s for s in starts if s > start]
            allocated, live, blocks = map(float, words[1:])
            total = {"allocated": form.Sum(), "live": form.Sum()}
            for (node, _), site in final.sites.items():
                pc = section.nodes[node][1]
                if not start < pc <= (above[0] if above else start + 64):
                    continue
                for name, figure in total.items():
                    part = getattr(site, name)
                    figure.bytes += part.bytes
                    figure.blocks += part.blocks
                    figure.variance += part.variance
            for name, truth in ("allocated", allocated), ("live", live):
                estimate = total[name]
                deviation = math.sqrt(max(estimate.variance, 0))
                if estimate.variance == 0 and name == "allocated" and truth > 0 \
                        and estimate.bytes != 0:
                    assert estimate.bytes == truth, (words, estimate.bytes)  # large blocks
                    continue
                if deviation == 0 or truth / int(float(rate.rstrip("k"))) < 1024 * 16:
                    continue  # too few samples for a normal distribution
                tries += 1
                misses += abs(estimate.bytes - truth) > 1.96 * deviation
    print(f"{misses} of {tries} figures outside of their 95 % intervals")
    assert tries > 100 and misses <= 0.08 * tries + 3, (misses, tries)


def sums_have_no_bias(directory):
    """Means of many runs with different random numbers."""
    errors = []
    for _ in range(12):
        result = run(directory, "exact", rate="64k")
        final = last(read(directory))
        truth = sum(float(line.split()[1]) for line in result.stdout.splitlines())
        estimate = sum(site.allocated.bytes for site in final.sites.values())
        errors.append(estimate / truth - 1)
    mean = sum(errors) / len(errors)
    print(f"mean error {mean:+.4f} of {[round(e, 4) for e in errors]}")
    assert abs(mean) < 0.015 and max(map(abs, errors)) < 0.05, errors


def lifetimes_are_recorded(directory):
    run(directory, "exact")
    final = last(read(directory))
    freed = sum(sum(site.freed) for site in final.sites.values())
    allocated = sum(site.allocated.blocks for site in final.sites.values())
    live = sum(site.live.blocks for site in final.sites.values())
    assert abs(freed + live - allocated) < 1e-6 * allocated, (freed, live, allocated)


# ---- processes and threads ----

def each_child_of_a_fork_has_a_file(directory):
    assert "3 other processes" in run(directory, "fork").stderr
    assert len(children(directory)) == 3
    parent = read(directory)
    for path in children(directory):
        child, = read(directory, path.name)
        assert child.ppid == parent[0].pid and path.name == f"p.{child.pid}"
        final = child.snapshots[-1]
        inherited = sum(site.inherited.bytes for site in final.sites.values())
        assert 0.2e6 < inherited < 0.8e6, inherited
        assert all(site.inherited.samples == 0 or site.inherited.samples == site.live.samples or
                   site.allocated.samples > 0 for site in final.sites.values())
    live = sum(site.live.bytes for site in last(parent).sites.values())
    assert 0.6e6 < live < 1.4e6, live


def an_executed_program_continues_the_file(directory):
    run(directory, "threads", PROGRAM, "threads", PROGRAM, "exact")
    sections = read(directory)
    assert [section.sections for section in sections] == [0, 1, 2]
    assert len({section.pid for section in sections}) == 1 and not children(directory)
    assert last(sections).reason == form.EXIT


def threads_have_names(directory):
    run(directory, "threads")
    section, = read(directory)
    assert len(section.threads) >= 8, section.threads
    threads = {live.thread for live in section.snapshots[-1].live}
    assert len(threads) >= 8


def threads_that_fork_keep_profiles_whole(directory):
    result = run(directory, "churn", rate="1k")
    assert result.returncode == 0, result
    read(directory, quiet=False)
    assert len(children(directory)) == 20
    for path in children(directory):
        read(directory, path.name)


def handlers_may_allocate(directory):
    result = run(directory, "handlers", rate="1k")
    assert result.returncode == 0, result
    assert last(read(directory)).live_blocks < 100


def modules_have_build_ids(directory):
    run(directory, "threads")
    section, = read(directory)
    modules = {path: build_id for _, _, _, build_id, path in section.modules if path[0] == "/"}
    assert str(Path(PROGRAM).resolve()) in modules and any("libc" in path for path in modules)
    if shutil.which("readelf") is None:
        raise Skip("readelf")
    for path, build_id in modules.items():
        notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True).stdout
        assert build_id and f"Build ID: {build_id}\n" in notes, (path, build_id, notes)


def frames_are_in_modules(directory):
    """The innermost frame of each site in the program is a call in `keep`."""
    run(directory, "threads")
    section, = read(directory)
    size = 0
    for (node, _), site in section.snapshots[-1].sites.items():
        stack = section.stack(node)
        for pc in stack:
            assert any(start < pc <= end for start, end, *_ in section.modules), hex(pc)
        start, _, offset, _, path = next(m for m in section.modules if m[0] < stack[0] <= m[1])
        if path == str(Path(PROGRAM).resolve()):
            size += site.allocated.bytes
    assert 13e6 < size < 19e6, size


# ---- ends ----

def a_process_that_ends_at_once_leaves_snapshots(directory):
    assert run(directory, "_exit").returncode == 3
    section, = read(directory)
    assert [s.reason for s in section.snapshots][-2:] == [form.PERIODIC, form.EXIT]
    assert 3e6 < sum(site.live.bytes for site in last([section]).sites.values()) < 5e6


def a_process_that_executes_another_leaves_a_snapshot(directory):
    for function in "execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe":
        result = run(directory, "exec", function)
        words = "one two 3" if function == "execle" else "one two"
        assert result.returncode == 0 and result.stdout == words + "\n", result
        sections = read(directory)
        # Programs without the settings write no section.
        assert len(sections) == (1 if function == "execle" else 2), sections
        final = last(sections[:1])
        assert final.reason == form.EXIT and len(sections[0].snapshots) == 1
        assert 1.5e6 < sum(site.live.bytes for site in final.sites.values()) < 2.5e6
    assert run(directory, "exec", "none").returncode == 0
    section, = read(directory)
    assert [s.reason for s in section.snapshots] == [form.EXIT, form.EXIT]


def copies_by_vfork_leave_the_profile_alone(directory):
    assert run(directory, "vfork").returncode == 0
    section, = read(directory)
    assert [s.reason for s in section.snapshots].count(form.EXIT) == 1, section.snapshots
    programs = [one.program for path in children(directory) for one in read(directory, path.name)]
    assert programs and all(program.endswith("true") for program in programs), programs
    assert 1.5e6 < sum(site.live.bytes for site in last([section]).sites.values()) < 2.5e6


def workers_that_end_at_once_leave_snapshots(directory):
    assert run(directory, "workers").returncode == 0
    assert len(children(directory)) == 2  # the others have sampled nothing
    for path in children(directory):
        final = last(read(directory, path.name))
        own = sum(site.allocated.bytes for site in final.sites.values())
        assert final.reason == form.EXIT and 0.6e6 < own < 1.4e6, own


def a_killed_process_leaves_snapshots(directory):
    process = subprocess.Popen([MALLOW, "run", "--no-summary", "--sample=8k", "-o", "p", "--exec",
                                "--", PROGRAM, "grow"], cwd=directory, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.05)
        if (directory / "p").exists() and any(s.snapshots for s in read(directory, quiet=False)):
            break
    process.kill()
    process.wait()
    assert last(read(directory, quiet=False)).sites


def a_failed_allocation_is_recorded(directory):
    assert run(directory, "no_memory").returncode == 0
    section, = read(directory)
    assert form.NO_MEMORY in {s.reason for s in section.snapshots}, section.snapshots


def a_memory_error_is_recorded(directory):
    assert run(directory, "error").returncode == 128 + signal.SIGABRT
    final = last(read(directory))
    assert final.reason == form.ERROR and final.live


def a_limit_on_data_is_noticed(directory):
    run(directory, "data")
    section, = read(directory)
    reasons = [s.reason for s in section.snapshots]
    assert 1 <= reasons.count(form.LIMIT) <= 2, reasons
    limit = [s for s in section.snapshots if s.reason == form.LIMIT][-1]
    assert limit.live and 60e6 < sum(s.live.bytes for s in limit.sites.values()) < 105e6


def a_limit_of_nested_groups_is_noticed(directory):
    """Control groups of version 2, whose files are made up in a mount namespace of their own."""
    files = directory / "groups"
    (files / "outer/inner").mkdir(parents=True)
    (files / "group").write_text("0::/outer/inner\n")
    (files / "outer/inner/memory.max").write_text("max\n")
    (files / "outer/memory.max").write_text(f"{100 << 20}\n")
    (files / "memory.max").write_text(f"{10 << 30}\n")
    inside = ["unshare", "-m" if os.getuid() == 0 else "-Urm", "sh", "-c", f"""
        mount --bind {files} /sys/fs/cgroup && mount --bind {files}/group /proc/$$/cgroup &&
            exec "$@" || exit {SKIPPED}""", "sh"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        raise Skip("a mount namespace")
    for stat, expected in (("anon 80000000\nfile 90000000\nshmem 10000000\n", 0),
                           ("anon 97000000\nfile 0\nshmem 0\n", 1),
                           ("anon 80000000\nfile 90000000\nshmem 17000000\n", 1)):
        (files / "outer/memory.stat").write_text("anon 60000000\nfile 0\nshmem 0\n")
        program = subprocess.Popen(
            [*inside, MALLOW, "run", "--no-summary", "--no-control", "--sample=8k", "-o", "p",
             "--exec", "--", PROGRAM, "wait"], cwd=directory, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        program.stdout.readline()
        (files / "outer/memory.stat").write_text(stat)
        program.communicate("\n" * 20)  # 20 MB, which is more than half of what was left
        assert program.returncode == 0, program.returncode
        section, = read(directory)
        reasons = [s.reason for s in section.snapshots]
        assert reasons.count(form.LIMIT) == expected, (stat, reasons)
        (directory / "p").unlink()


# ---- surroundings ----

def closed_descriptors_do_no_harm(directory):
    run(directory, "close")
    assert last(read(directory)).reason == form.EXIT


def another_root_does_no_harm(directory):
    if os.getuid() != 0:
        raise Skip("root")
    run(directory, "chroot")
    assert last(read(directory)).reason == form.EXIT


def a_sandbox_does_no_harm(directory):
    assert run(directory, "seccomp").returncode == 0
    assert last(read(directory)).reason == form.EXIT


def a_limit_on_files_keeps_whole_snapshots(directory):
    assert run(directory, "file_limit", rate="1k").returncode == 0
    assert 0 < (directory / "p").stat().st_size <= 20000
    assert read(directory)[0].snapshots


def a_full_disk_keeps_whole_snapshots(directory):
    small = directory / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(small)],
                      stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("mount")
    try:
        assert run(small, "threads", PROGRAM, "exact", rate="1k").returncode == 0
        data = (small / "p").read_bytes()
        assert sum(1 for _ in form.blocks(data)) and len(data) <= 16384
        assert sum(len(b) + form.HEAD.size for _, _, b in form.blocks(data)) == len(data)
        form.check(form.read(data))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def setuid_programs_ignore_the_settings(directory):
    if os.getuid() != 0:
        raise Skip("root")
    os.chmod(directory, 0o755)
    program = directory / "setuid"
    shutil.copy(PROGRAM, program)
    os.chown(program, 65534, 65534)
    os.chmod(program, 0o4755)
    library = Path(MALLOW).parent / "libmallow.so"
    environment = {"MALLOW_OPTIONS": f"sample=1k,profile={directory}/p", "LD_PRELOAD": library}
    subprocess.run([program, "threads"], env=environment, check=True, stderr=subprocess.DEVNULL)
    assert not (directory / "p").exists()


# ---- names ----

def only_profiles_are_replaced(directory):
    other = directory / "p"
    other.write_text("precious")
    result = run(directory, "threads")
    assert result.returncode == 125 and "is not a profile" in result.stderr, result
    assert other.read_text() == "precious"
    other.unlink()
    other.symlink_to("elsewhere")
    assert run(directory, "threads").returncode == 125
    other.unlink()
    (directory / "p.77777777").write_text("precious")
    run(directory, "fork")
    run(directory, "threads")
    assert [path.name for path in children(directory)] == ["p.77777777"]
    assert len(read(directory)) == 1
    assert oct((directory / "p").stat().st_mode & 0o777) == "0o600"


def files_have_default_names(directory):
    result = subprocess.run([MALLOW, "run", "--no-summary", "--sample", "--", PROGRAM, "threads"],
                            cwd=directory, capture_output=True, text=True)
    name, = [path.name for path in directory.iterdir()]
    section, = read(directory, name)
    assert section.rate == 512 * 1024 and name == f"{Path(PROGRAM).name}.{section.pid}.mallow"
    assert result.stderr == f"mallow: the profile is in {directory}/{name}\n"
    for arguments in (["-o", "x"], ["--sample=0"], ["--sample=x"], ["--sample", "-o", "a,b"],
                      ["--sample", "-o"]):
        program = ["--", "true"] if arguments[-1] != "-o" else []
        result = subprocess.run([MALLOW, "run", *arguments, *program], cwd=directory,
                                capture_output=True, text=True)
        assert result.returncode == 125 and "--help" in result.stderr, result
    percent = directory / "100%p"
    percent.mkdir()
    run(percent, "threads")
    read(percent)


def an_unusable_file_is_reported(directory):
    library = Path(MALLOW).parent / "libmallow.so"
    for path, reason in (("/none/p", "no such file"), ("/dev/full", "cannot be opened")):
        environment = {"MALLOW_OPTIONS": f"sample=1k,profile={path}", "LD_PRELOAD": library}
        result = subprocess.run([PROGRAM, "threads"], env=environment, capture_output=True,
                                text=True)
        assert result.returncode == 0 and reason in result.stderr, result
        assert "no profile is written" in result.stderr


# ---- requests ----

class Waiting:
    """A program that allocates 1,000 blocks for each line of its input."""

    def __init__(self, directory, *options):
        self.process = subprocess.Popen(
            [MALLOW, "run", "--no-summary", *options, "--exec", "--", PROGRAM, "wait"],
            cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.process.stdout.readline()
        for _ in range(100):
            try:
                request(self.pid, "refresh")
                return
            except OSError:
                time.sleep(0.05)

    def allocate(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait() == 0


def a_running_process_answers(directory):
    """Its section begins when its sums did, so that rates and ages are right."""
    program = Waiting(directory, "--sample=8k", "-o", "p")
    time.sleep(0.3)
    for _ in range(3):
        answer, content = request(program.pid, "profile")
        assert answer == "ok\n", answer
        section, = form.check(form.read(content))
        snapshot, = section.snapshots
        assert snapshot.reason == form.REQUEST and snapshot.live and section.modules
        # Constructors may allocate before the library reads the time.
        assert all(section.started - live.time < 1e8 for live in snapshot.live)
        own = form.read_file(directory / "p")[0]  # of the file, which begins with the program
        assert abs(section.started - own.started) < 1e8, (section.started, own.started)
        assert snapshot.time - section.started >= 3e8
        assert abs(section.started_at + snapshot.time - section.started - time.time_ns()) < 60e9
        program.allocate()
    program.end()
    assert last(read(directory)).reason == form.EXIT


def sampling_can_be_switched(directory):
    program = Waiting(directory)
    answer, content = request(program.pid, "profile")
    assert answer.startswith("error") and content is None, answer
    for wrong in ("sample", "sample x", "sample -1"):
        assert request(program.pid, wrong)[0].startswith("error"), wrong
    assert request(program.pid, "sample 4k")[0] == "ok\n"
    for _ in range(5):
        program.allocate()
    section, = form.check(form.read(request(program.pid, "profile")[1]))
    live = sum(site.live.bytes for site in section.snapshots[0].sites.values())
    assert section.rate == 4096 and 4e6 < live < 6.5e6, live
    assert request(program.pid, "sample off")[0] == "ok\n"
    program.allocate()
    assert request(program.pid, "profile")[0].startswith("error")
    assert request(program.pid, "sample 1k")[0] == "ok\n"
    program.allocate()
    section, = form.check(form.read(request(program.pid, "profile")[1]))
    live = sum(site.live.bytes for site in section.snapshots[0].sites.values())
    assert section.rate == 1024 and 0.8e6 < live < 1.4e6, live
    program.end()


def a_switched_program_writes_sections(directory):
    program = Waiting(directory, "--sample=8k", "-o", "p")
    assert request(program.pid, "sample off")[0] == "ok\n"
    assert last(read(directory)).reason == form.OFF
    assert request(program.pid, "sample 2k")[0] == "ok\n"
    program.allocate()
    program.end()
    sections = read(directory)
    assert [section.rate for section in sections] == [8192, 2048]
    assert [section.sections for section in sections] == [0, 1]
    assert last(sections).reason == form.EXIT


# ---- damage ----

def a_damaged_file_can_be_read(directory):
    """The file may end anywhere, and a damaged block is skipped."""
    run(directory, "threads", rate="8k")
    data = (directory / "p").read_bytes()
    starts = [at for at, _, _ in form.blocks(data)]
    whole = form.read(data)
    for cut in {c for at in starts for c in (at, at + 1, at + 11, at + 12, at + 13)}:
        part = form.check(form.read(data[:cut]), quiet=False)
        assert len(part) <= len(whole)
    for at, kind, body in list(form.blocks(data)):
        if not body:
            continue
        damaged = bytearray(data)
        damaged[at + form.HEAD.size + len(body) // 2] ^= 1
        kinds = [k for _, k, _ in form.blocks(bytes(damaged))]
        assert len(kinds) == len(starts) - 1 and kinds.count(kind) < len(kinds)


SCENARIOS = [value for name, value in list(globals().items())
             if callable(value) and name.islower() and value.__module__ == "__main__"
             and name not in ("run", "read", "children", "last", "request")]


def main():
    wanted = sys.argv[3:]
    failures = skipped = 0
    for scenario in SCENARIOS:
        if wanted and scenario.__name__ not in wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="mallow.profile.") as directory:
            begun = time.monotonic()
            try:
                scenario(Path(directory))
                print(f"ok      {scenario.__name__} ({time.monotonic() - begun:.1f} s)")
            except Skip as why:
                skipped += 1
                print(f"skipped {scenario.__name__} ({why})")
            except Exception as error:  # each failure is reported, and the others are tried
                failures += 1
                import traceback
                traceback.print_exc()
                print(f"FAILED  {scenario.__name__}: {error}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
