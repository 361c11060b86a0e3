#!/usr/bin/python3
"""Reads traces by what mallow-trace(5) says, and not with the library: both must find the same.

Usage: described.py PRINTER: a program that writes a trace to a file and prints what the library reads from it
"""

import ctypes
import itertools
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

WIDTH = 1 << 64
FACTS, TABLES, EVENTS, CHECKPOINT, INDEX, END = range(1, 7)
KIND, THREAD, TIME, STACK, SIZE, COUNT, ADDRESS, OLD, FAR, PLACE, PLAIN = range(11)
zstd = ctypes.CDLL("libzstd.so.1")
zstd.ZSTD_decompress.restype = ctypes.c_size_t


def decompress(data, size):
    to = ctypes.create_string_buffer(size + 1)
    done = zstd.ZSTD_decompress(to, ctypes.c_size_t(size), data, ctypes.c_size_t(len(data)))
    assert done == size, done
    return to.raw[:size]


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def more(self):
        return self.at < len(self.data)

    def take(self, count):
        self.at += count
        assert self.at <= len(self.data)
        return self.data[self.at - count : self.at]

    def number(self):
        number = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            number |= (byte & 127) << shift
            if byte < 128:
                return number % WIDTH
        raise AssertionError("a number is too long")

    def difference(self):
        return signed(self.number())

    def text(self):
        return self.take(self.number())


def signed(number):
    return -(number + 1) // 2 if number % 2 else number // 2


def fixed(data):
    return int.from_bytes(data, "little")


def hash_of(a, b):
    return (((a * 0x9E3779B97F4A7C15 % WIDTH) ^ b) * 0xFF51AFD7ED558CCD % WIDTH) >> 52


def class_of(size):
    if size <= 256:
        return (size + 15) // 16
    highest = (size - 1).bit_length() - 1
    return 17 + 8 * (highest - 8) + ((size - 1) >> (highest - 3)) % 8


def columns_of(content, count):
    sizes = [content.number() for _ in range(count)]
    columns = [Bytes(content.take(size)) for size in sizes]
    assert not content.more()
    return columns


class Blocks:
    """The blocks of a file: type, numbers, content, where it begins, length."""

    def __init__(self, data):
        self.list = []
        at = 0
        while at < len(data):
            assert data[at : at + 4] == b"MTRC"
            checksum, length, kind = (fixed(data[at + i : at + i + 4]) for i in (4, 8, 12))
            assert zlib.crc32(data[at + 8 : at + 16 + length]) == checksum
            body = Bytes(data[at + 16 : at + 16 + length])
            numbers = []
            if kind not in (FACTS, END):
                numbers = read_numbers(kind, body)
                body = Bytes(decompress(body.take(length - body.at), numbers[0]))
            self.list.append((kind, numbers, body, at, length + 16))
            at += length + 16

    def check_index(self):
        (kind, _, index, place, _), (last, _, end, _, _) = self.list[-2:]
        assert (kind, last) == (INDEX, END) and fixed(end.take(8)) == place
        for kind, numbers, body, _, length in self.list[:-2]:
            assert [index.number(), index.number()] == [kind, length]
            assert read_numbers(kind, index) == (numbers or [len(body.data)])
        assert not index.more()


def read_numbers(kind, body):
    return [body.number() for _ in range({EVENTS: 6, CHECKPOINT: 3}.get(kind, 1))]


class Thread:
    def __init__(self):
        self.time, self.stacks, self.size, self.age = None, (0, 0), 0, 0


class Place:
    def __init__(self):
        self.last, self.stride, self.freed = 0, 0, []

    def give(self, address):
        self.freed = (self.freed + [address])[-14:]


class Model:
    def __init__(self, time):
        self.time, self.thread, self.far, self.plain = time, 0, 0, 0
        self.threads = [Thread() for _ in range(64)]
        self.stacks, self.sizes = ([0] * 4096, [0] * 4096), ([0] * 4096, [0] * 4096)
        self.counts, self.ages = [0] * 4096, [0] * 4096
        self.places = [Place() for _ in range(1024)]
        self.made = []


