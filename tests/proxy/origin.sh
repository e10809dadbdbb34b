# SPDX-License-Identifier: Apache-2.0
# origin.sh - sourced behind lib.sh: a stand-in for hosts that are no MCP servers
#
# origin_certificates NAME… makes a CA and a certificate for these names; start_origin serves
# with it and sets ORIGIN_PORT, CA and SERVED (a JSON line a connection, and a request).
origin_certificates() {
	local san=
	for name in "$@"; do san+=${san:+,}DNS:$name; done
	mkdir -p "$TMP/origin"
	(
		cd "$TMP/origin" || exit 1
		ec="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
		# shellcheck disable=SC2086
		openssl req -x509 $ec -days 2 -subj "/CN=origin CA" -keyout ca.key -out ca.pem \
			-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
		# shellcheck disable=SC2086
		openssl req $ec -subj "/CN=origin" -keyout key.pem -out leaf.csr
		printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$san" >leaf.ext
		openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile leaf.ext -out cert.pem
	) >/dev/null 2>&1
}
start_origin() { # OPTION…
	local log=$TMP/origin.$RANDOM.jsonl
	: >"$log"
	python3 "$ROOT/tests/proxy/origin.py" --cert "$TMP/origin/cert.pem" --key "$TMP/origin/key.pem" --log "$log" "$@" >"$log.out" 2>&1 &
	children+=($!)
	for _ in $(seq 100); do
		grep -q ^port "$log.out" && break
		sleep 0.05
	done
	ORIGIN_PORT=$(sed -n 's/^port //p' "$log.out")
	CA=$TMP/origin/ca.pem SERVED=$log
	[ -n "$ORIGIN_PORT" ] || { cat "$log.out"; exit 1; }
}
# events LEDGER TYPE - its records of that type: "protocol host:port rule reason|detail" each
events() {
	python3 - "$@" <<-'P'
		import json, sys
		for line in open(sys.argv[1]):
		    r = json.loads(line)
		    if r["type"] == sys.argv[2]:
		        print("%s %s:%s %s %s|%s" % (r.get("protocol"), r.get("host"), r.get("port"), r.get("rule"), r.get("reason"), r.get("detail")))
	P
}
