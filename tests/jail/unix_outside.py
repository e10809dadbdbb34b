# SPDX-License-Identifier: Apache-2.0
"""unix_outside.py WRITABLE READ_ONLY ASK - every way to the host's unix sockets

As hostile code in the jail would try them: WRITABLE and READ_ONLY are directories in which
somebody of the host listens (unix_host.py), named stream, seqpacket and dgram, and by names
of 10, 14 and 26 letters. Prints "NAME ERRNO" for each attempt, or "NAME reached".
"""
import ctypes
import errno
import os
import resource
import socket
import struct
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
writable, read_only, ask = (os.path.abspath(p) for p in sys.argv[1:4])


def raw_connect(fd, path, size=None):
    address = struct.pack("=H", socket.AF_UNIX) + path + b"\0" * 128
    size = size or 2 + len(path)
    return "connected" if libc.connect(fd, address, size) == 0 else errno.errorcode[ctypes.get_errno()]


def told(fd):
    """Connected is not reached: somebody of the jail may be there."""
    with socket.socket(fileno=os.dup(fd)) as s:
        s.settimeout(2)
        try:
            return s.recv(16) == b"REACHED\n"
        except OSError:
            return False


def attempt(name, function, *args):
    try:
        r = function(*args)
    except OSError as e:
        r = errno.errorcode[e.errno]
    print(name, r or "nothing", flush=True)


def connect(path, kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_UNIX, kind) as s:
        s.connect(path)
        return "reached" if told(s.fileno()) else "connected"


def by_file(where, tag):
    path = f"{where}/stream"
    attempt(f"{tag}-path", connect, path)
    attempt(f"{tag}-seqpacket", connect, f"{where}/seqpacket", socket.SOCK_SEQPACKET)
    attempt(f"{tag}-relative", lambda: (os.chdir(where), connect("stream"))[1])
    attempt(f"{tag}-dots", lambda: (os.chdir(where), connect("../" + os.path.basename(where) + "/./stream"))[1])
    attempt(f"{tag}-datagram-socket", connect, f"{where}/dgram", socket.SOCK_DGRAM)
    for proc in ["self", "thread-self", str(os.getpid()), "1"]:
        attempt(f"{tag}-proc-{proc}-root", connect, f"/proc/{proc}/root{path}"[-107:] if len(path) > 80 else f"/proc/{proc}/root{path}")
        attempt(f"{tag}-proc-{proc}-cwd", connect, f"/proc/{proc}/cwd/stream")
    there = os.open(where, os.O_PATH | os.O_DIRECTORY)
    attempt(f"{tag}-proc-fd-dir", connect, f"/proc/self/fd/{there}/stream")
    attempt(f"{tag}-proc-pid-fd-dir", connect, f"/proc/{os.getpid()}/fd/{there}/stream")
    file = os.open(path, os.O_PATH)
    attempt(f"{tag}-proc-fd-file", connect, f"/proc/self/fd/{file}")
    attempt(f"{tag}-dev-fd-file", connect, f"/dev/fd/{file}")
    os.close(there)
    os.close(file)


def by_link(tag):
    os.chdir(writable)
    for where, name in [(writable, "w"), (read_only, "r")]:
        os.symlink(f"{where}/stream", f"symlink-{name}")
        attempt(f"{tag}-symlink-{name}", connect, f"symlink-{name}")
        os.symlink(where, f"symdir-{name}")
        attempt(f"{tag}-symlinked-dir-{name}", connect, f"symdir-{name}/stream")
    os.link("stream", "hardlink")
    attempt(f"{tag}-hard-link", connect, "hardlink")
    attempt(f"{tag}-hard-link-from-read-only", lambda: (os.link(f"{read_only}/stream", "other"), connect("other"))[1])
    with socket.socket(socket.AF_UNIX) as own:
        own.bind("own")
        own.listen(4)
        os.rename("hardlink", "own")
        attempt(f"{tag}-over-our-own", connect, "own")
    os.mkdir("moved")
    os.rename("stream", "moved/elsewhere")
    attempt(f"{tag}-renamed", connect, "moved/elsewhere")
    os.rename("moved", "moved-too")
    attempt(f"{tag}-renamed-dir", connect, "moved-too/elsewhere")
    os.rename("moved-too/elsewhere", "stream")


