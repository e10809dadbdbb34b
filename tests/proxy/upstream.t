#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The way to the server: whom the proxy believes, what it makes of bad answers, and that no call
# is lost, sent twice, or left without an outcome.
. "$(dirname "$0")/../lib.sh"
here=$ROOT/tests/proxy
policy=$(allow_all)
start_promptfax
. "$here/http.sh"
cp "$BUILD/tests/fake/promptfax" "$TMP/"

meta='"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":1}'
request() { # tool, more field lines - a whole modern call
	local body="{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"$1\",\"arguments\":{},$meta}}"
	printf '%b' "POST /mcp HTTP/1.1\r\nHost: promptfax.app\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: $1\r\n${2:-Connection: close\r\n}Content-Length: ${#body}\r\n\r\n$body"
}
outcomes() { # of a ledger: type and outcome of each, in order
	grep -E '"type":"call\.(result|outcome_unknown)"' "$1" | sed -E 's/.*"type":"(call\.[a-z_]*)".*"outcome":"([a-z_]*)".*/\1 \2/' | tr '\n' ' ' | sed 's/ $//'
}
# once [OPTION…] - one call in a run of its own, with more options of mcpjail
once() {
	rm -rf "$TMP/run"
	request start_session >"$WORK/once"
	timeout 60 "$MCPJAIL" -q -p "$policy" --timeout 40s --upstream-ca "$CA" --run-dir "$TMP/run" "$@" \
		-- python3 "$WORK/raw_http.py" --patience 35 "$WORK/once" >"$TMP/once.out" 2>"$TMP/once.err" </dev/null
	ANSWERS=$(grep -v '^end' "$TMP/once.out")
	STATUSES=${ANSWERS%%|*}
	OUTCOME=$(outcomes "$TMP/run/ledger.jsonl")
}
tell_once() { note "answer: ${ANSWERS:0:700}" "outcome: $OUTCOME" "$(tail -3 "$TMP/once.err")"; }
# unsent NAME STATUS REASON - what once() left: refused before a byte of the request left
unsent() {
	[[ $STATUSES =~ ^($2)$ ]] && [ "$OUTCOME" = "call.result not_sent" ] && ! grep -q . "$SERVED" &&
		grep -qiE -- "mcpjail: .*$3" <<<"$ANSWERS"
	ok $? "$1: $2, the reason, nothing sent" || tell_once
}

# --- certificates -----------------------------------------------------------------------------
C=$TMP/certs
mkdir "$C"
cd "$C" || exit 1
{
	ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
	ca='-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign'
	# shellcheck disable=SC2086
	for name in good other; do
		openssl req -x509 $ec -days 2 -subj "/CN=$name CA" -keyout $name-ca.key -out $name-ca.pem $ca
	done
	# leaf NAME CA SUBJECTALTNAME [OPTIONS OF x509…] - NAME.pem and NAME.key; $new, $extra
	leaf() {
		local name=$1 by=$2 san=$3
		shift 3
		# shellcheck disable=SC2086
		openssl req ${new:-$ec} -subj "/CN=promptfax.app" -keyout "$name.key" -out "$name.csr"
		printf 'basicConstraints=critical,CA:%s\nextendedKeyUsage=%s\n%s\n%s\n' "${is_ca:-FALSE}" "${usage:-serverAuth}" "${san:+subjectAltName=$san}" "${extra:-}" >"$name.ext"
		openssl x509 -req -in "$name.csr" -CA "$by.pem" -CAkey "$by.key" -CAcreateserial -days 2 -sha256 -extfile "$name.ext" -out "$name.pem" "$@"
	}
	leaf good good-ca DNS:promptfax.app
	leaf wild good-ca 'DNS:*.promptfax.app'
	leaf wild-top good-ca 'DNS:*.app'
	leaf wild-part good-ca 'DNS:prompt*.app'
	leaf elsewhere good-ca DNS:other.example,DNS:promptfax.app.other.example
	leaf no-san good-ca ''
	leaf stranger other-ca DNS:promptfax.app
	usage=clientAuth leaf client good-ca DNS:promptfax.app
	new='-newkey rsa:1024 -nodes' leaf rsa1024 good-ca DNS:promptfax.app
	leaf sha1 good-ca DNS:promptfax.app -sha1
	leaf by-leaf good DNS:promptfax.app
	cat good.pem >>by-leaf.pem
	is_ca=TRUE extra='nameConstraints=critical,permitted;DNS:other.example
keyUsage=critical,keyCertSign' usage=serverAuth leaf narrow-ca good-ca ''
	leaf narrow narrow-ca DNS:promptfax.app
	cat narrow-ca.pem >>narrow.pem
	is_ca=TRUE extra='keyUsage=critical,keyCertSign' leaf middle good-ca ''
	leaf below middle DNS:promptfax.app
	cp below.pem gap.pem && cp below.key gap.key
	cat middle.pem >>below.pem
	# shellcheck disable=SC2086
	openssl req -x509 $ec -days 2 -subj /CN=promptfax.app -addext subjectAltName=DNS:promptfax.app -keyout self.key -out self.pem
	# dates in the past and the future
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=db\nserial=ser\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n' >ca.cnf
	: >db
	echo 99 >ser
	for name in expired early; do
		# shellcheck disable=SC2086
		openssl req $ec -subj "/CN=$name" -addext subjectAltName=DNS:promptfax.app -keyout $name.key -out $name.csr
		dates="-startdate 20200101000000Z -enddate 20200201000000Z"
		[ $name = expired ] || dates="-startdate 20480101000000Z -enddate 20490101000000Z"
		# shellcheck disable=SC2086
		openssl ca -batch -config ca.cnf -cert good-ca.pem -keyfile good-ca.key -in $name.csr -out $name.pem -notext $dates
	done
} >"$TMP/openssl.out" 2>&1
cd "$WORK" || exit 1

