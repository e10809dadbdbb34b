#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What two readers of a JSON-RPC message could read in two ways does not pass; what passes
# reaches the server as it was judged; and what the server asks never reaches the agent.
. "$(dirname "$0")/../lib.sh"
start_promptfax --log-headers
policy=$TMP/policy.json
echo '{"version":"1","default":"allow","tools":{"send_fax":{"action":"deny","reason":"not today"}}}' >"$policy"
. "$ROOT/tests/proxy/http.sh"
start_jail

json='Content-Type: application/json\r\nAccept: application/json, text/event-stream'
bytes() { printf '%b' "$*"; }
# rpc FIELDS - POST the body on stdin with these fields
rpc() {
	cat >"$TMP/body"
	{
		bytes "POST /mcp HTTP/1.1\r\nHost: promptfax.app\r\nConnection: close\r\n$1\r\nContent-Length: $(wc -c <"$TMP/body")\r\n\r\n"
		cat "$TMP/body"
	} >"$TMP/message"
	http <"$TMP/message"
	BODY=${ANSWERS#*|*|}
	printf '%s\n' "$BODY" >>"$TMP/bodies"
}

# A legacy session, so that nothing below fails for want of one.
rpc "$json" <<<'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{"listChanged":true},"sampling":{},"elicitation":{"form":{},"url":{}},"tasks":{"requests":{}},"experimental":{"x":{}}},"clientInfo":{"name":"t","version":"1"}}}'
session=$(sed -nE 's/.*[Mm][Cc][Pp]-[Ss]ession-[Ii][Dd]: ([0-9a-f]+).*/\1/p' <<<"$ANSWERS")
[ -n "$session" ]
ok $? "initialize opens a session" || tell
like "$(tail -1 "$SERVED")" '"method":"initialize".*"capabilities":\{\}|"capabilities":\{\}.*"method":"initialize"' "initialize: roots, sampling, elicitation and tasks are stripped from the capabilities" || note "$(tail -1 "$SERVED")"
legacy="$json\r\nMcp-Session-Id: $session\r\nMCP-Protocol-Version: 2025-11-25"
meta='"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}'
modern="$json\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: start_session"

# allowed NAME FIELDS [ARGUMENTS [ID]] - answered; one call, whose arguments and id are those, to server and ledger
allowed() {
	local name=$1 fields=$2 arguments=${3:-{\}} id=${4:-7}
	rpc "$fields"
	is "$STATUSES $REACHED $RECORDS" "200 1 call allow" "$name: passes" || tell
	python3 - "$SERVED" "$LEDGER" "$arguments" "$id" "$BODY" <<'P' 2>"$TMP/why"
import json, sys
def lines(path): return [json.loads(l) for l in open(path)]
strict = lambda v: json.dumps(v, sort_keys=True)
seen = lines(sys.argv[1])[-1]
judged = [r for r in lines(sys.argv[2]) if r["type"] == "call.decision"][-1]
arguments, id, answer = map(json.loads, sys.argv[3:])
assert seen["method"] == judged["method"] == "tools/call"
assert seen["tool"] == judged["tool"], (seen["tool"], judged["tool"])
assert strict(seen["arguments"]) == strict(judged["args"]) == strict(arguments), (seen["arguments"], judged["args"])
assert strict(seen["id"]) == strict(judged["jsonrpc_id"]) == strict(id) == strict(answer["id"]), (seen["id"], judged["jsonrpc_id"], answer)
P
	ok $? "$name: tool, arguments and id are the same in server, ledger and answer" || note "$(tail -1 "$TMP/why")"
}
# refused NAME STATUS ANSWER FIELDS - the answer holds ANSWER; nothing reached the server; one record
refused() {
	local name=$1 status=$2 pattern=$3
	rpc "$4"
	[[ $STATUSES =~ ^($status)$ ]] && [ "$REACHED" = 0 ] && [[ $RECORDS =~ ^("call deny"|"net.denied $STATUSES")$ ]] &&
		grep -qE -- "$pattern" <<<"$BODY"
	ok $? "$name: $status, recorded, nothing sent" || tell
}
call() { # ARGUMENTS-AND-MORE of params, behind the name
	printf '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session"%s}}' "$1"
}

# --- what passes, in whatever spelling -----------------------------------------------------
allowed "a legacy call" "$legacy" < <(call ',"arguments":{}')
allowed "a modern call" "$modern" < <(call ",\"arguments\":{},$meta")
allowed "a call without arguments" "$legacy" < <(call '')
allowed "escapes in keys and method" "$legacy" < <(printf '%s' '{"jsonrpc":"2.0","\u0069d":7,"m\u0065thod":"tools\/c\u0061ll","params":{"n\u0061me":"start\u005fsession","arguments":{"host\u0054ype":"oth\u0065r"}}}') '{"hostType":"other"}'
rpc "$legacy" < <(printf '%s' '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start\u005fsession","arguments":{"\u0068ostType":"oth\u0065r \"\\\/\b\f\n\r\t\u00e9\ud83d\udce0"}}}')
is "$REACHED $RECORDS" "1 call allow" "escapes in the arguments: pass" || tell
is "$(tail -1 "$SERVED" | python3 -c 'import json,sys; print(ascii(json.load(sys.stdin)["arguments"]))')" \
	"$(python3 -c 'print(ascii({"hostType": "other \"\\/\b\f\n\r\t\u00e9\U0001f4e0"}))')" "and mean the same to the server"
