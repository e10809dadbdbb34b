# SPDX-License-Identifier: Apache-2.0
"""small_internet.py LOG - the machines that probes aim at, all of them this process

Runs in a network namespace of its own in which the addresses of ADDRESSES are local.
Every TCP connection and UDP datagram to any of PORTS is answered with
"small-internet ADDRESS PORT" and written to LOG, with what it brought; so is every DNS
query, whose answer is 192.0.2.53. Every packet that comes this way at all, but those by
which neighbours find each other, is written to LOG.packets.
"""
import selectors
import socket
import struct
import sys

PORTS = [22, 53, 80, 123, 443, 853, 3128, 8443, 40000]
log = open(sys.argv[1], "a", buffering=1)
packets = open(sys.argv[1] + ".packets", "a", buffering=1)
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
        log.write("  %r\n" % conn.recv(4096)[:80])
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
    try:
        sock.sendmsg([reply], [(socket.IPPROTO_IPV6, IPV6_PKTINFO, packed[:16] + b"\0\0\0\0")], 0, peer)
    except OSError:  # from an address of many nobody can answer
        sock.sendto(reply, peer)


def note_packet(sock):
    data, (_, protocol, direction, *_) = sock.recvfrom(256)
    # Of the 14 octets of Ethernet the rest is IPv6: neighbour discovery and multicast listeners,
    # by themselves (58) or after a hop-by-hop header (0).
    chatter = protocol == 0x86dd and (data[20] == 0 or data[20] == 58 and 130 <= data[54] <= 143)
    if direction != socket.PACKET_OUTGOING and protocol != 0x0806 and not chatter:
        packets.write("%04x %s\n" % (protocol, data[14:].hex()))


tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.bind(("far", 0))
selector.register(tap, selectors.EVENT_READ, note_packet)
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
        if kind == socket.SOCK_DGRAM:
            far = socket.if_nametoindex("far")
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                         socket.inet_pton(socket.AF_INET6, "ff02::fb") + struct.pack("@I", far))
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                         socket.inet_aton("224.0.0.251") + struct.pack("@4xI", far))
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
