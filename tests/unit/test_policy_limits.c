// SPDX-License-Identifier: Apache-2.0
/* What limits may be written, and what they agree on where they share a counter. */
#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy/policy.h"

#define CALLS "{\"counter\":\"c\",\"window\":\"minute\",\"max\":1}"

/* A policy of one tool with these limits. */
static int load_limits_text(const char *limits, struct policy **ret, struct policy_errors *errors)
{
	char text[2048];
	int n = snprintf(text, sizeof(text), "{\"tools\":{\"t\":{\"limits\":[%s]}}}", limits);

	return policy_parse(text, (size_t)n, "p", ret, errors);
}

static void decide(const struct policy *policy, struct policy_decision *ret)
{
	autojson json_t *arguments = json_pack("{s:i,s:s}", "n", 3, "s", "x");
	const struct policy_call call = {
		.server = policy_server_at(policy, 0), .tool = "t", .arguments = arguments};

	policy_decide(policy, &call, ret);
	assert_int_equal(ret->verdict, VERDICT_ALLOW);
}

static void test_windows_and_algorithms_load(void **state)
{
	static const struct {
		const char *keys;
		uint64_t window_ms;
		enum limit_algorithm algorithm;
		const char *text;
	} rows[] = {
		{"\"window\":\"week\"", 604800000, ALGORITHM_SLIDING, "week"},
		{"\"window\":\"month\"", 2678400000, ALGORITHM_SLIDING, "month"},
		{"\"window\":\"lifetime\"", IPC_WINDOW_LIFETIME, ALGORITHM_SLIDING, "lifetime"},
		{"\"window\":31622400", 31622400000, ALGORITHM_SLIDING, "31622400 seconds"},
		{"\"window\":\"604800\"", 604800000, ALGORITHM_SLIDING, "week"},
		{"\"window\":2678400", 2678400000, ALGORITHM_SLIDING, "month"},
		{"\"algorithm\":\"fixed\",\"window\":\"month\"", 2678400000, ALGORITHM_FIXED,
		 "month"},
		{"\"algorithm\":\"fixed\",\"window\":\"lifetime\"", IPC_WINDOW_LIFETIME,
		 ALGORITHM_FIXED, "lifetime"},
		{"\"algorithm\":\"bucket\",\"window\":\"hour\"", 3600000, ALGORITHM_BUCKET, "hour"},
	};
	char limit[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autopolicy struct policy *policy = NULL;
		struct policy_decision d;

		snprintf(limit, sizeof(limit), "{\"counter\":\"c\",\"max\":5,%s}", rows[i].keys);
		assert_int_equal(load_limits_text(limit, &policy, NULL), 0);
		decide(policy, &d);
		assert_int_equal(d.limits[0]->window_ms, rows[i].window_ms);
		assert_int_equal(d.limits[0]->algorithm, rows[i].algorithm);
		assert_string_equal(d.limits[0]->window_text, rows[i].text);
	}
}

static void test_charges_are_kept_for_the_longest_window_of_their_counter(void **state)
{
	static const char text[] =
		"{\"all_tools\":{\"limits\":[{\"counter\":\"c\",\"window\":\"month\",\"max\":9}]},"
		"\"tools\":{\"t\":{\"limits\":[" CALLS
		",{\"counter\":\"d\",\"window\":\"minute\",\"max\":1},"
		"{\"counter\":\"c\",\"window\":\"second\",\"max\":1,\"scope\":\"run\"}],"
		"\"rate_limit\":\"5/hour\"},"
		"\"u\":{\"limits\":[{\"counter\":\"d\",\"window\":\"lifetime\",\"max\":1}]}}}";
	static const struct {
		const char *counter;
		uint64_t keep_ms;
		bool for_ever;
	} expected[] = {
		{"c", 2678400000, false},         {"d", 60000, true},       {"c", 1000, false},
		{"rate_limit:t", 3600000, false}, {"c", 2678400000, false},
	};
	autopolicy struct policy *policy = NULL;
	struct policy_decision d;

	(void)state;
	assert_int_equal(policy_parse(text, sizeof(text) - 1, "p", &policy, NULL), 0);
	decide(policy, &d);
	assert_int_equal(d.n_limits, ARRAY_SIZE(expected));
	for (size_t i = 0; i < d.n_limits; i++) {
		assert_string_equal(d.limits[i]->counter, expected[i].counter);
		assert_int_equal(d.limits[i]->keep_ms, expected[i].keep_ms);
		assert_int_equal(d.limits[i]->keep_for_ever, expected[i].for_ever);
	}
}

