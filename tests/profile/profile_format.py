"""Reads profile files (mallow-profile(5)) and checks what the format promises."""
import math
import struct
import zlib

MAGIC = 0x464F5250
PROCESS, MODULES, STACKS, THREADS, SNAPSHOT, SITES, LIVE, DONE = range(1, 9)
PERIODIC, REQUEST, EXIT, LIMIT, NO_MEMORY, ERROR, OFF = range(1, 8)

HEAD = struct.Struct("=IIQII")
PROCESS_HEAD = struct.Struct("=IIIIQQQIHHII")
MODULE = struct.Struct("=QQQII")
NODE = struct.Struct("=IIQ")
THREAD = struct.Struct("=II16s")
SNAPSHOT_HEAD = struct.Struct("=IIQQQQQQQQQ")
SUM = struct.Struct("=Qddd")
SITE = struct.Struct("=II" + "Qddd" * 2 + "d" + "d" * 8)
LIVE_RECORD = struct.Struct("=QQdQIIII")


class Sum:
    def __init__(self, samples=0, blocks=0.0, bytes=0.0, variance=0.0):
        self.samples, self.blocks, self.bytes, self.variance = samples, blocks, bytes, variance


class Site:
    def __init__(self, fields):
        self.node, self.large = fields[:2]
        self.allocated, self.live = Sum(*fields[2:6]), Sum(*fields[6:10])
        self.peak, self.freed = fields[10], fields[11:]


class Live:
    def __init__(self, fields):
        (self.address, self.bytes, self.blocks, self.time, self.node, self.thread, self.lost,
         self.large) = fields


class Snapshot:
    """What is known at a DONE block."""

    def __init__(self, section):
        (self.reason, self.time, self.resident, self.live_blocks, self.live_bytes,
         self.large_blocks, self.large_bytes, self.heap, self.metadata,
         self.lost) = section.totals
        self.classes = section.class_blocks
        self.sites = dict(section.sites)
        self.live = section.live


