#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Requests to hosts of `egress`, mode inspect: what passes, what the host then receives, what is
# refused, and that it is in the ledger before a byte of it leaves.
. "$(dirname "$0")/../lib.sh"
. "$ROOT/tests/proxy/origin.sh"
origin_certificates api.example any.example plain.example
start_origin --plain
plain_port=$ORIGIN_PORT plain_served=$SERVED
start_origin
PORT=$ORIGIN_PORT
policy=$TMP/policy.json
cat >"$policy" <<'P'
{"version":"1","default":"deny","egress":[
 {"host":"any.example"},
 {"host":"plain.example","ports":[80]},
 {"host":"api.example","methods":["POST","GET"],"paths":["/v1/*"],"headers":{"x-org":["acme",null]},
  "deny_body":[{"path":"body.mcp_servers","op":"exists","value":true,"reason":"the provider may not call MCP servers"},
               {"path":"body.tools[*].type","op":"prefix","value":"web_"}]}]}
P
. "$ROOT/tests/proxy/http.sh"
for host in any api; do jail_options+=(--connect-to "$host.example:443:127.0.0.1:$ORIGIN_PORT"); done
jail_options+=(--connect-to "plain.example:80:127.0.0.1:$plain_port")
start_jail

requests() { grep -c '"line"' "$SERVED"; }
last() { grep '"line"' "$SERVED" | tail -1; }
bytes() { printf '%b' "$*"; }
any='Host: any.example' api='Host: api.example'
# passes NAME STATUSES [OPTION…] - so many requests reach the host, each recorded as allowed
passes() {
	local name=$1 statuses=$2 before n
	shift 2
	before=$(requests)
	http --to any.example:443 "$@"
	n=$(($(requests) - before))
	[ "$STATUSES" = "$statuses" ] && [ "$n" = "$(wc -w <<<"${statuses//100/}")" ] &&
		[ "$RECORDS" = "$(for _ in $(seq "$n"); do printf 'net.allowed '; done | sed 's/ $//')" ]
	ok $? "$name: $statuses, recorded" || tell
}
# refused NAME STATUS TEXT [OPTION…] - nothing reaches the host, one refusal is recorded
refused() {
	local name=$1 status=$2 text=$3 before
	shift 3
	before=$(requests)
	http --to any.example:443 "$@"
	[ "$STATUSES $(($(requests) - before)) $RECORDS" = "$status 0 net.denied $status" ] &&
		grep -qE "\|mcpjail: .*$text" <<<"$ANSWERS"
	ok $? "$name: $status, recorded, nothing sent" || tell
}

# --- what passes, and as what --------------------------------------------------------------
passes "GET" 200 < <(bytes "GET /x?q=%2f&a=b|c HTTP/1.1\r\n$any\r\nX-Own: yes\r\nCookie: a=b\r\nAuthorization: Bearer secret\r\n\r\n")
like "$(last)" '"line": "GET /x\?q=%2f&a=b\|c HTTP/1.1", "headers": \[\["Host", "any.example"\]' "the query arrives as it was"
like "$(last)" '"X-Own", "yes".*"Cookie", "a=b".*"Authorization", "Bearer secret"' "and all fields of the agent's own"
passes "another method" 200 < <(bytes "BREW /pot HTTP/1.1\r\n$any\r\nContent-Length: 0\r\n\r\n")
passes "absolute form" 200 < <(bytes "GET https://any.example/y HTTP/1.1\r\n$any\r\n\r\n")
like "$(last)" '"GET /y HTTP/1.1"' "absolute form: arrives in origin form"
passes "escapes" 200 < <(bytes "GET /@scope%2fname/%7ea%20%40 HTTP/1.1\r\n$any\r\n\r\n")
like "$(last)" '"GET /@scope%2Fname/~a%20%40 HTTP/1.1"' "escapes: arrive in their one spelling"
passes "fields of one connection" 200 < <(bytes "GET /x HTTP/1.1\r\n$any\r\nConnection: keep-alive, X-Hop\r\nX-Hop: hop\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\nProxy-Connection: hop\r\nX-Original-URL: /hop\r\nX_Rewrite_Url: /hop\r\nX-Forwarded-Host: hop.example\r\nForwarded: host=hop.example\r\nX-Stays: yes\r\n\r\n")
unlike "$(last)" '[Hh]op|[Kk]eep|TE"|[Uu]pgrade|[Cc]onnection|Original|Rewrite' "fields of one connection: do not arrive"
like "$(last)" 'X-Stays' "fields of one connection: others do"
passes "a WebSocket where the rule does not say so" 426 < <(bytes "GET /ws HTTP/1.1\r\n$any\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
unlike "$(last)" '"Upgrade"|"Connection"' "a WebSocket where the rule does not say so: is a plain request"
passes "a body with its length" 200 < <(bytes "POST /x HTTP/1.1\r\n$any\r\nContent-Length: 3\r\n\r\nabc")
like "$(last)" '"bytes": 3.*"framing": "length"' "a body with its length: arrives so"
passes "a chunked body" 200 < <(bytes "POST /x HTTP/1.1\r\n$any\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
like "$(last)" '"bytes": 5.*"framing": "length"' "a small chunked body: arrives with its length"
passes "Expect: 100-continue" "100 200" < <(bytes "POST /x HTTP/1.1\r\n$any\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n@@CONTINUE@@abc")
unlike "$(last)" 'Expect' "Expect: 100-continue: is answered by us"
passes "two requests pipelined" "200 200" --answers 2 < <(bytes "POST /x HTTP/1.1\r\n$any\r\nContent-Length: 3\r\n\r\nabcGET /y HTTP/1.1\r\n$any\r\n\r\n")
passes "CONNECT" 200 --to any.example:3128 --connect any.example:443 --sni any.example < <(bytes "GET /x HTTP/1.1\r\n$any\r\n\r\n")
passes "HTTP/1.0" 200 < <(bytes "GET /chunked HTTP/1.0\r\n$any\r\n\r\n")
is "$END ${ANSWERS##*|}" "closed served" "HTTP/1.0: a chunked answer ends with the connection"

# --- answers ---------------------------------------------------------------------------------
passes "an answer's fields" 200 < <(bytes "GET /fields HTTP/1.1\r\n$any\r\n\r\n")
like "$ANSWERS" 'Content-Encoding: gzip; Set-Cookie: a=b; X-Own: yes; Content-Type: text/x' "an answer's fields: are passed on"
unlike "$ANSWERS" 'Alt-Svc|Hop|Keep-Alive' "an answer's fields: but those of one connection, and other ways to the host"
passes "a redirect" 302 < <(bytes "GET /moved HTTP/1.1\r\n$any\r\n\r\n")
like "$ANSWERS" 'Location: https://elsewhere.example/' "a redirect: is passed on"
passes "a chunked answer" 200 < <(bytes "GET /chunked HTTP/1.1\r\n$any\r\n\r\n")
like "$ANSWERS" 'Transfer-Encoding: chunked\|served$' "a chunked answer: is passed on, without its trailer"
passes "an answer that ends by closing" 200 < <(bytes "GET /until_close HTTP/1.1\r\n$any\r\n\r\n")
is "${ANSWERS##*|} $END" "served open" "an answer that ends by closing: is framed"
passes "early hints" 200 < <(bytes "GET /hints HTTP/1.1\r\n$any\r\n\r\n")
for status in 400 401 429 500 503 599; do
	passes "status $status" $status < <(bytes "GET /status/$status HTTP/1.1\r\n$any\r\n\r\n")
done
passes "an answer that is cut short" 200 < <(bytes "GET /cut HTTP/1.1\r\n$any\r\n\r\n")
like "$ANSWERS" '\(cut\)$' "an answer that is cut short: the agent can tell"
passes "no answer" 502 < <(bytes "GET /hang_up HTTP/1.1\r\n$any\r\n\r\n")
passes "another protocol" 502 < <(bytes "GET /switch HTTP/1.1\r\n$any\r\n\r\n")
unlike "$ANSWERS" smuggled "another protocol: nothing of it is passed on"
curl_in_jail() { # ARGUMENT… - its output
	timeout 60 "$MCPJAIL" -q -p "$policy" "${jail_options[@]}" --upstream-ca "$CA" -- curl -sS -m 20 "$@" 2>&1
}
like "$(curl_in_jail -I https://any.example/x | tr -d '\r' | tr '\n' ' ')" '^HTTP/1.1 200 OK Content-Length: 7 +$' "HEAD: the length, no body"
like "$(curl_in_jail -i https://any.example/nothing https://any.example/unchanged https://any.example/x | tr -d '\r' | tr '\n' ' ')" \
	'^HTTP/1.1 204 No Content X-Own: yes  HTTP/1.1 304 Not Modified ETag: "1"  HTTP/1.1 200 OK Content-Length: 7  served' "204, 304, and another on the same connection"
before=$(grep -c '"open"' "$SERVED")
curl_in_jail https://any.example/x https://any.example/y https://any.example/z >/dev/null
is "$(($(grep -c '"open"' "$SERVED") - before))" 1 "one connection to the host serves several requests"
like "$(curl_in_jail -N https://any.example/events | while read -r line; do [ -z "$line" ] || echo "$(date +%s%N | cut -c1-11) $line"; done |
	cut -d' ' -f1 | uniq | wc -l)" '^[4-9]$' "events come one by one"

# --- who, where, how -----------------------------------------------------------------------------
refused "an unlisted host" 403 '/default.*mcpjail --allow other\.example' --to other.example:443 < <(bytes "GET /a/../b HTTP/1.1\r\nHost: other.example\r\n\r\n")
refused "an unlisted port" 403 'mcpjail policy allow any\.example:8443' --to any.example:8443 < <(bytes "GET / HTTP/1.1\r\nHost: any.example:8443\r\n\r\n")
refused "another host than TLS named" 421 'TLS' < <(bytes "GET / HTTP/1.1\r\n$api\r\n\r\n")
refused "another host than CONNECT named" 421 'CONNECT' --to any.example:3128 --connect api.example:443 --sni any.example < <(bytes "GET / HTTP/1.1\r\n$any\r\n\r\n")
refused "plain http" 403 'https://any\.example/' --plain --to any.example:80 < <(bytes "GET / HTTP/1.1\r\n$any\r\n\r\n")
http --plain --to plain.example:80 < <(bytes "GET /x HTTP/1.1\r\nHost: plain.example\r\n\r\n")
is "$STATUSES $RECORDS $(grep -c '"GET /x HTTP/1.1"' "$plain_served")" "200 net.allowed 1" "plain http where the policy lists port 80: passes" || tell
refused "a path that leads out" 400 'dot segments' < <(bytes "GET /a/%2e%2e/b HTTP/1.1\r\n$any\r\n\r\n")
to_api=(--to api.example:443)
passes "an allowed path" 200 "${to_api[@]}" < <(bytes "GET /v1/x HTTP/1.1\r\n$api\r\n\r\n")
refused "another path" 403 '/egress/2' "${to_api[@]}" < <(bytes "GET /v2/x?secret HTTP/1.1\r\n$api\r\n\r\n")
refused "an escaped slash" 403 '/egress/2' "${to_api[@]}" < <(bytes "GET /v1/x%2fy HTTP/1.1\r\n$api\r\n\r\n")
refused "another method" 403 '/egress/2' "${to_api[@]}" < <(bytes "DELETE /v1/x HTTP/1.1\r\n$api\r\n\r\n")
refused "another method by a field" 403 '/egress/2' "${to_api[@]}" < <(bytes "POST /v1/x HTTP/1.1\r\n$api\r\nX-HTTP-Method-Override: DELETE\r\nContent-Length: 2\r\n\r\n{}")
refused "a field's other value" 403 'x-org' "${to_api[@]}" < <(bytes "GET /v1/x HTTP/1.1\r\n$api\r\nX-Org: acme\r\nX-Org: evil\r\n\r\n")

# --- bodies that are judged --------------------------------------------------------------------
post() { # more fields, body
	bytes "POST /v1/messages HTTP/1.1\r\n$api\r\nContent-Type: application/json\r\n$1Content-Length: $(bytes "$2" | wc -c)\r\n\r\n$2"
}
good='{"model":"m", "tools":[{"type":"custom"}],  "max":1.50}'
passes "a body that may pass" 200 "${to_api[@]}" < <(post "" "$good")
like "$(last)" "\"bytes\": ${#good}, \"sha256\": \"$(printf %s "$good" | sha256sum | cut -d' ' -f1)\"" "a body that may pass: arrives byte for byte"
passes "a judged body in chunks" 200 "${to_api[@]}" < <(bytes "POST /v1/m HTTP/1.1\r\n$api\r\nTransfer-Encoding: chunked\r\n\r\n$(printf %x ${#good})\r\n$good\r\n0\r\n\r\n")
like "$(last)" "\"bytes\": ${#good}.*\"framing\": \"length\"" "a judged body in chunks: arrives whole"
passes "no body" 200 "${to_api[@]}" < <(bytes "POST /v1/messages HTTP/1.1\r\n$api\r\nContent-Length: 0\r\n\r\n")
while IFS='|' read -r name text body; do
	refused "$name" 403 "$text" "${to_api[@]}" < <(post "" "$body")
done <<'ROWS'
what the policy denies|/egress/2/deny_body/0.*may not call MCP servers|{"mcp_servers":[]}
the same in other letters|/egress/2/deny_body/0|{"MCP_Servers":null}
the same, escaped|/egress/2/deny_body/0|{"mcp\\u005fservers":1}
one element of a list|/egress/2/deny_body/1|{"tools":[{"type":"custom"},{"type":"web_search"}]}
the same key twice|twice|{"mcp_servers":1,"mcp_servers":1}
no JSON|not valid JSON|mcp_servers=1
JSON and more|after the JSON|{} {"mcp_servers":1}
a byte order mark|byte order mark|\xef\xbb\xbf{"mcp_servers":1}
ROWS
refused "a body that is encoded" 415 'Content-Encoding' "${to_api[@]}" < <(post "Content-Encoding: gzip\r\n" "$good")
refused "a body that a second field says is encoded" 415 'Content-Encoding' "${to_api[@]}" < <(post "Content-Encoding: identity\r\nContent-Encoding: deflate\r\n" "$good")
while IFS='|' read -r name type; do
	refused "$name" 415 'judged' "${to_api[@]}" < <(bytes "POST /v1/messages HTTP/1.1\r\n$api\r\nContent-Type: $type\r\nContent-Length: 2\r\n\r\n{}")
done <<'ROWS'
a body in another charset|application/json; charset=utf-7
a body in two charsets|application/json; charset=utf-8; charset=utf-7
a body in a charset that only begins like it|application/json; charset=utf-8x
JSON that the host would take for a form|application/x-www-form-urlencoded
JSON that the host would take for parts|multipart/form-data; boundary=x
JSON that the host would take for something else|application/json+protobuf
ROWS
while IFS='|' read -r name type; do
	passes "$name" 200 "${to_api[@]}" < <(bytes "POST /v1/messages HTTP/1.1\r\n$api\r\n${type:+Content-Type: $type\r\n}Content-Length: 2\r\n\r\n{}")
done <<'ROWS'
JSON in UTF-8 that says so|application/json;charset="UTF-8"; x=y
a kind of JSON|application/vnd.example+json
JSON that does not say it is|
ROWS
refused "a body over 32 MiB" 413 '32 MiB' "${to_api[@]}" < <(bytes "POST /v1/messages HTTP/1.1\r\n$api\r\nContent-Length: 33554433\r\n\r\n{}")
python3 - "$WORK/large" <<'P'
import json, sys
for name, n in (("below", 33000), ("above", 34000)):
    open("%s.%s" % (sys.argv[1], name), "w").write(json.dumps({"messages": ["x" * 1000] * n}))
P
before=$(requests)
is "$(curl_in_jail -H 'Content-Type: application/json' -d "@$WORK/large.below" https://api.example/v1/messages)" served "one just below it: passes"
like "$(last)" "\"sha256\": \"$(sha256sum <"$WORK/large.below" | cut -d' ' -f1)\"" "one just below it: arrives byte for byte"
like "$(curl_in_jail -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' -d "@$WORK/large.above" https://api.example/v1/messages)" '^mcpjail: .*over 32 MiB' "one just above it, in chunks: refused"
is "$(($(requests) - before))" 1 "and does not arrive"

cat >"$WORK/hold.py" <<'P'
import socket, ssl
held = []
for i in range(6):
    s = ssl.create_default_context().wrap_socket(socket.create_connection(("api.example", 443)), server_hostname="api.example")
    s.settimeout(20)
    try:
        s.sendall(b"POST /v1/x HTTP/1.1\r\nHost: api.example\r\nContent-Length: 33554432\r\n\r\n" + b" " * (33554432 - 1))
    except OSError:
        pass
    held.append(s)
    if i >= 4:
        print(s.recv(12).decode(), end=" ", flush=True)
        s.close()
for s in held[:4]:
    try:
        s.sendall(b"x")
        print(s.recv(12).decode(), end=" ", flush=True)
    except OSError as e:
        print(type(e).__name__)
    s.close()
P
is "$(timeout 60 "$MCPJAIL" -q -p "$policy" "${jail_options[@]}" --upstream-ca "$CA" -- python3 "$WORK/hold.py" 2>&1)" \
	"HTTP/1.1 503 HTTP/1.1 503 HTTP/1.1 403 HTTP/1.1 403 HTTP/1.1 403 HTTP/1.1 403 " "four of the largest are held at once, and no fifth"

# --- smuggling: what is not one request beyond doubt does not leave ------------------------------------
inner="GET /smuggled HTTP/1.1\r\n$any\r\n\r\n"
te="Transfer-Encoding: chunked"
while IFS='|' read -r name request; do
	refused "$name" 400 "" < <(bytes "POST /x HTTP/1.1\r\n$any\r\n$request")
	is "$END" closed "$name: the connection ends"
done <<ROWS
CL.TE|Content-Length: 5\r\n$te\r\n\r\n0\r\n\r\n$inner
TE.CL|$te\r\nContent-Length: 4\r\n\r\n5c\r\n$inner\r\n0\r\n\r\n
TE.TE|$te\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n$inner
two lengths|Content-Length: 0\r\nContent-Length: 44\r\n\r\n$inner
obfuscated TE|Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n$inner
TE behind a tab|Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n$inner
a length with a sign|Content-Length: +3\r\n\r\nabc
Connection names Content-Length|Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc
a bare LF|X: y\nContent-Length: 3\r\n\r\nabc
a chunk extension|$te\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n
a trailer|$te\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n
a chunk longer than its size|$te\r\n\r\n2\r\nabc\r\n0\r\n\r\n
an oversized chunk|$te\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n
an underscore|Content_Length: 3\r\n\r\nabc
ROWS
refused "a body cut short" 400 'within its body' < <(bytes "POST /x HTTP/1.1\r\n$any\r\nContent-Length: 9\r\n\r\nabc@@PAUSE@@@@FIN@@")
passes "a body that looks like a request" 200 < <(bytes "POST /x HTTP/1.1\r\n$any\r\nContent-Length: $(bytes "$inner" | wc -c)\r\n\r\n$inner")
is "$(grep -c '"line": "[A-Z]* /smuggled' "$SERVED")" 0 "no smuggled request arrived"

# --- answers before the request's end ---------------------------------------------------------------------
head -c 3000000 /dev/zero >"$WORK/three"
is "$(curl_in_jail -T "$WORK/three" https://any.example/early | tr '\n' ' ')" "early 3000000 read " "an answer that begins before the body is read"
passes "an answer to half of a body" 200 < <(bytes "POST /early_keep HTTP/1.1\r\n$any\r\nContent-Length: 200000\r\n\r\n"; head -c 100000 /dev/zero)
is "${ANSWERS##*|} $END" "early closed" "an answer to half of a body: ends the agent's connection"
passes "the request behind it" 200 < <(bytes "GET /x HTTP/1.1\r\n$any\r\n\r\n")
is "${ANSWERS##*|}" served "the request behind it: is not taken for the rest of the body"
like "$(curl_in_jail -H 'Expect:' -T "$WORK/three" -o /dev/null -w '%{http_code}\n' https://any.example/early_close)" '413' "one that ends before it"
timeout 60 "$MCPJAIL" -q -p "$policy" "${jail_options[@]}" --upstream-ca "$CA" -- sh -c \
	'curl -sS -m 0.7 https://any.example/events; sleep 2.5; touch late; sleep 1' >/dev/null 2>&1 &
await_file "$WORK/late"
like "$(tail -1 "$SERVED")" '"ended".*(Broken|Reset|EOF)' "an agent that hangs up in an answer: so do we"
wait $!
end_jail

# --- the ledger --------------------------------------------------------------------------------------------------
like "$(events "$LEDGER" net.allowed)" '^https any\.example:443 /egress/0 .*\|GET /x$' "the ledger has method and path"
unlike "$(cat "$LEDGER")" 'q=%2f|secret|Bearer' "but neither query nor fields"
like "$("$MCPJAIL" verify "${LEDGER%/*}" 2>&1; echo "status $?")" 'status 0' "it verifies"
