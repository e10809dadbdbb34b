# SPDX-License-Identifier: Apache-2.0
"""name_server.py ZONE QUERIES - a DNS server on 127.0.0.1:53, of a network namespace

ZONE, read anew for each query, has lines "ADDRESS-OR-ALIAS NAME" as /etc/hosts has them;
inside.example and outside.example are built in. Each query is appended to QUERIES.
"""
import socket
import struct
import sys

BUILT_IN = [("10.99.0.1", "inside.example"), ("93.184.216.34", "outside.example")]
A, CNAME, AAAA = 1, 5, 28


def wire(name):
    return b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0"


def record(name, kind, data):
    return wire(name) + struct.pack(">HHIH", kind, 1, 0, len(data)) + data


def answers(rows, name, kind):
    out = []
    for value, owner in rows:
        if owner != name:
            continue
        if ":" in value:
            if kind == AAAA:
                out.append(record(name, AAAA, socket.inet_pton(socket.AF_INET6, value)))
        elif value.replace(".", "").isdigit():
            if kind == A:
                out.append(record(name, A, socket.inet_pton(socket.AF_INET, value)))
        else:
            out.append(record(name, CNAME, wire(value)))
            out += answers(rows, value, kind)
    return out


def reply(query, rows):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1").lower())
        at += 1 + query[at]
    kind = struct.unpack(">H", query[at + 1:at + 3])[0]
    name = ".".join(labels)
    found = answers(rows, name, kind)
    head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(found), 0, 0)
    return name, kind, head + query[12:at + 5] + b"".join(found)


sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", 53))
log = open(sys.argv[2], "a")
while True:
    query, peer = sock.recvfrom(4096)
    rows = BUILT_IN + [tuple(l.split()) for l in open(sys.argv[1])]
    name, kind, answer = reply(query, rows)
    log.write("%s %d\n" % (name, kind))
    log.flush()
    sock.sendto(answer, peer)