def by_number():
    """The filter sees numbers and lengths only: all of both that it lets pass."""
    for where, tag in [(writable, "w"), (read_only, "r")]:
        os.chdir(where)
        for n in (10, 14, 26):
            short = b"n" * n
            with socket.socket(socket.AF_UNIX) as s:
                attempt(f"number-{tag}-{n}-as-it-is", raw_connect, s.fileno(), short)
                for low in (3, 100, 511, 512, 513, 1000):
                    fd = os.dup2(s.fileno(), low, inheritable=False) if low != s.fileno() else low
                    attempt(f"number-{tag}-{n}-{low}", raw_connect, fd, short)
                    attempt(f"number-{tag}-{n}-{low}-long", raw_connect, fd, short, 110)
                    os.close(fd)
        pair = socket.socketpair()
        attempt(f"number-{tag}-pair", raw_connect, pair[0].fileno(), b"n" * 14)
        attempt(f"number-{tag}-pair-long", raw_connect, pair[0].fileno(), b"n" * 14, 110)
        pair[1].close()
        attempt(f"number-{tag}-pair-half-closed", raw_connect, pair[0].fileno(), b"n" * 14)
        attempt(f"number-{tag}-pair-half-closed-long", raw_connect, pair[0].fileno(), b"n" * 14, 110)
        pair[0].close()
        with socket.socket(socket.AF_UNIX) as s, socket.socket(socket.AF_UNIX) as c:
            os.chdir(writable)
            s.bind(f"server-{tag}")
            os.chdir(where)
            attempt(f"number-{tag}-bound-listener", raw_connect, os.dup2(s.fileno(), 90), b"n" * 14)
            attempt(f"number-{tag}-bound-listener-long", raw_connect, s.fileno(), b"n" * 14, 110)
            s.listen(1)
            attempt(f"number-{tag}-listener", raw_connect, os.dup2(s.fileno(), 90), b"n" * 14)
            attempt(f"number-{tag}-listener-long", raw_connect, s.fileno(), b"n" * 14, 110)
            c.connect(f"{writable}/server-{tag}")
            attempt(f"number-{tag}-connected", raw_connect, os.dup2(c.fileno(), 91), b"n" * 14)
            accepted = s.accept()[0]
            attempt(f"number-{tag}-accepted", raw_connect, os.dup2(accepted.fileno(), 92), b"n" * 14)
            c.close()
            attempt(f"number-{tag}-accepted-alone", raw_connect, 92, b"n" * 14)
            c.close()
            accepted.close()
            for fd in (90, 91, 92):
                os.close(fd)


def with_few_numbers():
    os.chdir(writable)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    with socket.socket(socket.AF_UNIX) as s:
        for n in (10, 14, 26):
            attempt(f"few-{n}", raw_connect, s.fileno(), b"n" * n)
            attempt(f"few-{n}-long", raw_connect, s.fileno(), b"n" * n, 110)
        bound = struct.pack("=H", socket.AF_UNIX) + b"b" * 14
        libc.bind(s.fileno(), bound, 16)
        libc.listen(s.fileno(), 1)
        attempt("few-bound", raw_connect, s.fileno(), b"n" * 14)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def without_connecting():
    path = f"{writable}/stream"
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as s:
            attempt(f"sendto-{kind}", s.sendto, b"x", socket.MSG_NOSIGNAL, path)
            attempt(f"sendmsg-{kind}", s.sendmsg, [b"x"], [], socket.MSG_NOSIGNAL, f"{writable}/dgram")
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        one, other = socket.socketpair(socket.AF_UNIX, kind)
        unspecified = struct.pack("=H", 0) + b"\0" * 14
        for disconnect in (False, True):
            name = f"pair-{kind}-{'dis' if disconnect else ''}connected"
            if disconnect:
                libc.connect(one.fileno(), unspecified, 16)
                libc.connect(one.fileno(), unspecified, 2)
            attempt(f"{name}-connect", raw_connect, one.fileno(), f"{writable}/dgram".encode(), 110)
            attempt(f"{name}-connect-short", lambda: (os.chdir(writable), raw_connect(one.fileno(), b"n" * 14))[1])
            one.sendto(b"x", socket.MSG_NOSIGNAL, f"{writable}/dgram")
            attempt(f"{name}-sendto", lambda: "own" if other.recv(8) == b"x" else "elsewhere")
    attempt("datagram", socket.socket, socket.AF_UNIX, socket.SOCK_DGRAM)
    attempt("raw", socket.socket, socket.AF_UNIX, socket.SOCK_RAW)
    attempt("abstract", connect, "\0mcpjail-host")


