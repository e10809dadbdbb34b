#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Wherever a system keeps its certificates, the run's CA is among them: the trees of other
# distributions are built here, and the jail is made over each.
. "$(dirname "$0")/../lib.sh"
. "$ROOT/tests/proxy/origin.sh"
export HOME=$TMP/home
mkdir -p "$HOME"
user=
[ "$(id -u)" = 0 ] || user=--map-root-user
j() { "$MCPJAIL" -q "$@" 2>&1; }

# A copy of /etc that can be changed, over the real one, for what runs in over().
mkdir "$TMP/etc"
cp -a --no-preserve=ownership /etc/. "$TMP/etc/" 2>/dev/null
rm -rf "$TMP"/etc/ssl "$TMP"/etc/pki "$TMP"/etc/ca-certificates "$TMP"/etc/chromium* "$TMP"/etc/firefox* "$TMP"/etc/resolv.conf
mkdir "$TMP/etc/ssl"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out "$TMP/system.pem" -subj /CN=system 2>/dev/null
# Whether each FILE has the run's CA: one line for each.
cat >"$WORK/has_ca" <<'S'
for f in "$@"; do
	grep -qF "$(sed -n 2p /run/mcpjail/ca.pem)" "$f" 2>/dev/null && echo "$f yes" || echo "$f no"
done
S
over() { # TREE-SCRIPT COMMAND… - with an /etc that the script made; the jail runs the command
	local etc=$TMP/etc.$RANDOM script=$1
	shift
	cp -a "$TMP/etc" "$etc"
	(cd "$etc" && eval "$script") || exit 1
	unshare $user -m bash -c 'mount --bind "$1" /etc && shift && cd "$WORK" && exec "$MCPJAIL" -q "$@" 2>/dev/null' \
		over "$etc" -- "$@"
	rm -rf "$etc"
}
export WORK MCPJAIL TMP
all_have() { # DESCRIPTION TREE-SCRIPT FILE…
	local what=$1 script=$2 f expected=
	shift 2
	for f in "$@"; do expected+="$f yes"$'\n'; done
	is "$(over "$script" sh has_ca "$@")" "${expected%$'\n'}" "$what"
}

rhel='mkdir -p pki/tls/certs pki/ca-trust/extracted/pem/directory-hash pki/ca-trust/extracted/openssl pki/ca-trust/source/anchors
cp "$TMP/system.pem" pki/ca-trust/extracted/pem/tls-ca-bundle.pem; cp "$TMP/system.pem" pki/ca-trust/extracted/openssl/ca-bundle.trust.crt
ln -s ../../ca-trust/extracted/pem/tls-ca-bundle.pem pki/tls/certs/ca-bundle.crt; ln -s ../ca-trust/extracted/pem/tls-ca-bundle.pem pki/tls/cert.pem; ln -s /etc/pki/tls/certs ssl/certs'
all_have "RHEL" "$rhel" /etc/pki/tls/certs/ca-bundle.crt /etc/pki/tls/cert.pem /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem \
	/etc/pki/ca-trust/extracted/openssl/ca-bundle.trust.crt /etc/ssl/certs/ca-bundle.crt /etc/pki/ca-trust/source/anchors/mcpjail.pem
all_have "Fedora, with certificates by hash" 'mkdir -p pki/tls pki/ca-trust/extracted/pem/directory-hash pki/ca-trust/source/anchors
cp "$TMP/system.pem" pki/ca-trust/extracted/pem/tls-ca-bundle.pem; cp "$TMP/system.pem" pki/ca-trust/source/anchors/own.pem
ln -s ../ca-trust/extracted/pem/directory-hash pki/tls/certs; ln -s ../pki/tls/certs ssl/certs' \
	/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem
