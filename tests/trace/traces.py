"""Records traces and reads them, for the tests."""

import json
import os
import subprocess
import sys
from collections import namedtuple

MALLOW, PRINT, RECORDED = sys.argv[1:4]
for name in "MALLOW_OPTIONS", "LD_PRELOAD":
    os.environ.pop(name, None)

Event = namedtuple("Event", "kind time thread process address old size count stack protection flags"
                            " error caused follows")
CALLS = ("malloc", "calloc", "realloc", "memalign", "operator new", "operator new[]")
FREES = ("free", "operator delete", "operator delete[]")


class Trace:
    def __init__(self, path, only_last=False):
        """`only_last`: the only event is the last one."""
        last = ["last"] if only_last else []
        done = subprocess.run([PRINT, path, *last], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        self.damage = done.stderr
        head, *lines = done.stdout.splitlines()
        self.__dict__.update(json.loads(head))
        self.all = [Event(fields[0], *map(int, fields[1:]))
                    for fields in (line.rsplit(" ", 13) for line in lines)]

    def of(self, *kinds, process=None):
        return [event for event in self.all
                if event.kind in kinds and process in (None, event.process)]

    def stack(self, number):
        """Returns the frames of a stack as (pc, path of the module)."""
        frames = []
        while number != 0:
            pc, number, module = self.frames[number - 1]
            frames.append((pc, self.modules[module - 1] if module else None))
        return frames

    def check_order(self):
        """No block is allocated while it is live, none is freed twice, and times never go back."""
        live, last = {}, 0
        for event in self.all:
            assert event.time >= last, event
            last = event.time
            blocks = live.setdefault(event.process, {})
            if event.kind == "fork":
                live[event.count] = dict(blocks)
            if event.kind in FREES or (event.kind in CALLS and event.old and event.address):
                assert blocks.pop(event.old, None) is not None, event
            if event.kind in CALLS and event.address:
                assert event.address not in blocks, event
                blocks[event.address] = event.size
        return live


def record(path, *actions, options=(), status=0, program=None):
    """Returns the trace, and what the program and the command printed."""
    done = subprocess.run([MALLOW, "run", f"--trace={path}", *options, "--",
                           program or RECORDED, *actions], capture_output=True, text=True)
    assert done.returncode == status, done
    return Trace(path), done


def said(text):
    """The calls that the program says it has made."""
    lines = [line.split() for line in text.splitlines()]
    return [(name, *map(int, numbers)) for name, *numbers in lines]


def holds(events, calls):
    """The calls are among the events, in their order."""
    left = iter([(e.kind, e.address, e.old, e.size) for e in events])
    for call in calls:
        assert any(event == call for event in left), call
