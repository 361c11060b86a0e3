"""Runs one program on one allocator and reports the resources that it used."""

import os
import signal
import subprocess

from harness import paths

TIMEOUT = 120  # seconds; a run takes one or two


class RunFailed(Exception):
    """Raised if a measured program fails; the text says how."""


class Measured:
    """A program that runs on an allocator. It starts immediately."""

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
        """Waits for the end; returns a dictionary of figures and the output of the program."""
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
        """Kills the program and its children if it is still running."""
        if not self.ended():
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()


def describe(status):
    """Describes the exit status of the launcher, which follows the shell's convention."""
    if status > 128:
        return f"killed by {signal.Signals(status - 128).name}:"
    return f"exit status {status}:"


def parse(text):
    """Parses lines of the form NAME=VALUE and ignores all others."""
    figures = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            figures[name] = float(value)
    return figures


def run(command, allocator, **options):
    """Returns the figures of one run, without the output."""
    measured = Measured(command, allocator, **options)
    try:
        return measured.finish()[0]
    finally:
        measured.kill()


def run_reporting(command, allocator):
    """Like run(), for a program of this benchmark, which prints figures of its own."""
    measured = Measured(command, allocator)
    try:
        figures, output = measured.finish()
    finally:
        measured.kill()
    return {**figures, **parse(output)}
