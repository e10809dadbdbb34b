#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tunnel does not end at an address where an MCP server of the policy is: inside of it the
# server could be called unjudged.
#
# In a network namespace with nothing but loopback, whose addresses and names are our own.
if [ -z "${OWN_NETWORK:-}" ]; then
	export OWN_NETWORK=1
	if [ "$(id -u)" = 0 ]; then exec unshare -mn "$0"; fi
	exec unshare --user --map-root-user -mn "$0"
fi
. "$(dirname "$0")/../lib.sh"
unset https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY SSL_CERT_FILE
{
	ip link set lo up
	for a in 93.184.216.34 93.184.216.35; do ip addr add $a/32 dev lo || exit 1; done
	cat >"$TMP/hosts" <<-H
		93.184.216.34 shared.example inspected.example
		93.184.216.35 apart.example
		93.184.216.34 both.example
		93.184.216.35 both.example
	H
	echo "nameserver 127.0.0.1" >"$TMP/resolv"
	mount --bind "$TMP/hosts" /etc/hosts && mount --bind "$TMP/resolv" /etc/resolv.conf
}
ok $? "a network of our own was made"
start_promptfax --port 443 --address 0.0.0.0 --name shared.example --name apart.example --name both.example --name inspected.example
cp "$CA" "$WORK/ca.pem"
cat >"$TMP/policy.json" <<'P'
{"version":"1","default":"allow","egress":[{"host":"inspected.example"},{"host":"shared.example","mode":"tunnel"},
 {"host":"apart.example","mode":"tunnel"},{"host":"both.example","mode":"tunnel"}]}
P
fetch() { # HOST [OPTION…] - OUT, and DENIED: what the ledger has of it
	local host=$1
	shift
	rm -rf "$TMP/run"
	# Whoever signs: a tunnel shows the stand-in's certificate, an inspected host ours.
	OUT=$(timeout 60 "$MCPJAIL" -q -p "$TMP/policy.json" --upstream-ca "$CA" --run-dir "$TMP/run" "$@" -- \
		curl -sSk -m 30 -o /dev/null -w '%{http_code} %{certs}' "https://$host/" 2>&1 </dev/null)
	DENIED=$(grep '"net.denied"' "$TMP/run/ledger.jsonl")
}
tell() { note "$OUT" "$(cat "$TMP/run/ledger.jsonl")"; }

# --- nobody can say where promptfax.app is ---------------------------------------------------
fetch apart.example
like "$OUT" '^(curl|000)' "a server's address that cannot be found out: no tunnel" || tell
like "$DENIED" 'apart\.example.*no tunnel .*promptfax\.app cannot be looked up' "and the ledger says why" || tell
fetch inspected.example
like "$OUT" '^[245][0-9][0-9] ' "what is inspected does not depend on it" || tell

# --- by DNS it is where shared.example is -------------------------------------------------------
echo "93.184.216.34 promptfax.app" >"$TMP/zone"
python3 "$ROOT/tests/proxy/name_server.py" "$TMP/zone" "$TMP/queries" 2>"$TMP/name_server.err" &
children+=($!)
await_file "$TMP/queries"
fetch apart.example
like "$OUT" '^[245][0-9][0-9] ' "a tunnel to another address is opened" || tell
fetch shared.example
like "$OUT" '^(curl|000)' "one to the server's address is not" || tell
like "$DENIED" "shared\.example:443 cannot be reached: it is at 93\.184\.216\.34, where the policy's MCP server promptfax\.app is too" "and the ledger says why" || tell
fetch both.example
like "$OUT" '^[245][0-9][0-9] ' "one to a name that is there and elsewhere goes elsewhere" || tell
like "$(cat "$TMP/run/ledger.jsonl")" '93\.184\.216\.35' "as the ledger says" || tell
fetch inspected.example
like "$OUT" '^[245][0-9][0-9] ' "a host at that address may be inspected" || tell

# --- by --connect-to both are at one place ----------------------------------------------------------
fetch apart.example --connect-to promptfax.app:443:93.184.216.34:443 --connect-to apart.example:443:93.184.216.34:443
like "$DENIED" "apart\.example:443 cannot be reached: it is at 93\.184\.216\.34, where the policy's MCP server" "--connect-to does not lead a tunnel to where it leads the server" || tell
fetch shared.example --connect-to promptfax.app:443:93.184.216.34:443 --connect-to shared.example:443:93.184.216.35:443
like "$OUT" '^[245][0-9][0-9] ' "it may lead it elsewhere" || tell
