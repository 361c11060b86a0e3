#!/usr/bin/python3
"""mallow map agrees with the kernel and pmap about the address space of real programs.

Usage: map.py MALLOW LIBRARY FAKE_FILES
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MALLOW, LIBRARY, FAKE_FILES = sys.argv[1:4]
os.environ.pop("MALLOW_OPTIONS", None)
os.environ.pop("LD_PRELOAD", None)
NOBODY = 65534

# Ten programs that wait, by the name under which they are installed.
PROGRAMS = {
    "python3": ["-c", "import time; a = [b'x' * 100000 for _ in range(99)]; time.sleep(600)"],
    "node": ["-e", "setTimeout(() => {}, 600000)"],
    "redis-server": ["--port", "0", "--save", "", "--unixsocket", f"/tmp/mallow-map-{os.getpid()}"],
    "sqlite3": [":memory:"],
    "bash": ["-c", "read line"],
    "perl": ["-e", "sleep 600"],
    "ruby": ["-e", "Thread.new { sleep }; sleep 600"],
    "lua5.4": ["-i"],
    "php": ["-r", "sleep(600);"],
    "git": ["cat-file", "--batch"],
}


class Waiting:
    """A process that waits. `settle` is the time that it needs to start."""

    def __init__(self, program, settle=0.0, **options):
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, **options)
        self.pid = self.process.pid
        time.sleep(settle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def python(code, **options):
    """A process of python3 that runs the code and then prints a line and waits."""
    code = "import ctypes, mmap, os, sys, threading, time\n" + code + \
        "\nprint('ready', flush=True)\ntime.sleep(600)\n"
    process = Waiting([sys.executable, "-c", code], **options)
    assert process.process.stdout.readline() == b"ready\n", code
    return process


def run(*arguments, **options):
    return subprocess.run([MALLOW, "map", *map(str, arguments)], text=True, capture_output=True,
                          timeout=60, **options)


def map_of(pid):
    result = run("--json", pid)
    assert result.returncode == 0 and not result.stderr, result
    return json.loads(result.stdout)


def picture_of(pid, *options):
    result = run(*options, pid)
    assert result.returncode == 0 and not result.stderr, result
    return result.stdout


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    while "T (stopped)" not in open(f"/proc/{pid}/status").read():
        time.sleep(0.01)


def smaps(name, pid):
    """Yields the mappings of smaps or smaps_rollup: line and fields in bytes."""
    line, fields = None, {}
    for text in open(f"/proc/{pid}/{name}", errors="surrogateescape"):
        if re.match("[0-9a-f]+-[0-9a-f]+ ", text):
            if line:
                yield line, fields
            line, fields = text.rstrip("\n"), {}
        elif text.endswith(" kB\n"):
            key, value, _ = text.split()
            fields[key[:-1]] = int(value) * 1024
    yield line, fields


FIELDS = {
    "Size": "size", "Rss": "resident", "Pss": "proportional", "Pss_Dirty": "proportional_dirty",
    "Shared_Clean": "shared_clean", "Shared_Dirty": "shared_dirty",
    "Private_Clean": "private_clean", "Private_Dirty": "private_dirty",
    "Referenced": "referenced", "Anonymous": "anonymous", "KSM": "merged",
    "LazyFree": "lazily_freed", "AnonHugePages": "huge_anonymous",
    "ShmemPmdMapped": "huge_shared_memory", "FilePmdMapped": "huge_file",
    "Shared_Hugetlb": "hugetlb_shared", "Private_Hugetlb": "hugetlb_private",
    "Swap": "swapped", "SwapPss": "swapped_proportional", "Locked": "locked",
}


# The command maps some of the same libraries, so what is shared differs while it runs.
SHARING = {"Pss", "Pss_Dirty", "Shared_Clean", "Private_Clean", "Shared_Dirty", "Private_Dirty"}


def path_is_shared(path):
    return path.startswith("/usr/")


def compare(pid):
    """Compares the JSON with smaps, smaps_rollup and pmap. The process is stopped, but other
    processes that start and end change what is shared, so a comparison may need several tries."""
    for _ in range(50):
        try:
            return compare_once(pid)
        except AssertionError as error:
            last = error
            time.sleep(0.1)
    raise last


def take_parts(parts, start, end):
    """Joins the parts of a mapping. Returns it, and the parts of the mappings after it."""
    joined = parts[0]
    assert int(joined["start"], 16) == start, (joined, hex(start))
    while int(joined["end"], 16) < end:
        parts = parts[1:]
        assert parts[0]["start"] == joined["end"], parts[0]
        joined = {key: value + parts[0][key] if key.endswith("_bytes") else value
                  for key, value in joined.items()}
        joined["end"] = parts[0]["end"]
    assert int(joined["end"], 16) == end
    return joined, parts[1:]


def compare_once(pid):
    answer = map_of(pid)
    mappings = list(smaps("smaps", pid))
    assert answer["total"]["mappings"] == len(mappings)
    parts = answer["mappings"]
    for line, fields in mappings:
        bounds, permissions = line.split()[:2]
        start, end = (int(x, 16) for x in bounds.split("-"))
        mine, parts = take_parts(parts, start, end)
        assert mine["permissions"] == permissions
        assert mine["path"] == line[73:], (mine, line)
        for field, name in FIELDS.items():
            if path_is_shared(mine["path"]) and field in SHARING:
                continue
            assert mine[name + "_bytes"] == fields.get(field, 0), (field, mine, fields)
        for kind in "clean", "dirty":
            assert mine[f"private_{kind}_bytes"] + mine[f"shared_{kind}_bytes"] == \
                fields["Private_" + kind.title()] + fields["Shared_" + kind.title()], (mine, fields)
    _, rollup = next(smaps("smaps_rollup", pid))
    for field, name in FIELDS.items():
        total = answer["total"][name + "_bytes"]
        assert total == sum(m[name + "_bytes"] for m in answer["mappings"])
        assert total == sum(k[name + "_bytes"] for k in answer["kinds"])
        if field == "Size" or field in SHARING:
            continue
        slack = 1024 * len(answer["mappings"]) if "Pss" in field else 0
        assert 0 <= rollup.get(field, 0) - total <= slack, (field, total, rollup)
    if shutil.which("pmap"):
        last = subprocess.run(["pmap", "-x", str(pid)], text=True, capture_output=True,
                              check=True).stdout.split("\n")[-2].split()
        total = answer["total"]
        assert last[:2] == ["total", "kB"], last
        # pmap leaves the vsyscall page out, or does not.
        vsyscall = sum(m["size_bytes"] for m in answer["mappings"] if m["path"] == "[vsyscall]")
        assert int(last[2]) * 1024 in (total["size_bytes"], total["size_bytes"] - vsyscall), last
        dirty = total["private_dirty_bytes"] + total["shared_dirty_bytes"]
        assert [int(n) * 1024 for n in last[3:5]] == [total["resident_bytes"], dirty], last
    return answer


def parse_amount(text):
    if text == "-":
        return 0
    assert re.fullmatch(r"[0-9.]+[KMGTPE]", text), text
    return float(text[:-1]) * 1024 ** (1 + "KMGTPE".index(text[-1]))


def check_picture(pid, answer):
    """The rows descend without overlaps, and gaps and rows fill the address space."""
    for options in [], ["--all"]:
        lines = picture_of(pid, *options).split("\n")
        assert all(len(line) <= 80 for line in lines), max(lines, key=len)
        blank = lines.index("")
        above = int(lines[2], 16)
        for line in lines[3:blank]:
            address, columns = int(line.split()[0], 16), line.split()
            assert address < above, line
            size = above - address
            if "program break (no heap)" not in line and \
                    not (len(columns) > 6 and columns[6].isdigit()):  # with gaps inside
                assert abs(parse_amount(columns[2]) - size) <= 0.06 * size, (line, size)
            above = address
        assert above == min(int(m["start"], 16) for m in answer["mappings"])
        totals = [line for line in lines[blank + 2:] if line]
        assert len(totals) == len(answer["kinds"]) + 1
        assert int(totals[-1].split()[1]) == answer["total"]["mappings"]


def agrees_on_real_programs():
    tried = 0
    for name, arguments in PROGRAMS.items():
        if not shutil.which(name):
            continue
        with Waiting([name, *arguments], settle=1) as process:
            stop(process.pid)
            answer = compare(process.pid)
            check_picture(process.pid, answer)
            kinds = {m["kind"] for m in answer["mappings"]}
            assert {"program text", "program data", "stack"} <= kinds, (name, kinds)
            exe = os.readlink(f"/proc/{process.pid}/exe")
            for mapping in answer["mappings"]:
                if mapping["kind"].startswith("program") and mapping["kind"] != "program bss":
                    assert mapping["path"] == exe, mapping
                if mapping["path"].endswith("/libc.so.6"):
                    assert mapping["kind"].startswith("library "), mapping
            tried += 1
    return None if tried == len(PROGRAMS) else f"only {tried} programs are installed"


def memory_size(path):
    """Returns the size of a library in memory, by readelf."""
    headers = subprocess.run(["readelf", "-lW", path], text=True, capture_output=True,
                             check=True).stdout
    loads = [line.split() for line in headers.split("\n") if line.startswith("  LOAD")]
    page = os.sysconf("SC_PAGESIZE")
    end = max(int(load[2], 16) + int(load[5], 16) for load in loads)
    return (end + page - 1) // page * page - int(loads[0][2], 16) // page * page


def divides_joined_mappings():
    """The kernel joins anonymous mappings with the bss of the library below them."""
    if not shutil.which("readelf"):
        return "readelf is not installed"
    joined = 0
    code = ("import sqlite3, decimal, ssl\n"
            "libc = ctypes.CDLL(None)\nlibc.mmap.restype = ctypes.c_void_p\n"
            "for line in list(open('/proc/self/maps')):\n"
            "    end = int(line.split()[0].split('-')[1], 16)\n"
            "    fixed = 0x100022  # MAP_FIXED_NOREPLACE | MAP_ANONYMOUS | MAP_PRIVATE\n"
            "    if ' rw-p 00000000 00:00 0' in line and 'heap' not in line and \\\n"
            "            libc.mmap(ctypes.c_void_p(end), 1 << 16, 3, fixed, -1, 0) == end:\n"
            "        ctypes.memset(ctypes.c_void_p(end), 1, 12345)\n")
    with python(code) as process:
        stop(process.pid)
        mappings = compare(process.pid)["mappings"]
        starts = {m["path"]: int(m["start"], 16) for m in reversed(mappings)
                  if m["kind"].startswith("library") and m["path"]}
        lines = [line.split()[0] for line in open(f"/proc/{process.pid}/maps")]
        for path, start in starts.items():
            end = hex(start + memory_size(path))
            last = [m for m in mappings if m["end"] == end]
            assert last and last[0]["kind"] in ("library bss", "library data"), (path, end, last)
            after = [m for m in mappings if m["start"] == end and not m["path"]]
            assert not after or after[0]["kind"] not in ("library bss", "library data"), after
            if not any(line.endswith("-" + end[2:]) for line in lines):
                assert after[0]["kind"] == "anonymous", after
                joined += after[0]["resident_bytes"] == 16384
    return None if joined else "the kernel has joined nothing"


def finds_stacks():
    code = "for _ in range(5): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    with python(code) as process:
        time.sleep(0.2)
        threads = {int(t) for t in os.listdir(f"/proc/{process.pid}/task")}
        answer = map_of(process.pid)
        stacks = [m for m in answer["mappings"] if m["kind"] in ("stack", "thread stack")]
        assert {m["thread"] for m in stacks} == threads and len(stacks) == 6, stacks
        for m in stacks:
            pointer = int(open(f"/proc/{process.pid}/task/{m['thread']}/syscall").read().split()[-2], 16)
            assert int(m["start"], 16) <= pointer < int(m["end"], 16)
        picture = picture_of(process.pid)
        for thread in threads:
            assert f"stack of thread {thread} (python3" in picture, picture


def shows_copy_on_write():
    code = ("block = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
            "block.write(b'x' * (8 << 20))\n"
            "address = ctypes.addressof(ctypes.c_char.from_buffer(block))\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    block[:3 << 20] = b'y' * (3 << 20)\n"
            "    print(os.getpid(), address, flush=True)\n"
            "    time.sleep(600)\n"
            "time.sleep(0.3)")
    process = Waiting([sys.executable, "-c", "import ctypes, mmap, os, time\n" + code +
                       "\ntime.sleep(600)\n"])
    with process:
        child, address = map(int, process.process.stdout.readline().split())
        try:
            found = [m for m in map_of(child)["mappings"]
                     if int(m["start"], 16) <= address < int(m["end"], 16)][0]
            assert found["private_dirty_bytes"] >= 3 << 20, found
            assert found["shared_dirty_bytes"] >= (5 << 20) - (1 << 16), found
            row = [line for line in picture_of(child, "--all").split("\n")
                   if line.startswith(found["start"][2:])][0]
            assert float(row.split()[4][:-1]) < float(row.split()[3][:-1]), row
        finally:
            os.kill(child, signal.SIGKILL)


def shows_locked_and_shared_memory():
    code = ("libc = ctypes.CDLL(None, use_errno=True)\n"
            "fd = os.memfd_create('test memory')\nos.ftruncate(fd, 1 << 20)\n"
            "shared = mmap.mmap(fd, 1 << 20)\nshared.write(b'x' * 65536)\n"
            "plain = mmap.mmap(-1, 1 << 20)\nplain.write(b'x' * 65536)\n"
            "own = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
            "own.write(b'x' * 40960)\n"
            "address = ctypes.addressof(ctypes.c_char.from_buffer(own))\n"
            "assert libc.mlock(ctypes.c_void_p(address), 40960) == 0\n"
            "code = mmap.mmap(-1, 8192, flags=34, prot=7)\n"
            "lazy = mmap.mmap(-1, 8 << 20, flags=34)\n"
            "lazy.write(b'x' * (8 << 20))\n"
            "lazy.madvise(8)\n"
            "file = open('/bin/sh', 'rb')\n"
            "view = mmap.mmap(file.fileno(), 0, prot=1)\n")
    with python(code) as process:
        mappings = map_of(process.pid)["mappings"]
        memfd = [m for m in mappings if "memfd:test memory" in m["path"]]
        assert len(memfd) == 1 and memfd[0]["kind"] == "shared memory", memfd
        assert memfd[0]["resident_bytes"] == 65536 and memfd[0]["deleted"]
        zero = [m for m in mappings if m["path"].startswith("/dev/zero")]
        assert len(zero) == 1 and zero[0]["kind"] == "shared memory", zero
        locked = [m for m in mappings if m["locked_bytes"]]
        assert len(locked) == 1 and locked[0]["locked_bytes"] == 40960 and "lo" in locked[0]["flags"]
        assert [m for m in mappings if m["kind"] == "generated code"][0]["permissions"] == "rwxp"
        assert [m for m in mappings if m["kind"] == "shared file"]
        picture = picture_of(process.pid)
        assert ", locked 40K\n" in picture, picture
        assert re.search(r" rw-s +1.0M +64K .*shared memory /memfd:test memory", picture), picture
        assert "  locked\n" in picture, picture
        # The kernel collects some pages before it marks them.
        lazy = sum(m["lazily_freed_bytes"] for m in mappings)
        assert 7 << 20 < lazy <= 8 << 20, lazy
        assert ", freed lazily " in picture, picture


def on_mallow(options="control=on"):
    return dict(os.environ, LD_PRELOAD=LIBRARY, MALLOW_OPTIONS=options)


def parse_pages(text):
    """Expands "#12+-3"."""
    return "".join(c * int(n or 1) for c, n in re.findall(r"([#+.sx-])([0-9]*)", text))


HEAP_CODE = ("libc = ctypes.CDLL(None)\n"
             "libc.malloc.restype = ctypes.c_void_p\n"
             "blocks = [libc.malloc(40000) for _ in range(500)]\n"
             "for b in blocks: ctypes.memset(b, 1, 40000)\n"
             "for b in blocks[::2]: libc.free(ctypes.c_void_p(b))\n"
             "large = libc.malloc(200 << 20)\n"
             "ctypes.memset(large, 1, 8 << 20)\n"
             # The kernel joins the large block and this mapping above it.
             "libc.mmap.restype = ctypes.c_void_p\n"
             "libc.malloc_usable_size.restype = ctypes.c_size_t\n"
             "above = large + libc.malloc_usable_size(ctypes.c_void_p(large))\n"
             "above = libc.mmap(ctypes.c_void_p(above), ctypes.c_size_t(65536), 3, 0x100022, -1, 0)\n"
             "ctypes.memset(above, 1, 12288)\n")


def names_the_memory_of_samples():
    """Samples and stacks have memory of their own, if allocations are sampled."""
    for options, sampled in (("control=on", False), ("control=on,sample=4k", True)):
        with python(HEAP_CODE, env=on_mallow(options)) as process:
            kinds = {k["kind"]: k for k in map_of(process.pid)["kinds"]}
            for kind in "Mallow profile", "Mallow stacks":
                assert (kind in kinds) == sampled, (kind, kinds)
                assert not sampled or kinds[kind]["resident_bytes"] >= 4096, kinds[kind]
            picture = picture_of(process.pid)
            assert ("samples of Mallow" in picture) == sampled, picture
            assert ("stacks of blocks of Mallow" in picture) == sampled, picture


def shows_the_heap_of_mallow():
    with python(HEAP_CODE, env=on_mallow("control=on,retain=never")) as process:
        answer = map_of(process.pid)
        heap = answer["heap"]
        pages = parse_pages(heap["pages"])
        sizes = {"#": "full", "+": "partly_used", "-": "free_resident", ".": "not_resident",
                 "s": "swapped", "x": "foreign"}
        for character, name in sizes.items():
            assert heap[name + "_bytes"] == pages.count(character) * 4096, (name, heap)
        assert heap["full_bytes"] >= 250 * 40960, heap
        assert heap["free_resident_bytes"] >= 200 * 36864, heap
        kinds = {k["kind"]: k for k in answer["kinds"]}
        found = kinds["Mallow heap"]
        resident = found["resident_bytes"] - heap["full_bytes"] - heap["partly_used_bytes"] - \
            heap["free_resident_bytes"]
        assert 0 <= resident <= 1 << 20, (found, heap)  # the process may run a little
        assert kinds["Mallow metadata"]["resident_bytes"] > 0
        block = max((m for m in answer["mappings"] if m["kind"] == "Mallow block"),
                    key=lambda m: m["size_bytes"])
        assert 200 << 20 <= block["size_bytes"] < 201 << 20, block
        assert 8 << 20 <= block["resident_bytes"] < 9 << 20, block
        above = [m for m in answer["mappings"] if m["start"] == block["end"]]
        assert above and above[0]["kind"] == "anonymous", (block, above)
        assert above[0]["resident_bytes"] == 12288, above
        kernel = Path(f"/proc/{process.pid}/maps").read_text()
        assert f"-{block['end'][2:]} " not in kernel, (block, kernel)  # it has joined them
        picture = picture_of(process.pid)
        assert "  Mallow heap\n" in picture and "large block of Mallow" in picture, picture
        rows = picture[picture.index("heap of Mallow: "):].split("\n")
        assert 4 <= len(rows) <= 18 and all(len(row) <= 80 for row in rows), rows
        whole = picture_of(process.pid, "--heap")
        assert "a character is a page\n" in whole and whole.startswith("heap of Mallow: "), whole
        characters = "".join(re.findall(r"^ *[0-9a-f]{6,} ([#+.sx-]+)$", whole, re.M))
        assert set(characters) >= set("#-"), whole
        assert abs(len(characters) - len(pages)) < 4096 or "*" in whole
        stop(process.pid)
        compare(process.pid)  # The sums stay the same when mappings are divided.
        assert "The heap of Mallow is not shown:\nthe process is stopped\n" in \
            picture_of(process.pid)


def shows_guarded_blocks_and_the_break():
    code = "import json\nblocks = [bytes(3000) for _ in range(300)]"
    with python(code, env=on_mallow("control=on,guard=10")) as process:
        kinds = {k["kind"]: k for k in map_of(process.pid)["kinds"]}
        assert kinds["Mallow guarded"]["resident_bytes"] >= 10 * 4096, kinds
    with python(HEAP_CODE, env=on_mallow("control=on,backend=brk")) as process:
        answer = map_of(process.pid)
        heaps = [m for m in answer["mappings"] if m["kind"] == "Mallow heap"]
        assert heaps[-1]["end"] == answer["program_break"], heaps
        assert "Mallow heap, up to the program break\n" in picture_of(process.pid)
    with python(HEAP_CODE, env=on_mallow("control=off")) as process:
        answer = map_of(process.pid)
        assert answer["heap"] is None and "does not accept requests" in answer["heap_reason"]
        assert "The heap of Mallow is not shown:\nprocess " in picture_of(process.pid)
    assert "heap of Mallow" not in run().stdout
    result = run("--heap")
    assert result.returncode == 125 and "does not run on Mallow" in result.stderr, result


SMAPS = """\
10000000-10100000 rw-p 00000000 00:00 0                          [anon:mallow heap]
Size:               1024 kB
Rss:                  64 kB
Private_Dirty:        64 kB
Swap:                 12 kB
VmFlags: rd wr mr mw me ac
10100000-10200000 rw-p 00000000 00:00 0
Size:               1024 kB
Rss:                  32 kB
20000000-20010000 rw-p 00000000 00:00 0                          [anon:mallow metadata]
Size:                 64 kB
30000000-30010000 rw-p 00000000 00:00 0                          [anon:odd [name] x]
Size:                 64 kB
AnonHugePages:      2048 kB
40000000-40010000 rw-s 00000000 00:01 5                          [anon_shmem:shared name]
Size:                 64 kB
7ff000000000-7ff000010000 rw-p 00000000 00:00 0                  [stack]
Size:                 64 kB
garbage
zz-yy rw-p
"""


def reads_names_of_other_kernels():
    """Kernels with CONFIG_ANON_VMA_NAME show names. This one may be built without it."""
    with tempfile.TemporaryDirectory() as folder:
        proc = Path(folder, "proc/self")
        proc.mkdir(parents=True)
        (proc / "smaps").write_text(SMAPS)
        fake = dict(os.environ, LD_PRELOAD=FAKE_FILES, FAKE_FILES=folder)
        mappings = json.loads(run("--json", env=fake).stdout)["mappings"]
        kinds = [m["kind"] for m in mappings]
        assert kinds == ["Mallow heap", "Mallow heap", "Mallow metadata", "anonymous",
                         "shared memory", "stack"], kinds
        assert mappings[3]["name"] == "odd [name] x" and mappings[4]["name"] == "shared name"
        picture = run(env=fake).stdout
        assert re.search(r" rw-p   2.0M   96K   64K   64K  Mallow heap, swapped 12K\n", picture)
        assert "anonymous: odd [name] x, huge 2.0M\n" in picture, picture
        assert "shared memory shared name\n" in picture, picture
        assert re.search(r"^kind .* swapped    huge$", picture, re.M), picture
        # While a process executes a program, it has no stack yet, and is read again.
        (proc / "stat").write_text("1 (a) b) R" + " 0" * 60)
        result = run("--json", env=fake)
        assert result.returncode == 125 and "has ended" not in result.stdout, result


WATCHED = """
import ctypes, mmap, sys, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
sys.stdin.readline()
at = libc.mmap(None, 1 << 20, 3, 0x22, -1, 0)
ctypes.memset(at, 1, 40960)
libc.mprotect(ctypes.c_void_p(at), 1 << 20, 1)  # no neighbour can join it
print(hex(at), flush=True)
sys.stdin.readline()
libc.munmap(ctypes.c_void_p(at), 1 << 20)
print(hex(at), flush=True)
sys.stdin.readline()
"""


def watches():
    for options in ["--watch=0.1"], ["--watch=0.1", "--json"]:
        with Waiting([sys.executable, "-c", WATCHED], settle=0.5) as process:
            watch = subprocess.Popen([MALLOW, "map", *options, str(process.pid)], text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            lines = [watch.stdout.readline()]
            for _ in range(2):
                time.sleep(0.3)
                process.process.stdin.write(b"\n")
                process.process.stdin.flush()
                at = process.process.stdout.readline().decode().strip()
            time.sleep(0.3)
            process.process.communicate(b"\n")
            out, errors = watch.communicate(timeout=30)
            assert watch.returncode == 0 and not errors, errors
            lines += out.splitlines()
            if "--json" in options:
                assert json.loads(lines[0])["pid"] == process.pid
                changes = [c for line in lines[1:] for c in json.loads(line)["changes"]]
                mine = [(c["change"], c["size_bytes"] if "size_bytes" in c else
                         c["size_change_bytes"]) for c in changes if c["start"] == at]
                assert mine == [("new", 1 << 20), ("gone", -1 << 20)], changes
                assert any(c.get("resident_change_bytes") == 40960 for c in changes), changes
            else:
                assert all(len(line) <= 80 for line in lines), lines
                mine = [line for line in lines if line[2:14].strip() == at[2:]]
                assert re.fullmatch(r"\+ .* r--p  \+1.0M   \+40K   \+40K   \+40K  anonymous", mine[0]), mine
                assert re.fullmatch(r"- .* r--p  -1.0M   -40K   -40K   -40K  anonymous", mine[1]), mine
                assert lines[-1] == f"process {process.pid} has ended", lines
    for value in "0", "x", "", "nan", "1e9":
        result = run("--watch=" + value)
        assert result.returncode == 125 and "is not a number of seconds" in result.stderr, result
    with Waiting(["sh", "-c", "sleep 1; exec sleep 1"], settle=0.3) as process:
        out = run("--watch=0.2", process.pid).stdout
        assert f"process {process.pid} executes another program\n" in out, out
    with open("/dev/full", "w") as full:
        result = subprocess.run([MALLOW, "map", "--watch=0.1"], stdout=full, timeout=60,
                                stderr=subprocess.PIPE, text=True)
    assert result.returncode == 125 and "No space left on device" in result.stderr, result


def survives_odd_names():
    path = f"/tmp/m\t\x1b\n{os.getpid() % 100}\udcff"
    code = f"path = {path!r}\n" + \
        ("file = open(path, 'w+b')\nfile.write(b'x' * 9000)\nfile.flush()\n"
         "view = mmap.mmap(file.fileno(), 8192)\nview[0]\nos.unlink(path)")
    with python(code) as process:
        mapping = [m for m in map_of(process.pid)["mappings"] if "/tmp/m\t" in m["path"]][0]
        assert mapping["deleted"] and mapping["kind"] == "shared file", mapping
        assert "\t\x1b\\012" in mapping["path"], mapping
        result = subprocess.run([MALLOW, "map", str(process.pid)], capture_output=True, timeout=60)
        assert b"\x1b" not in result.stdout and b"m??\\012" in result.stdout, result
        assert b", deleted\n" in result.stdout, result


def reports_errors():
    result = run(0)
    assert result.returncode == 125 and "'0' is not a process ID" in result.stderr, result
    gone = subprocess.Popen(["true"])
    gone.wait()
    result = run(gone.pid)
    assert result.returncode == 125 and f"there is no process {gone.pid}" in result.stderr, result
    zombie = subprocess.Popen(["true"])
    time.sleep(0.3)
    result = run(zombie.pid)
    assert result.returncode == 125 and f"process {zombie.pid} has ended" in result.stderr, result
    zombie.wait()
    result = run(2)
    if os.path.exists("/proc/2/comm") and open("/proc/2/comm").read() == "kthreadd\n":
        assert result.returncode == 125 and "is a kernel thread" in result.stderr, result
    for option in "--json", "--all":
        with open("/dev/full", "w") as full:
            result = subprocess.run([MALLOW, "map", option], stdout=full, stderr=subprocess.PIPE,
                                    text=True, timeout=60)
        assert result.returncode == 125 and "No space left on device" in result.stderr, result
        reader, writer = os.pipe()
        os.close(reader)
        result = subprocess.run([MALLOW, "map", option], stdout=writer, stderr=subprocess.PIPE,
                                text=True, timeout=60)
        os.close(writer)
        assert result.returncode in (125, -signal.SIGPIPE), result


def asks_for_permission():
    if os.geteuid() != 0:
        return "only root can start processes of other users"
    with Waiting(["sleep", "600"], settle=0.2) as process:
        result = run(process.pid, user=NOBODY, group=NOBODY, extra_groups=[])
        assert result.returncode == 125 and not result.stdout, result
        assert f"this user may not inspect process {process.pid}: try" in result.stderr, result
    with Waiting(["sleep", "600"], settle=0.2, user=NOBODY, group=NOBODY,
                 extra_groups=[]) as process:
        result = run("--json", process.pid, user=NOBODY, group=NOBODY, extra_groups=[])
        assert result.returncode == 0, result
        assert any(m["kind"] == "stack" and m["thread"] == process.pid
                   for m in json.loads(result.stdout)["mappings"])
    return None


def without_operand_shows_itself():
    result = run("--json")
    assert json.loads(result.stdout)["program"] == "mallow", result
    first = run().stdout.split("\n")[0]
    assert re.fullmatch(r"process \d+ \(mallow\): [0-9.]+M resident of [0-9.]+M in \d+ mappings",
                        first), first


LIAR = """
import os, socket, sys
maps = [line.split()[0].split("-") for line in open("/proc/self/maps")]
start, end = [m for m in maps if m[0] > "5"][3]
answers = ["ok\\nheap 0x0 0xffffffffffffffff\\npages 0x0 4096 f9999999999999999999999p4\\n",
           f"ok\\nheap {start} {end}\\nblock {start} {end}\\npages {start} 4096 f2b3p999999999\\n",
           "ok\\n" + "".join(f"block {a} {b}\\n" for a, b in maps) +
           "pages 0xfffffffffffff000 18446744073709551615 f\\n",
           "ok\\npages\\npages \\npages 0 0 \\nheap\\nheap 1\\nheap zz zz\\nheap 2000 1000\\n",
           "", "error no\\n", "no"]
