#!/usr/bin/python3
"""Logs of mtrace(3) equal libc's own, and `mallow mtrace` and libc's `mtrace` can read them.

Usage: mtrace.py MALLOW LIBRARY TRACED TRACED_STATIC TRACED_CXX
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MALLOW, LIBRARY, TRACED, STATIC, CXX = sys.argv[1:]
HERE = pathlib.Path(__file__).parent
for variable in ("MALLOW_OPTIONS", "MALLOC_TRACE", "LD_PRELOAD"):
    os.environ.pop(variable, None)
NOBODY = 65534


def trace(*arguments, log="log", preload=LIBRARY, status=0, errors="", options=""):
    """Runs a traced program in the current directory, and returns its output."""
    environment = dict(os.environ, LD_PRELOAD=preload, MALLOC_TRACE=log, MALLOW_OPTIONS=options)
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == status and re.search(errors, done.stderr), done
    assert errors or not done.stderr, done
    return done.stdout


def read(log="log"):
    return pathlib.Path(log).read_text()


def mallow(*arguments, status):
    done = subprocess.run([MALLOW, "mtrace", *arguments], capture_output=True, text=True)
    assert done.returncode == status, done
    return done


def result(*arguments, status):
    done = mallow("--json", *arguments, status=status)
    assert done.stderr == "", done
    return json.loads(done.stdout)


def line_of(source, comment):
    lines = (HERE / source).read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if comment in line)


def without_addresses(log):
    """Replaces addresses by numbers: a block keeps its number when it moves."""
    numbers, moving, count, lines = {}, None, 0, []
    for line in log.splitlines():
        found = re.fullmatch(r"(@ .*\[0x[0-9a-f]+\] )([-+<>!]) (\S+)(.*)", line)
        if not found:
            lines.append(line)
            continue
        place, sign, address, rest = found.groups()
        if sign == "+" and address != "(nil)":
            count += 1
            numbers[address] = count
        if sign == ">":
            numbers[address] = moving
        number = numbers.pop(address, "?") if sign in "-<" else numbers.get(address, "?")
        if sign == "<":
            moving = number
        lines.append(f"{place}{sign} {'(nil)' if address == '(nil)' else number}{rest}")
    return lines


def check_same_as_libc():
    for way in "calls", "end":
        trace(TRACED, way, log="libc", preload="libc_malloc_debug.so.0")
        trace(TRACED, way, log="ours")
        libc, ours = without_addresses(read("libc")), without_addresses(read("ours"))
        assert len(libc) > (1000 if way == "calls" else 5), libc
        assert way == "end" or all(name in read("ours") for name in (":(calls+", ":(__strdup+"))
        assert libc == ours, [pair for pair in zip(libc, ours) if pair[0] != pair[1]][:5]


def check_off():
    environment = dict(os.environ, LD_PRELOAD=LIBRARY)
    done = subprocess.run([TRACED, "clean"], env=environment, capture_output=True)
    assert done.returncode == 0 and not done.stderr, done
    assert not pathlib.Path("log").exists()
    trace(TRACED, "clean", log="/no/such/directory/log",
          errors=r"^mallow: MALLOC_TRACE: cannot write '/no/such/directory/log'\n$")
    trace(TRACED, "clean", log="/dev/null")
    trace(TRACED, "clean", log="/dev/stderr", errors="^= Start\n(.*\n)*= End\n$")


def check_setuid():
    if os.geteuid() != 0:
        return
    shutil.copy(STATIC, "setuid")
    os.chown("setuid", NOBODY, NOBODY)
    os.chmod("setuid", 0o4755)
    os.chmod(".", 0o777)
    if trace("./setuid", "secure", log="setuid.log") == "secure\n":  # unless mounted with nosuid
        assert not pathlib.Path("setuid.log").exists()


def check_leaks():
    trace(TRACED, "leaks", options="on_error=report", errors="double free")
    found = result("log", status=1)
    source = "traced.c"
    leak = found["not_freed"][0]
    assert leak["bytes"] == 60 and sorted(b["bytes"] for b in leak["blocks"]) == [10, 20, 30], leak
    inner, outer = leak["caller"]
    assert re.fullmatch(rf"keep_new at .*{source}:{line_of(source, 'the new one')} \(inlined\)", inner)
    assert re.fullmatch(rf"leak at .*{source}:{line_of(source, 'the leak')}", outer), leak
    assert "strdup" in found["not_freed"][1]["caller"][0], found
    error, = found["errors"]
    assert error["error"] == "freed twice", error
    for key, comment in ("caller", "the second free"), ("before", "the first free"):
        place = rf"leaks at .*{source}:{line_of(source, comment)}"
        assert re.match(place, error[key][0]), error
    text = mallow("log", status=1).stdout
    for part in (f"    {inner}\n    {outer}\n", error["caller"][0], "60 bytes in 3 blocks", "Not freed: 65 bytes in 4 blocks",
                 leak["blocks"][0]["address"], "Allocations: 5, reallocations: 0, frees: 2"):
        assert part in text, text


def check_aborted():
    trace(TRACED, "leaks", status=-6, errors="double free")
    assert result("log", status=1)["errors"][0]["error"] == "freed twice"


def check_program():
    """The program has moved since the log was written, or does not exist."""
    shutil.copy(TRACED, "program")
    trace("./program", "leaks", options="on_error=report", errors="double free")
    shutil.move("program", "elsewhere")
    assert "leak at " in mallow("elsewhere", "log", status=1).stdout
    assert "leak at " not in mallow("log", status=1).stdout
    assert "by leak" not in mallow("log", status=1).stdout  # leak is static: no dynamic symbol
    done = mallow("nothing", "log", status=125)
    assert done.stderr == "mallow mtrace: nothing: No such file or directory\n", done


def check_cxx():
    trace(CXX)
    leak, = result("log", status=1)["not_freed"]
    line = line_of("traced_cxx.cpp", "the leak of add")
    assert re.fullmatch(rf"shop::Basket<long>::add\(long\) at .*traced_cxx.cpp:{line}",
                        leak["caller"][0]), leak


def check_static():
    trace(STATIC, "leaks", preload="", options="on_error=report", errors="double free")
    leak = result("log", status=1)["not_freed"][0]
    assert leak["bytes"] == 60 and leak["caller"][1].startswith("leak at "), leak


def check_perl():
    """libc's Perl script mtrace reads the log."""
    trace(TRACED, "leaks", options="on_error=report", errors="double free")
    done = subprocess.run(["mtrace", TRACED, "log"], capture_output=True, text=True)
    lines = re.findall(r"^0x.* at .*/traced\.c:[0-9]+(?: \(discriminator [0-9]+\))?$", done.stdout, re.MULTILINE)
    assert done.returncode == 1 and len(lines) == 3 and not done.stderr, done
    assert "Free 7 was never alloc'd" in done.stdout, done
    trace(TRACED, "clean")
    done = subprocess.run(["mtrace", TRACED, "log"], capture_output=True, text=True)
    assert done.stdout == "No memory leaks.\n" and done.returncode == 0, done


