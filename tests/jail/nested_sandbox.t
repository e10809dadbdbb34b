#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sandboxes of the agent's own: refused unless the policy allows them, with the switch named; where
# it does they work, and are no way out of the jail.
. "$(dirname "$0")/../lib.sh"
echo '{"version":"1","jail":{"nested_sandbox":true}}' >"$TMP/nested.json"
mkdir sub "$TMP/control"
cp "$TMP/nested.json" sub/policy.json
mkdir -p "$TMP/home/.ssh"
echo secret >"$TMP/home/.ssh/id_ed25519"
cp "$ROOT/tests/jail/nested_attacks.py" .
export HOME=$TMP/home
bare() { "$MCPJAIL" -q "$@" 2>&1 </dev/null; }
nested() { "$MCPJAIL" -q -p "$TMP/nested.json" -- "$@" 2>&1 </dev/null; }

# --- off ------------------------------------------------------------------------------------------
bwrap="bwrap --unshare-user --unshare-pid --unshare-net --ro-bind / / --dev /dev --proc /proc"
like "$(bare -- $bwrap true)" 'No permissions|Operation not permitted' "bubblewrap is refused unless the policy allows it"
like "$("$MCPJAIL" -- $bwrap true 2>&1)" '^mcpjail: refused: .*"jail": ?\{"nested_sandbox": ?true\}' "and the summary names the switch"
is "$(bare -- sh -c 'unshare -U true 2>/dev/null || echo no')" no "so is unshare"

if [ "$(id -u)" = 0 ]; then
	like "$("$MCPJAIL" -p "$TMP/nested.json" -- true 2>&1)" 'nested_sandbox: root can make no sandbox' "root is told that it can have none"
	is "$(nested sh -c 'unshare -U true 2>/dev/null || echo no')" no "and gets none"
	exit
fi

# --- on: they work ----------------------------------------------------------------------------------
is "$(nested unshare -Ur id -u)" 0 "a user namespace maps the own uid"
is "$(nested $bwrap sh -c 'echo /proc/[0-9]*')" "/proc/1 /proc/2" "bubblewrap has a /proc of its own"
is "$(nested $bwrap sh -c '{ echo x >y; } 2>/dev/null || echo no')" no "and makes read-only what it is told to"
is "$(nested $bwrap --bind "$WORK" "$WORK" sh -c 'echo x >y && cat y')" x "and writable what may be"
like "$(nested bwrap --ro-bind / / --tmpfs "$WORK" ls "$WORK" | wc -l)" '^0$' "and hides"
is "$(nested bwrap --ro-bind / / --unshare-user --unshare-uts --hostname inner hostname)" inner "and names"
like "$(nested $bwrap curl -sS -m 5 https://other.example)" "resolve|refused|unreachable" "a network of its own leads nowhere"
start_promptfax
echo '{"version":"1","default":"allow","jail":{"nested_sandbox":true}}' >"$TMP/tools.json"
like "$(jailed -p "$TMP/tools.json" -q -- bwrap --ro-bind / / --bind "$WORK" "$WORK" --dev /dev $AGENT tools/list 2>&1)" 'start_session' "in the jail's network its programs reach the MCP server"

# The broker sees paths as the caller does, whatever its root and its mounts.
cat >talk.py <<'P'
import socket, sys
server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
try:
    if len(sys.argv) < 3:
        server.bind(sys.argv[1])
        server.listen()
    client.connect(sys.argv[1])
    print("talks")
except OSError as e:
    print(e.strerror)
P
is "$(nested $bwrap --tmpfs /tmp --chdir / python3 "$WORK/talk.py" /tmp/s)" talks "a socket that is made in a sandbox can be connected to there"
python3 -c 'import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); time.sleep(60)' "$TMP/host.sock" &
children+=($!)
await_file "$TMP/host.sock"
is "$(python3 talk.py "$TMP/host.sock" only)" talks "one of the host's can be, outside"
is "$(nested $bwrap python3 talk.py "$TMP/host.sock" only)" 'Permission denied' "and not from a sandbox in the jail"
is "$(nested $bwrap --bind "$TMP" /mnt python3 talk.py /mnt/host.sock only)" 'Permission denied' "whatever it is called there"
is "$(nested unshare -Ur /usr/sbin/chroot / sh -c "cd $WORK && python3 talk.py $TMP/host.sock only")" 'Permission denied' "or from a root of its own"