allowed "numbers that survive" "$legacy" '{"a":[0,-1,0.1,1.0,1e2,-2.5e-3,9007199254740993,9223372036854775807,1.7976931348623157e308]}' \
	< <(call ',"arguments":{"a":[0,-1,0.1,1.0,1e2,-2.5e-3,9007199254740993,9223372036854775807,1.7976931348623157e308]}')
allowed "white space around and within" "$legacy" < <(printf ' \t\r\n'; call ' ,\n"arguments"\t:\r\n{ }' | sed 's/\\n/\n/;s/\\t/\t/;s/\\r\\n/\r\n/'; printf '\r\n ')
allowed "arguments of 32 levels" "$legacy" "$(printf '{"a":%s1%s}' "$(printf '[%.0s' $(seq 32))" "$(printf ']%.0s' $(seq 32))")" \
	< <(call ",\"arguments\":$(printf '{"a":%s1%s}' "$(printf '[%.0s' $(seq 32))" "$(printf ']%.0s' $(seq 32))")")
allowed "a string id" "$legacy" '{}' '"4"' < <(call '' | sed 's/"id":7/"id":"4"/')
allowed "a string id with quotes" "$legacy" '{}' '"a\"\\\u00e9"' < <(call '' | sed 's/"id":7/"id":"a\\"\\\\\\u00e9"/')
allowed "a negative id" "$legacy" '{}' -5 < <(call '' | sed 's/"id":7/"id":-5/')
allowed "the charset said" "${legacy/json/json; charset=UTF-8}" < <(call '')
rpc "$legacy" < <(call ',"arguments":{},"exfiltrated":1,"_meta":{"progressToken":5,"exfiltrated":2}')
is "$STATUSES $REACHED" "200 1" "members of params that the protocol does not know: are left behind" || tell
rpc "$modern\r\nMcp-Param-hostType: other" < <(call ",\"arguments\":{\"hostType\":\"other\"},$meta")
is "$STATUSES $REACHED $RECORDS" "200 1 call allow" "Mcp-Param-* that repeats an argument: passes" || tell
like "$(tail -1 "$SERVED")" '[Mm]cp-[Pp]aram-[Hh]ost[Tt]ype": ?"other"' "and arrives" || note "$(tail -1 "$SERVED")"
rpc "$modern\r\nMcp-Param-Out: exfiltrated" < <(call ",\"arguments\":{\"hostType\":\"other\"},$meta")
like "$STATUSES $REACHED $BODY" '^(200 1|400 0 .*-32020)' "one that does not: stays behind, or is refused" || tell
rpc "$json\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list" <<<'{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{},"sampling":{},"elicitation":{},"extensions":{"x":{}}}}}}'
like "$(tail -1 "$SERVED")" '"capabilities":\{\}' "modern: the capabilities of each request are stripped" || tell

# --- readers that could differ -----------------------------------------------------------------
bad=400; rpc_error='"error":\{"code":-32(700|600|602)'
while IFS='@' read -r name body; do
	[ -n "$name" ] || continue
	refused "$name" $bad "$rpc_error" "$legacy" < <(bytes "$body")
