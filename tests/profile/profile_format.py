"""Reads profile files (mallow-profile(5)) and checks what the format promises."""
import math
import struct
import zlib

MAGIC, VERSION = b"MPRF", 2
(PROCESS, MODULES, STACKS, THREADS, SNAPSHOT, SITES, LIVE, DONE, PINNED, SETTINGS, FILES, MAPPINGS,
 RANGES, PAGES) = range(1, 15)
PERIODIC, REQUEST, EXIT, LIMIT, NO_MEMORY, ERROR, OFF = range(1, 8)

HEAD = struct.Struct("<4sI3sB")
LARGE, LIFETIMES = 1, 8
ALLOCATED, SOME_LIVE, ALL_LIVE, INHERITED, PEAK, FREED = (1 << bit for bit in range(6))
FIGURES = "resident proportional private_clean private_dirty lazy_free huge swap locked".split()
USES = ", heap metadata guarded profile stacks block".split()
PAGE_USES = "?bfpedcx?"


class Cursor:
    """Reads the parts of records."""

    def __init__(self, body):
        self.body, self.at = body, 0

    def __bool__(self):
        return self.at < len(self.body)

    def bytes(self, count):
        part = self.body[self.at:self.at + count]
        assert len(part) == count, "a record is complete"
        self.at += count
        return part

    def number(self):
        number = shift = 0
        while True:
            byte, = self.bytes(1)
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                assert number < 1 << 64 and (byte or shift == 7), "the shortest form"
                return number

    def value(self, before):
        return (before + signed(self.number())) % (1 << 64)

    def estimate(self):
        return struct.unpack("<f", self.bytes(4))[0]

    def sum(self, large):
        samples = self.number()
        blocks = samples if large else self.estimate()
        size = self.number()
        return Sum(samples, blocks, size, 0 if large else self.estimate())


def signed(number):
    return number >> 1 ^ -(number & 1)


class Sum:
    def __init__(self, samples=0, blocks=0.0, bytes=0.0, variance=0.0):
        self.samples, self.blocks, self.bytes, self.variance = samples, blocks, bytes, variance


class Site:
    def __init__(self, cursor, node):
        head, parts = cursor.number(), cursor.number()
        self.node, self.large = node + signed(head >> 1), head & 1
        assert parts & (SOME_LIVE | ALL_LIVE) != SOME_LIVE | ALL_LIVE
        sums = [cursor.sum(self.large) if parts & part else Sum()
                for part in (ALLOCATED, SOME_LIVE, INHERITED)]
        self.allocated, self.live, self.inherited = sums
        if parts & ALL_LIVE:
            self.live = self.allocated
        self.peak = cursor.number() if parts & PEAK else self.live.bytes
        self.freed = [cursor.estimate() if parts & FREED << i else 0.0 for i in range(LIFETIMES)]


class Live:
    def __init__(self, cursor, before):
        address, time, node, thread = before
        head = cursor.number()
        self.node = node + signed(head >> 3)
        self.lost, self.large, self.inherited = head & 1, head >> 1 & 1, head >> 2 & 1
        self.address, self.bytes = cursor.value(address), cursor.number()
        self.blocks = 1 if self.large else cursor.estimate()
        self.time, self.thread = cursor.value(time), cursor.value(thread)

    def place(self):
        return self.address, self.time, self.node, self.thread


class Mapping:
    def __init__(self, cursor, end, path):
        self.start = cursor.value(end)
        self.end, parts, self.offset = self.start + cursor.number(), cursor.number(), cursor.number()
        assert self.start < self.end and parts < 1 << 13
        self.permissions = "".join(letter if parts >> bit & 1 else other for bit, letter, other in (
            (0, "r", "-"), (1, "w", "-"), (2, "x", "-"), (3, "s", "p")))
        self.measured = parts >> 4 & 1
        for bit, name in enumerate(FIGURES, 5):
            setattr(self, name, cursor.number() * 1024 if parts >> bit & 1 else 0)
        shared, rest = cursor.number(), cursor.number()
        assert shared <= min(len(path), 255)
        self.path = path[:shared] + cursor.bytes(rest)


class Description:
    """What a snapshot says of the whole process."""

    def __init__(self):
        self.pinned, self.settings, self.files = {}, {}, {}
        self.mappings, self.ranges, self.pages = [], [], []