# serve CERTIFICATE - the stand-in with that certificate, and the roots that go with it
serve() {
	kill "$PROMPTFAX_PID" 2>/dev/null
	start_promptfax --cert "$C/$1.pem" --key "$C/$1.key"
	CA=$C/good-ca.pem
}
towards() { printf -- '--connect-to promptfax.app:443:127.0.0.1:%s' "$PORT"; }

# shellcheck disable=SC2046
{
	for name in good below; do
		serve $name
		once $(towards)
		is "$STATUSES $OUTCOME $(grep -c . "$SERVED")" "200 call.result answered 1" "certificate $name: the call is served" || tell_once
	done
	while IFS='|' read -r name reason; do
		[ -s "$C/$name.pem" ] || { ok 1 "certificate $name was made" || note "$(tail -20 "$TMP/openssl.out")"; }
		serve "$name"
		once $(towards)
		unsent "certificate $name" 502 "$reason"
	done <<'ROWS'
expired|expired
early|not yet valid
elsewhere|(host|name) ?mismatch|another host
wild|mismatch|another host
wild-top|mismatch|another host
wild-part|mismatch|another host
no-san|mismatch|another host
stranger|unknown issuer|issuer
self|self-signed
client|purpose
by-leaf|CA|issuer|invalid
narrow|permitted|constraint
gap|issuer
ROWS
	kill "$PROMPTFAX_PID"
}

