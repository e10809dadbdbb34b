#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The policy language against a real server: what a call says decides whether it arrives, and as
# much of a limit is used up as it says.
. "$(dirname "$0")/../lib.sh"
start_promptfax --name mail.example
made() { grep -c '"method": *"tools/call"' "$SERVED"; }

cat >"$TMP/p.json" <<'EOF'
{"version": "1", "default": "deny",
 "tools": {
  "start_session": {
   "require": [{"path": "args.hostType", "op": "in", "value": ["claude", "other"]}],
   "deny_if": [{"path": "args.files[*].url", "op": "not_url",
                "value": {"scheme": ["https"], "host_in": ["files.example.com"], "private_ip": false}},
               {"path": "args.files[*].fileName", "op": "regex", "value": "[/\\\\]|\\.\\.|^~"},
               {"path": "args.files", "op": "len_gt", "value": 2}]},
  "get_quote": {
   "require": [{"path": "args.faxNumber", "op": "us_fax", "optional": true}],
   "deny_if": [{"args.faxNumber": {"e164_prefix": ["+1900", "+1976"]}}]},
  "get_status": {
   "args": {"type": "object", "properties": {"sessionId": {"type": "string", "pattern": "^ses_[0-9]+$"},
                                             "sendIntentId": {"type": "string", "maxLength": 20}},
            "required": ["sessionId"], "additionalProperties": false}},
  "checkout": {"limits": [{"counter": "cents", "window": "day", "max": 1000, "increment": "args.amount"}]}}}
EOF

# Each row: a word of mcp_calls.py | ok, or the rule that denies
rows=() words=()
while IFS='|' read -r call rule; do
	rows+=("$rule")
	words+=("$call")
done <<'EOF'
start_session:{"hostType":"other"}|ok
start_session:{"hostType":"chatgpt"}|/tools/start_session/require/0
start_session:{"HostType":"other"}|/tools/start_session/require/0
start_session:{}|/tools/start_session/require/0
start_session:{"hostType":["other"]}|/tools/start_session/require/0
start_session:{"hostType":"other","files":[{"url":"https://files.example.com/a.pdf","fileName":"a.pdf"}]}|ok
start_session:{"hostType":"other","files":[{"url":"https://files.example.com/a.pdf"},{"url":"http://files.example.com/a"}]}|/tools/start_session/deny_if/0
start_session:{"hostType":"other","files":[{"url":"https://files.example.com@evil.example/a"}]}|/tools/start_session/deny_if/0
start_session:{"hostType":"other","files":[{"URL":"https://evil.example/a"}]}|/tools/start_session/deny_if/0
start_session:{"hostType":"other","files":[{"url":7}]}|/tools/start_session/deny_if/0
start_session:{"hostType":"other","files":[{"fileName":"../a"}]}|/tools/start_session/deny_if/1
start_session:{"hostType":"other","files":[{},{},{}]}|/tools/start_session/deny_if/2
get_quote:{"sessionId":"ses_1","faxNumber":"(212) 555-0123"}|ok
get_quote:{"sessionId":"ses_1"}|ok
get_quote:{"sessionId":"ses_1","faxNumber":"+1 900 555 0123"}|/tools/get_quote/deny_if/0
get_quote:{"sessionId":"ses_1","faxNumber":"9005550123"}|/tools/get_quote/deny_if/0
get_quote:{"sessionId":"ses_1","faxNumber":"+44 20 7123 4567"}|/tools/get_quote/require/0
get_quote:{"sessionId":"ses_1","faxNumber":2125550123}|/tools/get_quote/deny_if/0
get_status:{"sessionId":"ses_1"}|ok
get_status:{"sessionId":"ses_1","x":1}|/tools/get_status/args/additionalProperties
get_status:{"sessionId":"1"}|/tools/get_status/args/properties/sessionId/pattern
get_status:{"sendIntentId":"int_1"}|/tools/get_status/args/required
checkout:{"sessionId":"ses_1","amount":600}|ok
checkout:{"sessionId":"ses_1","amount":-1000}|/tools/checkout/limits/0
checkout:{"sessionId":"ses_1","amount":0.99}|/tools/checkout/limits/0
checkout:{"sessionId":"ses_1","amount":"1"}|/tools/checkout/limits/0
checkout:{"sessionId":"ses_1"}|/tools/checkout/limits/0
checkout:{"sessionId":"ses_1","amount":401}|/tools/checkout/limits/0
checkout:{"sessionId":"ses_1","amount":400.0}|ok
checkout:{"sessionId":"ses_1","amount":1}|/tools/checkout/limits/0
EOF

# shellcheck disable=SC2086
jailed -q -p "$TMP/p.json" --run-dir "$TMP/run" -- $AGENT "${words[@]}" >"$TMP/out" 2>&1
mapfile -t lines < <(grep -E '^(ok|denied|error|http) ' "$TMP/out")
passed=0
for i in "${!rows[@]}"; do
	if [ "${rows[i]}" = ok ]; then
		passed=$((passed + 1))
		# What the server itself says to a session that it does not know is its own matter.
		like "${lines[i]:-}" "^(ok|denied [a-z_]+: no such)" "passes: ${words[i]}"
	else
		like "${lines[i]:-}" "^denied .*\(rule ${rows[i]}\)" "denied: ${words[i]}"
	fi
