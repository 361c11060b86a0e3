#!/usr/bin/python3
"""Parses the XML of malloc_info(3), written while threads are at work, and compares its figures.

Usage: malloc_info.py PROGRAM

PROGRAM writes a hundred documents, each followed by a NUL.
"""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

LIBC = {"sizes", "total", "system", "aspace"}


def number(element, name):
    return int(element.attrib[name])


def check_heap(heap):
    for size in heap.find("sizes"):
        assert size.tag == "size", size.tag
        assert number(size, "from") <= number(size, "to")
        assert number(size, "total") == number(size, "to") * number(size, "count")
    assert {child.tag for child in heap} == LIBC
    check_totals(heap, {"fast", "rest"})


def check_totals(element, types):
    totals = {total.attrib["type"]: total for total in element.findall("total")}
    assert set(totals) == types, totals
    for total in totals.values():
        assert number(total, "count") >= 0 and number(total, "size") >= 0
    assert [s.attrib["type"] for s in element.findall("system")] == ["current", "max"]
    assert [s.attrib["type"] for s in element.findall("aspace")] == ["total", "mprotect"]
    return totals


def check_details(root, totals):
    details = root.find("mallow")
    classes = details.find("classes")
    cached = sum(number(c, "cached") for c in classes)
    live = sum(number(c, "used") * number(c, "size") for c in classes)
    assert cached == number(totals["fast"], "count")
    blocks, runs = details.find("blocks"), details.find("runs")
    assert number(blocks, "size") == live + number(runs, "size")
    arena = number(root.find("system"), "size")
    pages, slabs = details.find("pages"), details.find("slabs")
    assert arena == (number(slabs, "size") + number(runs, "size")
                     + number(pages, "dirty") + number(pages, "clean"))
    mapped = sum(number(m, "count") for m in details.find("mappings"))
    assert mapped == number(totals["mmap"], "count")


def check(document):
    root = ElementTree.fromstring(document)
    assert root.tag == "malloc" and root.attrib == {"version": "1"}
    check_heap(root.find("heap"))
    totals = check_totals(root, {"fast", "rest", "mmap"})
    if root.find("mallow") is not None:  # absent in a run without Mallow
        check_details(root, totals)


documents = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True, text=True).stdout
parts = documents.split("\0")
assert len(parts) == 101 and parts.pop() == "", len(parts)
for part in parts:
    check(part)