# An OpenSSL server, which says what it received.
# s_server NAME OPTION…
s_server() {
	local name=$1
	shift
	PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	SERVED=$TMP/s_server.$name
	openssl s_server -accept "127.0.0.1:$PORT" -cert "$C/${cert:-good}.pem" -key "$C/${cert:-good}.key" -quiet "$@" >"$SERVED" 2>"$SERVED.err" </dev/null &
	S_SERVER=$!
	children+=("$S_SERVER")
	for _ in $(seq 60); do
		(exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null && break
		sleep 0.05
	done
}
# shellcheck disable=SC2046
{
	CA=$C/good-ca.pem
	s_server tls11 -tls1_1 -cipher 'ALL:@SECLEVEL=0'
	printf 'x' | timeout 5 openssl s_client -connect "127.0.0.1:$PORT" -tls1_1 -cipher 'ALL:@SECLEVEL=0' -ign_eof >"$TMP/s_client" 2>&1
	like "$(cat "$TMP/s_client")" 'Protocol *: TLSv1\.1' "a server of TLS 1.1 only: another client reaches it" || note "$(tail -5 "$TMP/s_client")"
	: >"$SERVED"
	once $(towards)
	unsent "TLS 1.1 only" 502 'protocol|version'
	kill $S_SERVER
	s_server null -tls1_2 -cipher 'NULL-SHA256:ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0'
	once $(towards)
	unsent "TLS without encryption" 502 'handshake|cipher'
	kill $S_SERVER

	for name in rsa1024 sha1; do
		cert=$name s_server $name -cipher 'DEFAULT:@SECLEVEL=0'
		once $(towards)
		unsent "certificate $name" 502 'too weak|too small'
		kill $S_SERVER
	done
}

# --- nobody there -----------------------------------------------------------------------------------
SERVED=$TMP/nobody
: >"$SERVED"
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# shellcheck disable=SC2046
once $(towards)
unsent "nobody listens" '502|504' 'refused|reach'
# Somebody who never says anything; looked at later, since that takes its time.
python3 - >"$TMP/mute.port" <<'P' &
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
kept = []
while True:
    kept.append(s.accept())
P
children+=($!)
for _ in $(seq 60); do [ -s "$TMP/mute.port" ] && break; sleep 0.05; done
request start_session >"$WORK/mute"
"$MCPJAIL" -q -p "$policy" --timeout 40s --upstream-ca "$CA" --run-dir "$TMP/mute" --connect-to "promptfax.app:443:127.0.0.1:$(cat "$TMP/mute.port")" \
	-- python3 "$WORK/raw_http.py" --patience 35 "$WORK/mute" >"$TMP/mute.out" 2>&1 &
mute=$!
# --- private addresses: in namespaces without a way out, where the addresses are our own ------------
cat >"$TMP/private.sh" <<'S'
exec 2>>"$TMP/private.err"
trap 'kill $(jobs -p)' EXIT
ip link set lo up || exit 99
for a in 93.184.216.34/32 10.99.0.1/32 172.16.9.9/32 192.168.9.9/32 169.254.169.254/32 100.64.9.9/32; do ip addr add "$a" dev lo || exit 99; done
for a in fd99::1/128 64:ff9b::a63:1/128 2606:2800:220:1::1/128; do ip -6 addr add "$a" dev lo nodad || exit 99; done
"$TMP/promptfax" --port 443 --address 0.0.0.0 --cert "$C/good.pem" --key "$C/good.key" --log "$TMP/private.served" --with-parent >"$TMP/private.port" &
for _ in $(seq 60); do grep -q ^port "$TMP/private.port" && break; sleep 0.05; done
: >"$TMP/hosts" && mount --bind "$TMP/hosts" /etc/hosts || exit 99
echo nameserver 127.0.0.1 >"$TMP/resolv" && mount --bind "$TMP/resolv" /etc/resolv.conf || exit 99
python3 "$ROOT/tests/proxy/name_server.py" "$TMP/zone" "$TMP/queries" &
for _ in $(seq 60); do [ -e "$TMP/queries" ] && break; sleep 0.05; done
one() { # name, addresses, more options
	name=$1 addresses=$2
	shift 2
	: >"$TMP/hosts"
	: >"$TMP/zone"
	case $name in
	dns*) for a in $addresses; do echo "$a promptfax.app"; done >"$TMP/zone" ;;
	*) for a in $addresses; do echo "$a promptfax.app"; done >"$TMP/hosts" ;;
	esac
	: >"$TMP/private.served"
	rm -rf "$TMP/private.run"
	"$MCPJAIL" -q -p "$ALLOW" --timeout 20s --upstream-ca "$C/good-ca.pem" --run-dir "$TMP/private.run" "$@" \
		-- python3 "$WORK/raw_http.py" --to 192.0.2.1:443 --sni promptfax.app --patience 15 "$WORK/mute" >"$TMP/private.out"
	echo "$name|$(grep -c . "$TMP/private.served")|$(head -1 "$TMP/private.out")"
}
one public 93.184.216.34
one given 10.99.0.1 --connect-to promptfax.app:443:10.99.0.1:443
for a in $NOT_PUBLIC; do one "$a" "$a"; one "dns $a" "$a"; done
one mixed "93.184.216.34 10.99.0.1"
one mixed6 "93.184.216.34 fd99::1"
one "dns public" "93.184.216.34"
one "dns mixed" "93.184.216.34 10.99.0.1"
one "dns mixed6" "93.184.216.34 64:ff9b::a63:1"
one "dns alias" "inside.example"
one "dns public alias" "outside.example"
S
NOT_PUBLIC='10.99.0.1 172.16.9.9 192.168.9.9 169.254.169.254 100.64.9.9 127.0.0.1 0.0.0.0 ::1 ::ffff:127.0.0.1 ::ffff:10.99.0.1 fd99::1 64:ff9b::a63:1'
export NOT_PUBLIC ROOT
export TMP C MCPJAIL WORK ALLOW="$policy"
if [ "$(id -u)" = 0 ]; then in_namespaces="unshare -mn"; else in_namespaces="unshare --user --map-root-user -mn"; fi
timeout 120 $in_namespaces bash "$TMP/private.sh" >"$TMP/private" 2>&1
is $? 0 "namespaces with private addresses of their own were made" || note "$(tail -5 "$TMP/private" "$TMP/private.err")"
row() { grep "^$1|" "$TMP/private"; }
like "$(row public)" '^public\|1\|200\|' "a name at a public address: is served"
like "$(row given)" '^given\|1\|200\|' "one at a private address that --connect-to gives: too"
like "$(row "dns public")" '^dns public\|1\|200\|' "a name that DNS has at a public address: is served" || note "$(tail -5 "$TMP/private.err" "$TMP/queries")"
like "$(row "dns public alias")" '^dns public alias\|1\|200\|' "an alias of one: too"
for a in $NOT_PUBLIC; do
	like "$(row "dns $a")" "\|0\|403\|.*mcpjail: .*promptfax\.app.*--connect-to" "a name that DNS has at $a: 403, with what to do, and nothing sent" || note "$(row "dns $a")"
	# glibc does not read the mapped ones in /etc/hosts as what they say either.
	[[ $a == ::ffff:* ]] && expected='(403|502)' || expected='403\|.*mcpjail: .*promptfax\.app.*--connect-to'
	like "$(row "$a")" "\|0\|$expected" "one that /etc/hosts has there: 403, and nothing sent" || note "$(row "$a")"
