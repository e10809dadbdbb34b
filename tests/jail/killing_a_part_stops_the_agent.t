#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Any one of our processes killed with -9: the agent is gone within a second, and nothing
# more is forwarded.
. "$(dirname "$0")/../lib.sh"
start_promptfax
for part in keeper dialer proxy broker init supervisor; do
	rm -f ready alive
	: >"$SERVED"
	in_background "$TMP/out" -q -p "$(allow_all)" -g "$part" -- sh -c "touch ready; setsid sh -c 'while :; do touch alive; sleep 0.02; done' & while :; do $AGENT start_session:'{\"hostType\":\"other\"}*50'; done"
	await_file ready
	for _ in $(seq 100); do [ "$(served start_session)" -gt 5 ] && break; sleep 0.05; done
	if [ $part = supervisor ]; then pid=$SUPERVISOR; else pid=$(await_part "$SUPERVISOR" $part); fi
	init=$(part_pid "$SUPERVISOR" init)
	[ "$(served start_session)" -gt 5 ]
	ok $? "$part: calls were being served"
	kill -9 "$pid"
	sleep 0.9
	before=$(wc -l <"$SERVED")
	rm -f alive
	[ ! -e "/proc/$init" ] || grep -q '^State:.Z' "/proc/$init/status"
	ok $? "$part: the jail is gone within a second"
	sleep 0.4
	[ ! -e alive ]
	ok $? "$part: and all that ran in it"
	is "$(wc -l <"$SERVED")" "$before" "$part: nothing more is forwarded"
	wait "$SUPERVISOR" 2>/dev/null
	status=$?
	is $status 137 "$part: exit status 137"
	is "$(pgrep -P "$SUPERVISOR" | wc -l)" 0 "$part: no part stays behind"
	[ $part = supervisor ] || like "$(cat "$TMP/out")" "mcpjail: the $part was killed by signal 9" "$part: named to the person"
done
