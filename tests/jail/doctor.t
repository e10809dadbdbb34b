#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mcpjail doctor says whether a jail can be made, why not, and which runtimes trust it.
. "$(dirname "$0")/../lib.sh"
unset HTTPS_PROXY https_proxy NO_PROXY no_proxy

field() { # JSON, Python expression on d
	python3 -c "import json,sys; d=json.loads(sys.argv[1]); c={x['name']:x for x in d['checks']}; r={x['name']:x for x in d.get('runtimes',[])}; print($2)" "$1"
}

tier() { # JSON, tier, Python expression on t
	python3 -c "import json,sys; d=json.loads(sys.argv[1]); t=[t for t in d['tiers'] if t['name']==sys.argv[2]][0]; print($3)" "$1" "$2"
}

# --- here, where a jail can be made ----------------------------------------------------
text=$("$MCPJAIL" doctor 2>"$TMP/err")
is $? 0 "a jail can be made here: 0"
is "$(cat "$TMP/err")" "" "nothing on standard error"
like "$text" '^tier a works: a jail was made, with namespaces,tproxy,' "the tier that is chosen is named, with its layers"
like "$text" '^tier b works, if it is asked for .--tier.: a jail was made, with seccomp,broker,landlock' "so is the other one"
like "$text" '^    but the command sees other processes' "and what that cannot give"
like "$text" '^  ok +capture ' "and what they are made of"
unlike "$text" '^  untried' "everything could be tried"
json=$("$MCPJAIL" doctor --json)
is $? 0 "--json: 0"
is "$(field "$json" "sorted(d), sorted(d['host']), sorted(d['tiers'][0]), sorted(d['checks'][0])")" \
	"['checks', 'host', 'layers', 'reason', 'tier', 'tiers', 'version'] ['container', 'in_a_jail', 'kernel', 'root', 'seccomp_filter', 'user_namespace'] ['cannot', 'chosen', 'layers', 'means', 'name', 'reason', 'works'] ['detail', 'gives', 'mend', 'name', 'ok', 'weight']" \
	"--json: its members are those that programs rely on"
is "$(field "$json" "d['tier'], d['reason'], d['host']['root'], d['host']['user_namespace']")" "a None $([ "$(id -u)" = 0 ] && echo True || echo False) False" "--json: tier, no reason, who asks"
is "$(field "$json" "all(x['ok'] for x in d['checks'] if x['weight'] in ('needed', 'tier a', 'tier b'))")" True "--json: everything that a jail needs is there"
is "$(field "$json" "[(t['name'], t['works'], t['chosen'], t['reason']) for t in d['tiers']]")" "[('a', True, True, None), ('b', True, False, None)]" "--json: both tiers work"
is "$(tier "$json" a "t['layers'] == d['layers'] and 'namespaces' in t['layers']")" True "--json: the layers are those of the chosen one"
is "$(field "$json" "c['user.max_user_namespaces']['ok'], c['user.max_user_namespaces']['detail'], c['user.max_user_namespaces']['weight']")" \
	"True $(cat /proc/sys/user/max_user_namespaces) setting" "--json: settings of the kernel, with what they are"
is "$(field "$json" "'runtimes' in d")" False "--json: no runtimes, as none were tried"
if [ "$(id -u)" = 0 ]; then
	is "$(field "$json" "c['eBPF']['ok'], 'bpf' in d['layers'], any('second wall' in x for x in d['tiers'][0]['cannot'])")" "True True False" "root has the second wall"
else
	is "$(field "$json" "c['eBPF']['ok'], c['eBPF']['mend'], 'bpf' in d['layers'], any('second wall' in x for x in d['tiers'][0]['cannot'])")" "False sudo mcpjail …; for root's own directories: its home and records are root's, others' files read-only False True" "without privilege there is no second wall; it is said, and who has it"