done <<'ROWS'
method twice@{"jsonrpc":"2.0","id":7,"method":"ping","method":"tools/call","params":{"name":"start_session"}}
params twice@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session"},"params":{"name":"send_fax"}}
name twice@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","name":"send_fax"}}
name twice, once escaped@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","n\\u0061me":"send_fax"}}
id twice@{"jsonrpc":"2.0","id":7,"id":8,"method":"tools/call","params":{"name":"start_session"}}
arguments twice@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":1},"arguments":{"a":2}}}
an argument twice@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":1,"a":2}}}
an argument twice but for case@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"faxNumber":1,"FaxNumber":2}}}
an argument twice but for case, deep@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"f":[{"url":1,"URL":2}]}}}
an argument twice, deep@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"f":[{"g":{"a":1,"b":0,"a":2}}]}}}
method twice but for case@{"jsonrpc":"2.0","id":7,"method":"tools/call","Method":"ping","params":{"name":"start_session"}}
params twice but for ſ@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session"},"paramſ":{"name":"send_fax"}}
name twice but for case@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","NAME":"send_fax"}}
arguments twice but for ſ@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{},"argumentſ":{"a":1}}}
_meta twice but for case@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","_meta":{},"_META":{}}}
progressToken twice but for K@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","_meta":{"progressToken":1,"progressTo\xe2\x84\xaaen":2}}}
progressToken twice but for an escaped K@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","_meta":{"progressToken":1,"progressTo\\u212aen":2}}}
only Method@{"jsonrpc":"2.0","id":7,"Method":"tools/call","params":{"name":"start_session"}}
only Name@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"Name":"start_session"}}
a member that JSON-RPC does not know@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session"},"exfiltrated":1}
a byte order mark@\xef\xbb\xbf{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session"}}
UTF-16@\xff\xfe{\0"\0a\0"\0:\0001\0}\0
UTF-16 without a mark@{\0"\0a\0"\0:\0001\0}\0
a byte that is not UTF-8@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\xff"}}}
an overlong letter@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\xc1\xa1"}}}
a surrogate in UTF-8@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\xed\xa0\x80"}}}
past U+10FFFF@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\xf4\x90\x80\x80"}}}
a cut character@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\xe2\x82"}}}
a lone surrogate@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\\ud800"}}}
surrogates the wrong way round@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\\udce0\\ud83d"}}}
a NUL byte behind a number@{"jsonrpc":"2.0","id":7\0000,"method":"tools/call","params":{"name":"start_session"}}
a NUL byte at the end@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session"}}\0
an escaped NUL@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\\u0000"}}}
an escaped NUL in a key@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name\\u0000":"send_fax","name":"start_session"}}
a batch of one@[{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session"}}]
a batch of two@[{"jsonrpc":"2.0","id":7,"method":"ping"},{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"send_fax"}}]
an empty batch@[]
1e400@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":1e400}}}
-1e400@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":-1e400}}}
1e-400@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":1e-400}}}
an integer past 2^63@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":9223372036854775808}}}
digits that a double does not hold@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":0.10000000000000000555}}}
an integer that a double does not hold@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":12345678901234567890.0}}}
a leading zero@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":01}}}
a leading plus@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":+1}}}
a number that ends in a point@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":1.}}}
NaN@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":NaN}}}
Infinity@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":-Infinity}}}
True@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":True}}}
an id of 4.0@{"jsonrpc":"2.0","id":4.0,"method":"tools/call","params":{"name":"start_session"}}
an id of 4e0@{"jsonrpc":"2.0","id":4e0,"method":"tools/call","params":{"name":"start_session"}}
an id of null@{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"start_session"}}
an id of true@{"jsonrpc":"2.0","id":true,"method":"tools/call","params":{"name":"start_session"}}
an id that is an object@{"jsonrpc":"2.0","id":{"a":1},"method":"tools/call","params":{"name":"start_session"}}
an id past 2^53@{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/call","params":{"name":"start_session"}}
a tools/call as a notification@{"jsonrpc":"2.0","method":"tools/call","params":{"name":"start_session"}}
a notification with an id@{"jsonrpc":"2.0","id":7,"method":"notifications/initialized"}
no jsonrpc@{"id":7,"method":"tools/call","params":{"name":"start_session"}}
jsonrpc 1.0@{"jsonrpc":"1.0","id":7,"method":"tools/call","params":{"name":"start_session"}}
jsonrpc as a number@{"jsonrpc":2.0,"id":7,"method":"tools/call","params":{"name":"start_session"}}
a method that is no string@{"jsonrpc":"2.0","id":7,"method":["tools/call"],"params":{"name":"start_session"}}
no method@{"jsonrpc":"2.0","id":7,"params":{"name":"start_session"}}
params as an array@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":["start_session",{}]}
params as null@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":null}
no params@{"jsonrpc":"2.0","id":7,"method":"tools/call"}
no name@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"arguments":{}}}
a name that is no string@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":["start_session"]}}
arguments as an array@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":[]}}
arguments as a string@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":"{}"}}
arguments as null@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":null}}
_meta as an array@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","_meta":[]}}
a progress token that is an object@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","_meta":{"progressToken":{"exfiltrated":1}}}}
two messages behind each other@{"jsonrpc":"2.0","id":7,"method":"ping"}{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"start_session"}}
a trailing comma@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session",}}
a comment@{"jsonrpc":"2.0",/**/"id":7,"method":"tools/call","params":{"name":"start_session"}}
single quotes@{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'start_session'}}
a control character in a string@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\n"}}}
an unknown escape@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":"\\x41"}}}
a cut message@{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session"
a string@"tools/call"
an empty object@{}
nothing@
ROWS
deep() { printf '{"a":%s1%s}' "$(printf '[%.0s' $(seq "$1"))" "$(printf ']%.0s' $(seq "$1"))"; }
refused "arguments of 100 levels" 400 "$rpc_error" "$legacy" < <(call ",\"arguments\":$(deep 100)")
refused "arguments of 100000 levels" 400 "$rpc_error" "$legacy" < <(printf '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session","arguments":{"a":'; head -c 100000 /dev/zero | tr '\0' '['; head -c 100000 /dev/zero | tr '\0' ']'; printf '}}}')
refused "an id of 10000 bytes" 400 "$rpc_error" "$legacy" < <(call '' | sed "s/\"id\":7/\"id\":\"$(head -c 10000 /dev/zero | tr '\0' a)\"/")

# --- bodies that are not what they seem -----------------------------------------------------------
refused "a gzip body" '400|415' . "$legacy\r\nContent-Encoding: gzip" < <(call '' | gzip)
refused "a gzip body that does not say so" 400 "$rpc_error" "$legacy" < <(call '' | gzip)
refused "Content-Encoding: identity, gzip" '400|415' . "$legacy\r\nContent-Encoding: identity, gzip" < <(call '')
for type in text/plain application/x-www-form-urlencoded application/json-seq 'application/json; charset=utf-16' 'application/json; charset=iso-8859-1' multipart/form-data ''; do
	refused "Content-Type: $type" '400|415' . "${legacy/application\/json\\r/$type\\r}" < <(call '')
done
refused "no Content-Type" '400|415' . "${legacy#*\\r\\n}" < <(call '')

# --- denials --------------------------------------------------------------------------------------
fax() { call "$1" | sed 's/start_session/send_fax/'; }
refused "a denied tool" 200 '^\{"jsonrpc":"2.0","id":7,"result":\{"content":\[\{"type":"text","text":"[^"]*"\}\],"isError":true\}\}$' "$legacy" < <(fax '')
like "$ANSWERS" '^200\|[^|]*Content-Type: application/json' "its answer is JSON" || tell
like "$BODY" '/tools/send_fax.*not today|not today.*/tools/send_fax' "and names rule and reason" || tell
refused "a denied tool, modern" 200 '"result":\{"resultType":"complete","content":\[\{"type":"text".*"isError":true' "${modern/start_session/send_fax}" < <(fax ",$meta")
refused "a denied tool in escapes" 200 '"isError":true' "$legacy" < <(fax '' | sed 's/send_fax/s\\u0065nd\\u005ffax/')
refused "a denied tool with a string id" 200 '"id":"x".*"isError":true' "$legacy" < <(fax '' | sed 's/"id":7/"id":"x"/')
for name in 'send_fax ' ' send_fax' 'send\u200b_fax' 'send\u0000' 'ſend_fax' 'send/fax' '' "$(head -c 65 /dev/zero | tr '\0' a)"; do
	refused "a tool called \"${name:0:20}\"" '200|400' '"isError":true|"error"' "$legacy" < <(fax '' | python3 -c 'import sys; print(sys.stdin.read().replace("send_fax", sys.argv[1]))' "$name")
done
for member in '"task":{"ttl":60000}' '"inputResponses":{}' '"requestState":"x"'; do
	refused "params.${member%%:*}" '200' '"isError":true|"error":\{' "$legacy" < <(call ",$member")
done
for method in resources/read resources/list resources/subscribe prompts/get prompts/list completion/complete logging/setLevel tasks/get tasks/update tasks/cancel \
	subscriptions/listen sampling/createMessage elicitation/create roots/list unknown/method tools/Call TOOLS/CALL 'tools/call ' rpc.discover; do
	refused "$method" 200 '"id":7,"error":\{"code":-3[0-9]+,"message":"mcpjail' "$legacy" <<<"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"$method\",\"params\":{\"uri\":\"file:///exfiltrated\",\"name\":\"x\"}}"
done
refused "an unknown notification" '200|400' . "$legacy" <<<'{"jsonrpc":"2.0","method":"notifications/unknown","params":{"out":"exfiltrated"}}'
refused "a posted response" '200|400' '"error"' "$legacy" <<<'{"jsonrpc":"2.0","id":900000,"result":{"roots":[{"uri":"file:///exfiltrated"}]}}'
refused "a posted error" '200|400' '"error"' "$legacy" <<<'{"jsonrpc":"2.0","id":900000,"error":{"code":-1,"message":"exfiltrated"}}'
refused "a response that is a request too" 400 '"error"' "$legacy" <<<'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"start_session"},"result":{}}'

# --- the headers of the modern era ------------------------------------------------------------------
mismatch='"error":\{"code":-32020'
refused "Mcp-Method of another method" 400 "$mismatch" "${modern/tools\/call/tools/list}" < <(call ",$meta")
refused "Mcp-Method in another case" 400 "$mismatch" "${modern/tools\/call/Tools/Call}" < <(call ",$meta")
refused "Mcp-Name of another tool" 400 "$mismatch" "${modern/start_session/get_status}" < <(call ",$meta")
refused "Mcp-Name of another tool in base64" 400 "$mismatch" "${modern/start_session/=?base64?$(printf get_status | base64)?=}" < <(call ",$meta")
refused "no Mcp-Method" 400 "$mismatch" "${modern/Mcp-Method/X-Method}" < <(call ",$meta")
refused "no Mcp-Name" 400 "$mismatch" "${modern/Mcp-Name/X-Name}" < <(call ",$meta")
refused "no MCP-Protocol-Version" 400 "$mismatch" "${modern/MCP-Protocol-Version/X-Version}" < <(call ",$meta")
refused "a legacy MCP-Protocol-Version" 400 "$mismatch" "${modern/2026-07-28/2025-11-25}" < <(call ",$meta")
refused "a modern header, a legacy body" 400 "$mismatch" "$modern" < <(call '')
refused "Mcp-Name where there is none" 400 "$mismatch" "${modern/tools\/call/tools/list}" <<<"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\",\"params\":{$meta}}"

# --- all answers so far -----------------------------------------------------------------------------
codes=$(grep -oE '"error":\{"code":-?[0-9]+' "$TMP/bodies" | grep -oE '[-0-9]+$' | sort -u | tr '\n' ' ')
note "error codes: $codes"
for code in $codes; do
	# JSON-RPC's own; MCP's; ours outside of what is reserved.
	case $code in -32700 | -32600 | -32601 | -32602 | -32603 | -3202[0-9]) continue ;; esac
	[ "$code" -gt -32000 ] || [ "$code" -lt -32768 ]
	ok $? "code $code is not one of the reserved"