class Events:
    """Reads the events of a block."""

    def __init__(self, content, model):
        self.columns, self.model = columns_of(content, 11), model
        self.run = self.number(THREAD)

    def number(self, column):
        return self.columns[column].number()

    def coded(self, column, tables, indexes):
        code = self.number(column)
        value = tables[code][indexes[code]] if code < 2 else code - 2
        for table, index in zip(tables, indexes):
            table[index] = value
        return value

    def next(self):
        model = self.model
        first = self.columns[KIND].take(1)[0]
        kind = first & 63
        while self.run == 0:
            model.thread, self.run = self.number(THREAD), self.number(THREAD)
        self.run -= 1
        self.thread = model.threads[model.thread % 64]
        before = model.time if self.thread.time is None else self.thread.time
        model.time = self.thread.time = (before + self.columns[TIME].difference()) % WIDTH
        one, two = self.thread.stacks
        stack = self.coded(STACK, model.stacks, (hash_of(64 * one + kind, two), hash_of(64 * one + kind, 0)))
        self.thread.stacks = stack, one
        event = {"kind": kind, "thread": model.thread, "time": model.time, "stack": stack}
        event["caused"] = first >> 6 & 1
        event["follows"] = int(32 <= kind < 48 and first >> 6 == 1)
        if first & 128 or event["follows"]:
            self.plain(event)
        elif kind <= 11:
            self.allocation(event)
        else:
            self.free(event)
        return event

    def plain(self, event):
        model = self.model
        model.plain = event["address"] = (model.plain + self.columns[PLAIN].difference()) % WIDTH
        for name in "size", "count", "error", "protection", "flags", "old":
            event[name] = self.number(PLAIN)

    def count(self, event):
        code, index = self.number(COUNT), hash_of(event["stack"], event["kind"])
        if code:
            self.model.counts[index] = code - 1
        event["count"] = self.model.counts[index]

    def old(self, event):
        """Stores the old address, and returns the size and the class of the block."""
        model = self.model
        code = self.number(OLD)
        if code == 2:
            return 0, None
        if code == 1:
            model.far = event["old"] = (model.far + self.columns[FAR].difference()) % WIDTH
            return 0, self.number(PLACE)
        index = hash_of(64 * event["stack"] + event["kind"], self.thread.age)
        age = model.ages[index] if code == 0 else code - 2
        model.ages[index] = self.thread.age = age
        event["old"], size, size_class = model.made[-age]
        return size, size_class

    def place(self, size_class):
        return self.model.places[hash_of(self.model.thread, size_class) % 1024]

    def allocation(self, event):
        model, thread, kind = self.model, self.thread, event["kind"]
        site = 64 * event["stack"] + kind
        event["size"] = self.coded(SIZE, model.sizes, (hash_of(site, thread.size), hash_of(site, 0)))
        thread.size = event["size"]
        if kind not in (1, 3, 8, 9):
            self.count(event)
        old_class = self.old(event)[1] if kind in (3, 4) else None
        size = event["size"] * (event["count"] if kind in (2, 4) else 1) % WIDTH
        place = self.place(class_of(size))
        code = self.number(ADDRESS)
        if code < 14:
            address = place.freed.pop(-1 - code)
        elif code == 14:
            address = place.last + place.stride
        elif code == 15:
            address = event["old"]
        elif code == 16:
            address = self.number(ADDRESS)
        else:
            address = place.last + 8 * signed(code - 17)
        address %= WIDTH
        place.stride, place.last = (address - place.last) % WIDTH, address
        event["address"] = address
        model.made.append((address, size, class_of(size)))
        if event.get("old", address) != address:
            self.place(old_class).give(event["old"])

    def free(self, event):
        size, size_class = self.old(event)
        if event["kind"] != 16:
            code = self.number(SIZE)
            event["size"] = code - 1 if code else size
        if event["kind"] not in (16, 17):
            self.count(event)
        self.place(size_class).give(event["old"])


