#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Unix sockets: what is made inside works as anywhere; what the host listens on is out of
# reach by every way, unless the policy lists it, and the refusal says how to.
. "$(dirname "$0")/../lib.sh"
here=$ROOT/tests/jail
cp "$here"/unix_inside.py "$here"/unix_outside.py .
start_promptfax

# --- what the agent makes itself -------------------------------------------------------------
each() { # output of checks, prefix
	local line
	while read -r line; do
		case $line in
		"ok "*) ok 0 "$2: ${line#ok }" ;;
		"not ok "*) ok 1 "$2: ${line#not ok }" ;;
		*) note "$line" ;;
		esac
	done <<<"$1"
}
out=$(TMPDIR=/tmp python3 unix_inside.py 2>&1)
n=$(grep -c '^ok ' <<<"$out")
[ "$n" -gt 15 ] && ! grep -q '^not ok' <<<"$out"
ok $? "outside of a jail all checks hold: they tell what the kernel does" || note "$out"
out=$(jailed -q -- python3 unix_inside.py 2>&1)
each "$out" "made inside"
is "$(grep -c '^ok ' <<<"$out")" "$n" "made inside: every check was made"

cat >programs.sh <<'END'
cd /tmp || exit 1
tmux -L t new-session -d -s inside 'sleep 60' && tmux -L t ls | grep -q '^inside: 1 windows' && echo tmux
tmux -L t kill-server
eval "$(ssh-agent -s)" >/dev/null
ssh-keygen -q -t ed25519 -N '' -f k && ssh-add -q k && ssh-add -l | grep -q ED25519 && echo ssh-agent
kill "$SSH_AGENT_PID"
dbus-daemon --session --print-address=1 --fork --nopidfile >address
dbus-send --bus="$(cat address)" --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId | grep -q 'string "' && echo dbus
cat >n.js <<'X'
const net = require('net'), name = process.argv[2] === 'abstract' ? '\0node-test' : '/tmp/node.sock';
const server = net.createServer(c => c.end(process.argv[2])).listen(name, () => {
	const c = net.connect(name);
	c.on('data', d => console.log('node-' + d));
	c.on('close', () => server.close());
});
X
node n.js path
node n.js abstract
END
is "$(jailed -q -- sh programs.sh 2>"$TMP/err" | tr '\n' ' ')" "tmux ssh-agent dbus node-path node-abstract " "tmux, ssh-agent, a D-Bus session and Node's servers, started inside, are reached inside" || note "$(cat "$TMP/err")"

# --- what the host listens on -----------------------------------------------------------------
mkdir shared "$TMP/own"
host() { # LOG PATH… - starts it, waits until it listens
	local log=$1 pipe=$TMP/ready.$RANDOM
	shift
	: >"$log"
	mkfifo "$pipe"
	python3 "$here/unix_host.py" "$log" "$WORK/ask" "$@" >"$pipe" &
	HOST=$!
	children+=($HOST)
	read -r _ <"$pipe"
}
names=()
for dir in "$WORK/shared" "$TMP/own"; do
	for what in stream:stream seqpacket:seqpacket dgram:dgram; do names+=("${what%:*}:$dir/${what#*:}"); done
	for n in 10 14 26; do names+=("stream:$dir/$(printf 'n%.0s' $(seq $n))"); done
done
host "$TMP/reached" "${names[@]}" stream:@mcpjail-host

cat >control.py <<'END'
import os, socket, sys
for arg in sys.argv[1:]:
    kind, path = arg.split(":", 1)
    s = socket.socket(socket.AF_UNIX, {"stream": socket.SOCK_STREAM, "seqpacket": socket.SOCK_SEQPACKET, "dgram": socket.SOCK_DGRAM}[kind])
    if kind == "dgram":
        s.sendto(b"x", path)
    else:
        os.chdir(os.path.dirname(path) if path[0] != "@" else "/")
        s.connect(os.path.basename(path) if path[0] != "@" else "\0" + path[1:])
        assert s.recv(16) == b"REACHED\n"
END
python3 control.py "${names[@]}" stream:@mcpjail-host
sleep 0.2
is "$(sort -u "$TMP/reached" | wc -l)" "$((${#names[@]} + 1))" "control: from outside of a jail each of them is reached"
: >"$TMP/reached"

