# SPDX-License-Identifier: Apache-2.0
"""Unix sockets that a program makes and uses itself: all of it as it is without a jail.

Prints one line per check, "ok NAME" or "not ok NAME: what came instead". Runs outside of a
jail as well, which shows that what is expected here is what the kernel does.
"""
import array
import ctypes
import errno
import fcntl
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def raw(call, fd, path, extra=1):
    """connect or bind with an address of exactly 2 + len(path) + extra bytes."""
    address = struct.pack("=H", socket.AF_UNIX) + path.encode() + b"\0" * 200
    size = 2 + len(path) + extra
    r = getattr(libc, call)(fd, address, size)
    return 0 if r == 0 else ctypes.get_errno()


def error_of(function, *args):
    try:
        function(*args)
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e.errno))
    return "0"


def listener(path, kind=socket.SOCK_STREAM, backlog=8):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(path)
    s.listen(backlog)
    return s


def talk(server, path, kind=socket.SOCK_STREAM):
    """A client's line, and the server's answer."""
    with socket.socket(socket.AF_UNIX, kind) as client:
        client.connect(path)
        with server.accept()[0] as peer:
            client.sendall(b"ping")
            got = peer.recv(16)
            peer.sendall(b"pong")
            return (got, client.recv(16)) == (b"ping", b"pong")


def expect(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r}, not {wanted!r}")


@check
def stream():
    with listener("s") as s:
        expect(talk(s, "s"), True)
        expect(s.getsockname(), "s")


@check
def seqpacket():
    with listener("q", socket.SOCK_SEQPACKET) as s:
        expect(talk(s, "q", socket.SOCK_SEQPACKET), True)


@check
def abstract_name():
    with listener("\0mcpjail-test") as s:
        expect(talk(s, "\0mcpjail-test"), True)


@check
def name_chosen_by_the_kernel():
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("")
        s.listen(1)
        name = s.getsockname()
        expect((len(name), name[:1]), (6, b"\0"))
        expect(talk(s, name), True)


@check
def names_on_both_ends():
    with listener(os.path.abspath("both")) as s, socket.socket(socket.AF_UNIX) as c:
        c.connect("both")
        expect(c.getpeername(), os.path.abspath("both"))
        expect(c.getsockname(), "")


@check
def paths_of_every_length():
    here = os.open(".", os.O_RDONLY)
    for n in [1, 2, 5, 9, 10, 11, 12, 13, 14, 15, 23, 24, 25, 26, 27, 28, 100, 107]:
        for extra in (0, 1):
            path = "x" * n
            with socket.socket(socket.AF_UNIX) as s, socket.socket(socket.AF_UNIX) as c:
                expect((n, extra, "bind", raw("bind", s.fileno(), path, extra)), (n, extra, "bind", 0))
                s.listen(1)
                expect((n, extra, raw("connect", c.fileno(), path, extra)), (n, extra, 0))
            os.unlink(path)
    with socket.socket(socket.AF_UNIX) as s:
        expect(raw("bind", s.fileno(), "y" * 108, 0), 0)
        s.listen(1)
        with socket.socket(socket.AF_UNIX) as c:
            expect(raw("connect", c.fileno(), "y" * 108, 0), 0)
    os.close(here)


@check
def ways_to_the_same_file():
    os.makedirs("d/e", exist_ok=True)
    with listener("d/w") as s:
        os.symlink("w", "d/link")
        os.symlink(os.path.abspath("d/w"), "absolute")
        os.symlink("d", "dir")
        for path in ["./d/w", "d/e/../w", os.path.abspath("d/w"), "d/link", "absolute", "dir/w", "dir/e/../link"]:
            expect((path, talk(s, path)), (path, True))
        here = os.getcwd()
        os.chdir("d/e")
        expect(talk(s, "../w"), True)
        os.chdir(here)
        os.link("d/w", "hard")
        expect(talk(s, "hard"), True)
        os.rename("d/w", "d/renamed")
        expect(talk(s, "d/renamed"), True)
        expect(error_of(talk, s, "d/w"), "ENOENT")