done
is "$(made)" "$passed" "the server saw what passed, and nothing else"
is "$(grep '"call.decision"' "$TMP/run/ledger.jsonl" | grep '"verdict": *"deny"' | grep -c '"rule": *"/tools/checkout/limits/0"')" 6 \
	"the ledger names the rules"

# Two servers: one name of a tool, two rules, two quotas; and two on one host.
quota='"limits": [{"counter": "c", "window": "day", "max": 2, "scope": "grant"}]'
cat >"$TMP/two.json" <<EOF
{"servers": {"fax": {"url": "https://promptfax.app/mcp", "tools": {"get_quote": {$quota}}, "hide": ["send_fax"]},
             "mail": {"url": "https://mail.example/mcp", "tools": {"get_quote": {$quota}, "get_status": {}}},
             "other": {"url": "https://mail.example/other", "tools": {"get_quote": {"action": "deny"}}}}}
EOF
: >"$SERVED"
two=(-q -p "$TMP/two.json" --connect-to "mail.example:443:127.0.0.1:$PORT" --)
quote='get_quote:{"sessionId":"ses_1"}*3'
out=$(jailed "${two[@]}" sh -c "$AGENT '$quote' get_status:'{\"sessionId\":\"ses_1\"}' send_fax; MCP_HOST=mail.example $AGENT '$quote' get_status:'{\"sessionId\":\"ses_1\"}' tools/list" 2>&1)
is "$(sed -nE 's/^denied .*\(rule .*/denied/p; s/^(ok|denied [a-z_]+: no such).*/ok/p' <<<"$out" | tr '\n' ' ')" "ok ok denied denied denied ok ok denied ok " "a quota for each server's tool of that name"
like "$out" '/servers/fax/tools/get_quote/limits/0' "the rule names the server"
like "$out" '/servers/mail/tools/get_quote/limits/0' "each its own"
like "$(grep send_fax <<<"$out")" '/servers/fax/hide' "what is hidden is so by its server"
is "$(grep '^tools:' <<<"$out")" "tools: get_quote get_status" "tools/list is that server's"
is "$(made)" 5 "the servers saw what passed"
code=$(jailed "${two[@]}" curl -s -o body -w '%{http_code}' -X POST https://mail.example/nothing -H 'content-type: application/json' -d '{}')
is "$code" 403 "another path of a server's host is refused"
body='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_quote","arguments":{}}}'
jailed "${two[@]}" curl -s -o body -X POST https://mail.example/other -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' -d "$body"
like "$(cat body)" '/servers/other/tools/get_quote/action' "two servers on one host are told apart by their paths"
jailed "${two[@]}" curl -s -o body -X POST https://mail.example/other -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' -d "${body/\"method\"/\"Method\":\"ping\",\"method\"}"
like "$(cat body)" '"error"' "a second method in other case is no way around a rule"
jailed "${two[@]}" curl -s -o body -X POST https://mail.example/other -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' -d "[$body]"
like "$(cat body)" '"error"' "nor is a batch"
is "$(made)" 5 "neither arrived"

# What this version does not carry out does not start.
echo '{"tools":{"send_fax":{"approval":{"required":true}}}}' >"$TMP/later.json"
out=$(jailed -q -p "$TMP/later.json" -- true 2>&1)
is "$?" 125 "a rule that nothing carries out starts nothing"
like "$out" '/tools/send_fax/approval.*not supported by this version yet' "and is named"

# A grant takes away from what the policy allows, and a run has the one that it names.
cat >"$TMP/grants.json" <<'EOF'
{"tools": {"start_session": {}, "get_status": {}, "send_fax": {"action": "deny"}},
 "grants": {"reader": {"tools": ["get_status"], "expires": "2999-12-31T23:59:59Z"}, "past": {"expires": "2020-01-01T00:00:00Z"}, "all": {}}}
EOF
: >"$SERVED"
words=(start_session:'{"hostType":"other"}' get_status:'{"sessionId":"s"}' send_fax tools/list)
out=$(jailed -q -p "$TMP/grants.json" -g reader -- $AGENT "${words[@]}" 2>&1)
like "$(grep start_session <<<"$out" | head -1)" '^denied .*\(rule /grants/reader\)' "a tool that the grant does not list"
unlike "$(grep get_status <<<"$out" | head -1)" '\(rule ' "one that it lists"
is "$(grep '^tools:' <<<"$out")" "tools: get_status" "only that one is shown"
is "$(made)" 1 "only that one arrives"
out=$(jailed -q -p "$TMP/grants.json" -g past -- $AGENT "${words[@]}" 2>&1)
is "$(grep -c '(rule /grants/past)' <<<"$out")" 3 "a grant that has expired allows nothing"
out=$(jailed -q -p "$TMP/grants.json" -g all -- $AGENT "${words[@]}" 2>&1)
is "$(grep -c '(rule /tools/send_fax/action)' <<<"$out") $(grep -c '^ok start_session' <<<"$out")" "1 1" "a grant allows nothing more"
out=$(jailed -q -p "$TMP/grants.json" -g nobody -- touch ran 2>&1)
is "$? $(ls ran 2>/dev/null)" "125 " "a grant that the policy has not starts nothing"
like "$out" "the policy has no grant 'nobody'" "and is named"
