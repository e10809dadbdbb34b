#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# attempt.sh BUILD root|user TIER RESULTS PROBE… - make attempts with a build, without controls
set -u
cd "$(dirname "$0")/../../.." || exit 1
BUILD=$(realpath "$1") who=$2 tier=$3 results=$4
shift 4
export PROBES=$* NO_CONTROLS=1
. tests/jail/escape/place.sh
uid=$(id -u)
[ "$uid" = 0 ] && [ "$who" = user ] && uid=$UNPRIVILEGED
new_place "$uid"
make_attempts "$uid" "$tier" 2>"$PLACE/err"
cp "$PLACE/base/results/$tier.tsv" "$results"
sed 's/^/err\t/' "$PLACE/err" >>"$results"
