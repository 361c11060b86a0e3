"""Writes profiles in the format of include/mallow_profile.h, for tests of the readers."""

import struct
import zlib

MAGIC, VERSION = 0x464F5250, 1
PROCESS, MODULES, STACKS, THREADS, SNAPSHOT, SITES, LIVE, DONE = range(1, 9)
PERIODIC, REQUEST, EXIT, LIMIT, NO_MEMORY, ERROR, OFF = range(1, 8)
SECOND = 10**9
LIFETIMES = 8


def block(kind, content=b"", magic=MAGIC):
    content += b"\0" * (-len(content) % 8)
    head = struct.pack("<IQ", kind, len(content))
    return struct.pack("<I", magic) + head + struct.pack(
        "<II", zlib.crc32(head + content), 0) + content


def process(pid=4711, parent=1, program=b"/usr/bin/program", rate=524288, started=5 * SECOND,
            started_at=1_700_000_000 * SECOND, classes=(16, 32, 48), version=VERSION, sections=0,
            more=b""):
    size = 56 + len(more)
    return block(PROCESS, struct.pack("<IIIIQQQIHHII", version, size, pid, parent, started,
                                      started_at, rate, 4096, 62, 8, len(classes), sections) +
                 more + struct.pack(f"<{len(classes)}Q", *classes) + program + b"\0")


def module(start, end, offset=0, path=b"/nowhere/program", build_id=b""):
    content = struct.pack("<QQQII", start, end, offset, len(build_id), len(path)) + build_id + path
    return content + b"\0" * (-len(content) % 8)


def modules(*records):
    return block(MODULES, b"".join(records))


def stacks(*nodes):
    """Each node is a number, its caller's number, and a return address."""
    return block(STACKS, b"".join(struct.pack("<IIQ", *node) for node in nodes))


def threads(*names):
    """Each thread is an ID and a name."""
    return block(THREADS, b"".join(struct.pack("<II16s", number, 0, name)
                                   for number, name in names))


def snapshot(time, reason=PERIODIC, live=(0, 0), large=(0, 0), resident=0, classes=(0, 0, 0),
             lost=0, more=b""):
    """`live` and `large` are blocks and bytes."""
    size = 80 + len(more)
    return block(SNAPSHOT, struct.pack("<IIQQQQQQQQQ", size, reason, time, resident, *live, *large,
                                       0, 0, lost) + more + struct.pack("<3Q", *classes))


def total(samples=0, blocks=0.0, size=0.0, variance=0.0):
    return struct.pack("<Qddd", samples, blocks, size, variance)


def site(node, allocated=(), live=(), peak=0.0, freed=(0.0,) * LIFETIMES, large=0):
    """`allocated` and `live` are samples, blocks, bytes and the variance of bytes."""
    return struct.pack("<II", node, large) + total(*allocated) + total(*live) + struct.pack(
        "<9d", peak, *freed)


def sites(*records):
    return block(SITES, b"".join(records))


def live(*samples):
    """Each sample is an address, bytes, blocks, time, node, thread, lost and large."""
    return block(LIVE, b"".join(struct.pack("<QQdQIIII", *sample) for sample in samples))


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


def example(minutes=5, leaked=False, pid=4711):
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
            (0x7F0000200000, 350, 300.0, now - 1000, node[0x1050], 4712, 0, 0)) + done()
    return text
