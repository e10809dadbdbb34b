#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh run BUILD SECONDS FILTER NAME…     run fuzzers, two at a time; FILTER is part of a name
# fuzz.sh corpus BUILD 0 FILTER NAME…        choose the corpora anew
#
# An input that breaks a property is left in tests/fuzz/findings-NAME/, to be run again by
# BUILD/tests/fuzz/NAME FILE. The last line is "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/../.." || exit 1
action=$1 build=$2 seconds=$3 filter=$4
shift 4
FILES_MAX=100
KBYTES_MAX=200
INPUT_MAX=4096
names=()
for name; do [[ $name == *"$filter"* ]] && names+=("$name"); done
[ ${#names[@]} -gt 0 ] || {
	echo "fuzz: no fuzzer has '$filter' in its name; there are: $*" >&2
	exit 1
}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/mcpjail-fuzz.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:abort_on_error=0
export UBSAN_OPTIONS=print_stacktrace=1

options_of() { # NAME
	options=(-max_len=$INPUT_MAX -rss_limit_mb=1024 -timeout=20 -report_slow_units=60
		-print_final_stats=1)
	[ ! -f "tests/fuzz/$1.dict" ] || options+=("-dict=tests/fuzz/$1.dict")
}

run_one() { # NAME
	local name=$1 log=$scratch/$1.log findings=tests/fuzz/findings-$1 found=$build/corpus/$1
	local kept=() status options
	options_of "$name"
	mkdir -p "$found" "$findings"
	[ ! -d "tests/fuzz/corpus/$name" ] || kept=("tests/fuzz/corpus/$name")
	"$build/tests/fuzz/$name" "${options[@]}" -seed=1 -max_total_time="$seconds" \
		-artifact_prefix="$findings/" "$found" "${kept[@]}" >"$log" 2>&1
	status=$?
	rmdir "$findings" 2>/dev/null
	executions=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
	cover=$(grep -oE '(INITED|DONE|REDUCE|NEW|pulse).*' "$log" | grep -oE 'cov: [0-9]+' | tail -1)
	if [ "$status" = 0 ] && [ "${executions:-0}" -gt 0 ]; then
		printf 'ok   %-16s %9d executions, %s edges, %d inputs\n' "$name" "$executions" \
			"${cover#cov: }" "$(find "$found" "${kept[@]}" -type f | wc -l)"
		return 0
	fi
	echo "FAIL $name, status $status"
	grep -vE '^#[0-9]+|^INFO|^stat::|^MS: |^0x|Base64|NEW_FUNC|Dictionary|NOTE:|Combine|fuzzer::|__sanitizer|libc_start|in _start|^$' "$log" | tail -40 | sed 's/^/     /'
	grep -E '^Test unit written' "$log" | sed 's/^/     /'
	return 1
}

# What was written by hand stays; beside it, of the fewest that cover what all cover, the largest,
# for these cover most.
choose_one() { # NAME
	local name=$1 options count bytes size file
	local chosen=$scratch/$1 kept=tests/fuzz/corpus/$1
	options_of "$name"
	mkdir -p "$chosen" "$build/corpus/$name" "$kept"
	"$build/tests/fuzz/$name" "${options[@]}" -set_cover_merge=1 "$chosen" "$kept" \
		"$build/corpus/$name" >"$scratch/$name.log" 2>&1 || {
		tail -20 "$scratch/$name.log"
		return 1
	}
	find "$kept" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
	count=$(find "$kept" -type f | wc -l)
	bytes=$(cat "$kept"/* 2>/dev/null | wc -c)
	while read -r size file; do
		cmp -s "$chosen/$file" "$kept/$file" && continue
		[ $count -lt $FILES_MAX ] || break
		[ $((bytes + size)) -le $((KBYTES_MAX * 1024)) ] || continue
		cp "$chosen/$file" "$kept/$file"
		count=$((count + 1)) bytes=$((bytes + size))
	done < <(find "$chosen" -type f -printf '%s %f\n' | sort -rn)
	echo "$name: $count files of $(find "$chosen" -type f | wc -l), $bytes bytes"
}

if [ "$action" = corpus ]; then
	for name in "${names[@]}"; do choose_one "$name" || exit 1; done
	exit 0
fi
# Two at a time; each says at its end what became of it.
for name in "${names[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
	{ run_one "$name" && : >"$scratch/$name.passed"; } &
done
wait
passed=$(find "$scratch" -name '*.passed' | wc -l)
failed=$((${#names[@]} - passed))
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
