# SPDX-License-Identifier: Apache-2.0
"""tier_b_inside.py PORT LAN UNIX STATE - what an agent tries in tier B; one line "name: outcome"

PORT is of listeners on all of the host's addresses, TCP and UDP, LAN one of these that is not
the loopback's; UNIX a listening socket's path; STATE mcpjail's state directory.
"""
import ctypes
import errno
import fcntl
import multiprocessing
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PORT, LAN, UNIX, STATE = int(sys.argv[1]), *sys.argv[2:5]
GREETING = b"host-socket"
OWN = os.path.dirname(os.environ.get("SSL_CERT_FILE", UNIX))


def outcome(name, attempt):
    try:
        said = attempt()
    except OSError as err:
        said = errno.errorcode.get(err.errno, str(err))
    print(f"{name}: {said}", flush=True)


def tcp(address, family=socket.AF_INET):
    with socket.socket(family) as s:
        s.settimeout(5)
        s.connect(address)
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        said = s.recv(100)
    if said == GREETING:
        return "reached"
    return "refused by the proxy" if b"400 Bad Request" in said or b"403" in said else said


def udp(address, how):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        if how == "sendto":
            return s.sendto(b"x", address)
        if how == "sendmsg":
            return s.sendmsg([b"x"], [], 0, address)
        s.connect(address)
        return s.send(b"x") if how == "send" else os.write(s.fileno(), b"x")


def bound(address, family=socket.AF_INET):
    with socket.socket(family) as s:
        if address:
            s.bind(address)
        s.listen()
        return s.getsockname()[0]


def serve(family, at, to, client):
    with socket.socket(family) as s, socket.socket(client) as c:
        s.bind((at, 0))
        s.listen()
        c.connect((to, s.getsockname()[1]))
        a, _ = s.accept()
        a.sendall(b"served")
        a.close()
        return c.recv(10).decode()


def reused():
    """Who had a port once is not reached any more, each time, nor is who has it afterwards."""
    for _ in range(300):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
        try:
            return tcp(("127.0.0.1", port))
        except ConnectionRefusedError as err:
            refused = err
    raise refused


def unix(name):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(name)
        return s.recv(20).decode()


def interrupted():
    """Signals at any time interrupt no call that the broker answers."""
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
    for _ in range(200):
        with socket.socket() as s:
            s.connect(("192.0.2.77", 443))
    signal.setitimer(signal.ITIMER_REAL, 0)
    return "no call failed"


def threads():
    done = []

    def work():
        for _ in range(20):
            with socket.socket() as s:
                s.connect(("192.0.2.77", 443))
        done.append(subprocess.run(["true"], check=True).returncode)

    all_of_them = [threading.Thread(target=work) for _ in range(8)]
    for t in all_of_them:
        t.start()
    for t in all_of_them:
        t.join()
    return sum(done), len(done)


def clone3():
    libc = ctypes.CDLL(None, use_errno=True)
    args = (ctypes.c_uint64 * 8)()
    args[0], args[4] = 0x40000000, signal.SIGCHLD  # CLONE_NEWNET
    nr = 435
    if libc.syscall(nr, ctypes.byref(args), ctypes.sizeof(args)) == 0:
        os._exit(0)
    return errno.errorcode[ctypes.get_errno()]


def full_listener():
    """Nobody is accepted; also those that fill it. Little room is made more: until one is refused."""
    listener, fillers = socket.create_server(("127.0.0.1", 0), backlog=0), []
    for _ in range(1000):
        fillers.append(socket.socket())
        fillers[-1].setblocking(False)
        if fillers[-1].connect_ex(listener.getsockname()) == errno.ECONNREFUSED:
            break
    return listener, fillers


def refused_when_full():
    """Neither who waits nor who does not is left half connected, whatever time or signal it has."""
    said = []
    signal.signal(signal.SIGALRM, lambda *_: None)
    listener, _fillers = full_listener()
    for blocking, alarm, timeout in ((True, 0, 0), (False, 0, 0), (True, 0.1, 0), (True, 0, 0.1)):
        with socket.socket() as s:
            s.setblocking(blocking)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, int(timeout * 1e6)))
            signal.setitimer(signal.ITIMER_REAL, alarm)
            r = s.connect_ex(listener.getsockname())
            said.append(errno.errorcode[r] if r else "connected")
            state = struct.unpack_from("B", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104))[0]
            said.append("closed" if state == 7 else f"state {state}")
    return " ".join(sorted(set(said)))


