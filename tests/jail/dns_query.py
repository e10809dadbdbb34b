# SPDX-License-Identifier: Apache-2.0
"""dns_query.py - raw DNS queries, one for each line "LABEL TRANSPORT SERVER NAME TYPE" of stdin

TRANSPORT is udp or tcp; TYPE a number; NAME may be "." or hex:BYTES for a whole message. Prints
"LABEL SENDER RCODE DATA…": who answered (a sender other than SERVER is told as such), the
response code, and the data of each answer; or "LABEL none REASON".
"""
import os
import socket
import struct
import sys


def wire(name):
    labels = [] if name == "." else name.rstrip(".").split(".")
    return b"".join(bytes([len(l)]) + l.encode() for l in labels) + b"\0"


def question(name, kind):
    if name.startswith("hex:"):
        return bytes.fromhex(name[4:])
    # Recursion desired, one question, and EDNS0 with 1232 bytes as everybody sends it.
    head = os.urandom(2) + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 1)
    return head + wire(name) + struct.pack(">HH", kind, 1) + b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


def ask_udp(server, query):
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(3)
    sock.sendto(query, (server, 53))
    answer, peer = sock.recvfrom(65536)
    same = socket.inet_pton(family, peer[0]) == socket.inet_pton(family, server)
    return answer, "asked" if same and peer[1] == 53 else "other:%s:%d" % peer[:2]


def ask_tcp(server, query):
    sock = socket.create_connection((server, 53), 3)
    # In two pieces, as some do.
    sock.sendall(struct.pack(">H", len(query)))
    sock.sendall(query)
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack(">H", data[:2])[0]:
        got = sock.recv(4096)
        if not got:
            raise OSError("closed")
        data += got
    return data[2:], "asked"


def skip_name(message, at):
    while message[at] and message[at] < 0xc0:
        at += 1 + message[at]
    return at + (2 if message[at] else 1)


def read_name(message, at):
    labels = []
    while message[at]:
        if message[at] >= 0xc0:
            at = struct.unpack(">H", message[at:at + 2])[0] & 0x3fff
            continue
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels)


def data_of(message):
    n = struct.unpack(">H", message[6:8])[0]
    at = skip_name(message, 12) + 4
    found = []
    for _ in range(n):
        at = skip_name(message, at)
        kind, _, _, length = struct.unpack(">HHIH", message[at:at + 10])
        at += 10
        data = message[at:at + length]
        if kind in (1, 28):
            found.append(socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, data))
        elif kind == 12:
            found.append(read_name(message, at))
        else:
            found.append("type%d" % kind)
        at += length
    return found


def one(label, transport, server, name, kind):
    query = question(name, int(kind))
    try:
        answer, sender = (ask_udp if transport == "udp" else ask_tcp)(server, query)
    except OSError as error:
        return "%s none %s" % (label, error)
    if answer[:2] != query[:2]:
        return "%s none another id" % label
    if not answer[2] & 0x80:
        return "%s none not an answer" % label
    if name.startswith("hex:"):
        return "%s %s %d" % (label, sender, answer[3] & 15)
    end = 12 + len(wire(name)) + 4
    if answer[12:end] != query[12:end]:
        return "%s none another question" % label
    return " ".join([label, sender, str(answer[3] & 15)] + data_of(answer))


for line in sys.stdin:
    print(one(*line.split()), flush=True)
