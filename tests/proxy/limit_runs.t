#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Eight runs at once on one grant let exactly as much through as the limit says, whoever of them
# is killed when.
. "$(dirname "$0")/../lib.sh"
start_promptfax
echo '{"version":"1","default":"deny","tools":{"start_session":{"limits":[{"counter":"c","window":"lifetime","max":100,"scope":"grant"}]}}}' >"$TMP/policy.json"
call='start_session:{"hostType":"other"}'

for i in 1 2 3 4 5 6 7 8; do
	# shellcheck disable=SC2086
	jailed -q -p "$TMP/policy.json" -g calm -- $AGENT "$call*40" >"$TMP/calm$i" 2>&1 &
	runs[i]=$!
done
wait "${runs[@]}"
is "$(cat "$TMP"/calm? | grep -c '^ok start_session')" 100 "eight runs of 40 calls on a limit of 100: a hundred are answered"
is "$(cat "$TMP"/calm? | grep -c '^denied start_session')" 220 "the others are denied"
is "$(served start_session)" 100 "as the server saw it"

# Killed at random: the supervisor, the keeper or the proxy of one run, then of another.
: >"$SERVED"
RANDOM=20261122
killed=0
for round in 1 2 3; do
	for i in 1 2 3 4 5 6 7 8; do
		# shellcheck disable=SC2086
		in_background "$TMP/shot$round$i" -q -p "$TMP/policy.json" -g shot -- $AGENT --pause 0.06 "$call*6"
		runs[i]=$SUPERVISOR
	done
	for i in 1 2 3 4 5; do
		sleep "0.$((RANDOM % 15 + 10))"
		case $((RANDOM % 3)) in
		0) victim=${runs[i]} ;;
		1) victim=$(part_pid "${runs[i]}" keeper) ;;
		*) victim=$(part_pid "${runs[i]}" proxy) ;;
		esac
		[ -n "$victim" ] && kill -9 "$victim" 2>/dev/null && killed=$((killed + 1))
	done
	wait "${runs[@]}" 2>/dev/null
done
is $((killed > 5)) 1 "runs were killed in the middle ($killed)"
is $(($(served start_session) <= 100)) 1 "no more than a hundred of their calls reached the server"
# What is left is for the next run, to the call, whatever the killed ones had begun.
# shellcheck disable=SC2086
jailed -q -p "$TMP/policy.json" -g shot -- $AGENT "$call*110" >"$TMP/last" 2>&1
reached=$(served start_session)
is $((reached <= 100 && reached >= 100 - killed)) 1 "with those of the next run it is the hundred, but for calls that died with their run ($reached)"
# shellcheck disable=SC2086
is "$(jailed -q -p "$TMP/policy.json" -g shot -- $AGENT "$call*5" 2>&1 | grep -c ^denied)" 5 "and nothing is left"
charged=$(python3 - "$XDG_STATE_HOME"/mcpjail/limits.[01] <<'P'
import re, sys
text = "".join(open(f).read() for f in sys.argv[1:])
key = re.search(r"name ([0-9a-f]{32}) grant shot ", text)[1]
print(sum(int(n) * (1 if what == "charge" else -1)
          for what, n in re.findall(r"(charge|refund) " + key + r" (\d+) ", text)))
P
)
is "$charged" 100 "the log says a hundred"