def knock(listener):
    while True:
        with socket.socket() as s:
            s.connect_ex(listener.getsockname())


def crowd():
    """More than the broker has workers wait for a listener that has no room, and nobody else does."""
    listener, _fillers = full_listener()
    own = socket.create_server(("127.0.0.1", 0), backlog=64)
    waiting = os.fork()
    if not waiting:
        for _ in range(300):
            threading.Thread(target=knock, args=(listener,)).start()
        time.sleep(60)
        os._exit(0)
    time.sleep(1.5)
    begun = time.monotonic()
    for _ in range(50):
        with socket.create_connection(own.getsockname()):
            own.accept()[0].close()
    took = time.monotonic() - begun
    alive = not os.waitpid(waiting, os.WNOHANG)[0]
    os.kill(waiting, signal.SIGKILL)
    os.waitpid(waiting, 0)
    return "no other waits" if alive and took < 5 else (alive, took)


def hand_over(port):
    """To tier_b_host.py, which runs in the same directory."""
    with open("handover.new", "w", encoding="ascii") as f:
        f.write(f"{port}\n")
    os.rename("handover.new", "handover")
    while os.path.exists("handover"):
        time.sleep(0.01)


def flags_changed():
    """Another process makes the socket block again and again: no connect() lasts for that."""
    listener, _fillers = full_listener()
    slowest = 0
    for _ in range(5):
        with socket.socket() as s:
            s.setblocking(False)
            changes = os.fork()
            while not changes:
                fcntl.fcntl(s, fcntl.F_SETFL, 0)
            begun = time.monotonic()
            s.connect_ex(listener.getsockname())
            slowest = max(slowest, time.monotonic() - begun)
            os.kill(changes, signal.SIGKILL)
            os.waitpid(changes, 0)
    return "at once" if slowest < 0.9 else slowest


def handed_over():
    """What began while the listener was the agent's does not end at who has its port afterwards."""
    listener, fillers = full_listener()
    port = listener.getsockname()[1]
    gone = os.fork()
    if not gone:  # that a caller is gone changes nothing
        socket.socket().connect_ex(listener.getsockname())
        os._exit(0)
    time.sleep(0.1)
    os.kill(gone, signal.SIGKILL)
    os.waitpid(gone, 0)
    for s in fillers[:-1]:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    last = [fillers[-1]]
    for _ in range(4):
        last.append(socket.socket())
        last[-1].setblocking(False)
        last[-1].connect_ex(("127.0.0.1", port))
    listener.close()
    hand_over(port)
    time.sleep(3.5)
    got = set()
    for s in last:
        try:
            got.add(s.recv(20))
        except OSError as err:
            got.add(errno.errorcode[err.errno])
    return "reached" if GREETING in got else "not reached"


def many():
    """More sockets than the broker keeps, one after the other."""
    for i in range(3000):
        with socket.socket(type=socket.SOCK_DGRAM if i % 2 else socket.SOCK_STREAM):
            pass
    return "no call failed"


def passed_on():
    """A socket that another process connects is the same."""
    with socket.socket() as s:
        pid = os.fork()
        if not pid:
            s.connect(("192.0.2.77", 443))
            os._exit(0)
        os.waitpid(pid, 0)
        s.sendall(b"\n\n\n\n\n\n\n\n")
        return "connected" if s.getpeername() else ""


def resolved():
    return socket.getaddrinfo("promptfax.app", 443, socket.AF_INET)[0][4][0].startswith("198.18.")


outcome("host loopback", lambda: tcp(("127.0.0.1", PORT)))
outcome("host loopback, any", lambda: tcp(("0.0.0.0", PORT)))
outcome("host loopback, 127.1.2.3", lambda: tcp(("127.1.2.3", PORT)))
outcome("host loopback, v6", lambda: tcp(("::1", PORT), socket.AF_INET6))
outcome("host loopback, mapped", lambda: tcp(("::ffff:127.0.0.1", PORT), socket.AF_INET6))
outcome("host LAN", lambda: tcp((LAN, PORT)))
outcome("host LAN, mapped", lambda: tcp(("::ffff:" + LAN, PORT), socket.AF_INET6))
outcome("elsewhere", lambda: tcp(("192.0.2.77", 80)))
outcome("elsewhere, v6", lambda: tcp(("2001:db8::1", 80), socket.AF_INET6))
outcome("multicast", lambda: tcp(("224.0.0.1", 80)))
for way in ("sendto", "sendmsg", "send", "write"):
    for where in ("127.0.0.1", LAN):
        outcome(f"udp by {way}, {where if where[0:4] == '127.' else 'LAN'}",
                lambda: udp((where, PORT), way))
