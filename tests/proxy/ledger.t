#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The ledger: complete, verified, tamper-evident; no record, no call.
. "$(dirname "$0")/../lib.sh"
start_promptfax
policy=$(published_policy)
session='start_session:{"hostType":"other"}'
verify() { "$MCPJAIL" verify "$@" >"$TMP/verify" 2>&1; echo $?; }

jailed -p "$policy" --run-dir "$TMP/run" -- $AGENT "$session*3" send_fax 2>"$TMP/err" >/dev/null
anchor=$(sed -n 's/^mcpjail: anchor: //p' "$TMP/err")
head=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["log_head"])' "$TMP/run/status.json")
is "${anchor%%:*}" "$head" "the summary's anchor is status.json's log_head"
is "$(verify "$TMP/run")" 0 "a whole ledger verifies"
like "$(cat "$TMP/verify")" unanchored "and says that it is unanchored"
is "$(verify "$TMP/run" --anchor "$anchor")" 0 "with its anchor too"
is "$(verify "$TMP/run" --anchor "$head")" 0 "with the head alone"
python3 - "$TMP/run" <<'P' >"$TMP/shape" 2>&1
import hashlib, json, os, stat, sys
run = sys.argv[1]
lines = open(run + "/ledger.jsonl", "rb").read().splitlines()
records = [json.loads(l) for l in lines]
assert [r["seq"] for r in records] == list(range(len(records))) or [r["seq"] for r in records] == list(range(1, len(records) + 1)), "seq"
for before, r in zip(lines, records[1:]):
    assert r["prev"] == hashlib.sha256(before).hexdigest(), "prev"
assert records[0]["type"] == "run.start" and records[-1]["type"] == "run.end"
calls = [r for r in records if r["type"] == "call.decision"]
assert len(calls) == 4, len(calls)
for r in calls:
    for key in ("call_id jsonrpc_id server tool args_hmac policy_sha256 rule verdict reason "
                "limits grant conn").split():
        assert key in r, key
assert calls[0]["args"] == {"hostType": "other"}, calls[0]["args"]
assert len([r for r in records if r["type"] == "call.result"]) == 3
status = json.load(open(run + "/status.json"))
for key in ("run tier layers child_exit signal allowed denied unknown lost egress_allowed "
            "egress_refused log_head").split():
    assert key in status, key
assert (status["allowed"], status["denied"], status["child_exit"]) == (3, 1, 0), status
for f in os.listdir(run):
    assert stat.S_IMODE(os.stat(run + "/" + f).st_mode) & 0o077 == 0, f
assert stat.S_IMODE(os.stat(run).st_mode) == 0o700
assert json.load(open(run + "/policy.json"))["version"] == "1"
print("fine")
P
is "$(tail -1 "$TMP/shape")" fine "its records and files have the promised shape"

# One byte changed anywhere.
python3 - "$MCPJAIL" "$TMP/run" "$TMP/copy" <<'P' >"$TMP/flips" 2>&1
import random, re, shutil, subprocess, sys
mcpjail, run, copy = sys.argv[1:]
data = open(run + "/ledger.jsonl", "rb").read()
random.seed(7)
places = random.sample(range(len(data)), 150) + [0, len(data) - 1, len(data) - 2]
for at in places:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(run, copy)
    changed = bytearray(data)
    changed[at] ^= random.choice([1, 2, 4, 8, 16, 32, 64])
    open(copy + "/ledger.jsonl", "wb").write(changed)
    r = subprocess.run([mcpjail, "verify", copy], capture_output=True, text=True)
    assert r.returncode == 1, (at, r)
    assert re.search(r"record|line", r.stdout + r.stderr), (at, r)
print("fine")
P
is "$(tail -1 "$TMP/flips")" fine "one byte changed anywhere: verify exits 1 and names the record"

# Cut short, with whatever else can be cut with it.
mkdir "$TMP/cut" && cp "$TMP/run"/* "$TMP/cut/" && head -n 4 "$TMP/run/ledger.jsonl" >"$TMP/cut/ledger.jsonl"
is "$(verify "$TMP/cut")" 1 "cut short: noticed by the checkpoints"
is "$(verify "$TMP/cut" --anchor "$anchor")" 1 "and by the anchor"
# Another run's records in its place: whole, well signed, another key.
jailed -q -p "$policy" --run-dir "$TMP/other" -- $AGENT "$session" >/dev/null 2>&1
is "$(verify "$TMP/other")" 0 "a ledger rebuilt whole with another key verifies by itself"
is "$(verify "$TMP/other" --anchor "$anchor")" 1 "but not against the anchor"
is "$(verify "$TMP/nothing-here")" 2 "what is not there cannot be checked"

# Interrupted.
in_background /dev/null -q -p "$policy" -g interrupted --run-dir "$TMP/killed" -- sh -c "$AGENT '$session*2'; touch half; sleep 20"
await_file half
kill -9 $SUPERVISOR
wait $SUPERVISOR 2>/dev/null
sleep 0.5
is "$(verify "$TMP/killed")" 3 "interrupted but whole: 3"

# trace
out=$("$MCPJAIL" trace "$TMP/run")
is "$(grep -c 'allow  *start_session' <<<"$out")" 3 "trace lists the calls" || note "$out"
like "$out" 'send_fax.*/default|/default.*send_fax' "and the denial with its rule"
jailed -q -p "$(allow_all)" --run-dir "$TMP/esc" -- $AGENT 'start_session:{"hostType":"\u001b[2J\u202e"}' >/dev/null 2>&1
unlike "$("$MCPJAIL" trace "$TMP/esc")" $'\x1b|\u202e' "control characters are escaped in it"

# No record, no call. (The ledger on a full disk: a tmpfs of a few pages, in a mount namespace.)
: >"$SERVED"
cat >"$TMP/full.sh" <<'S'
mkdir -p "$TMP/small" && mount -t tmpfs -o size=256k,mode=700 tmpfs "$TMP/small" || exit 99
mkdir -m 700 "$TMP/small/run"
"$MCPJAIL" -p "$ALL" --connect-to "promptfax.app:443:127.0.0.1:$PORT" --upstream-ca "$CA" --run-dir "$TMP/small/run" \
	-- sh -c "$AGENT '$SESSION*5'; $AGENT '$BIG*200'"
S
big='start_session:{"hostType":"other","x":"'$(head -c 4000 /dev/zero | tr '\0' x)'"}'
export TMP MCPJAIL PORT CA AGENT SESSION="$session" BIG="$big" ALL="$(allow_all)"
if [ "$(id -u)" = 0 ]; then in_namespace="unshare -m"; else in_namespace="unshare --user --map-root-user -m"; fi
$in_namespace sh "$TMP/full.sh" >"$TMP/out" 2>"$TMP/err"
served=$(served start_session)
allowed=$(grep -c '^ok start_session' "$TMP/out")
[ "$allowed" -ge 5 ] && [ "$allowed" -lt 205 ]
ok $? "a disk that fills up: calls are denied from then on" || note "allowed $allowed" "$(tail -3 "$TMP/err")"
is "$served" "$allowed" "and none reaches the server without its record"
like "$(grep '^denied' "$TMP/out" | tail -1)" 'record|space' "the agent is told why"
like "$(cat "$TMP/err")" 'No space left' "and so is the person"
