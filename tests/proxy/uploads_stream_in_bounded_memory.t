#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is not judged is not held: uploads and downloads of any size pass through a proxy that
# does not grow, and what waits for its host makes the agent wait.
. "$(dirname "$0")/../lib.sh"
. "$ROOT/tests/proxy/origin.sh"
origin_certificates any.example slow.example
start_origin
# A host that takes a connection, makes TLS, and then reads nothing for a while.
cat >"$TMP/slow.py" <<'P'
import socket, ssl, sys, time
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
s = tls.wrap_socket(listener.accept()[0], server_side=True)
time.sleep(4)
n, data = 0, b""
while n < 300 << 20:
    got = s.recv(1 << 18)
    if not got:
        break
    n += len(got)
s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ndone\n")
time.sleep(1)
P
python3 "$TMP/slow.py" "$TMP/origin/cert.pem" "$TMP/origin/key.pem" >"$TMP/slow.out" &
children+=($!)
for _ in $(seq 100); do grep -q ^port "$TMP/slow.out" && break; sleep 0.05; done
slow_port=$(sed -n 's/^port //p' "$TMP/slow.out")
echo '{"version":"1","default":"deny","egress":[{"host":"any.example"},{"host":"slow.example"}]}' >"$TMP/policy.json"
cat >"$WORK/load.py" <<'P'
"""load.py HOST HOW MiB… - transfers of these sizes on one connection; waits between two"""
import os, socket, ssl, sys, time
host, how = sys.argv[1:3]
s = ssl.create_default_context().wrap_socket(socket.create_connection((host, 443)), server_hostname=host)
s.settimeout(120)
piece = b"0123456789abcdef" * 65536
def head():
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        data += s.recv(1)
    return data
def up(n):
    s.sendall(("POST /x HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n" % (host, "Transfer-Encoding: chunked" if how == "chunked" else "Content-Length: %d" % (n << 20))).encode())
    for _ in range(n):
        if how == "chunked":
            s.sendall(b"100000\r\n" + piece + b"\r\n")
        else:
            s.sendall(piece)
    if how == "chunked":
        s.sendall(b"0\r\n\r\n")
    fields = head().decode().lower()
    s.recv(int(fields.split("content-length: ")[1].split("\r\n")[0]))
    return fields.split(" ")[1]
def down(n):
    s.sendall(("GET /download/%d HTTP/1.1\r\nHost: %s\r\n\r\n" % (n << 20, host)).encode())
    status, left = head().decode().split(" ")[1], n << 20
    while left:
        left -= len(s.recv(min(left, 1 << 18)))
    return status
for n in sys.argv[3:]:
    print(n, down(int(n)) if how == "down" else up(int(n)), flush=True)
    open("ready", "w").close()
    while os.path.exists("ready"):
        time.sleep(0.02)
P
rss() { awk -v what="^$2" '$0 ~ what {print $2}' "/proc/$1/status"; }
await_ready() { # of the process $1, which may take its time
	while kill -0 "$1" 2>/dev/null; do [ -e "$WORK/ready" ] && return; sleep 0.05; done
}
# measure HOST HOW SMALL LARGE - sets OUT, BEFORE and AFTER: the proxy's kB when the small one is done, and its peak
measure() {
	rm -f "$WORK/ready"
	"$MCPJAIL" -q -p "$TMP/policy.json" --connect-to "any.example:443:127.0.0.1:$ORIGIN_PORT" --connect-to "slow.example:443:127.0.0.1:$slow_port" \
		--upstream-ca "$CA" --run-dir "$TMP/$1.$2" -- python3 "$WORK/load.py" "$@" >"$TMP/out" 2>&1 &
	local run=$!
	await_ready $run
	proxy=$(part_pid $run proxy)
	BEFORE=$(rss "$proxy" VmRSS)
	rm "$WORK/ready"
	await_ready $run
	AFTER=$(rss "$proxy" VmHWM)
	rm -f "$WORK/ready"
	wait $run
	OUT=$(tr '\n' ' ' <"$TMP/out")
}
large=${LARGE_MIB:-600}
for how in length chunked down; do
	measure any.example $how 4 "$large"
	is "$OUT" "4 200 $large 200 " "$how: $large MiB pass"
	[ $((AFTER - BEFORE)) -lt 1024 ]
	ok $? "$how: the proxy grows by less than 1 MiB (from $BEFORE to $AFTER kB)"
done
is "$(grep -c "\"bytes\": $((large << 20)), \"sha256\": \"$(python3 -c "
import hashlib
h = hashlib.sha256()
for _ in range($large): h.update(b'0123456789abcdef' * 65536)
print(h.hexdigest())")\"" "$SERVED")" 2 "what arrived is what was sent, twice"
is "$(grep -c '"framing": "chunked"' "$SERVED")" 2 "what came in chunks went in chunks"

# --- a host that does not read --------------------------------------------------------------------
rm -f "$WORK/ready"
"$MCPJAIL" -q -p "$TMP/policy.json" --connect-to "slow.example:443:127.0.0.1:$slow_port" --upstream-ca "$CA" -- python3 "$WORK/load.py" slow.example length 300 >"$TMP/out" 2>&1 &
run=$!
sleep 2.5
stalled=$(rss "$(part_pid $run proxy)" VmRSS)
await_ready $run
rm -f "$WORK/ready"
wait $run
is "$(cat "$TMP/out")" "300 200" "a host that reads late gets it all"
[ "$stalled" -lt $((BEFORE + 2048)) ]
ok $? "until then the proxy holds little ($stalled kB)"