like "$(over "$rhel"'; cp "$TMP/system.pem" pki/ca-trust/source/anchors/own.pem' ls /etc/pki/ca-trust/source/anchors)" own.pem "a person's own anchors stay"
all_have "Alpine" 'mkdir ssl/certs; cp "$TMP/system.pem" ssl/certs/ca-certificates.crt; ln -s certs/ca-certificates.crt ssl/cert.pem' \
	/etc/ssl/cert.pem /etc/ssl/certs/ca-certificates.crt
all_have "Arch" 'mkdir -p ssl/certs ca-certificates/extracted ca-certificates/trust-source/anchors; cp "$TMP/system.pem" ca-certificates/extracted/tls-ca-bundle.pem
ln -s ../../ca-certificates/extracted/tls-ca-bundle.pem ssl/certs/ca-certificates.crt; ln -s ../ca-certificates/extracted/tls-ca-bundle.pem ssl/cert.pem' \
	/etc/ssl/cert.pem /etc/ssl/certs/ca-certificates.crt /etc/ca-certificates/extracted/tls-ca-bundle.pem /etc/ca-certificates/trust-source/anchors/mcpjail.pem
mkdir -p "$TMP/store/etc/ssl/certs" && cp "$TMP/system.pem" "$TMP/store/etc/ssl/certs/ca-bundle.crt"
all_have "NixOS, where all are links into a store" 'mkdir -p ssl/certs; ln -s "$TMP/store/etc" static; for n in ca-bundle.crt ca-certificates.crt; do ln -s /etc/static/ssl/certs/ca-bundle.crt ssl/certs/$n; done' \
	/etc/ssl/certs/ca-bundle.crt /etc/ssl/certs/ca-certificates.crt
is "$(cmp "$TMP/system.pem" "$TMP/store/etc/ssl/certs/ca-bundle.crt" && echo same)" same "the store is as it was"
all_have "links to nowhere" 'ln -s /run/none/certs ssl/certs; ln -s certs/none.pem ssl/cert.pem; mkdir -p pki/tls/certs; ln -s /nowhere pki/tls/certs/ca-bundle.crt; ln -s /tmp/x/y pki/tls/cert.pem' \
	/etc/ssl/certs/ca-certificates.crt /etc/ssl/cert.pem /etc/pki/tls/certs/ca-bundle.crt /etc/pki/tls/cert.pem
all_have "links in a circle: there remains what the environment names" 'ln -s b ssl/certs; ln -s certs ssl/b' /run/mcpjail/ca-bundle.pem
is "$(over 'mkdir ssl/certs; cp "$TMP/system.pem" ssl/certs/' sh -c 'ls /etc/ssl/certs | tr "\n" " "' | grep -oE 'system.pem|[0-9a-f]{8}\.0' | sed 's/[0-9a-f]\{8\}/HASH/' | sort | tr '\n' ' ')" "HASH.0 system.pem " \
	"a directory of certificates keeps what it has, and gets ours by its hash"

# --- resolv.conf ------------------------------------------------------------------------------
resolver() { over "$1" cat /etc/resolv.conf; }
is "$(resolver 'echo nameserver 192.0.2.1 >resolv.conf')" "nameserver 198.18.0.1" "resolv.conf, a file"
is "$(resolver 'echo nameserver 192.0.2.1 >real; ln -s real resolv.conf')" "nameserver 198.18.0.1" "a link to one"
is "$(resolver 'ln -s ../run/systemd/resolve/stub-resolv.conf resolv.conf')" "nameserver 198.18.0.1" "a link into /run"
is "$(resolver 'ln -s /nowhere/at/all resolv.conf')" "nameserver 198.18.0.1" "a link to nowhere"
is "$(resolver 'ln -s resolv.conf resolv.conf')" "nameserver 198.18.0.1" "a link to itself"
like "$(over true sh -c 'cat /etc/resolv.conf; getent hosts promptfax.app')" '198\.18\.|fd|[0-9a-f]:' "none: names are answered all the same"

