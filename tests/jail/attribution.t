#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The process behind each connection stands in the records of what it did.
. "$(dirname "$0")/../lib.sh"
start_promptfax
curl=$(realpath "$(command -v curl)") python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))') bash=$(realpath "$(command -v bash)")
policy=$(allow_all)

# judge RUN SCRIPT… - Python over its records; prints what went wrong, and else "fine"
judge() {
	local run=$1
	shift
	python3 - "$run" "$curl" "$python" "$bash" <<-END 2>&1 | tail -1
		import json, os, re, sys
		run, curl, python, bash = sys.argv[1:]
		records = [json.loads(line) for line in open(run + "/ledger.jsonl")]
		of = lambda kind: [r for r in records if r["type"] == kind]
		calls = [r for r in of("call.decision") if r["method"] == "tools/call"]
		exes = lambda r: [p["exe"] for p in r["exec"]["parents"]]
		$*
		print("fine")
	END
}

cat >call.sh <<-'END' # one call by curl, of the tool that is named
	curl -sS -o /dev/null https://promptfax.app/mcp -H 'content-type: application/json' \
		-H 'accept: application/json, text/event-stream' \
		-d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"$1\",\"arguments\":{}}}"
END

in_tier() { jailed --tier $tier "$@"; }
for tier in a b; do
# --- children of one agent ----------------------------------------------------------------
cat >agent.sh <<-END
	bash call.sh by_curl
	$AGENT by_python by_python >/dev/null
	curl -sS -o /dev/null https://unlisted.example/x
	curl -sS -o /dev/null http://listed.example/plain
	(bash call.sh by_grandchild)
	true
END
in_tier -q -p "$policy" --allow listed.example:80 --connect-to listed.example:80:127.0.0.1:9 \
	--run-dir "$TMP/$tier" -- bash agent.sh 2>"$TMP/err"
is $? 0 "$tier: an agent whose children call" || note "$(cat "$TMP/err")"
is "$(judge "$TMP/$tier" '
assert [c["tool"] for c in calls] == ["by_curl", "by_python", "by_python", "by_grandchild"], calls
c = calls[0]["exec"]
assert c["exe"] == curl and c["argv"][:2] == ["curl", "-sS"] and c["argv"][-1].startswith("{"), c
assert exes(calls[0]) == [bash, bash], c
')" fine "$tier: curl's call is curl's: exe, argv, and the shells above it"
is "$(judge "$TMP/$tier" '
a, b = calls[1]["exec"], calls[2]["exec"]
assert a == b and a["exe"] == python and a["argv"][1].endswith("mcp_calls.py"), a
assert exes(calls[1]) == [bash], a
')" fine "$tier: Python's calls are one process's"
is "$(judge "$TMP/$tier" '
denied = [r for r in of("net.denied") if r.get("host") == "unlisted.example"]
assert len(denied) == 1 and denied[0]["exec"]["exe"] == curl, denied
assert denied[0]["exec"]["argv"][-1] == "https://unlisted.example/x", denied
allowed = of("net.allowed")
assert len(allowed) == 1 and allowed[0]["exec"]["argv"][-1] == "http://listed.example/plain", allowed
assert all(r["exec"]["exe"] in (curl, python) for r in of("conn.open")), of("conn.open")
')" fine "$tier: so are refused and allowed requests, and connections upstream"
is "$(judge "$TMP/$tier" '
first = {}
for r in of("proc.exec"):
    if "id" in r:
        assert r["id"] not in first, r
        first[r["id"]] = r
used = [r for r in records if isinstance(r.get("exec"), dict)]
assert used and {r["exec"]["id"] for r in used} == set(first), first
for r in used:
    e = first[r["exec"]["id"]]
    assert e["seq"] < r["seq"] and {k: e[k] for k in r["exec"]} == r["exec"], (e, r)
')" fine "$tier: and each process has one record of its own, before the first that names it"
is "$("$MCPJAIL" verify "$TMP/$tier" >"$TMP/verify"; echo $?)" 0 "$tier: the ledger verifies"
pid=$(judge "$TMP/$tier" 'print(calls[0]["exec"]["pid"]); sys.exit()')
like "$("$MCPJAIL" trace "$TMP/$tier" | grep -A4 by_curl)" "^ +by curl\[$pid\]\$" "$tier: trace names it"
is "$("$MCPJAIL" trace "$TMP/$tier" --process "$pid" --json | grep -c by_curl)" 1 "$tier: trace shows the calls of one process"
is "$("$MCPJAIL" trace "$TMP/$tier" --process "$pid" --json | grep -c 'by_python\|by_grandchild')" 0 "$tier: and no others"

# --- as the machine numbers it -------------------------------------------------------------
in_background "$TMP/out" -q --tier $tier -p "$policy" --run-dir "$TMP/$tier-2" -- python3 mcp_calls.py --pause 1 told_number told_number
agent= # it lives for a second behind each call
for _ in $(seq 100); do
	agent=$(pgrep -n -u "$(id -u)" -f 'mcp_calls.py --pause 1 told_number') && grep -q call.decision "$TMP/$tier-2/ledger.jsonl" && break
	sleep 0.05