def by_others():
    """A placeholder that goes round before it is connected."""
    path = f"{writable}/stream"
    with socket.socket(socket.AF_UNIX) as s:
        pid = os.fork()
        if not pid:
            attempt("by-child", raw_connect, s.fileno(), path.encode(), 110)
            os._exit(0)
        os.waitpid(pid, 0)
        a, b = socket.socketpair()
        socket.send_fds(a, [b"x"], [s.fileno()])
        got = socket.recv_fds(b, 1, 1)[1][0]
        attempt("by-message", raw_connect, got, path.encode(), 110)
        os.chdir(writable)
        attempt("by-message-short", raw_connect, got, b"n" * 14)
        a.close()
        b.close()


def exchange(a, b):
    return libc.renameat2(-100, a.encode(), -100, b.encode(), 2)


def by_races(seconds):
    """Names that change while the broker looks at them."""
    os.chdir(writable)
    own = socket.socket(socket.AF_UNIX)
    own.bind("mine")
    own.listen(128)
    own.setblocking(False)
    os.link("stream", "theirs")
    stop = threading.Event()
    swaps = 0

    def swap():
        nonlocal swaps
        while not stop.is_set():
            exchange("mine", "theirs")
            swaps += 1

    thread = threading.Thread(target=swap)
    thread.start()
    tries = 0
    got = set()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket(socket.AF_UNIX) as s:
            got.add(raw_connect(s.fileno(), b"mine", 110))
            tries += 1
        try:
            while True:
                own.accept()[0].close()
        except OSError:
            pass
    stop.set()
    thread.join()
    print("race-connect", "EACCES" if got <= {"connected", "EACCES"} else got, flush=True)
    print(f"# {tries} connects while two names were swapped {swaps} times", flush=True)

    # A bind whose file is another's by the time that the broker looks which one it made.
    until = time.monotonic() + seconds
    pid = os.fork()
    if not pid:
        swaps = 0
        while time.monotonic() < until:
            try:
                os.link("stream", "cover")
            except OSError:
                pass
            while exchange("cover", "new") and time.monotonic() < until:
                pass
            os.unlink("cover")
            swaps += 1
        print(f"# {swaps} sockets were covered as soon as they were bound", flush=True)
        os._exit(0)
    answers = {}
    # Open they stay: what they were taken for would count for as long as they are there.
    held = []
    while time.monotonic() < until:
        s = socket.socket(socket.AF_UNIX)
        got = "0"
        try:
            s.bind("new")
            held.append(s)
        except OSError as e:
            got = errno.errorcode[e.errno]
            s.close()
        answers[got] = answers.get(got, 0) + 1
        while len(held) > 400:
            attempt("race-bind-held", connect, "stream")
            for s in held:
                s.close()
            held.clear()
        try:
            os.unlink("new")
        except OSError:
            pass
    os.waitpid(pid, 0)
    print(f"# bind said {answers}")
    attempt("race-bind", connect, "stream")
    for s in held:
        s.close()


def made_later():
    """Sockets that the host makes while the jail runs."""
    names = [f"stream:{writable}/late", f"stream:{read_only}/late"]
    with open(ask + ".new", "w", encoding="utf-8") as f:
        f.write("\n".join(names))
    os.rename(ask + ".new", ask)
    while os.path.exists(ask):
        time.sleep(0.02)
    attempt("late-w", connect, f"{writable}/late")
    attempt("late-r", connect, f"{read_only}/late")


by_file(writable, "w")
by_file(read_only, "r")
by_link("link")
by_number()
with_few_numbers()
without_connecting()
by_others()
made_later()
by_races(2)