# --- browsers -------------------------------------------------------------------------------------
is "$(over 'mkdir -p chromium/policies/managed; echo "{}" >chromium/policies/managed/own.json' sh -c 'ls /etc/chromium/policies/managed | tr "\n" " "
	python3 -c "
import json, ssl
policy, = json.load(open(\"/etc/chromium/policies/managed/zz-mcpjail.json\"))[\"CACertificates\"]
assert \"\".join(open(\"/run/mcpjail/ca.pem\").read().split(\"\n\")[1:-2]) == policy
print(\"same\")"')" "own.json zz-mcpjail.json same" "Chromium's has the CA, beside a person's own"
is "$(over 'mkdir firefox' python3 -c 'import json; print(*json.load(open("/etc/firefox/policies/policies.json"))["policies"]["Certificates"]["Install"])')" /run/mcpjail/ca.pem "Firefox's names it"
for dir in .pki/nssdb .local/share/pki/nssdb; do
	rm -rf "$HOME/.pki" "$HOME/.local"
	mkdir -p "$HOME/$dir"
	certutil -d "sql:$HOME/$dir" -N --empty-password
	certutil -d "sql:$HOME/$dir" -A -t C,, -n own -i "$TMP/system.pem"
	before=$(cat "$HOME/$dir"/* | cksum)
	like "$(j -- certutil -d "sql:$HOME/$dir" -L)" 'mcpjail +C,,' "NSS's database in ~/$dir trusts the CA for servers"
	is "$(j -- sh -c "certutil -d sql:$HOME/$dir -N --empty-password; certutil -d sql:$HOME/$dir -L -n mcpjail -r | cksum; openssl x509 -in /run/mcpjail/ca.pem -outform DER | cksum" | uniq | wc -l)" 1 "it is that certificate"
	is "$(j -- sh -c "certutil -d sql:$HOME/$dir -N --empty-password && certutil -d sql:$HOME/$dir -A -t C,, -n more -i $TMP/system.pem && certutil -d sql:$HOME/$dir -L | grep -c C,,")" 2 "NSS can write beside it"
	is "$(cat "$HOME/$dir"/* | cksum)" "$before" "the person's own is untouched"
done
rm -rf "$HOME/.pki" "$HOME/.local"

# A real one, by each way alone. Its own sandbox is another test's.
mkdir "$TMP/site"
echo '<p>the page</p>' >"$TMP/site/page.html"
origin_certificates allowed.example
python3 "$ROOT/tests/jail/https_files.py" "$TMP/origin/cert.pem" "$TMP/origin/key.pem" "$TMP/site" >"$TMP/site.out" 2>"$TMP/site.log" &
children+=($!)
await_file "$TMP/site.out"
for _ in $(seq 100); do
	grep -q ^port "$TMP/site.out" && break
	sleep 0.05
done
PORT=$(sed -n 's/^port //p' "$TMP/site.out")
browse=(--allow allowed.example --connect-to "allowed.example:443:127.0.0.1:$PORT" --upstream-ca "$TMP/origin/ca.pem" --
	sh -c 'mkdir -p /tmp/p && exec chromium --headless --no-sandbox --disable-gpu --user-data-dir=/tmp/p --dump-dom https://allowed.example/page.html 2>/dev/null')
without_policies() { unshare $user -m bash -c 'rm -rf "$TMP/e"; cp -a /etc "$TMP/e" 2>/dev/null; rm -r "$TMP/e/chromium" && mount --bind "$TMP/e" /etc && cd "$WORK" && exec "$MCPJAIL" -q "$@" 2>&1' _ "$@"; }
like "$(j "${browse[@]}")" 'the page' "Chromium loads a page by its policy"
unlike "$(without_policies "${browse[@]}")" 'the page' "not if it has neither that nor a database"
mkdir -p "$HOME/.pki/nssdb"
like "$(without_policies "${browse[@]}")" 'the page' "and by NSS's database"
