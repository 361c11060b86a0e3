#!/usr/bin/python3
"""Logs and traces are written only to their own files, even if the program closes their descriptors
or replaces the files.

Usage: log.py LIBRARY PROCESS
"""

import os
import pathlib
import stat
import subprocess
import sys
import tempfile

LIBRARY, PROCESS = sys.argv[1:]
REPORT = "mallow: double free"


def run(*arguments, options, **more):
    """Runs a program on Mallow and returns its result."""
    environment = dict(os.environ, LD_PRELOAD=LIBRARY, MALLOW_OPTIONS=options)
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=600,
                          **more)
    assert done.returncode == 0, done
    return done


def read(name):
    return pathlib.Path(name).read_text()


def log_is_not_what_the_program_opened():
    run("bash", "-c", "exec 3>>data; true", options="log=log,stats=exit")
    assert read("data") == "", read("data")
    assert "== Mallow: memory of bash" in read("log")


def log_is_opened_again():
    run(PROCESS, "daemon", "database", options="log=log2,on_error=report")
    assert read("database") == "", read("database")
    assert REPORT in read("log2")


def log_of_another_file_is_not_written():
    run(PROCESS, "replace", "log3", options="log=log3,on_error=report")
    assert read("log3") == "" and read("log3.old") == ""


def log_is_for_the_user_alone():
    os.umask(0)
    run("true", options="log=log4,unknown")
    os.umask(0o022)
    assert stat.S_IMODE(os.stat("log4").st_mode) == 0o600 and "unknown" in read("log4")


def pipes_are_not_waited_for():
    os.mkfifo("pipe")
    assert "bad value" in run("true", options="log=pipe").stderr
    run("true", options="leak=exit,leak_suppressions=pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run("true", options="log=pipe,unknown").stderr == ""
    assert b"unknown" in os.read(reader, 4096)
    os.close(reader)


def log_is_opened_once():
    once = run(PROCESS, "count", options="log=one").stdout
    assert run(PROCESS, "count", options="log=one,log=two,log=three").stdout == once


def trace(log, prepare):
    """Traces a process and its child. Returns the name of the child's trace."""
    environment = dict(os.environ, LD_PRELOAD=LIBRARY, MALLOC_TRACE=log)
    with subprocess.Popen([PROCESS, "trace"], env=environment, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        name = f"{log}.{process.stdout.readline().strip()}"
        prepare(name)
        process.stdin.write("\n")
        process.stdin.close()
        process.wait(timeout=600)
    return name


def traces_follow_no_links():
    assert "= Start" in read(trace("trace", lambda name: None))
    pathlib.Path("victim").write_text("precious")
    trace("trace", lambda name: os.symlink("victim", name))
    trace("trace", lambda name: os.link("victim", name))
    assert read("victim") == "precious", read("victim")
    trace("trace", os.mkfifo)  # a pipe without a reader
    os.symlink("chosen", "trace2")
    trace("trace2", lambda name: None)
    assert "= Start" in read("chosen")


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    log_is_not_what_the_program_opened()
    log_is_opened_again()
    log_of_another_file_is_not_written()
    log_is_for_the_user_alone()
    pipes_are_not_waited_for()
    log_is_opened_once()
    traces_follow_no_links()