done
for name in mixed mixed6 "dns mixed" "dns mixed6" "dns alias"; do
	like "$(row "$name")" '\|0\|403\|' "a name at a public and a private address, or its alias ($name): 403" || note "$(row "$name")"
done

# --- faults of the stand-in ------------------------------------------------------------------------------
for fault in reset truncate close-after-read; do
	start_promptfax --fault $fault
	# shellcheck disable=SC2046
	once $(towards)
	is "$STATUSES $OUTCOME" "502 call.outcome_unknown unknown" "--fault $fault: 502, and the ledger does not know" || tell_once
	like "$ANSWERS" '"id":7,"error":\{"code":-31000,"message":"mcpjail: .*(closed|cut|broke|reset)' "--fault $fault: the agent is told what happened" || tell_once
	is "$(grep -c '"tools/call"' "$SERVED")" 1 "--fault $fault: the call was sent once only"
	like "$(cat "$TMP/run/status.json")" '"unknown": ?1' "--fault $fault: status.json counts it"
	kill "$PROMPTFAX_PID"
done
start_promptfax --fault 503
# shellcheck disable=SC2046
once $(towards)
like "$STATUSES $OUTCOME $ANSWERS" '^503 call.result answered .*the stand-in was told to fail' "--fault 503: passes with its text" || tell_once
kill "$PROMPTFAX_PID"

# --- a server that answers as the tool's name says -----------------------------------------------------------
start_upstream() { # OPTION…
	RAW=$TMP/raw.$RANDOM.jsonl
	: >"$RAW"
	python3 "$here/upstream.py" --cert "$C/good.pem" --key "$C/good.key" --log "$RAW" "$@" >"$RAW.out" 2>&1 &
	UPSTREAM_PID=$!
	children+=("$UPSTREAM_PID")
	for _ in $(seq 100); do grep -q ^port "$RAW.out" && break; sleep 0.05; done
	PORT=$(sed -n 's/^port //p' "$RAW.out") CA=$C/good-ca.pem SERVED=$RAW
}
opened() { grep -c '"open"' "$RAW"; }
sent() { grep -c '"line"' "$RAW"; }
# call TOOL [FIELDS] - sets OUTCOME and SENT too
n_outcomes=0
call() {
	local before
	before=$(sent)
	http < <(request "$@")
	for _ in $(seq 40); do
		OUTCOME=$(outcomes "$LEDGER" | sed -E 's/(call\.)/\n\1/g' | sed '/^$/d;s/ $//' | tail -n +"$((n_outcomes + 1))")
		[ -n "$OUTCOME" ] && break
		sleep 0.05
	done
	n_outcomes=$((n_outcomes + 1))
	SENT=$(($(sent) - before))
}
tell_call() { note "outcome: $OUTCOME, sent: $SENT"; tell; }
start_upstream
start_jail
http < <(request plain | head -c -40; printf '@@PAUSE@@@@FIN@@')
is "$STATUSES $(opened)" "400 0" "half of a body: the server does not even see a connection" || tell
call plain
is "$STATUSES $SENT $OUTCOME" "200 1 call.result answered" "a plain call is answered" || tell_call
for status in 301 302 303 307 308 300 304; do
	call redirect-$status
	is "$STATUSES $SENT" "502 1" "a redirect ($status): 502, not followed" || tell_call
	unlike "$ANSWERS" '/elsewhere|Location' "a redirect ($status): its target is not relayed" || tell_call