def check_threads():
    trace(TRACED, "threads")
    found = result("log", status=0)  # Other threads, and libc at the end, free all blocks.
    assert found["reallocations"] > 19000 and found["allocations"] >= 20000, found


def check_children():
    numbers = trace(TRACED, "children").split()
    parent = read()
    assert "0x6f\n" in parent and parent.endswith("= End\n"), parent
    assert not re.search(r" (0xde|0x14d|0x1bc)\n", parent), parent
    assert result("log", status=0)["allocations"] == 1
    logs = sorted(path.name for path in pathlib.Path(".").glob("log.*"))
    assert logs == sorted("log." + number for number in numbers[1:]), (logs, numbers)
    for number, count in zip(numbers[1:], (1, 400, 1)):
        assert result("log." + number, status=0)["allocations"] >= count
    for path in logs:
        os.unlink(path)


def check_descriptors():
    trace(TRACED, "descriptors")
    assert pathlib.Path("other").stat().st_size == 0
    assert read().startswith("= Start\n") or read() == ""


def check_killed():
    trace(TRACED, "killed")
    log = read()
    assert log.startswith("= Start\n") and len(log) >= 4096, log
    done = mallow("log", status=1)
    assert log.endswith("\n") or "the last line is incomplete" in done.stderr, done


def check_bad_logs():
    begin = "= Start\n@ ./a:(f+1)[0x10] + 0x10 0x5\n"
    for text, line in (("", 1), ("hello\n", 1), ("\n", 1), ("@ [0x1] - 0x1\n", 1),
                       (begin + "x\n", 3), (begin + "@ ./a:[0x1]\n", 3),
                       (begin + "@ ./a:[0x1] * 0x1\n", 3), (begin + "@ ./a:[0x1] + 0x1\n", 3),
                       (begin + "@ ./a:[0x1] + 0x1 0x5 6\n", 3), (begin + "@ ./a:[1] - 0x1\n", 3),
                       (begin + "@ ./a:[0x1] - -1\n", 3), (begin + "@ ./a [0x1] - 0x1\n", 3),
                       (begin + "@ ./a:[0x1] + 0x1 0x11111111111111111\n", 3),
                       (begin + "\0\n", 3), (begin + "- 0x10 0x5\n", 3), (begin + "\n", 3)):
        pathlib.Path("bad").write_text(text)
        done = mallow("bad", status=2)
        assert done.stderr.startswith(f"mallow mtrace: bad:{line}: "), (text, done)
        assert done.stdout == "", done
    for name, error in ("nothing", "No such file or directory"), (".", "Is a directory"):
        done = mallow(name, status=2)
        assert done.stderr == f"mallow mtrace: {name}: {error}\n", done


