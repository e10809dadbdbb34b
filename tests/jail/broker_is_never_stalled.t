#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A connect() that waits, for room with a listener, for a page of memory, for a name, stalls
# whoever made it and nobody else; it can be killed, and the run's end does not wait for it.
. "$(dirname "$0")/../lib.sh"
cp "$ROOT/tests/jail/unix_stalled.py" .

field() { # name - of $out
	sed -n "s/^$1 //p" <<<"$out"
}
# Each of a hundred takes some tenths of a millisecond; one that waits its turn behind a stalled
# one would take for ever.
fast=3000
others_go_on() { # stalled, description
	is "$(field stalled)" "$1" "$2: $1 callers wait" || note "$out" "$(cat "$TMP/err")"
	for who in others itself others-after; do
		[ -n "$(field $who)" ] && [ "$(field $who)" -lt $fast ]
		ok $? "$2: 100 connections of others are as fast as ever ($who: $(field $who) ms)"
	done
	[ "$(field killed)" -lt 2000 ]
	ok $? "$2: who waits can be killed ($(field killed) ms)"
}
jail() { timeout 60 "$MCPJAIL" -q -- python3 unix_stalled.py "$@" 2>"$TMP/err"; }

out=$(jail backlog 200)
others_go_on 200 "a full backlog"
is "$(field through)" 100 "a full backlog: the others get through as soon as there is room"

mkdir stuck
begin_stuck() {
	mkfifo "$TMP/ready"
	"$BUILD/tests/jail/stuck_fs" "$WORK/stuck" >"$TMP/ready" 2>/dev/null &
	STUCK=$!
	read -r ready <"$TMP/ready"
	rm "$TMP/ready"
	[ "$ready" = ready ]
}
end_stuck() {
	kill "$STUCK" && wait "$STUCK" 2>/dev/null
	umount "$WORK/stuck"
}
if begin_stuck; then
	for kind in page path; do
		begun=$(date +%s%N)
		out=$(jail $kind 80 "$WORK/stuck")
		took=$((($(date +%s%N) - begun) / 1000000))
		others_go_on 80 "a $kind that never comes"
		[ $took -lt 20000 ]
		ok $? "a $kind that never comes: the run ends all the same ($took ms)"
	done
	end_stuck
else
	# Without the right to mount there is none whose pages never come, only slow ones.
	wait "$STUCK"
	is $? 77 "a file system that gives nothing cannot be made by this user"
	fast=10000
	out=$(jail memory 3)
	others_go_on 3 "memory that is slow to be had"
fi
