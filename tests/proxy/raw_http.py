# SPDX-License-Identifier: Apache-2.0
"""raw_http.py [OPTION…] FILE | raw_http.py - send the bytes of FILE as they are, in the jail

Without arguments, options and file come on standard input, a line for each connection.

  --to HOST:PORT    connect there (default promptfax.app:443)
  --connect NAME    first ask for a tunnel with CONNECT NAME
  --sni NAME        name of the TLS handshake (default: the host of --to); "none" for none
  --plain           no TLS
  --answers N       how many to wait for (default 1)
  --drip SECONDS    send byte by byte with that pause
  --patience S      for an answer (default 10)

Within FILE @@CONTINUE@@ waits for an interim answer, @@PAUSE@@ for half a second, @@FIN@@
ends our side. Prints a line for each answer, "STATUS|FIELD: VALUE;…|BODY", with "(cut)" behind a body that
did not end, and at last
"end closed|reset|open MILLISECONDS".
"""
import re
import socket
import ssl
import sys
import time

MARKS = re.compile(rb"(@@(?:CONTINUE|PAUSE|FIN)@@)")


TLS = ssl.create_default_context()
TLS.check_hostname = False


class Ended(Exception):
    pass


class Peer:
    def __init__(self, sock, patience):
        self.sock, self.data, self.how, self.patience = sock, b"", "open", patience
        self.sock.settimeout(patience)

    def more(self):
        try:
            got = self.sock.recv(65536)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            got = b""
        except (ConnectionResetError, BrokenPipeError):
            self.how = "reset"
            raise Ended
        except (socket.timeout, ssl.SSLWantReadError):
            raise Ended
        if not got:
            self.how = "closed"
            raise Ended
        self.data += got

    def take(self, n):
        while len(self.data) < n:
            self.more()
        out, self.data = self.data[:n], self.data[n:]
        return out

    def line(self):
        while b"\r\n" not in self.data:
            self.more()
        out, self.data = self.data.split(b"\r\n", 1)
        return out.decode("latin-1")

    def chunks(self):
        while True:
            n = int(self.line().split(";")[0], 16)
            self.body += self.take(n)
            self.line()
            if not n:
                return

    def answer(self):
        """One answer, printed. Return: its status"""
        status = self.line().split(" ")[1]
        fields = []
        while True:
            line = self.line()
            if not line:
                break
            fields.append(line)
        known = {f.split(":")[0].lower(): f.split(":", 1)[1].strip() for f in fields}
        self.body, cut = b"", " (cut)"
        try:
            if known.get("transfer-encoding") == "chunked":
                self.chunks()
            elif "content-length" in known:
                self.body = self.take(int(known["content-length"]))
            elif status >= "200" and status not in ("204", "304"):
                cut = ""
                while True:
                    self.body += self.take(1)
            cut = ""
        finally:
            text = (self.body or self.data).decode("utf-8", "replace").strip().replace("\n", " ")
            print("%s|%s|%s%s" % (status, "; ".join(fields), text, cut), flush=True)
        return status


def options(argv):
    found = {"to": "promptfax.app:443", "connect": None, "sni": None, "plain": False,
             "answers": "1", "drip": None, "patience": "10"}
    while argv[0].startswith("--"):
        name = argv.pop(0)[2:]
        found[name] = True if name == "plain" else argv.pop(0)
    return found, open(argv[0], "rb").read()


def tls(sock, name):
    return TLS.wrap_socket(sock, server_hostname=None if name == "none" else name)


def send(peer, data, drip):
    for part in MARKS.split(data):
        if part == b"@@CONTINUE@@":
            peer.answer()
        elif part == b"@@PAUSE@@":
            time.sleep(0.5)
        elif part == b"@@FIN@@":
            if isinstance(peer.sock, ssl.SSLSocket):
                socket.socket.shutdown(peer.sock, socket.SHUT_WR)
            else:
                peer.sock.shutdown(socket.SHUT_WR)
        elif drip:
            for i in range(len(part)):
                peer.sock.sendall(part[i:i + 1])
                peer.sock.settimeout(float(drip))
                try:
                    peer.more()
                    break
                except Ended:
                    if peer.how != "open":
                        break
            peer.sock.settimeout(peer.patience)
        else:
            peer.sock.sendall(part)


def tunnel(peer, name):
    peer.sock.sendall(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (name, name)).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        got = peer.sock.recv(1)
        if not got:
            break
        head += got
    if b" 200 " not in head.split(b"\r\n")[0]:
        peer.data = head
        peer.answer()
        raise Ended


def converse(peer, o, data):
    if o["connect"]:
        tunnel(peer, o["connect"])
    if not o["plain"]:
        peer.sock = tls(peer.sock, o["sni"] or o["to"].rpartition(":")[0])
        peer.sock.settimeout(peer.patience)
    try:
        send(peer, data, o["drip"])
    except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
        pass
    got = 0
    while got < int(o["answers"]):
        got += peer.answer() >= "200"
    # Nothing more is due: neither another answer nor, perhaps, an end.
    peer.sock.settimeout(0.25)
    while True:
        peer.answer()


def one(argv):
    o, data = options(argv)
    host, _, port = o["to"].rpartition(":")
    start = time.monotonic()
    sock = socket.create_connection((host, int(port)), float(o["patience"]))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer = Peer(sock, float(o["patience"]))
    try:
        converse(peer, o, data)
    except Ended:
        pass
    except (ssl.SSLError, OSError, ValueError, IndexError) as error:
        peer.how = "failed (%s)" % error
    print("end %s %d" % (peer.how, (time.monotonic() - start) * 1000), flush=True)
    peer.sock.close()


if len(sys.argv) > 1:
    one(sys.argv[1:])
else:
    for line in sys.stdin:
        one(line.split())
