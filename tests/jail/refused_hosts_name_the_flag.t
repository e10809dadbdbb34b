#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A refused destination is answered, and told at the end, with what would allow it; and doing
# that helps.
. "$(dirname "$0")/../lib.sh"
. "$ROOT/tests/proxy/origin.sh"
origin_certificates example.org
start_origin

to_origin() { # [OPTION…] -- COMMAND… - towards the stand-in for example.org
	"$MCPJAIL" --connect-to "example.org:443:127.0.0.1:$ORIGIN_PORT" --upstream-ca "$CA" "$@" 2>"$TMP/err" </dev/null
}
told() { grep "^mcpjail: refused" "$TMP/err"; }
fetch='curl -sS -m 20 -o body -w %{http_code}'

# shellcheck disable=SC2086
is "$(to_origin -- $fetch https://example.org/)" 403 "an unlisted host is answered 403"
like "$(cat body)" '^mcpjail: example\.org:443 .*mcpjail --allow example\.org .*mcpjail policy allow example\.org' "and the answer says what to add"
like "$(told)" '^mcpjail: refused: example\.org:443, 1 time; to allow it: --allow example\.org, or mcpjail policy allow example\.org$' "and so does the summary"
# shellcheck disable=SC2086
is "$(to_origin --allow Example.ORG -- $fetch https://example.org/)" 200 "with the flag, it is reached"
is "$(told)" "" "and nothing is told of it"
# shellcheck disable=SC2086
is "$(to_origin --allow example.org:8443 -- $fetch https://example.org/)" 403 "on the port that was named only"

"$MCPJAIL" policy allow example.org >"$TMP/out" 2>&1
is $? 0 "policy allow makes a policy of one's own"
like "$(cat "$TMP/out")" '^allowed: example\.org$' "and says what it did"
# shellcheck disable=SC2086
is "$(to_origin -- $fetch https://example.org/)" 200 "the next run reaches the host"
like "$(cat "$TMP/err")" "^mcpjail: policy: $XDG_CONFIG_HOME/mcpjail/policy.json$" "by that policy"
before=$(cat "$XDG_CONFIG_HOME/mcpjail/policy.json")
"$MCPJAIL" policy allow example.org example.net >/dev/null && "$MCPJAIL" policy deny example.net >/dev/null
is "$(cat "$XDG_CONFIG_HOME/mcpjail/policy.json")" "$before" "what was added and taken out leaves no trace"
"$MCPJAIL" policy deny example.org >/dev/null
# shellcheck disable=SC2086
is "$(to_origin -- $fetch https://example.org/)" 403 "policy deny takes it back"

# shellcheck disable=SC2086
to_origin -p "$(allow_all)" -- $fetch https://a.example.com:8443/ >/dev/null
like "$(told)" "--allow a\.example\.com:8443, or mcpjail policy allow -p $TMP/allow\.json a\.example\.com:8443$" "another port and another policy are named"
# shellcheck disable=SC2086
to_origin -- $fetch http://a.example.com/ >/dev/null
like "$(told)" '--allow a\.example\.com:80, ' "plain HTTP, too"
to_origin -- python3 -c '
import socket
s = socket.create_connection(("git.example.com", 22)); s.settimeout(10)
s.sendall(b"SSH-2.0-test\r\n"); s.recv(4096)'
like "$(told)" 'refused: git\.example\.com:22 \(ssh\), 1 time; .*url\."https://git\.example\.com/"\.insteadOf git@git\.example\.com:' "git over ssh is told of https remotes"
to_origin -- python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: s.sendto(b"x", ("192.0.2.9", 123))
except OSError: pass'
like "$(told)" 'refused: 192\.0\.2\.9:123 \(udp\), 1 time; udp does not leave the jail, and no flag' "datagrams are told to be without remedy"
# shellcheck disable=SC2086
to_origin -- $fetch -k https://192.0.2.9/ >/dev/null
like "$(told)" 'refused: 192\.0\.2\.9:443, 1 time; to allow it: --allow 192\.0\.2\.9, or mcpjail policy allow 192\.0\.2\.9$' "an address is allowed like a name"
to_origin -- python3 -c '
import socket
try: socket.create_connection(("127.0.0.1", 3999))
except OSError: pass'
like "$(told)" "refused: 127\.0\.0\.1:3999, 1 time; .*--forward-host 3999, and host\.mcpjail\.internal:3999" "a server of the host's loopback is told of --forward-host"
# shellcheck disable=SC2086
to_origin --forward-host 3998 -- $fetch http://host.mcpjail.internal:3999/ >/dev/null
like "$(told)" "^mcpjail: refused: host\.mcpjail\.internal:3999, 1 time; to reach this machine's own port 3999: --forward-host 3999$" "and so is a port of it that was not forwarded"
to_origin -- python3 -c '
import socket
s = socket.create_connection(("example.org", 80)); s.settimeout(10)
s.sendall(b"GET / HTTP/1.1\r\nHost: *.example.com\r\n\r\n"); s.recv(4096)'
unlike "$(told)" "--allow \*" "no wildcard is offered, whatever the agent asked for"
printf '#!/bin/sh\nfor h in statsig.anthropic.com statsig.anthropic.com claude.ai; do curl -s -o /dev/null https://$h/; done\n' >claude
chmod +x claude
to_origin -- "$PWD/claude"
like "$(told)" 'refused as telemetry: 1 host, 2 times \(left out by preset claude-code on purpose\)$' "telemetry is one line"
unlike "$(told)" 'statsig' "that names no host"
like "$(told)" 'refused: claude\.ai:443, 1 time; to log in, do it outside the jail first' "a log-in is told where to be done"
to_origin -- sh -c 'for i in $(seq 15); do curl -s -o /dev/null https://h$i.example.com/; done'
is "$(told | wc -l)" 13 "of many hosts a dozen are told"
like "$(told | tail -1)" 'and 3 more; mcpjail trace' "and how many more there are"
printf '#!/bin/sh\nfor p in $(seq 32); do curl -s -m 5 -o /dev/null https://statsig.anthropic.com:$p/; done; curl -s -o /dev/null https://exfiltration.example/\n' >claude
to_origin -- "$PWD/claude"
like "$(told)" 'refused: 1 more time, at destinations beyond those; mcpjail trace shows them$' "a list filled with telemetry hides no other refusal"
printf '#!/bin/sh\ncurl -s -o /dev/null -H "content-type: application/json" -d "{\\"mcp_servers\\":[]}" https://api.anthropic.com/v1/messages\n' >claude
to_origin -- "$PWD/claude"
like "$(told)" 'refused: 1 request, for what was said and not for where it went; mcpjail trace shows why$' "a request that its body condemns is told, too"