fi
is "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'mcpjail-doctor.*' -user "$(id -un)" 2>/dev/null)" "" "nothing is left behind"
! ls "$XDG_STATE_HOME"/mcpjail/runs/* >/dev/null 2>&1
ok $? "no run is left in the state directory"

# --- where less can be made ----------------------------------------------------------------
# Under a filter like a container engine's, and as root with its capabilities.
filtered="$BUILD/tests/jail/like_a_container"
text=$("$filtered" "$MCPJAIL" doctor)
is $? 0 "under a container's filter: 0"
like "$text" '^tier b works: a jail was made, with seccomp,broker' "a run would take tier b"
like "$text" '^tier a .by namespaces. does not work: namespaces: ' "and why not the other one"
like "$text" 'under somebody.s seccomp filter' "and that there is a filter"
json=$("$filtered" "$MCPJAIL" doctor --json)
is "$(field "$json" "d['tier'], d['host']['seccomp_filter'], c['user namespace']['ok'], c['capture']['ok'], c['seccomp filter']['ok'], c['notification']['ok']")" \
	"b True False None True True" "--json: what is refused, what could not be tried, what works"
like "$(field "$json" "c['user namespace']['mend']")" 'seccomp' "the mend names the filter, or the option that lifts it"
is "$(field "$json" "c['capture']['mend']")" None "what could not be tried has no mend of its own"
"$filtered" "$MCPJAIL" -q --tier a -- touch ran 2>"$TMP/err"
is $? 125 "a run of tier a there: 125"
is "$(grep -c 'mcpjail doctor' "$TMP/err")" 1 "which says once who knows more"
like "$(cat "$TMP/err")" 'the jail could not be made: nothing ran; `mcpjail doctor` says what is missing$' "at its end"
unlike "$text" 'mcpjail doctor. says' "the doctor itself does not"
[ ! -e ran ]
ok $? "and it runs nothing"
"$MCPJAIL" -q --write "$WORK/nowhere" -- touch ran 2>"$TMP/err"
is $? 125 "a directory that is not there: 125"
unlike "$(cat "$TMP/err")" 'doctor' "for which there is no doctor"
"$filtered" "$MCPJAIL" -q -- sh -c 'echo ran' >"$TMP/out" 2>/dev/null
is "$?$(cat "$TMP/out")" 0ran "a run there does as the doctor says"

# In a user namespace whose own limit forbids more of them; then its advice is followed.
cat >"$TMP/forbid" <<-'END'
	echo 0 >/proc/sys/user/max_user_namespaces || exit
	"$MCPJAIL" doctor --json >"$TMP/before"
	echo $? >>"$TMP/before"
	mend=$(sed -n 's/.*"mend":"sudo \(sysctl -w user\.max_user_namespaces=[0-9]*\)".*/\1/p' "$TMP/before" | head -1)
	PATH=$PATH:/usr/sbin:/sbin $mend >/dev/null || exit
	"$MCPJAIL" doctor --json >"$TMP/after"
END
MCPJAIL=$MCPJAIL TMP=$TMP unshare -Ur sh "$TMP/forbid"
json=$(head -1 "$TMP/before")
is "$(tail -1 "$TMP/before")" 0 "where a sysctl forbids user namespaces: 0, by tier b"
is "$(field "$json" "d['tier'], d['host']['user_namespace'], c['user.max_user_namespaces']['ok'], c['user.max_user_namespaces']['detail']")" "b True False 0" "the setting is named"
is "$(field "$json" "c['user namespace']['mend']")" "sudo sysctl -w user.max_user_namespaces=15000" "the mend is the command that lifts it"
like "$(tier "$json" a "t['reason']")" 'max_user_namespaces' "as it is in mcpjail's own words"
is "$(field "$(cat "$TMP/after")" "d['tier'], c['user.max_user_namespaces']['ok'], c['user namespace']['ok']")" "a True True" "and when it is done, a run takes tier a"

# Where nothing works: who listens for notifications already lets nobody else.
# In a jail, which holds no other. The program lies where the jail can see it.
json=$("$MCPJAIL" -q -- "$MCPJAIL" doctor --json)
is $? 1 "in a jail of mcpjail: 1"
is "$(field "$json" "d['host']['in_a_jail'], c['user namespace']['ok']")" "True False" "it knows where it is"
like "$(field "$json" "c['user namespace']['mend']")" 'outside' "and sends outside"
is "$(field "$json" "d['tier'], c['notification']['ok']")" "None False" "neither tier works there"
like "$(field "$json" "c['notification']['mend']")" 'start mcpjail outside' "and why"

