#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# world.sh - make every attempt outside the jail and in it, in the small internet
#
# In the environment: BASE, an empty directory of the caller's; BUILD; TIERS ("a b"); LOG,
# the small internet's; PROBES, the names of those wanted, or nothing for all. Leaves
# BASE/results/{control,control-ns,a,b}.tsv, a line "NAME<tab>OUTCOME" each. In each world, made
# anew, a home with a project in it, things of the host's, and a host that listens on them.
set -u
here=$(cd "$(dirname "$0")" && pwd)
PROBE=$BUILD/tests/jail/escape/escape
RESULTS=$BASE/results
mkdir -p "$RESULTS"
# shellcheck disable=SC2206 # a list of words
wanted=(${PROBES:-})
children=()
trap 'kill "${children[@]}" 2>/dev/null; wait 2>/dev/null' EXIT
cgroup=/sys/fs/cgroup
for dir in /sys/fs/cgroup/unified /sys/fs/cgroup/pids; do [ -e $dir/cgroup.procs ] && cgroup=$dir; done
disk=$(findmnt -no SOURCE -T "$BASE")

await() { # file, [command that says that it will not come]
	for _ in $(seq 500); do
		[ -e "$1" ] && return 0
		[ -z "${2:-}" ] || ! "$2" || return 1
		sleep 0.02
	done
	echo "world.sh: $1 did not appear" >&2
	return 1
}

# What belongs to a world ends with it: names that the next one's host listens on, too.
tear_down() {
	kill -0 "${children[0]}" || { echo "world.sh: the host ended before"; cat "$W/host.err"; } >&2
	kill "${children[@]}" 2>/dev/null
	wait "${children[@]}" 2>/dev/null
	children=()
}

# --- one world -------------------------------------------------------------------

# What a tier cannot protect by mounts lies elsewhere; it refuses to start otherwise.
lay_out() { # name, tier
	W=$BASE/$1 HOME_DIR=$BASE/$1/home PROJECT=$BASE/$1/home/project
	if [ "$2" = b ]; then
		RUN=$W/run STATE=$W/state POLICY=$W/policy.json WRITE=()
	else
		RUN=$PROJECT/run STATE=$HOME_DIR/state POLICY=$PROJECT/policy.json WRITE=(--write "$HOME_DIR")
	fi
	WORLD_FILE=$PROJECT/world
}

fill() {
	mkdir -p "$W/host" "$PROJECT"/{.git/hooks,mnt,covered} "$HOME_DIR"/{.ssh,.aws,.gnupg,.claude,.codex,.config/mcpjail,tools}
	for file in "$W/host/file" "$PROJECT/.mcp.json" "$PROJECT/.git/config" "$PROJECT/.git/hooks/pre-commit" \
		"$HOME_DIR/.bashrc" "$HOME_DIR/.claude/settings.json"; do
		echo mine >"$file"
	done
	for file in .ssh/id_ed25519 .aws/credentials .netrc; do echo secret >"$HOME_DIR/$file"; done
	cp "$BUILD/mcpjail" "$HOME_DIR/tools/"
	echo '{"version":"1","default":"deny","jail":{"processes":300}}' >"$POLICY"
	python3 "$here/host.py" "$W" "$RUN" >/dev/null 2>"$W/host.err" &
	children+=($!)
	sleep 1000 &
	VICTIM=$!
	children+=($!)
	await "$W/ready"
}

role_pid() { pgrep -P "$SUPERVISOR" -f "role=$1"; }

# By the number that the probes know it by: with a pid namespace it is 1 in there.
init_pid() {
	local pid parent=$SUPERVISOR
	[ "$TIER" = a ] && [ -z "$IS_CONTROL" ] && echo 1 && return
	[ "$TIER" = b ] && parent=$(role_pid broker)
	for pid in $(pgrep -P "$parent"); do
		grep -q 'role=' "/proc/$pid/cmdline" || echo "$pid"
	done
}

# What changes while the run goes on; then the values that targets are made of, which is what the
# probes wait for.
publish() {
	touch "$W/launched"
	await "$W/late"
	# A policy's file that allows all, written while the run goes on: it must not be taken.
	echo '{"version":"1","default":"allow","egress":[{"host":"evil.example","private_addresses":true}]}' >"$POLICY"
	cat >"$WORLD_FILE.new" <<W
host=$W/host
home=$HOME_DIR
project=$PROJECT
policy=$POLICY
run=$RUN
state=$STATE
program=$HOME_DIR/tools/mcpjail
cgroup=$cgroup
disk=$disk
host_port=$(cut -d' ' -f1 "$W/ready")
key=$(cut -d' ' -f2 "$W/ready")
victim=$VICTIM
supervisor=$SUPERVISOR
keeper=$(role_pid keeper)
dialer=$(role_pid dialer)
proxy=$(role_pid proxy)
broker=$(role_pid broker)
init=$(init_pid)
W
	look
	mv "$WORLD_FILE.new" "$WORLD_FILE"
}

# launch DIRECTORY OUTPUT COMMAND… - jailed in this world; its supervisor is $SUPERVISOR
launch() {
	local dir=$1 out=$2
	shift 2
	(
		cd "$dir" || exit 1
		export HOME=$HOME_DIR XDG_STATE_HOME=$STATE
		unset XDG_CONFIG_HOME
		# shellcheck disable=SC2086 # a list of words
		exec python3 "$here/launch.py" $AROUND "$HOME_DIR/tools/mcpjail" --tier "$TIER" -q -p "$POLICY" \
			--run-dir "$RUN" "${WRITE[@]}" -- "$@" >"$out" 2>"$W/err"
	) &
	SUPERVISOR=$!
}

