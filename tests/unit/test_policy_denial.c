// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "policy/policy.h"

static const struct policy_limit calls = {
	.counter = "start_session_rate",
	.scope = SCOPE_GRANT,
	.window_ms = 60000,
	.max = 10,
	.amount = 1,
	.rule = "/tools/start_session/limits/0",
	.window_text = "minute",
};

static const struct {
	uint64_t ms;
	const char *says;
} waits[] = {
	{0, "Retry in 1 s,"},
	{1, "Retry in 1 s,"},
	{999, "Retry in 1 s,"},
	{1000, "Retry in 1 s,"},
	{1001, "Retry in 2 s,"},
	{37000, "Retry in 37 s,"},
	{86400000, "Retry in 86400 s,"},
	{UINT64_MAX - 1, "Retry in 18446744073709552 s,"},
};

static void test_limit_denial_rounds_the_wait_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		char text[1024];

		policy_limit_denial(&calls, waits[i].ms, text, sizeof(text));
		assert_non_null(strstr(text, waits[i].says));
	}
}

static void test_limit_denial_names_limit_and_rule(void **state)
{
	char text[1024];

	(void)state;
	policy_limit_denial(&calls, 37000, text, sizeof(text));
	assert_string_equal(text,
			    "mcpjail denied this call: the limit `start_session_rate` is used "
			    "up, at most 10 per minute for this grant (rule "
			    "/tools/start_session/limits/0). Nothing was sent. Retry in 37 s, "
			    "not before.");
}

static void test_limit_denial_says_what_a_call_counts(void **state)
{
	struct policy_limit spend = calls;
	char text[1024];

	(void)state;
	spend.amount = 4;
	policy_limit_denial(&spend, 1, text, sizeof(text));
	assert_non_null(strstr(text, "for this grant, and this call counts 4 (rule"));
}

static void test_limit_denial_of_a_call_that_never_fits_gives_no_time(void **state)
{
	struct policy_limit none = calls;
	char text[1024];

	(void)state;
	none.max = 0;
	policy_limit_denial(&none, 1000, text, sizeof(text));
	assert_non_null(strstr(text, "allows at most 0 per minute"));
	assert_null(strstr(text, "Retry in"));
	assert_non_null(strstr(text, "Retrying will not help"));
	policy_limit_denial(&calls, UINT64_MAX, text, sizeof(text));
	assert_null(strstr(text, "Retry in"));
}

static void test_limit_denial_holds_the_longest_names(void **state)
{
	struct policy_limit longest = calls;
	char counter[POLICY_COUNTER_MAX + 1], text[1024];

	(void)state;
	memset(counter, 'c', POLICY_COUNTER_MAX);
	counter[POLICY_COUNTER_MAX] = '\0';
	longest.counter = counter;
	longest.max = POLICY_COUNT_MAX;
	longest.amount = POLICY_COUNT_MAX;
	policy_limit_denial(&longest, UINT64_MAX - 1, text, sizeof(text));
	assert_string_equal(text + strlen(text) - 13, ", not before.");
}

static void test_denial_escapes_the_name_and_names_the_rule(void **state)
{
	struct policy_decision d = {.rule = "/default", .reason = "Because."};
	char text[1800];

	(void)state;
	policy_denial(&d, "send\x1b[2Jfax", text, sizeof(text));
	assert_string_equal(text, "mcpjail denied the tool `send\\x1b[2Jfax`: Because. Nothing was "
				  "sent. (rule /default)");
}

static void test_denial_cuts_a_long_name(void **state)
{
	struct policy_decision d = {.rule = "/default", .reason = "Because."};
	char name[5000], text[1800];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	policy_denial(&d, name, text, sizeof(text));
	assert_non_null(strstr(text, "nnn`: Because."));
	assert_true(strlen(text) < 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit_denial_rounds_the_wait_up),
		cmocka_unit_test(test_limit_denial_names_limit_and_rule),
		cmocka_unit_test(test_limit_denial_says_what_a_call_counts),
		cmocka_unit_test(test_limit_denial_of_a_call_that_never_fits_gives_no_time),
		cmocka_unit_test(test_limit_denial_holds_the_longest_names),
		cmocka_unit_test(test_denial_escapes_the_name_and_names_the_rule),
		cmocka_unit_test(test_denial_cuts_a_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
