#!/usr/bin/python3
"""Checks that mallow-choosing(7) and docs/choosing.md agree, and share no text.

Usage: choosing.py ROOT [OLD NEW]

Both have ten questions that lead to the same ways in the same order, and the other pages refer to
them. With OLD and NEW the check reads both with OLD replaced by NEW, to prove that it finds the
difference.
"""

import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
SHARED_WORDS = 10  # no text of this many words may be in both


def read(path):
    text = (root / path).read_text()
    return text.replace(*sys.argv[2:4]) if len(sys.argv) > 2 else text


def words(text):
    """Returns the words without roff and Markdown."""
    text = re.sub(r"^\.\w+", "", text, flags=re.MULTILINE)
    text = re.sub(r"\\f.|```.*?```|^\|.*?\|$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"[a-z_0-9]+", text.lower())


def runs(text):
    every = words(text)
    return {" ".join(every[at:at + SHARED_WORDS]) for at in range(len(every) - SHARED_WORDS + 1)}


def faults():
    page, document = read("docs/man/mallow-choosing.7"), read("docs/choosing.md")
    questions = re.findall(r"^\.IP (\d+)\. 4\n(.*?)(?=^\.(?:IP|PP))", page, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| (\d+) \| .*? \| (.*?) \|", document, re.MULTILINE)
    numbers = [str(number) for number in range(1, 11)]
    for name, found in (("mallow-choosing.7", questions), ("choosing.md", rows)):
        if [number for number, _ in found] != numbers:
            yield f"{name} does not have the questions 1 to 10"
    for (number, question), (_, way) in zip(questions, rows):
        if way.strip("`").lower() not in question.lower():
            yield f"question {number} does not lead to {way} in both"
    for run in sorted(runs(page) & runs(document)):
        yield f"in both: {run}"
    for other in sorted((root / "docs" / "man").glob("mallow*.[37]")):
        if other.name != "mallow-choosing.7" and "mallow-choosing (7)" not in read(other):
            yield f"{other.name} does not refer to mallow-choosing(7)"
    if "docs/choosing.md" not in page or "mallow-choosing(7)" not in document:
        yield "mallow-choosing.7 and choosing.md do not refer to each other"
    if "docs/choosing.md" not in read("README.md"):
        yield "README.md does not refer to docs/choosing.md"


found = list(faults())
print("\n".join(found) or "mallow-choosing(7) and docs/choosing.md agree")
sys.exit(bool(found))
