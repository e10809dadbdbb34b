# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # it is for those that source it
# place.sh - sourced: where the attempts are made, and as whom
#
# Root has a number of its own for the unprivileged user, who needs no name.
UNPRIVILEGED=${ESCAPE_UID:-31337}
PATH=$PATH:/usr/sbin:/sbin
places=()
trap 'rm -rf "${places[@]}"' EXIT

# new_place UID - sets PLACE: a copy of what is needed, that of $BUILD in build/, all of it UID's.
# Neither below /tmp, which is private in the jail, nor where only root may look.
new_place() {
	local base=$HOME
	if [ "$(id -u)" = 0 ]; then
		base=/home
		mkdir -p $base
	fi
	PLACE=$(mktemp -d "$(realpath "$base")/mcpjail-escape.XXXXXX")
	places+=("$PLACE")
	chmod 755 "$PLACE"
	mkdir -p "$PLACE/build/tests/jail/escape" "$PLACE/base" "$PLACE/tests"
	cp -a tests/jail "$PLACE/tests/"
	cp "$BUILD/mcpjail" "$PLACE/build/"
	cp "$BUILD/tests/jail/escape/escape" "$PLACE/build/tests/jail/escape/"
	cp "$BUILD/tests/jail/like_a_container" "$PLACE/build/tests/jail/"
	chown -R "$1:$1" "$PLACE"
}

# as_user UID COMMAND… - in its place as its home
as_user() {
	local uid=$1 as=()
	shift
	[ "$uid" = "$(id -u)" ] || as=(setpriv --reuid="$uid" --regid="$uid" --clear-groups)
	cd "$PLACE" || return 1
	HOME=$PLACE/base exec "${as[@]}" "$@"
}

# make_attempts UID TIERS - results in $PLACE/base/results
make_attempts() (
	export BASE=$PLACE/base BUILD=$PLACE/build TIERS=$2 LOG=$PLACE/base/log
	export SMALL_INTERNET_PREPARE=$PLACE/tests/jail/escape/prepare.sh
	as_user "$1" timeout -k 10 200 tests/jail/in_small_internet.sh "$LOG" tests/jail/escape/world.sh
)
