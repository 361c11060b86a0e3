#!/usr/bin/python3
"""Only users who could read a process's memory get answers from it, the command accepts answers
only from the right process, and another listener at the process's name does no harm.

Usage: control.py MALLOW LIBRARY PROCESS
       control.py recycled MALLOW LIBRARY PROCESS, as the first process of a PID namespace
"""

import errno
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

USER, OTHER, NOBODY = 1001, 1002, 65534
PYTHON = sys.executable
SO_PEERPIDFD = 77  # of Linux 6.5

# Prints the first word of the answer, and whether the kernel lets this user look into the process.
CLIENT = """
import os, socket, sys
name, pid = sys.argv[1:]
client = socket.socket(socket.AF_UNIX)
client.settimeout(60)
client.connect("\\0" + name)
try:
    client.sendall(b"trim\\n")
except BrokenPipeError:
    pass
data = b""
try:
    while piece := client.recv(4096):
        data += piece
except ConnectionResetError:
    pass
try:
    os.readlink(f"/proc/{pid}/fd/0")
    seen = "seen"
except OSError:
    seen = "hidden"
print(data.split()[0].decode(), seen)
"""


def name_of(pid):
    """The name of the process's socket, with its PID in its own PID namespace."""
    with open(f"/proc/{pid}/status") as status:
        numbers = next(line for line in status if line.startswith("NSpid:")).split()
    return f"mallow.{os.stat(f'/proc/{pid}/ns/pid').st_ino}.{numbers[-1]}"


def listens(name):
    with open("/proc/net/unix") as sockets:
        return any(line.split()[-1] == "@" + name for line in sockets)


def wait_until(condition):
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"{condition} did not come true")


def as_user(user, group=None):
    group = user if group is None else group
    return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]


