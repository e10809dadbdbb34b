#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the command line and the command's name add is in the policy as used, and nowhere else.
. "$(dirname "$0")/../lib.sh"

used() { python3 -c 'import json, sys; p = json.load(open(sys.argv[1])); print(json.dumps(eval(sys.argv[2])))' "$TMP/run/policy.json" "$1"; }
run() { # [OPTION…] -- COMMAND…
	rm -rf "$TMP/run"
	"$MCPJAIL" --run-dir "$TMP/run" "$@" >"$TMP/out" 2>"$TMP/err" </dev/null
}

cp /bin/true claude
printf '{\n\t"version": "1",\n\t"default": "deny"\n}\n' >"$TMP/p.json"
cp "$TMP/p.json" "$TMP/p.before"
run -p "$TMP/p.json" --allow example.org --allow example.org --allow '[2001:DB8::1]:8443' --preset github \
	--forward-host 3000 --env 'FOO_*' -- true
is $? 0 "additions of every kind"
is "$(used 'p["egress"]')" '[{"preset": "github"}, {"host": "example.org"}, {"host": "2001:db8::1", "ports": [8443]}, {"host": "host.mcpjail.internal", "ports": [3000], "mode": "tunnel"}]' "egress has them, each once"
is "$(used 'p["environment"]')" '{"pass": ["FOO_*"]}' "so has the environment"
cmp -s "$TMP/p.json" "$TMP/p.before"
ok $? "the file itself is as it was"
is "$(head -n 4 "$TMP/run/policy.json")" "$(head -n 3 "$TMP/p.json"),
$(printf '\t"egress": [')" "and its text is how the policy begins, in its layout"
is "$(sed -n 's/.*"type":"policy.loaded".*"sha256":"\([0-9a-f]*\)".*/\1/p' "$TMP/run/ledger.jsonl" | head -1)" \
	"$(sha256sum <"$TMP/run/policy.json" | cut -d' ' -f1)" "the ledger names the policy as used"

run -- "$PWD/claude" -p hi
is "$(used 'p["egress"]')" '[{"preset": "claude-code"}]' "a known program gets its preset"
is "$(grep -c '^mcpjail: preset: claude-code (known by the command.s name): .*api\.anthropic\.com.*; may write ~/\.claude' "$TMP/err")" 1 "which is announced in one line"
run -- ./claude -p hi
is "$(used '"egress" in p')" false "a file in a directory is not trusted by its name"
run --preset claude-code -- "$PWD/claude"
is "$(used 'p["egress"]')" '[{"preset": "claude-code"}]' "a preset that was asked for is not added twice"
run --preset none -- "$PWD/claude"
is "$(used 'p.get("egress")')" null "and one can be declined"
echo '{"egress": [{"preset": "claude-code"}]}' >"$TMP/with.json"
run -p "$TMP/with.json" -- "$PWD/claude"
unlike "$(cat "$TMP/err")" 'preset' "a policy that has it is left alone"
cmp -s "$TMP/with.json" "$TMP/run/policy.json"
ok $? "to the byte"
run -- /bin/true
cmp -s "$ROOT/policy/promptfax.json" "$TMP/run/policy.json"
ok $? "without additions the built-in policy is used as it is"

echo '{"egress": [{"host": "t.example.org", "mode": "tunnel"}]}' >"$TMP/tunnel.json"
run -p "$TMP/tunnel.json" --allow t.example.org -- true
is "$? $(used 'len(p["egress"])')" "0 1" "beside a tunnel nothing is added"
like "$(cat "$TMP/err")" '--allow t\.example\.org: the policy has a tunnel there, /egress/0' "which is said"
run --allow promptfax.app -- touch ran
is $? 125 "an MCP server of the policy cannot be opened"
like "$(cat "$TMP/err")" '^mcpjail: --allow: promptfax\.app is the policy.s MCP server' "which is said"
printf '{"egress": "no list"}' >"$TMP/wrong.json"
run -p "$TMP/wrong.json" --allow example.org -- touch ran
is $? 125 "a policy that is wrong is not made right"
like "$(cat "$TMP/err")" "^mcpjail: $TMP/wrong\.json:1:12 /egress: " "and its error is told by its place in the file"
run --allow https://example.org/ -- touch ran
is $? 125 "a URL is no host"
like "$(cat "$TMP/err")" "write the host only: example\.org$" "and what to write is said"
[ ! -e ran ]
ok $? "of all that was refused, nothing ran"
