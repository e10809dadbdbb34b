# SPDX-License-Identifier: Apache-2.0
"""tier_b_host.py LOG UNIX READY - listeners of the host's that greet, and write down who comes

A port that is written to ./handover gets one as well, before that file is removed.
"""
import os
import select
import socket
import sys

log = open(sys.argv[1], "a", buffering=1, encoding="ascii")
tcp = socket.socket(socket.AF_INET6)
tcp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
tcp.bind(("::", 0))
port = tcp.getsockname()[1]
unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
unix.bind(sys.argv[2])
os.chmod(sys.argv[2], 0o777)
abstract.bind(f"\0mcpjail-tier-b-{port}")
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
udp.bind(("::", port))
for s in (tcp, unix, abstract):
    s.listen(100)
with open(sys.argv[3], "w", encoding="ascii") as ready:
    ready.write(f"{port}\n")
servers = [tcp, unix, abstract, udp]
while True:
    if os.path.exists("handover"):
        with open("handover", encoding="ascii") as f:
            servers.append(socket.create_server(("127.0.0.1", int(f.read())), backlog=100))
        os.unlink("handover")
    for s in select.select(servers, [], [], 0.05)[0]:
        if s is udp:
            log.write(f"datagram {udp.recvfrom(100)}\n")
            continue
        conn, _ = s.accept()
        log.write(f"connection {s.getsockname()}\n")
        conn.sendall(b"host-socket")
        conn.close()
