#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A run has the grant that it names, and that only takes away.
. "$(dirname "$0")/../lib.sh"
start_promptfax
cat >"$TMP/p.json" <<'EOF'
{"grants": {"ci": {"tools": ["start_session"]}, "all": {}, "old": {"expires": "2020-01-01T00:00:00Z"}},
 "tools": {"start_session": {}, "get_status": {}}}
EOF
run() { # grant
	# shellcheck disable=SC2086
	jailed -q -p "$TMP/p.json" -g "$1" -- $AGENT 'start_session:{"hostType":"other"}' get_status:'{}' 2>"$TMP/err"
}
out=$(run ci)
is "$(sed 's/ .*//' <<<"$out" | tr '\n' ' ')" "ok denied " "what a grant lists passes, and nothing else"
like "$out" '^denied get_status: .*the grant `ci` is for other tools.*/grants/ci' "by its rule"
out=$(run all)
is "$(grep -c ^ok <<<"$out")" 1 "one that lists none takes none away"
unlike "$out" '^denied get_status: mcpjail' "so what else is denied is the server's"
out=$(run old)
is "$(grep -c '^denied .*the grant `old` has expired.*/grants/old' <<<"$out")" 2 "one that has expired has nothing"
run nobody >"$TMP/out"
is "$? $(wc -c <"$TMP/out")" "125 0" "one that is not there starts nothing"
like "$(cat "$TMP/err")" '^mcpjail: --grant: the policy has no grant .nobody.' "which is said"
: >"$SERVED"
run ci >/dev/null
is "$(served start_session) $(served get_status)" "1 0" "the server sees what passed"
