"""Writes profiles in the format of include/mallow_profile.h, for tests of the readers."""

import itertools
import os
import struct
import zlib

MAGIC, VERSION, HEAD_BYTES = b"MPRF", 2, 12
(PROCESS, MODULES, STACKS, THREADS, SNAPSHOT, SITES, LIVE, DONE, PINNED, SETTINGS, FILES, MAPPINGS,
 RANGES, PAGES) = range(1, 15)
PERIODIC, REQUEST, EXIT, LIMIT, NO_MEMORY, ERROR, OFF = range(1, 8)
SECOND = 10**9
LIFETIMES = 8
ALLOCATED, SOME_LIVE, ALL_LIVE, INHERITED, PEAK, FREED = (1 << bit for bit in range(6))


def number(value):
    out = bytearray()
    value %= 1 << 64
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def signed(value):
    """The number for a difference."""
    value = (value + (1 << 63)) % (1 << 64) - (1 << 63)
    return (value << 1 ^ value >> 63) % (1 << 64)


def numbers(*values):
    return b"".join(map(number, values))


def block(kind, content=b"", magic=MAGIC):
    rest = len(content).to_bytes(3, "little") + bytes([kind]) + content
    return magic + struct.pack("<I", zlib.crc32(rest)) + rest


def length_of(text, at=0):
    """Returns the bytes of the block at that place."""
    return HEAD_BYTES + int.from_bytes(text[at + 8:at + 11], "little")


def process(pid=4711, parent=1, program=b"/usr/bin/program", rate=524288, started=5 * SECOND,
            started_at=1_700_000_000 * SECOND, classes=(16, 32, 48), version=VERSION, sections=0,
            more=b""):
    steps = [size - before for before, size in zip((0, *classes), classes)]
    return block(PROCESS, numbers(version, pid, parent, started, started_at, rate, 4096, 62, 8,
                                  sections, len(program)) + program +
                 numbers(len(steps), *(part for step in steps for part in (1, step))) + more)


def module(start, end, offset=0, path=b"/nowhere/program", build_id=b""):
    return start, end, offset, path, build_id


def modules(*records):
    content, before, last = b"", 0, b""
    for start, end, offset, path, build_id in records:
        shared = len(os.path.commonprefix([path, last]))
        content += numbers(signed(start - before), end - start, offset, len(build_id), shared,
                           len(path) - shared) + build_id + path[shared:]
        before, last = end, path
    return block(MODULES, content)


def stacks(*nodes):
    """Each node is a number, its caller's number, and a return address."""
    content, last, last_pc = b"", 0, 0
    for node, caller, pc in nodes:
        content += numbers(signed(node - last), signed(caller - last), signed(pc - last_pc))
        last, last_pc = node, pc
    return block(STACKS, content)


def threads(*names):
    """Each thread is an ID and a name."""
    return block(THREADS, b"".join(numbers(thread, len(name)) + name for thread, name in names))


def snapshot(time, reason=PERIODIC, live=(0, 0), large=(0, 0), resident=0, classes=(0, 0, 0),
             lost=0, more=b"", started=5 * SECOND):
    """`live` and `large` are blocks and bytes."""
    return block(SNAPSHOT, numbers(reason, time - started, resident, *live, *large, 0, 0, lost,
                                   len(classes), *classes) + more)


def total(figures, large):
    if not figures:
        return b""
    samples, blocks, size, variance = figures
    if large:
        return numbers(samples, round(size))
    return number(samples) + struct.pack("<f", blocks) + number(round(size)) + struct.pack(
        "<f", variance)


def site(node, allocated=(), live=(), peak=0.0, freed=(0.0,) * LIFETIMES, large=0, inherited=()):
    """`allocated`, `live` and `inherited` are samples, blocks, bytes and the variance of bytes."""
    same = bool(live) and live == allocated
    parts = (ALLOCATED * bool(allocated) | SOME_LIVE * (bool(live) and not same) | ALL_LIVE * same |
             INHERITED * bool(inherited) | PEAK |
             sum(FREED << i for i in range(LIFETIMES) if freed[i]))
    return node, large, number(parts) + total(allocated, large) + (
        b"" if same else total(live, large)) + total(inherited, large) + number(round(peak)) + b"".join(
            struct.pack("<f", blocks) for blocks in freed if blocks)


def sites(*records):
    content, last = b"", 0
    for node, large, rest in records:
        content += number(signed(node - last) << 1 | large) + rest
        last = node
    return block(SITES, content)


