#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tier B: asked for, and where there are no namespaces, as in a container of Docker's. What is
# outside stays out of reach; what programs do every day works.
. "$(dirname "$0")/../lib.sh"
here=$ROOT/tests/jail
CONTAINER=$BUILD/tests/jail/like_a_container
cp "$here/tier_b_inside.py" "$here/unix_inside.py" "$BUILD/tests/jail/flips" "$BUILD/tests/jail/own_resolver" .
start_promptfax
LAN=$(python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    s.connect(("192.0.2.1", 9)); print(s.getsockname()[0])
except OSError:
    print("192.0.2.1")')

asked() { timeout 120 "$MCPJAIL" --tier b --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" "$@"; }
contained() { timeout 120 "$CONTAINER" "$MCPJAIL" --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" "$@"; }

# The host's own, which greets; everything in the jail is compared with what happens outside.
LOG=$TMP/arrivals
: >"$LOG"
python3 "$here/tier_b_host.py" "$LOG" "$TMP/host.sock" "$TMP/ready" &
children+=($!)
await_file "$TMP/ready"
sleep 0.1
HOSTPORT=$(cat "$TMP/ready")
echo kept >"$TMP/kept"
export HOME=$TMP/home
mkdir -p "$HOME/.ssh" "$HOME/.config/gh"
echo secret | tee "$HOME/.ssh/id" "$HOME/.config/gh/hosts.yml" >/dev/null
echo beside >"$HOME/.config/other"

# --- which tier, and what is said of it -------------------------------------------------------
for way in asked contained; do
	out=$($way --run-dir "$TMP/run-$way" -- echo in 2>"$TMP/err")
	is "$out" in "$way: a command runs" || note "$(cat "$TMP/err")"
	like "$(cat "$TMP/err")" '^mcpjail: tier b: no namespaces' "$way: what it cannot give is said"
	is "$(grep -c 'tier b' "$TMP/err")" 1 "$way: in one line"
	like "$(cat "$TMP/run-$way/status.json")" '"tier":"b","layers":\["seccomp","broker","landlock"' "$way: status.json says so"
	unlike "$(cat "$TMP/run-$way/status.json")" '"namespaces"|"mounts"' "$way: and claims no more"
	out=$($way -q --require namespaces -- touch ran 2>&1)
	is $? 125 "$way: --require namespaces ends with 125"
	like "$out" "'namespaces' is not in force" "$way: and says why"
	[ ! -e ran ]
	ok $? "$way: nothing ran"
	$way -q --require seccomp,broker,landlock -- true
	is $? 0 "$way: what is in force can be required"
done
like "$(contained -- true 2>&1)" 'for tier a: ' "in a container the way to tier a is named"
out=$(contained -q --tier a -- touch ran 2>&1)
is "$? $(ls ran 2>/dev/null)" "125 " "--tier a is not replaced by b"
like "$out" 'namespaces: ' "and what is missing is named"
is "$("$MCPJAIL" --run-dir "$TMP/run-a" -q -- true && sed -n 's/.*"tier":"\(.\)".*/\1/p' "$TMP/run-a/status.json")" a "where there are namespaces they are used"
like "$(cat "$TMP/run-a/status.json")" '"seccomp","broker"' "the broker is a layer there, too"
"$MCPJAIL" -q --tier a --require namespaces,broker -- true
is $? 0 "and can be required"
out=$(asked -q -- sh -c "XDG_STATE_HOME=\$TMPDIR XDG_CONFIG_HOME=\$TMPDIR exec $MCPJAIL -q -- touch ran" 2>&1)
is "$? $(ls ran 2>/dev/null)" "125 " "a jail within it cannot be made: 125"
like "$out" 'answers system calls' "and what stands in the way is named"

# --- MCP ------------------------------------------------------------------------------------------
rpc='{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}'
for way in asked contained; do
	for proxy in with without; do
		out=$($way -q -- sh -c "[ $proxy = with ] || unset HTTPS_PROXY https_proxy; curl -sS -m 20 https://promptfax.app/mcp -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' -d '$rpc'")
		like "$out" '"serverInfo"' "$way: curl speaks MCP, $proxy a proxy"
	done
	out=$($way -q -g "$way" -p "$(published_policy)" --run-dir "$TMP/mcp-$way" -- sh -c "$AGENT start_session:'{\"hostType\":\"other\"}*12'")
	is "$(grep -c '^ok start_session' <<<"$out")" 10 "$way: ten calls pass"
	is "$(grep -c '^denied start_session' <<<"$out")" 2 "$way: two are denied by their limit"
	is "$(grep '"type":"call.decision"' "$TMP/mcp-$way/ledger.jsonl" | grep -c '"exec":{"id"')" 12 "$way: each with the process that made it"
done
is "$(contained -q -- node -e 'fetch("https://promptfax.app/mcp", {method: "POST", headers: {"content-type": "application/json", accept: "application/json, text/event-stream"}, body: process.argv[1]}).then(r => console.log(r.status))' "$rpc")" 200 "Node's fetch comes through"
is "$(contained -q -- node -e 'require("dns").resolve4("promptfax.app", (e, a) => console.log(e ? e.code : a[0].slice(0, 7)))')" 198.18. "and its own resolver"
like "$(contained -q -- wget -qO- -T 20 --header='content-type: application/json' --header='accept: application/json, text/event-stream' --post-data="$rpc" https://promptfax.app/mcp 2>&1)" '"serverInfo"' "wget trusts the certificates"
# Answers come from no internet address, which musl insists on; who does not can ask in any way.
is "$(contained -q -- ./own_resolver promptfax.app 2>&1 | sed 's/^198\.18\.[0-9.]*/198.18/' | tr '\n' ',')" "198.18 from family 0,198.18 from family 0,HTTP," "a program that asks by system calls of its own resolves, and connects"
like "$(contained -q -- curl -sS -m 10 https://example.org/ 2>&1)" '^mcpjail: .*example\.org' "another host is refused with words"

# Where nobody may read another's memory by the call for that, it is read by /proc.
old() { timeout 60 "$CONTAINER" --old "$MCPJAIL" --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" "$@"; }
like "$(old -q -- curl -sS -m 20 https://promptfax.app/mcp -H 'content-type: application/json' -H 'accept: application/json, text/event-stream' -d "$rpc" 2>&1)" '"serverInfo"' "in an old container: curl speaks MCP"
is "$(old -q -- python3 unix_inside.py paths_of_every_length 2>&1)" "ok paths_of_every_length" "in an old container: unix sockets made inside work"

# --- what is outside ----------------------------------------------------------------------------
expected='host loopback: ECONNREFUSED
host loopback, any: ECONNREFUSED
host loopback, 127.1.2.3: ECONNREFUSED
host loopback, v6: ECONNREFUSED
host loopback, mapped: ECONNREFUSED
host LAN: refused by the proxy
host LAN, mapped: refused by the proxy
elsewhere: refused by the proxy
elsewhere, v6: refused by the proxy
multicast: ENETUNREACH
udp by sendto, 127.0.0.1: ECONNREFUSED
udp by sendto, LAN: ECONNREFUSED
udp by sendmsg, 127.0.0.1: EPIPE
udp by sendmsg, LAN: EPIPE
udp by send, 127.0.0.1: EPIPE
udp by send, LAN: EPIPE
udp by write, 127.0.0.1: EPIPE
udp by write, LAN: EPIPE
bind any: 127.0.0.1
bind any, v6: ::ffff:127.0.0.1
bind LAN: EADDRNOTAVAIL
listen without bind: 127.0.0.1
listen after a connect that was undone: 127.0.0.1
source route: ENOPROTOOPT
source route, v6: ENOPROTOOPT
source route, v6, sticky: ENOPROTOOPT
group: ENOPROTOOPT
group, v6: ENOPROTOOPT
device: ENOPROTOOPT
own server: served
own server, both families: served
own server, from v6: served
own server, v6: served
own server that has gone: ECONNREFUSED
unix path: EACCES
unix abstract: EACCES
unix bind outside: EACCES
unix bind beside the CA: EACCES
packet socket: EPERM
signal to init: EPERM
signal to 1: EPERM
memory of init: EACCES
root of 1: EACCES
write beside: EACCES
write /tmp: EACCES
truncate: EACCES
write the CA: EACCES
read the state: EACCES
read a credential: EACCES
read beside one: beside
read another terminal: EACCES
clone3 with namespaces: ENOSYS
temporary files: True
processes of multiprocessing: [1, 2]
threads that connect and execute: (0, 8)
signals while connecting: no call failed
thousands of sockets: no call failed
a listener without room: ECONNREFUSED closed
a port that changes hands: not reached
flags that change while connecting: at once
a crowd before a full listener: no other waits
a socket connected by a child: connected
a name: True'
out=$(python3 tier_b_inside.py "$HOSTPORT" "$LAN" "$TMP/host.sock" "$XDG_STATE_HOME" 2>/dev/null | head -37)
like "$out" '^host loopback: reached' "outside of a jail the host is reached"
like "$out" '^unix path: host-socket' "and its sockets are"
rm -f /tmp/mcpjail-tier-b
for way in asked contained; do
	sleep 0.2
	: >"$LOG"
	out=$($way -q --run-dir "$TMP/out-$way" -- python3 tier_b_inside.py "$HOSTPORT" "$LAN" "$TMP/host.sock" "$XDG_STATE_HOME" 2>"$TMP/err")
	while IFS= read -r line; do
		name=${line%%: *}
		got=$(grep -F "$name: " <<<"$out" | grep -E "^${name//[\[\]]/.}: " | head -1)
		[[ $name = "memory of init" || $name = "root of 1" || $name = "read another terminal" ]] && got=${got/EPERM/EACCES} got=${got/ENOENT/EACCES} got=${got/ENXIO/EACCES}
		is "$got" "$line" "$way: $line"
	done <<<"$expected"
	sleep 0.2
	is "$(cat "$LOG")" "" "$way: nothing arrived at the host's listeners"
	is "$(cat "$TMP/kept")" kept "$way: nothing was cut short"
	like "$(cat "$TMP/out-$way/ledger.jsonl")" "\"protocol\":\"udp\".*\"address\":\"$LAN\"" "$way: a datagram is recorded"
	: >"$LOG"
	like "$($way -q -- ./flips 20000 "$HOSTPORT")" '^[0-9]{3,} connected, 0 greeted' "$way: an address that changes during connect() leads to the proxy or nowhere"
	is "$(cat "$LOG")" "" "$way: never to the other target"
done
# But for the pid of who listens and that nobody has an abstract name; and, where descriptors cannot
# be copied, what is watched before it is connected.
for way in asked contained; do
	known='not ok errors_of_connect not ok users_of_the_peers '
	[ $way = asked ] || known="${known}not ok watched_before_connected "
	out=$($way -q -- python3 unix_inside.py 2>&1)
	is "$(grep '^not ok' <<<"$out" | sed 's/:.*//' | sort | tr '\n' ' ')" "$known" "$way: unix sockets made inside work" || note "$out"
	is "$(grep -cE '^(not )?ok ' <<<"$out")" "$(python3 unix_inside.py 2>/dev/null | grep -c '^ok ')" "$way: every check of them was made"
done

# --- the end ----------------------------------------------------------------------------------------
cat >leave.sh <<'END'
setsid sleep 4242 &
(setsid sh -c 'sleep 4242 & (sleep 4242 &)' &)
python3 -c '
import os
if os.fork() == 0:
    os.setsid()
    while True:
        if os.fork():
            os._exit(0)
'
sleep 0.3
exit 3
END
left() { pgrep -u "$(id -u)" -f '^sleep 4242$|os.setsid' | wc -l; }
for way in asked contained; do
	$way -q -- sh leave.sh
	is $? 3 "$way: the command's status is kept"
	is "$(left)" 0 "$way: what it left behind has ended, a process that forks for ever too"
done
dir=$(asked -q -- sh -c 'mkdir -p $TMPDIR/a/b; echo x >$TMPDIR/a/b/c; chmod 0 $TMPDIR/a/b; echo ${TMPDIR%/tmp}')
like "$dir" '^/tmp/mcpjail-[A-Za-z0-9]{6}$' "a run has a directory of its own"
[ ! -e "$dir" ]
ok $? "which is gone afterwards"
for part in keeper broker supervisor init; do
	rm -f up
	"$MCPJAIL" -q --tier b -- sh -c 'setsid sleep 4242 & echo "${TMPDIR%/tmp}" >dir; touch up; sleep 4242' 2>/dev/null &
	SUPERVISOR=$!
	await_file up
	broker=$(part_pid "$SUPERVISOR" broker)
	case $part in
	supervisor) pid=$SUPERVISOR ;;
	init) pid=$(pgrep -P "$broker" -x mcpjail) ;;
	*) pid=$(part_pid "$SUPERVISOR" "$part") ;;
	esac
	kill -9 "$pid"
	for _ in $(seq 20); do
		sleep 0.1
		[ "$(left)" = 0 ] && break
	done
	is "$(left)" 0 "$part killed: the agent is gone soon"
	[ ! -e "/proc/$broker" ] || grep -q '^State:.Z' "/proc/$broker/status"
	ok $? "$part killed: so is the broker"
	wait "$SUPERVISOR" 2>/dev/null
	is $? 137 "$part killed: exit status 137"
	# Nobody is left to remove it.
	[ $part != supervisor ] || rm -rf "$(cat dir)"
done

# --- what only mounts could protect ---------------------------------------------------------------------
refused() { # regex, description, then options
	local pattern=$1 what=$2
	shift 2
	out=$("$MCPJAIL" -q --tier b "$@" -- touch ran 2>&1)
	is "$? $(ls ran 2>/dev/null)" "125 " "$what: refused"
	like "$out" "tier b: without namespaces $pattern" "$what: with the reason"
}
echo '{"version":"1","default":"deny"}' >policy.json
refused 'the run directory' "a run directory in the working directory" --run-dir ./records
refused 'the policy' "a policy there" -p policy.json
ln -s "$TMP" link
cp policy.json "$TMP/policy.json"
refused 'the policy' "a policy that a link there leads to" -p link/policy.json
mkdir state
XDG_STATE_HOME=$WORK/state refused "mcpjail's state" "the state there" --run-dir "$TMP/elsewhere"
refused 'a credential store' "a credential store in what may be written" --write "$HOME"
cp "$MCPJAIL" ./mcpjail
is "$(timeout 20 ./mcpjail -q --tier b -- touch ran 2>&1 | grep -c 'mcpjail itself')" 1 "mcpjail itself in what may be written: refused"
rm -f mcpjail policy.json link

# --- a terminal --------------------------------------------------------------------------------------------
printf '#!/bin/sh\nexec %s --tier b "$@"\n' "$MCPJAIL" >"$TMP/mcpjail-b"
chmod +x "$TMP/mcpjail-b"
MCPJAIL=$TMP/mcpjail-b timeout 120 python3 "$here/terminal.py" >"$TMP/tap" 2>&1
is $? 0 "the driver of the terminal came to its end"
while read -r verdict text; do
	case $verdict in
	ok) ok 0 "terminal: $text" ;;
	not-ok) ok 1 "terminal: $text" ;;
	*) note "$verdict $text" ;;
	esac
done <"$TMP/tap"
