// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/load/suggest.h"
#include "base/cleanup.h"

#define WORD_65 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *a, *b;
	size_t edits;
} distances[] = {
	{"", "", 0},
	{"", "abc", 3},
	{"abc", "", 3},
	{"window", "window", 0},
	{"windw", "window", 1},
	{"wnidow", "window", 1},
	{"Window", "window", 0},
	{"kitten", "sitting", 3},
	{"ca", "abc", 3},
	{"ab", "ba", 1},
	{WORD_65, "a", SIZE_MAX},
};

static const struct {
	const char *written, *candidate;
	bool is_slip;
} slips[] = {
	{"windw", "window", true},  {"toolz", "tools", true}, {"x", "max", false},
	{"mx", "max", true},        {"", "max", false},       {"weekly", "day", false},
	{"limit", "limits", true},  {"ab", "cd", false},      {"server_url", "servers", false},
	{WORD_65, "window", false},
};

static void test_suggest_counts_edits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(distances); i++)
		assert_int_equal(suggest_distance(distances[i].a, distances[i].b),
				 distances[i].edits);
}

static void test_suggest_takes_slips_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(slips); i++) {
		size_t best = SIZE_MAX;

		assert_int_equal(suggest_is_better(slips[i].written, slips[i].candidate, &best),
				 slips[i].is_slip);
		assert_int_equal(best != SIZE_MAX, slips[i].is_slip);
	}
}

static void test_suggest_prefers_fewer_edits(void **state)
{
	size_t best = SIZE_MAX;

	(void)state;
	assert_true(suggest_is_better("minutes", "minuted", &best));
	assert_false(suggest_is_better("minutes", "minute", &best));
	assert_true(suggest_is_better("minutes", "Minutes", &best));
	assert_int_equal(best, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suggest_counts_edits),
		cmocka_unit_test(test_suggest_takes_slips_only),
		cmocka_unit_test(test_suggest_prefers_fewer_edits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
