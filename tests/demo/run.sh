#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# run.sh [OPTION…]: what "make demo" shows. A stand-in for PromptFax on loopback, an agent in
# the jail, its records; then whether what was seen is what must be seen. Needs no network.
# Works for root and for everybody else, and leaves nothing behind. The options are mcpjail's.
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${BUILD:=build}"
BUILD=$(cd "$BUILD" && pwd) || exit 1
checkout=$PWD
mcpjail=$BUILD/mcpjail
scratch=$(mktemp -d "${TMPDIR:-/tmp}/mcpjail-demo.XXXXXX")
# In the checkout, since the jail's /tmp is its own: only a rule can hide this .ssh.
home=$BUILD/demo.$$
bait=
fax=
failed=0
passed=0

# The trap of EXIT runs once, also after a signal.
# shellcheck disable=SC2329
tidy() {
	[ -z "$fax" ] || kill "$fax" 2>/dev/null
	[ -z "$bait" ] || kill "$bait" 2>/dev/null
	wait
	rm -rf "$scratch" "$home" "/run/mcpjail-demo.$$.sock"
}
trap tidy EXIT
trap 'exit 130' INT TERM

check() {
	what=$1
	shift
	if "$@" >/dev/null 2>&1; then
		passed=$((passed + 1))
		echo "  ok      $what"
	else
		failed=$((failed + 1))
		echo "  NOT OK  $what"
	fi
}

# until_file FILE: wait for a server to say where it listens
until_file() {
	i=0
	while [ ! -s "$1" ]; do
		i=$((i + 1))
		[ $i -lt 200 ] || { echo "demo: $1 does not appear" >&2; exit 1; }
		sleep 0.05
	done
}

seen() { # seen TOOL: how often the server saw it
	grep -c "\"tool\":\"$1\"" "$scratch/server.log"
}

count_is() { # count_is N PATTERN FILE
	[ "$(grep -c -e "$2" "$3")" -eq "$1" ]
}

for program in node "$mcpjail" "$BUILD/tests/fake/promptfax"; do
	command -v "$program" >/dev/null || { echo "demo: $program is missing; run make demo" >&2; exit 1; }
done

# --- outside the jail -------------------------------------------------------
mkdir -p "$home/.ssh" 2>/dev/null || { home=$scratch/home; mkdir -p "$home/.ssh"; }
mkdir "$home/project"
echo 'not a real key' >"$home/.ssh/id_ed25519"
sockets=$scratch/host.sock
[ ! -w /run ] || sockets="$sockets /run/mcpjail-demo.$$.sock"
# shellcheck disable=SC2086
node tests/demo/bait.mjs listen "$scratch/bait.log" $sockets >"$scratch/bait.json" &
bait=$!
"$BUILD/tests/fake/promptfax" --with-parent --ca-out "$scratch/ca.pem" --log "$scratch/server.log" \
	>"$scratch/port" &
fax=$!
until_file "$scratch/port"
until_file "$scratch/bait.json"
port=$(sed 's/port //' "$scratch/port")
node tests/demo/bait.mjs touch "$(cat "$scratch/bait.json")"
cp "$scratch/bait.log" "$scratch/bait.outside"
: >"$scratch/bait.log"

# --- inside -----------------------------------------------------------------
cat <<'END'
An agent (tests/demo/agent.mjs) works with PromptFax, and then tries to get out. PromptFax is a
stand-in on this machine, and so is everything else: no packet leaves it.

END
echo "\$ mcpjail -p policy/promptfax.json -g demo$([ $# = 0 ] || printf ' %s' "$@") -- node tests/demo/agent.mjs"
{
	cd "$home/project" && HOME=$home XDG_STATE_HOME=$scratch/state "$mcpjail" \
		-p "$checkout/policy/promptfax.json" -g demo \
		--connect-to "promptfax.app:443:127.0.0.1:$port" --upstream-ca "$scratch/ca.pem" \
		--run-dir "$scratch/run" --summary "$scratch/summary" "$@" -- \
		node "$checkout/tests/demo/agent.mjs" https://promptfax.app/mcp "$(cat "$scratch/bait.json")"
	echo $? >"$scratch/status"
} | tee "$scratch/agent.out"
status=$(cat "$scratch/status")

echo
echo "\$ mcpjail trace"
HOME=$home XDG_STATE_HOME=$scratch/state "$mcpjail" trace "$scratch/run"
anchor=$(sed -n 's/^anchor: //p' "$scratch/summary")
echo
echo "\$ mcpjail verify --anchor $anchor"
"$mcpjail" verify "$scratch/run" --anchor "$anchor"
verified=$?
sed 's/"tool":"send_fax"/"tool":"sent_fax"/' "$scratch/run/ledger.jsonl" >"$scratch/ledger.forged"

# --- whether that is what must be seen --------------------------------------
echo
echo "What has to hold:"
out=$scratch/agent.out
check "the agent ran to its end" [ "$status" -eq 0 ]
check "ten start_session reached the server" [ "$(seen start_session)" -eq 10 ]
check "two were denied by name of their limit" count_is 2 \
	'^  start_session #1[12]  *denied .*/tools/start_session/limits/0' "$out"
check "the quote flow was answered" count_is 3 '^  \(attach_document\|get_quote\|get_status\) *answered' "$out"
# shellcheck disable=SC2016
check "14 pages cost \$2.90" grep -q '14 pages cost \$2.90' "$out"
check "checkout and send_fax were denied, with the rule" count_is 2 \
	'^  \(checkout\|send_fax\) *denied .*/tools/\(checkout\|send_fax\)/action' "$out"
check "neither reached the server" [ "$(seen send_fax)$(seen checkout)" = 00 ]
check "tools/list shows what may be called, or needs approval" \
	grep -q '^  tools/list  *answered .*attach_document .*get_quote .*start_session' "$out"
check "outside, every bait was taken" \
	[ "$(wc -l <"$scratch/bait.outside")" -eq "$(($(echo "$sockets" | wc -w) + 2))" ]
check "inside, none was" [ ! -s "$scratch/bait.log" ]
check "no way out" [ "$(grep -c '^  ESCAPED' "$out")" -eq 0 ]
check "$(grep -c '^  held' "$out") ways out were tried" [ "$(grep -c '^  held' "$out")" -ge 9 ]
check "/etc is untouched" [ ! -e /etc/mcpjail-demo ]
check "the ledger verifies" [ $verified -eq 0 ]
check "every call is in it" [ "$(grep -c '"type":"call.decision"' "$scratch/run/ledger.jsonl")" -eq 17 ]
cp "$scratch/ledger.forged" "$scratch/run/ledger.jsonl"
"$mcpjail" verify "$scratch/run" --anchor "$anchor" >/dev/null 2>&1
forged=$?
check "one word changed in the ledger is found" [ $forged -eq 1 ]
echo
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
