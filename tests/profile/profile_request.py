"""Asks a process that has control=on."""
import os
import socket


def request(pid, line):
    """Returns the answer and the content of the descriptor that came with it."""
    namespace = os.stat(f"/proc/{pid}/ns/pid").st_ino
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(60)
    client.connect(f"\0mallow.{namespace}.{pid}")
    client.sendall(line.encode() + b"\n")
    answer, descriptors, _, _ = socket.recv_fds(client, 4096, 1)
    while more := client.recv(1 << 16):
        answer += more
    content = None
    if descriptors:
        size = os.fstat(descriptors[0]).st_size
        content = os.pread(descriptors[0], size, 0)
        os.close(descriptors[0])
    client.close()
    return answer.decode(), content
