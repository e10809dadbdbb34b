# SPDX-License-Identifier: Apache-2.0
"""upstream.py --cert FILE --key FILE --log FILE [--port N] [--idle SECONDS]

An MCP server over TLS that answers as the called tool's name says, rightly or wrongly, and
writes down every connection and every byte of each request: a JSON line each, {"open": N}
or {"conn", "target", "headers", "body"}. --idle: closes a connection that is unused so long.
Prints "port N" when it serves. The tools are the functions of the class Tools.
"""
import argparse
import gzip
import json
import socket
import ssl
import struct
import threading
import time

lock = threading.Lock()


class Conversation:
    def __init__(self, sock, number, log):
        self.sock, self.number, self.log, self.data = sock, number, log, b""

    def write_down(self, record):
        with lock:
            self.log.write(json.dumps(record) + "\n")
            self.log.flush()

    def more(self):
        got = self.sock.recv(65536)
        if not got:
            raise EOFError
        self.data += got

    def request(self):
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = [l.split(": ", 1) for l in lines[1:]]
        length = int(dict((k.lower(), v) for k, v in headers).get("content-length", "0"))
        while len(self.data) < length:
            self.more()
        body, self.data = self.data[:length], self.data[length:]
        self.write_down({"conn": self.number, "line": lines[0], "headers": headers,
                         "body": body.decode("utf-8", "backslashreplace")})
        return json.loads(body) if body else {}

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode())

    def answer(self, body, status="200 OK", fields="Content-Type: application/json\r\n"):
        if not isinstance(body, bytes):
            body = body.encode()
        self.send(("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" %
                   (status, fields, len(body))).encode() + body)

    def stream(self):
        self.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n")

    def event(self, text):
        data = "event: message\ndata: %s\n\n" % text
        self.send("%x\r\n%s\r\n" % (len(data.encode()), data))

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()
        raise EOFError


def result(message, text="served"):
    return json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {
        "content": [{"type": "text", "text": text}], "isError": False}})


def progress(text="working"):
    return json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": {
        "progressToken": 1, "progress": 1, "message": text}})


ROOTS = json.dumps({"jsonrpc": "2.0", "id": 900000, "method": "roots/list"})