done
for status in 500 502 503 504 429 404; do
	call status-$status
	like "$STATUSES|$OUTCOME|$ANSWERS" "^$status\|call.result answered\|.*the server's own words" "status $status passes with its text" || tell_call
done
unlike "$ANSWERS" 'Set-Cookie' "without its cookies"
call challenge
unlike "$ANSWERS" 'evil\.example' "a 401's metadata URL does not reach the agent" || tell_call
call fields
unlike "$ANSWERS" 'evil\.example|Set-Cookie|Alt-Svc|X-Own|WWW-Auth' "nor do cookies, Alt-Svc and other fields of an answer" || tell_call
is "$STATUSES" 200 "which itself is relayed"

for tool in interim delimited_by_close last stream stream_odd; do
	call $tool
	is "$STATUSES $SENT $OUTCOME" "200 1 call.result answered" "$tool: is understood" || tell_call
	like "$ANSWERS" '"text":"served"' "$tool: and relayed" || tell_call
done
while IFS='|' read -r tool reason; do
	call "$tool"
	[ "$STATUSES $SENT" = "502 1" ] && [ "$OUTCOME" = "call.outcome_unknown unknown" ] && grep -qE "\"error\":.*mcpjail: .*($reason)" <<<"$ANSWERS"
	ok $? "$tool: 502, the reason ($reason), outcome unknown" || tell_call
done <<'ROWS'
reset|closed|broke|reset
close|closed
cut_head|closed
cut_json|cut short
cut_chunks|cut short
cut_without_notice|cut short
asks|array|batch
packed|encoded
page|neither JSON
other_id|answer the request
text_id|answer the request
twice|twice
no_json|JSON
both_framings|both|Transfer-Encoding
two_lengths|Content-Length
bare_lf|CR LF
other_protocol|HTTP
switch|switch
long_answer|long|large
long_head|32 KiB|long
ROWS
for tool in stream_cut stream_reset stream_empty; do
	call $tool
	is "$STATUSES $SENT $OUTCOME" "200 1 call.outcome_unknown unknown" "$tool: outcome unknown" || tell_call
done
for tool in stream_cut stream_reset; do
	call $tool
	like "$ANSWERS" 'progress.*\(cut\)$' "$tool: the agent can tell that its stream did not end in order" || tell_call
done

# Answers that nobody asked for must not become the answer of another call.
for tool in appended unasked; do
	call $tool
	like "$STATUSES $ANSWERS" '^(200|502) .*' "$tool: is answered"
	sleep 0.4
	http < <(request plain | sed 's/"id":7/"id":8/')
	n_outcomes=$((n_outcomes + 1))
	like "$STATUSES $ANSWERS" '^200 .*"id":8.*"text":"served"' "$tool: the next call gets its own answer" || tell_call
	unlike "$ANSWERS" smuggled "$tool: not the one that was slipped in"