def live(*samples, started=5 * SECOND, pid=4711, inherited=0):
    """Each sample is an address, bytes, blocks, time, node, thread, lost and large."""
    content, last = b"", (0, started, 0, pid)
    for address, size, blocks, time, node, thread, lost, large in samples:
        content += numbers(
            signed(node - last[2]) << 3 | inherited << 2 | large << 1 | lost,
            signed(address - last[0]), size) + (
            b"" if large else struct.pack("<f", blocks)) + numbers(
            signed(time - last[1]), signed(thread - last[3]))
        last = address, time, node, thread
    return block(LIVE, content)


def pinned(*records):
    """Each record is a node, large, bytes and the variance."""
    content, last = b"", 0
    for node, large, size, variance in records:
        content += numbers(signed(node - last) << 1 | large, round(size)) + struct.pack("<f", variance)
        last = node
    return block(PINNED, content)


def pairs(kind, texts):
    """SETTINGS or FILES."""
    return block(kind, b"".join(numbers(len(key)) + key + numbers(len(value)) + value for key, value in (
        (key.encode(), value.encode()) for key, value in texts.items())))


def mappings(*records):
    """Each record is the start, the end, permissions as in "r-xp", the path, and the figures in KiB as far
    as they are not 0: Rss, Pss, Private_Clean, Private_Dirty, LazyFree, AnonHugePages, Swap, Locked."""
    content, before, last = b"", 0, b""
    for start, end, permissions, path, *figures in records:
        parts = sum(1 << i for i, letter in enumerate("rwxs") if permissions[i] == letter) | 16
        parts |= sum(32 << i for i, figure in enumerate(figures) if figure)
        shared = len(os.path.commonprefix([path, last])) if path else 0
        content += numbers(signed(start - before), end - start, parts, 0, *filter(None, figures), shared,
                           len(path) - shared) + path[shared:]
        before, last = end, path or last
    return block(MAPPINGS, content)


def ranges(*records):
    """Each record is the start, the end and the use."""
    content, before = b"", 0
    for start, end, use in records:
        content += numbers(signed(start - before), end - start, use)
        before = end
    return block(RANGES, content)


def pages(start, uses):
    """The use of each page is a letter as in mallow(7)."""
    content, before = b"", 0
    for use, run in itertools.groupby(uses):
        count = len(list(run))
        content += numbers(signed(start - before), 16 * count + "-bfpedcx?".index(use))
        before = start = start + 4096 * count
    return block(PAGES, content)


def done():
    return block(DONE)


# ---- names ----

class Names:
    """Names for places in a module that does not exist: files of the symbol cache."""

    def __init__(self, cache):
        self.folder = cache / "mallow"
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        cache.chmod(0o700)

    def write(self, build_id, places):
        """`places` has for each place a list of (line, is_inlined, function, file)."""
        entries = "".join(f"{place:x} {len(frames)}\n" + "".join(
            f"{line} {int(inlined)}\t{function}\t{file}\n" for line, inlined, function, file in frames)
            for place, frames in places.items())
        text = f" mallow-symbols 1 0 0\n{entries}".encode()
        (self.folder / build_id.hex()).write_bytes(b"%08x" % zlib.crc32(text) + text)


# ---- an example ----

EXAMPLE_BASE, EXAMPLE_ID = 0x555555554000, bytes(range(20))
MIB = 1 << 20
EXAMPLE_PLACES = {
    0x1010: [(210, False, "main", "server.c")],
    0x1020: [(143, False, "serve", "server.c")],
    0x1030: [(88, False, "load_index", "index.c")],
    0x1040: [(41, True, "std::vector<int, std::allocator<int> >::reserve(unsigned long)",
              "/usr/include/c++/12/bits/vector.tcc"),
             (57, False, "Session::Session(int, char const*)", "session.cpp")],
    0x1050: [(30, False, "format_reply", "reply.c")],
}