done
unlike "$(cat "$SERVED")" exfiltrated "nothing that was to be left behind arrived"
unlike "$(cat "$SERVED")" '"tool":"send_fax"' "nor a call of the denied tool"
end_jail
"$MCPJAIL" verify "${LEDGER%/*}" >"$TMP/verify" 2>&1
is $? 0 "the run's ledger verifies" || note "$(cat "$TMP/verify")"

# --- the bytes themselves ------------------------------------------------------------------------------
mkdir "$TMP/certs" && "$ROOT/tests/fake/certs.sh" "$TMP/certs"
RAW=$TMP/raw.jsonl
: >"$RAW"
python3 "$ROOT/tests/proxy/upstream.py" --cert "$TMP/certs/cert.pem" --key "$TMP/certs/key.pem" --log "$RAW" >"$TMP/raw.out" 2>&1 &
children+=($!)
await_file "$TMP/raw.out"
for _ in $(seq 100); do grep -q ^port "$TMP/raw.out" && break; sleep 0.05; done
PORT=$(sed -n 's/^port //p' "$TMP/raw.out") CA=$TMP/certs/ca.pem SERVED=$RAW
start_jail
rpc "$legacy\r\nX-Out: exfiltrated\r\nCookie: exfiltrated\r\nAccept-Encoding: gzip\r\nLast-Event-Id: 5" < <(printf '%s' ' { "method" : "tools\/c\u0061ll", "params":{"\u005fmeta":{"progressToken":"t","out":"exfiltrated"},
"arguments":{"z":1.50,"a":"\u00e9\u2028\u007f","n":[1,{"b":null,"a":true}]},"name":"start_session","cursor":"exfiltrated"},"id":"\u0037", "jsonrpc":"2.0"}')
is "$STATUSES $REACHED $RECORDS" "200 2 call allow" "a message in an odd spelling passes" || tell
python3 - "$RAW" <<'P' >"$TMP/why" 2>&1
import json, sys
sent = [json.loads(l) for l in open(sys.argv[1])][-1]
body = sent["body"]
assert "exfiltrated" not in json.dumps(sent), sent
assert "\n" not in body and ": " not in body and ", " not in body, body
assert json.loads(body) == {"jsonrpc": "2.0", "id": "7", "method": "tools/call", "params": {
    "name": "start_session", "arguments": {"z": 1.5, "a": "\u00e9\u2028\x7f", "n": [1, {"b": None, "a": True}]},
    "_meta": {"progressToken": "t"}}}, body