class Snapshot:
    """What is known at a DONE block."""

    def __init__(self, section):
        (self.reason, self.time, self.resident, self.live_blocks, self.live_bytes,
         self.large_blocks, self.large_bytes, self.heap, self.metadata,
         self.lost) = section.totals
        self.classes = section.class_blocks
        self.sites = dict(section.sites)
        self.live = section.live
        self.described = section.description  # None: it does not describe the process


class Section:
    def __init__(self, body):
        cursor = Cursor(body)
        (self.version, self.pid, self.ppid, self.started, self.started_at, self.rate, self.page,
         self.machine, self.address_bytes, self.sections) = (cursor.number() for _ in range(10))
        assert self.version == VERSION, "the version of the format"
        self.program = cursor.bytes(cursor.number()).decode()
        self.class_bytes = []
        for _ in range(cursor.number()):
            times, step = cursor.number(), cursor.number()
            for _ in range(times):
                self.class_bytes.append((self.class_bytes or [0])[-1] + step)
        assert not cursor
        self.modules, self.nodes, self.threads, self.sites = [], {}, {}, {}
        self.totals, self.live, self.description, self.snapshots = None, None, None, []

    def add(self, kind, body):
        handler = {MODULES: self.add_modules, STACKS: self.add_stacks, THREADS: self.add_threads,
                   SNAPSHOT: self.add_snapshot, SITES: self.add_sites, LIVE: self.add_live,
                   DONE: self.add_done}.get(kind)
        describer = {PINNED: self.add_pinned, SETTINGS: self.add_settings, FILES: self.add_files,
                     MAPPINGS: self.add_mappings, RANGES: self.add_ranges,
                     PAGES: self.add_pages}.get(kind)
        if handler is not None:
            handler(body)
        elif describer is not None:
            assert self.totals is not None, "it follows SNAPSHOT"
            if self.description is None:
                self.description = Description()
            describer(Cursor(body), self.description)

    def add_modules(self, body):
        cursor, end, path = Cursor(body), 0, b""
        while cursor:
            start = cursor.value(end)
            end = start + cursor.number()
            assert start < end
            offset, id_bytes, shared, rest = (cursor.number() for _ in range(4))
            assert shared <= min(len(path), 255)
            build_id = cursor.bytes(id_bytes).hex()
            path = path[:shared] + cursor.bytes(rest)
            self.modules = [m for m in self.modules if m[1] <= start or m[0] >= end]
            self.modules.append((start, end, offset, build_id, path.decode()))

    def add_stacks(self, body):
        cursor, before, pc = Cursor(body), 0, 0
        while cursor:
            node, caller, pc = cursor.value(before), cursor.value(before), cursor.value(pc)
            assert caller == 0 or caller in self.nodes, "a caller is described first"
            assert self.nodes.setdefault(node, (caller, pc)) == (caller, pc), "a node never changes"
            before = node

    def add_threads(self, body):
        cursor = Cursor(body)
        while cursor:
            thread, length = cursor.number(), cursor.number()
            self.threads[thread] = cursor.bytes(length).decode(errors="replace")

    def add_snapshot(self, body):
        assert self.totals is None, "one SNAPSHOT block"
        cursor = Cursor(body)
        reason, time, *totals = (cursor.number() for _ in range(10))
        self.totals = (reason, self.started + time, *totals)
        blocks = [cursor.number() for _ in range(cursor.number())]
        assert not cursor and (not blocks or blocks[-1]) and len(blocks) <= len(self.class_bytes)
        self.class_blocks = blocks + [0] * (len(self.class_bytes) - len(blocks))
        self.live = None

    def add_sites(self, body):
        assert self.totals is not None, "SITES follow SNAPSHOT"
        cursor, node = Cursor(body), 0
        while cursor:
            site = Site(cursor, node)
            node = site.node
            assert site.node == 0 or site.node in self.nodes, "the stack of a site is described"
            self.sites[site.node, site.large] = site

    def add_live(self, body):
        assert self.totals is not None, "LIVE follows SNAPSHOT"
        if self.live is None:
            self.live = []
        cursor, before = Cursor(body), (0, self.started, 0, self.pid)
        while cursor:
            live = Live(cursor, before)
            before = live.place()
            self.live.append(live)

    def add_done(self, body):
        assert body == b"" and self.totals is not None
        if self.live is None and self.totals[0] != PERIODIC:
            self.live = []
        self.snapshots.append(Snapshot(self))
        self.totals = self.live = self.description = None

    def add_pinned(self, cursor, to):
        node = 0
        while cursor:
            head, size, variance = cursor.number(), cursor.number(), cursor.estimate()
            node += signed(head >> 1)
            assert (node, head & 1) in self.sites and size > 0 and variance >= 0
            assert (node, head & 1) not in to.pinned
            to.pinned[node, head & 1] = size, variance

    def add_settings(self, cursor, to):
        while cursor:
            key = cursor.bytes(cursor.number()).decode()
            assert key not in to.settings
            to.settings[key] = cursor.bytes(cursor.number()).decode()

    def add_files(self, cursor, to):
        while cursor:
            path = cursor.bytes(cursor.number()).decode()
            assert path not in to.files
            to.files[path] = cursor.bytes(cursor.number()).decode()

    def add_mappings(self, cursor, to):
        end, path = 0, b""
        while cursor:
            mapping = Mapping(cursor, end, path)
            assert not to.mappings or to.mappings[-1].end <= mapping.start
            to.mappings.append(mapping)
            end, path = mapping.end, mapping.path or path

    def add_ranges(self, cursor, to):
        end = 0
        while cursor:
            start = cursor.value(end)
            end = start + cursor.number()
            assert start < end
            to.ranges.append((start, end, USES[cursor.number()]))

    def add_pages(self, cursor, to):
        end = 0
        while cursor:
            start = cursor.value(end)
            pages, use = divmod(cursor.number(), 16)
            end = start + 4096 * pages
            assert pages > 0 and start % 4096 == 0 and 0 < use < len(PAGE_USES)
            assert not to.pages or to.pages[-1][1] <= start
            to.pages.append((start, end, PAGE_USES[use]))

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
        magic, checksum, length, kind = HEAD.unpack_from(data, at)
        assert magic == MAGIC, "a block at %d" % at
        end = at + HEAD.size + int.from_bytes(length, "little")
        if end > len(data):
            return
        if zlib.crc32(data[at + 8:end]) == checksum:
            yield at, kind, data[at + HEAD.size:end]
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
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1)


