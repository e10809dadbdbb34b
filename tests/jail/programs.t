#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What agents run: each program reaches the host that is allowed, as it would without a jail, and
# of any other gets the refusal to read.
. "$(dirname "$0")/../lib.sh"
. "$ROOT/tests/proxy/origin.sh"

# --- a host with a page, a repository and a registry's package --------------------------------
site=$TMP/site
mkdir -p "$site/left/-" "$TMP/package"
echo '<p>the page</p>' >"$site/page.html"
echo '{"the":"page"}' >"$site/data.json"
git init -q "$TMP/repo" && git -C "$TMP/repo" -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m 'the page'
git clone -q --bare "$TMP/repo" "$site/repo.git" && git -C "$site/repo.git" update-server-info
echo '{"name":"left","version":"1.0.0","main":"left.js"}' >"$TMP/package/package.json"
echo 'module.exports = "the page";' >"$TMP/package/left.js"
tar -czf "$site/left/-/left-1.0.0.tgz" -C "$TMP" package
# What a registry says of it lies where npm asks: the name alone.
mkdir "$site/registry"
cat >"$site/registry/left" <<P
{"name":"left","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"left","version":"1.0.0","dist":{
 "tarball":"https://allowed.example/left/-/left-1.0.0.tgz","integrity":"sha512-$(openssl dgst -sha512 -binary "$site/left/-/left-1.0.0.tgz" | openssl base64 -A)"}}}}
P
origin_certificates allowed.example
python3 "$ROOT/tests/jail/https_files.py" "$TMP/origin/cert.pem" "$TMP/origin/key.pem" "$site" >"$TMP/site.out" 2>"$TMP/site.log" &
children+=($!)
for _ in $(seq 100); do
	grep -q ^port "$TMP/site.out" && break
	sleep 0.05
done
PORT=$(sed -n 's/^port //p' "$TMP/site.out")
in_jail() { # COMMAND…
	"$MCPJAIL" -q --allow allowed.example --connect-to "allowed.example:443:127.0.0.1:$PORT" \
		--upstream-ca "$TMP/origin/ca.pem" "$@" 2>&1 </dev/null
}

# --- what fetches ------------------------------------------------------------------------------
cat >"$WORK/Fetch.java" <<'P'
import java.net.URI;
import java.net.http.*;
class Fetch {
	public static void main(String[] args) throws Exception {
		var request = HttpRequest.newBuilder(URI.create(args[0])).build();
		System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
	}
}
P
cat >"$WORK/fetch.py" <<'P'
import sys, urllib.error, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1]).read().decode())
except urllib.error.HTTPError as e:
    print(e.read().decode())
P
cat >"$WORK/fetch.mjs" <<'P'
console.log(await (await fetch(process.argv[2])).text());
P
refusal='mcpjail: other\.example:443 is refused'
# fetches NAME PATH REFUSAL COMMAND… - with URL in place of the address
fetches() {
	local name=$1 path=$2 refused=$3
	shift 3
	like "$(in_jail -- "${@/URL/https://allowed.example/$path}")" 'the"?[]: .=]*"?page' "$name reaches the host that is allowed"
	like "$(in_jail -- "${@/URL/https://other.example/$path}")" "$refused" "and of another it gets the refusal"
}
fetches curl page.html "$refusal" curl -sS URL
fetches wget page.html 'ERROR 403' wget -O- URL
fetches Node page.html "$refusal" node fetch.mjs URL
fetches Python page.html "$refusal" python3 fetch.py URL
fetches "a Go program" data.json "$refusal|invalid character" gron URL
fetches Java page.html "$refusal" java Fetch.java URL
fetches git repo.git 'error: 403' sh -c 'rm -rf clone && git clone -q "$0" clone && git -C clone log --format=%s' URL

# --- a browser: without its own sandbox, which root cannot have, and with it ---------------------
has_chromium() { # or it is not to be had
	command -v chromium >/dev/null || ! grep -q '^ID=ubuntu' /etc/os-release
}
if has_chromium; then
	fetches Chromium page.html "$refusal" chromium --headless --no-sandbox --dump-dom URL
fi
if has_chromium && [ "$(id -u)" = 0 ]; then
	like "$("$MCPJAIL" -- chromium --headless --dump-dom about:blank 2>&1 </dev/null)" 'nested_sandbox: root can make no .*chromium --no-sandbox' "to root it is said that its sandbox cannot be had"
elif has_chromium; then
	fetches "Chromium in its own sandbox" page.html "$refusal" chromium --headless --dump-dom URL
	out=$("$MCPJAIL" -- chromium --headless --dump-dom about:blank 2>&1 </dev/null)
	like "$out" 'preset: chromium .*may sandbox itself' "which is announced"
	unlike "$out" 'refused: .*google' "what it says to its maker is no news"
fi

# --- what builds ---------------------------------------------------------------------------------
printf '#include <stdio.h>\nint main(void) { puts("the page"); }\n' >"$WORK/a.c"
is "$(in_jail -- sh -c 'gcc -o a a.c && ./a')" "the page" "gcc compiles, and what it makes runs"
npm_install='npm install --no-audit --no-fund --no-update-notifier --loglevel=error --fetch-retries=0'
like "$(in_jail -- sh -c "$npm_install --registry=https://allowed.example/registry/ left && node -p 'require(\"left\")'" || cat "$TMP/site.log")" 'the page' "npm installs from the registry that is allowed"
like "$(in_jail -- sh -c "rm -rf node_modules package*; $npm_install --registry=https://other.example/ left")" '403' "and not from another"

# --- what talks within the jail --------------------------------------------------------------------
is "$(in_jail -- sh -c 'socat UNIX-LISTEN:/tmp/s SYSTEM:"echo the page" & sleep 0.5; socat - UNIX-CONNECT:/tmp/s')" "the page" "socat, which signals itself by a pair of datagram sockets"

# --- what has no way out -------------------------------------------------------------------------
like "$(in_jail -- ssh -o BatchMode=yes -o StrictHostKeyChecking=no git@allowed.example)" 'mcpjail: .*https' "ssh is told to use https"
python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
while True: s.accept()[0].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")
' "$TMP/docker.sock" &
children+=($!)
ping='import docker; print(docker.DockerClient(base_url=sys.argv[1]).ping())'
await_file "$TMP/docker.sock"
like "$(timeout 10 python3 -c "import sys; $ping" "unix://$TMP/docker.sock" 2>&1)" True "a container engine's client reaches its engine outside"
like "$(in_jail -- timeout 10 python3 -c "import sys; $ping" "unix://$TMP/docker.sock" | tail -1)" 'Permission denied|Connection aborted|Error' "and not from the jail"
like "$("$MCPJAIL" -- timeout 10 python3 -c "import sys; $ping" "unix://$TMP/docker.sock" 2>&1 </dev/null)" "^mcpjail: refused: the socket $TMP/docker.sock, .*\"sockets\"" "where the summary names the socket, and the key that lists it"