class Tools:
    """Each answers one call: c, the conversation, and m, the message."""
    def redirect(c, m, status="307"):
        c.answer("", status + " Elsewhere", "Location: https://promptfax.app/elsewhere\r\n")

    def status(c, m, status="503"):
        c.answer("the server's own words\n", status + " Status",
                 "Content-Type: text/plain\r\nSet-Cookie: a=b\r\nRetry-After: 9\r\n")

    def challenge(c, m):
        c.answer("", "401 Unauthorized", "WWW-Authenticate: Bearer resource_metadata="
                                         "\"https://evil.example/metadata\"\r\n")

    def reset(c, m):
        c.reset()

    def close(c, m):
        raise EOFError

    def cut_head(c, m):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: application")
        raise EOFError

    def cut_json(c, m):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
               + result(m))
        raise EOFError

    def cut_chunks(c, m):
        text = result(m)
        c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
               "\r\n\r\n%x\r\n%s\r\n" % (len(text), text))
        raise EOFError

    def cut_without_notice(c, m):
        # Delimited by closing, and the close is not announced by TLS: it may be cut short.
        c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + result(m))
        socket.socket.shutdown(c.sock, socket.SHUT_RDWR)
        raise EOFError

    def stream(c, m):
        c.stream()
        c.event(progress())
        time.sleep(1.5)
        c.event(result(m))
        c.send("0\r\n\r\n")

    def stream_late(c, m):
        c.stream()
        time.sleep(1.5)
        c.event(progress())
        c.event(result(m))
        c.send("0\r\n\r\n")

    def stream_cut(c, m):
        c.stream()
        c.event(progress())
        raise EOFError

    def stream_reset(c, m):
        c.stream()
        c.event(progress())
        time.sleep(0.2)
        c.reset()

    def stream_empty(c, m):
        c.stream()
        c.event(progress())
        c.send("0\r\n\r\n")

    def stream_asks(c, m):
        c.stream()
        c.event(ROOTS)
        c.event(ROOTS.replace("roots/list", "sampling/createMessage"))
        c.event("[%s]" % ROOTS)
        c.event(result(m))
        c.send("0\r\n\r\n")

    def stream_odd(c, m):
        text = "\ufeff: first\rdata: " + result(m)[:18] + "\rdata: " + result(m)[18:] + "\r\r"
        data = text.encode()
        c.stream()
        c.send(b"%x;ext=1\r\n%s\r\n0\r\nX-Trailer: a\r\n\r\n" % (len(data), data))

    def asks(c, m):
        c.answer("[%s,%s]" % (ROOTS, result(m)))

    def packed(c, m):
        c.answer(gzip.compress(result(m).encode()), "200 OK",
                 "Content-Type: application/json\r\nContent-Encoding: gzip\r\n")

    def page(c, m):
        c.answer("<script>alert(1)</script>", "200 OK", "Content-Type: text/html\r\n")

    def other_id(c, m):
        c.answer(result(dict(m, id=m["id"] + 1)))

    def text_id(c, m):
        c.answer(result(dict(m, id=str(m["id"]))))

    def twice(c, m):
        c.answer(result(m).replace('"result":', '"result": {"content":[]}, "result":'))

    def no_json(c, m):
        c.answer("served")

    def both_framings(c, m):
        text = result(m)
        c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
               "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(text), len(text), text))

    def two_lengths(c, m):
        text = result(m)
        c.answer(text, "200 OK", "Content-Type: application/json\r\nContent-Length: 5\r\n")

    def bare_lf(c, m):
        text = result(m)
        c.send("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: %d\n\n%s" % (len(text), text))

    def other_protocol(c, m):
        c.send("SSH-2.0-OpenSSH_9.6\r\n")
        raise EOFError

    def switch(c, m):
        c.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")

    def interim(c, m):
        c.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        c.answer(result(m))

    def long_answer(c, m):
        c.answer(result(m, "x" * 5000000))

    def long_head(c, m):
        c.answer(result(m), "200 OK", "Content-Type: application/json\r\nX-Long: %s\r\n" % ("x" * 40000))

    def appended(c, m):
        text = result(dict(m, id=m["id"] + 1), "smuggled")
        c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
               "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
               % (len(result(m)), result(m), len(text), text))

    def unasked(c, m):
        c.answer(result(m))
        time.sleep(0.2)
        c.answer(result(dict(m, id=m["id"] + 1), "smuggled"))

    def last(c, m):
        c.answer(result(m), "200 OK", "Content-Type: application/json\r\nConnection: close\r\n")
        raise EOFError

    def delimited_by_close(c, m):
        c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + result(m))
        raise EOFError

    def fields(c, m):
        c.answer(result(m), "200 OK", "Content-Type: application/json\r\nSet-Cookie: a=b\r\n"
                 "Location: https://evil.example/\r\nAlt-Svc: h3=\":443\"\r\nLink: <https://evil.example>\r\n"
                 "WWW-Authenticate: Basic\r\nX-Own: a\r\n")


def run_tool(c, m):
    name, _, argument = m["params"]["name"].partition("-")
    tool = getattr(Tools, name, None)
    if tool is None:
        c.answer(result(m))
    elif argument:
        tool(c, m, argument)
    else:
        tool(c, m)


def talk(c):
    while True:
        m = c.request()
        method = m.get("method")
        if "id" not in m or not method:
            c.answer("", "202 Accepted", "")
        elif method == "initialize":
            c.answer(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": {
                "protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "upstream", "version": "1"}}}))
        elif method == "tools/call":
            run_tool(c, m)
        else:
            c.answer(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": {}}))


def serve(raw, number, context, log, idle):
    c = None
    try:
        raw.settimeout(30)
        sock = context.wrap_socket(raw, server_side=True)
        if idle:
            sock.settimeout(idle)
        c = Conversation(sock, number, log)
        c.write_down({"open": number})
        talk(c)
    except (EOFError, OSError, ssl.SSLError):
        pass
    try:
        if c and c.sock.fileno() >= 0:
            c.sock.settimeout(1)
            c.sock.unwrap()
    except (OSError, ValueError, ssl.SSLError):
        pass
    (c.sock if c else raw).close()


def main():
    p = argparse.ArgumentParser()
    for name in ("--cert", "--key", "--log"):
        p.add_argument(name, required=True)
    p.add_argument("--port", type=int, default=0)
    p.add_argument("--idle", type=float)
    o = p.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(o.cert, o.key)
    log = open(o.log, "a")
    listener = socket.create_server(("127.0.0.1", o.port), backlog=64)
    print("port %d" % listener.getsockname()[1], flush=True)
    number = 0
    while True:
        raw, _ = listener.accept()
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number += 1
        threading.Thread(target=serve, args=(raw, number, context, log, o.idle), daemon=True).start()


main()
