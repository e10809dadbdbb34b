// SPDX-License-Identifier: Apache-2.0
/*
 * What a decision leaves to who keeps the state: amounts, bound values, keys, approvals; and the
 * digests by which values are told apart.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/explain.h"
#include "policy/json/json_auto.h"
#include "policy/load/unwired.h"

static const char text[] =
	"{\"all_tools\":{\"limits\":[{\"counter\":\"all\",\"window\":\"minute\",\"max\":60}]},"
	"\"tools\":{\"quote\":{\"limits\":[{\"counter\":\"fax\",\"window\":\"day\",\"max\":10,"
	"\"distinct\":\"args.fax\"}]},"
	"\"pay\":{\"action\":\"require_approval\",\"reason\":\"costs money\","
	"\"approval\":{\"timeout\":60,\"show\":[\"bound:quote\"],\"batch\":true},"
	"\"bind\":[{\"path\":\"args.ids[*]\",\"from\":\"quote\"},{\"path\":\"args.s\",\"from\":"
	"\"start\"}],"
	"\"once\":{\"key\":[\"args.s\",\"args.n\"],\"window\":\"day\"},"
	"\"limits\":[{\"counter\":\"cents\",\"window\":\"day\",\"max\":9,\"increment\":\"args.n\"}]"
	"},"
	"\"plain\":{\"approval\":{}}}}";

static struct policy *load(void)
{
	struct policy *policy = NULL;

	assert_int_equal(policy_parse_whole(text, sizeof(text) - 1, "p", &policy, NULL), 0);
	return policy;
}

static void decide(const struct policy *policy, const char *tool, const json_t *arguments,
		   struct policy_decision *ret)
{
	const struct policy_call call = {
		.server = policy_server_at(policy, 0), .tool = tool, .arguments = arguments};

	policy_decide(policy, &call, ret);
}

static void test_amounts_are_the_arguments(void **state)
{
	autopolicy struct policy *policy = load();
	autojson json_t *arguments =
		json_loads("{\"ids\":[\"a\",\"b\"],\"s\":\"x\",\"n\":7.0}", 0, NULL);
	struct policy_decision d;

	(void)state;
	decide(policy, "pay", arguments, &d);
	assert_int_equal(d.verdict, VERDICT_DENY);
	assert_true(d.approval.is_required);
	assert_int_equal(d.n_limits, 2);
	assert_string_equal(d.limits[0]->rule, "/tools/pay/limits/0");
	assert_int_equal(d.amounts[0], 7);
	assert_null(d.distinct[0]);
	assert_int_equal(d.amounts[1], 1);
}

static void test_bound_values_are_listed_with_their_tools(void **state)
{
	static const struct {
		const char *value, *from, *path, *rule;
	} expected[] = {
		{"a", "quote", "args.ids[*]", "/tools/pay/bind/0"},
		{"b", "quote", "args.ids[*]", "/tools/pay/bind/0"},
		{"x", "start", "args.s", "/tools/pay/bind/1"},
	};
	autopolicy struct policy *policy = load();
	autojson json_t *arguments =
		json_loads("{\"ids\":[\"a\",\"b\"],\"s\":\"x\",\"n\":7}", 0, NULL);
	struct policy_decision d;

	(void)state;
	decide(policy, "pay", arguments, &d);
	assert_int_equal(d.n_bound, ARRAY_SIZE(expected));
	for (size_t i = 0; i < d.n_bound; i++) {
		assert_string_equal(json_string_value(d.bound[i].value), expected[i].value);
		assert_string_equal(d.bound[i].from, expected[i].from);
		assert_string_equal(d.bound[i].path, expected[i].path);
		assert_string_equal(d.bound[i].rule, expected[i].rule);
	}
}

static void test_once_and_approval_say_what_was_written(void **state)
{
	autopolicy struct policy *policy = load();
	autojson json_t *arguments = json_loads("{\"ids\":[],\"s\":\"x\",\"n\":7}", 0, NULL);
	struct policy_decision d;

	(void)state;
	decide(policy, "pay", arguments, &d);
	assert_string_equal(d.once.rule, "/tools/pay/once");
	assert_int_equal(d.once.window_ms, 86400000);
	assert_string_equal(d.once.window_text, "day");
	assert_int_equal(d.once.n, 2);
	assert_string_equal(json_string_value(d.once.key[0]), "x");
	assert_int_equal(json_integer_value(d.once.key[1]), 7);
	assert_string_equal(d.rule, "/tools/pay/action");
	assert_string_equal(d.approval.reason, "costs money");
	assert_int_equal(d.approval.timeout_ms, 60000);
	assert_false(d.approval.shows_arguments);
	assert_int_equal(d.approval.n_shows_bound, 1);
	assert_string_equal(d.approval.shows_bound[0], "quote");
	assert_true(d.approval.is_batch);
	decide(policy, "plain", NULL, &d);
	assert_true(d.approval.is_required && d.approval.shows_arguments && !d.approval.is_batch);
	assert_int_equal(d.approval.timeout_ms, 900000);
	assert_string_equal(d.rule, "/tools/plain/approval");
	assert_null(d.once.rule);
}

static void test_distinct_counts_a_value_or_nothing(void **state)
{
	autopolicy struct policy *policy = load();
	autojson json_t *arguments = json_loads("{\"fax\":\"+1212\"}", 0, NULL);
	struct policy_decision d;

	(void)state;
	decide(policy, "quote", arguments, &d);
	assert_int_equal(d.verdict, VERDICT_ALLOW);
	assert_string_equal(json_string_value(d.distinct[0]), "+1212");
	assert_int_equal(d.amounts[0], 1);
	decide(policy, "quote", NULL, &d);
	assert_int_equal(d.verdict, VERDICT_ALLOW);
	assert_null(d.distinct[0]);
	assert_int_equal(d.amounts[0], 0);
}

static void test_a_denied_call_lists_nothing(void **state)
{
	autopolicy struct policy *policy = load();
	autojson json_t *arguments = json_loads("{\"ids\":[\"a\"],\"s\":\"x\"}", 0, NULL);
	struct policy_decision d;

	(void)state;
	decide(policy, "pay", arguments, &d);
	assert_string_equal(d.rule, "/tools/pay/limits/0");
	assert_int_equal(d.n_limits, 0);
	assert_int_equal(d.n_bound, 0);
	assert_null(d.once.rule);
	assert_false(d.approval.is_required);
}

static void test_keys_that_nothing_carries_out_refuse_the_load(void **state)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	struct policy *policy = NULL;

	(void)state;
	assert_int_equal(policy_parse(text, sizeof(text) - 1, "p", &policy, &errors), -EINVAL);
	assert_null(policy);
	for (size_t i = 0; i < policy_errors_count(&errors); i++)
		assert_non_null(
			strstr(policy_errors_at(&errors, i)->what, "not supported by this"));
}

static void digest_of(const char *json, uint8_t ret[32])
{
	autojson json_t *values = json_loads(json, 0, NULL);
	const json_t *list[8];
	size_t n = json_array_size(values);

	assert_true(n <= ARRAY_SIZE(list));
	for (size_t i = 0; i < n; i++)
		list[i] = json_array_get(values, i);
	assert_int_equal(policy_values_digest(list, n, ret), 0);
}

static void test_digests_tell_values_apart_as_the_policy_does(void **state)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} cases[] = {
		{"[1]", "[1.0]", true},
		{"[100]", "[1e2]", true},
		{"[{\"a\":1,\"b\":[2]}]", "[{\"b\":[2.0],\"a\":1}]", true},
		{"[\"\\u0061\"]", "[\"a\"]", true},
		{"[1]", "[\"1\"]", false},
		{"[1]", "[true]", false},
		{"[null]", "[false]", false},
		{"[\"a\",\"b\"]", "[\"ab\"]", false},
		{"[\"a\",\"b\"]", "[\"b\",\"a\"]", false},
		{"[[\"a\",\"b\"]]", "[\"a\",\"b\"]", false},
		{"[\"1:a\"]", "[\"a\"]", false},
		{"[{\"a\":\"b\"}]", "[[\"a\",\"b\"]]", false},
		{"[0.1]", "[0.10000000000000002]", false},
		{"[{}]", "[[]]", false},
		{"[\"\"]", "[]", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t a[32], b[32];

		digest_of(cases[i].a, a);
		digest_of(cases[i].b, b);
		if (!memcmp(a, b, 32) != cases[i].is_same)
			print_error("%s and %s\n", cases[i].a, cases[i].b);
		assert_int_equal(!memcmp(a, b, 32), cases[i].is_same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amounts_are_the_arguments),
		cmocka_unit_test(test_bound_values_are_listed_with_their_tools),
		cmocka_unit_test(test_once_and_approval_say_what_was_written),
		cmocka_unit_test(test_distinct_counts_a_value_or_nothing),
		cmocka_unit_test(test_a_denied_call_lists_nothing),
		cmocka_unit_test(test_keys_that_nothing_carries_out_refuse_the_load),
		cmocka_unit_test(test_digests_tell_values_apart_as_the_policy_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
