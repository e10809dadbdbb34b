#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A policy to begin with, from what a run did and from what a server lists: the least that lets
# the same pass again.
. "$(dirname "$0")/../lib.sh"
start_promptfax
init() { "$MCPJAIL" policy init "$@" 2>"$TMP/err"; }
get() { python3 -c 'import json, sys; p = json.load(open(sys.argv[1])); print(json.dumps(eval(sys.argv[2])))' "$1" "$2"; }

cat >"$TMP/open.json" <<'EOF'
{"default": "allow", "egress": [{"host": "unused.example"}], "filesystem": {"write": ["$PWD/out/"]},
 "tools": {"cancel": {"action": "deny"}, "get_quote": {"redact": ["args.faxNumber"]}}}
EOF
# shellcheck disable=SC2086
jailed -q -p "$TMP/open.json" --run-dir "$TMP/run" -- $AGENT tools/list 'start_session:{"hostType":"other"}*3' \
	'get_quote:{"sessionId":"ses_1","faxNumber":"+12125550123","fileUrls":["https://files.example.com/a","https://files.example.com/b"]}' \
	'send_fax:{"sessionId":"ses_1","sendIntentId":"int_1"}' cancel:'{"sessionId":"ses_1","sendIntentId":"int_1"}*2' >/dev/null

init --from-run "$TMP/run" >new.json
is $? 0 "from a run"
is "$("$MCPJAIL" policy check new.json >/dev/null 2>&1; echo $?)" 0 "the outcome is sound"
is "$(get new.json '(p["default"], p["mode"], p["server"])')" '["deny", "enforce", {"url": "https://promptfax.app/mcp"}]' "denies all else"
is "$(get new.json 'sorted(p["tools"])')" '["cancel", "get_quote", "send_fax", "start_session"]' "has the tools that were called or tried"
is "$(get new.json 'p["tools"]["start_session"]["require"]')" '[{"path": "args.hostType", "op": "in", "value": ["other"]}]' "with the values that were seen"
is "$(get new.json 'p["tools"]["get_quote"]["require"]')" \
	'[{"path": "args.fileUrls", "op": "len_lte", "value": 2}, {"path": "args.fileUrls[*]", "op": "url", "value": {"scheme": ["https"], "host_in": ["files.example.com"]}, "optional": true}]' "and their hosts"
is "$(get new.json 'p["tools"]["get_quote"]["redact"]')" '["args.faxNumber"]' "what was kept out of the ledger stays out"
is "$(get new.json 'p["tools"]["send_fax"]["action"], p["tools"]["send_fax"]["limits"][0]["window"], p["tools"]["send_fax"]["limits"][0]["max"]')" \
	'["require_approval", "day", 1]' "what cannot be undone asks a person, as often as it was seen"
is "$(get new.json 'p["tools"]["cancel"]["action"]')" '"require_approval"' "what was denied is not allowed"
is "$(get new.json 'p.get("egress"), p["filesystem"]')" '[null, {"write": ["$PWD/out/"]}]' "unused hosts go, the surroundings stay"
like "$(cat "$TMP/err")" '^mcpjail: start_session: write, because its name says `start`; 3 calls passed, at most 3 in a minute: allowed$' "what was inferred is said"
like "$(cat "$TMP/err")" '^mcpjail: get_status: .*it was not called: left out, so denied$' "and what was left out"
is "$(init --json --from-run "$TMP/run" | python3 -c 'import json, sys
d = json.load(sys.stdin); print(len(d["policy"]["tools"]), [i["class"] for i in d["inferred"] if i["tool"] == "checkout"])')" "4 ['paid']" "and as JSON"

# shellcheck disable=SC2086
out=$(jailed -q -p new.json -g again -- $AGENT 'start_session:{"hostType":"other"}' 'start_session:{"hostType":"claude"}' send_fax:'{"sessionId":"s","sendIntentId":"i"}' 2>&1)
is "$(sed 's/ .*//' <<<"$out" | tr '\n' ' ')" "ok denied denied " "under it the same passes, and nothing else"

init --from-server https://promptfax.app/mcp --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" >listed.json
is $? 0 "from a server"
is "$("$MCPJAIL" policy check listed.json >/dev/null 2>&1; echo $?)" 0 "sound as well"
is "$(get listed.json '{t: r.get("action", "allow") + " " + r["class"] for t, r in p["tools"].items()}')" \
	'{"start_session": "allow write", "attach_document": "allow write", "get_quote": "allow read", "checkout": "require_approval paid", "send_fax": "require_approval destructive", "cancel": "require_approval destructive", "retry_failed_fax": "require_approval paid", "get_status": "allow read"}' "each tool by its class"
is "$(wc -l <"$SERVED")" "$(grep -cE '"(initialize|notifications/initialized|tools/list|tools/call)"' "$SERVED")" "nothing but the list was asked for"
init --from-server https://promptfax.app/mcp --connect-to "promptfax.app:443:127.0.0.1:$PORT" >none
is "$? $(wc -c <none)" "2 0" "a certificate that nobody vouches for"
like "$(cat "$TMP/err")" 'no TLS connection: .*certificate' "is said"
init --from-server "https://127.0.0.1:$PORT/mcp" --upstream-ca "$CA" >none
is $? 2 "a loopback address that was not asked for"
init --from-server http://promptfax.app/mcp >none
is $? 2 "plain http"
init --from-server https://promptfax.app/other --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" >none
is $? 2 "what is no MCP server"
init >none
is $? 2 "one of the two is to be named"
mkdir empty
init --from-run empty >none
is $? 2 "a directory that is no run's"
jailed -q --run-dir "$TMP/idle" -- true
init --from-run "$TMP/idle" >none
is "$? $(wc -c <none)" "1 0" "a run that called nothing tells nothing"