def undone():
    """Listens with a socket that was bound by a connect() only, which was then taken back."""
    (full, _fillers), s = full_listener(), socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 1)
    s.connect_ex(full.getsockname())
    for length in (16, 12):
        ctypes.CDLL(None).connect(s.fileno(), bytes(16), length)
    s.listen(1)
    return s.getsockname()[0]


def option(family, level, name):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.setsockopt(level, name, b"")


IPV6_2292PKTOPTIONS = 6
outcome("bind any", lambda: bound(("0.0.0.0", 0)))
outcome("bind any, v6", lambda: bound(("::", 0), socket.AF_INET6))
outcome("bind LAN", lambda: bound((LAN, 0)))
outcome("listen without bind", lambda: bound(None))
outcome("listen after a connect that was undone", undone)
outcome("source route", lambda: option(socket.AF_INET, socket.IPPROTO_IP, socket.IP_OPTIONS))
outcome("source route, v6", lambda: option(socket.AF_INET6, socket.IPPROTO_IPV6, socket.IPV6_RTHDR))
outcome("source route, v6, sticky", lambda: option(socket.AF_INET6, socket.IPPROTO_IPV6, IPV6_2292PKTOPTIONS))
outcome("group", lambda: option(socket.AF_INET, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP))
outcome("group, v6", lambda: option(socket.AF_INET6, socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP))
outcome("device", lambda: option(socket.AF_INET, socket.SOL_SOCKET, socket.SO_BINDTODEVICE))
outcome("own server", lambda: serve(socket.AF_INET, "0.0.0.0", "127.0.0.1", socket.AF_INET))
outcome("own server, both families", lambda: serve(socket.AF_INET6, "::", "127.0.0.1", socket.AF_INET))
outcome("own server, from v6", lambda: serve(socket.AF_INET6, "::", "::1", socket.AF_INET6))
outcome("own server, v6", lambda: serve(socket.AF_INET6, "::1", "::1", socket.AF_INET6))
outcome("own server that has gone", reused)
outcome("unix path", lambda: unix(UNIX))
outcome("unix abstract", lambda: unix("\0mcpjail-tier-b-" + str(PORT)))
outcome("unix bind outside", lambda: socket.socket(socket.AF_UNIX).bind(os.path.dirname(UNIX) + "/s" + str(os.getpid())))
outcome("unix bind beside the CA", lambda: socket.socket(socket.AF_UNIX).bind(OWN + "/s"))
outcome("packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
outcome("signal to init", lambda: os.kill(os.getppid(), 0))
outcome("signal to 1", lambda: os.kill(1, 0))
outcome("memory of init", lambda: open(f"/proc/{os.getppid()}/environ", "rb").read())
outcome("root of 1", lambda: os.listdir("/proc/1/root"))
outcome("write beside", lambda: open(os.path.dirname(UNIX) + "/file", "w"))
outcome("write /tmp", lambda: open("/tmp/mcpjail-tier-b", "w"))
outcome("truncate", lambda: os.truncate(os.path.dirname(UNIX) + "/kept", 0))
outcome("write the CA", lambda: open(os.environ["SSL_CERT_FILE"], "a"))
outcome("read the state", lambda: open(STATE + "/mcpjail/hmac.key").read())
outcome("read a credential", lambda: open(os.path.expanduser("~/.ssh/id")).read())
outcome("read beside one", lambda: open(os.path.expanduser("~/.config/other")).read().strip())
outcome("read another terminal", lambda: os.open("/dev/pts/0", os.O_RDONLY | os.O_NOCTTY))
outcome("clone3 with namespaces", clone3)
outcome("temporary files", lambda: tempfile.mkdtemp().startswith("/tmp/mcpjail-"))
outcome("processes of multiprocessing", lambda: multiprocessing.Pool(2).map(abs, [-1, -2]))
outcome("threads that connect and execute", threads)
outcome("signals while connecting", interrupted)
outcome("thousands of sockets", many)
outcome("a listener without room", refused_when_full)
outcome("a port that changes hands", handed_over)
outcome("flags that change while connecting", flags_changed)
outcome("a crowd before a full listener", crowd)
outcome("a socket connected by a child", passed_on)
outcome("a name", resolved)
