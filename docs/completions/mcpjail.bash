# SPDX-License-Identifier: Apache-2.0
# bash completion for mcpjail(1)

_mcpjail() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i
	local options='--policy --allow --preset --grant --observe --write --env --forward-host --connect-to
		--upstream-ca --run-dir --require --tier --timeout --fail-on --summary --quiet --verbose --help'

	# Behind -- it is the command's turn.
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			if ((i + 1 == COMP_CWORD)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			else
				compopt -o default
			fi
			return
		fi
	done
	case $prev in
	-p | --policy | --upstream-ca | --summary | --run-dir | --write)
		compopt -o default
		return ;;
	--preset)
		mapfile -t COMPREPLY < <(compgen -W 'chromium claude-code codex gemini opencode github' -- "$cur")
		return ;;
	--env)
		mapfile -t COMPREPLY < <(compgen -e -- "$cur")
		return ;;
	--require)
		mapfile -t COMPREPLY < <(compgen -W 'namespaces tproxy netlog mounts seccomp broker landlock ports signals cgroup bpf processes memory cpu' -- "$cur")
		return ;;
	--tier)
		mapfile -t COMPREPLY < <(compgen -W 'a b' -- "$cur")
		return ;;
	--fail-on)
		mapfile -t COMPREPLY < <(compgen -W 'denied unknown lost' -- "$cur")
		return ;;
	policy)
		mapfile -t COMPREPLY < <(compgen -W 'check test explain diff init allow deny' -- "$cur")
		return ;;
	esac
	case ${COMP_WORDS[1]} in
	reload | trace | verify)
		mapfile -t COMPREPLY < <(cd "${XDG_STATE_HOME:-$HOME/.local/state}/mcpjail/runs" 2>/dev/null &&
			compgen -o dirnames -W '--json --anchor --process' -- "$cur")
		return ;;
	policy)
		compopt -o default
		mapfile -t COMPREPLY < <(compgen -f -W '--json --call --from-run --from-server' -- "$cur")
		return ;;
	doctor)
		mapfile -t COMPREPLY < <(compgen -W '--tls --json --apparmor' -- "$cur")
		return ;;
	esac
	if ((COMP_CWORD == 1)); then
		options+=' run doctor policy reload trace verify'
	fi
	mapfile -t COMPREPLY < <(compgen -W "$options --" -- "$cur")
}
complete -F _mcpjail mcpjail