class Server:
    """A process on Mallow whose control thread listens."""

    def __init__(self, *changes, by=(), depth=0, name=None):
        self.process = subprocess.Popen(
            [*by, "env", f"LD_PRELOAD={LIBRARY}", "MALLOW_OPTIONS=control=on", PROCESS, "serve",
             *map(str, changes)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        word = self.process.stdout.readline()
        assert word == "ready\n", word
        self.pid = self.process.pid
        for _ in range(depth):  # unshare waits for its child
            with open(f"/proc/{self.pid}/task/{self.pid}/children") as children:
                self.pid = int(children.read())
        self.name = name_of(self.pid) if name is None else name.format(self.pid)
        wait_until(lambda: listens(self.name))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(timeout=600) == 0

    def expect(self, answer, *by):
        done = subprocess.run([*by, PYTHON, "-c", CLIENT, self.name, str(self.pid)],
                              capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done
        word, seen = done.stdout.split()
        assert word == answer, (by, word)
        # A client that gets an answer must have access to the process anyway.
        assert word == "error" or seen == "seen", (by, word, seen)


def works(*command):
    """Returns true if this machine allows the command."""
    return subprocess.run([*command, "true"], capture_output=True).returncode == 0


def the_user_may_ask():
    with Server(by=as_user(USER)) as server:
        server.expect("ok")
        server.expect("ok", *as_user(USER))
        server.expect("error", *as_user(OTHER))
        server.expect("error", *as_user(USER, group=OTHER))


def users_without_access_to_the_memory_may_not_ask():
    with Server("dumpable", 0, by=as_user(USER)) as server:
        server.expect("ok")
        server.expect("error", *as_user(USER))
    with Server("group", USER, "user", USER) as server:
        server.expect("ok")
        server.expect("error", *as_user(USER))
    with Server("effective", USER, "dumpable", 1) as server:
        server.expect("ok")
        server.expect("error", *as_user(USER))
    with Server("group", USER, "user", USER, "dumpable", 1) as server:
        server.expect("ok", *as_user(USER))
    capable = "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"
    with Server(by=[*as_user(USER), *capable]) as server:
        server.expect("error", *as_user(USER))
        server.expect("ok", *as_user(USER), *capable)


def root_without_capabilities_may_not_ask():
    confined = "setpriv", "--inh-caps=-sys_ptrace", "--bounding-set=-sys_ptrace"
    if not works(*confined):
        return
    for by in (), as_user(USER):
        with Server(by=by) as server:
            server.expect("ok")
            server.expect("error", *confined)
    with Server(by=confined) as server:
        server.expect("ok", *confined)


def user_namespaces():
    inside = [*as_user(USER), "unshare", "--user"]
    if not works(*inside):
        return
    with Server(by=as_user(USER)) as server:
        server.expect("error", *inside)  # the same user, but without rights outside the namespace
    with Server(by=inside) as server:  # in its namespace, all outside users are the same
        server.expect("error", *as_user(OTHER))
        server.expect("error", *as_user(USER))
    with Server(by=[*as_user(NOBODY), "unshare", "--user"]) as server:
        server.expect("error", *as_user(NOBODY))
        server.expect("error", *as_user(OTHER))


def nobody_is_a_user():
    """Its ID also stands for users without an ID, of whom the initial user namespace has none."""
    with Server(by=as_user(NOBODY)) as server:
        server.expect("ok")
        with open("/proc/self/uid_map") as users, open("/proc/self/gid_map") as groups:
            all_mapped = all(file.read().split() == ["0", "0", "4294967295"]
                             for file in (users, groups))
        server.expect("ok" if all_mapped else "error", *as_user(NOBODY))
        server.expect("error", *as_user(USER))
        server.expect("error", *as_user(NOBODY, group=USER))
        server.expect("error", *as_user(USER, group=NOBODY))
    own = [*as_user(NOBODY), "unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if not works(*own):
        return
    with Server(by=own) as server:  # a user namespace in which all others have no ID
        enter = ["nsenter", "--user", "--preserve-credentials", f"--target={server.pid}"]
        admin = [f"--{kind}-caps=+sys_admin,+sys_ptrace" for kind in ("inh", "ambient")]
        assert works(*as_user(OTHER), *admin, *enter)
        server.expect("error", *as_user(OTHER), *admin, *enter)
        server.expect("error", *as_user(NOBODY))


def stats(pid):
    return subprocess.run([MALLOW, "stats", "--json", str(pid)], capture_output=True, text=True,
                          timeout=600)


def processes_of_one_number():
    """The same number in two PID namespaces that share a network namespace."""
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if not works(*apart):
        return
    with Server(by=apart, depth=1) as one, Server(by=apart, depth=1) as other:
        for server in one, other:
            done = stats(server.pid)
            assert done.returncode == 0 and "heap_bytes" in done.stdout, done


def a_process_without_proc():
    hidden = ["unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh"]
    if not works(*hidden):
        return
    with Server(by=hidden, name="mallow.0.{}") as server:
        assert stats(server.pid).returncode == 0


def recycled_number():
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if not works(*apart) or not os.path.exists("/proc/sys/kernel/ns_last_pid"):
        return
    subprocess.run([*apart, PYTHON, __file__, "recycled", MALLOW, LIBRARY, PROCESS], check=True,
                   timeout=600)


def pretend_to_be_next(user):
    """Starts a process that ends and leaves its listening socket to its child.

    The child answers there. Returns the PID of the process, which the next process may get."""
    reader, writer = os.pipe()
    first = os.fork()
    if first == 0:
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("\0" + name_of(os.getpid()))
        listener.listen()
        if os.fork() != 0:
            os._exit(0)
        os.write(writer, b"x")
        while True:
            client, _ = listener.accept()
            try:
                client.recv(100)
                client.sendall(b"ok\n{\"stolen\": 1}\n")
            except OSError:
                pass  # The command has closed the connection.
            client.close()
    os.waitpid(first, 0)
    os.read(reader, 1)
    return first


def has_peer_pidfd():
    one, other = socket.socketpair()
    try:
        os.close(one.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD))
    except OSError as error:
        assert error.errno == errno.ENOPROTOOPT, error
        return False
    return True


def recycled(user):
    number = pretend_to_be_next(user)
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(number - 1))
    target = subprocess.Popen([PROCESS, "serve"], text=True, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE,
                              env=dict(os.environ, LD_PRELOAD=LIBRARY, MALLOW_OPTIONS="control=on"))
    assert target.stdout.readline() == "ready\n"
    assert target.pid == number, (target.pid, number)
    done = stats(number)
    assert done.returncode == 125 and "belongs to another process" in done.stderr, done
    target.stdin.close()
    target.wait()


def a_full_queue_at_the_name():
    """A process starts with Mallow although a listener that never accepts has taken its name."""
    child = os.fork()
    if child == 0:
        sockets = [socket.socket(socket.AF_UNIX)]
        sockets[0].bind("\0" + name_of(os.getpid()))
        sockets[0].listen(0)
        try:
            while True:
                sockets.append(socket.socket(socket.AF_UNIX))
                sockets[-1].setblocking(False)
                sockets[-1].connect("\0" + name_of(os.getpid()))
        except BlockingIOError:
            pass
        for one in sockets:
            os.set_inheritable(one.fileno(), True)
        os.dup2(os.open("/dev/null", os.O_RDWR), 0)
        os.dup2(0, 1)
        os.execve(PROCESS, [PROCESS, "thread"],
                  dict(os.environ, LD_PRELOAD=LIBRARY, MALLOW_OPTIONS="control=on"))
    for _ in range(6000):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended == child:
            assert status == 0, status
            return
        time.sleep(0.01)
    os.kill(child, 9)
    raise AssertionError("the process does not end")


def copy_for_all(work, path):
    """Copies a file out of the build directory, which other users may be unable to read."""
    os.chmod(work, 0o755)
    copy = shutil.copy(path, work)
    os.chmod(copy, 0o755)
    return copy


if sys.argv[1] == "recycled":
    MALLOW, LIBRARY, PROCESS = sys.argv[2:]
    recycled(OTHER)
    if has_peer_pidfd():
        recycled(0)  # the impostor has the right user, so only the pidfd can show it
    os._exit(0)
os.environ.pop("MALLOW_OPTIONS", None)
with tempfile.TemporaryDirectory() as work:
    MALLOW, LIBRARY, PROCESS = (copy_for_all(work, path) for path in sys.argv[1:])
    a_full_queue_at_the_name()
    if os.geteuid() != 0 or not works(*as_user(USER)):
        print("skipped: only root can be several users")
        sys.exit(77)
    the_user_may_ask()
    users_without_access_to_the_memory_may_not_ask()
    root_without_capabilities_may_not_ask()
    user_namespaces()
    nobody_is_a_user()
    processes_of_one_number()
    a_process_without_proc()
    recycled_number()