@check
def flags_of_the_descriptor():
    for kind, nonblock, cloexec in [(0, False, False), (socket.SOCK_NONBLOCK, True, False),
                                    (socket.SOCK_CLOEXEC, False, True),
                                    (socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, True, True)]:
        fds = [libc.socket(socket.AF_UNIX, socket.SOCK_STREAM | kind, 0) for _ in range(2)]
        flags = []
        name = f"flags{kind}"
        expect(raw("bind", fds[0], name), 0)
        expect(libc.listen(fds[0], 1), 0)
        expect(raw("connect", fds[1], name), 0)
        for fd in fds:
            flags.append((bool(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK),
                          bool(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC)))
            os.close(fd)
        expect(flags, [(nonblock, cloexec)] * 2)


@check
def flags_set_later():
    with listener("later") as s, socket.socket(socket.AF_UNIX) as c:
        c.setblocking(False)
        os.set_inheritable(c.fileno(), True)
        c.connect("later")
        expect(error_of(c.recv, 1), "EAGAIN")
        expect(os.get_inheritable(c.fileno()), True)
        out = subprocess.run([sys.executable, "-c", f"import os; os.write({c.fileno()}, b'child')"],
                             pass_fds=[c.fileno()], check=False)
        with s.accept()[0] as peer:
            expect((out.returncode, peer.recv(16)), (0, b"child"))


@check
def options_of_the_socket():
    with listener("options") as s, socket.socket(socket.AF_UNIX) as c:
        wanted = struct.pack("ll", 3, 0)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wanted)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        c.connect("options")
        expect(c.getsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED), 1)
        expect(c.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16), wanted)
        expect(c.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF), 131072)
        s.accept()[0].close()


@check
def users_of_the_peers():
    with listener("cred") as s, socket.socket(socket.AF_UNIX) as c:
        c.connect("cred")
        with s.accept()[0] as peer:
            for end in (c, peer):
                _, uid, gid = struct.unpack("iII", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
                expect((uid, gid), (os.getuid(), os.getgid()))
        pid, _, _ = struct.unpack("iII", c.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        expect(pid, os.getpid())


@check
def descriptors_over_a_socket():
    with listener("rights") as s, socket.socket(socket.AF_UNIX) as c, tempfile.TemporaryFile() as f:
        c.connect("rights")
        f.write(b"content")
        f.flush()
        with s.accept()[0] as peer:
            c.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [f.fileno()]))])
            _, fds, _, _ = socket.recv_fds(peer, 1, 1)
            expect(os.pread(fds[0], 16, 0), b"content")
            os.close(fds[0])


@check
def full_backlog():
    with listener("full", backlog=0) as s, socket.socket(socket.AF_UNIX) as first:
        first.connect("full")
        with socket.socket(socket.AF_UNIX) as c:
            c.setblocking(False)
            expect(error_of(c.connect, "full"), "EAGAIN")
        with socket.socket(socket.AF_UNIX) as c:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 200000))
            begun = time.monotonic()
            expect(error_of(c.connect, "full"), "EAGAIN")
            expect(0.15 < time.monotonic() - begun < 2, True)
        with socket.socket(socket.AF_UNIX) as c:
            thread = threading.Thread(target=lambda: (time.sleep(0.2), s.accept()[0].close()))
            thread.start()
            begun = time.monotonic()
            c.connect("full")
            expect(time.monotonic() - begun > 0.15, True)
            thread.join()


