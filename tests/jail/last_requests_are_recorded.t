#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Proxy, dialer and broker are started when the agent first asks, or a moment after its start. What
# a command asks for as the last thing it does is in the record all the same, and one that asks
# for nothing has them in a moment.
. "$(dirname "$0")/../lib.sh"

cat >ask.py <<'EOF'
import os, socket, sys

question = (b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
            b"\x04evil\x07example\x00\x00\x01\x00\x01")
kind = socket.SOCK_DGRAM if sys.argv[1] in ("udp", "dns") else socket.SOCK_STREAM
to, port, data = {
    "udp": ("198.51.100.9", 9999, b"x"),
    "dns": ("198.51.100.53", 53, question),
    "tcp": ("198.51.100.9", 443, b""),
    "tls": ("198.51.100.9", 443, b"\x16\x03\x01"),
}[sys.argv[1]]
s = socket.socket(socket.AF_INET, kind)
if sys.argv[1] == "tcp":
    s.setblocking(False)
s.connect_ex((to, port))
if data:
    s.send(data)
os._exit(0)
EOF

for how in udp dns tcp tls; do
	rm -rf "$TMP/run"
	"$MCPJAIL" -q --run-dir "$TMP/run" -p "$(allow_all)" -- python3 ask.py "$how" 2>"$TMP/err"
	is $? 0 "$how and gone: the command's own status"
	like "$(cat "$TMP/run/ledger.jsonl")" '"net\.denied".*"address":"198\.51\.100\.' "$how and gone: recorded"
	"$MCPJAIL" verify "$TMP/run" >/dev/null
	ok $? "$how and gone: the ledger is whole"
done

"$MCPJAIL" -q --run-dir "$TMP/idle" -p "$(allow_all)" -- sleep 600 2>"$TMP/err" &
SUPERVISOR=$!
for role in dialer proxy broker; do
	[ -n "$(await_part "$SUPERVISOR" "$role")" ]
	ok $? "nobody has asked: the $role is there in a moment"
done
kill "$SUPERVISOR"
wait "$SUPERVISOR"
is $? 143 "and the command is ended as ever"