class Trace:
    def __init__(self, path):
        blocks = Blocks(path.read_bytes())
        blocks.check_index()
        self.threads, self.events, self.live, self.checkpoints, self.frames, self.symbols = [], [], {}, 0, [], []
        for kind, numbers, body, _, _ in blocks.list:
            if kind == FACTS:
                self.facts = [body.number() for _ in range(6)] + [body.text().decode() for _ in range(3)]
                assert self.facts[0] == 1
            if kind == TABLES:
                self.read_tables(body)
            if kind == EVENTS:
                self.read_events(numbers, body)
            if kind == CHECKPOINT:
                self.check_checkpoint(numbers, body)

    def read_tables(self, body):
        while body.more():
            kind = body.number()
            if kind == 1:
                [body.number() for _ in range(3)], body.text(), body.text()
            elif kind == 2:
                self.threads.append(body.number())
                body.number(), body.text()
            elif kind == 3:
                body.number(), body.text()
            elif kind == 4:
                [body.number() for _ in range(4)], body.text(), body.text()
            elif kind == 6:
                self.symbols.append((body.number(), body.number(), body.text().decode(), body.text().decode()))
            else:
                assert kind in (5, 7)
                symbol = self.symbols[body.number() - 1] if kind == 7 else ""
                module, caller = body.number(), body.number()
                last = self.frames[-1][0] if self.frames else 0
                caller = len(self.frames) + 1 - caller if caller else 0
                self.frames.append(((last + body.difference()) % WIDTH, caller, module, symbol))

    def read_events(self, numbers, body):
        _, first, count, start, end, group = numbers
        assert first == len(self.events)
        if group:
            self.model = Model(start)
        reader = Events(body, self.model)
        for number in range(first, first + count):
            event = reader.next()
            event["process"] = self.threads[event["thread"] - 1] if event["thread"] else 0
            self.events.append(event)
            self.apply(event, number)
        assert self.events[-1]["time"] == start + signed(end)
        assert not any(column.more() for column in reader.columns) and reader.run == 0

    def apply(self, event, number):
        kind, address = event["kind"], event.get("address", 0)
        size = event.get("size", 0) * (event["count"] if kind in (2, 4) else 1)
        old = event["process"], event.get("old", 0)
        if kind in (3, 4) and (address or size == 0) or 16 <= kind <= 20:
            self.live.pop(old, None)
        if kind <= 11 and address:
            self.live[event["process"], address] = (number, event["time"], event["thread"], event["process"], kind,
                                                    event["stack"], size, address)

    def check_checkpoint(self, numbers, body):
        _, following, count = numbers
        assert following == len(self.events) and count == len(self.live) and count > 0
        columns = columns_of(body, 8)
        last, sizes = [0] * 8, {}
        expected = sorted(self.live.values())
        for block in expected:
            for i, column in enumerate(columns):
                code = column.number()
                if i == 6:
                    last[i] = sizes.get(last[5] % 4096, 0) if code == 0 else code - 1
                    sizes[last[5] % 4096] = last[i]
                else:
                    last[i] = code if i == 4 else (last[i] + (code if i == 0 else signed(code))) % WIDTH
            assert tuple(last) == block, (last, block)
        self.checkpoints += 1

    def lines(self):
        resolution, start, page, processors, stacks = self.facts[1:6]
        yield " ".join(map(str, [resolution, start, page, processors, stacks] + self.facts[6:]))
        for pc, caller, module, symbol in self.frames:
            yield " ".join(map(str, ["frame", pc, caller, module, *symbol]))
        for event in self.events:
            event["time"] = event["time"] * resolution
            names = ("kind", "caused", "time", "thread", "process", "stack", "address", "old", "size", "count",
                     "error", "protection", "flags", "follows")
            yield " ".join(str(event.get(name, 0)) for name in names)


with tempfile.TemporaryDirectory() as folder:
    for seed in "123":
        path = Path(folder) / "trace"
        printed = subprocess.run([sys.argv[1], path, seed], check=True, capture_output=True, text=True).stdout
        trace = Trace(path)
        for line, expected in itertools.zip_longest(trace.lines(), printed.splitlines()):
            assert line == expected, f"the page says {line!r}, the library {expected!r}"
        assert trace.checkpoints >= 2
        print(f"{len(trace.events)} events, {trace.checkpoints} checkpoints, {len(trace.frames)} frames agree")
