# SPDX-License-Identifier: Apache-2.0
"""small_internet.py LOG - the machines that probes aim at, all of them this process

Runs in a network namespace of its own in which the addresses of ADDRESSES are local.
Every TCP connection and UDP datagram to any of PORTS is answered with
"small-internet ADDRESS PORT" and written to LOG; so is every DNS query, whose answer
is 192.0.2.53.
"""
import selectors
import socket
import struct
import sys

PORTS = [22, 53, 80, 123, 443, 853, 3128, 8443, 40000]
log = open(sys.argv[1], "a", buffering=1)
selector = selectors.DefaultSelector()
IP_PKTINFO, IPV6_RECVPKTINFO, IPV6_PKTINFO = 8, 49, 50


def plain(address):
    return address[7:] if address.startswith("::ffff:") else address


def answer_tcp(listener):
    conn, _ = listener.accept()
    address, port = conn.getsockname()[:2]
    log.write("tcp %s %d\n" % (plain(address), port))
    conn.sendall(b"small-internet %s %d\n" % (plain(address).encode(), port))
    conn.settimeout(0.2)
    try:
        conn.recv(4096)
    except OSError:
        pass
    conn.close()


def answer_udp(sock):
    data, ancillary, _, peer = sock.recvmsg(4096, 256)
    port = sock.getsockname()[1]
    packed = next(d for l, t, d in ancillary if t == IPV6_PKTINFO)
    address = plain(socket.inet_ntop(socket.AF_INET6, packed[:16]))
    log.write("udp %s %d %r\n" % (address, port, data[:80]))
    if port == 53:
        reply = (data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + data[12:]
                 + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes([192, 0, 2, 53]))
    else:
        reply = b"small-internet %s %d\n" % (address.encode(), port)
    sock.sendmsg([reply], [(socket.IPPROTO_IPV6, IPV6_PKTINFO, packed[:16] + b"\0\0\0\0")], 0, peer)


for port in PORTS:
    for kind, handler in ((socket.SOCK_STREAM, answer_tcp), (socket.SOCK_DGRAM, answer_udp)):
        s = socket.socket(socket.AF_INET6, kind)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
        s.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND: answer from any address
        if kind == socket.SOCK_STREAM:
            s.setsockopt(socket.IPPROTO_TCP, 23, 16)  # TCP_FASTOPEN
        s.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            s.listen(64)
        selector.register(s, selectors.EVENT_READ, handler)
log.write("ready\n")
while True:
    for key, _ in selector.select():
        try:
            key.data(key.fileobj)
        except OSError as err:
            log.write("error %s\n" % err)
