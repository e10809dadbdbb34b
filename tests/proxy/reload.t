#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A run takes its policy anew: all or nothing, counters kept, each record naming the policy that
# judged it; and nobody in the jail can ask for it.
. "$(dirname "$0")/../lib.sh"
start_promptfax
policy=$TMP/p.json
run=$TMP/run
session='start_session:{"hostType":"other"}'
limited() { # max, more tools
	echo '{"version":"1","default":"deny","tools":{"start_session":{"limits":[{"counter":"c","window":"hour","max":'"$1"',"scope":"grant"}]}'"${2:-}"'}'"${3:-}"'}'
}
sha() { sha256sum <"$1" | cut -d' ' -f1; }
types() { sed -n 's/.*"type":"\(policy\.[a-z_]*\)".*/\1/p' "$run/ledger.jsonl" | tr '\n' ' '; }
reload() { "$MCPJAIL" reload "$run" >"$TMP/out" 2>"$TMP/err"; }

# An agent that makes the calls it is told to, a line each.
cat >agent.sh <<'EOF'
touch ready
while [ ! -e stop ]; do
	if [ -e todo ]; then
		mv todo doing
		eval "python3 mcp_calls.py $(cat doing)" >answer.new 2>&1
		mv answer.new answer
	fi
	sleep 0.05
done
EOF
calls() { # words for the agent - its answer
	rm -f answer
	echo "$*" >todo.new
	mv todo.new todo
	await_file answer
	cat answer
}
limited 3 >"$policy"
first=$(sha "$policy")
in_background "$TMP/log" -q -p "$policy" --allow example.org -g reloads --run-dir "$run" -- sh agent.sh
await_file ready
is "$(calls "'$session*2'" | grep -c ^ok)" 2 "two calls pass"
is "$(stat -c '%a %F' "$run/control")" "600 socket" "the control socket is its user's alone"

limited 5 ',"get_status":{}' >"$policy"
reload
is $? 0 "a policy is taken anew"
like "$(cat "$TMP/out")" 'the policy was taken anew' "which is said"
is "$(types)" "policy.loaded policy.loaded " "and recorded"
is "$(calls "'$session*5'" | grep -c ^ok)" 3 "what was counted stays counted"
is "$(calls tools/list)" "tools: get_status start_session" "its tools are there"
second=$(sha "$run/policy.2.json")
is "$(python3 - "$run/ledger.jsonl" <<'P'
import json, sys
print(" ".join(r["policy_sha256"][:8] for r in map(json.loads, open(sys.argv[1])) if r["type"] == "call.decision"))
P
)" "$(printf '%.8s ' "$(sha "$run/policy.json")"{,} "$second"{,,,,} | sed 's/ $//')" "each record names the policy that judged the call"
is "$(grep -c '"example.org"' "$run/policy.2.json")" 1 "what options add is in it"
[ "$first" != "$second" ]
ok $? "it is another one"

echo '{"tools": {"start_session": {"limts": []}}}' >"$policy"
reload
is $? 1 "a policy that is wrong is refused"
like "$(cat "$TMP/err")" "p\.json:1:30 /tools/start_session/limts: unknown key, did you mean .limits" "its error is told to who asked"
is "$(types)" "policy.loaded policy.loaded policy.reload_failed " "and recorded"
like "$(grep reload_failed "$run/ledger.jsonl")" "\"sha256_in_force\":\"$second\"" "with the policy that stays in force"
is "$(calls "'$session'" | grep -o '/tools/start_session/limits/0')" "/tools/start_session/limits/0" "which judges on"
limited 9 '' ',"filesystem":{"hide":["/srv"]}' >"$policy"
reload
is $? 1 "what the jail is made by cannot change"
like "$(cat "$TMP/err")" '`/filesystem` has changed' "which is said"
rm "$policy"
reload
is $? 1 "a policy that is gone is refused"
is "$(wc -c <"$TMP/log")" 0 "the run's own terminal is left alone"

limited 9 >"$policy"
is "$(calls tools/list)" "tools: get_status start_session" "nothing is taken unasked"
for i in 1 2 3 4; do "$MCPJAIL" reload "$run" >/dev/null 2>&1 & reloads[i]=$!; done
wait "${reloads[@]}"
is "$(types | wc -w)" 9 "reloads at the same time come one after the other"
is "$(calls tools/list)" "tools: start_session" "and are in force"

# Nobody in the jail, nor who stands in for the agent's parent.
cat >ask.py <<'EOF'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
try:
    s.connect(sys.argv[1])
except OSError as e:
    print(type(e).__name__)
EOF
cp agent.sh probe.sh
rm -f answer
echo "tools/list; python3 ask.py $run/control >asked; :" >todo.new
mv todo.new todo
await_file answer
like "$(cat asked)" 'Error$' "a process of the jail does not reach the socket"
touch stop
wait $SUPERVISOR
is $? 0 "the run ends as ever"
[ ! -e "$run/control" ]
ok $? "and takes its socket away"
reload
is $? 2 "a run that is over takes nothing"
like "$(cat "$TMP/err")" 'this run is over' "which is said"
"$MCPJAIL" verify "$run" >/dev/null
is $? 0 "its ledger is whole"
"$MCPJAIL" reload no-such-run 2>/dev/null
is $? 2 "nor one that never was"
