#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The exit status is the command's own, or says what mcpjail has to say.
. "$(dirname "$0")/../lib.sh"

status() { "$MCPJAIL" --quiet "$@" >"$TMP/out" 2>"$TMP/err" </dev/null; echo $?; }

is "$(status -- sh -c 'exit 42')" 42 "the command's own status"
is "$(status -- true)" 0 "success"
"$MCPJAIL" run -q -- sh -c 'exit 7' 2>/dev/null
is $? 7 "run may be spelled out"
is "$(status -- sh -c 'kill -TERM $$')" 143 "128 + TERM"
is "$(status -- sh -c 'kill -KILL $$')" 137 "128 + KILL"
is "$(status -- /no/such/program)" 127 "not found"
like "$(cat "$TMP/err")" '^mcpjail: /no/such/program: ' "and it is named"
is "$(status -- no-such-program-on-the-path)" 127 "not found on the path"
touch not-executable
is "$(status -- ./not-executable)" 126 "not executable"
is "$(status --timeout 300ms -- sleep 30)" 124 "timeout"
is "$(status --no-such-option -- true)" 125 "a wrong option: nothing ran"
is "$(status -p /no/such/policy -- touch ran)" 125 "a policy that is not there: nothing ran"
is "$(status)" 125 "no command"
echo '{"version":"1","default":"deny","toolz":{}}' >"$TMP/bad.json"
is "$(status -p "$TMP/bad.json" -- touch ran)" 125 "a policy with an unknown key: nothing ran"
like "$(cat "$TMP/err")" 'bad\.json:1:[0-9]+ /toolz: .*did you mean' "the error has place, pointer and advice"
is "$(status --require namespaces,seccomp -- true)" 0 "--require what is in force"
is "$(status --require no-such-layer -- touch ran)" 125 "--require what is not"
is "$(status --tier c -- touch ran)" 125 "a tier that there is not"
mkdir "$TMP/full" && touch "$TMP/full/x"
is "$(status --run-dir "$TMP/full" -- touch ran)" 125 "a run directory that is not empty"
[ ! -e ran ]
ok $? "of all that failed to start, nothing ran"

# stdio
is "$(echo in | "$MCPJAIL" -q -- cat 2>/dev/null)" in "a pipe goes in and out"
echo from-file >"$TMP/in"
is "$("$MCPJAIL" -q -- cat <"$TMP/in")" from-file "a file goes in"
"$MCPJAIL" -q -- sh -c 'echo out; echo err >&2; echo again' >"$TMP/both" 2>&1
is "$(tr '\n' ' ' <"$TMP/both")" "out err again " "a file for both keeps the order"
is "$("$MCPJAIL" -q -- sh -c 'head -c 3000000 /dev/zero | tr "\0" x' 2>/dev/null | wc -c)" 3000000 "nothing of much output is lost"
head -c 3000000 /dev/urandom >"$TMP/random"
is "$("$MCPJAIL" -q -- sha256sum <"$TMP/random" | cut -d' ' -f1)" "$(sha256sum <"$TMP/random" | cut -d' ' -f1)" "nothing of much input is lost"
is "$("$MCPJAIL" -q -- sh -c 'ls /proc/self/fd | wc -l' 7</etc/passwd 8</)" 4 "other descriptors are closed"
"$MCPJAIL" -q -- true </ 2>"$TMP/err"
is $? 125 "a directory as standard input is refused"

# The agent holds nothing of the host's: not a pipe that others read from or write to.
printf '%s\n' 'true' "\"$MCPJAIL\" -q -- sh -c 'echo touch outside >/proc/self/fd/0' 2>/dev/null" 'sleep 0.3' | bash
[ ! -e outside ]
ok $? "what is written into standard input's descriptor is no command of the shell outside"
is "$( (echo kept; "$MCPJAIL" -q -- sh -c 'timeout 1 cat /proc/self/fd/1' ) | tr '\n' ' ')" "kept " "nor can it read what others wrote to its output"
is "$("$MCPJAIL" -q -- sh -c 'stat -Lc %F /proc/self/fd/0 /proc/self/fd/1 | sort -u' </dev/null)" fifo "streams are pipes of its own"
is "$("$MCPJAIL" -q -- yes 2>/dev/null | head -n 2 | tr '\n' ' ')" "y y " "a reader that has enough ends the writer"

# --summary is written outside the jail: through nothing that the agent can prepare.
ln -s "$TMP/target" summary-link && : >"$TMP/target"
is "$(status --summary summary-link -- true)" 125 "a summary file that is a link is refused"
mkfifo summary-fifo
is "$(status --summary summary-fifo -- true)" 125 "so is a FIFO"
"$MCPJAIL" --summary summary-file -- ln -sf "$TMP/target" summary-file2 2>/dev/null
like "$(cat summary-file)" '^anchor: ' "a plain file gets it"
is "$(cat "$TMP/target")" "" "and the link's target nothing"

# signals
"$MCPJAIL" -q -- sh -c 'trap "echo got; exit 9" TERM; touch ready; while :; do sleep 0.05; done' >"$TMP/out" 2>&1 &
pid=$!
for _ in $(seq 100); do [ -e ready ] && break; sleep 0.05; done
kill -TERM $pid
wait $pid
is "$?" 9 "SIGTERM reaches the command, whose status counts"
is "$(cat "$TMP/out")" got "which saw it"
rm -f ready
"$MCPJAIL" -q -- sh -c 'trap "" TERM; touch ready; while :; do sleep 0.05; done' >"$TMP/out" 2>&1 &
pid=$!
for _ in $(seq 100); do [ -e ready ] && break; sleep 0.05; done
kill -TERM $pid; sleep 0.3; kill -TERM $pid
wait $pid
is "$?" 137 "a second SIGTERM ends what ignores the first"

is "$(status --timeout 1s -- sh -c 'kill -STOP $$')" 124 "a command that stops itself does not stop its warden"
python3 - "$MCPJAIL" <<'P' >"$TMP/out"
import socket, subprocess, sys, time
ours, theirs = socket.socketpair()
run = subprocess.Popen([sys.argv[1], "-q", "--", "head", "-c", "300000", "/dev/zero"], stdout=theirs)
theirs.close()
time.sleep(4)
total = 0
while True:
    data = ours.recv(65536)
    if not data:
        break
    total += len(data)
print(total, run.wait())
P
is "$(cat "$TMP/out")" "300000 0" "output waits for a slow reader"

# nothing stays behind
rm -f ready
"$MCPJAIL" -q -- sh -c 'setsid sh -c "while :; do date >alive; sleep 0.05; done" & sleep 0.3'
sleep 0.2; rm -f alive; sleep 0.3
[ ! -e alive ]
ok $? "a process that left its session dies with the run"