has_ended() { ! kill -0 "$SUPERVISOR" 2>/dev/null; }

# --- what nobody inside can see -----------------------------------------------------

# Packets of connections that have ended may yet be on their way.
settle() {
	local before=-1 now=0
	while [ "$before" != "$now" ]; do
		before=$now
		sleep 0.3
		now=$(wc -l <"$LOG.packets")
	done
}

# All that was there at the start, by mode, owner, time of change and content.
# Tier B does not promise times, nor the working directory.
fingerprint() {
	local times=' %T@' without=$STATE
	[ "$TIER" = b ] && times='' without=$PROJECT
	find "$W/host" "$HOME_DIR" -path "$without" -prune -o -path "$RUN" -prune -o \
		-type f ! -name 'world*' ! -name device -printf "%p %m %U:%G$times " -exec sha256sum {} \; | sort
}

look() {
	settle
	mark_small=$(wc -l <"$LOG") mark_packets=$(wc -l <"$LOG.packets") mark_host=$(wc -l <"$W/arrivals")
	fingerprint >"$W/files.before"
}

# witness NAME FILE MARK - whether FILE has more lines than it had
witness() {
	local new
	new=$(tail -n +"$(($3 + 1))" "$2")
	if [ -n "$new" ]; then
		printf '%s\treached %s lines, as: %s\n' "$1" "$(wc -l <<<"$new")" "$(tr '\n\t' '; ' <<<"$new" | cut -c1-600)"
	else
		printf '%s\tstopped %s:NOTHING\n' "$1" "$1"
	fi
}

look_again() {
	settle
	witness small-internet "$LOG" "$mark_small"
	witness packets "$LOG.packets" "$mark_packets"
	witness host "$W/arrivals" "$mark_host"
	fingerprint >"$W/files.after"
	# Files that are new are judged by the probes that try to make them.
	diff "$W/files.before" "$W/files.after" | sed -n 's/^< //p' | cut -c1-200 >"$W/files.changed"
	witness files "$W/files.changed" 0
}

# The daemon's word is what can be seen of it once the run is over.
judge_daemon() { # results
	local pid was
	grep -q '^daemon	' "$1" || return
	sleep 0.3
	was=$(cat "$PROJECT/heartbeat" 2>/dev/null)
	sleep 0.3
	if [ -n "$was" ] && [ "$was" != "$(cat "$PROJECT/heartbeat")" ]; then
		sed -i 's/^daemon\t.*/daemon\treached a life after the run/' "$1"
		read -r pid _ <"$PROJECT/heartbeat"
		[ "$TIER" = none ] && kill -9 "$pid"
	elif [ -n "$was" ]; then
		sed -i 's/^daemon\t.*/daemon\tstopped daemon:GONE/' "$1"
	fi
}

# --- controls ------------------------------------------------------------------------

# Outside, beside a jail whose parts can be aimed at, and which protects nothing of this world; then
# what that did not reach, as root of new namespaces: an unprivileged user has the rights there.
run_controls() {
	local jail
	lay_out control a
	fill
	TIER=a WRITE=() IS_CONTROL=1
	mkdir "$W/aside"
	launch "$W/aside" "$W/out" sh -c ': >started; exec sleep 1000'
	jail=$SUPERVISOR
	await "$W/aside/started" has_ended || { cat "$W/err" >&2; return 1; }
	publish
	TIER=none IS_CONTROL=
	(cd "$PROJECT" && exec python3 "$here/launch.py" "$PROBE" run "$WORLD_FILE" "${wanted[@]}") >"$RESULTS/control.tsv"
	judge_daemon "$RESULTS/control.tsv"
	look_again >>"$RESULTS/control.tsv"
	mapfile -t missed < <(grep -P '\tstopped ' "$RESULTS/control.tsv" | cut -f1)
	[ ${#missed[@]} = 0 ] || (
		cd "$PROJECT" && exec timeout 60 unshare --user --map-root-user --net --mount --pid --ipc --uts \
			--fork --mount-proc --kill-child "$PROBE" run "$WORLD_FILE" "${missed[@]}"
	) >"$RESULTS/control-ns.tsv" 2>/dev/null
	kill "$jail"
	wait "$jail" 2>/dev/null
	tear_down
}

# --- in the jail ------------------------------------------------------------------------

run_jailed() { # tier
	local status
	TIER=$1
	lay_out "$1" "$1"
	fill
	launch "$PROJECT" "$RESULTS/$1.tsv" "$PROBE" run "$WORLD_FILE" "${wanted[@]}"
	await "$WORLD_FILE.wanted" has_ended && publish
	wait "$SUPERVISOR"
	status=$?
	[ $status = 0 ] || { echo "world.sh: tier $1 ended with status $status"; cat "$W/err"; } >&2
	if [ -e "$WORLD_FILE" ]; then
		judge_daemon "$RESULTS/$1.tsv"
		look_again >>"$RESULTS/$1.tsv"
	fi
	tear_down
}

AROUND='' IS_CONTROL=''
[ -n "${NO_CONTROLS:-}" ] || run_controls
for tier in $TIERS; do
	AROUND=
	[ "$tier" = b ] && AROUND=$BUILD/tests/jail/like_a_container
	run_jailed "$tier"
done
