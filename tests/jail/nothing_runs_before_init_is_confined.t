#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The agent's first instruction comes after init's filter, and a child that never got to it
# is no agent that ran. strace slows down or kills what else takes no time.
. "$(dirname "$0")/../lib.sh"

traced() { # injection, command… - its syscall is the injection's own
	local injection=$1
	shift
	timeout 60 strace -f -qq -o /dev/null -e "trace=${injection%%:*}" -e "inject=$injection" "$MCPJAIL" -q "$@"
}

seccomp='s/^Seccomp:[[:space:]]*//p'
is "$(traced seccomp:delay_enter=300000 -- sed -n "$seccomp" /proc/1/status 2>"$TMP/err")" 2 "init is confined before the agent runs, however long that takes" || note "$(cat "$TMP/err")"

# setpgid is the first thing that the agent's process does, and nobody else does it.
traced setpgid:signal=KILL -- touch ran >/dev/null 2>"$TMP/err"
is $? 125 "an agent's process that is killed before exec: nothing ran"
like "$(cat "$TMP/err")" '^mcpjail: .*ended before the command was executed' "and that is what is said"
[ ! -e ran ]
ok $? "nor did it"
