"""A terminal that tests of mallow top look at, and programs for them to watch."""

import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path


def wait_until(condition, what=None):
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(what() if what else f"{condition} did not come true")


class Target:
    """A program on Mallow that runs until its input ends."""

    def __init__(self, library, *command, options="control=on"):
        environment = dict(os.environ, LD_PRELOAD=library, MALLOW_OPTIONS=options)
        self.process = subprocess.Popen(command, env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        word, number = self.process.stdout.readline().split()
        assert word == "ready"
        self.pid = int(number)
        wait_until(self.listens)

    def listens(self):
        name = f"@mallow.{os.stat(f'/proc/{self.pid}/ns/pid').st_ino}.{self.pid}"
        return any(line.endswith(name) for line in Path("/proc/net/unix").read_text().splitlines())

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Screen:
    """A shell in a terminal of tmux."""

    def __init__(self, columns=80, rows=24, **environment):
        self.folder = tempfile.TemporaryDirectory()
        variables = {"LANG": "C.UTF-8", "TERM": "screen-256color", "PS1": "$ ", **environment}
        clean = {key: value for key, value in os.environ.items()
                 if not key.startswith("LC_") and key not in ("LANG", "TMUX", "NO_COLOR")}
        # tmux itself uses UTF-8, whatever the program's locale is.
        self.environment = {**clean, "LC_ALL": "C.UTF-8", "TMUX_TMPDIR": self.folder.name}
        sets = " ".join(f"{key}='{value}'" for key, value in variables.items())
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows,
                  f"env -u LC_ALL -u TMUX {sets} bash --norc --noprofile")
        self.tmux("set-option", "-g", "status", "off")
        self.resize(columns, rows)
        wait_until(lambda: "$" in self.text())

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-u", *map(str, arguments)], env=self.environment, text=True,
                              check=True, capture_output=True, timeout=60).stdout

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", columns, "-y", rows)

    def text(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def lines(self):
        return self.text().split("\n")[:-1]

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def enter(self, command):
        self.type(command)
        self.press("Enter")

    def job(self):
        """Returns the process that the shell has started."""
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        return int(Path(f"/proc/{shell}/task/{shell}/children").read_text().split()[0])

    def is_alternate(self):
        return self.tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def expect(self, *patterns):
        """Waits until each of the regular expressions matches in a line of the screen."""
        def found():
            text = self.text()
            return all(re.search(pattern, text, re.M) for pattern in patterns)
        wait_until(found, lambda: f"{patterns} not in:\n{self.text()}")
        return self.lines()

    def expect_not(self, pattern):
        wait_until(lambda: not re.search(pattern, self.text(), re.M),
                   lambda: f"{pattern} still in:\n{self.text()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")
        self.folder.cleanup()
