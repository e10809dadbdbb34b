# SPDX-License-Identifier: Apache-2.0
"""foreign.py CGROUP TCP_PORT UNIX_PATH - what a process of the host's network may do in a group

Makes attempts, enters the control group, makes them again: one line each, "NAME OUTCOME".
A TCP server listens on 127.0.0.1 and ::1 at TCP_PORT, a unix one at UNIX_PATH. "end" is
the last line; it then stays until it is killed.
"""
import errno
import os
import signal
import socket
import sys

signal.alarm(120)
group, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def outcome(attempt):
    try:
        return attempt() or "done"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect(address)


def send(family, address):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.sendto(b"x", address)


def bind(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.bind(address)


def raw():
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()


def listen_unbound():
    """Whether somebody else reaches a server that never called bind()."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.listen(1)
        # The other end is made before this process is in the group, so it is judged by none.
        clients.settimeout(5)
        clients.connect(("127.0.0.1", server.getsockname()[1]))


ATTEMPTS = [
    ("connect4", lambda: connect(socket.AF_INET, ("127.0.0.1", port))),
    ("connect6", lambda: connect(socket.AF_INET6, ("::1", port))),
    ("mapped", lambda: connect(socket.AF_INET6, ("::ffff:127.0.0.1", port))),
    ("sendmsg4", lambda: send(socket.AF_INET, ("127.0.0.1", port))),
    ("sendmsg6", lambda: send(socket.AF_INET6, ("::1", port))),
    ("bind4", lambda: bind(socket.AF_INET, ("127.0.0.1", 0))),
    ("bind6", lambda: bind(socket.AF_INET6, ("::1", 0))),
    ("unix", lambda: connect(socket.AF_UNIX, path)),
    ("raw", raw),
    ("listen", listen_unbound),
]

for where in ("outside", "inside"):
    clients = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    later = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if where == "inside":
        clients = kept
        with open(group + "/cgroup.procs", "w") as procs:
            procs.write(str(os.getpid()))
    kept = later
    for name, attempt in ATTEMPTS:
        print(where, name, outcome(attempt), flush=True)
print("end", flush=True)
while True:
    signal.pause()