@check
def watched_before_connected():
    with listener("watched") as s, socket.socket(socket.AF_UNIX) as c, select.epoll() as e, select.epoll() as other:
        c.setblocking(False)
        e.register(c, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        other.register(c, select.EPOLLIN)
        c.connect("watched")
        peer = s.accept()[0]
        e.poll(0)
        peer.sendall(b"x")
        expect([fd for fd, what in e.poll(2) if what & select.EPOLLIN], [c.fileno()])
        expect(other.poll(2), [(c.fileno(), select.EPOLLIN)])
        other.modify(c, 0)
        e.unregister(c)
        expect(e.poll(0.05), [])
        peer.close()
    with socket.socket(socket.AF_UNIX) as s, select.epoll() as e, socket.socket(socket.AF_UNIX) as c:
        s.setblocking(False)
        e.register(s, select.EPOLLIN)
        s.bind("watched-server")
        s.listen(1)
        c.connect("watched-server")
        expect(e.poll(2), [(s.fileno(), select.EPOLLIN)])


@check
def signals_while_it_waits():
    with listener("signals", backlog=0) as s, socket.socket(socket.AF_UNIX) as first:
        first.connect("signals")
        for restarts in (False, True):
            came = []
            signal.signal(signal.SIGALRM, lambda *_: came.append(time.monotonic()))
            signal.siginterrupt(signal.SIGALRM, not restarts)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            begun = time.monotonic()
            room = threading.Timer(0.5, lambda: s.accept()[0].close())
            if restarts:
                room.start()
            with socket.socket(socket.AF_UNIX) as c:
                r = raw("connect", c.fileno(), "signals")
                took = time.monotonic() - begun
                expect((restarts, r), (restarts, 0 if restarts else errno.EINTR))
                expect((restarts, took < 0.4), (restarts, not restarts))
            if restarts:
                room.join()
        stopped = os.fork()
        if not stopped:
            with socket.socket(socket.AF_UNIX) as c, socket.socket(socket.AF_UNIX) as d:
                c.connect_ex("signals")
                d.connect_ex("signals")
            os._exit(0)
        time.sleep(0.2)
        os.kill(stopped, signal.SIGTSTP)
        for _ in range(100):
            pid, status = os.waitpid(stopped, os.WUNTRACED | os.WNOHANG)
            if pid:
                break
            time.sleep(0.02)
        expect((pid == stopped, pid and os.WIFSTOPPED(status)), (True, True))
        os.kill(stopped, signal.SIGKILL)
        os.waitpid(stopped, 0)


@check
def more_descriptors_than_numbers():
    many = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        for n in (600, 1100):
            while len(many) < n:
                many.append(os.open("/dev/null", os.O_RDONLY))
            name = f"many{n}"
            with listener(name) as s:
                expect((n, talk(s, name)), (n, True))
                with socket.create_server(("127.0.0.1", 0)) as tcp, \
                        socket.create_connection(tcp.getsockname()) as c:
                    expect(tcp.accept()[0].getpeername(), c.getsockname())
    finally:
        for fd in many:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@check
def few_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (48, hard))
    held = []
    try:
        with listener("few") as s:
            expect(talk(s, "few"), True)
        name = error_of(lambda: [held.append(socket.socket(socket.AF_UNIX)) for _ in range(64)])
        expect(name, "EMFILE")
    finally:
        for s in held:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@check
def internet_sockets_with_high_numbers():
    high = 700
    for family, address in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(family, kind) as s, socket.socket(family, kind) as c:
                os.dup2(s.fileno(), high)
                os.dup2(c.fileno(), high + 1)
                with socket.socket(fileno=high) as hs, socket.socket(fileno=high + 1) as hc:
                    hs.bind((address, 0))
                    if kind == socket.SOCK_STREAM:
                        hs.listen(1)
                    hc.connect(hs.getsockname())
                    expect(hc.getpeername(), s.getsockname())


@check
def errors_of_connect():
    os.makedirs("errors", exist_ok=True)
    open("errors/file", "w").close()
    with listener("errors/s") as s, socket.socket(socket.AF_UNIX) as dead:
        dead.bind("errors/dead")
        dead.close()
        for path, wanted in [("errors/none", "ENOENT"), ("errors/file/x", "ENOTDIR"), ("errors/file", "ECONNREFUSED"),
                             ("errors", "ECONNREFUSED"), ("errors/dead", "ECONNREFUSED"), ("z" * 107 , "ENOENT")]:
            with socket.socket(socket.AF_UNIX) as c:
                expect((path, error_of(c.connect, path)), (path, wanted))
                # It can still be connected afterwards.
                c.connect("errors/s")
                s.accept()[0].close()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
            expect(error_of(c.connect, "errors/s"), "EPROTOTYPE")
        with socket.socket(socket.AF_UNIX) as c:
            expect(error_of(c.connect, "\0nobody"), "ECONNREFUSED")
            c.connect("errors/s")
            expect(error_of(c.connect, "errors/s"), "EISCONN")
        expect(error_of(s.connect, "errors/s"), "EINVAL")
        with socket.socket(socket.AF_UNIX) as c:
            expect(errno.errorcode[raw("connect", c.fileno(), "", 0)], "EINVAL")
            expect(errno.errorcode[raw("connect", c.fileno(), "a" * 109, 0)], "EINVAL")
            expect(errno.errorcode[raw("connect", c.fileno(), "a" * 120, 60)], "EINVAL")
            expect((libc.connect(c.fileno(), 8, 110), ctypes.get_errno()), (-1, errno.EFAULT))
            inet = struct.pack("=HH4s", socket.AF_INET, 80, b"\x7f\0\0\1") + b"\0" * 120
            expect((libc.connect(c.fileno(), inet, 20), ctypes.get_errno()), (-1, errno.EINVAL))
        expect(errno.errorcode[raw("connect", 999, "errors/s")], "EBADF")
        expect(errno.errorcode[raw("connect", -1, "errors/s")], "EBADF")
        with open("errors/file", encoding="ascii") as f:
            os.dup2(f.fileno(), 800)
            expect(errno.errorcode[raw("connect", 800, "errors/s")], "ENOTSOCK")
            os.close(800)
    if os.getuid():
        os.makedirs("closed", exist_ok=True)
        with listener("closed/s"):
            os.chmod("closed/s", 0)
            with socket.socket(socket.AF_UNIX) as c:
                expect(error_of(c.connect, "closed/s"), "EACCES")
            os.chmod("closed/s", 0o777)
            os.chmod("closed", 0)
            with socket.socket(socket.AF_UNIX) as c:
                expect(error_of(c.connect, "closed/s"), "EACCES")
            os.chmod("closed", 0o700)


