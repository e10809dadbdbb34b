#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lint.sh - layout, layering, one owner per library, sizes and words, static analysis
set -u
cd "$(dirname "$0")/.." || exit 1
failures=0
complain() { printf '%s\n' "$*"; failures=$((failures + 1)); }

mapfile -t sources < <(git ls-files 'launcher/*.c' 'policy/*.c' 'bpf/*.c')
mapfile -t all_c < <(git ls-files '*.c' '*.h')

# --- every header and source begins with its licence ---------------------------
for f in "${all_c[@]}"; do
	head -1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || complain "$f: no SPDX line"
done

# --- one layout -------------------------------------------------------------------
mapfile -t misformatted < <(clang-format --dry-run -Werror "${all_c[@]}" 2>&1 | sed -n 's/^\([^:]*\):.*error.*/\1/p' | sort -u)
for f in "${misformatted[@]}"; do complain "$f: run clang-format -i on it"; done

# --- dependencies point one way --------------------------------------------------
# A file of tier N may include headers of its own tier's list only.
allowed_for() {
	case $1 in
	base) echo base ;;
	ipc) echo 'base ipc' ;;
	sandbox) echo 'base sandbox' ;;
	policy) echo 'base ipc policy' ;;
	mcp) echo 'base ipc policy mcp' ;;
	ledger | state | trust | dial | jail) echo "base ipc sandbox policy state trust ledger dial $1" ;;
	proxy) echo 'base ipc sandbox policy mcp jail proxy' ;;
	bpf) echo 'base bpf' ;;
	broker) echo 'base ipc sandbox policy jail bpf broker' ;;
	roles) echo 'base ipc sandbox policy mcp jail bpf broker proxy ledger state trust dial roles' ;;
	*) echo '' ;; # commands and main: anything
	esac
}
tier_of() { # path below launcher/ or include/, or from the top
	local path=${1#launcher/}
	path=${path#include/}
	case $path in */*) echo "${path%%/*}" ;; esac
}
mapfile -t layered < <(git ls-files 'launcher/*.[ch]' 'policy/*.[ch]' 'bpf/*.[ch]' 'include/*.h')
for f in "${layered[@]}"; do
	tier=$(tier_of "$f")
	allowed=$(allowed_for "$tier")
	while read -r include; do
		# Without a directory it is of the file's own, or made by the Makefile.
		case $include in
		*.inc) continue ;;
		*/*) ;;
		*) [ -e "${f%/*}/$include" ] || complain "$f: there is no $include beside it"; continue ;;
		esac
		[ -z "$allowed" ] || case " $allowed " in *" $(tier_of "$include") "*) ;; *) complain "$f: $tier may not include $include" ;; esac
		# A contract is in include/ or, for policy/ and bpf/, told by their own; the rest is private.
		[ ! -e "launcher/$include" ] || [ "$(tier_of "$include")" = "$tier" ] || [ "$tier" = commands ] || [ "$f" = launcher/main.c ] ||
			complain "$f: $include is private to $(tier_of "$include")"
	done < <(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$f")
done

# --- one owner per library ----------------------------------------------------
owner() { # header-regex, path-regex, name
	local hits
	hits=$(grep -lE "#include <$1" "${sources[@]}" | grep -vE "$2")
	[ -z "$hits" ] || complain "$3 is used outside its owners:"$'\n'"$hits"
}
owner 'seccomp\.h>' '^launcher/(jail/filter/|sandbox/)' libseccomp
owner 'openssl/' '^launcher/(base/crypto|proxy|trust|ledger|roles/(keeper|proxy)|mcp|state)|^launcher/commands/(verify|doctor_server)' OpenSSL
owner 'bpf/' '^bpf/' libbpf
owner 'ares' '^launcher/dial/|^launcher/roles/dialer' c-ares
owner 'pcre2' '^policy/regex' PCRE2
owner 'jansson\.h>' '^launcher/(mcp|proxy|commands|ledger)/|^policy/' jansson

# --- what the text tells ------------------------------------------------------------
mapfile -t faults < <(python3 tests/style.py "${all_c[@]}" $(git ls-files '*.md'))
for fault in "${faults[@]}"; do complain "$fault"; done

# --- analysers ------------------------------------------------------------------
# cppcheck sees one configuration, no system headers and no cleanup attributes; what it is told to
# leave is noise from that. Leaks are looked for by running the tests under SANITIZE=1.
cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --std=c11 \
	--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=nullPointerRedundantCheck \
	--suppress=memleak --suppress=uninitvar:launcher/sandbox/seccomp.c \
	-j2 -Iinclude -Ilauncher launcher policy bpf/wall.c bpf/wall_owners.c || failures=$((failures + 1))

[ "$failures" = 0 ] && echo "lint: clean"
exit $((failures != 0))
