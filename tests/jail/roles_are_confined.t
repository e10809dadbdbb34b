#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What each process of a run holds, exactly: capabilities, filter, root directory, descriptors.
. "$(dirname "$0")/../lib.sh"
start_promptfax
in_background "$TMP/out" -q --run-dir "$TMP/run" -- sh -c "touch ready; sleep 20"
await_file ready

status_of() { grep -E "^($2):" "/proc/$1/status" | tr -s '\t\n' '  ' | sed 's/ $//'; }
none=0000000000000000
# Nobody waits for dialer, proxy and broker to be started, and to have confined themselves.
await_confined() { # role, what its status says then
	local pid
	for _ in $(seq 200); do
		pid=$(part_pid "$SUPERVISOR" "$1")
		[ -n "$pid" ] && [ "$(status_of "$pid" 'Seccomp|Threads')" = "$2" ] && break
		sleep 0.05
	done
}
await_confined dialer "Threads: 1 Seccomp: 2"
await_confined proxy "Threads: 1 Seccomp: 2"
await_confined broker "Threads: 4 Seccomp: 2"
for role in keeper dialer proxy init; do
	pid=$(part_pid "$SUPERVISOR" $role)
	is "$(status_of "$pid" 'Cap.*|NoNewPrivs|Seccomp')" \
		"CapInh: $none CapPrm: $none CapEff: $none CapBnd: $none CapAmb: $none NoNewPrivs: 1 Seccomp: 2" \
		"$role: no capability, no new privileges, a filter"
	is "$(status_of "$pid" Threads)" "Threads: 1" "$role: one thread"
done

broker=$(part_pid "$SUPERVISOR" broker)
is "$(status_of "$broker" 'Cap.*|NoNewPrivs|Seccomp')" \
	"CapInh: $none CapPrm: 00000000000c0000 CapEff: 00000000000c0000 CapBnd: $none CapAmb: $none NoNewPrivs: 1 Seccomp: 2" \
	"broker: CAP_SYS_CHROOT and CAP_SYS_PTRACE, and none that an exec could bring; a filter"
is "$(status_of "$broker" Threads)" "Threads: 4" "broker: itself, two that answer, one for those that wait"

# Descriptors, by kind; sockets are counted, because their names are numbers.
fds_of() {
	local fd target
	for fd in /proc/"$1"/fd/*; do
		target=$(readlink "$fd")
		case $target in
		socket:*) target=socket ;;
		pipe:* | "$TMP/out") target=stderr ;;
		# A mount of its own has no place.
		/) target=proc ;;
		"/$1/fd") target=proc/own/fd ;;
		"$TMP/run"/*) target=run/${target#"$TMP/run/"} ;;
		"$XDG_STATE_HOME/mcpjail/"*) target=state/${target##*/} ;;
		esac
		echo "$target"
	done | sort | uniq -c | awk '{print ($1 > 1 ? $1 "x" : "") $2}' | tr '\n' ' '
}
if [ "$(id -u)" = 0 ]; then
	is "$(fds_of "$(part_pid "$SUPERVISOR" keeper)")" "2x/dev/null run/checkpoints run/ledger.jsonl run/status.json run/tools.json 3xsocket state/limits.0 state/limits.1 state/limits.lock stderr " "keeper: its files, and three channels"
	is "$(fds_of "$(part_pid "$SUPERVISOR" dialer)")" "2x/dev/null 2xanon_inode:[eventpoll] 2xsocket stderr " "dialer: two channels, its loop and the resolver's"
	is "$(fds_of "$(part_pid "$SUPERVISOR" proxy)")" "2x/dev/null anon_inode:[eventpoll] 8xsocket stderr " "proxy: four channels, three listeners, the packet log"
	is "$(fds_of "$broker")" "2x/dev/null anon_inode:seccomp proc proc/own/fd 5xsocket stderr " "broker: three channels, two that ask the kernel, the agent's calls, two directories of /proc"
	init=$(part_pid "$SUPERVISOR" init)
	for ns in user net mnt; do
		is "$(readlink "/proc/$broker/ns/$ns")" "$(readlink "/proc/$init/ns/$ns")" "broker: has no more rights than the jail ($ns)"
	done
	[ "$(readlink "/proc/$broker/ns/pid")" != "$(readlink "/proc/$init/ns/pid")" ]
	ok $? "broker: cannot be seen from there"
	for fd in /proc/"$broker"/fd/*; do
		[ "$(readlink "$fd")" = / ] || continue
		err=$(: 2>&1 >>"$fd/sys/kernel/core_pattern")
		like "$err" 'Read-only file system' "broker: the system's /proc is read-only"
	done
	is "$(tr -d '\0' <"/proc/$broker/environ")" "" "broker: an empty environment"
	is "$(fds_of "$(part_pid "$SUPERVISOR" init)")" "4x/dev/null anon_inode:[signalfd] socket " "init: its channel"
	for role in keeper dialer proxy; do
		pid=$(part_pid "$SUPERVISOR" $role)
		is "$(ls -A "/proc/$pid/root/")" "" "$role: an empty root"
		! touch "/proc/$pid/root/x" 2>/dev/null
		ok $? "$role: which is read-only"
		is "$(tr -d '\0' <"/proc/$pid/environ")" "" "$role: an empty environment"
	done
	for role in keeper proxy; do
		[ "$(readlink "/proc/$(part_pid "$SUPERVISOR" $role)/ns/net")" != "$(readlink /proc/self/ns/net)" ]
		ok $? "$role: not in the host's network"
	done
	# Keys of the CA and the ledger: in no file, and in no memory but the keeper's.
	! grep -rql 'PRIVATE KEY' "$TMP/run" "$XDG_STATE_HOME"
	ok $? "no private key is in any file"
else
	for role in keeper dialer proxy broker init; do
		pid=$(part_pid "$SUPERVISOR" $role)
		! ls "/proc/$pid/fd" >/dev/null 2>&1
		ok $? "$role: not dumpable: its own user cannot look into it"
	done
fi
kill "$SUPERVISOR"
wait "$SUPERVISOR"
is $? 143 "and it ends when told to"
