#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An agent that sends datagrams as fast as it can fills no disk, and none goes uncounted.
. "$(dirname "$0")/../lib.sh"

"$MCPJAIL" -q --require netlog -- true 2>"$TMP/err"
is $? 0 "datagrams that nobody takes are logged, and --require can ask for it" || note "$(cat "$TMP/err")"

cat >flood.py <<'P'
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
until, sent = time.monotonic() + 3, 0
while time.monotonic() < until:
    try:
        s.sendto(b"x", ("198.51.100.7", 9))
        sent += 1
    except ConnectionRefusedError:
        pass  # answer to an earlier one
print(sent)
P
sent=$("$MCPJAIL" -q --run-dir "$TMP/run" -- python3 flood.py 2>"$TMP/err")
[ "$sent" -gt 5000 ]
ok $? "thousands are sent" || note "sent $sent" "$(cat "$TMP/err")"
size=$(stat -c %s "$TMP/run/ledger.jsonl")
[ "$size" -lt 1000000 ]
ok $? "the ledger stays small" || note "$size bytes"
python3 - "$TMP/run" <<'P' >"$TMP/counts" 2>&1
import json, sys
records = [json.loads(line) for line in open(sys.argv[1] + "/ledger.jsonl")]
status = json.load(open(sys.argv[1] + "/status.json"))
denied = [r for r in records if r["type"] == "net.denied"]
suppressed = sum(r.get("suppressed", 0) for r in denied)
single = sum("suppressed" not in r for r in denied)
assert suppressed > 0 and 1000 < single < 1200, (single, suppressed)
assert single + suppressed == status["egress_refused"], (single, suppressed, status)
assert records[-1]["type"] == "run.end" and records[-1]["egress_refused"] == single + suppressed
assert status["egress_allowed"] == 0
assert "netlog" in status["layers"], status["layers"]
print("fine")
P
is "$(tail -1 "$TMP/counts")" fine "what is not recorded one by one is counted"
is "$("$MCPJAIL" verify "$TMP/run" >"$TMP/verify"; echo $?)" 0 "and the ledger verifies"
like "$("$MCPJAIL" trace "$TMP/run" | tail -3)" 'deny   [0-9]+ more' "trace says how many more there were"
