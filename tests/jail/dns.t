#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Names in the jail: every resolver gets an answer, from whomever it asked, the same for each
# name; nothing of it is a real address; and what is local stays local.
. "$(dirname "$0")/../lib.sh"
start_promptfax
policy=$(allow_all)
cp "$ROOT/tests/jail/dns_query.py" "$WORK/"
ours='198\.1[89]\.[0-9]+\.[0-9]+'
ours6='f[cd][0-9a-f]*:[0-9a-f:]+'
servers='127.0.0.53 192.0.2.53 198.51.100.1 10.0.0.1 192.168.1.1 2001:db8::53 fd00::53'

# --- many resolvers in one run ------------------------------------------------------------------
{
	for server in $servers; do
		for transport in udp tcp; do
			for q in "A promptfax.app 1" "AAAA promptfax.app 28" "HTTPS promptfax.app 65" "SVCB promptfax.app 64" "TXT promptfax.app 16" "MX promptfax.app 15"; do
				read -r type name number <<<"$q"
				echo "$server/$transport/$type $transport $server $name $number"
			done
		done
	done
	echo "again udp 192.0.2.53 promptfax.app 1"
	echo "capitals udp 192.0.2.53 pRoMpTfAx.ApP 1"
	echo "other udp 192.0.2.53 other.example 1"
	echo "unlisted-again tcp 127.0.0.53 other.example 1"
	echo "localhost udp 192.0.2.53 localhost 1"
	echo "localhost6 udp 192.0.2.53 localhost 28"
	echo "sub.localhost udp 192.0.2.53 sub.localhost 1"
	echo "invalid udp 192.0.2.53 a.invalid 1"
	echo "onion udp 192.0.2.53 a.onion 1"
	echo "root udp 192.0.2.53 . 2"
	echo "literal udp 192.0.2.53 8.8.8.8 1"
	# an id, and nothing; two questions; a compressed question; a name of 256 bytes; an answer
	echo "no-question udp 192.0.2.53 hex:123401000000000000000000 1"
	echo "two-questions udp 192.0.2.53 hex:12340100000200000000000001610000010001016200000100010a 1"
	echo "compressed udp 192.0.2.53 hex:123401000001000000000000c00c00010001 1"
	echo "update udp 192.0.2.53 hex:123428000001000000000000016100000600010a 1"
	echo "after udp 192.0.2.53 after.example 1"
} >"$WORK/queries"
cat >"$WORK/programs.sh" <<'S'
python3 dns_query.py <queries
for name in promptfax.app other.example; do
	echo "getent4/$name $(getent ahostsv4 $name | awk '{print $1; exit}')"
	echo "getent6/$name $(getent ahostsv6 $name | awk '{print $1; exit}')"
	echo "getent/$name $(getent hosts $name | awk '{print $1; exit}')"
	python3 -c '
import socket, sys
found = sorted({a[4][0] for a in socket.getaddrinfo(sys.argv[1], 443, type=socket.SOCK_STREAM)})
print("python/" + sys.argv[1], *found)
print("gethostbyname/" + sys.argv[1], socket.gethostbyname(sys.argv[1]))' $name
done
python3 -c '
import socket
a = socket.gethostbyname("promptfax.app")
print("reverse", socket.gethostbyaddr(a)[0])
for label, family in (("addrconfig4", socket.AF_INET), ("addrconfig6", socket.AF_INET6)):
    try:
        found = socket.getaddrinfo("promptfax.app", 443, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        print(label, found[0][4][0])
    except OSError as error:
        print(label, "none", error)
print("localhost-python", *sorted({a[4][0] for a in socket.getaddrinfo("localhost", 80)}))'
echo "localhost-getent $(getent ahostsv4 localhost | awk '{print $1; exit}')"
cat >node.mjs <<'J'
import dns from 'node:dns/promises';
const say = async (label, f) => {
	try { console.log(label, [await f()].flat().map((a) => a.address ?? a).sort().join(' ')); }
	catch (e) { console.log(label, 'none', e.code); }
};
for (const name of ['promptfax.app', 'other.example']) {
	await say('node-lookup/' + name, () => dns.lookup(name, {all: true}));
	await say('node-resolve4/' + name, () => dns.resolve4(name));
	await say('node-resolve6/' + name, () => dns.resolve6(name));
}
await say('node-addrconfig', () => dns.lookup('promptfax.app', {family: 4, hints: 32}));
await say('node-localhost', () => dns.lookup('localhost', {family: 4}));
await say('node-txt', () => dns.resolveTxt('promptfax.app'));
await say('node-reverse', async () => dns.reverse(await dns.resolve4('promptfax.app').then((a) => a[0])));
for (const server of ['127.0.0.53', '192.0.2.53', '[2001:db8::53]', '10.0.0.1']) {
	const resolver = new dns.Resolver({timeout: 3000, tries: 1});
	resolver.setServers([server]);
	await say('node-server/' + server, () => resolver.resolve4('promptfax.app'));
}
J
node node.mjs
for tool in dig host nslookup; do
	command -v $tool >/dev/null || continue
	case $tool in
	dig) echo "tool/dig $(dig +short @192.0.2.53 promptfax.app A)" ;;
	host) echo "tool/host $(host -t A promptfax.app 192.0.2.53 | sed -n 's/.* has address //p')" ;;
	nslookup) echo "tool/nslookup $(nslookup -type=A promptfax.app 192.0.2.53 | sed -n 's/^Address: \(198.*\)/\1/p')" ;;
	esac