static void test_limits_that_do_not_agree_are_refused(void **state)
{
	static const struct {
		const char *limits, *where, *what;
	} rows[] = {
		{"{\"counter\":\"c\",\"window\":\"lifetime\",\"max\":1,\"algorithm\":\"bucket\"}",
		 "/tools/t/limits/0/window", "refilled within its window"},
		{"{\"counter\":\"c\",\"window\":\"day\",\"max\":1,\"algorithm\":\"bucket\","
		 "\"distinct\":\"args.s\"}",
		 "/tools/t/limits/0/distinct", "a bucket holds no different values"},
		{"{\"counter\":\"c\",\"window\":\"day\",\"max\":1,\"increment\":2,"
		 "\"distinct\":\"args.s\"}",
		 "/tools/t/limits/0/increment", "each different value counts one"},
		{"{\"counter\":\"c\",\"window\":\"day\",\"max\":1,\"increment\":\"args.n\","
		 "\"distinct\":\"args.s\"}",
		 "/tools/t/limits/0/increment", "each different value counts one"},
		{"{\"counter\":\"c\",\"window\":\"day\",\"max\":10001,\"distinct\":\"args.s\"}",
		 "/tools/t/limits/0/max", "at most 10000"},
		{CALLS ",{\"counter\":\"c\",\"window\":\"day\",\"max\":1,\"algorithm\":\"bucket\"}",
		 "/tools/t/limits/1", "`c` is no bucket by /tools/t/limits/0"},
		{CALLS ",{\"counter\":\"c\",\"window\":\"day\",\"max\":1,\"distinct\":\"args.s\"}",
		 "/tools/t/limits/1", "`c` is a count of calls by /tools/t/limits/0"},
		{"{\"counter\":\"c\",\"window\":\"day\",\"max\":1,\"algorithm\":\"bucket\"},"
		 "{\"counter\":\"c\",\"window\":\"day\",\"max\":2,\"algorithm\":\"bucket\"}",
		 "/tools/t/limits/1", "a bucket of another size"},
		{"{\"counter\":\"c\",\"window\":2147483647,\"max\":1}", "/tools/t/limits/0/window",
		 "1 to 31622400 seconds (366 days), or is `lifetime`"},
		{"{\"counter\":\"c\",\"window\":\"life\",\"max\":1}", "/tools/t/limits/0/window",
		 "lifetime"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autopolicyerrors struct policy_errors errors = {0};
		struct policy *policy = NULL;
		const struct error *e;

		assert_int_equal(load_limits_text(rows[i].limits, &policy, &errors), -EINVAL);
		assert_int_equal(policy_errors_count(&errors), 1);
		e = policy_errors_at(&errors, 0);
		if (strcmp(policy_errors_place(&errors, 0).pointer, rows[i].where) ||
		    !(strstr(e->what, rows[i].what) || strstr(e->mend, rows[i].what)))
			fail_msg("%s: %s: %s (%s)", rows[i].limits, e->where, e->what, e->mend);
	}
}

static void test_same_counters_of_other_scopes_need_not_agree(void **state)
{
	autopolicy struct policy *policy = NULL;

	(void)state;
	assert_int_equal(load_limits_text(CALLS ",{\"counter\":\"c\",\"window\":\"day\",\"max\":1,"
						"\"algorithm\":\"bucket\",\"scope\":\"run\"}",
					  &policy, NULL),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows_and_algorithms_load),
		cmocka_unit_test(test_charges_are_kept_for_the_longest_window_of_their_counter),
		cmocka_unit_test(test_limits_that_do_not_agree_are_refused),
		cmocka_unit_test(test_same_counters_of_other_scopes_need_not_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
