#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Code inside the proxy can neither open, connect, look into another role, nor lie to the
# keeper about a call that was not recorded: each attempt ends the run. (ptrace: root only.)
. "$(dirname "$0")/../lib.sh"
start_promptfax

# The proxy's end of its channel to the keeper, by what the kernel says of whose ends are a pair.
keeper_channel() { # proxy, keeper
	ss -xHp | awk -v proxy="pid=$1,fd=" -v keeper="pid=$2,fd=" '
		index($0, keeper) { kept[$6] }
		at = index($0, proxy) { end_of[$8] = substr($0, at + length(proxy)) + 0 }
		END { for (peer in end_of) if (peer in kept) print end_of[peer] }'
}

attempt() { # name, expected text
	local name=$1 expected=$2 proxy keeper channel result status
	rm -f ready
	in_background "$TMP/out" -q -p "$(allow_all)" -- sh -c "$AGENT start_session:'{\"hostType\":\"other\"}'; touch ready; sleep 20; touch survived"
	await_file ready
	proxy=$(part_pid "$SUPERVISOR" proxy) keeper=$(part_pid "$SUPERVISOR" keeper)
	channel=$(keeper_channel "$proxy" "$keeper")
	like "$channel" '^[0-9]+$' "$name: the proxy's channel to the keeper is known"
	result=$("$BUILD/tests/jail/take_over" "$proxy" "$channel" "$name" "$keeper" 2>&1)
	like "$result" "$expected" "$name: $result"
	timeout 3 tail --pid="$SUPERVISOR" -f /dev/null
	is $? 0 "$name: the run has ended"
	wait "$SUPERVISOR"
	status=$?
	is $status 137 "$name: and the agent with it"
	[ ! -e survived ]
	ok $? "$name: which did nothing more"
	like "$(cat "$TMP/out")" '^mcpjail: .*(proxy|keeper)' "$name: said to the person" || note "$(cat "$TMP/out")"
}

if [ "$(id -u)" = 0 ]; then
	for name in openat socket connect memory execve ptrace executable-memory; do
		attempt $name 'killed by signal 31'
	done
	for name in unrecorded-call wrong-length forged-fd out-of-order; do
		attempt $name 'returned [1-9]'
	done
else
	# The roles are not dumpable: their own user cannot take them over this way at all.
	in_background "$TMP/out" -q -- sh -c 'touch ready; sleep 20'
	await_file ready
	proxy=$(await_part "$SUPERVISOR" proxy) keeper=$(part_pid "$SUPERVISOR" keeper)
	for pid in "$proxy" "$keeper" "$(await_part "$SUPERVISOR" dialer)"; do
		like "$("$BUILD/tests/jail/take_over" "$pid" 3 openat 0 2>&1)" 'seize: Operation not permitted' "process $pid cannot be taken over by its own user"
	done
	kill "$SUPERVISOR"
	wait "$SUPERVISOR"
	is $? 143 "and the run ends when told to"
fi
