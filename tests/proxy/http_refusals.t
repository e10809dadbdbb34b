#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the proxy refuses of HTTP: each with one clear status, one record, and not a byte upstream.
. "$(dirname "$0")/../lib.sh"
start_promptfax --log-headers
policy=$(allow_all)

body='{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}'
length="Content-Length: ${#body}"
type='Content-Type: application/json\r\nAccept: application/json, text/event-stream'
modern='MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: start_session'
host='Host: promptfax.app'
fields="$host\r\n$type\r\n$modern"
post="POST /mcp HTTP/1.1\r\n$fields"
call="$post\r\n$length\r\n\r\n$body"
chunked="$post\r\nTransfer-Encoding: chunked\r\n\r\n$(printf %x ${#body})\r\n$body\r\n0\r\n\r\n"

. "$ROOT/tests/proxy/http.sh"
start_jail

# refused NAME STATUS END [OPTION…] - one answer, then END (a pattern); nothing arrived; one record
refused() {
	local name=$1 status=$2 end=$3
	shift 3
	http "$@"
	[[ $STATUSES =~ ^($status)$ ]] && [[ $END =~ ^($end)$ ]] && [ "$REACHED" = 0 ] &&
		[ "$RECORDS" = "net.denied $STATUSES" ] && grep -qE '^[0-9]+\|.*text/plain.*\|mcpjail: ' <<<"$ANSWERS"
	ok $? "$name: $status, recorded, nothing sent" ||
		tell
}
# works NAME [OPTION…] - answered 200 by the server, which saw one call
works() {
	local name=$1
	shift
	http "$@"
	is "$STATUSES $REACHED $RECORDS" "200 1 call allow" "$name: works" || tell
}
bytes() { printf '%b' "$*"; }
spaces() { head -c "$1" /dev/zero | tr '\0' a; }

# Two that are too slow, beside everything else.
bytes "POST /mcp HTTP/1.1\r\n$host\r\nX-Slow: $(spaces 200)" >"$WORK/slow"
: >"$WORK/silent"
jailed -q -p "$policy" --run-dir "$TMP/slow" -- python3 "$WORK/raw_http.py" --drip 0.5 --patience 40 "$WORK/slow" >"$TMP/slow.out" 2>&1 &
slow=$!
jailed -q -p "$policy" --run-dir "$TMP/silent" -- python3 "$WORK/raw_http.py" --plain --patience 40 "$WORK/silent" >"$TMP/silent.out" 2>&1 &
silent=$!

# --- what works: the control for all that follows -------------------------------------
works "a call" < <(bytes "$call")
works "a chunked call" < <(bytes "$chunked")
works "absolute form for the same host" < <(bytes "${call/\/mcp/https://promptfax.app/mcp}")
is "$(tail -1 "$SERVED" | grep -c '"target":"/mcp"')" 1 "absolute form: arrives in origin form"
works "the port in Host" < <(bytes "${call/promptfax.app/promptfax.app:443}")
works "Host in capitals, with a dot behind it" < <(bytes "${call/promptfax.app/PromptFax.APP.}")
like "$(tail -1 "$SERVED")" '"host":"promptfax.app"' "Host in capitals: arrives in the policy's spelling"
works "an escaped letter in the path" < <(bytes "${call/\/mcp/\/m%63p}")
like "$(tail -1 "$SERVED")" '"target":"/mcp"' "an escaped letter in the path: arrives as the policy has it"
works "no SNI" --sni none < <(bytes "$call")
works "CONNECT for the same host" --to promptfax.app:3128 --connect promptfax.app:443 --sni promptfax.app < <(bytes "$call")
http < <(bytes "$post\r\nExpect: 100-continue\r\n$length\r\n\r\n@@CONTINUE@@$body")
is "$STATUSES $REACHED $RECORDS" "100 200 1 call allow" "Expect: 100-continue: is answered before the body, and works" || tell
works "Expect: 100-continue, the body at once" < <(bytes "$post\r\nExpect: 100-continue\r\n$length\r\n\r\n$body")
works "an Upgrade" < <(bytes "$post\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n$length\r\n\r\n$body")
unlike "$(tail -1 "$SERVED")" '[Uu]pgrade|[Hh][Tt][Tt][Pp]2' "an Upgrade: does not arrive"
works "fields of the agent's own" < <(bytes "$post\r\nX-Out: exfiltrated\r\nCookie: exfiltrated\r\nReferer: https://exfiltrated.example/\r\nX-Forwarded-For: exfiltrated\r\n$length\r\n\r\n$body")
unlike "$(tail -1 "$SERVED")" 'exfiltrated' "fields of the agent's own: do not arrive"
works "Connection: close" < <(bytes "$post\r\nConnection: close\r\n$length\r\n\r\n$body")
is "$END" closed "Connection: close: is obeyed"
works "HTTP/1.0" < <(bytes "${call/HTTP\/1.1/HTTP\/1.0}")
is "$END" closed "HTTP/1.0: the connection closes behind it"
http < <(bytes "${call/HTTP\/1.1/HTTP\/1.0}" | sed 's/Accept:/Connection: keep-alive\r\nAccept:/')
is "$STATUSES $REACHED" "200 1" "HTTP/1.0 with keep-alive: works" || tell
http --answers 2 < <(bytes "$call$call")
is "$STATUSES $REACHED $RECORDS" "200 200 2 call allow call allow" "two calls pipelined: both answered" || tell
http --answers 3 < <(bytes "$call$chunked$call")
is "$STATUSES $REACHED" "200 200 200 3" "three, one of them chunked" || tell
works "a head of 32 KiB to the byte" < <(
	head="$post\r\n$length\r\nX-Long: \r\n\r\n"
	n=$((32768 - $(bytes "$head" | wc -c)))
	bytes "${head/X-Long: /X-Long: $(spaces $n)}$body")
