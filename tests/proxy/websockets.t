#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# WebSockets, where the rule allows them: relayed both ways, in memory that does not grow.
. "$(dirname "$0")/../lib.sh"
. "$ROOT/tests/proxy/origin.sh"
origin_certificates ws.example any.example
start_origin
cat >"$TMP/policy.json" <<'P'
{"version":"1","default":"deny","egress":[{"host":"ws.example","websocket":true,"paths":["/ws","/switch","/x"]},{"host":"any.example"}]}
P
cat >"$WORK/ws.py" <<'P'
"""ws.py HOST PATH COMMAND… - each line on stdout says what came of a command"""
import os, socket, ssl, struct, sys, time
host, path = sys.argv[1:3]
s = ssl.create_default_context().wrap_socket(socket.create_connection((host, 443)), server_hostname=host)
s.settimeout(30)
s.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
           "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\r\n" % (path, host)).encode())
data = b""
def take(n):
    global data
    while len(data) < n:
        got = s.recv(1 << 18)
        if not got:
            raise EOFError
        data += got
    out, data = data[:n], data[n:]
    return out
def frame():
    head = take(2)
    n = head[1]
    n = struct.unpack(">H", take(2))[0] if n == 126 else struct.unpack(">Q", take(8))[0] if n == 127 else n
    return take(n)
def send(text):
    n = len(text)
    length = bytes([0x80 | n]) if n < 126 else b"\xfe" + struct.pack(">H", n) if n < 65536 else b"\xff" + struct.pack(">Q", n)
    s.sendall(b"\x81" + length + b"\0\0\0\0" + text)
while b"\r\n\r\n" not in data:
    got = s.recv(4096)
    if not got:
        break
    data += got
head, _, data = data.partition(b"\r\n\r\n")
print(head.decode().replace("\r\n", "; "), flush=True)
try:
    for command in sys.argv[3:]:
        what, _, arg = command.partition(":")
        if what == "hear":
            print(frame().decode(), flush=True)
        elif what == "say":
            send(arg.encode())
            print(frame().decode(), flush=True)
        elif what == "bulk":
            text = b"0123456789abcdef" * 65536
            for _ in range(int(arg)):
                send(text)
                if frame() != text:
                    raise ValueError
            print("%s MiB" % arg, flush=True)
        elif what == "bye":
            send(b"bye")
            frame()
            print("end %r" % s.recv(10), flush=True)
        elif what == "wait":
            open("ready", "w").close()
            while os.path.exists("ready"):
                time.sleep(0.05)
except (EOFError, OSError, ValueError) as e:
    print(type(e).__name__)
P
to="--connect-to ws.example:443:127.0.0.1:$ORIGIN_PORT --connect-to any.example:443:127.0.0.1:$ORIGIN_PORT"
in_jail() {
	# shellcheck disable=SC2086
	timeout 100 "$MCPJAIL" -q -p "$TMP/policy.json" $to --upstream-ca "$CA" --run-dir "$TMP/run.$1" -- python3 "$WORK/ws.py" "${@:2}" 2>&1
}
out=$(in_jail 1 ws.example /ws hear say:one "say:$(head -c 300 /dev/zero | tr '\0' x)" bye)
like "$out" '^HTTP/1.1 101 Switching Protocols; Connection: Upgrade; Upgrade: websocket; Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=; Sec-WebSocket-Protocol: chat' "the handshake is passed on"
is "$(sed -n 2,3p <<<"$out" | tr '\n' ' ')$(tail -1 <<<"$out")" "hello one end b''" "what the server says first arrives, what the agent says comes back, and the end is passed on"
like "$(events "$TMP/run.1/ledger.jsonl" net.allowed)" '^websocket ws\.example:443 /egress/0 .*\|GET /ws$' "it is recorded as what it is"
like "$(grep '"line": "GET /ws' "$SERVED")" '"Connection", "Upgrade".*"Upgrade", "websocket".*"Sec-WebSocket-Key"' "the server is asked for it"
like "$(in_jail 2 any.example /ws)" '^HTTP/1.1 426' "where the rule does not allow it, a plain request arrives"
like "$(in_jail 3 ws.example /other)" '^HTTP/1.1 426' "its path is judged, and the agent told to do without"
like "$(in_jail 4 ws.example /x)" '^HTTP/1.1 200' "a server that does not switch just answers"
like "$(in_jail 5 ws.example /switch)" '^HTTP/1.1 502' "one that switches to something else is not believed"

# --- memory ------------------------------------------------------------------------------------
rss() { awk '/^VmRSS/ {print $2}' "/proc/$1/status"; }
# shellcheck disable=SC2086
"$MCPJAIL" -q -p "$TMP/policy.json" $to --upstream-ca "$CA" --run-dir "$TMP/bulk" -- python3 "$WORK/ws.py" ws.example /ws hear bulk:8 wait bulk:200 wait bye >"$TMP/out" 2>&1 &
run=$!
await_file "$WORK/ready"
proxy=$(part_pid $run proxy)
before=$(rss "$proxy")
rm "$WORK/ready"
await_file "$WORK/ready"
after=$(rss "$proxy")
rm "$WORK/ready"
wait $run
like "$(tr '\n' ' ' <"$TMP/out")" "8 MiB 200 MiB end b''" "200 MiB go there and back, as they were" || note "$(cat "$TMP/out")"
[ "$((after - before))" -lt 1024 ]
ok $? "and the proxy does not grow" || note "$before kB before, $after kB after"
