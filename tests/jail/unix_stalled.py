# SPDX-License-Identifier: Apache-2.0
"""unix_stalled.py KIND N [DIRECTORY] - N callers whose connect() does not come back

KIND is backlog (a listener that never accepts), page (an address in memory that never
comes), path (a name of which it is never known whether it exists), or memory (an address space
that is changed all the time). Prints "stalled N", then how long others of the jail, and
this process itself, need for 100 connections, in milliseconds; then how long the stalled need
to die of SIGKILL; for the backlog, also how many go on once there is room.
"""
import ctypes
import mmap
import os
import signal
import socket
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
kind, n = sys.argv[1], int(sys.argv[2])
directory = sys.argv[3] if len(sys.argv) > 3 else "."


def listener(path, backlog):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(backlog)
    return s


def stalls_by_backlog():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("full")
        s.sendall(b"through")


def stalls_by_page():
    with socket.socket(socket.AF_UNIX) as s, open(f"{directory}/page", "rb") as f:
        where = libc.mmap(None, mmap.PAGESIZE, mmap.PROT_READ, mmap.MAP_SHARED, f.fileno(), 0)
        libc.connect(s.fileno(), ctypes.c_void_p(where), 110)


def stalls_by_path():
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"{directory}/stuck/socket")


def stalls_by_memory():
    """Each page its own mapping; forks copy them all, and hold off whoever reads meanwhile."""
    size = 30000 * mmap.PAGESIZE
    where = libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    for i in range(0, size, 2 * mmap.PAGESIZE):
        libc.mprotect(ctypes.c_void_p(where + i), mmap.PAGESIZE, mmap.PROT_READ)

    def connect():
        while True:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect_ex("others")

    for _ in range(2):
        threading.Thread(target=connect, daemon=True).start()
    while True:
        pid = os.fork()
        if not pid:
            os._exit(0)
        os.waitpid(pid, 0)


libc.mmap.restype = ctypes.c_long
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


def rounds():
    begun = time.monotonic()
    for _ in range(100):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect("others")
            s.sendall(struct.pack("i", 1))
            if s.recv(8) != struct.pack("i", 1):
                raise SystemExit("another's answer")
    return int((time.monotonic() - begun) * 1000)


def serve(s):
    while True:
        peer = s.accept()[0]
        with peer:
            try:
                peer.sendall(peer.recv(8))
            except OSError:
                pass


def in_a_child():
    out, into = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(into, str(rounds()).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    return os.read(out, 16).decode()


os.chdir("/tmp")
full = listener("full", 0)
others = listener("others", 64)
threading.Thread(target=serve, args=(others,), daemon=True).start()
with socket.socket(socket.AF_UNIX) as first:
    first.connect("full")
    children = []
    for _ in range(n):
        pid = os.fork()
        if not pid:
            # Of this process, the others' thread is not in the child.
            globals()[f"stalls_by_{kind}"]()
            os._exit(7)
        children.append(pid)
    time.sleep(1.0)
    gone = [pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]]
    print("stalled", n - len(gone), flush=True)
    print("others", in_a_child(), flush=True)
    print("itself", rounds(), flush=True)
    begun = time.monotonic()
    half = children[: n // 2]
    for pid in half:
        os.kill(pid, signal.SIGKILL)
    for pid in half:
        os.waitpid(pid, 0)
    print("killed", int((time.monotonic() - begun) * 1000), flush=True)
    if kind == "backlog":
        begun = time.monotonic()
        full.settimeout(5)
        through = 0
        full.accept()[0].close()
        while through < n - len(half):
            peer = full.accept()[0]
            through += peer.recv(8) == b"through"
            peer.close()
        print("through", through, flush=True)
        print("took", int((time.monotonic() - begun) * 1000), flush=True)
        for pid in children[n // 2:]:
            os.waitpid(pid, 0)
    print("others-after", in_a_child(), flush=True)
os._exit(0)