server = socket.socket(socket.AF_UNIX)
server.bind(f"\\0mallow.{os.stat('/proc/self/ns/pid').st_ino}.{os.getpid()}")
server.listen(5)
print(len(answers), flush=True)
for answer in answers:
    for _ in range(3):
        client, _ = server.accept()
        client.recv(100)
        client.sendall(answer.encode())
        client.close()
"""


def survives_false_answers():
    with Waiting([sys.executable, "-c", LIAR]) as process:
        for i in range(int(process.process.stdout.readline())):
            kernel = sum(fields["Rss"] for _, fields in smaps("smaps", process.pid))
            total = map_of(process.pid)["total"]["resident_bytes"]
            assert abs(total - kernel) <= 1 << 20, (i, total, kernel)
            picture_of(process.pid, "--all")
            result = run("--heap", process.pid)
            assert result.returncode == (0 if i < 4 else 125), (i, result)


def survives_processes_that_end():
    """A process that keeps executing itself, or ends meanwhile, never gives half a map."""
    for _ in range(30):
        with Waiting(["sh", "-c", "exec sleep 0.03"]) as process:
            result = run("--json", process.pid)
            if result.returncode == 0:
                kinds = {m["kind"] for m in json.loads(result.stdout)["mappings"]}
                assert {"stack", "program text"} <= kinds, kinds
            else:
                assert result.returncode == 125 and result.stderr.count("\n") == 1, result


def main():
    skipped = []
    for test in (agrees_on_real_programs, divides_joined_mappings, finds_stacks, shows_copy_on_write,
                 shows_locked_and_shared_memory, shows_the_heap_of_mallow,
                 names_the_memory_of_samples,
                 shows_guarded_blocks_and_the_break, reads_names_of_other_kernels, watches, survives_odd_names, reports_errors,
                 asks_for_permission, without_operand_shows_itself, survives_false_answers,
                 survives_processes_that_end):
        reason = test()
        if reason:
            skipped.append(f"{test.__name__}: {reason}")
    print("\n".join(["ok", *skipped]))


main()
