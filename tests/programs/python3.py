"""A workload for Python: containers, text, regular expressions, compression, threads, processes."""

import ast
import concurrent.futures
import glob
import hashlib
import json
import multiprocessing
import random
import re
import sysconfig
import zlib


def digest(value):
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def records(seed):
    numbers = random.Random(seed)
    return [
        {"key": f"{seed}-{i}", "values": [numbers.random() for _ in range(i % 20)]}
        for i in range(3000)
    ]


def churn(seed):
    """Replaces entries of many sizes at random."""
    numbers = random.Random(seed)
    table = {}
    for _ in range(30000):
        table[numbers.randrange(2000)] = bytearray(int(numbers.expovariate(1 / 300)))
    return sum(len(value) for value in table.values())


text = json.dumps(records(1))
print("json", digest(json.loads(text)))
print("zlib", digest(zlib.decompress(zlib.compress(text.encode(), 9))))
print("re", len(re.findall(r'"key": "1-(\d*7)"', text)))

with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print("threads", list(pool.map(churn, range(8))))
with multiprocessing.get_context("fork").Pool(2) as pool:
    print("processes", pool.map(churn, range(4)))

modules = sorted(glob.glob(sysconfig.get_path("stdlib") + "/[a-e]*.py"))
print("ast", digest([ast.dump(ast.parse(open(path, "rb").read())) for path in modules]))

grown = []
for i in range(300000):
    grown.append(i)
print("grown", sum(grown))
