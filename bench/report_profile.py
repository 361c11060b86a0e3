"""Writes a profile with many stacks, for bench/report-open: PROFILE NODES SITES SNAPSHOTS CACHE.

The tree has the shape of that of a large server: functions call a few others, up to 40 levels deep.
Sites allocate at different rates, and some of them leak."""

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/command"))
import profile_writer as w  # noqa: E402

BASE, ID = 0x555555554000, bytes(range(20))
FUNCTIONS = 6000
WORDS = ("parse read write handle dispatch encode decode session buffer index cache table query plan "
         "execute commit merge flush route render layout compile resolve schedule append reserve").split()


def name(i, choose):
    parent = "::".join(choose.choice(WORDS).capitalize() for _ in range(choose.randint(1, 3)))
    return f"{parent}::{choose.choice(WORDS)}_{i}(std::string const&, int)"


def tree(count, choose):
    """Returns (node, caller, pc) for each node."""
    nodes, depths = [(1, 0, BASE + 16 + 1)], [0, 1]
    for node in range(2, count + 1):
        # Deep chains with many branches: mostly the callee of a recent node.
        caller = max(1, node - 1 - int(choose.expovariate(0.25)))
        if depths[caller] >= 40:
            caller = choose.randint(1, node // 2 + 1) if node > 4 else 1
        depths.append(depths[caller] + 1)
        nodes.append((node, caller, BASE + 16 * choose.randint(1, FUNCTIONS - 1) + 1))
    return nodes


def snapshot(moment, place, sites, choose, is_last):
    """The sites that changed, and a block with their figures."""
    records, total = [], 0
    for site in sites:
        if not is_last and place > 0 and choose.random() > site["activity"]:
            total += site["live"]
            continue
        blocks = choose.randint(1, 40)
        site["allocated"] += blocks * site["size"]
        site["blocks"] += blocks
        site["live"] = (site["allocated"] if site["leaks"]
                        else min(site["allocated"], blocks * site["size"] * choose.randint(0, 4)))
        # Between two snapshots, more can be live.
        site["peak"] = max(site["peak"], site["live"] + choose.randint(0, 2) * site["size"])
        total += site["live"]
        freed = [site["blocks"] * 0.7 - site["live"] / site["size"] * 0.7, site["blocks"] * 0.2] + [0] * 6
        variance = 262144.0 * site["live"]
        records.append(w.site(site["node"], (site["blocks"], site["blocks"], site["allocated"], variance * 2),
                              (blocks, site["live"] / site["size"], site["live"], variance), site["peak"],
                              tuple(max(0, value) for value in freed)))
    reason = w.EXIT if is_last else w.PERIODIC
    return w.snapshot(moment, reason, (total // 100, total), (0, 0), int(total * 1.3) + (20 << 20)), records


def pieces(records, count=20000):
    for i in range(0, len(records), count):
        yield records[i:i + count]


def main(path, nodes, sites, snapshots, cache):
    choose = random.Random(1)
    names = w.Names(Path(cache))
    names.write(ID, {16 * i: [(i % 900 + 1, False, name(i, choose), f"/src/server/{WORDS[i % len(WORDS)]}.cpp")]
                     for i in range(1, FUNCTIONS)})
    stack_nodes = tree(nodes, choose)
    parts = [w.process(program=b"/usr/bin/server", classes=(16, 32, 48, 64, 128, 256, 512, 1024, 4096)),
             w.modules(w.module(BASE, BASE + 16 * FUNCTIONS + 64, 0, b"/usr/bin/server", ID))]
    parts += [w.stacks(*piece) for piece in pieces(stack_nodes)]
    chosen = [{"node": node, "size": choose.choice((32, 128, 512, 4096)), "activity": choose.random() ** 4,
               "leaks": choose.random() < 0.02, "allocated": 0, "blocks": 0, "live": 0, "peak": 0}
              for node in sorted(choose.sample(range(nodes // 10, nodes + 1), sites))]
    for i in range(snapshots):
        moment = int((5 + (i + 1) * 10) * w.SECOND)
        head, records = snapshot(moment, i, chosen, choose, i == snapshots - 1)
        parts += [head, *(w.sites(*piece) for piece in pieces(records))]
        if i == snapshots - 1:
            samples = [(0x7F0000000000 + j * 8192, site["size"], max(site["live"] / site["size"], 1), int((6 + j % 600) * w.SECOND),
                        site["node"], 4711, 0, 0) for j, site in enumerate(chosen) if site["live"] > 0]
            parts += [w.live(*piece) for piece in pieces(samples)]
        parts.append(w.done())
    Path(path).write_bytes(b"".join(parts))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5])