works "128 fields" < <(bytes "$post\r\n$length\r\n$(for i in $(seq 121); do printf 'X-%s: a\\r\\n' "$i"; done)\r\n$body")
works "a body that comes late" < <(bytes "$post\r\n$length\r\n\r\n${body:0:40}@@PAUSE@@${body:40}")
http < <(bytes "GET /mcp HTTP/1.1\r\n$host\r\nAccept: text/event-stream\r\n$modern\r\n\r\n")
is "$STATUSES $REACHED" "405 1" "GET for an event stream: the server's own answer" || tell

# --- other hosts, paths, methods -------------------------------------------------------
refused "https to an unlisted host" 403 'open|closed' --to other.example:443 < <(bytes "${call/promptfax.app/other.example}")
like "$ANSWERS" '\|mcpjail: .*other\.example.*/default.*allow' "it names host, rule and what to do"
refused "GET from it" 403 'open|closed' --to other.example:443 < <(bytes "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n")
refused "https to an unlisted port" '403' 'open|closed' --to promptfax.app:8443 < <(bytes "${call/promptfax.app/promptfax.app:8443}")
refused "CONNECT to an unlisted host" 403 'open|closed' --to promptfax.app:3128 --connect other.example:443 --sni other.example < <(bytes "${call/promptfax.app/other.example}")
refused "plain http to the MCP host" 403 'open|closed' --plain --to promptfax.app:80 < <(bytes "$call")
like "$ANSWERS" 'https://promptfax\.app/mcp' "it says that https is meant"
refused "plain http to an unlisted host" 403 'open|closed' --plain --to other.example:80 < <(bytes "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n")
refused "plain absolute form for an https URL" '403|421' 'open|closed' --plain --to promptfax.app:3128 < <(bytes "${call/\/mcp/https://promptfax.app/mcp}")
for path in / /other /MCP /mcp/ /mcp/x '/mcp;x' '/mcp?q=exfiltrated' '/mcp?' /mcp%20 /mc; do
	refused "path $path" 403 'open|closed' < <(bytes "${call/\/mcp/$path}")
	like "$ANSWERS" 'promptfax\.app' "it names the host" || tell
done
unlike "$(cat "$LEDGER")" 'exfiltrated' "a query is not kept in the ledger"
for path in /a/../mcp /./mcp /mcp/.. //mcp /%2e%2e/mcp /a%2f..%2fmcp '/mcp%00' '/\\mcp' '/mcp%5c' '/mcp#x' '/mcp%zz' /mcp%25 /mcpé; do
	refused "path $path" '400|403' 'open|closed' < <(bytes "${call/\/mcp/$path}")
done
for method in PUT PATCH OPTIONS TRACE BREW post; do
	refused "method $method" 403 'open|closed' < <(bytes "${call/POST/$method}")
