#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The caller's HTTP proxy: everything upstream goes by it, but for what NO_PROXY and
# --connect-to name; what it refuses, the agent and the person are told.
#
# In a network namespace with nothing but loopback, so that no name is looked up anywhere.
if [ -z "${OWN_NETWORK:-}" ]; then
	export OWN_NETWORK=1
	if [ "$(id -u)" = 0 ]; then exec unshare -mn "$0"; fi
	exec unshare --user --map-root-user -mn "$0"
fi
. "$(dirname "$0")/../lib.sh"
unset https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY SSL_CERT_FILE
ip link set lo up && ip addr add 93.184.216.34/32 dev lo && ip addr add 10.99.0.1/32 dev lo &&
	echo "93.184.216.34 direct.example" >"$TMP/hosts" && mount --bind "$TMP/hosts" /etc/hosts &&
	echo "nameserver 127.0.0.1" >"$TMP/resolv" && mount --bind "$TMP/resolv" /etc/resolv.conf
ok $? "a network of our own was made"

start_promptfax --name tunnel.example --name direct.example --name inspect.example --address 0.0.0.0
# start_proxy [OPTION…] - sets PROXY_PORT and ASKED, a file with a line for each request
start_proxy() {
	local out=$TMP/proxy.out.$RANDOM
	[ -z "${PROXY_PID:-}" ] || kill "$PROXY_PID" 2>/dev/null
	ASKED=$TMP/asked.$RANDOM
	: >"$ASKED"
	python3 "$ROOT/tests/proxy/http_proxy.py" --to "promptfax.app=127.0.0.1:$PORT" --to "tunnel.example=127.0.0.1:$PORT" \
		--to "inspect.example=127.0.0.1:$PORT" "$@" "$ASKED" >"$out" 2>&1 &
	PROXY_PID=$!
	children+=("$PROXY_PID")
	for _ in $(seq 100); do grep -q ^port "$out" && break; sleep 0.05; done
	PROXY_PORT=$(sed -n 's/^port //p' "$out")
}
policy=$TMP/policy.json
cat >"$policy" <<P
{"version":"1","default":"allow","egress":[
 {"host":"inspect.example"},{"host":"10.99.0.1"},
 {"host":"tunnel.example","mode":"tunnel"},{"host":"direct.example","ports":[$PORT]}]}
P
# once COMMAND… - one run; the caller's environment is ours
once() {
	rm -rf "$TMP/run"
	OUT=$(timeout 60 "$MCPJAIL" -p "$policy" --upstream-ca "$CA" --run-dir "$TMP/run" "${options[@]}" -- "$@" 2>"$TMP/err" </dev/null | tr '\n' ' ')
	ERR=$(cat "$TMP/err")
}
fetch() { # URL - the status and the body, or curl's error
	once curl -sS -m 20 -w ' status %{http_code}' "$1" 2>&1
}
tell() { note "out: $OUT" "$ERR" "asked: $(cat "$ASKED")"; }
options=()

# --- by the proxy ---------------------------------------------------------------------------
start_proxy
export HTTPS_PROXY=http://127.0.0.1:$PROXY_PORT
# shellcheck disable=SC2086
once $AGENT start_session
like "$OUT" "^ok start_session " "a call goes by HTTPS_PROXY" || tell
is "$(sort -u "$ASKED")" "CONNECT promptfax.app:443 HTTP/1.1" "which is asked for the server by name"
like "$(grep conn.open "$TMP/run/ledger.jsonl")" "\"via 127\.0\.0\.1:$PROXY_PORT\"" "and the ledger says by whom"
: >"$ASKED"
fetch https://inspect.example/
like "$OUT" 'status [245][0-9][0-9]$' "an inspected host's answer comes" || tell
unlike "$OUT" 'mcpjail' "and it is not ours" || tell
is "$(cat "$ASKED")" "CONNECT inspect.example:443 HTTP/1.1" "by the proxy"
: >"$ASKED"
cp "$CA" "$WORK/tunnel-ca.pem"
once curl -sS -m 20 --cacert "$WORK/tunnel-ca.pem" -w ' status %{http_code}' https://tunnel.example/
like "$OUT" 'status [245][0-9][0-9]$' "a tunnel goes by the proxy" || tell
is "$(cat "$ASKED")" "CONNECT tunnel.example:443 HTTP/1.1" "which is asked for it by name"
: >"$ASKED"
fetch https://unlisted.example/
like "$OUT" 'mcpjail: .*unlisted\.example.* status 403' "a host that the policy does not list is refused" || tell
fetch https://10.99.0.1/
like "$OUT" 'mcpjail: .*10\.99\.0\.1:[0-9]* .*it is a private address.* status 403' "so is a literal private address" || tell
is "$(cat "$ASKED")" "" "and the proxy is not asked for either"
unlike "$(once sh -c 'env'; echo "$OUT")" "127\.0\.0\.1:$PROXY_PORT" "the agent does not learn of the proxy"

