# SPDX-License-Identifier: Apache-2.0
"""host.py WORLD - what of the host's a probe may aim at, in the world made in directory WORLD

TCP and UDP on one port of every address, unix sockets by paths and by abstract names. All of
them answer "host NAME" and write what reached them to WORLD/arrivals. Sockets that are to be
made after the launch are made when WORLD/launched appears; one that a probe asks for by a
file ask-NAME in the working directory, when that appears. WORLD/ready holds the port and a
number that is in the names of all that has to have one of its own.
"""
import contextlib
import ctypes
import os
import selectors
import signal
import socket
import sys

WORLD = sys.argv[1]
HOST, HOME, PROJECT, RUN = (os.path.join(WORLD, d) for d in ("host", "home", "home/project", sys.argv[2]))
STREAM, DATAGRAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET
EARLY = [
    (HOST + "/stream.sock", STREAM), (HOST + "/seqpacket.sock", SEQPACKET),
    (HOST + "/datagram.sock", DATAGRAM), (PROJECT + "/host.sock", STREAM),
    ("/run/docker.sock", STREAM), ("/run/user/bus", STREAM), ("/tmp/.X11-unix/X0", STREAM),
    ("/tmp/ssh-agent/agent.1", STREAM), (HOME + "/.gnupg/S.gpg-agent", STREAM),
    ("\0mcpjail-escape", STREAM), ("\0/tmp/.X11-unix/X0", STREAM),
]
LATE = [(HOST + "/late.sock", STREAM), (PROJECT + "/late.sock", STREAM), (RUN + "/control.sock", STREAM)]
arrivals = open(WORLD + "/arrivals", "a", buffering=1)
selector = selectors.DefaultSelector()


def greet(sock, name):
    conn, _ = sock.accept()
    arrivals.write("%s\n" % name.replace("\0", "@"))
    try:
        conn.sendall(b"host %s\n" % name.encode())
    except OSError:
        pass
    conn.close()


def answer(sock, name):
    data, peer = sock.recvfrom(4096)
    arrivals.write("%s %r\n" % (name, data[:80]))
    if peer:
        sock.sendto(b"host %s\n" % name.encode(), peer)


def serve(sock, kind, name):
    if kind != DATAGRAM:
        sock.listen(4096)
    selector.register(sock, selectors.EVENT_READ, (answer if kind == DATAGRAM else greet, name))


def serve_path(path, kind):
    sock = socket.socket(socket.AF_UNIX, kind)
    # A path may be longer than an address: by its directory it is not.
    if not path.startswith("\0"):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.chdir(os.path.dirname(path))
        sock.bind(os.path.basename(path))
        os.chdir("/")
    else:
        sock.bind(path)
    serve(sock, kind, path)


def serve_port(kind, port):
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", port))
    serve(sock, kind, "port of %s" % kind.name)
    return sock.getsockname()[1]


os.umask(0)  # whoever can reach a socket may use it
port = serve_port(STREAM, 0)
serve_port(DATAGRAM, port)
for path, kind in EARLY:
    serve_path(path, kind)
# What processes share by a name, which is a number for some; gone when this process ends.
libc = ctypes.CDLL(None, use_errno=True)
key = os.getpid() + 0x10000
mq_open, mq_unlink = {"x86_64": (240, 241), "aarch64": (180, 181)}[os.uname().machine]
queue = b"mcpjail-escape-%d" % key
libc.syscall(mq_open, queue, os.O_CREAT | os.O_RDWR, 0o666, None)
segment = libc.shmget(key, 4096, 0o1666)
shared = ["%s/mcpjail-escape-%d" % (place, key) for place in ("/tmp", "/var/tmp", "/dev/shm", "/run")]
for path in shared:
    with open(path, "w") as f:
        f.write("the host's\n")


def clean_up(*_):
    libc.shmctl(segment, 0, None)
    libc.syscall(mq_unlink, queue)
    for path in shared:
        os.unlink(path)
    sys.exit(0)


signal.signal(signal.SIGTERM, clean_up)
with open(WORLD + "/ready.new", "w") as f:
    f.write("%d %d\n" % (port, key))
os.rename(WORLD + "/ready.new", WORLD + "/ready")
is_launched = False
while True:
    for key, _ in selector.select(0.02):
        handler, name = key.data
        try:
            handler(key.fileobj, name)
        except OSError:
            pass
    if not is_launched and os.path.exists(WORLD + "/launched"):
        is_launched = True
        for path, kind in LATE:
            serve_path(path, kind)
        open(WORLD + "/late", "w").close()
    for asked in os.listdir(PROJECT):
        if asked.startswith("ask-"):
            os.unlink(os.path.join(PROJECT, asked))
            serve_path(os.path.join(PROJECT, asked[4:]), STREAM)
