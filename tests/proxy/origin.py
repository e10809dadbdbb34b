# SPDX-License-Identifier: Apache-2.0
"""origin.py --cert FILE --key FILE --log FILE [--plain]

An HTTPS server that is no MCP server. It answers as the path's first segment says, and
writes down a JSON line for each connection, {"open": N, "sni": …}, and for each request:
{"conn", "line", "headers", "bytes", "sha256", "framing"}. Prints "port N" when it serves.
The answers are the functions of the class Answers.
"""
import argparse
import base64
import hashlib
import json
import socket
import ssl
import struct
import threading
import time

lock = threading.Lock()
PIECE = b"0123456789abcdef" * 4096


class Conversation:
    def __init__(self, sock, number, log):
        self.sock, self.number, self.log, self.data = sock, number, log, b""
        self.close = False

    def write_down(self, **record):
        with lock:
            self.log.write(json.dumps(record) + "\n")
            self.log.flush()

    def more(self):
        got = self.sock.recv(1 << 18)
        if not got:
            raise EOFError
        self.data += got

    def line(self):
        while b"\r\n" not in self.data:
            self.more()
        line, self.data = self.data.split(b"\r\n", 1)
        return line.decode("latin-1")

    def take(self, n):
        """Yields n bytes in pieces."""
        while n:
            if not self.data:
                self.more()
            piece, self.data = self.data[:n], self.data[n:]
            n -= len(piece)
            yield piece

    def body(self):
        if self.framing == "chunked":
            while True:
                n = int(self.line(), 16)
                yield from self.take(n)
                self.line()
                if not n:
                    return
        yield from self.take(int(self.fields.get("content-length", "0")))

    def head(self):
        self.first = self.line()
        self.headers = []
        while True:
            line = self.line()
            if not line:
                break
            self.headers.append(line.split(": ", 1))
        self.fields = {k.lower(): v for k, v in self.headers}
        self.framing = ("chunked" if "transfer-encoding" in self.fields else
                        "length" if "content-length" in self.fields else "none")

    def read_body(self):
        digest, n = hashlib.sha256(), 0
        for piece in self.body():
            digest.update(piece)
            n += len(piece)
        self.record(n, digest.hexdigest())
        return n

    def record(self, n, digest=""):
        self.write_down(conn=self.number, line=self.first, headers=self.headers, bytes=n,
                        sha256=digest, framing=self.framing)

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def answer(self, body=b"served\n", status="200 OK", fields=""):
        body = body if isinstance(body, bytes) else body.encode()
        self.send(("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" % (status, fields, len(body))).encode())
        if not self.first.startswith("HEAD "):
            self.send(body)

    def serve(self):
        while not self.close:
            self.head()
            name = self.first.split(" ")[1].split("?")[0].split("/")[1]
            answer = getattr(Answers, name, None)
            if name not in ("early", "early_keep", "early_close"):
                self.read_body()
            if answer:
                answer(self)
            else:
                self.answer()


class Answers:
    def fields(c):
        c.answer(fields="Content-Encoding: gzip\r\nSet-Cookie: a=b\r\nX-Own: yes\r\nAlt-Svc: h3=\":443\"\r\n"
                        "Connection: X-Hop\r\nX-Hop: no\r\nKeep-Alive: timeout=5\r\nContent-Type: text/x\r\n")

    def moved(c):
        c.answer(status="302 Found", fields="Location: https://elsewhere.example/\r\n")

    def status(c):
        c.answer(status=c.first.split(" ")[1].split("/")[2] + " So")

    def nothing(c):
        c.send("HTTP/1.1 204 No Content\r\nX-Own: yes\r\n\r\n")

    def unchanged(c):
        c.send("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 5\r\n\r\n")

    def hints(c):
        c.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        c.answer()

    def chunked(c):
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
               "4;ext=1\r\nserv\r\n3\r\ned\n\r\n0\r\nX-T: trailer\r\n\r\n")

    def until_close(c):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nserved\n")
        c.sock.unwrap()
        c.close = True

    def cut(c):
        c.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nserved\n")
        c.close = True

    def hang_up(c):
        c.close = True

    def download(c):
        n = int(c.first.split(" ")[1].split("/")[2])
        c.send("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n)
        while n:
            piece = PIECE[:n]
            c.send(piece)
            n -= len(piece)

    def events(c):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for i in range(4):
            c.send("data: event %d\n\n" % i)
            time.sleep(0.5)
        c.sock.unwrap()
        c.close = True

    def early(c):
        """An answer before the body is read, which then is."""
        c.record(0)
        c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nearly\n\r\n")
        n = sum(len(piece) for piece in c.body())
        text = "%d read\n" % n
        c.send("%x\r\n%s\r\n0\r\n\r\n" % (len(text), text))

    def early_keep(c):
        """A whole answer before the body, which is then read as the body."""
        c.record(0)
        c.answer("early\n")
        for _ in c.body():
            pass

    def early_close(c):
        """An answer before the body, which is not read."""
        c.record(0)
        c.answer("too large\n", "413 Too Large", "Connection: close\r\n")
        c.sock.settimeout(3)
        try:
            c.sock.unwrap()
        except (OSError, ssl.SSLError):
            pass
        c.close = True

    def switch(c):
        c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: Upgrade\r\n\r\nsmuggled")
        c.close = True

    def ws(c):
        """A WebSocket that sends back what comes, frame by frame; "bye" ends it."""
        if c.fields.get("upgrade") != "websocket":
            c.answer("no upgrade\n", "426 Upgrade Required")
            return
        key = c.fields["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: chat\r\n\r\n" % accept)
        c.send(b"\x81\x05hello")
        c.close = True
        while True:
            head = b"".join(c.take(2))
            n = head[1] & 127
            if n == 126:
                n = struct.unpack(">H", b"".join(c.take(2)))[0]
            elif n == 127:
                n = struct.unpack(">Q", b"".join(c.take(8)))[0]
            mask = b"".join(c.take(4))
            data = b"".join(c.take(n))
            mask = (mask * (n // 4 + 1))[:n]
            text = (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(n, "big")
            if text == b"bye":
                c.send(b"\x88\x00")
                c.sock.unwrap()
                return
            length = bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n) if n < 65536 else b"\x7f" + struct.pack(">Q", n)
            c.send(bytes([head[0]]) + length + text)


def serve(sock, number, log, tls):
    names = []
    conversation = Conversation(sock, number, log)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            with lock:
                tls.sni_callback = lambda s, name, _: names.append(name)
            conversation.sock = tls.wrap_socket(sock, server_side=True)
        conversation.write_down(open=number, sni=(names or [None])[0])
        conversation.serve()
    except (EOFError, OSError, ValueError) as e:
        conversation.write_down(ended=number, why=repr(e))
    finally:
        conversation.sock.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--cert")
    p.add_argument("--key")
    p.add_argument("--log", required=True)
    p.add_argument("--plain", action="store_true")
    args = p.parse_args()
    tls = None
    if not args.plain:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(args.cert, args.key)
    listener = socket.create_server(("127.0.0.1", 0))
    print("port %d" % listener.getsockname()[1], flush=True)
    with open(args.log, "a") as log:
        number = 0
        while True:
            sock, _ = listener.accept()
            number += 1
            threading.Thread(target=serve, args=(sock, number, log, tls), daemon=True).start()


main()