done
ticks=$(sed 's/.*) //' "/proc/$agent/stat" | cut -d' ' -f20)
wait "$SUPERVISOR"
is "$(judge "$TMP/$tier-2" "
e = calls[0]['exec']
assert e['pid'] == int('0$agent') and e['start_ns'] == int('0$ticks') * 10**9 // os.sysconf('SC_CLK_TCK'), (e, '$agent $ticks')
")" fine "$tier: the pid and the start time are those that the machine knows"

# --- those that are hard to catch ------------------------------------------------------------
cat >fork_twice.py <<-'END'
	import os, time
	if os.fork() == 0:
	    os.setsid()
	    if os.fork() == 0:
	        os.execvp("bash", ["bash", "call.sh", "by_orphan"])
	    os._exit(0)
	os.wait()
	time.sleep(1)
END
in_tier -q -p "$policy" --run-dir "$TMP/$tier-3" -- python3 fork_twice.py 2>"$TMP/err"
is "$(judge "$TMP/$tier-3" '
assert len(calls) == 1 and calls[0]["exec"]["exe"] == curl, calls
assert exes(calls[0])[:1] == [bash] and python not in exes(calls[0]), calls
')" fine "$tier: an orphan of a session of its own, with the parents that it still has"

cat >pass.py <<-'END' # connects, and gives the socket away
	import array, os, socket
	a, b = socket.socketpair()
	if os.fork() == 0:
	    os.dup2(b.fileno(), 0)
	    os.execvp("python3", ["python3", "use.py"])
	a.recv(1)
	s = socket.create_connection(("promptfax.app", 443))
	a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
	s.close()
	os.wait()
END
cat >use.py <<-'END' # calls by a connection that it was given
	import array, json, socket, ssl
	giver = socket.socket(fileno=0)
	giver.send(b"r")
	data, control, _, _ = giver.recvmsg(1, socket.CMSG_SPACE(4))
	fds = array.array("i")
	fds.frombytes(control[0][2][:4])
	s = ssl.create_default_context().wrap_socket(socket.socket(fileno=fds[0]), server_hostname="promptfax.app")
	body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "by_gift", "arguments": {}}})
	s.sendall(("POST /mcp HTTP/1.1\r\nhost: promptfax.app\r\ncontent-type: application/json\r\n"
	           "accept: application/json, text/event-stream\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)).encode())
	s.recv(65536)
END
in_tier -q -p "$policy" --run-dir "$TMP/$tier-4" -- python3 pass.py 2>"$TMP/err"
is "$(judge "$TMP/$tier-4" '
assert len(calls) == 1 and calls[0]["exec"]["exe"] == python, calls
assert calls[0]["exec"]["argv"][1] in ("pass.py", "use.py"), calls
')" fine "$tier: of a socket that is given away, who made it or who has it" || note "$(cat "$TMP/err")"

cat >many.py <<-'END' # more descriptors than are looked through, the connection behind them all
	import os, resource, socket, subprocess
	soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
	limit = hard if 0 < hard < 60000 else 60000
	resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
	for _ in range(limit - 64):
	    os.dup(0)
	os.execvp("python3", ["python3", "mcp_calls.py", "by_hoarder"])
END
start=$(date +%s%N)
in_tier -q -p "$policy" --run-dir "$TMP/$tier-5" -- python3 many.py >"$TMP/out" 2>"$TMP/err"
is "$(judge "$TMP/$tier-5" '
assert len(calls) == 1, calls
e = calls[0]["exec"]
assert e.get("exe") == python or "unknown" in e, e
')" fine "$tier: one with tens of thousands of descriptors is told, or that it is not known" || note "$(cat "$TMP/err")"

cat >vanish.py <<-'END' # processes that end as soon as they are connected
	import os, socket
	for i in range(40):
	    if os.fork() == 0:
	        s = socket.socket()
	        s.connect(("198.51.100.7", 443))
	        os._exit(0)
	for i in range(40):
	    os.wait()
END
in_tier -q -p "$policy" --run-dir "$TMP/$tier-6" -- python3 vanish.py 2>"$TMP/err"
is "$(judge "$TMP/$tier-6" '
denied = of("net.denied")
assert len(denied) == 40, len(denied)
for r in denied:
    e = r["exec"]
    assert e.get("exe") == python or len(e["unknown"]) > 10, e
')" fine "$tier: of one that is gone at once too: it, or why it is not known" || note "$(cat "$TMP/err")"

# --- what a process says of itself ----------------------------------------------------------
cp "$curl" 'cu"r\l 1) R 1'
sed 's#curl -sS#./cu\\"r\\\\l\\ 1\\)\\ R\\ 1 -sS#' call.sh >call_by_name.sh
in_tier -q -p "$policy" --run-dir "$TMP/$tier-7" -- bash call_by_name.sh by_name 2>"$TMP/err"
is "$(judge "$TMP/$tier-7" '
e = calls[0]["exec"]
assert e["exe"].endswith("/cu\"r\\l 1) R 1") and e["parents"][0]["exe"] == bash, e
')" fine "$tier: a program by any name" || note "$(cat "$TMP/err")"
done
