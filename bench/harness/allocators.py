"""The allocators, and the check that each of them really serves a program when preloaded."""

import os
import subprocess
from dataclasses import dataclass, field

from harness import paths


class Unavailable(Exception):
    """Raised if an allocator cannot be measured here; the text says what to do."""


@dataclass(frozen=True)
class Allocator:
    name: str
    library: str  # the value of LD_PRELOAD
    remedy: str  # what to do if it does not load
    environment: dict = field(default_factory=dict)
    wrapper: tuple = ()  # the command that runs the program


# glibc is preloaded as well, so that it takes precedence over an allocator that a program is linked
# with, such as the jemalloc of Debian's redis-server.
PEERS = (
    Allocator("glibc", "libc.so.6", "install the package libc6"),
    Allocator("jemalloc", "libjemalloc.so.2", "install the package libjemalloc2"),
    Allocator("mimalloc", "libmimalloc.so.2", "install the package libmimalloc2.0"),
    Allocator("tcmalloc", "libtcmalloc_minimal.so.4", "install the package libtcmalloc-minimal4"),
)
SUBJECT = "mallow"
BASELINE = "glibc"
NAMES = (SUBJECT,) + tuple(peer.name for peer in PEERS)


def choose(names, library):
    """Returns the allocators of these names, in the usual order, after verifying each of them."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise Unavailable(f"no such allocator: {', '.join(unknown)} (there are {', '.join(NAMES)})")
    mallow = Allocator(SUBJECT, os.path.abspath(library), "build it, or name another with --lib")
    chosen = [each for each in (mallow, *PEERS) if each.name in names]
    for allocator in chosen:
        verify(allocator)
    return chosen


def verify(allocator):
    """Checks which file provides malloc, because the loader only warns about a missing library."""
    if os.path.basename(provider(allocator)) != os.path.basename(allocator.library):
        raise Unavailable(f"{allocator.name}: {allocator.library} cannot be preloaded: "
                          f"{allocator.remedy}")


def provider(allocator):
    """Returns the file whose malloc a program uses; empty if the program does not even start."""
    environment = dict(os.environ, LD_PRELOAD=allocator.library)
    done = subprocess.run([paths.BUILD / "workloads", "--provider"], env=environment,
                          capture_output=True, text=True)
    return done.stdout.strip()
