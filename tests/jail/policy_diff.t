#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a change of a policy lets through, in sentences: each kind of change has its effect.
. "$(dirname "$0")/../lib.sh"

diff() { # old, new: policies' text
	printf '%s' "$1" >old.json
	printf '%s' "$2" >new.json
	"$MCPJAIL" policy diff --json old.json new.json >"$TMP/out" 2>"$TMP/err"
	status=$?
}
found() { # the effects, in order, with their rules
	python3 -c 'import json, sys
for d in json.load(open(sys.argv[1]))["differences"]: print(d["effect"], d["rule"])' "$TMP/out"
}
finds() { # old, new, what is found, description
	diff "$1" "$2"
	is "$status $(found | tr '\n' ' ' | sed 's/ $//')" "$3" "$4"
}
limit() { printf '{"counter":"%s","window":"%s","max":%s}' "$1" "$2" "$3"; }

finds '{}' '{ "version": "1", "default": "deny" }' '0 ' "a default that is written out is no change"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{"action":"allow"}}}' '0 ' "nor is an action that allows"
finds '{}' '{"tools":{"a":{}}}' '1 allowed /tools/a' "a tool that is listed"
finds '{"tools":{"a":{}}}' '{}' '1 denied /default' "a tool that is no longer"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{"action":"require_approval"}}}' '1 denied /tools/a' "a person in between"
finds '{"tools":{"a":{"action":"require_approval"}}}' '{"tools":{"a":{}}}' '1 allowed /tools/a' "and none any more"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{"action":"deny"}}}' '1 denied /tools/a/action' "an action that denies"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{}},"hide":["a"]}' '1 denied /hide' "a hidden tool"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{}},"hide":["*"]}' '1 denied /hide' "all hidden"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{}},"default":"allow"}' '1 allowed /default' "what is not listed"
finds '{"default":"allow"}' '{"default":"allow","tools":{"a":{"action":"deny"}}}' '1 denied /tools/a/action' "an exception"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{}},"all_tools":{"action":"deny"}}' '1 denied /all_tools/action' "a rule for all tools"
finds "{\"tools\":{\"a\":{\"limits\":[$(limit c minute 5)]}}}" "{\"tools\":{\"a\":{\"limits\":[$(limit c minute 6)]}}}" \
	'1 wider /tools/a/limits/0' "a limit that allows more"
like "$(cat "$TMP/out")" 'limit `c` was at most 5 per minute for each grant and is now at most 6 per minute for each grant' "in words"
finds "{\"tools\":{\"a\":{\"limits\":[$(limit c minute 6)]}}}" "{\"tools\":{\"a\":{\"limits\":[$(limit c minute 5)]}}}" \
	'1 narrower /tools/a/limits/0' "one that allows less"
finds "{\"tools\":{\"a\":{\"limits\":[$(limit c minute 6),$(limit d day 6)]}}}" "{\"tools\":{\"a\":{\"limits\":[$(limit d day 6),$(limit c minute 6)]}}}" \
	'0 ' "their order means nothing"
finds "{\"tools\":{\"a\":{\"limits\":[$(limit c minute 6)]}}}" "{\"tools\":{\"a\":{\"limits\":[$(limit c hour 6)]}}}" \
	'1 narrower /tools/a/limits/0 wider /tools/a/limits' "another window is another limit"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{"rate_limit":"5/minute"}}}' '1 narrower /tools/a/rate_limit' "a rate limit"
finds '{"tools":{"a":{"rate_limit":"5/minute"}}}' '{"tools":{"a":{}}}' '1 wider /tools/a/rate_limit' "and none any more"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{"class":"paid","reason":"x"}}}' '1 other /tools/a/class other /tools/a/reason' "what lets nothing else through"
finds '{"tools":{"a":{}}}' '{"tools":{"a":{}},"egress":[{"host":"example.org"}]}' '1 allowed /egress' "a host"
finds '{"egress":[{"host":"example.org"}]}' '{}' '1 denied /egress' "and no longer"
finds '{}' '{"filesystem":{"write":["~/a"],"hide":["~/b"]},"environment":{"pass":["A_*"]},"sockets":["/run/x"],"jail":{"ptrace":true}}' \
	'1 allowed /sockets wider /filesystem/write narrower /filesystem/hide wider /environment/pass wider /jail/ptrace' "the agent's surroundings"
finds '{"server":{"url":"https://a.example/mcp"}}' '{"server":{"url":"https://b.example/mcp"}}' '1 other /server/url' "another server"

servers() { printf '{"servers":{"a":{"url":"https://a.example/mcp","tools":{%s}},"b":{"url":"https://b.example/mcp"}}}' "$1"; }
finds "$(servers '')" "$(servers '"t":{}')" '1 allowed /servers/a/tools/t' "one of several servers"
finds "$(servers '"t":{}')" "$(servers '"t":{"rate_limit":"1/second"}')" '1 narrower /servers/a/tools/t/rate_limit' "and its rules"
finds '{"tools":{"t":{}}}' "$(servers '"t":{}' | sed 's/a.example/promptfax.app/')" '1 denied /servers allowed /servers/a/tools/t other /servers/a/url other /servers/b/url' "from one server to several"

finds '{"tools":' '{}' '2 ' "what does not load cannot be compared" 2>/dev/null
like "$(cat "$TMP/err")" '^mcpjail: old\.json:1:10' "and its errors are told"
"$MCPJAIL" policy diff old.json 2>"$TMP/err"
is $? 2 "it takes two"
like "$(cat "$TMP/err")" 'usage: mcpjail policy diff' "which is said"

echo '{"tools":{"a":{"reason":"\u202egnp\u001b[2J"}}}' >old.json
echo '{}' >new.json
out=$("$MCPJAIL" policy diff old.json new.json)
is $? 1 "in words too"
like "$out" '^What was allowed is denied, or needs a person:$' "by effect"
like "$out" '^  tool `a` was allowed by /tools/a and is now denied \(/default\)$' "a sentence each"
echo '{"tools":{"a":{}}}' >new.json
unlike "$("$MCPJAIL" policy diff old.json new.json)" $'\x1b|\u202e' "and nothing that a terminal would act on"

echo '{}' >new.json
out=$("$MCPJAIL" policy allow --json -p new.json example.org --tool a)
is "$? $(python3 -c 'import json, sys; d = json.loads(sys.argv[1]); print(d["changed"], d["file"].split("/")[-1], d["done"][:2])' "$out")" \
	"0 True new.json ['allowed: example.org', 'allowed: tool a']" "allow --json tells what was done"
out=$("$MCPJAIL" policy deny --json -p new.json example.org)
is "$? $(python3 -c 'import json, sys; d = json.loads(sys.argv[1]); print(d["changed"], d["done"][:1])' "$out")" \
	"0 True ['removed: example.org']" "and deny --json"
