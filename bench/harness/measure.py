"""Runs one program on one allocator and tells what it used."""

import os
import signal
import subprocess

from harness import paths

TIMEOUT = 120  # seconds; a run takes one or two


class RunFailed(Exception):
    """A measured program failed; the text says how."""


class Measured:
    """A program under an allocator: started at once, its figures ready when it has ended."""

    def __init__(self, command, allocator, stdin=None, environment=None, directory=None):
        receive, report = os.pipe()
        launcher = [paths.BUILD / "measure", str(report), allocator.library,
                    *allocator.wrapper, *command]
        self._process = subprocess.Popen(
            launcher, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", pass_fds=[report],
            cwd=directory,
            env={**os.environ, **allocator.environment, **(environment or {})},
            start_new_session=True)
        os.close(report)
        self._report = os.fdopen(receive)
        self._what = f"{os.path.basename(command[0])} on {allocator.name}"

    def finish(self):
        """Waits for the end; returns a dictionary of figures and what the program printed."""
        with self._report:
            try:
                output, errors = self._process.communicate(timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()
                raise RunFailed(f"{self._what}: still running after {TIMEOUT} s") from None
            figures = parse(self._report.read())
        if self._process.returncode != 0:
            raise RunFailed(f"{self._what}: {describe(self._process.returncode)} "
                            f"{errors.strip()[-300:]}")
        return figures, output

    def ended(self):
        return self._process.poll() is not None

    def kill(self):
        """Ends the program and its children, if it still runs."""
        if not self.ended():
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()


def describe(status):
    """The exit status of the launcher, which follows the shell's convention."""
    if status > 128:
        return f"killed by {signal.Signals(status - 128).name}:"
    return f"exit status {status}:"


def parse(text):
    """Lines of NAME=VALUE; others are not figures."""
    figures = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            figures[name] = float(value)
    return figures


def run(command, allocator, **options):
    """The figures of one run, output left out."""
    measured = Measured(command, allocator, **options)
    try:
        return measured.finish()[0]
    finally:
        measured.kill()


def run_reporting(command, allocator):
    """The same for a program of this benchmark, which prints figures of its own."""
    measured = Measured(command, allocator)
    try:
        figures, output = measured.finish()
    finally:
        measured.kill()
    return {**figures, **parse(output)}
