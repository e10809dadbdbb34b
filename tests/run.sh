#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh [NAME…] - run the tests, as whoever calls and, where possible, as the other kind of
# user too: root also runs them as an unprivileged user, a user with sudo also as root.
#
# A unit test is a cmocka program; a *.t is a script that speaks TAP. Both are run with a
# time limit. The last line is "N passed, N failed, N skipped"; a skip is a failure: every test
# here can run on every machine that mcpjail runs on.
set -u
cd "$(dirname "$0")/.." || exit 1
# What the tests need of the tree; not the packages of real agent hosts, which are gigabytes.
copy_to() {
	mkdir "$1" && tar -c --exclude=node_modules Makefile README.md build tests policy docs | tar -x -C "$1"
}

# In the jail these are private and empty: a checkout there would not be seen.
case $PWD/ in
/tmp/* | /var/tmp/* | /dev/shm/* | /run/*)
	copy=$(realpath "${HOME:?}")/mcpjail-check-$$
	copy_to "$copy" || exit 1
	trap 'rm -rf "$copy"' EXIT
	cd "$copy" || exit 1
	"$copy/tests/run.sh" "$@"
	exit
	;;
esac
passed=0 failed=0 skipped=0
LIMIT=${TEST_TIMEOUT:-300}
only=("$@")

wanted() {
	local name=$1 pattern
	[ ${#only[@]} = 0 ] && return 0
	for pattern in "${only[@]}"; do [[ $name == *"$pattern"* ]] && return 0; done
	return 1
}

# Reads TAP or cmocka output, adds to the counts, shows what failed or was skipped.
count() { # name, exit status, output file
	local name=$1 status=$2 out=$3 ok bad skip
	if grep -q '^\[==========\]' "$out"; then
		ok=$(grep -c '^\[       OK \]' "$out")
		bad=$(grep -c '^\[  FAILED  \] test' "$out")
		bad=$((bad > 0 ? (bad + 1) / 2 : 0))
		skip=$(grep -c '^\[  SKIPPED \] test' "$out")
	else
		ok=$(grep -cE '^ok ' "$out")
		skip=$(grep -cE '^ok .*# SKIP' "$out")
		ok=$((ok - skip))
		bad=$(grep -c '^not ok ' "$out")
	fi
	if [ "$status" != 0 ] && [ "$bad" = 0 ]; then
		bad=1
		echo "# $name ended with status $status"
	fi
	if [ $((ok + bad + skip)) = 0 ]; then
		bad=1
		echo "# $name ran no test"
	fi
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
	if [ "$bad" = 0 ] && [ "$skip" = 0 ]; then
		echo "ok   $name ($ok)"
	else
		echo "$([ "$bad" = 0 ] && echo skip || echo FAIL) $name ($ok passed, $bad failed, $skip skipped)"
		grep -E '^not ok |^#|# SKIP|^\[  (FAILED|ERROR|SKIPPED)|^\[   LINE|^skipped:|ERROR|runtime error' "$out" | sed 's/^/     /' | head -60
	fi
}

run() { # name, command…
	local name=$1 out status
	shift
	out=$(mktemp)
	timeout -k 10 "$LIMIT" "$@" >"$out" 2>&1 </dev/null
	status=$?
	count "$name" "$status" "$out"
	rm -f "$out"
}

for t in build/tests/unit/test_*; do
	[ -x "$t" ] && [[ $t != *.d ]] || continue
	wanted "$t" && run "unit/${t##*/}" "$t"
done

run_jail_tests() { # label, command prefix…
	local label=$1 t
	shift
	for t in tests/jail/*.t tests/proxy/*.t; do
		[ -e "$t" ] && wanted "$t" && run "$label: ${t#tests/}" "$@" "$t"
	done
	return 0
}

# The unprivileged user works on a copy, because a checkout may lie where only root can look.
run_as_unprivileged() {
	local user=mcpjail-test copy as_user is_new=
	if ! id "$user" >/dev/null 2>&1; then
		useradd --create-home --shell /bin/bash "$user" || return 1
		is_new=1
	fi
	copy=$(getent passwd "$user" | cut -d: -f6)/mcpjail-$$
	copy_to "$copy" && chmod 755 "$copy"
	chown -R "$user:" "$copy"
	cd "$copy" || return 1
	as_user=(setpriv --reuid="$user" --regid="$user" --init-groups --reset-env)
	wanted test_confine && run "$user: unit/test_confine" "${as_user[@]}" build/tests/unit/test_confine
	run_jail_tests "$user" "${as_user[@]}"
	cd / && rm -rf "$copy"
	[ -z "$is_new" ] || userdel --remove "$user" 2>/dev/null
	return 0
}

# The other kind of user's run goes beside the caller's: most of both is waiting.
others_counts=$(mktemp)
beside() { # command…
	(
		passed=0 failed=0 skipped=0
		"$@" || failed=$((failed + 1))
		echo "$passed $failed $skipped" >"$others_counts"
	) &
}

if [ "$(id -u)" = 0 ]; then
	beside run_as_unprivileged
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
	beside run_jail_tests "root by sudo" sudo -n
else
	echo 0 0 0 >"$others_counts"
fi
run_jail_tests "$(id -un)"
wait
# Nothing written: the other run ended before its end.
read -r other_passed other_failed other_skipped <"$others_counts" || other_failed=1
rm -f "$others_counts"
passed=$((passed + other_passed)) failed=$((failed + other_failed)) skipped=$((skipped + other_skipped))

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$skipped" = 0 ]