def check_unusual_logs():
    pathlib.Path("odd").write_text(
        "= Start\n"
        "+ 0x10 0x5\n"                              # without callers
        "@ [0x1234] + 0x20 0x6\n"                   # in no object
        "@ /a (b):c]:(_ZN1a1bEv+1f)[0x10] + 0x30 0\n"
        "@ /a (b):c]:(_ZN1a1bEv+1f)[0x10] < 0x30\n"
        "@ /a (b):c]:(_ZN1a1bEv+1f)[0x10] > 0x40 0x7\n"
        "@ ./a:[0x1] ! 0x40 0xffffffffffffffff\n"
        "@ ./a:[0x1] + (nil) 0x5\n"
        "@ ./a:[0x1] + 0x20 0x8\n"
        "@ ./a:[0x1] - 0x50\n"
        "@ ./a:(_RNvCs1234_1a1b+1f)[0x2] + 0x60 0x1\n"
        "= End\n")
    found = result("odd", status=1)
    assert {",".join(leak["caller"]): leak["bytes"] for leak in found["not_freed"]} == {
        "unknown": 5, "./a+0x1": 8, "a::b() (/a (b):c]+0x10)": 7, "a::b (./a+0x2)": 1}, found
    assert [(error["error"].split()[0], error["line"], error["before"])
            for error in found["errors"]] == [("allocated", 9, ["[0x1234]"]), ("freed", 10, None)]
    assert (found["failures"], found["peak_bytes"], found["allocated_bytes"]) == (2, 21, 27), found


def main():
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        check_off()
        check_setuid()
        check_same_as_libc()
        check_leaks()
        check_aborted()
        check_program()
        check_cxx()
        check_static()
        check_perl()
        check_threads()
        check_children()
        check_descriptors()
        check_killed()
        check_bad_logs()
        check_unusual_logs()
        os.chdir("/")


main()
