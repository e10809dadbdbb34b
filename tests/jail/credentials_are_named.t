#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Credentials of the caller's environment stay outside, are named in one line, and get in by name.
. "$(dirname "$0")/../lib.sh"
export GITHUB_TOKEN=ghp_0123456789abcdefghijABCDEFGHIJ012345 SOME_API_KEY=hunter2 PLAIN=value

run() { "$MCPJAIL" "$@" -- env >"$TMP/out" 2>"$TMP/err" </dev/null; }
line() { grep '^mcpjail: withheld' "$TMP/err"; }
run
unlike "$(cat "$TMP/out")" '^(GITHUB_TOKEN|SOME_API_KEY)=' "they are not passed"
like "$(cat "$TMP/out")" '^PLAIN=value$' "what is no credential is"
is "$(line | wc -l)" 1 "one line tells of them"
like "$(line)" 'GITHUB_TOKEN' "by name"
like "$(line)" 'SOME_API_KEY' "all of them"
like "$(line)" '--env NAME, or "environment":\{"pass":\["NAME"\]\} in the policy$' "and how they get in"
unlike "$(cat "$TMP/err")" 'hunter2|ghp_' "not by value"
run --env GITHUB_TOKEN
like "$(cat "$TMP/out")" "^GITHUB_TOKEN=$GITHUB_TOKEN$" "--env lets one through"
unlike "$(line)" 'GITHUB_TOKEN' "which is then not told of"
run --env 'SOME_*' --env GITHUB_TOKEN
is "$(line)" "" "nothing is told if nothing is withheld"
run --env NOT_SET_HERE
like "$(cat "$TMP/err")" '^mcpjail: --env NOT_SET_HERE: it is not set' "a name without a value is told"
run --env SOME_API_KEY=hunter2
is $? 125 "a value is no name"
unlike "$(cat "$TMP/err")" hunter2 "and is not repeated"
echo '{"environment": {"pass": ["SOME_API_KEY"], "set": {"EDITOR": "ed"}, "unset": ["PLAIN"]}}' >"$TMP/p.json"
run -p "$TMP/p.json"
like "$(cat "$TMP/out")" '^SOME_API_KEY=hunter2$' "a policy passes what it lists"
like "$(cat "$TMP/out")" '^EDITOR=ed$' "sets what it sets"
unlike "$(cat "$TMP/out")" '^PLAIN=' "and keeps what it unsets"
for i in 1 2 3 4 5 6 7 8; do export "T${i}_TOKEN=hunter$i"; done
run
like "$(line)" ' and [0-9]+ more; ' "of many, some are named and the rest counted"