out=$(timeout 120 "$MCPJAIL" -q --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" --run-dir "$TMP/run" -- python3 unix_outside.py "$WORK/shared" "$TMP/own" "$WORK/ask" 2>"$TMP/err")
grep '^#' <<<"$out" | while read -r line; do note "${line#\# }"; done
n=0
while read -r name result; do
	case $name in '#'*) continue ;; esac
	n=$((n + 1))
	case $name in
	# Names of another /proc than the agent's, or that it may not follow, lead nowhere.
	*-proc-* | *-dev-fd-*) allowed='EACCES|ENOENT|ELOOP|ECONNREFUSED' ;;
	# A listener is not connected; the kernel says so by EINVAL.
	*-listener* | few-bound) allowed='EACCES|EISCONN|EINVAL' ;;
	sendto-* | sendmsg-*) allowed='EPIPE|EISCONN|EOPNOTSUPP|ECONNRESET' ;;
	abstract) allowed=ECONNREFUSED ;;
	# Whatever the address says, it went to the other end of the pair.
	pair-*-sendto) allowed=own ;;
	# The kernel finds out what type the other has before it says that this one is connected.
	pair-*-connect-short) allowed='EISCONN|EPROTOTYPE' ;;
	*-hard-link-from-read-only) allowed='EXDEV|EPERM|EACCES' ;;
	*) allowed='EACCES|EISCONN' ;;
	esac
	printf '%s' "$result" | grep -qxE "$allowed"
	ok $? "not reached: $name" || note "got: $result"
done <<<"$out"
[ "$n" -gt 150 ]
ok $? "all attempts were made" || note "$n of them" "$(cat "$TMP/err")"
sleep 0.3
is "$(cat "$TMP/reached")" "" "nobody of the host has heard anything"

# --- records, and what the policy lists ---------------------------------------------------------
denied=$(grep '"type":"net.denied"' "$TMP/run/ledger.jsonl" | grep -F "\"detail\":\"$TMP/own/stream\"" | head -1)
like "$denied" '"protocol":"unix".*"rule":"/sockets".*' "a refusal is recorded, by its whole path"
like "$denied" "\"reason\":\"[^\"]*.\"sockets.\": \[.\"$TMP/own/stream.\"\]" "and says what would allow it"

jailed --run-dir "$TMP/run1" -- python3 -c "
import socket
try:
    socket.socket(socket.AF_UNIX).connect('$TMP/own/stream')
except PermissionError:
    pass" 2>"$TMP/err"
like "$(cat "$TMP/err")" "^mcpjail: refused: the socket $TMP/own/stream, 1 time; to allow it: \"sockets\": \[\"$TMP/own/stream\"\] in the policy" "nor does a person have to look there: the summary says so"

policy() { # SOCKET… - prints the path of a policy that lists them
	printf '{"version":"1","default":"allow","sockets":[%s]}' "$(printf '"%s",' "$@" | sed 's/,$//')" >"$TMP/sockets.json"
	echo "$TMP/sockets.json"
}
cat >listed.py <<'END'
import errno, os, socket, sys, time
def connect(path):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            return s.recv(16).decode().strip()
    except OSError as e:
        return errno.errorcode[e.errno]
for path in sys.argv[2:]:
    print(connect(path))
os.remove(sys.argv[2]) if os.access(os.path.dirname(sys.argv[2]), os.W_OK) else None
with open(sys.argv[1] + ".new", "w") as f:
    f.write(os.environ["MORE"])
os.rename(sys.argv[1] + ".new", sys.argv[1])
while os.path.exists(sys.argv[1]):
    time.sleep(0.02)
for path in sys.argv[2:]:
    print(connect(path))
END
export MORE="stream:$WORK/shared/stream stream:$TMP/own/appears"
out=$(jailed -q --run-dir "$TMP/run2" -p "$(policy "\$PWD/shared/stream" "$TMP/own/stream" "$TMP/own/appears")" -- python3 listed.py "$WORK/ask" "$WORK/shared/stream" "$TMP/own/stream" "$TMP/own/appears" "$WORK/shared/late" | tr '\n' ' ')
is "$out" "REACHED REACHED ENOENT EACCES REACHED REACHED REACHED EACCES " "listed sockets are reached, also when they are made again or only now; others are not"
like "$(grep '"type":"net.allowed"' "$TMP/run2/ledger.jsonl" | head -1)" "\"protocol\":\"unix\".*\"rule\":\"/sockets\".*\"detail\":\"$WORK/shared/stream\"" "and the ledger tells of it"
