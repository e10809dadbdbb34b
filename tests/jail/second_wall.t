#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# eBPF programs at the run's own control group: what gets past the first wall is stopped there,
# counted and told. Without the privilege the run says that they are absent.
. "$(dirname "$0")/../lib.sh"
start_promptfax

field() { # status.json, key - its value as JSON, or nothing
	python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1])).get(sys.argv[2]), separators=(",", ":")))' "$1" "$2"
}
none='{"socket":0,"connect":0,"sendmsg":0,"bind":0,"unix":0}'

# a run as any other: servers inside, the proxy, names, both families
cat >inside.py <<'PY'
import socket
for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
    server = socket.create_server((address, 0), family=family)
    socket.create_connection(server.getsockname()[:2]).close()
    with socket.socket(family, socket.SOCK_DGRAM) as d:
        d.bind((address, 0))
        d.sendto(b"x", d.getsockname())
socket.create_connection(("promptfax.app", 443)).close()
socket.create_connection(("192.0.2.1", 80)).close()
print("works")
PY
is "$(jailed -q --run-dir "$TMP/run" -- python3 inside.py 2>&1)" works "sockets of the jail's own network work"
layers=$(field "$TMP/run/status.json" layers)
required() { jailed -q --run-dir "$TMP/required" --require bpf -- true 2>&1; }

if [ "$(id -u)" != 0 ]; then
	unlike "$layers" '"bpf"' "unprivileged: the layers do not name it"
	is "$(field "$TMP/run/status.json" second_wall)" null "nor are there counts"
	like "$(jailed -v --run-dir "$TMP/told" -- true 2>&1)" '^mcpjail: no second wall: eBPF: .+' "-v says why there is none"
	out=$(required)
	is $? 125 "--require bpf: exit status 125"
	like "$out" "'bpf' is not in force: eBPF: .*run mcpjail as root" "and why, and what helps"
	exit
fi

like "$layers" '"cgroup".*"bpf"' "the layers name the control group and the wall"
is "$(field "$TMP/run/status.json" second_wall)" "$none" "it has stopped nothing of that"
required
is $? 0 "--require bpf is met"

# a process of the host's network, put into the group
cat >servers.py <<'PY'
import socket, sys, time
t4 = socket.create_server(("127.0.0.1", 0))
t6 = socket.create_server(("::1", t4.getsockname()[1]), family=socket.AF_INET6)
u = socket.socket(socket.AF_UNIX)
u.bind(sys.argv[1])
u.listen(50)
print(t4.getsockname()[1], flush=True)
time.sleep(120)
PY
python3 servers.py "$TMP/unix" >"$TMP/port" &
children+=($!)
for _ in $(seq 100); do [ -s "$TMP/port" ] && break; sleep 0.05; done
mount=$(findmnt -rnt cgroup2 -o TARGET | head -1)
group_of() { echo "$mount$(sed -n 's/^0:://p' "/proc/$1/cgroup")"; } # pid

# foreign_in GROUP - puts one in; its attempts in $TMP/foreign, its pid in FOREIGN
foreign_in() {
	rm -f "$TMP/foreign"
	python3 "$ROOT/tests/jail/foreign.py" "$1" "$(cat "$TMP/port")" "$TMP/unix" >"$TMP/foreign" 2>&1 &
	FOREIGN=$!
	children+=($FOREIGN)
	for _ in $(seq 300); do grep -qs "^end" "$TMP/foreign" && break; sleep 0.05; done
}
stopped='{"socket":1,"connect":3,"sendmsg":2,"bind":2,"unix":1}'

for tier in a b; do
	run=$TMP/stopped-$tier
	rm -f ready
	in_background "$TMP/out" -q --tier $tier --run-dir "$run" -- sh -c "setsid sleep 100.$$ & touch ready; sleep 101.$$"
	await_file ready
	inside=$(pgrep -xf "sleep 100.$$")
	group=$(group_of "$inside")
	like "$group" '/mcpjail-[^/]*$' "tier $tier: the jail is in a control group of its own"
	[ "$(grep -c . "$group/cgroup.procs")" -ge 4 ]
	ok $? "tier $tier: with all that runs in it" || note "$(cat "$group/cgroup.procs")"
	grep -qx "$SUPERVISOR" "$group/cgroup.procs"
	is $? 1 "tier $tier: the supervisor is not"
	foreign_in "$group"
	for name in connect4 connect6 mapped sendmsg4 sendmsg6 bind4 bind6 unix raw listen; do
		like "$(cat "$TMP/foreign")" "^outside $name done$" "tier $tier: control: $name outside of the group"
	done
	for name in connect4 connect6 mapped sendmsg4 sendmsg6 bind4 bind6 listen; do
		like "$(cat "$TMP/foreign")" "^inside $name ECONNREFUSED$" "tier $tier: $name within shows as refused"
	done
	like "$(cat "$TMP/foreign")" "^inside unix EACCES$" "tier $tier: a unix socket of the host's is refused"
	like "$(cat "$TMP/foreign")" "^inside raw EPERM$" "tier $tier: a raw socket is not made"

	# the end
	kill "$SUPERVISOR"
	wait "$SUPERVISOR" 2>/dev/null
	wait "$FOREIGN" 2>/dev/null
	is $? 137 "tier $tier: what was in the group has been killed with the run"
	[ ! -e "$group" ]
	ok $? "tier $tier: the group is gone"
	is "$(field "$run/status.json" second_wall)" "$stopped" "tier $tier: status.json has what was stopped, by hook"
	like "$(tail -1 "$run/ledger.jsonl")" "\"type\":\"run.end\".*\"second_wall\":$stopped" "tier $tier: so has the ledger's last record"
	like "$(cat "$TMP/out")" '^mcpjail: the second wall stopped what the first had let through: .*"connect":3' "tier $tier: and the person is told"
	"$MCPJAIL" verify "$run" >/dev/null 2>&1
	is $? 0 "tier $tier: the ledger verifies"
done
sed -i 's/"connect":3/"connect":0/' "$run/status.json"
"$MCPJAIL" verify "$run" >/dev/null 2>&1
is $? 1 "with a count that was changed it does not"

# what a killed supervisor leaves
rm -f ready
in_background "$TMP/out" -q --run-dir "$TMP/killed" -- sh -c 'touch ready; sleep 100'
await_file ready
group=$(group_of "$(part_pid "$SUPERVISOR" init)")
kill -9 "$SUPERVISOR"
wait "$SUPERVISOR" 2>/dev/null
for _ in $(seq 100); do [ -n "$(cat "$group/cgroup.procs")" ] || break; sleep 0.02; done
[ -d "$group" ] && [ -z "$(cat "$group/cgroup.procs")" ]
ok $? "a killed supervisor leaves an empty group behind"
jailed -q --run-dir "$TMP/after" -- true
[ ! -e "$group" ]
ok $? "which the next run removes"