assert sent["line"] == "POST /mcp HTTP/1.1", sent["line"]
names = [n.lower() for n, _ in sent["headers"]]
assert len(names) == len(set(names)), names
fields = {n.lower(): v for n, v in sent["headers"]}
assert fields["host"] == "promptfax.app" and fields["content-type"] == "application/json"
assert fields["accept-encoding"] == "identity", fields
assert set(names) <= set("host content-type content-length accept accept-encoding mcp-session-id "
                         "mcp-protocol-version last-event-id user-agent authorization".split()), names
print("fine")
P
is "$(tail -1 "$TMP/why")" fine "what leaves is written anew: one line, known members and fields only" || note "$(cat "$TMP/why")"

rpc "${modern/start_session/=?base64?$(printf start_session | base64)?=}" < <(call ",$meta")
is "$STATUSES $RECORDS" "200 call allow" "Mcp-Name in base64: passes" || tell
like "$(tail -1 "$RAW")" "\"Mcp-Name\", \"(start_session|=\?base64\?$(printf start_session | base64)\?=)\"" "and arrives" || tell

# --- what the server asks ----------------------------------------------------------------------------------
for tool in stream_asks asks; do
	rpc "$legacy" < <(call '' | sed "s/start_session/$tool/")
	unlike "$ANSWERS" 'roots/list|sampling|900000' "$tool: no request of the server reaches the agent" || tell
