// SPDX-License-Identifier: Apache-2.0
/*
 * Mode observe: which calls leave, and what is told of those that would not have.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "policy/policy.h"

#define TOOLS                                                                                      \
	"\"all_tools\":{\"class\":\"read\"},\"hide\":[\"ghost\"],\"tools\":{"                      \
	"\"reads\":{\"class\":\"read\"},"                                                          \
	"\"writes\":{\"class\":\"write\",\"limits\":[{\"counter\":\"c\",\"window\":\"day\","       \
	"\"max\":1}]},"                                                                            \
	"\"denied\":{\"class\":\"read\",\"action\":\"deny\",\"reason\":\"too dear\"},"             \
	"\"asks\":{\"class\":\"write\",\"action\":\"require_approval\"},"                          \
	"\"picky\":{\"class\":\"read\",\"require\":[{\"path\":\"args.n\",\"op\":\"exists\","       \
	"\"value\":true}]},"                                                                       \
	"\"ghost\":{\"class\":\"read\"},"                                                          \
	"\"plain\":{},"                                                                            \
	"\"paid\":{\"class\":\"paid\"},"                                                           \
	"\"destroys\":{\"class\":\"destructive\"},"                                                \
	"\"asks_paid\":{\"class\":\"paid\",\"action\":\"require_approval\"}}}"

static const char observing[] = "{\"mode\":\"observe\"," TOOLS;
static const char open_observing[] = "{\"mode\":\"observe\",\"default\":\"allow\"," TOOLS;
static const char enforcing[] = "{\"mode\":\"enforce\"," TOOLS;

static const struct observe_case {
	const char *policy, *tool;
	enum verdict verdict;
	const char *rule;
	const char *reason; /* a piece; "" for none at all */
	size_t n_limits;
	bool is_observed, is_visible;
} cases[] = {
	{observing, "reads", VERDICT_ALLOW, "/tools/reads", "", 0, true, true},
	{observing, "writes", VERDICT_ALLOW, "/tools/writes", "", 1, true, true},
	{observing, "denied", VERDICT_ALLOW, "/tools/denied/action",
	 "mode observe, so forwarded; judged: the policy denies this tool: too dear.", 0, true,
	 true},
	{observing, "asks", VERDICT_ALLOW, "/tools/asks/action", "so forwarded; judged: ", 0, true,
	 true},
	{observing, "picky", VERDICT_ALLOW, "/tools/picky/require/0", "so forwarded; judged: ", 0,
	 true, true},
	{observing, "ghost", VERDICT_DENY, "/hide", "hides", 0, false, false},
	{observing, "plain", VERDICT_DENY, "/mode", "this one has no class.", 0, false, true},
	{observing, "paid", VERDICT_DENY, "/mode", "this one has the class paid.", 0, false, true},
	{observing, "destroys", VERDICT_DENY, "/mode", "the class destructive", 0, false, true},
	{observing, "asks_paid", VERDICT_DENY, "/tools/asks_paid/action", "approval", 0, false,
	 true},
	{observing, "unlisted", VERDICT_DENY, "/default", "does not list", 0, false, false},
	{open_observing, "unlisted", VERDICT_DENY, "/mode", "no class", 0, false, true},
	{observing, "no name", VERDICT_DENY, "/default", "not the name", 0, false, false},
	{enforcing, "reads", VERDICT_ALLOW, "/tools/reads", "", 0, false, true},
	{enforcing, "writes", VERDICT_ALLOW, "/tools/writes", "", 1, false, true},
	{enforcing, "denied", VERDICT_DENY, "/tools/denied/action", "too dear", 0, false, false},
	{enforcing, "paid", VERDICT_ALLOW, "/tools/paid", "", 0, false, true},
	{enforcing, "plain", VERDICT_ALLOW, "/tools/plain", "", 0, false, true},
};

static bool holds(const struct observe_case *c)
{
	autopolicy struct policy *policy = NULL;
	struct policy_decision d;
	struct policy_call call = {.tool = c->tool};

	assert_int_equal(policy_parse(c->policy, strlen(c->policy), "p", &policy, NULL), 0);
	assert_int_equal(policy_observes(policy), c->policy != enforcing);
	call.server = policy_server_at(policy, 0);
	policy_decide(policy, &call, &d);
	policy_observe(policy, &call, &d);
	if (d.verdict == c->verdict && !strcmp(d.rule, c->rule) &&
	    (c->reason[0] ? strstr(d.reason, c->reason) != NULL : !d.reason[0]) &&
	    d.n_limits == c->n_limits && d.is_observed == c->is_observed &&
	    policy_tool_is_visible(policy, call.server, c->tool) == c->is_visible)
		return true;
	print_error("%s: verdict %d, rule %s, reason %s, %zu limits, observed %d\n", c->tool,
		    d.verdict, d.rule, d.reason, d.n_limits, d.is_observed);
	return false;
}

static void test_observe_forwards_by_class_alone(void **state)
{
	size_t hold = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		hold += holds(&cases[i]);
	assert_int_equal(hold, ARRAY_SIZE(cases));
}

static void test_observe_forwards_to_no_foreign_server(void **state)
{
	autopolicy struct policy *policy = NULL;
	struct policy_decision d;
	const struct policy_call call = {.tool = "reads"};

	(void)state;
	assert_int_equal(policy_parse(observing, strlen(observing), "p", &policy, NULL), 0);
	policy_decide(policy, &call, &d);
	policy_observe(policy, &call, &d);
	assert_int_equal(d.verdict, VERDICT_DENY);
	assert_string_equal(d.rule, "/server");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_observe_forwards_by_class_alone),
		cmocka_unit_test(test_observe_forwards_to_no_foreign_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
