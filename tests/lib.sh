# SPDX-License-Identifier: Apache-2.0
# lib.sh - sourced by the *.t scripts: TAP, a place to work in, the stand-in server
#
# $MCPJAIL is the program, $WORK an empty working directory of the test's own, which the
# jail may write; state goes below $WORK.state, so that no test sees another's limits.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-$ROOT/build}
MCPJAIL=$BUILD/mcpjail
# Not in /tmp or /var/tmp: those are private in the jail.
TMP=$(mktemp -d "$(realpath "$HOME")/mcpjail-t.XXXXXX")
WORK=$TMP/work
mkdir "$WORK"
export XDG_STATE_HOME=$TMP/state XDG_CONFIG_HOME=$TMP/config
unset MCPJAIL_GRANT
cd "$WORK" || exit 1
tests=0
children=()

finish() {
	local pid
	for pid in "${children[@]}"; do kill "$pid" 2>/dev/null; done
	wait 2>/dev/null
	chmod -R u+rwx "$TMP" 2>/dev/null
	rm -rf "$TMP"
	echo "1..$tests"
}
trap finish EXIT

ok() { # status, description
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then echo "ok $tests - $2"; else echo "not ok $tests - $2"; fi
	return "$1"
}
note() { printf '%s\n' "$*" | sed 's/^/# /'; }
is() { # got, expected, description
	[ "$1" = "$2" ]
	ok $? "$3" || note "got:      $1" "expected: $2"
}
like() { # text, extended regex, description
	printf '%s' "$1" | grep -qE -- "$2"
	ok $? "$3" || note "text: $1" "has not: $2"
}
unlike() { # text, extended regex, description
	! printf '%s' "$1" | grep -qE -- "$2"
	ok $? "$3" || note "text: $1" "has: $2"
}
skip() { # description, reason
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# start_promptfax [OPTION…] - sets PORT, CA, SERVED (a file: one JSON line a message)
start_promptfax() {
	local out=$TMP/promptfax.out.$RANDOM
	CA=$TMP/ca.$RANDOM.pem
	SERVED=$TMP/served.$RANDOM.jsonl
	: >"$SERVED"
	"$BUILD/tests/fake/promptfax" --ca-out "$CA" --log "$SERVED" "$@" >"$out" 2>&1 &
	children+=($!)
	PROMPTFAX_PID=$!
	for _ in $(seq 100); do
		grep -q '^port ' "$out" && break
		sleep 0.05
	done
	PORT=$(sed -n 's/^port //p' "$out")
	[ -n "$PORT" ] || { cat "$out"; exit 1; }
}

# jailed [OPTION…] -- COMMAND… - mcpjail towards the stand-in
jailed() {
	"$MCPJAIL" --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" "$@"
}

# in_background FILE COMMAND… - start mcpjail itself, so that $! is the supervisor; output to FILE
in_background() {
	local out=$1
	shift
	"$MCPJAIL" --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" "$@" >"$out" 2>&1 &
	SUPERVISOR=$!
}
await_file() { # waits for it to appear
	for _ in $(seq 200); do
		[ -e "$1" ] && return 0
		sleep 0.05
	done
	return 1
}
pid_depth() { sed -n 's/^NSpid://p' "/proc/$1/status" 2>/dev/null | wc -w; }

part_pid() { # supervisor's pid, role - of its role or of the jail's init
	if [ "$2" = init ]; then
		# A role that is being started is not yet called one: init is in a pid namespace below.
		for p in $(pgrep -P "$1"); do
			[ "$(pid_depth "$p")" -gt "$(pid_depth "$1")" ] && echo "$p"
		done
	else
		pgrep -P "$1" -f "role=$2"
	fi
}

await_part() { # supervisor's pid, role - as part_pid; proxy, dialer and broker come a moment after the agent
	local pid
	for _ in $(seq 200); do
		pid=$(part_pid "$1" "$2")
		[ -n "$pid" ] && break
		sleep 0.05
	done
	echo "$pid"
}

served() { # tool - how many calls of it reached the server
	grep -c "\"tool\": *\"$1\"" "$SERVED"
}

allow_all() { # writes a policy that allows everything; prints its path
	echo '{"version":"1","default":"allow"}' >"$TMP/allow.json"
	echo "$TMP/allow.json"
}
published_policy() { # the one-tool policy of PolicyLayer's published format
	echo '{"version":"1","default":"deny","tools":{"start_session":{"limits":[{"counter":"start_session_rate","window":"minute","max":10,"scope":"grant"}]}}}' >"$TMP/one-tool.json"
	echo "$TMP/one-tool.json"
}

AGENT="python3 $WORK/mcp_calls.py"
cp "$ROOT/tests/mcp_calls.py" "$WORK/"
