#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A fork bomb and a memory hog end; the machine and the ledger do not notice. What the policy
# asks for and cannot be kept here is said.
. "$(dirname "$0")/../lib.sh"
forks=$BUILD/tests/jail/forks
is_root() { [ "$(id -u)" = 0 ]; }

# with JAIL-JSON [OPTION…] -- COMMAND… - sets STATUS, ERRORS; the command's output to stdout
with() {
	printf '{"version":"1","default":"allow","jail":{%s}}\n' "$1" >"$TMP/limits.json"
	shift
	rm -rf "$TMP/run"
	timeout 120 "$MCPJAIL" -p "$TMP/limits.json" --run-dir "$TMP/run" "$@" 2>"$TMP/errors"
	echo $? >"$TMP/status"
}
status() { cat "$TMP/status"; }
errors() { cat "$TMP/errors"; }
layers() { grep -o '"layers":\[[^]]*\]' "$TMP/run/status.json"; }
verifies() {
	"$MCPJAIL" verify "$TMP/run" >"$TMP/verified" 2>&1
	is $? 0 "$1: the ledger verifies" || note "$(cat "$TMP/verified")"
}

# --- open files: the agent must be able to have fewer on their way than we (ETOOMANYREFS) --------
hard=$(ulimit -Hn) soft=$(ulimit -Sn)
[ "$hard" -le 2048 ] || hard=$((hard - 1024))
[ "$soft" -le "$hard" ] || soft=$hard
is "$(with '' -- sh -c 'ulimit -Sn; ulimit -Hn' | tr '\n' ' ')" "$soft $hard " "open files: as many as the caller may have, less what is kept for mcpjail"

# --- processes ---------------------------------------------------------------------------

out=$(with '' -- "$forks" 10000)
like "$out" '^(39|4[0-3])[0-9][0-9] EAGAIN$' "without a policy of its own, about 4096 processes are the end"
like "$(layers)" '"processes"' "and the layers say that there is a bound"
is "$(status)" 0 "the command ends as it would"
is "$(pgrep -f "^$forks" | wc -l)" 0 "nothing of it is left"

out=$(with '"processes":60' -- "$forks" 1000)
like "$out" '^(5[0-9]|60) EAGAIN$' "as many as the policy says"
before=$(date +%s)
with '"processes":300' --timeout 4s -- bash -c 'bomb() { bomb | bomb & }; bomb; sleep 100' >/dev/null
is "$(status)" 124 "a fork bomb is ended by --timeout"
[ $(($(date +%s) - before)) -lt 30 ]
ok $? "without delay"
verifies "fork bomb"
like "$(cat "$TMP/run/ledger.jsonl")" '"type":"run.end"' "fork bomb: to its last record"

# --- memory ---------------------------------------------------------------------------------

cat >hog.py <<'PY'
kept = []
for i in range(400):
    kept.append(bytearray(b"x") * (1 << 20))
print("had it all")
PY
out=$(with '"memory":"128M"' -- sh -c 'python3 hog.py 2>/dev/null; echo "then $?"')
like "$out" '^then (1|137)$' "a memory hog ends, and what started it goes on"
verifies "memory hog"
out=$(with '' -- python3 hog.py)
is "$out" "had it all" "control: without the limit it has what it wants"

out=$(with '"memory":"128M"' -- "$forks" 4 50)
if is_root; then
	like "$out" '^[0-2] full$' "processes are limited together"
	like "$(layers)" '"memory"' "which is a layer"
	unlike "$(errors)" 'jail.memory' "and nothing is missing"
else
	is "$out" "4 full" "each process is limited for itself"
	unlike "$(layers)" '"memory"' "which is no layer"
	like "$(errors)" '^mcpjail: .*jail.memory bounds each process, not all of them together.*systemd-run' "as is said, with what helps"
	is "$(errors | grep -c jail.memory)" 1 "once"
	with '"memory":"128M"' --require memory -- true
	is "$(status)" 125 "--require memory: exit status 125"
fi

# --- files in memory ---------------------------------------------------------------------------

half=$(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) / 2))
size=$(with '' -- df -k --output=size,itotal /tmp | tail -1)
[ "${size% *}" -le $((half + 4)) ] && [ "${size% *}" -gt $((half - half / 16)) ] && [ "${size##* }" -le 1048576 ]
ok $? "/tmp has half of the machine's memory, and a bound on names" || note "$size of $half"
out=$(with '"memory":"64M"' -- sh -c 'fallocate -l 33M /tmp/x; rm -f /tmp/x; fallocate -l 20M /tmp/x && echo fits; fallocate -l 20M /dev/shm/y' 2>&1; errors)
is "$(grep -c 'No space left' <<<"$out") $(grep -c fits <<<"$out")" "2 1" "or half of what the policy allows; /tmp, /var/tmp and /dev/shm together" || note "$out"

# --- the last resort ---------------------------------------------------------------------------

is "$(with '' -- cat /proc/self/oom_score_adj)" 1000 "where the machine's memory is used up, the agent is ended first"
if is_root; then
	with '' -- sh -c 'echo 0 >/proc/self/oom_score_adj'
	like "$(errors)" 'oom_score_adj: Read-only' "root's agent cannot change that"
fi
"$MCPJAIL" -q -p "$TMP/limits.json" --run-dir "$TMP/waits" -- sh -c 'touch ready; sleep 20' &
supervisor=$!
await_file ready
keeper=$(part_pid "$supervisor" keeper)
own=$(cat /proc/self/oom_score_adj)
# Only CAP_SYS_RESOURCE may ask for less than it has.
kept=$( (echo -800 >/proc/self/oom_score_adj && cat /proc/self/oom_score_adj) 2>/dev/null || echo "$own")
is "$(cat "/proc/$keeper/oom_score_adj")" "$kept" "the keeper is not; where the caller may say so, after anything else"
is "$(cat "/proc/$supervisor/oom_score_adj")" "$kept" "nor is the supervisor"
kill "$supervisor"
wait "$supervisor"

# --- the rest --------------------------------------------------------------------------------------

out=$(with '"open_files":40' -- python3 -c 'kept = []
try:
    while len(kept) < 100: kept.append(open("/dev/null"))
except OSError as e: print(e.errno, len(kept))')
like "$out" '^24 3[0-9]$' "open files"

used='import os, time
end = time.monotonic() + 2
while time.monotonic() < end: pass
print("little" if sum(os.times()[:2]) < 1.2 else "much")'
if is_root; then
	is "$(with '"cpu":0.25' -- python3 -c "$used")" little "a quarter of a processor"
	like "$(layers)" '"cpu"' "which is a layer"
else
	with '"cpu":0.25' -- true
	like "$(errors)" '^mcpjail: jail.cpu is not in force' "what cannot be kept is said"
	with '"cpu":0.25' -q --require cpu -- true
	is "$(status)" 125 "or refused by --require cpu"
fi

with '"run_time":"1s"' -- sleep 20
is "$(status)" 124 "run_time ends the command"
like "$(errors)" 'jail/run_time' "by its name"
with '"run_time":"1s"' --timeout 20s -- sleep 2
is "$(status)" 0 "--timeout wins over it"

! is_root || is "$(find /sys/fs/cgroup -maxdepth 6 -name 'mcpjail-*' -newer "$TMP/limits.json" -empty | wc -l)" 0 "no control group is left"
