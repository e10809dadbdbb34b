#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --quiet says errors only, -v each decision, -vv the protocol; the command's output is its own.
. "$(dirname "$0")/../lib.sh"
start_promptfax
cp /bin/true claude

run() { # [OPTION…] - a call that is allowed, one that is denied, and a refused host
	SECRET_TOKEN=hunter2 jailed "$@" -- sh -c "$AGENT get_quote wire_money; curl -s -o /dev/null https://example.org/; echo mine; exec ./claude" \
		>"$TMP/out" 2>"$TMP/err" </dev/null
}
run -q
is "$(cat "$TMP/err")" "" "--quiet says nothing of a run that went well"
like "$(cat "$TMP/out")" '^mine$' "and the command's output comes through"
jailed -q -- /no/such/program 2>"$TMP/err"
like "$(cat "$TMP/err")" '^mcpjail: /no/such/program: ' "an error is told all the same"
jailed -q --allow x/y -- true 2>"$TMP/err"
like "$(cat "$TMP/err")" '^mcpjail: --allow: ' "also one of the command line"

run
notices=$(grep -c ^mcpjail: "$TMP/err")
like "$(cat "$TMP/err")" '^mcpjail: policy: ' "by default the policy is named"
like "$(cat "$TMP/err")" '^mcpjail: withheld from the command, as credentials: .*SECRET_TOKEN' "and withheld credentials"
like "$(cat "$TMP/err")" '^mcpjail: calls: 1 allowed, 1 denied$' "and how calls went"
unlike "$(cat "$TMP/err")" '^mcpjail: (allowed|denied):|conn [0-9]' "but no decision"
run -v
like "$(cat "$TMP/err")" '^mcpjail: allowed: get_quote on ' "-v shows what was allowed"
like "$(cat "$TMP/err")" '^mcpjail: denied: wire_money on ' "and what was denied"
like "$(cat "$TMP/err")" '^mcpjail: denied: GET / on example\.org: 403: ' "and refused hosts"
unlike "$(cat "$TMP/err")" 'conn [0-9]' "but not the protocol"
run --verbose --verbose
like "$(cat "$TMP/err")" '^mcpjail: conn [0-9]+: TLS for promptfax\.app$' "-vv shows the protocol"
[ "$(grep -c ^mcpjail: "$TMP/err")" -gt "$notices" ]
ok $? "besides all else"
unlike "$(cat "$TMP/err")" 'hunter2' "and no secret"
