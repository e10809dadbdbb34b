#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Servers on the host's own loopback: reached as host.mcpjail.internal, at the ports that were
# asked for and no other, whatever they speak.
. "$(dirname "$0")/../lib.sh"
cat >"$TMP/servers.py" <<'P'
# An echo that greets first, on 127.0.0.1; an HTTP server, on ::1; a server that nobody may reach.
import http.server, socket, sys, threading

def echo(sock):
    sock.sendall(b"hello from the host\n")
    while data := sock.recv(65536):
        sock.sendall(data)
    sock.sendall(b"bye")
    sock.close()

class Web(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"a page for " + self.headers["Host"].encode())

web = Web(("::1", 0), Page)
threading.Thread(target=web.serve_forever, daemon=True).start()
greeter, secret = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
print(greeter.getsockname()[1], web.server_port, secret.getsockname()[1], flush=True)

def refuse():
    while True:
        secret.accept()
        print("reached", flush=True)

threading.Thread(target=refuse, daemon=True).start()
while True:
    threading.Thread(target=echo, args=(greeter.accept()[0],), daemon=True).start()
P
python3 "$TMP/servers.py" >"$TMP/ports" 2>"$TMP/servers.err" &
children+=($!)
for _ in $(seq 100); do [ -s "$TMP/ports" ] && break; sleep 0.05; done
read -r ECHO WEB SECRET <"$TMP/ports"

cat >"$WORK/agent.py" <<'P'
import hashlib, os, socket, sys, threading
name, echo = "host.mcpjail.internal", int(sys.argv[1])

def dial(host, port):
    return socket.create_connection((host, port), timeout=20)

def everything(sock):
    data = b""
    while some := sock.recv(65536):
        data += some
    return data

s = dial(name, echo)
print("greeting:", s.recv(100).decode().strip())
s.sendall(b"ping")
print("echo:", s.recv(100).decode())
s.shutdown(socket.SHUT_WR)
print("behind our end:", everything(s).decode())

# More than any buffer holds, both ways at once.
sent = os.urandom(1 << 16) * 128
s = dial(name, echo)
s.recv(20)
writer = threading.Thread(target=lambda: (s.sendall(sent), s.shutdown(socket.SHUT_WR)))
writer.start()
got = everything(s)
writer.join()
print("large:", len(got) - 3, hashlib.sha256(got[:-3]).digest() == hashlib.sha256(sent).digest())

for label, host, port in [a.split("=", 1) + [int(p)] for a, _, p in (x.rpartition(":") for x in sys.argv[2:])]:
    try:
        s = dial(host, port)
        s.settimeout(10)
        s.sendall(b"\0\1not a protocol of ours\n")
        print(label + ":", "got", s.recv(100))
    except OSError as e:
        print(label + ":", type(e).__name__)
P
# A place where nobody listens.
CLOSED=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
OUT=$(timeout 100 "$MCPJAIL" --forward-host "$ECHO" --forward-host "$WEB" --forward-host "$CLOSED" --run-dir "$TMP/run" -- \
	sh -c "python3 agent.py $ECHO other=host.mcpjail.internal:$SECRET closed=host.mcpjail.internal:$CLOSED localhost=localhost:$ECHO literal=127.0.0.1:$ECHO
		for port in $WEB $SECRET; do curl -sS -m 20 -w ' %{http_code}\n' http://host.mcpjail.internal:\$port/; done" 2>"$TMP/err" </dev/null)
line() { grep "^$1: " <<<"$OUT"; }
is "$(line greeting)" "greeting: hello from the host" "a server that speaks first is heard" || note "$OUT" "$(cat "$TMP/err")"
is "$(line echo)" "echo: ping" "and hears"
is "$(line 'behind our end')" "behind our end: bye" "each side may end before the other"
is "$(line large)" "large: 8388608 True" "8 MiB come back whole"
like "$(line other)" "^other: (got b''|ConnectionResetError)" "another port of the host is not reached"
like "$(line closed)" "^closed: (got b''|ConnectionResetError)" "a port where nobody listens ends the connection"
for where in localhost literal; do
	is "$(line $where)" "$where: ConnectionRefusedError" "the jail's own loopback stays its own ($where)"
done
like "$OUT" "^a page for host\.mcpjail\.internal:$WEB 200$" "HTTP, on ::1"
like "$(tail -2 <<<"$OUT" | tr '\n' ' ')" "mcpjail: host\.mcpjail\.internal:$SECRET is refused by rule .*--forward-host $SECRET +403 " "HTTP to another port: 403, with the flag that allows it"
unlike "$(cat "$TMP/ports")" reached "nobody came to a port that was not forwarded"
LEDGER=$TMP/run/ledger.jsonl
like "$(grep net.allowed "$LEDGER" | head -1)" "\"host\":\"host\.mcpjail\.internal\".*\"port\":$ECHO" "the ledger has the connection" || note "$(cat "$LEDGER")"
like "$(grep net.denied "$LEDGER")" "\"host\":\"host\.mcpjail\.internal\".*\"port\":$SECRET" "and the refusal"

# --- by policy ----------------------------------------------------------------------------------
echo "{\"version\":\"1\",\"default\":\"deny\",\"egress\":[{\"host\":\"host.mcpjail.internal\",\"ports\":[$WEB],\"mode\":\"tunnel\"}]}" >"$TMP/policy.json"
OUT=$(timeout 60 "$MCPJAIL" -q -p "$TMP/policy.json" -- curl -sS -m 20 "http://host.mcpjail.internal:$WEB/" 2>&1 </dev/null)
is "$OUT" "a page for host.mcpjail.internal:$WEB" "a policy's entry does the same"
OUT=$(timeout 60 "$MCPJAIL" -q -p "$(allow_all)" -- curl -sS -m 20 -o /dev/null -w '%{http_code}' "http://host.mcpjail.internal:$WEB/" 2>&1 </dev/null)
is "$OUT" 403 "without one it is refused"