# --- with credentials -------------------------------------------------------------------------
start_proxy --user 'me:pa ss@:/%'
export HTTPS_PROXY="http://me:pa%20ss%40:%2F%25@127.0.0.1:$PROXY_PORT/"
# shellcheck disable=SC2086
once $AGENT start_session
like "$OUT" "^ok start_session " "user and password of HTTPS_PROXY are told to the proxy" || tell
is "$(sort -u "$ASKED")" "CONNECT promptfax.app:443 HTTP/1.1 as me:pa ss@:/%" "as they were meant"
HTTPS_PROXY=http://me:wrong-secret@127.0.0.1:$PROXY_PORT
# shellcheck disable=SC2086
once $AGENT start_session
like "$OUT" "error -31000 mcpjail: .*the proxy 127\.0\.0\.1:$PROXY_PORT answered .*407 Proxy Authentication Required.*does not take the user and password" "a wrong one: the agent reads what the proxy said" || tell
like "$ERR" '407 Proxy Authentication Required.*HTTPS_PROXY' "so does the person" || tell
unlike "$(grep -rh . "$TMP/run"; echo "$OUT$ERR")" 'wrong-secret|d3Jvbmctc2Vjcm' "the password is nowhere" || tell
HTTPS_PROXY=http://127.0.0.1:$PROXY_PORT
# shellcheck disable=SC2086
once $AGENT start_session
like "$ERR" '407 .*wants a user and password.*HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT' "without one: what to do" || tell

# --- one that does not do what it should ----------------------------------------------------------
while IFS='|' read -r kind reason; do
	start_proxy --answer "$kind"
	HTTPS_PROXY=http://127.0.0.1:$PROXY_PORT
	# shellcheck disable=SC2086
	once $AGENT start_session
	like "$OUT" "error -31000 mcpjail: .*the proxy 127\.0\.0\.1:$PROXY_PORT $reason.*Nothing was sent" "one that answers with $kind" || tell
done <<'R'
status|answered .*403 Not from here
garbage|did not answer as an HTTP proxy does
close|closed the connection without an answer
silent|did not answer in time
R
start_proxy --answer drip
HTTPS_PROXY=http://127.0.0.1:$PROXY_PORT
# shellcheck disable=SC2086
once $AGENT start_session
like "$OUT" "^ok start_session " "one that answers byte by byte" || tell
kill $PROXY_PID
wait $PROXY_PID 2>/dev/null
# shellcheck disable=SC2086
once $AGENT start_session
like "$OUT" "error -31000 mcpjail: .*cannot connect to the proxy 127\.0\.0\.1 port $PROXY_PORT: Connection refused" "one that is not there" || tell

# --- without it -----------------------------------------------------------------------------------
start_proxy
HTTPS_PROXY=http://127.0.0.1:$PROXY_PORT
export NO_PROXY=localhost,.direct.example
fetch "https://direct.example:$PORT/"
like "$OUT" 'status [245][0-9][0-9]$' "what NO_PROXY names is connected to directly" || tell
unlike "$OUT" 'mcpjail' "and answers itself" || tell
is "$(cat "$ASKED")" "" "the proxy hears nothing of it"
unset NO_PROXY
fetch "https://direct.example:$PORT/"
like "$OUT" 'the proxy .* answered .*502 No such host.* status 502' "without NO_PROXY the proxy is asked, and does not know it" || tell
: >"$ASKED"
options=(--connect-to "promptfax.app:443:127.0.0.1:$PORT")
# shellcheck disable=SC2086
once $AGENT start_session
like "$OUT" "^ok start_session " "what --connect-to names is connected to directly" || tell
is "$(cat "$ASKED")" "" "past the proxy"

# --- the caller's SSL_CERT_FILE, as companies have it whose proxies look inside ------------------------
own() { # FILE - one call with SSL_CERT_FILE alone
	# shellcheck disable=SC2086
	OUT=$(SSL_CERT_FILE=$1 timeout 60 "$MCPJAIL" -q -p "$policy" "${options[@]}" -- $AGENT start_session 2>"$TMP/err" </dev/null | tr '\n' ' ')
	ERR=$(cat "$TMP/err")
}
own ""
like "$OUT" "error -31000 .*unknown issuer" "a server whose CA nobody knows is not believed" || tell
own "$CA"
like "$OUT" "^ok start_session " "one whose CA is in SSL_CERT_FILE is" || tell
cat /etc/ssl/certs/ca-certificates.crt "$CA" >"$TMP/bundle.pem"
own "$TMP/bundle.pem"
like "$OUT" "^ok start_session " "also at the end of a whole bundle" || tell
echo "no certificate" >"$TMP/empty.pem"
own "$TMP/empty.pem"
like "$ERR" "SSL_CERT_FILE: there is no certificate in it" "a file without any is told of" || tell
