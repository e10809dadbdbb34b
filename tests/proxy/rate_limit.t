#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The published one-tool policy holds to the call, over runs, grants and kill -9.
. "$(dirname "$0")/../lib.sh"
start_promptfax
policy=$(published_policy)
session='start_session:{"hostType":"other"}'

# shellcheck disable=SC2086
out=$(jailed -q -p "$policy" -g one -- $AGENT tools/list "$session*12" send_fax:'{"sessionId":"s","sendIntentId":"i"}' 2>&1)
is "$(grep -c '^ok start_session' <<<"$out")" 10 "ten calls are answered"
is "$(served start_session)" 10 "and exactly ten reach the server"
is "$(grep -c '^denied start_session' <<<"$out")" 2 "two are denied"
like "$(grep '^denied start_session' <<<"$out" | tail -1)" '/tools/start_session/limits/0' "with the limit's rule"
like "$(grep '^denied start_session' <<<"$out" | tail -1)" '[0-9]+ s' "and the seconds to wait"
like "$(grep send_fax <<<"$out")" '^denied send_fax: .*/default' "an unlisted tool is denied"
is "$(served send_fax)" 0 "and never reaches the server"
is "$(grep '^tools:' <<<"$out")" "tools: start_session" "tools/list shows only what may be called"

out=$(jailed -q -p "$policy" -g one -- $AGENT "$session*2" 2>&1)
is "$(grep -c ^denied <<<"$out")" 2 "another run of the same grant has nothing left"
out=$(jailed -q -p "$policy" -g other -- $AGENT "$session*12" 2>&1)
is "$(grep -c '^ok start_session' <<<"$out")" 10 "another grant has ten of its own"
out=$(jailed -q -p "$policy" -g modern -- $AGENT --modern "$session*12" tools/list 2>&1)
is "$(grep -c '^ok start_session' <<<"$out")" 10 "so it is in the modern era"
is "$(grep '^tools:' <<<"$out")" "tools: start_session" "and its tools/list"

: >"$SERVED"
for i in 1 2 3; do
	jailed -q -p "$policy" -g together -- $AGENT "$session*8" >"$TMP/run$i" 2>&1 &
	runs[i]=$!
done
wait "${runs[@]}"
is "$(cat "$TMP"/run? | grep -c '^ok start_session')" 10 "three runs at once let ten through"
is "$(served start_session)" 10 "as the server saw it"

# The keeper killed with -9 after charges: what was charged stays charged.
in_background "$TMP/killed" -q -p "$policy" -g killed -- sh -c "$AGENT '$session*6'; touch half; sleep 20"
await_file half
kill -9 "$(part_pid $SUPERVISOR keeper)"
wait $SUPERVISOR
is $? 137 "a run whose keeper was killed ends as killed"
out=$(jailed -q -p "$policy" -g killed -- $AGENT "$session*12" 2>&1)
is "$(grep -c '^ok start_session' "$TMP/killed") $(grep -c '^ok start_session' <<<"$out")" "6 4" "after kill -9 the next run has what was left"

# A short window: never more than max in any span, across its edges.
echo '{"version":"1","default":"deny","tools":{"get_status":{"limits":[{"counter":"c","window":1,"max":5,"scope":"grant"}]}}}' >"$TMP/short.json"
: >"$SERVED"
jailed -q -p "$TMP/short.json" -- $AGENT --pause 0.03 'get_status:{"sessionId":"s","sendIntentId":"i"}*120' >"$TMP/out" 2>&1
run=$(ls -td "$XDG_STATE_HOME"/mcpjail/runs/* | head -1)
worst=$(python3 - "$run/ledger.jsonl" <<'P'
import json, sys
times = [r["mono_ns"] for r in map(json.loads, open(sys.argv[1]))
         if r["type"] == "call.decision" and r["verdict"] == "allow"]
assert len(times) > 10, len(times)
print(max(sum(1 for t in times if s <= t < s + 1000000000) for s in times))
P
)
is "$worst" 5 "no second has more than its five"

# Allow-all takes the same path.
: >"$SERVED"
jailed -q -p "$(allow_all)" --run-dir "$TMP/all" -- $AGENT "$session*25" >/dev/null 2>&1
is "$(grep -c '"type":"call.decision"' "$TMP/all/ledger.jsonl") $(served start_session)" "25 25" "allow-all: as many records as calls served"
