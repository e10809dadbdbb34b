#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real terminal stays usable: size, Ctrl-C, Ctrl-Z and fg, colours, no echo left behind.
. "$(dirname "$0")/../lib.sh"
MCPJAIL=$MCPJAIL python3 "$ROOT/tests/jail/terminal.py" >"$TMP/tap" 2>&1
status=$?
while read -r verdict text; do
	case $verdict in
	ok) ok 0 "$text" ;;
	not-ok) ok 1 "$text" ;;
	*) note "$verdict $text" ;;
	esac
done <"$TMP/tap"
is $status 0 "the driver came to its end"