done
S
jailed -q -p "$policy" --run-dir "$TMP/run" -- sh programs.sh >"$TMP/out" 2>"$TMP/err"
is $? 0 "the programs ran in the jail" || note "$(tail -5 "$TMP/err")"
answer() { awk -v label="$1" '$1 == label { sub(/^[^ ]+ ?/, ""); print; exit }' "$TMP/out"; }

A=$(answer "192.0.2.53/udp/A") A=${A##* } A=${A:-none}
AAAA=$(answer "192.0.2.53/udp/AAAA") AAAA=${AAAA##* } AAAA=${AAAA:-none}
like "$A" "^$ours\$" "a name has an address of our own ($A)"
like "$AAAA" "^$ours6\$" "and one of IPv6 ($AAAA)"
for server in $servers; do
	for transport in udp tcp; do
		is "$(answer "$server/$transport/A")" "asked 0 $A" "$server over $transport: A, from the address that was asked"
		is "$(answer "$server/$transport/AAAA")" "asked 0 $AAAA" "$server over $transport: AAAA"
		for type in HTTPS SVCB TXT MX; do
			is "$(answer "$server/$transport/$type")" "asked 0" "$server over $transport: $type is empty"
		done
	done
done
is "$(answer again)" "asked 0 $A" "asked again: the same"
is "$(answer capitals)" "asked 0 $A" "in other letters: the same, and the question comes back as it was"
other=$(answer other) other=${other##* } other=${other:-none}
like "$other" "^$ours\$" "an unlisted name has an address too ($other)"
[ "$other" != "$A" ]
ok $? "another one"
is "$(answer unlisted-again)" "asked 0 $other" "the same over TCP, from another server"
is "$(answer localhost)" "asked 0 127.0.0.1" "localhost is local"
is "$(answer localhost6)" "asked 0 ::1" "in IPv6 too"
is "$(answer sub.localhost)" "asked 0 127.0.0.1" "and what is below it"
is "$(answer invalid)" "asked 3" ".invalid does not exist"
is "$(answer onion)" "asked 3" "nor does .onion"
like "$(answer root)" '^asked [0-5]$' "a question about the root gets an answer without data"
like "$(answer literal)" '^asked [0-5]$' "a name that looks like an address gets none"
for label in no-question two-questions compressed update; do
	like "$(answer $label)" '^(asked [1-5]|none timed out)$' "a malformed query ($label) gets an error or nothing"
done
like "$(answer after)" "^asked 0 $ours\$" "and the next one is answered"

for name in promptfax.app other.example; do
	[ $name = promptfax.app ] && expected=$A || expected=$other
	is "$(answer getent4/$name)" "$expected" "getent ahostsv4 $name: that address"
	like "$(answer getent6/$name)" "^$ours6\$" "getent ahostsv6 $name: one of ours"
	like "$(answer getent/$name)" "^($ours|$ours6)\$" "getent hosts $name: one of ours"
	like "$(answer python/$name)" "^$expected $ours6\$" "python getaddrinfo $name: both"
	is "$(answer gethostbyname/$name)" "$expected" "python gethostbyname $name"
	like "$(answer node-lookup/$name)" "^$expected( $ours6)?\$" "node dns.lookup $name"
	is "$(answer node-resolve4/$name)" "$expected" "node dns.resolve4 $name (c-ares)"
	like "$(answer node-resolve6/$name)" "^$ours6\$" "node dns.resolve6 $name (c-ares)"
done
is "$(answer getent6/promptfax.app)" "$AAAA" "glibc's IPv6 address is the one that raw queries got"
is "$(answer node-resolve6/promptfax.app)" "$AAAA" "and c-ares's"
for server in 127.0.0.53 192.0.2.53 '[2001:db8::53]' 10.0.0.1; do
	is "$(answer "node-server/$server")" "$A" "c-ares, which looks at who answers, believes $server"
done
# AI_ADDRCONFIG: a family counts only if some interface has an address of it that is not loopback.
is "$(answer addrconfig4)" "$A" "getaddrinfo of IPv4 with AI_ADDRCONFIG"
is "$(answer addrconfig6)" "$AAAA" "getaddrinfo of IPv6 with AI_ADDRCONFIG"
is "$(answer node-addrconfig)" "$A" "node dns.lookup of IPv4 with ADDRCONFIG"
is "$(answer node-txt)" "none ENODATA" "node: no TXT"
is "$(answer reverse)" promptfax.app "the address has its name"
is "$(answer node-reverse)" promptfax.app "for c-ares too"
is "$(answer localhost-getent)" 127.0.0.1 "getent: localhost is local"
like "$(answer localhost-python)" '^127\.0\.0\.1( ::1)?$' "python: localhost is local"
is "$(answer node-localhost)" 127.0.0.1 "node: localhost is local"
grep '^tool/' "$TMP/out" | while read -r tool address; do echo "$tool $address"; done >"$TMP/tools"
while read -r tool address; do is "$address" "$A" "$tool: that address"; done <"$TMP/tools"
unlike "$(cat "$TMP/run/ledger.jsonl")" '"type":"net.denied".*":53"' "questions are no denials"

# --- what the addresses lead to --------------------------------------------------------------------
cat >"$WORK/lead.py" <<'P'
import socket, ssl, sys
def get(host, address, name):
    context = ssl.create_default_context()
    context.check_hostname = False
    s = context.wrap_socket(socket.create_connection((address, 443), 5), server_hostname=name)
    subject = dict(x for rdn in s.getpeercert().get("subjectAltName", ()) for x in [rdn])
    s.sendall(("GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host).encode())
    data = b""
    while True:
        got = s.recv(4096)
        if not got:
            break
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    return "%s %s %s" % (subject.get("DNS"), head.split()[1].decode(), body.decode().strip())
for family in (socket.AF_INET, socket.AF_INET6):
    for host in ("other.example", "third.example"):
        address = socket.getaddrinfo(host, 443, family, socket.SOCK_STREAM)[0][4][0]
        print("lead", family.name, host, get(host, address, None))
# Five hundred names: five hundred addresses, and the first still has its own.
first = socket.gethostbyname("n0.example")
many = {socket.gethostbyname("n%d.example" % i) for i in range(500)}
print("many", len(many), socket.gethostbyname("n0.example") == first)
P
jailed -q -p "$policy" -- python3 lead.py >"$TMP/out" 2>&1
for family in AF_INET AF_INET6; do
	for host in other.example third.example; do
		like "$(grep "lead $family $host" "$TMP/out")" " $host 403 mcpjail: .*$host" "$family: the address of $host leads to its own 403, without SNI" || note "$(tail -5 "$TMP/out")"
	done
done
is "$(grep ^many "$TMP/out")" "many 500 True" "five hundred names have five hundred addresses"
is "$(jailed -q -p "$policy" -- $AGENT --modern start_session 2>&1 | cut -c1-16)" "ok start_session" "and a call finds its server by name"

# --- local is local -----------------------------------------------------------------------------------
cat >"$WORK/local.py" <<'P'
import socket, threading
def serve(family, address):
    s = socket.create_server((address, 0), family=family)
    def run():
        while True:
            c, peer = s.accept()
            c.sendall(b"inside")
            c.close()
    threading.Thread(target=run, daemon=True).start()
    return s.getsockname()[1]
def reach(host, port):
    try:
        return socket.create_connection((host, port), 3).recv(100).decode()
    except OSError as error:
        return str(error)
v4, v6 = serve(socket.AF_INET, "127.0.0.1"), serve(socket.AF_INET6, "::1")
every = serve(socket.AF_INET, "0.0.0.0")
print("v4", reach("127.0.0.1", v4))
print("v6", reach("::1", v6))
print("name", reach("localhost", v4))
print("127.0.0.2", reach("127.0.0.2", every))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("127.0.0.1", 0))
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
c.sendto(b"inside", u.getsockname())
u.settimeout(3)
print("udp", u.recvfrom(100)[0].decode())
print("nobody", reach("127.0.0.1", 9))
P
jailed -q -p "$policy" --run-dir "$TMP/local" -- python3 local.py >"$TMP/out" 2>&1
for row in v4 v6 name 127.0.0.2 udp; do
	is "$(grep "^$row " "$TMP/out")" "$row inside" "a server inside the jail is reached ($row)" || note "$(tail -3 "$TMP/out")"
done
like "$(grep '^nobody ' "$TMP/out")" refused "where nobody listens, loopback refuses"
is "$(grep -c '"net.denied"' "$TMP/local/ledger.jsonl")" 0 "nothing of it comes to the proxy"