class Section:
    def __init__(self, body):
        fields = PROCESS_HEAD.unpack_from(body)
        (self.version, size, self.pid, self.ppid, self.started, self.started_at, self.rate,
         self.page, self.machine, self.address_bytes, count, self.sections) = fields
        assert self.version == 1, "the version of the format"
        assert size >= PROCESS_HEAD.size
        self.class_bytes = struct.unpack_from("=%dQ" % count, body, size)
        path = body[size + 8 * count:]
        assert b"\0" in path, "the path of the program ends with a zero"
        self.program = path.split(b"\0")[0].decode()
        self.modules, self.nodes, self.threads, self.sites = [], {}, {}, {}
        self.totals, self.live, self.snapshots = None, None, []

    def add(self, kind, body):
        handler = {MODULES: self.add_modules, STACKS: self.add_stacks, THREADS: self.add_threads,
                   SNAPSHOT: self.add_snapshot, SITES: self.add_sites, LIVE: self.add_live,
                   DONE: self.add_done}.get(kind)
        if handler is not None:
            handler(body)

    def add_modules(self, body):
        at = 0
        while at < len(body):
            start, end, offset, id_bytes, path_bytes = MODULE.unpack_from(body, at)
            assert start < end
            text = at + MODULE.size
            build_id = body[text:text + id_bytes].hex()
            path = body[text + id_bytes:text + id_bytes + path_bytes].decode()
            self.modules = [m for m in self.modules if m[1] <= start or m[0] >= end]
            self.modules.append((start, end, offset, build_id, path))
            at += -(-(MODULE.size + id_bytes + path_bytes) // 8) * 8
        assert at == len(body)

    def add_stacks(self, body):
        for node, caller, pc in NODE.iter_unpack(body):
            assert caller == 0 or caller in self.nodes, "a caller is described first"
            assert self.nodes.setdefault(node, (caller, pc)) == (caller, pc), "a node never changes"

    def add_threads(self, body):
        for thread, _, name in THREAD.iter_unpack(body):
            self.threads[thread] = name.split(b"\0")[0].decode(errors="replace")

    def add_snapshot(self, body):
        assert self.totals is None, "one SNAPSHOT block"
        fields = SNAPSHOT_HEAD.unpack_from(body)
        assert fields[0] >= SNAPSHOT_HEAD.size
        self.totals = fields[1:]
        self.class_blocks = struct.unpack_from("=%dQ" % len(self.class_bytes), body, fields[0])
        self.live = None

    def add_sites(self, body):
        assert self.totals is not None, "SITES follow SNAPSHOT"
        for fields in SITE.iter_unpack(body):
            site = Site(fields)
            assert site.node == 0 or site.node in self.nodes, "the stack of a site is described"
            self.sites[site.node, site.large] = site

    def add_live(self, body):
        assert self.totals is not None, "LIVE follows SNAPSHOT"
        if self.live is None:
            self.live = []
        self.live += [Live(fields) for fields in LIVE_RECORD.iter_unpack(body)]

    def add_done(self, body):
        assert body == b"" and self.totals is not None
        if self.live is None and self.totals[0] != PERIODIC:
            self.live = []
        self.snapshots.append(Snapshot(self))
        self.totals = self.live = None

    def stack(self, node):
        pcs = []
        while node != 0:
            node, pc = self.nodes[node]
            pcs.append(pc)
        return pcs


def blocks(data):
    """Yields (offset, type, body) of each whole block."""
    at = 0
    while at + HEAD.size <= len(data):
        magic, kind, length, checksum, reserved = HEAD.unpack_from(data, at)
        assert magic == MAGIC, "a block at %d" % at
        assert length % 8 == 0 and reserved == 0
        end = at + HEAD.size + length
        if end > len(data):
            return
        body = data[at + HEAD.size:end]
        if zlib.crc32(data[at + 4:at + 16] + body) == checksum:
            yield at, kind, body
        at = end


def read(data):
    sections = []
    for _, kind, body in blocks(data):
        if kind == PROCESS:
            sections.append(Section(body))
        elif sections:
            sections[-1].add(kind, body)
    return sections


def read_file(path):
    with open(path, "rb") as file:
        return read(file.read())


def close(a, b):
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-3)


def check_snapshot(section, snapshot, quiet=True):
    """Checks the figures of a snapshot. quiet: no other thread was running."""
    for site in snapshot.sites.values():
        assert site.peak >= site.live.bytes * (1 - 1e-9)
        assert site.allocated.variance >= 0 and site.live.variance >= -1e-3
        if site.large:
            assert close(site.live.variance, 0)
    assert len(snapshot.classes) == len(section.class_bytes)
    if snapshot.live is None:
        return
    sums = {}
    for live in snapshot.live:
        assert live.thread in section.threads, "the thread of a sample is described"
        assert live.blocks >= 1 and live.time <= snapshot.time
        sums.setdefault((live.node, live.large), []).append(live)
    assert len({live.address for live in snapshot.live}) == len(snapshot.live)
    if not quiet:
        return
    for key, site in snapshot.sites.items():
        lives = sums.pop(key, [])
        assert len(lives) == site.live.samples, (key, len(lives), site.live.samples)
        assert close(sum(l.blocks for l in lives), site.live.blocks)
        assert close(sum(l.blocks * l.bytes for l in lives), site.live.bytes)
        variance = sum(l.bytes ** 2 * l.blocks * (l.blocks - 1) for l in lives)
        assert close(variance, site.live.variance)
    assert not sums, "each live sample has a site"


def check(sections, quiet=True):
    for section in sections:
        assert section.program and section.rate > 0 and section.page >= 4096
        times = [snapshot.time for snapshot in section.snapshots]
        assert times == sorted(times)
        for snapshot in section.snapshots:
            check_snapshot(section, snapshot, quiet)
    return sections
