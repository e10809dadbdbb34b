// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mcp/number.h"

static void test_number_survives_only_with_an_equal_decimal_value(void **state)
{
	static const struct {
		const char *lexeme;
		bool survives;
	} cases[] = {
		{"0", true},
		{"4", true},
		{"-1", true},
		{"9007199254740993", true},
		{"9223372036854775807", true},
		{"-9223372036854775808", true},
		{"9223372036854775808", false},
		{"-9223372036854775809", false},
		{"12345678901234567890", false},
		{"-0", false},
		{"-0.0", true},
		{"0.0", true},
		{"0e5", true},
		{"0.1", true},
		{"0.10", true},
		{"0.05", true},
		{"1.50", true},
		{"15e-1", true},
		{"100e-2", true},
		{"1E2", true},
		{"1e+2", true},
		{"0.30000000000000004", true},
		{"0.3000000000000000400", true},
		{"0.30000000000000003", false},
		{"0.1000000000000000055511151231257827", false},
		{"123456789012345678.0", false},
		{"12345678901234567890.0", false},
		{"9007199254740993.0", false},
		{"9007199254740992.0", true},
		{"1e22", true},
		{"1e308", true},
		{"1.7976931348623157e308", true},
		{"1.7976931348623159e308", false},
		{"1e309", false},
		{"1e400", false},
		{"-1e400", false},
		{"2.2250738585072014e-308", true},
		{"5e-324", true},
		{"4.94e-324", false},
		{"1e-324", false},
		{"1e-400", false},
		{"1e99999999999999999999", false},
		{"1e-99999999999999999999", false},
		{"", false},
		{"-", false},
		{"+1", false},
		{"01", false},
		{"-01", false},
		{"1.", false},
		{".5", false},
		{"1e", false},
		{"1e+", false},
		{"1.5.5", false},
		{"1-2", false},
		{"1e2e3", false},
		{"0x10", false},
		{"NaN", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (mcp_number_survives(span_of(cases[i].lexeme)) != cases[i].survives)
			fail_msg("%s: expected %d", cases[i].lexeme, cases[i].survives);
}

static void test_number_refuses_very_long_lexemes(void **state)
{
	char digits[201];

	(void)state;
	memset(digits, '0', sizeof(digits));
	memcpy(digits, "1.", 2);
	assert_true(mcp_number_survives(span_bytes(digits, 100)));
	assert_false(mcp_number_survives(span_bytes(digits, 128)));
	assert_false(mcp_number_survives(span_bytes(digits, 200)));
}

static void test_number_formats_the_fewest_digits(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0.1, "0.1"},
		{0.0, "0.0"},
		{-0.0, "-0.0"},
		{1.0, "1.0"},
		{-2.5, "-2.5"},
		{0.1 + 0.2, "0.30000000000000004"},
		{1e22, "1e+22"},
		{5e-324, "5e-324"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{-2.2250738585072014e-308, "-2.2250738585072014e-308"},
	};
	char text[MCP_NUMBER_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		mcp_number_format(cases[i].value, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void test_number_every_formatted_double_survives(void **state)
{
	uint64_t x = 88172645463325252u;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		char text[MCP_NUMBER_TEXT_MAX];
		double value;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(&value, &x, sizeof(value));
		if ((x >> 52 & 0x7ff) == 0x7ff)
			continue;
		mcp_number_format(value, text);
		assert_true(strtod(text, NULL) == value);
		if (!mcp_number_survives(span_of(text)))
			fail_msg("%s does not survive", text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number_survives_only_with_an_equal_decimal_value),
		cmocka_unit_test(test_number_refuses_very_long_lexemes),
		cmocka_unit_test(test_number_formats_the_fewest_digits),
		cmocka_unit_test(test_number_every_formatted_double_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
