// SPDX-License-Identifier: Apache-2.0
/*
 * Searches end, whatever the pattern and the text: they match, they do not, or they are given up.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "policy/regex.h"

#define SEARCH_MS_MAX 1000 /* a hundred times what a search takes, for slow machines */

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct regex *compile(const char *pattern)
{
	char what[REGEX_WHAT_MAX] = "";
	struct regex *regex = NULL;

	if (regex_compile(span_of(pattern), &regex, what))
		print_error("%s: %s\n", pattern, what);
	assert_non_null(regex);
	return regex;
}

static void test_searches_are_bounded(void **state)
{
	static const char *const patterns[] = {
		"^(?:a+)+b$",
		"(a|aa)+$",
		"(x+x+)+y",
		"([a-z]*)*1",
		"(?=.*x)(?=.*y)a",
		"[a-z]*1",
		"((((a*)*)*)*)*b$",
		"(a?){50}a{50}",
		"(.*)(.*)(.*)z$",
		"(?i)(A|a|aA)+$",
		"[\\s\\S]*[\\s\\S]*q",
		"a.*b.*c.*d",
	};
	autofree char *text = malloc(REGEX_TEXT_MAX + 1);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', REGEX_TEXT_MAX + 1);
	memcpy(text + REGEX_TEXT_MAX - 3, "b1c", 3);
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		struct regex *regex = compile(patterns[i]);
		double start = cpu_ms();

		regex_search(regex, span_bytes(text, REGEX_TEXT_MAX));
		if (cpu_ms() - start > SEARCH_MS_MAX)
			print_error("%s took %.0f ms\n", patterns[i], cpu_ms() - start);
		assert_true(cpu_ms() - start <= SEARCH_MS_MAX);
		regex_free(regex);
	}
}

static void test_long_texts_are_given_up(void **state)
{
	autofree char *text = calloc(REGEX_TEXT_MAX + 1, 1);
	struct regex *regex = compile("^");

	(void)state;
	assert_non_null(text);
	assert_int_equal(regex_search(regex, span_bytes(text, REGEX_TEXT_MAX)), REGEX_MATCHES);
	assert_int_equal(regex_search(regex, span_bytes(text, REGEX_TEXT_MAX + 1)), REGEX_GAVE_UP);
	regex_free(regex);
}

static void test_what_is_no_utf8_is_given_up(void **state)
{
	struct regex *regex = compile("a");

	(void)state;
	assert_int_equal(regex_search(regex, span_of("a\xff")), REGEX_GAVE_UP);
	assert_int_equal(regex_search(regex, span_bytes("\0a", 2)), REGEX_MATCHES);
	assert_int_equal(regex_search(regex, span_bytes(NULL, 0)), REGEX_DIFFERS);
	regex_free(regex);
}

static void test_ends_are_those_of_the_whole_text(void **state)
{
	static const struct {
		const char *pattern, *text;
		enum regex_answer answer;
	} cases[] = {
		{"^a$", "a", REGEX_MATCHES},
		{"^a$", "a\n", REGEX_DIFFERS},
		{"^a$", "b\na\nb", REGEX_DIFFERS},
		{"(?m)^a$", "b\na\nb", REGEX_MATCHES},
		{"^", "", REGEX_MATCHES},
		{".", "\n", REGEX_DIFFERS},
		{"[)]", ")", REGEX_MATCHES},
		{"[[:digit:])]x", "7x", REGEX_MATCHES},
		{"\\(a\\)", "(a)", REGEX_MATCHES},
		{"a|^b", "ab", REGEX_MATCHES},
		{"a|^b", "cb", REGEX_DIFFERS},
		{"(?<!x)y", "xy", REGEX_DIFFERS},
		{"\\bfax\\b", "a fax.", REGEX_MATCHES},
		{"\\u0041", "A", REGEX_MATCHES},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct regex *regex = compile(cases[i].pattern);

		const char *text = cases[i].text;
		enum regex_answer answer = regex_search(regex, span_bytes(text, strlen(text)));

		if (answer != cases[i].answer)
			print_error("%s in %s\n", cases[i].pattern, text);
		assert_int_equal(answer, cases[i].answer);
		regex_free(regex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_searches_are_bounded),
		cmocka_unit_test(test_long_texts_are_given_up),
		cmocka_unit_test(test_what_is_no_utf8_is_given_up),
		cmocka_unit_test(test_ends_are_those_of_the_whole_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
