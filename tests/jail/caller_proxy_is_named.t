#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The caller's proxy variables: which counts, what is said of it, and what cannot be used.
. "$(dirname "$0")/../lib.sh"
unset https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY

run() { # VARIABLE=VALUE… - prints the exit status
	env "$@" "$MCPJAIL" -- env >"$TMP/out" 2>"$TMP/err" </dev/null
	echo $?
}
proxy() { sed -n 's/^mcpjail: proxy: //p' "$TMP/err"; }

is "$(run) $(proxy)" "0 " "without one nothing is said"
is "$(run HTTPS_PROXY=http://proxy.example:3128) $(proxy)" "0 proxy.example:3128, from HTTPS_PROXY" "it is named"
unlike "$(cat "$TMP/out")" '^[A-Za-z_]*(proxy|PROXY)=' "and the agent sees none"
is "$(run HTTPS_PROXY=http://upper:1 https_proxy=http://lower:2) $(proxy)" "0 lower:2, from https_proxy" "lower case wins"
is "$(run https_proxy= HTTPS_PROXY=http://upper:1) $(proxy)" "0 upper:1, from HTTPS_PROXY" "unless it is empty"
is "$(run ALL_PROXY=http://all:1 HTTPS_PROXY=http://upper:1) $(proxy)" "0 upper:1, from HTTPS_PROXY" "what is for https wins over what is for all"
is "$(run ALL_PROXY=http://all:1) $(proxy)" "0 all:1, from ALL_PROXY" "which counts else"
is "$(run https_proxy=proxy.example) $(proxy)" "0 proxy.example:80, from https_proxy" "scheme and port have defaults"
is "$(run 'https_proxy=HTTP://[2001:db8::1]:3128/') $(proxy)" "0 [2001:db8::1]:3128, from https_proxy" "an IPv6 address is one"
is "$(run 'https_proxy=http://ada:hunter%402@proxy.example:3128') $(proxy)" "0 ada@proxy.example:3128, from https_proxy" "the user is named"
unlike "$(cat "$TMP/err" "$TMP/out")" hunter "the password is not"
is "$(run 'https_proxy=http://hunter2@proxy.example:3128') $(proxy)" "0 proxy.example:3128, from https_proxy" "a user without a password may be a token: it is not named"
is "$(run https_proxy=http://a:1 'NO_PROXY=*') $(proxy)" "0 " "NO_PROXY=* is none"
is "$(run ALL_PROXY=socks5h://a:1)" 125 "a SOCKS proxy that would be used is refused"
like "$(cat "$TMP/err")" '^mcpjail: ALL_PROXY: proxies of the kind socks5h:// are not supported; ' "and says so"
is "$(run ALL_PROXY=socks5://a:1 HTTPS_PROXY=http://b:2) $(proxy)" "0 b:2, from HTTPS_PROXY" "one that would not be used is no matter"
is "$(run ALL_PROXY=socks5://a:1 'no_proxy=*')" 0 "nor where no host is reached by it"
for wrong in 'http://u:hunter2@' 'u:hunter2@p:1://' 'http://u:hunter%zz@p:1' 'http://u:hunter%0d%0a@p:1' 'http://u:hunter2@p:0' \
	'http://u:hunter2@p:x' 'http://u:hunter2@[::1' 'http://u:hunter2@p:99999'; do
	is "$(run "https_proxy=$wrong")" 125 "refused: $wrong"
	like "$(cat "$TMP/err")" '^mcpjail: https_proxy: is no URL of a proxy; ' "by name"
	unlike "$(cat "$TMP/err")" hunter "without its password"
done

printf -- '-----BEGIN NOTHING' >"$TMP/roots"
is "$(run SSL_CERT_FILE="$TMP/none")" 0 "a file of roots that is not there is left out"
like "$(cat "$TMP/err")" "^mcpjail: SSL_CERT_FILE is left out: $TMP/none: No such file" "which is said"
is "$(run SSL_CERT_FILE="$TMP")" 0 "so is what is no file"
like "$(cat "$TMP/err")" "^mcpjail: SSL_CERT_FILE is left out: $TMP: no regular file$" "which is said"
