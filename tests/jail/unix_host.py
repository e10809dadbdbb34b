# SPDX-License-Identifier: Apache-2.0
"""unix_host.py LOG ASK PATH… - somebody of the host, who listens on unix sockets

A PATH is stream:…, seqpacket:…, dgram:… or, with a name that begins with @, abstract. Whoever
reaches one is told so, and a line with its name is appended to LOG. When the file ASK appears,
its lines are more PATHs; it is removed when they exist.
"""
import os
import selectors
import socket
import sys
import time

KINDS = {"stream": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET, "dgram": socket.SOCK_DGRAM}
log, ask = sys.argv[1:3]
sel = selectors.DefaultSelector()


def listen(what):
    kind, path = what.split(":", 1)
    s = socket.socket(socket.AF_UNIX, KINDS[kind])
    s.bind("\0" + path[1:] if path.startswith("@") else path)
    if not path.startswith("@"):
        os.chmod(path, 0o777)
    if kind != "dgram":
        s.listen(64)
    s.setblocking(False)
    sel.register(s, selectors.EVENT_READ, what)


for name in sys.argv[3:]:
    listen(name)
print("ready", flush=True)
until = time.monotonic() + 280
while time.monotonic() < until:
    for key, _ in sel.select(0.02):
        with open(log, "a", encoding="utf-8") as f:
            f.write(key.data + "\n")
        if key.data.startswith("dgram"):
            key.fileobj.recv(100)
            continue
        with key.fileobj.accept()[0] as peer:
            try:
                peer.sendall(b"REACHED\n")
            except OSError:
                pass
    if os.path.exists(ask):
        with open(ask, encoding="utf-8") as f:
            for line in f.read().split():
                listen(line)
        os.remove(ask)