@check
def errors_of_bind():
    with listener("taken") as s:
        with socket.socket(socket.AF_UNIX) as other:
            expect(error_of(other.bind, "taken"), "EADDRINUSE")
            expect(error_of(other.bind, "none/there"), "ENOENT")
            expect(error_of(other.bind, "taken/there"), "ENOTDIR")
            expect(error_of(other.listen, 1), "EINVAL")
            other.bind("free")
        expect(error_of(s.bind, "again"), "EINVAL")
        expect(os.path.exists("again"), False)
    with listener("\0once"), socket.socket(socket.AF_UNIX) as other:
        expect(error_of(other.bind, "\0once"), "EADDRINUSE")


@check
def mode_of_the_file():
    for mask in (0o077, 0o022, 0o177):
        before = os.umask(mask)
        with listener(f"mode{mask}"):
            expect(oct(os.stat(f"mode{mask}").st_mode & 0o777), oct(0o777 & ~mask))
        os.umask(before)


@check
def a_duplicate():
    with listener("dup") as s, socket.socket(socket.AF_UNIX) as c:
        low = os.dup(c.fileno())
        expect(raw("connect", low, "dup"), 0)
        peer = s.accept()[0]
        os.write(low, b"low")
        expect(peer.recv(8), b"low")
        os.close(low)
        peer.close()


@check
def children_and_daemons():
    with listener("child") as s:
        pid = os.fork()
        if not pid:
            with socket.socket(socket.AF_UNIX) as c:
                c.connect("child")
                c.sendall(b"from a child")
            os._exit(0)
        expect(s.accept()[0].recv(32), b"from a child")
        os.waitpid(pid, 0)


@check
def many_threads():
    failures = []
    with listener("threads", backlog=64) as s:
        def serve():
            for _ in range(600):
                with s.accept()[0] as peer:
                    peer.sendall(peer.recv(8))

        def connect():
            for _ in range(50):
                try:
                    with socket.socket(socket.AF_UNIX) as c:
                        c.connect("threads")
                        c.sendall(b"12345678")
                        if c.recv(8) != b"12345678":
                            failures.append("another's bytes")
                except OSError as e:
                    failures.append(str(e))

        threads = [threading.Thread(target=connect) for _ in range(12)] + [threading.Thread(target=serve)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    expect(failures, [])


@check
def many_listeners_one_after_the_other():
    for i in range(300):
        with listener(f"turn{i % 7}") as s:
            expect(talk(s, f"turn{i % 7}"), True)
        os.unlink(f"turn{i % 7}")


@check
def many_listeners_at_a_time():
    held = [listener(f"held{i}") for i in range(150)]
    for i, s in enumerate(held):
        expect(talk(s, f"held{i}"), True)
    for s in held:
        s.close()


def main():
    tempfile.tempdir = os.getcwd()
    os.chdir(tempfile.mkdtemp())
    wanted = sys.argv[1:]
    for function in CHECKS:
        if wanted and function.__name__ not in wanted:
            continue
        try:
            function()
            print(f"ok {function.__name__}", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            print(f"not ok {function.__name__}: {e!r}", flush=True)


main()
