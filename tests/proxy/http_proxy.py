# SPDX-License-Identifier: Apache-2.0
"""http_proxy.py [OPTION…] LOG - an HTTP proxy that carries CONNECT, on 127.0.0.1

  --to NAME=HOST:PORT   where NAME is, repeatable; other names are refused with 502
  --user USER:PASSWORD  wants Basic credentials, else 407
  --answer KIND         status (403), garbage, close, drip (a sound answer, byte by byte), or
                        silent, in the place of a sound answer

Prints "port N". LOG gets a line for each request: the request line, and " as USER:PASSWORD"
if it came with credentials.
"""
import argparse
import base64
import socket
import threading
import time

options = argparse.ArgumentParser()
options.add_argument("--to", action="append", default=[])
options.add_argument("--user")
options.add_argument("--answer", default="sound")
options.add_argument("log")
options = options.parse_args()
places = dict(o.split("=") for o in options.to)
OK = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 stand-in\r\n\r\n"
REFUSALS = {
    "status": b"HTTP/1.1 403 Not from here\r\nContent-Length: 3\r\n\r\nno\n",
    "garbage": b"220 mail.example ESMTP\r\n",
    "close": b"",
}


def relay(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def read_head(sock):
    head = b""
    while b"\r\n\r\n" not in head:
        some = sock.recv(1)
        if not some:
            return []
        head += some
    return head.decode("latin-1").split("\r\n")


def credentials(lines):
    for line in lines:
        name, _, value = line.partition(": ")
        if name.lower() == "proxy-authorization" and value.startswith("Basic "):
            return base64.b64decode(value[6:], validate=True).decode()
    return None


def serve(sock):
    lines = read_head(sock)
    if not lines:
        return
    user = credentials(lines)
    with open(options.log, "a") as log:
        log.write(lines[0] + (" as " + user if user else "") + "\n")
    method, target = lines[0].split()[:2]
    name, _, _ = target.rpartition(":")
    if options.user and user != options.user:
        sock.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                     b"Proxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")
        return
    if options.answer in REFUSALS:
        sock.sendall(REFUSALS[options.answer])
        return
    if options.answer == "silent":
        time.sleep(60)
        return
    if method != "CONNECT" or name not in places:
        sock.sendall(b"HTTP/1.1 502 No such host\r\nContent-Length: 0\r\n\r\n")
        return
    host, _, port = places[name].rpartition(":")
    far = socket.create_connection((host, int(port)))
    for i in range(0, len(OK), 1 if options.answer == "drip" else len(OK)):
        sock.sendall(OK[i:i + 1] if options.answer == "drip" else OK)
        if options.answer == "drip":
            time.sleep(0.002)
    threading.Thread(target=relay, args=(far, sock), daemon=True).start()
    relay(sock, far)


def serve_and_close(sock):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        serve(sock)
    finally:
        time.sleep(0.05)
        sock.close()


server = socket.create_server(("127.0.0.1", 0))
print("port", server.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve_and_close, args=(server.accept()[0],), daemon=True).start()
