#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# prepare.sh - in the small internet's mount namespace, with the right to mount: empty places where
# the host has its sockets, and where root's control would leave something that is run; and
# below BASE, in each world, a device and a file system that covers a directory.
set -eu
for place in /run /tmp /var/tmp /dev/shm /etc/cron.d; do
	[ ! -d "$place" ] || mount -t tmpfs -o mode=1777 none "$place"
done
for world in control a b; do
	project=$BASE/$world/home/project
	mkdir -p "$project/covered"
	# Where there are no mounts to keep these closed, the jail does not start.
	if [ "$world" != b ]; then
		: >"$project/device"
		mount -t tmpfs none "$project/covered"
		mount --bind /dev/zero "$project/device"
	fi
	# Only root has the right to make one.
	mknod -m 666 "$project/node" c 1 5 2>/dev/null || true
done
[ -z "${OWNER:-}" ] || chown -R "$OWNER" "$BASE"