def check_snapshot(section, snapshot, quiet=True):
    """Checks the figures of a snapshot. quiet: no other thread was running."""
    for site in snapshot.sites.values():
        assert site.peak >= site.live.bytes
        assert site.allocated.variance >= 0 and site.live.variance >= 0
        assert site.inherited.samples <= site.live.samples
        own = site.live.blocks - site.inherited.blocks + sum(site.freed)
        assert close(site.allocated.blocks, own), (site.allocated.blocks, own)
        if site.large:
            assert close(site.live.variance, 0)
    assert len(snapshot.classes) == len(section.class_bytes)
    if snapshot.live is None:
        return
    sums = {}
    inherited = 0
    for live in snapshot.live:
        assert live.thread in section.threads, "the thread of a sample is described"
        assert live.blocks >= 1 and live.time <= snapshot.time
        inherited += live.inherited
        sums.setdefault((live.node, live.large), []).append(live)
    assert len({live.address for live in snapshot.live}) == len(snapshot.live)
    if not quiet:
        return
    assert inherited == sum(site.inherited.samples for site in snapshot.sites.values())
    for key, site in snapshot.sites.items():
        lives = sums.pop(key, [])
        assert len(lives) == site.live.samples, (key, len(lives), site.live.samples)
        assert close(sum(l.blocks for l in lives), site.live.blocks)
        assert close(sum(l.blocks * l.bytes for l in lives), site.live.bytes)
        variance = sum(l.bytes ** 2 * l.blocks * (l.blocks - 1) for l in lives)
        # An estimate has 24 bits, so 1 - p is not exact for a p near 1.
        rounding = sum((l.bytes * l.blocks) ** 2 for l in lives) * 2**-22
        assert math.isclose(variance, site.live.variance, rel_tol=1e-5, abs_tol=rounding + 1)
    assert not sums, "each live sample has a site"


def check(sections, quiet=True):
    for section in sections:
        assert section.program and section.rate > 0 and section.page >= 4096
        times = [snapshot.time for snapshot in section.snapshots]
        assert times == sorted(times)
        for snapshot in section.snapshots:
            check_snapshot(section, snapshot, quiet)
    return sections
