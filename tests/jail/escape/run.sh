#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh [PROBE…] - the escape suite: every probe, or those named, in each tier, as root and as an
# unprivileged user; a table of what came of them. QUIET=1 leaves out what held.
#
# Whoever is not root has one kind of column only: the other is skipped, and said to be.
set -u
cd "$(dirname "$0")/../../.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
[ -x "$BUILD/mcpjail" ] || { echo "run.sh: $BUILD/mcpjail is not there: make"; exit 1; }
export PROBES=$*
. tests/jail/escape/place.sh
columns=()

# Whether a tier is to be had at all: what mcpjail itself says about it.
why_not() ( # uid, tier
	around=()
	[ "$2" = b ] && around=("$PLACE/build/tests/jail/like_a_container")
	as_user "$1" timeout 30 "${around[@]}" "$PLACE/build/mcpjail" --tier "$2" -q -- true 2>&1 >/dev/null | tail -1
)

run_as() { # label, uid
	local tier why tiers=
	new_place "$2"
	for tier in a b; do
		why=$(why_not "$2" $tier)
		[ -n "$why" ] || tiers="$tiers $tier"
		columns+=("${tier^^} $1=$PLACE/base/results${why:+:$why}")
	done
	make_attempts "$2" "$tiers" 2>"$PLACE/err" &
}

if [ "$(id -u)" = 0 ]; then
	run_as root 0
	run_as user "$UNPRIVILEGED"
else
	run_as user "$(id -u)"
	for tier in A B; do
		columns+=("$tier root=/nowhere:not root: make escape as root makes these attempts as well")
	done
fi
wait
for place in "${places[@]}"; do sed 's/^/# /' "$place/err"; done
list=$PLACE/list
"$BUILD/tests/jail/escape/escape" list >"$list"
quiet=
[ "${QUIET:-0}" = 1 ] && quiet=-q
# shellcheck disable=SC2086 # nothing or one word
python3 tests/jail/escape/report.py $quiet "$list" "${columns[@]}"
