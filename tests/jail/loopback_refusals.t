#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A connection to the jail's own loopback that nothing listens for: the person hears of it, because
# the host's may have been meant; the ledger does not, because nothing was refused by a rule.
. "$(dirname "$0")/../lib.sh"

cat >connect.py <<'P'
import socket, sys, time
for target in sys.argv[1:]:
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)))
        print("connected")
    except ConnectionRefusedError:
        print("refused")
time.sleep(0.1)
P
is "$("$MCPJAIL" --run-dir "$TMP/run" -- python3 connect.py 127.0.0.1:4173 ::1:4174 127.9.9.9:4175 2>"$TMP/err" | sort -u)" refused \
	"nothing listens in the jail"
for told in 127.0.0.1:4173 '\[::1\]:4174' 127.9.9.9:4175; do
	like "$(cat "$TMP/err")" "^mcpjail: .*$told" "the person is told of $told"
done
unlike "$(cat "$TMP/run/ledger.jsonl")" 'net\.denied' "the ledger is not"
like "$(cat "$TMP/run/status.json")" '"egress_refused": *0[,}]' "nor is it counted as a refusal"

cat >server.py <<'P'
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
c = socket.create_connection(s.getsockname()); p, _ = s.accept()
c.sendall(b"x" * 100000); p.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"); p.close()
print("served")
P
is "$("$MCPJAIL" --run-dir "$TMP/own" -- python3 server.py 2>"$TMP/err")" served "a server of the agent's own serves"
unlike "$(cat "$TMP/err")" '127\.0\.0\.1' "and a connection that it resets is not told"

# As fast as it can: a few a second are told, and none is slow for that.
cat >flood.py <<'P'
import socket, time
end, n = time.monotonic() + 2, 0
while time.monotonic() < end:
    s = socket.socket()
    try:
        s.connect(("127.0.0.1", 4180))
    except ConnectionRefusedError:
        n += 1
    s.close()
print(n)
P
n=$("$MCPJAIL" --run-dir "$TMP/flood" -- python3 flood.py 2>"$TMP/err")
[ "$n" -gt 2000 ]
ok $? "thousands are refused ($n)"
told=$(grep -oE '127\.0\.0\.1:4180.*' "$TMP/err" | grep -oE '[0-9]+ times?' | grep -oE '[0-9]+')
[ "${told:-1}" -le 30 ]
ok $? "a few of them are told" || note "$(cat "$TMP/err")"
like "$(cat "$TMP/err")" '127\.0\.0\.1:4180' "at least one"
unlike "$(cat "$TMP/flood/ledger.jsonl")" 'net\.denied' "none is recorded"