# --- what else runs meet -------------------------------------------------------------------
mkdir -p "$XDG_CONFIG_HOME/mcpjail"
echo '{"version":"1","default":"perhaps"}' >"$XDG_CONFIG_HOME/mcpjail/policy.json"
json=$("$MCPJAIL" doctor --json)
is $? 0 "a policy that cannot be loaded is not the jail's fault: 0"
is "$(field "$json" "c['policy']['ok']")" False "but it is told"
like "$(field "$json" "c['policy']['mend']")" "^mcpjail policy check $XDG_CONFIG_HOME/mcpjail/policy.json$" "with the command that shows all of it"
rm "$XDG_CONFIG_HOME/mcpjail/policy.json"
json=$(HTTPS_PROXY=http://user:secret@proxy.invalid:3128 "$MCPJAIL" doctor --json)
is "$(field "$json" "c['proxy']['ok'], 'proxy.invalid:3128' in c['proxy']['detail']")" "True True" "HTTPS_PROXY is seen"
unlike "$json" 'secret' "without its password"
json=$(HTTPS_PROXY=socks5://proxy.invalid "$MCPJAIL" doctor --json)
is "$(field "$json" "c['proxy']['ok'], d['tier']")" "False a" "a proxy of a kind that cannot be used is told, and is not the jail's fault"
json=$(XDG_STATE_HOME=/proc/nowhere "$MCPJAIL" doctor --json)
is "$(field "$json" "c['state directory']['ok'], d['tier']")" "False a" "a state directory that cannot be made is told"
"$MCPJAIL" doctor --nonsense 2>"$TMP/err"
is $? 2 "an unknown option: 2"
like "$(cat "$TMP/err")" '^mcpjail: doctor: --nonsense is not known' "which is named"

# --- AppArmor -------------------------------------------------------------------------------
mkdir "$TMP/a [b]"
cp "$MCPJAIL" "$TMP/a [b]/mcp\"jail"
profile=$("$TMP/a [b]/mcp\"jail" doctor --apparmor)
is $? 0 "the profile is printed: 0"
is "$(printf '%s' "$profile" | grep -c '^profile mcpjail ".*" flags=(unconfined) {$')" 1 "it is one profile"
like "$profile" '/a \\\[b\\\]/mcp\\"jail" flags' "for the program where it lies, whatever its path"
like "$profile" '^	userns,$' "which lets it make user namespaces"

# --- runtimes ----------------------------------------------------------------------------
json=$("$MCPJAIL" doctor --tls --json)
is $? 0 "every runtime found here trusts the jail: 0"
note "$(field "$json" "'\n'.join('%s: %s, %d ms' % (x['name'], x['version'], x['ms']) for x in d['runtimes'])")"
for runtime in curl git wget node python3; do
	is "$(field "$json" "r['$runtime']['trusts'], r['$runtime']['detail'], r['$runtime']['mend']")" "True None None" "$runtime trusts it"
	like "$(field "$json" "r['$runtime']['version']")" '[0-9]+\.[0-9]+' "and its version is told"
done
if command -v java keytool >/dev/null; then
	is "$(field "$json" "r['java']['trusts']")" True "so does Java"
	like "$("$MCPJAIL" -q -- keytool -list -keystore /run/mcpjail/java.p12 -storepass any -alias mcpjail 2>&1)" \
		'^mcpjail, .*trustedCertEntry' "from a store that opens with any password"
	like "$(JAVA_TOOL_OPTIONS=-Dof.the=caller "$MCPJAIL" -q -- printenv JAVA_TOOL_OPTIONS)" \
		'^-Dof.the=caller .*trustStore=/run/mcpjail/java.p12' "named behind the caller's own options"
fi
mkdir "$TMP/bin" "$TMP/tools"
for tool in sh sleep ls; do ln -s "$(command -v $tool)" "$TMP/tools/$tool"; done
is "$(env -u JAVA_HOME PATH="$TMP/tools" "$MCPJAIL" -q -- ls /run/mcpjail | grep -c java)" 0 "without Java no store is made"

# A curl that is told to trust others, and a wget that never ends.
cat >"$TMP/bin/curl" <<-END
	#!/bin/sh
	exec $(command -v curl) --cacert $(pwd)/other.pem --capath $(pwd) "\$@"
END
cat >"$TMP/bin/wget" <<-'END'
	#!/bin/sh
	[ "$1" = --version ] && echo wget 1.0 && exit
	exec sleep 71
END
chmod +x "$TMP/bin/curl" "$TMP/bin/wget"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null \
	-subj /CN=other -out other.pem 2>/dev/null
start=$SECONDS
json=$(PATH=$TMP/bin:$TMP/tools "$MCPJAIL" doctor --tls --json)
is $? 1 "a runtime that does not trust: 1"
is "$(field "$json" "sorted(r)")" "['curl', 'wget']" "only what is found is tried"
is "$(field "$json" "r['curl']['trusts'], bool(r['curl']['detail']), 'curlrc' in r['curl']['mend']")" "False True True" "curl: refused, with its words and a mend"
is "$(field "$json" "r['wget']['trusts']")" False "wget: what hangs has not trusted"
like "$(field "$json" "r['wget']['detail']")" '^nothing arrived in ' "and is told so"
[ $((SECONDS - start)) -lt 45 ]
ok $? "it does not hold the doctor up"
is "$(pgrep -u "$(id -u)" -xf 'sleep 71')" "" "and is gone with its jail"
# Ended while a jail is at work.
PATH=$TMP/bin:$TMP/tools "$MCPJAIL" doctor --tls >"$TMP/out" 2>&1 &
doctor=$!
for _ in $(seq 100); do
	pgrep -u "$(id -u)" -xf 'sleep 71' >/dev/null && break
	sleep 0.1
done
kill -TERM $doctor
wait $doctor
is $? 143 "a signal ends it"
is "$(pgrep -u "$(id -u)" -xf 'sleep 71')$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'mcpjail-doctor.*' -user "$(id -un)" 2>/dev/null)" "" "and it leaves nothing behind"
json=$(PATH=$TMP/tools "$MCPJAIL" -q -- "$MCPJAIL" doctor --tls --json)
is $? 1 "--tls without a jail: 1"
is "$(field "$json" "d['tier'], d['runtimes']")" "None []" "and nothing is tried"
