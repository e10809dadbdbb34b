#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# docs/THREATS.md has every probe as it is, and the tests that it names exist.
. "$(dirname "$0")/../lib.sh"
"$BUILD/tests/jail/escape/escape" list >"$TMP/list"
is $(($(wc -l <"$TMP/list") > 300)) 1 "there are probes"
python3 "$ROOT/tests/jail/escape/document.py" "$TMP/list" "$ROOT/docs/THREATS.md" --check
ok $? "the table of probes is up to date" || note "make escape-docs writes it anew"
for named in $(grep -oE 'tests/[a-z/_-]+(\.t)?' "$ROOT/docs/THREATS.md" | sort -u); do
	[ -e "$ROOT/$named" ]
	ok $? "$named exists"
done