def description(node):
    """What describes the whole process of the example."""
    heap, files = 0x7F0000000000, {
        "/proc/self/status": "Name:\tserver-main\nVmSize:\t  200000 kB\nVmData:\t   81920 kB\nVmStk:\t     132 kB\n"
                             "VmLck:\t       0 kB\nCapEff:\t0000000000000000\n",
        "/proc/self/limits": "Max data size             104857600            unlimited            bytes     \n"
                             "Max stack size            8388608              unlimited            bytes     \n"
                             "Max address space         unlimited            unlimited            bytes     \n"
                             "Max locked memory         8388608              8388608              bytes     \n",
        "/proc/self/oom_score": "667\n", "/proc/self/oom_score_adj": "-5\n",
        "/proc/sys/vm/max_map_count": "65530\n", "/proc/sys/vm/overcommit_memory": "1\n",
        "/proc/sys/vm/overcommit_ratio": "50\n",
        "/proc/meminfo": "MemTotal:  8388608 kB\nMemAvailable: 4194304 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
                         "CommitLimit: 4194304 kB\nCommitted_AS: 1048576 kB\n",
        "/proc/self/mountinfo": "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "/proc/self/cgroup": "0::/web/server\n",
        "/sys/fs/cgroup/web/server/memory.max": "134217728\n",
        "/sys/fs/cgroup/web/server/memory.current": "125829120\n",
        "/sys/fs/cgroup/web/server/memory.stat": "inactive_file 1048576\n",
        "/sys/fs/cgroup/web/server/memory.events": "low 0\nhigh 0\nmax 3\noom 0\noom_kill 0\n",
    }
    return pinned((node[0x1040], 0, 6 * MIB, (0.5 * MIB) ** 2), (node[0x1050], 0, 1.5 * MIB, 0)) + pairs(
        SETTINGS, {"check": "hard", "sample": "524288", "glibc.malloc.top_pad": "0"}) + pairs(FILES, files) + mappings(
        (EXAMPLE_BASE, EXAMPLE_BASE + 0x10000, "r-xp", b"/usr/bin/server", 60, 60, 60),
        (EXAMPLE_BASE + 0x10000, EXAMPLE_BASE + 0x11000, "rw-p", b"/usr/bin/server", 4, 4, 0, 4),
        (heap - 0x200000, heap, "rw-p", b"", 2048, 2048, 0, 2048),
        (heap, heap + 64 * MIB, "rw-p", b"", 61440, 61440, 0, 61440, 0, 4096, 1024, 512),
        (0x7FFF00000000, 0x7FFF00001000, "---p", b""),
        (0x7FFF00001000, 0x7FFF00801000, "rw-p", b"", 12, 12, 0, 12),
        (0x7FFFF0000000, 0x7FFFF0021000, "rw-p", b"[stack]", 132, 132, 0, 132),
        (0xFFFFFFFFFF600000, 0xFFFFFFFFFF601000, "--xp", b"[vsyscall]")) + ranges(
        (heap, heap + 64 * MIB, 1), (heap - 0x200000, heap - 0x100000, 2)) + pages(
        heap, "b" * 1200 + "f" * 700 + "p" * 2048 + "e" * 100 + "d" * 400 + "c" * 3700 + "x" * 43 + "?")


def example(minutes=5, leaked=False, pid=4711, described=False):
    """A server: an index of large blocks, sessions that grow, and replies that are temporary.

    The arguments choose when the profile ends, and if samples are marked as lost."""
    node = {place: number for number, place in enumerate(EXAMPLE_PLACES, 1)}
    text = process(pid=pid, program=b"/usr/bin/server") + modules(
        module(EXAMPLE_BASE, EXAMPLE_BASE + 0x10000, 0, b"/usr/bin/server", EXAMPLE_ID)) + stacks(
        *((number, {1: 0, 2: 1}.get(number, 2), EXAMPLE_BASE + place + 1)
          for place, number in node.items())) + threads((4711, b"main"), (4712, b"worker"))
    for minute in range(1, minutes + 1):
        now = (5 + 60 * minute) * SECOND
        samples = [(0x7F0000100000 + i, 3000, 175.3, (5 + 60 * i) * SECOND, node[0x1040], 4712,
                    int(leaked), 0) for i in range(minute)]
        grown = minute, 175.3 * minute, 175.3 * 3000 * minute, 175.3 * 174.3 * 9e6 * minute
        calls = 40 * minute, 1.7e6 * minute, 20 * MIB * minute, (1.6 * MIB) ** 2 * minute
        text += snapshot(now, EXIT if minute == 5 else PERIODIC, (2000 + 180 * minute, 60 * MIB),
                         (4, 48 * MIB), 75 * MIB) + sites(
            site(node[0x1030], (4, 4, 48 * MIB, 0), (4, 4, 48 * MIB, 0), 48 * MIB, large=1),
            site(node[0x1040], grown, grown, grown[2]),
            site(node[0x1050], calls, (1, 300, 0.1 * MIB, (0.1 * MIB) ** 2), 0.6 * MIB,
                 (1.69e6 * minute, 9e3 * minute, 0, 0, 0, 0, 0, 0))) + live(
            *((0x7F0000000000 + i * 12 * MIB, 12 * MIB, 1.0, 6 * SECOND, node[0x1030], 4711, 0, 1)
              for i in range(4)), *samples,
            (0x7F0000200000, 350, 300.0, now - 1000, node[0x1050], 4712, 0, 0), pid=pid)
        text += (description(node) if described and minute == minutes else b"") + done()
    return text
