# SPDX-License-Identifier: Apache-2.0
# http.sh - sourced behind lib.sh: raw requests from inside a jail, one connection each
#
# One jail serves them all. After http: ANSWERS (a line each: STATUS|FIELDS|BODY), STATUSES,
# END (closed, reset, open, or died with the jail), REACHED (messages that came to the
# server meanwhile) and RECORDS ("net.denied 403", "call allow", …). $jail_options are more
# options of mcpjail.
cp "$ROOT/tests/proxy/raw_http.py" "$WORK/"
n_jails=0 n_requests=0
jail_options=()
trap : PIPE # a jail that died is a failed test, not the end of all

jail_lives() { [ -n "${JAIL_PID:-}" ] && kill -0 "$JAIL_PID" 2>/dev/null; }
start_jail() {
	n_jails=$((n_jails + 1))
	LEDGER=$TMP/jail.$n_jails/ledger.jsonl
	n_records=0
	coproc JAIL { exec "$MCPJAIL" --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" \
		-q -p "$policy" "${jail_options[@]}" --run-dir "${LEDGER%/*}" -- python3 "$WORK/raw_http.py" 2>"$TMP/jail.err"; }
	children+=("$JAIL_PID")
	exec 8<&"${JAIL[0]}" 9>&"${JAIL[1]}"
	await_file "$LEDGER"
}

# The agent ends, and with it the run: the ledger is complete then.
end_jail() {
	exec 9>&- 8<&-
	[ -z "${JAIL_PID:-}" ] || { eval "exec ${JAIL[1]}>&-"; wait "$JAIL_PID" 2>/dev/null; }
}

records() { # those behind the first $1, in short
	grep -E '"type":"(net\.denied|net\.allowed|call\.decision)"' "$LEDGER" | tail -n +"$(($1 + 1))" |
		sed -E 's/.*"type":"net.denied".*"status":([0-9]+).*/net.denied \1/; s/.*"type":"net.denied".*/net.denied/
			s/.*"type":"net.allowed".*/net.allowed/
			s/.*"type":"call.decision".*"verdict":"([a-z]*)".*/call \1/'
}

# http [OPTION…] - options of raw_http.py; the request on stdin
http() {
	local before line request=$WORK/request.$((++n_requests))
	before=$(wc -l <"$SERVED")
	cat >"$request"
	cp "$request" "$TMP/request"
	: >"$TMP/answers"
	END=died ANSWERS=
	jail_lives || start_jail
	printf '%s\n' "$* $request" >&9 2>/dev/null
	while IFS= read -r -t 60 line <&8; do
		if [[ $line == end\ * ]]; then
			END=${line#end } END=${END%% *}
			break
		fi
		ANSWERS+=${ANSWERS:+$'\n'}$line
	done
	STATUSES=$(cut -d'|' -f1 <<<"$ANSWERS" | tr '\n' ' ' | sed 's/ $//')
	# The record may be a moment behind the answer.
	for _ in $(seq 20); do
		RECORDS=$(records $n_records)
		[ -n "$RECORDS" ] && break
		sleep 0.05
	done
	[ -z "$RECORDS" ] || n_records=$((n_records + $(wc -l <<<"$RECORDS")))
	RECORDS=$(tr '\n' ' ' <<<"$RECORDS" | sed 's/ $//')
	REACHED=$(($(wc -l <"$SERVED") - before))
	rm -f "$request"
	jail_lives || END=died
}
tell() {
	note "request: $(head -c 300 "$TMP/request" | tr -c '[:print:]' '.')" "answers: ${ANSWERS:0:700}" \
		"end: $END, arrived: $REACHED, records: $RECORDS" "$(grep ^mcpjail "$TMP/jail.err")"
}