done
http < <(bytes "HEAD /mcp HTTP/1.1\r\n$host\r\n\r\n")
like "$STATUSES $REACHED $RECORDS" '^403 .*0 net.denied 403' "method HEAD: 403, recorded, nothing sent" || tell
refused "GET that is not for an event stream" '403|405|406' 'open|closed' < <(bytes "GET /mcp HTTP/1.1\r\n$host\r\n\r\n")

# --- framing ---------------------------------------------------------------------------
smuggled="POST /mcp HTTP/1.1\r\n$fields\r\n$length\r\n\r\n$body"
te="Transfer-Encoding: chunked"
n=$(printf %x ${#body})
while IFS='|' read -r name request; do
	[ -n "$name" ] || continue
	refused "$name" 400 closed < <(bytes "$request")
done <<ROWS
CL.TE|$post\r\nContent-Length: $((${#body} + 20))\r\n$te\r\n\r\n0\r\n\r\n$smuggled
TE.CL|$post\r\n$te\r\nContent-Length: 4\r\n\r\n$n\r\n$body\r\n0\r\n\r\n$smuggled
TE.TE|$post\r\n$te\r\nTransfer-Encoding: identity\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
two Transfer-Encoding: chunked|$post\r\n$te\r\n$te\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
Transfer-Encoding: gzip, chunked|$post\r\nTransfer-Encoding: gzip, chunked\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
Transfer-Encoding: chunked, chunked|$post\r\nTransfer-Encoding: chunked, chunked\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
Transfer-Encoding: identity|$post\r\nTransfer-Encoding: identity\r\n$length\r\n\r\n$body
Transfer-Encoding: xchunked|$post\r\nTransfer-Encoding: xchunked\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
Transfer-Encoding: "chunked"|$post\r\nTransfer-Encoding: "chunked"\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
Transfer-Encoding: chunked;q=1|$post\r\nTransfer-Encoding: chunked;q=1\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
Transfer-Encoding with a tab|$post\r\nTransfer-Encoding:\tchunked\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
Transfer-Encoding with a vertical tab|$post\r\nTransfer-Encoding: \vchunked\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
Transfer-Encoding in mixed case|$post\r\nTransfer-Encoding: cHuNkEd\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
an empty Transfer-Encoding|$post\r\nTransfer-Encoding:\r\n$length\r\n\r\n$body
Transfer-Encoding behind a space|$post\r\n Transfer-Encoding: chunked\r\n$length\r\n\r\n$body
Transfer-Encoding in HTTP/1.0|POST /mcp HTTP/1.0\r\n$fields\r\n$te\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
two equal Content-Length|$post\r\n$length\r\n$length\r\n\r\n$body
two different Content-Length|$post\r\n$length\r\nContent-Length: 0\r\n\r\n$body
Content-Length: 2, 2|$post\r\nContent-Length: ${#body}, ${#body}\r\n\r\n$body
Content-Length with a plus|$post\r\nContent-Length: +${#body}\r\n\r\n$body
Content-Length with a minus|$post\r\nContent-Length: -1\r\n\r\n$body
Content-Length in hexadecimal|$post\r\nContent-Length: 0x$n\r\n\r\n$body
Content-Length with an underscore|$post\r\nContent-Length: 1_0\r\n\r\n$body
Content-Length past 2^64|$post\r\nContent-Length: 18446744073709551616\r\n\r\n$body
an empty Content-Length|$post\r\nContent-Length:\r\n\r\n$body
Content-Length with a space in it|$post\r\nContent-Length: 1 0\r\n\r\n$body
Content-Length with a tab|$post\r\nContent-Length:\t${#body}\r\n\r\n$body
bare LF in the head|$post\n$length\r\n\r\n$body
bare LF at its end|$post\r\n$length\n\n$body
bare LF throughout|${post//\\r\\n/\\n}\n$length\n\n$body
bare CR in a value|$post\r\nX-A: a\rb\r\n$length\r\n\r\n$body
CR CR LF|$post\r\nX-A: a\r\r\n$length\r\n\r\n$body
obs-fold|$post\r\nX-A: a\r\n b\r\n$length\r\n\r\n$body
obs-fold of Content-Length|$post\r\nContent-Length:\r\n ${#body}\r\n\r\n$body
space before the first field|POST /mcp HTTP/1.1\r\n X-A: a\r\n$fields\r\n$length\r\n\r\n$body
space before the colon|$post\r\nContent-Length : ${#body}\r\n\r\n$body
tab before the colon|$post\r\nX-A\t: a\r\n$length\r\n\r\n$body
a field without a name|$post\r\n: a\r\n$length\r\n\r\n$body
a field without a colon|$post\r\nX-A\r\n$length\r\n\r\n$body
a space in a field's name|$post\r\nX A: a\r\n$length\r\n\r\n$body
NUL in a value|$post\r\nX-A: a\0000b\r\n$length\r\n\r\n$body
NUL in a name|$post\r\nX\0000A: a\r\n$length\r\n\r\n$body
NUL in the target|POST /mcp\0000x HTTP/1.1\r\n$fields\r\n$length\r\n\r\n$body
NUL in Host|POST /mcp HTTP/1.1\r\nHost: promptfax.app\0000.example\r\n$type\r\n$modern\r\n$length\r\n\r\n$body
a control byte in a value|$post\r\nX-A: a\001b\r\n$length\r\n\r\n$body
DEL in a value|$post\r\nX-A: a\0177b\r\n$length\r\n\r\n$body
a chunk extension|$post\r\n$te\r\n\r\n$n;ext=1\r\n$body\r\n0\r\n\r\n
a chunk extension on the last chunk|$post\r\n$te\r\n\r\n$n\r\n$body\r\n0;a\r\n\r\n
a trailer|$post\r\n$te\r\n\r\n$n\r\n$body\r\n0\r\nX-Trailer: a\r\n\r\n
a chunk size past 2^64|$post\r\n$te\r\n\r\n1${n}0000000000000000\r\n$body\r\n0\r\n\r\n
a chunk size with a plus|$post\r\n$te\r\n\r\n+$n\r\n$body\r\n0\r\n\r\n
a chunk size with 0x|$post\r\n$te\r\n\r\n0x$n\r\n$body\r\n0\r\n\r\n
a chunk size with a space|$post\r\n$te\r\n\r\n$n \r\n$body\r\n0\r\n\r\n
an empty chunk size|$post\r\n$te\r\n\r\n\r\n$body\r\n0\r\n\r\n
a chunk with bare LF|$post\r\n$te\r\n\r\n$n\n$body\n0\n\n
a chunk that is longer than its size|$post\r\n$te\r\n\r\n10\r\n$body\r\n0\r\n\r\n
Connection naming Host|$post\r\nConnection: host\r\n$length\r\n\r\n$body
Connection naming Content-Length|$post\r\nConnection: close, Content-Length\r\n$length\r\n\r\n$body
Connection naming Transfer-Encoding|$post\r\nConnection: transfer-encoding\r\n$te\r\n\r\n$n\r\n$body\r\n0\r\n\r\n
Connection naming Mcp-Name|$post\r\nConnection: keep-alive, MCP-NAME\r\n$length\r\n\r\n$body
Connection naming Content-Type|$post\r\nConnection: content-type\r\n$length\r\n\r\n$body
no Host|POST /mcp HTTP/1.1\r\n$type\r\n$modern\r\n$length\r\n\r\n$body
two Host|$post\r\n$host\r\n$length\r\n\r\n$body
two different Host|$post\r\nHost: other.example\r\n$length\r\n\r\n$body
an empty Host|POST /mcp HTTP/1.1\r\nHost:\r\n$type\r\n$modern\r\n$length\r\n\r\n$body
a user in Host|POST /mcp HTTP/1.1\r\nHost: a@promptfax.app\r\n$type\r\n$modern\r\n$length\r\n\r\n$body
two names in Host|POST /mcp HTTP/1.1\r\nHost: promptfax.app, other.example\r\n$type\r\n$modern\r\n$length\r\n\r\n$body
port 0 in Host|POST /mcp HTTP/1.1\r\nHost: promptfax.app:0\r\n$type\r\n$modern\r\n$length\r\n\r\n$body
a port past 65535 in Host|POST /mcp HTTP/1.1\r\nHost: promptfax.app:65979\r\n$type\r\n$modern\r\n$length\r\n\r\n$body
a numeric Host|POST /mcp HTTP/1.1\r\nHost: 0x7f.1\r\n$type\r\n$modern\r\n$length\r\n\r\n$body
two spaces in the request line|POST  /mcp HTTP/1.1\r\n$fields\r\n$length\r\n\r\n$body
a space in the target|POST /mcp x HTTP/1.1\r\n$fields\r\n$length\r\n\r\n$body
a tab in the request line|POST\t/mcp HTTP/1.1\r\n$fields\r\n$length\r\n\r\n$body
no version|POST /mcp\r\n$fields\r\n$length\r\n\r\n$body
version HTTP/1.1x|POST /mcp HTTP/1.1x\r\n$fields\r\n$length\r\n\r\n$body
version http/1.1|POST /mcp http/1.1\r\n$fields\r\n$length\r\n\r\n$body
two empty lines before the request|\r\n\r\n$call
two Content-Type|$post\r\nContent-Type: text/plain\r\n$length\r\n\r\n$body
two Mcp-Name|$post\r\nMcp-Name: send_fax\r\n$length\r\n\r\n$body
a body on GET|GET /mcp HTTP/1.1\r\n$host\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n$length\r\n\r\n$body
a head that ends early|$post\r\n$length@@FIN@@
a body that ends early|$post\r\n$length\r\n\r\n${body:0:40}@@FIN@@
a chunked body that ends early|$post\r\n$te\r\n\r\n$n\r\n$body\r\n@@FIN@@
ROWS
refused "HTTP/2.0" '400|505' closed < <(bytes "${call/HTTP\/1.1/HTTP\/2.0}")
refused "HTTP/1.2" '400|505' closed < <(bytes "${call/HTTP\/1.1/HTTP\/1.2}")
refused "HTTP/0.9" '400|505' closed < <(bytes "${call/HTTP\/1.1/HTTP\/0.9}")
refused "the preface of HTTP/2" '400|505' closed < <(bytes 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
refused "another Expect" '400|417' closed < <(bytes "$post\r\nExpect: 200-maybe\r\n$length\r\n\r\n$body")
refused "a POST without a length" '400|411' 'open|closed' < <(bytes "$post\r\n\r\n")
refused "a body past 4 MiB" '400|413' closed < <(bytes "$post\r\nContent-Length: 4194305\r\n\r\n"; head -c 4194305 /dev/zero)
refused "chunks past 4 MiB" '400|413' closed < <(bytes "$post\r\n$te\r\n\r\n400001\r\n"; head -c 4194305 /dev/zero; bytes '\r\n0\r\n\r\n')
http --answers 2 < <(bytes "${call}POST /mcp HTTP/1.1\r\n$fields\r\n$length\r\n$te\r\n\r\n$body$call")
is "$STATUSES $END $REACHED $RECORDS" "200 400 closed 1 call allow net.denied 400" "a bad one pipelined behind a good one: the good one is answered, nothing behind the bad one is read" || tell
http --answers 2 < <(bytes "${call}@@PAUSE@@POST /mcp HTTP/1.1\r\n$fields\r\n$length@@FIN@@")
is "$STATUSES $END $REACHED $RECORDS" "200 400 closed 1 call allow net.denied 400" "a head that ends early behind a good one" || tell
http --answers 2 < <(bytes "GET /other HTTP/1.1\r\n$host\r\n\r\n$call")
is "$STATUSES $REACHED" "403 200 1" "a refused one without a body leaves the connection usable" || tell
refused "a refused one with a body does not" 403 closed < <(bytes "${call/\/mcp/\/other}$call")

# --- layers that disagree ----------------------------------------------------------------
refused "SNI ≠ Host" 421 closed < <(bytes "${call/promptfax.app/other.example}")
refused "Host ≠ SNI" 421 closed --sni other.example < <(bytes "$call")
refused "no SNI, a name that was looked up for another host" 421 closed --to other.example:443 --sni none < <(bytes "$call")
refused "another port in Host" 421 closed < <(bytes "${call/promptfax.app/promptfax.app:8443}")
refused "absolute form of another host, Host as SNI" 421 closed < <(bytes "${call/\/mcp/https://other.example/mcp}")
refused "absolute form as SNI, Host another" 421 closed < <(bytes "${call/\/mcp/https://promptfax.app/mcp}" | sed 's/^Host: .*\r$/Host: other.example\r/')
refused "absolute form with http" 421 closed < <(bytes "${call/\/mcp/http://promptfax.app/mcp}")
refused "absolute form with another port" 421 closed < <(bytes "${call/\/mcp/https://promptfax.app:8443/mcp}")
refused "absolute form with a user" '400|421' closed < <(bytes "${call/\/mcp/https://promptfax.app@other.example/mcp}")
refused "absolute form of another scheme" '400|421' closed < <(bytes "${call/\/mcp/ftp://promptfax.app/mcp}")
to="--to promptfax.app:3128"
# shellcheck disable=SC2086
{
	refused "CONNECT ≠ SNI" 421 closed $to --connect other.example:443 --sni promptfax.app < <(bytes "$call")
	refused "CONNECT ≠ SNI, an unlisted SNI" 421 closed $to --connect promptfax.app:443 --sni other.example < <(bytes "$call")
	refused "CONNECT = SNI ≠ Host" 421 closed $to --connect promptfax.app:443 --sni promptfax.app < <(bytes "${call/promptfax.app/other.example}")
	refused "CONNECT to another port" 421 closed $to --connect promptfax.app:8443 --sni promptfax.app < <(bytes "$call")
	refused "http inside CONNECT" '403|421' 'open|closed' $to --connect promptfax.app:443 --plain < <(bytes "$call")
	http $to --plain < <(bytes "CONNECT promptfax.app:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n")
	is "$STATUSES $END $REACHED $RECORDS" "421 closed 0 net.denied 421" "CONNECT ≠ its Host: 421, recorded" || tell
	http $to --plain < <(bytes "CONNECT promptfax.app\0000.example:443 HTTP/1.1\r\nHost: promptfax.app:443\r\n\r\n")
	is "$STATUSES $END $REACHED $RECORDS" "400 closed 0 net.denied 400" "CONNECT with a NUL: 400, recorded" || tell
	refused "CONNECT inside TLS" '400|403|421' closed < <(bytes "CONNECT promptfax.app:443 HTTP/1.1\r\nHost: promptfax.app:443\r\n\r\n")
}

# --- too large -----------------------------------------------------------------------------
refused "a head of 32 KiB and one byte" 431 closed < <(
	head="$post\r\n$length\r\nX-Long: \r\n\r\n"
	n=$((32769 - $(bytes "$head" | wc -c)))
	bytes "${head/X-Long: /X-Long: $(spaces $n)}$body")
refused "a head of 100 KB" 431 closed < <(bytes "$post\r\n$length\r\n$(for i in $(seq 100); do printf 'X-%s: %s\\r\\n' "$i" "$(spaces 1000)"; done)\r\n$body")
refused "a target of 40 KB" '431|414' closed < <(bytes "POST /$(spaces 40000) HTTP/1.1\r\n$fields\r\n$length\r\n\r\n$body")
refused "129 fields" 431 closed < <(bytes "$post\r\n$length\r\n$(for i in $(seq 122); do printf 'X-%s: a\\r\\n' "$i"; done)\r\n$body")

# --- neither HTTP nor TLS --------------------------------------------------------------------
http --plain < <(printf '\0\1\2\3hello')
is "$STATUSES $REACHED $RECORDS" " 0 net.denied" "a protocol that is neither TLS nor HTTP: no answer, a record" || tell
like "$END" '^(reset|closed)$' "its connection is over"

# --- the slow ones ------------------------------------------------------------------------------
wait $slow $silent
like "$(cat "$TMP/slow.out")" '^(408|400)\|' "a head that drips in is answered" || note "$(cat "$TMP/slow.out")"
took=$(sed -n 's/^end [a-z]* //p' "$TMP/slow.out")
[ "${took:-99999}" -lt 25000 ] && [ "$took" -ge 2000 ]
ok $? "within 25 s ($took ms)" || note "$(cat "$TMP/slow.out")"
is "$(grep -c '"net.denied"' "$TMP/slow/ledger.jsonl")" 1 "and recorded"
took=$(sed -n 's/^end \(closed\|reset\) //p' "$TMP/silent.out")
[ "${took:-99999}" -lt 25000 ]
ok $? "a connection that says nothing ends within 25 s ($took ms)" || note "$(cat "$TMP/silent.out")"
is "$(grep -c '"net.denied"' "$TMP/silent/ledger.jsonl")" 1 "and is recorded"
