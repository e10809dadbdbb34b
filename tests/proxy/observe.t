#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From an observed run to a reviewed policy: what is classed as read or write passes and is
# recorded, nothing else does, and the policy made of it lets the same pass again.
. "$(dirname "$0")/../lib.sh"
start_promptfax
records() { # run, tool - "VERDICT RULE" of its calls
	python3 - "$1/ledger.jsonl" "$2" <<'P'
import json, sys
for r in map(json.loads, open(sys.argv[1])):
    if r["type"] == "call.decision" and r["tool"] == sys.argv[2]: print(r["verdict"], r["rule"])
P
}

cat >"$TMP/classes.json" <<'EOF'
{"version": "1", "default": "deny", "mode": "observe",
 "tools": {
  "start_session": {"class": "write", "limits": [{"counter": "c", "window": "hour", "max": 1}]},
  "get_status": {"class": "read", "action": "deny"},
  "cancel": {},
  "send_fax": {"class": "paid"}}}
EOF
# shellcheck disable=SC2086
out=$(jailed -p "$TMP/classes.json" --run-dir "$TMP/run" -- $AGENT 'start_session:{"hostType":"other"}*3' \
	'get_status:{"sessionId":"s","sendIntentId":"i"}' 'cancel:{"sessionId":"s","sendIntentId":"i"}' \
	'send_fax:{"sessionId":"s","sendIntentId":"i"}' 'get_quote:{}' 2>"$TMP/err")
like "$(cat "$TMP/err")" '^mcpjail: mode observe: calls of tools that the policy classes as read or write are forwarded' "the mode is announced"
is "$(served start_session) $(served get_status) $(served cancel) $(served send_fax) $(served get_quote)" "3 1 0 0 0" "what is classed as read or write passes, nothing else"
is "$(records "$TMP/run" start_session | tr '\n' ' ')" "allow /tools/start_session allow /tools/start_session/limits/0 allow /tools/start_session/limits/0 " "a limit is judged, and holds nothing back"
is "$(records "$TMP/run" get_status)" "allow /tools/get_status/action" "so is a rule that denies"
is "$(records "$TMP/run" cancel) $(records "$TMP/run" send_fax) $(records "$TMP/run" get_quote)" "deny /mode deny /mode deny /default" "what has no such class stays denied"
like "$(grep '^denied cancel' <<<"$out")" 'the policy only observes' "and why is told"
is "$(grep -c 'mode observe, so forwarded; judged: ' "$TMP/run/ledger.jsonl")" 3 "records say what was judged"
is "$(mkdir -p "$TMP/x"; "$MCPJAIL" verify "$TMP/run" >/dev/null; echo $?)" 0 "the ledger is whole"

# The loop: observe with the built-in policy's classes, infer, review, enforce.
: >"$SERVED"
# shellcheck disable=SC2086
jailed -q --observe --run-dir "$TMP/observed" -- $AGENT tools/list 'start_session:{"hostType":"other"}*2' \
	'get_quote:{"sessionId":"ses_1"}' 'checkout:{"sessionId":"ses_1"}' >/dev/null
is "$(served start_session) $(served get_quote) $(served checkout)" "2 1 0" "--observe does so for one run"
is "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["mode"])' "$TMP/observed/policy.json")" observe "and the policy as used says so"
"$MCPJAIL" policy init --from-run "$TMP/observed" >learnt.json 2>"$TMP/err"
is $? 0 "a policy is inferred"
is "$(python3 -c 'import json, sys
p = json.load(open("learnt.json")); print(p["mode"], {t: r.get("action", "allow") for t, r in p["tools"].items()})')" \
	"enforce {'start_session': 'allow', 'get_quote': 'allow', 'checkout': 'require_approval'}" "that enforces, and asks before it pays"
"$MCPJAIL" policy diff "$ROOT/policy/promptfax.json" learnt.json >review
is $? 1 "the review shows what changes"
like "$(cat review)" 'tool `cancel` was allowed by /tools/cancel and is now denied' "for each tool"
: >"$SERVED"
# shellcheck disable=SC2086
out=$(jailed -q -p learnt.json -g learnt -- $AGENT 'start_session:{"hostType":"other"}' 'start_session:{"hostType":"claude"}' 'get_quote:{"sessionId":"ses_1"}' 'cancel:{}' 2>&1)
is "$(served start_session) $(served get_quote) $(served cancel)" "1 1 0" "under it the same passes, and nothing else"
like "$out" '^denied start_session: .*/tools/start_session/require/0' "by the rules that were inferred"
