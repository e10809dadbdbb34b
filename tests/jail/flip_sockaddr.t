#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An address, or the socket behind a number, that another thread changes while connect() is at
# it, a million times: never does it lead to whom the host has listening.
. "$(dirname "$0")/../lib.sh"
flip=$BUILD/tests/jail/flip
flips=1000000

mkdir shared
mkfifo "$TMP/ready"
: >"$TMP/reached"
# Sixteen bytes of address, as TCP has them, hold a path of fourteen.
host=$WORK/shared/host short=hhhhhhhhhhhhhh
python3 "$ROOT/tests/jail/unix_host.py" "$TMP/reached" "$WORK/ask" "stream:$host" "stream:$WORK/shared/$short" >"$TMP/ready" &
children+=($!)
read -r _ <"$TMP/ready"

field() { # output, name
	sed -n "s/.*\\b$2 \\([0-9]*\\).*/\\1/p" <<<"$1"
}

cd shared || exit 1
out=$("$flip" path "$WORK/shared/ours" "$host" 1000 1)
note "outside: $out"
[ "$(field "$out" reached)" -gt 0 ] && [ -s "$TMP/reached" ]
ok $? "control: outside of a jail the host's socket is reached"
rm -f ours
sleep 0.3
: >"$TMP/reached"

out=$(timeout 100 "$MCPJAIL" -q -- "$flip" path "$WORK/shared/ours" "$host" $flips 8)
note "path: $out"
is "$(field "$out" reached)" 0 "the path: the host's socket is not reached"
[ "$(field "$out" flips)" -ge $flips ]
ok $? "by a million flips"
[ "$(field "$out" connected)" -gt 1000 ] && [ "$(field "$out" refused)" -gt 1000 ]
ok $? "which came in between: many connected to ours, many were refused"

out=$(timeout 100 "$MCPJAIL" -q -- "$flip" number "" "$short" $flips 1)
note "number: $out"
[ "$(field "$out" flips)" -ge $flips ]
ok $? "the number, and the address with it: a million flips"
[ "$(field "$out" connected)" -gt 1000 ] && [ "$(field "$out" refused)" -gt 1000 ]
ok $? "which came in between, too"
sleep 0.3
is "$(cat "$TMP/reached")" "" "nobody of the host has heard anything"
