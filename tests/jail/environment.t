#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What of the caller's environment reaches the agent, and what a policy changes of that.
. "$(dirname "$0")/../lib.sh"

policy() { # environment, as JSON; sets the policy that p() uses
	echo "{\"version\":\"1\",\"default\":\"deny\",\"environment\":$1}" >"$TMP/policy.json"
}
j() { "$MCPJAIL" -q "$@" 2>&1; }
p() { "$MCPJAIL" -q -p "$TMP/policy.json" "$@" 2>&1; }
# show NAME… - a command that prints each, or "unset"
show() { for name; do printf 'printf "%%s\\n" "${%s-unset}";' "$name"; done; }

# Secrets, by name and by value; and settings that only look alike.
export ANTHROPIC_API_KEY=sk-ant-0123456789abcdef0123 NPM_TOKEN=npm-t DB_PASSWORD=hunter2 \
	REPOSITORY=https://u:hunter2@git.example/x MODEL_LOGIN=ghp_0123456789abcdefghijklmnopqrstuvwxyz \
	TOKENIZERS_PARALLELISM=false MAX_TOKENS=4096 EDITOR=vi
is "$(j -- sh -c "$(show ANTHROPIC_API_KEY NPM_TOKEN DB_PASSWORD REPOSITORY MODEL_LOGIN)" | sort -u)" unset \
	"what looks like a credential does not reach the agent"
is "$(j -- sh -c "$(show TOKENIZERS_PARALLELISM MAX_TOKENS EDITOR)" | tr '\n' ' ')" "false 4096 vi " "settings do"
unlike "$(j -- sh -c 'cat /proc/*/environ | tr "\0" "\n"')" 'hunter2|sk-ant|ghp_|npm-t' "nor is it in a process that the agent can see"
err=$("$MCPJAIL" -- true 2>&1 >/dev/null)
like "$err" '^mcpjail: .*ANTHROPIC_API_KEY' "one line names it"
like "$err" 'NPM_TOKEN' "all of it"
unlike "$err" 'hunter2|sk-ant|ghp_|EDITOR|MAX_TOKENS' "and never a value"

policy '{"pass":["ANTHROPIC_API_KEY","NPM_*"],"unset":["EDIT*"],"set":{"MODEL":"m1","MAX_TOKENS":"1"}}'
is "$(p -- sh -c "$(show ANTHROPIC_API_KEY NPM_TOKEN DB_PASSWORD EDITOR MODEL MAX_TOKENS)" | tr '\n' ' ')" \
	"sk-ant-0123456789abcdef0123 npm-t unset unset m1 1 " "a policy passes, unsets and sets"
unlike "$("$MCPJAIL" -p "$TMP/policy.json" -- true 2>&1)" 'ANTHROPIC_API_KEY|NPM_TOKEN' "what it passes is not said to be withheld"
policy '{"pass":["NPM_TOKEN"],"unset":["*_TOKEN"]}'
is "$(p -- sh -c "$(show NPM_TOKEN)")" unset "unset wins over pass"

# What reaches out: wrappers around the caller, proxies, the session, a CI runner's ears.
export LD_LIBRARY_PATH=/nonexistent LD_DEBUG_OUTPUT=/x https_proxy=http://127.0.0.1:3128 NO_PROXY=x no_proxy=x \
	ftp_proxy=x SSH_AUTH_SOCK=/x XDG_RUNTIME_DIR=/run/user/1
names='LD_LIBRARY_PATH LD_DEBUG_OUTPUT https_proxy NO_PROXY no_proxy ftp_proxy SSH_AUTH_SOCK XDG_RUNTIME_DIR'
# shellcheck disable=SC2086
is "$(j -- sh -c "$(show $names)" | sort -u)" unset "LD_*, proxies and sockets of the session do not reach the agent"
# shellcheck disable=SC2086
unlike "$("$MCPJAIL" -- true 2>&1 | grep withheld)" "${names// /|}" "they are not told of as credentials"
policy '{"pass":["*"]}'
# shellcheck disable=SC2086
is "$(p -- sh -c "$(show $names)" | sort -u)" unset "no pattern passes them"
policy '{"pass":["LD_LIBRARY_PATH","NO_PROXY"]}'
is "$(p -- sh -c "$(show LD_LIBRARY_PATH NO_PROXY no_proxy)" | tr '\n' ' ')" "/nonexistent x unset " "their exact names do"
unset LD_LIBRARY_PATH LD_DEBUG_OUTPUT https_proxy NO_PROXY no_proxy ftp_proxy

# The runner acts on what is in these files; one that lies in $PWD could be written.
echo outside >commands
mkdir -p elsewhere
export GITHUB_ENV=$PWD/commands GITHUB_OUTPUT=$PWD/elsewhere/none GITHUB_WORKSPACE=$PWD
is "$(j -- sh -c "$(show GITHUB_ENV GITHUB_OUTPUT GITHUB_WORKSPACE)" | tr '\n' ' ')" "unset unset $PWD " \
	"a runner's command files are not named"
is "$(j -- cat commands)" "" "nor readable"
like "$(j -- sh -c 'echo PATH=/x >>commands')" 'Read-only|denied' "nor writable"
like "$(j -- sh -c 'rm -f commands; mv commands c2; mv elsewhere/../commands x')" 'busy' "nor movable"
is "$(cat commands)" outside "and they are as they were"
unset GITHUB_ENV GITHUB_OUTPUT
is "$(BASH_ENV=/etc j -- sh -c 'ls /etc | wc -l')" "$(ls /etc | wc -l)" "what is no file of commands stays"

# Ours win over everything.
policy '{"pass":["*"],"unset":["*"],"set":{"MCPJAIL":"0","MCPJAIL_RUN":"x","SSL_CERT_FILE":"/x","NODE_EXTRA_CA_CERTS":"/x","TMPDIR":"/tmp/t"}}'
is "$(p -- sh -c "$(show MCPJAIL SSL_CERT_FILE NODE_EXTRA_CA_CERTS TMPDIR)" | tr '\n' ' ')" \
	"1 /run/mcpjail/ca-bundle.pem /run/mcpjail/ca.pem /tmp/t " "no policy changes the jail's own variables"
unlike "$(p -- sh -c "$(show MCPJAIL_RUN)")" '^x$|^unset$' "nor the run's name"