done
is "$(grep -c '"type":"call.decision"' "$LEDGER")" "$(grep -cE '"type":"call\.(result|outcome_unknown)"' "$LEDGER")" "every call has an outcome"
end_jail
like "$("$MCPJAIL" verify "${LEDGER%/*}" 2>&1; echo "status $?")" 'status 0' "the ledger verifies"

# --- connections: kept, shared, never trusted to be alive ------------------------------------------------------
start_jail
n_outcomes=0 before=$(opened)
for _ in $(seq 10); do call plain; done
is "$(($(opened) - before))" 1 "ten calls on connections of their own: one connection to the server"
end_jail
before=$(opened) sent_before=$(sent)
jailed -q -p "$policy" -- $AGENT --modern 'plain*30' >"$TMP/out" 2>&1
is "$(grep -c '^ok plain' "$TMP/out") $(($(opened) - before)) $(($(sent) - sent_before))" "30 1 31" "thirty on one: one connection, too" || note "$(sort "$TMP/out" | uniq -c)"
before=$(opened) sent_before=$(sent)
jailed -q -p "$policy" -- sh -c "for i in 1 2 3 4 5 6; do $AGENT --modern 'plain*20' >out.\$i 2>&1 & done; wait" >/dev/null 2>&1
cat out.? >"$TMP/out"
is "$(grep -c '^ok plain' "$TMP/out") $(($(sent) - sent_before))" "120 126" "six agents at once: every call is answered, and sent once" || note "$(sort "$TMP/out" | uniq -c)"
[ $(($(opened) - before)) -le 7 ]
ok $? "over no more connections than agents"
kill "$UPSTREAM_PID"

start_upstream --idle 1
jailed -q -p "$policy" --run-dir "$TMP/stale" -- $AGENT --modern --pause 1.2 'plain*4' >"$TMP/out" 2>&1
is "$(grep -c '^ok plain' "$TMP/out") $(sent)" "4 5" "a server that closes idle connections after 1 s: no call is lost or sent twice" || note "$(cat "$TMP/out")"
jailed -q -p "$policy" --run-dir "$TMP/edge" -- $AGENT --modern --pause 0.999 'plain*6' >"$TMP/out" 2>&1
calls=$(grep -c '"line".*plain' "$RAW")
[ "$calls" -le 10 ] && [ "$(grep -c '^ok plain' "$TMP/out")" -ge 4 ]
ok $? "closing just as the next call leaves: none is sent twice" || note "$(cat "$TMP/out")"
is "$(grep -c '"type":"call.decision"' "$TMP/edge/ledger.jsonl")" "$(grep -cE '"type":"call\.(result|outcome_unknown)"' "$TMP/edge/ledger.jsonl")" "and each has its outcome"
kill "$UPSTREAM_PID"

# --- streams are passed on as they come ---------------------------------------------------------------------------
start_upstream
cat >"$WORK/timed.py" <<'P'
import socket, ssl, sys, time
s = ssl.create_default_context().wrap_socket(socket.create_connection(("promptfax.app", 443)), server_hostname="promptfax.app")
s.settimeout(20)
s.sendall(open(sys.argv[1], "rb").read())
start, data, seen = time.monotonic(), b"", {}
while True:
    got = s.recv(65536)
    data += got
    now = int((time.monotonic() - start) * 1000)
    for name, mark in (("head", b"\r\n\r\n"), ("first", b"notifications/progress"), ("last", b'"result"')):
        if mark in data:
            seen.setdefault(name, now)
    if not got or data.endswith(b"0\r\n\r\n"):
        break
print(" ".join("%s=%d" % (k, seen.get(k, -1)) for k in ("head", "first", "last")))
P
for tool in stream stream_late; do
	request $tool >"$WORK/$tool"
	jailed -q -p "$policy" -- python3 "$WORK/timed.py" "$WORK/$tool" >"$TMP/out" 2>&1
	head=-1 first=-1 last=-1
	eval "$(grep -E '^head=' "$TMP/out")"
	if [ $tool = stream ]; then early=$first; else early=$head; fi
	[ "$head" -ge 0 ] && [ "$early" -ge 0 ] && [ "$early" -lt 900 ] && [ "$last" -ge 1300 ]
	ok $? "$tool: head after $head ms, first event after $first ms, result after $last ms" || note "$(cat "$TMP/out")"
done

# --- an agent that does not wait ---------------------------------------------------------------------------------------
request stream_late >"$WORK/left"
cat >"$WORK/gone.py" <<'P'
import os, socket, ssl, sys, time
s = ssl.create_default_context().wrap_socket(socket.create_connection(("promptfax.app", 443)), server_hostname="promptfax.app")
s.sendall(open(sys.argv[1], "rb").read())
time.sleep(0.4)
os.kill(os.getpid(), 9)
P
jailed -q -p "$policy" --run-dir "$TMP/left" -- python3 "$WORK/gone.py" "$WORK/left" >/dev/null 2>&1
is "$(outcomes "$TMP/left/ledger.jsonl")" "call.outcome_unknown unknown" "an agent that dies in a call: its outcome is unknown" || note "$(cat "$TMP/left/ledger.jsonl")"
jailed -q -p "$policy" --run-dir "$TMP/left2" -- sh -c "python3 $WORK/gone.py $WORK/left; sleep 2.5" >/dev/null 2>&1
is "$(outcomes "$TMP/left2/ledger.jsonl")" "call.result answered" "one that only hangs up: the call is followed to its end" || note "$(tail -3 "$TMP/left2/ledger.jsonl")"

# --- the mute one -------------------------------------------------------------------------------------------------------------
wait $mute
ANSWERS=$(head -1 "$TMP/mute.out") STATUSES=${ANSWERS%%|*} OUTCOME=$(outcomes "$TMP/mute/ledger.jsonl") SERVED=$TMP/nobody
unsent "a server that does not finish the handshake" '502|504' 'in time'
