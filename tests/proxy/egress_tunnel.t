#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tunnels: TLS that names an allowed host passes unread, and nothing else does; the host's own
# loopback where it is forwarded; and what ssh is told.
. "$(dirname "$0")/../lib.sh"
. "$ROOT/tests/proxy/origin.sh"
origin_certificates tun.example any.example front.example
start_origin
# A server on loopback that speaks first, in no protocol; it answers the end of what it reads.
cat >"$TMP/raw.py" <<'P'
import socket, threading
def serve(s):
    s.sendall(b"220 hello\n")
    n = 0
    while True:
        got = s.recv(1 << 16)
        if not got:
            break
        n += len(got)
    s.sendall(b"%d read\n" % n)
    s.close()
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
P
python3 "$TMP/raw.py" >"$TMP/raw.out" &
children+=($!)
for _ in $(seq 100); do grep -q ^port "$TMP/raw.out" && break; sleep 0.05; done
raw_port=$(sed -n 's/^port //p' "$TMP/raw.out")
cat >"$TMP/policy.json" <<P
{"version":"1","default":"deny","egress":[
 {"host":"tun.example","mode":"tunnel"},{"host":"any.example"},{"host":"down.example","mode":"tunnel"},
 {"host":"host.mcpjail.internal","ports":[$raw_port],"mode":"tunnel"}]}
P
to=()
for host in tun any front; do to+=(--connect-to "$host.example:443:127.0.0.1:$ORIGIN_PORT"); done
to+=(--connect-to "down.example:443:127.0.0.1:1")
LEDGER=$TMP/run/ledger.jsonl
# in_jail COMMAND… - a run of its own
in_jail() {
	rm -rf "$TMP/run"
	timeout 60 "$MCPJAIL" -q -p "$TMP/policy.json" "${to[@]}" --upstream-ca "$CA" --run-dir "${LEDGER%/*}" -- "$@" 2>&1
}
opened() { grep -c '"open"' "$SERVED"; }
cat >"$WORK/say.py" <<'P'
"""say.py HOST:PORT CONNECT HEX… - prints "answer TEXT", or "reset" or "closed" """
import socket, sys
host, port = sys.argv[1].split(":")
s = socket.create_connection((host, int(port)))
s.settimeout(8)
try:
    if sys.argv[2] != "-":
        s.sendall(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (sys.argv[2], sys.argv[2])).encode())
        assert b" 200 " in s.recv(4096)
    for part in sys.argv[3:]:
        s.sendall(bytes.fromhex(part))
    got = s.recv(4096)
    print("answer %s" % got[:60] if got else "closed")
except ConnectionResetError:
    print("reset")
except socket.timeout:
    print("silence")
P
cat >"$TMP/hello.py" <<'P'
"""hello.py NAME [EXTENSION TYPE] [RECORD BYTES] - a ClientHello in hexadecimal"""
import ssl, sys
name, extra, piece = (sys.argv + ["", ""])[1], *(sys.argv[2:] + ["", ""])[:2]
c = ssl.create_default_context()
c.check_hostname = False
c.verify_mode = ssl.CERT_NONE
out = ssl.MemoryBIO()
o = c.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name if name != "-" else None)
try:
    o.do_handshake()
except ssl.SSLWantReadError:
    pass
message = bytearray(out.read()[5:])
if extra:
    at = 4 + 2 + 32
    at += 1 + message[at]
    at += 2 + int.from_bytes(message[at:at + 2], "big")
    at += 1 + message[at]
    n = int.from_bytes(message[at:at + 2], "big") + 4 + 8
    message[at:at + 2] = n.to_bytes(2, "big")
    message += int(extra, 16).to_bytes(2, "big") + b"\0\x08" + b"\0" * 8
    message[1:4] = (len(message) - 4).to_bytes(3, "big")
size = int(piece or len(message))
print("".join((b"\x16\x03\x01" + len(message[i:i + size]).to_bytes(2, "big") + message[i:i + size]).hex()
              for i in range(0, len(message), size)))
P
hello() { python3 "$TMP/hello.py" "$@"; }

