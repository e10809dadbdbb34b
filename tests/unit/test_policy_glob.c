// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <string.h>
#include <time.h>

#include "../../policy/glob.h"
#include "base/cleanup.h"

static const struct {
	const char *pattern, *text;
	bool matches;
} cases[] = {
	{"", "", true},
	{"", "a", false},
	{"/", "/", true},
	{"/a", "/a", true},
	{"/a", "/A", false},
	{"/a", "/ab", false},
	{"/ab", "/a", false},
	{"*", "", true},
	{"*", "abc", true},
	{"*", "a/b", false},
	{"**", "", true},
	{"**", "a/b//c", true},
	{"/*", "/", true},
	{"/*", "/a", true},
	{"/*", "/a/", false},
	{"/*/b", "/a/b", true},
	{"/*/b", "//b", true},
	{"/*/b", "/a/c/b", false},
	{"/**/b", "/a/c/b", true},
	{"/**/b", "/b", false},
	{"/a*c", "/abc", true},
	{"/a*c", "/ac", true},
	{"/a*c", "/acc", true},
	{"/a*c", "/abcd", false},
	{"/a*b*c", "/a-b-b-c-c", true},
	{"/**a*/c", "/x/y/a1/a2/c", true},
	{"/**a*/c", "/x/y/a1/b2/c", false},
	{"/*.*.js", "/a.b.c.js", true},
	{"**/x/**/y", "/x/x/y/z/y", true},
	{"/a?", "/ab", false},
	{"/[ab]", "/a", false},
	{"/v1/\xc3\xbc*", "/v1/\xc3\xbc\xff", true},
};

static void test_glob_matches_the_whole_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (glob_matches(cases[i].pattern, span_of(cases[i].text), GLOB_CASE_EXACT) !=
		    cases[i].matches)
			fail_msg("%s on %s", cases[i].pattern, cases[i].text);
}

static void test_glob_folds_ascii_letters_only(void **state)
{
	(void)state;
	assert_true(glob_matches("/V1/*", span_of("/v1/X"), GLOB_CASE_FOLDED));
	assert_true(glob_matches("/v1/[", span_of("/V1/["), GLOB_CASE_FOLDED));
	assert_false(glob_matches("/[", span_of("/{"), GLOB_CASE_FOLDED));
	assert_false(glob_matches("/\xc3\x9c", span_of("/\xc3\xbc"), GLOB_CASE_FOLDED));
}

/* What would take a matcher that goes back longer than anyone has. */
static void test_glob_takes_bounded_time(void **state)
{
	char pattern[GLOB_MAX + 1] = "", text[8192];
	clock_t begin = clock();

	(void)state;
	for (size_t i = 0; i < 100; i++)
		strcat(pattern, i % 2 ? "**a" : "*a");
	strcat(pattern, "b");
	memset(text, 'a', sizeof(text));
	assert_false(glob_matches(pattern, span_bytes(text, sizeof(text)), GLOB_CASE_EXACT));
	assert_true(clock() - begin < CLOCKS_PER_SEC);
}

static void test_glob_refuses_a_pattern_that_is_too_long(void **state)
{
	char pattern[GLOB_MAX + 2];

	(void)state;
	memset(pattern, 'a', sizeof(pattern));
	pattern[GLOB_MAX + 1] = '\0';
	assert_false(glob_matches(pattern, span_of(pattern), GLOB_CASE_EXACT));
	pattern[GLOB_MAX] = '\0';
	assert_true(glob_matches(pattern, span_of(pattern), GLOB_CASE_EXACT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glob_matches_the_whole_text),
		cmocka_unit_test(test_glob_folds_ascii_letters_only),
		cmocka_unit_test(test_glob_takes_bounded_time),
		cmocka_unit_test(test_glob_refuses_a_pattern_that_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