done
end_jail

for method in roots/list sampling/createMessage elicitation/create; do
	start_promptfax --ask $method
	start_jail
	for era in legacy modern; do
		fields=$modern more=",$meta"
		if [ $era = legacy ]; then
			rpc "$json" <<<'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{},"sampling":{},"elicitation":{}},"clientInfo":{"name":"t","version":"1"}}}'
			session=$(sed -nE 's/.*[Mm][Cc][Pp]-[Ss]ession-[Ii][Dd]: ([0-9a-f]+).*/\1/p' <<<"$ANSWERS")
			fields="$json\r\nMcp-Session-Id: $session" more=''
		fi
		rpc "$fields" < <(call ",\"arguments\":{}$more")
		[[ $STATUSES == 200 && $ANSWERS == *text/event-stream* && $ANSWERS == *sessionId* && $RECORDS == "call allow" ]]
		ok $? "$era: a call of a server that asks $method is answered" || tell
		unlike "$ANSWERS" "$method|\"id\":90000[0-9]" "$era: and the agent does not see that it asked" || tell
	done
	if [ $method = roots/list ]; then
		# MCP.md, "Server → client": drop them and answer upstream.
		sleep 0.3
		like "$(cat "$SERVED")" '"id":90000[0-9].*"method":null' "$method: the server is told no" || note "$(tail -2 "$SERVED")"
	fi
	end_jail
done
