#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Policies that the documentation shows load, and options that it names exist.
. "$(dirname "$0")/../lib.sh"

# Each JSON block of the manual page and the README, into a file of its own.
python3 - "$ROOT" "$TMP" <<'PYTHON'
import re, sys
root, tmp = sys.argv[1:]
manual = open(root + '/docs/man/mcpjail-policy.5').read()
blocks = re.findall(r'\.Bd -literal.*?\n(.*?)\.Ed', manual, re.S)
blocks += re.findall(r'```json\n(.*?)```', open(root + '/README.md').read(), re.S)
for i, block in enumerate(blocks):
    open(f'{tmp}/documented-{i}.json', 'w').write(block)
PYTHON
documented=("$TMP"/documented-*.json)
is $((${#documented[@]} >= 5)) 1 "the documentation shows policies"
for policy in "${documented[@]}"; do
	is "$("$MCPJAIL" policy check "$policy" 2>&1 >/dev/null; echo $?)" 0 "$(basename "$policy") is sound"
done

"$MCPJAIL" --help >"$TMP/help"
for option in $(grep -oE -- '--[a-z][a-z-]*' "$TMP/help" | sort -u); do
	grep -qE "^\.It .*Fl (. , )?-${option#--}( |$)" "$ROOT/docs/man/mcpjail.1"
	ok $? "mcpjail(1) has $option"
	for shell in mcpjail.bash _mcpjail mcpjail.fish; do
		grep -qE -- "(--|-l )${option#--}\b" "$ROOT/docs/completions/$shell"
		ok $? "$shell has $option"
	done
done
for option in $(sed -n 's/^\.It Fl \(. , \)\?-\([a-z-]*\).*/--\2/p' "$ROOT/docs/man/mcpjail.1" | sort -u); do
	grep -qE -- "$option\b" "$TMP/help"
	ok $? "--help has $option of mcpjail(1)"
done
