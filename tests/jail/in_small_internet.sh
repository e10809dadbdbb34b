#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# in_small_internet.sh LOG COMMAND… - run COMMAND in a network namespace whose "internet" is
# a second namespace on the other end of a veth, which owns the documentation ranges, some
# well-known addresses and a metadata address. Nothing leaves the machine: neither
# namespace has any other interface. COMMAND runs as the caller, with the caller's rights;
# before it $SMALL_INTERNET_PREPARE, if set, with the right to mount in a namespace of its own.
set -eu
log=$1
shift
here=$(cd "$(dirname "$0")" && pwd)

if [ "${SMALL_INTERNET:-}" != made ]; then
	export SMALL_INTERNET=made CALLER_UID CALLER_GID
	CALLER_UID=$(id -u) CALLER_GID=$(id -g)
	if [ "$CALLER_UID" = 0 ]; then
		exec unshare --net --mount "$0" "$log" "$@"
	fi
	exec unshare --user --map-current-user --keep-caps --net --mount "$0" "$log" "$@"
fi

: >"$log"
unshare --net sleep 600 >/dev/null 2>&1 &
far=$!
trap 'kill $far $server 2>/dev/null; wait 2>/dev/null' EXIT
server=
for _ in $(seq 100); do
	[ "$(readlink /proc/$far/ns/net)" != "$(readlink /proc/$$/ns/net)" ] && break
	sleep 0.02
done
ip link set lo up
ip link add near type veth peer name far netns $far
in_far() { nsenter --net=/proc/$far/ns/net "$@"; }
# Link-local addresses, too, are there at once: until then no neighbour is asked for, nor answered.
echo 0 >/proc/sys/net/ipv6/conf/near/accept_dad
in_far sh -c 'echo 0 >/proc/sys/net/ipv6/conf/far/accept_dad'
ip addr add 203.0.113.249/29 dev near
ip -6 addr add 2001:db8::1/64 dev near nodad
ip link set near up
in_far ip link set lo up
in_far ip addr add 203.0.113.250/29 dev far
in_far ip -6 addr add 2001:db8::2/64 dev far nodad
in_far ip link set far up
for net in 192.0.2.0/24 198.51.100.0/24 203.0.113.0/25 8.8.8.8 1.1.1.1 169.254.169.254 10.99.0.1; do
	in_far ip route add local $net dev lo
done
in_far ip -6 route add local 2001:db8:1::/48 dev lo
in_far ip -6 route add local 2001:4860:4860::8888 dev lo
in_far sh -c 'echo 3 >/proc/sys/net/ipv4/tcp_fastopen'
in_far ip route add default via 203.0.113.249
in_far ip -6 route add default via 2001:db8::1
ip route add default via 203.0.113.250
ip -6 route add default via 2001:db8::2
ip route add 169.254.169.254 via 203.0.113.250
echo "$CALLER_GID $CALLER_GID" >/proc/sys/net/ipv4/ping_group_range
# Not by in_far: $! would be a subshell, and killing it would leave the server behind.
nsenter --net=/proc/$far/ns/net python3 "$here/small_internet.py" "$log" >/dev/null 2>&1 &
server=$!
for _ in $(seq 100); do
	grep -q ready "$log" && break
	sleep 0.05
done
[ -z "${SMALL_INTERNET_PREPARE:-}" ] || "$SMALL_INTERNET_PREPARE"
if [ "$CALLER_UID" = 0 ]; then
	"$@"
else
	# What was kept to build the network is given up: the program starts unprivileged.
	setpriv --ambient-caps=-all --inh-caps=-all "$@"
fi
