#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Windows, algorithms, different values, amounts from arguments, keys that pass once: over runs
# of one grant, as the server sees it. And the log that holds it, for a person.
. "$(dirname "$0")/../lib.sh"
start_promptfax
state=$XDG_STATE_HOME/mcpjail

policy() { # RULE - of start_session; prints the policy's path
	echo "{\"version\":\"1\",\"default\":\"deny\",\"tools\":{\"start_session\":$1}}" >"$TMP/policy.json"
	echo "$TMP/policy.json"
}
call() { # NUMBER AMOUNT - one word of the agent's
	echo "start_session:{\"hostType\":\"other\",\"faxNumber\":\"$1\",\"amount\":$2}"
}
calls() { # GRANT RULE WORD… - prints ok and denied, one letter a call
	local grant=$1 rule=$2
	shift 2
	# shellcheck disable=SC2086
	jailed -q -p "$(policy "$rule")" -g "$grant" -- $AGENT "$@" >"$TMP/out" 2>&1
	sed -n 's/^ok .*/o/p;s/^denied .*/d/p' "$TMP/out" | tr -d '\n'
}
limit() { # the keys of one limit beside its counter
	echo "{\"limits\":[{\"counter\":\"c\",\"scope\":\"grant\",$1}]}"
}
a=$(call +12125550101 1) b=$(call +12125550102 1) c=$(call +12125550103 1)

# In the words of a policy that count over months and for ever, also in the next run.
for window in week month lifetime 7776000; do
	rule=$(limit "\"window\":\"$window\",\"max\":3")
	is "$(calls "w$window" "$rule" "$a*2") $(calls "w$window" "$rule" "$a*3")" "oo odd" "$window: what one run used the next has not"
done
like "$(grep ^denied "$TMP/out" | tail -1)" 'at most 3 per 7776000 seconds .*Retry in 77[0-9]{5} s' "the denial says when"
calls wlifetime "$(limit '"window":"lifetime","max":3')" "$a" >/dev/null
like "$(cat "$TMP/out")" 'at most 3 per lifetime .* no such call can pass' "and where it never will"

rule=$(limit '"window":"month","max":3,"algorithm":"fixed"')
is "$(calls fixed "$rule" "$a*4") $(calls fixed "$rule" "$a")" "oood d" "a calendar month"
rule=$(limit '"window":2,"max":4,"algorithm":"bucket"')
is "$(calls bucket "$rule" "$a*5")" "ooood" "a bucket is full, and then empty"
sleep 1.1
is "$(calls bucket "$rule" "$a*4" | cut -c1-2)" "oo" "and is refilled evenly"

# Different values.
rule=$(limit '"window":"day","max":2,"distinct":"args.faxNumber"')
is "$(calls distinct "$rule" "$a*3" "$b*2" "$c" "$a")" "ooooodo" "two different numbers, each as often as it is called"
is "$(calls distinct "$rule" "$c" "$b")" "do" "the next run knows them"
like "$(cat "$TMP/out")" 'at most 2 different values per day' "the denial says what is counted"
is "$(calls distinct "$rule" 'start_session:{"hostType":"other"}*2')" "oo" "a call without a value costs nothing"

# Amounts.
rule=$(limit '"window":"day","max":10,"increment":"args.amount"')
before=$(served start_session)
for amount in -1 0.99 1e400 '"3"' null 18446744073709551617; do
	is "$(calls amounts "$rule" "$(call +1 "$amount")" | tr -d d)" "" "an amount of $amount does not pass"
done
is "$(served start_session)" "$before" "nor reaches the server"
is "$(calls amounts "$rule" "$(call +1 7)" "$(call +1 4)" "$(call +1 3.0)" "$(call +1 0)" "$(call +1 1)")" "odood" "amounts are added exactly, also over a denial"
like "$(cat "$TMP/out")" 'at most 10 per day' "up to the limit"

# Once.
rule='{"once":{"key":["args.faxNumber","args.amount"],"window":"day"}}'
is "$(calls once "$rule" "$a" "$a" "$b" "$(call +12125550101 2)" "$(call +12125550101 1.0)")" "odood" "the same key passes once; 1 and 1.0 are one"
is "$(calls another "$rule" "$b" "$c")" "do" "whoever asks, in whatever run"
like "$(grep ^denied "$TMP/out")" '/tools/start_session/once.*look at what became of the first' "the denial says what to do"
is "$(calls once "$rule" 'start_session:{"hostType":"other","amount":1}')" "d" "a call without the key does not pass"
: >"$SERVED"
for i in 1 2 3 4; do
	(calls together "$rule" "$(call +19995550100 9)*5" >/dev/null) &
	runs[i]=$!
done
wait "${runs[@]}"
is "$(served start_session)" 1 "of four runs at once one call reaches the server"

# All or none: what a limit denies does not use up the key, nor the other limit.
rule='{"once":{"key":["args.faxNumber"],"window":"day"},"limits":[{"counter":"two","window":"day","max":2,"scope":"grant"},{"counter":"one","window":"day","max":1,"scope":"grant"}]}'
is "$(calls all "$rule" "$(call +13 1)" "$(call +14 1)")" "od" "the second limit denies"
is "$(calls all2 "$rule" "$(call +14 1)")" "o" "and its key is unused"
sed 's/"max":1,/"max":5,/' "$TMP/policy.json" >"$TMP/wider.json"
# shellcheck disable=SC2086
out=$(jailed -q -p "$TMP/wider.json" -g all -- $AGENT "$(call +15 1)" "$(call +16 1)" 2>&1)
is "$(sed -n 's/^ok .*/o/p;s/^denied .*/d/p' <<<"$out" | tr -d '\n')" "od" "and the first limit has one left"

# The log.
like "$(cat "$state"/limits.[01])" '^mcpjail limits, format 2: ' "the log says what it is"
like "$(cat "$state"/limits.[01])" '20[0-9-]+T[0-9:.]+Z; .*name [0-9a-f]{32} grant wmonth https://promptfax.app/mcp c; charge [0-9a-f]{32} 1 ' "and whose counters are in it"
unlike "$(cat "$state"/limits.*)" '5550101|5550102' "but no value that was told apart"
like "$(cat "$state/limits.lock")" '^mcpjail limits, generation 0+[0-9]*, in limits\.[01]$' "the lock says which file is in use"
is "$(stat -c %a "$state"/limits.* | sort -u)" 600 "only the user reads them"