# --- what passes -----------------------------------------------------------------------------
out=$(in_jail curl -sS -i --cacert "$CA" https://tun.example/fields)
like "$out" 'X-Own: yes' "TLS that names the host passes"
like "$out" 'Alt-Svc' "unread: the answer is the server's own"
is "$(events "$LEDGER" net.allowed)" "tls tun.example:443 /egress/0 None|tunnel" "it is recorded, once"
is "$(events "$LEDGER" net.denied)" "" "and nothing is refused"
like "$(in_jail curl -sS https://tun.example/x)" 'certificate|SSL' "the agent has to trust the server's own certificate"
out=$(in_jail python3 "$WORK/say.py" tun.example:443 - "$(hello tun.example "" 1)")
like "$out" '^answer b..x16.x03' "a ClientHello of one byte a record passes"
out=$(in_jail curl -sS --cacert "$CA" --connect-to tun.example:443:other.example:443 https://tun.example/x)
is "$out $(events "$LEDGER" net.allowed | cut -d'|' -f1)" "served tls tun.example:443 /egress/0 None" "the host that is named is dialled, whatever address the agent used"
head -c 40000000 /dev/zero >"$WORK/forty"
is "$(in_jail curl -sS --cacert "$CA" -T "$WORK/forty" https://tun.example/x) $(grep -c '"bytes": 40000000' "$SERVED")" "served 1" "40 MB go up"
is "$(in_jail curl -sS --cacert "$CA" https://tun.example/download/40000000 | wc -c)" 40000000 "and down"

# --- what does not -------------------------------------------------------------------------------
# refused NAME REASON HOST:PORT CONNECT HEX… - reset, one record, and no connection to the server
refused() {
	local name=$1 reason=$2 before out
	shift 2
	before=$(opened)
	out=$(in_jail python3 "$WORK/say.py" "$@")
	[ "$out" = reset ] && [ "$(opened)" = "$before" ] && [ "$(events "$LEDGER" net.denied | wc -l)" = 1 ] &&
		events "$LEDGER" net.denied | grep -qE "$reason"
	ok $? "$name: reset, recorded, the server is not connected to" || note "$out" "$(events "$LEDGER" net.denied)" "$(opened) of $before"
}
refused "no name" '^tls tun\.example:443 /egress/0 .*no host \(SNI\)' tun.example:443 - "$(hello -)"
refused "an encrypted ClientHello" '/egress/0 .*encrypted ClientHello' tun.example:443 - "$(hello tun.example fe0d)"
refused "an encrypted ClientHello behind another name" '/egress/0 .*encrypted ClientHello' tun.example:443 - "$(hello front.example fe0d)"
refused "a name with a dot behind" '/egress/0 .*no host name' tun.example:443 - "$(hello tun.exampl | sed "s/$(printf tun.exampl | od -An -tx1 | tr -d ' \n')/$(printf tun.examp. | od -An -tx1 | tr -d ' \n')/")"
refused "what is no ClientHello" '/egress/0 .*another message' tun.example:443 - 16030100050200000100
refused "CONNECT to another host" '/egress/0 .*CONNECT named any\.example, but the TLS handshake names tun\.example' tun.example:3128 any.example:443 "$(hello tun.example)"
before=$(opened)
out=$(in_jail curl -sS -k -i --connect-to any.example:443:tun.example:443 https://any.example/x)
like "$out" served "another allowed name on the tunnel's address: is intercepted as ever"
out=$(in_jail curl -sS -k --connect-to front.example:443:tun.example:443 https://front.example/x)
like "$out" '^mcpjail: front\.example:443 is refused' "an unlisted name on the tunnel's address: is refused"
like "$(in_jail curl -sS http://tun.example/x)" '^mcpjail: plain http to tun\.example is refused by rule /egress/0' "plain http to a tunnel's host: is refused"
like "$(in_jail curl -sS http://tun.example:443/x)" '^mcpjail: .*tunnel' "plain http to a tunnel's port: is refused"
out=$(in_jail curl -sS -k https://down.example/x)
like "$out" 'reset|SSL' "a host that cannot be reached: the connection is reset"

# --- the host's own loopback ------------------------------------------------------------------------
cat >"$WORK/first.py" <<'P'
import socket, sys
s = socket.create_connection(("host.mcpjail.internal", int(sys.argv[1])))
s.settimeout(8)
try:
    print(s.recv(100).decode().strip(), end=" ")
    s.sendall(b"x" * 3000000)
    s.shutdown(socket.SHUT_WR)
    print(s.recv(100).decode().strip())
except OSError as e:
    print(type(e).__name__)
P
is "$(in_jail python3 "$WORK/first.py" "$raw_port")" "220 hello 3000000 read" "a forwarded port: the server may speak first, and each side may end alone"
is "$(events "$LEDGER" net.allowed)" "tcp host.mcpjail.internal:$raw_port /egress/3 None|tunnel" "it is recorded, once"
like "$(in_jail curl -sS http://host.mcpjail.internal:1/)" '^mcpjail: host\.mcpjail\.internal:1 is refused .*--forward-host 1$' "another port: is refused with the flag that helps"

# --- ssh --------------------------------------------------------------------------------------------------
out=$(in_jail ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes git@git.example true)
like "$out" 'mcpjail: ssh to git\.example is refused by rule /default: only https leaves the jail\. Use https, allowed by mcpjail --allow git\.example; for git: git remote set-url origin https://git\.example/' "ssh prints what helps"
like "$(events "$LEDGER" net.denied)" '^ssh git\.example:22 /default ' "and is recorded as ssh"
like "$(in_jail python3 "$WORK/say.py" tun.example:22 - 5353482d)" "^answer b'SSH-2.0-mcpjail" "it is told by its first four bytes"
unlike "$(in_jail ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes any.example true)" '--allow' "for a host that is allowed by https it names no flag"
like "$(in_jail curl -sS -X SEARCH http://git.example/)" '^mcpjail: git\.example:80 is refused' "SEARCH is HTTP all the same"
