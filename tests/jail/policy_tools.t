#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# policy explain, policy test: exit status, rule and stage of each verdict, in words and as JSON.
. "$(dirname "$0")/../lib.sh"

cat >p.json <<'EOF'
{"hide": ["ghost"],
 "tools": {
  "plain": {},
  "small": {"require": [{"path": "args.n", "op": "lte", "value": 5}]},
  "never": {"action": "deny", "reason": "too dear"},
  "asks": {"action": "require_approval", "reason": "costs money"}},
 "tests": [
  {"name": "small enough", "call": {"tool": "small", "arguments": {"n": 4}}, "expect": "allow"},
  {"name": "too large", "call": {"tool": "small", "arguments": {"n": 6}}, "expect": "deny",
   "rule": "/tools/small/require/0", "reason": "args.n"},
  {"name": "a person", "call": {"tool": "asks"}, "expect": "ask", "rule": "/tools/asks/action"}]}
EOF
explain() { # call, expected status and verdict and rule, description
	local out status
	printf '%s' "$1" >call.json
	out=$("$MCPJAIL" policy explain p.json --call call.json --json 2>"$TMP/err")
	status=$?
	is "$status $(python3 -c 'import json, sys
d = json.loads(sys.argv[1]) if sys.argv[1] else {"verdict": "none", "rule": ""}
print(d["verdict"], d["rule"], next((s["stage"] for s in d.get("stages", []) if s["verdict"] in ("deny", "ask")), ""))' "$out")" "$2" "$3"
}
explain '{"tool":"plain","arguments":{}}' '0 allow /tools/plain ' "allowed"
explain '{"tool":"plain"}' '0 allow /tools/plain ' "without arguments"
explain '{"tool":"small","arguments":{"n":5}}' '0 allow /tools/small ' "within what is required"
explain '{"tool":"small","arguments":{"n":5.000001}}' '1 deny /tools/small/require/0 require' "and beyond it"
explain '{"tool":"never"}' '1 deny /tools/never/action action' "an action"
explain '{"tool":"other"}' '1 deny /default default' "not listed"
explain '{"tool":"ghost"}' '1 deny /hide hide' "hidden"
explain '{"tool":"asks"}' '3 ask /tools/asks/action approval' "a person is asked"
explain '{"tool":"not a name"}' '1 deny  parse' "what the proxy would not take for a call"
explain '{"tool":"plain","arguments":{"a":1,"A":2}}' '1 deny  parse' "keys that differ in case only"
explain '{"tool":"plain","server":"https://promptfax.app/mcp"}' '0 allow /tools/plain ' "the server by its URL"
explain '{"tool":"plain","server":"https://example.org/mcp"}' '1 deny /server server' "another server"
explain '{"tool":"plain","argumens":{}}' '2 none  ' "a misspelt key"
like "$(cat "$TMP/err")" '^mcpjail: call\.json: `argumens` is no key of a call' "which is named"
explain '{"tool":7}' '2 none  ' "a tool that is no string"
explain '[]' '2 none  ' "no object"
explain '{"tool":"plain","tool":"never"}' '2 none  ' "a key twice"
explain '{"tool":' '2 none  ' "no JSON"
explain '{"tool":"plain","earlier":[{"tool":"plain"}]}' '2 none  ' "an earlier call without its result"

cp p.json single.json
echo '{"servers":{"a":{"url":"https://a.example/mcp","tools":{"t":{}}},"b":{"url":"https://b.example/mcp","tools":{"t":{"action":"deny"}}}}}' >p.json
explain '{"tool":"t","server":"a"}' '0 allow /servers/a/tools/t ' "a server by its name"
explain '{"tool":"t","server":"https://b.example/mcp"}' '1 deny /servers/b/tools/t/action action' "or by its URL"
explain '{"tool":"t"}' '2 none  ' "with several it is to be named"
echo '{"grants":{"ci":{"tools":["t"]},"default":{"tools":[]}},"tools":{"t":{},"u":{}}}' >p.json
explain '{"tool":"t","grant":"ci"}' '0 allow /tools/t ' "a grant"
explain '{"tool":"u","grant":"ci"}' '1 deny /grants/ci grant' "takes away what it does not list"
explain '{"tool":"t"}' '1 deny /grants/default grant' "and is called default if none is named"
mv single.json p.json
out=$(echo '{"tool":"small","arguments":{"n":9}}' | "$MCPJAIL" policy explain p.json --call -)
is $? 1 "from standard input"
like "$out" '^deny  small  /tools/small/require/0$' "in words: the verdict"
like "$out" '^  require +deny  /tools/small/require/0$' "and the stage"
like "$out" '^  hide +pass$' "and those before it"
"$MCPJAIL" policy explain p.json 2>"$TMP/err"
is $? 2 "without a call there is nothing to say"
echo '{"tools":7}' >wrong.json
"$MCPJAIL" policy explain wrong.json --call call.json 2>"$TMP/err"
is $? 2 "nor under a policy that is wrong"
like "$(cat "$TMP/err")" '^mcpjail: wrong\.json:1:10 /tools' "which is told"

out=$("$MCPJAIL" policy test p.json)
is $? 0 "tests that all hold"
like "$out" '^ok    too large$' "are listed"
like "$out" '^p\.json: 3 passed, 0 failed$' "and counted"
sed 's/"expect": "ask"/"expect": "allow"/; s/"reason": "args\.n"/"reason": "args.m"/' p.json >failing.json
out=$("$MCPJAIL" policy test failing.json)
is $? 1 "tests that do not"
like "$out" '^      /tests/1: the reason does not have `args\.m`' "say what differs"
like "$out" '^      /tests/2: expected allow, got ask by rule /tools/asks/action' "each"
is "$("$MCPJAIL" policy test --json failing.json | python3 -c 'import json, sys
d = json.load(sys.stdin); print(d["passed"], d["failed"], [c["pointer"] for c in d["cases"] if not c["passes"]])')" \
	"1 2 ['/tests/1', '/tests/2']" "and as JSON"
echo '{"tests": [{"cal": {}, "expect": "alow"}]}' >misspelt.json
"$MCPJAIL" policy check misspelt.json 2>"$TMP/err"
is $? 1 "the form of a test is checked with the policy"
like "$(cat "$TMP/err")" '/tests/0/cal: unknown key, did you mean `call`\?' "a key"
like "$(cat "$TMP/err")" '/tests/0/expect: unknown value `alow`, did you mean `allow`\?' "and a value"
"$MCPJAIL" policy test wrong.json 2>/dev/null
is $? 2 "a policy that is wrong cannot be tested"
echo '{}' >none.json
"$MCPJAIL" policy test none.json 2>"$TMP/err"
is $? 2 "nor one without tests"
like "$(cat "$TMP/err")" 'there are no `tests` in it' "which is said"