# A name in mounts of its own is not taken for the jail's.
curl=$(realpath "$(command -v curl)")
cp "$curl" other-program
exes() { # RUN-DIRECTORY: of the programs that were refused a connection
	python3 -c 'import json, sys
for line in open(sys.argv[1] + "/ledger.jsonl"):
    r = json.loads(line)
    if r["type"] == "net.denied":
        print(r["exec"].get("exe", r["exec"]))' "$1" | sort -u
}
nested_to() { "$MCPJAIL" -q -p "$TMP/nested.json" --run-dir "$TMP/$1" -- "${@:2}" 2>&1 </dev/null; }
nested_to bound unshare -Urm sh -c 'mount --bind "$0" "$1" && exec "$1" -sS -m 5 https://other.example/' "$WORK/other-program" "$curl" >/dev/null
is "$(exes "$TMP/bound")" "$curl (not the jail's file of that name)" "a program that is bound over another is not recorded as that one"
nested_to own bwrap --ro-bind / / --dev /dev curl -sS -m 5 https://other.example/ >/dev/null
is "$(exes "$TMP/own")" "$curl" "the jail's own programs are, in a sandbox as well"

# --- and there is no way out ---------------------------------------------------------------------------
# Where nothing guards and nothing hides, they work.
for control in move_guard remove_guard move_guard_in_overlay bind_below_mask overlay_below_mask detach_and_look sysfs set_user_id listener; do
	echo x >"$TMP/control/file"
	path=$HOME/.ssh/id_ed25519
	[[ $control == *guard* ]] && path=$TMP/control/file
	like "$(unshare -Urm sh -c 'mount -t tmpfs tmpfs /tmp && exec python3 "$0" "$1" "$2"' "$PWD/nested_attacks.py" "$control" "$path" 2>&1)" '^OUT: ' "outside of the jail $control works"
done
# held ATTACK PATTERN DESCRIPTION [PATH]
held() {
	local out
	cp "$TMP/nested.json" sub/policy.json # what an earlier one did away with
	out=$("$MCPJAIL" -q -p sub/policy.json -- timeout 20 python3 nested_attacks.py "$1" "${4:-}" 2>&1 </dev/null)
	printf '%s' "$out" | grep -qE "^held: .*($2)" && ! printf '%s' "$out" | grep -q OUT
	ok $? "$3" || note "$out"
}
secret=$HOME/.ssh/id_ed25519
held move_guard busy "what is guarded in a writable tree cannot be moved where no guard is in sight" "$WORK/sub/policy.json"
held remove_guard busy "nor removed" "$WORK/sub/policy.json"
held move_guard_in_overlay 'Invalid|not permitted|busy' "nor moved through an overlay" "$WORK/sub/policy.json"
held uncover Invalid "what is hidden cannot be uncovered" "$secret"
held bind_below_mask Invalid "nor bound without its cover" "$secret"
held overlay_below_mask 'Invalid|not permitted' "nor seen through an overlay" "$secret"
held move_mask Invalid "nor can the cover be moved" "$secret"
held detach_and_look 'No such file' "nor left behind" "$secret"
held handles 'not permitted' "nor is a file opened around it"
held remount_writable 'not permitted' "what is read-only stays so" "$HOME/x"
held write_through_bind 'not permitted' "also where it is bound" "$HOME/x"
held fresh_proc 'nothing' "a new /proc shows nothing of the machine's that can be used"
held sysfs 'not permitted' "no /sys can be mounted"
held cgroups 'not permitted' "no cgroups either"
held new_network unreachable "a new network has no route"
held link_down 'not permitted' "the jail's network cannot be changed from a user namespace"
held delete_routes 'not permitted' "nor its routes"
held link_into_the_jails_network 'not permitted' "nor can a new one be joined to it"
held join_init 'denied|not permitted' "init's namespaces cannot be joined"
held kill_init 'lives|not permitted' "nor init be killed"
held device 'not permitted' "no device can be made"
held set_user_id 'not permitted' "no set-user-id file"
held listener busy "and nobody else answers the jail's system calls"
