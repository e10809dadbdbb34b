// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers by their decimal values: which survive a tree, which are equal, less, multiples, counts.
 */
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/decimal.h"
#include "policy/json/json_auto.h"

static struct decimal of(const char *text)
{
	autojson json_t *number = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_true(json_is_number(number));
	return decimal_of(number);
}

static void test_survives_what_every_reader_keeps(void **state)
{
	static const struct {
		const char *text;
		bool survives;
	} cases[] = {
		{"0", true},
		{"-0", true},
		{"0.1", true},
		{"0.10", true},
		{"1e2", true},
		{"1E+2", true},
		{"-1.50e-3", true},
		{"100000000000000000000.0", true},
		{"9223372036854775807", true},
		{"-9223372036854775808", true},
		{"9223372036854775808", false},
		{"-9223372036854775809", false},
		{"99999999999999999999999", false},
		{"10000000000000000000000", false},
		{"9007199254740993.0", false},
		{"9007199254740992.0", true},
		{"0.1234567890123456789", false},
		{"0.30000000000000004", true},
		{"0.30000000000000001", false},
		{"5e-324", true},
		{"4e-324", false},
		{"1e308", true},
		{"1e309", false},
		{"1e400", false},
		{"1e-400", false},
		{"1e99999999999", false},
		{"0e400", true},
		{"0.000000000000000000000000000001", true},
		{"1.", false},
		{".5", false},
		{"1e", false},
		{"", false},
		{"1x", false},
		{"12345678901234567890.5", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *text = cases[i].text;
		bool survives = decimal_survives(span_bytes(text, strlen(text)));

		if (survives != cases[i].survives)
			print_error("%s\n", text);
		assert_int_equal(survives, cases[i].survives);
	}
}

static void test_compares_exactly_in_both_directions(void **state)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = {
		{"1", "1.0", 0},
		{"100", "1e2", 0},
		{"0", "-0.0", 0},
		{"0.1", "0.2", -1},
		{"-0.1", "0.1", -1},
		{"-2", "-1", -1},
		{"-1e300", "-1e299", -1},
		{"9007199254740993", "9007199254740992.0", 1},
		{"1234567890123456790", "1.2345678901234568e18", -1},
		{"1234567890123456800", "1.2345678901234568e18", 0},
		{"9223372036854775807", "9.223372036854776e18", -1},
		{"1e-300", "0", 1},
		{"1e-300", "1e300", -1},
		{"123", "12.3", 1},
		{"0.5", "0.05", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct decimal a = of(cases[i].a), b = of(cases[i].b);

		if (decimal_compare(&a, &b) != cases[i].order)
			print_error("%s and %s\n", cases[i].a, cases[i].b);
		assert_int_equal(decimal_compare(&a, &b), cases[i].order);
		assert_int_equal(decimal_compare(&b, &a), -cases[i].order);
	}
}

static void test_multiples_are_exact(void **state)
{
	static const struct {
		const char *a, *of;
		bool is_multiple;
	} cases[] = {
		{"0", "7", true},
		{"21", "7", true},
		{"22", "7", false},
		{"0.3", "0.1", true},
		{"0.35", "0.1", false},
		{"19.99", "0.01", true},
		{"1e300", "7", false},
		{"1e300", "8", true},
		{"1e300", "1e-300", true},
		{"1e-300", "1", false},
		{"-0.35", "0.05", true},
		{"4.35", "0.01", true},
		{"7", "14", false},
		{"1e22", "0.01", true},
		{"1", "3e-5", false},
		{"3", "3e-5", true},
		{"9007199254740993", "3", true},
		{"0.000001", "1e-6", true},
		{"1.5", "1e300", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct decimal a = of(cases[i].a), unit = of(cases[i].of);

		if (decimal_is_multiple(&a, &unit) != cases[i].is_multiple)
			print_error("%s of %s\n", cases[i].a, cases[i].of);
		assert_int_equal(decimal_is_multiple(&a, &unit), cases[i].is_multiple);
	}
}

static void test_counts_are_whole_and_bounded(void **state)
{
	static const struct {
		const char *text;
		bool counts;
		uint64_t count;
	} cases[] = {
		{"0", true, 0},       {"-0.0", true, 0},  {"7", true, 7},     {"7.0", true, 7},
		{"1e2", true, 100},   {"0.99", false, 0}, {"-1", false, 0},   {"1e300", false, 0},
		{"1000", true, 1000}, {"1001", false, 0}, {"1e-1", false, 0}, {"1e3", true, 1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct decimal d = of(cases[i].text);
		uint64_t count = 0;

		assert_int_equal(decimal_to_count(&d, 1000, &count), cases[i].counts);
		assert_int_equal(count, cases[i].count);
	}
}

static void test_equal_values_have_one_text(void **state)
{
	static const char *const texts[][2] = {
		{"1", "1.0"}, {"100", "1e2"}, {"0", "-0.0"}, {"0.5", "5e-1"}, {"-250", "-2.5e2"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct decimal a = of(texts[i][0]), b = of(texts[i][1]);
		char one[DECIMAL_TEXT_MAX], other[DECIMAL_TEXT_MAX];

		decimal_format(&a, one);
		decimal_format(&b, other);
		assert_string_equal(one, other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_survives_what_every_reader_keeps),
		cmocka_unit_test(test_compares_exactly_in_both_directions),
		cmocka_unit_test(test_multiples_are_exact),
		cmocka_unit_test(test_counts_are_whole_and_bounded),
		cmocka_unit_test(test_equal_values_have_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
