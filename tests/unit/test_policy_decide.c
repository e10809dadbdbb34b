// SPDX-License-Identifier: Apache-2.0
/*
 * Judging: which verdict a call gets, which rule decides, which limits it must pass.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "policy/policy.h"

#define LONG_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const char published[] =
	"{\"version\":\"1\",\"default\":\"deny\",\"tools\":{\"start_session\":{\"limits\":[{"
	"\"counter\":\"start_session_rate\",\"window\":\"minute\",\"max\":10,"
	"\"scope\":\"grant\"}]}}}";

/* Something of everything, under default deny. */
static const char mixed[] =
	"{\"hide\":[\"hidden\",\"hidden_unlisted\"],"
	"\"all_tools\":{\"limits\":[{\"counter\":\"all\",\"window\":\"minute\",\"max\":60}],"
	"\"rate_limit\":\"5/second\",\"redact\":[\"args.secret\"]},"
	"\"tools\":{"
	"\"plain\":{},"
	"\"allowed\":{\"action\":\"allow\",\"reason\":\"never shown\"},"
	"\"hidden\":{},"
	"\"denied\":{\"action\":\"deny\"},"
	"\"denied_why\":{\"action\":\"deny\",\"on_deny\":\"too dear\"},"
	"\"asks\":{\"action\":\"require_approval\",\"reason\":\"costs money\","
	"\"limits\":[{\"counter\":\"a\",\"window\":\"day\",\"max\":1}]},"
	"\"asks_plain\":{\"action\":\"require_approval\"},"
	"\"counted\":{\"rate_limit\":{\"max\":3,\"window\":90},\"limits\":["
	"{\"counter\":\"c1\",\"window\":\"hour\",\"max\":4,\"scope\":\"run\",\"increment\":2},"
	"{\"counter\":\"c2\",\"window\":\"day\",\"max\":9,\"scope\":\"global\"}]},"
	"\"paid\":{\"class\":\"paid\"},"
	"\"destructive\":{\"class\":\"destructive\"},"
	"\"paid_fast\":{\"class\":\"paid\",\"durable\":false},"
	"\"slow\":{\"class\":\"read\",\"durable\":true},"
	"\"written\":{\"class\":\"write\"},"
	"\"keeps\":{\"redact\":[\"args.a.b\",\"args.f[*].url\",\"args.g[1]\"]},"
	"\"keeps_nothing\":{\"redact\":[\"args\"]}}}";

static const char open_policy[] = "{\"default\":\"allow\",\"hide\":[\"hidden\"],"
				  "\"tools\":{\"no\":{\"action\":\"deny\"},\"yes\":{}}}";
static const char hides_all[] = "{\"default\":\"allow\",\"hide\":[\"*\"],\"tools\":{\"t\":{}}}";
static const char denies_all[] = "{\"default\":\"allow\",\"all_tools\":{\"action\":\"deny\","
				 "\"reason\":\"closed today\"},\"tools\":{\"t\":{}}}";
static const char asks_all[] = "{\"default\":\"allow\",\"all_tools\":{\"action\":"
			       "\"require_approval\",\"durable\":true},"
			       "\"tools\":{\"t\":{},\"no\":{\"action\":\"deny\"}}}";
static const char allows_all[] = "{\"all_tools\":{\"action\":\"allow\"},\"tools\":{\"t\":{}}}";
static const char paid_all[] = "{\"default\":\"allow\",\"all_tools\":{\"class\":\"paid\"},"
			       "\"tools\":{\"r\":{\"class\":\"read\"}}}";
static const char durable_all[] = "{\"all_tools\":{\"durable\":true},"
				  "\"tools\":{\"t\":{},\"f\":{\"durable\":false}}}";

#define ALLOW VERDICT_ALLOW
#define DENY  VERDICT_DENY

struct decision_case {
	const char *policy;
	const char *tool;
	enum verdict verdict;
	const char *rule;
	const char *reason; /* a piece of it; "" for none at all */
	const char *limits; /* their rules, each followed by a blank */
	bool durable, visible;
};

static const struct decision_case cases[] = {
	{published, "start_session", ALLOW, "/tools/start_session", "",
	 "/tools/start_session/limits/0 ", false, true},
	{published, "send_fax", DENY, "/default", "It allows: start_session.", "", false, false},
	{published, "Start_session", DENY, "/default", "does not list", "", false, false},
	{published, "start_session ", DENY, "/default", "not the name of a tool", "", false, false},
	{published, "start_sessio", DENY, "/default", "does not list", "", false, false},
	{published, "", DENY, "/default", "not the name of a tool", "", false, false},
	{published, NULL, DENY, "/default", "not the name of a tool", "", false, false},
	{mixed, "plain", ALLOW, "/tools/plain", "", "/all_tools/limits/0 /all_tools/rate_limit ",
	 false, true},
	{mixed, "allowed", ALLOW, "/tools/allowed", "",
	 "/all_tools/limits/0 /all_tools/rate_limit ", false, true},
	{mixed, "counted", ALLOW, "/tools/counted", "",
	 "/tools/counted/limits/0 /tools/counted/limits/1 /tools/counted/rate_limit "
	 "/all_tools/limits/0 /all_tools/rate_limit ",
	 false, true},
	{mixed, "hidden", DENY, "/hide", "hides this tool", "", false, false},
	{mixed, "hidden_unlisted", DENY, "/hide", "hides this tool", "", false, false},
	{mixed, "denied", DENY, "/tools/denied/action", "the policy denies this tool. Retrying", "",
	 false, false},
	{mixed, "denied_why", DENY, "/tools/denied_why/action", "tool: too dear. ", "", false,
	 false},
	{mixed, "asks", DENY, "/tools/asks/action",
	 "a person's approval: costs money. Approval is "
	 "not available in this version",
	 "/tools/asks/limits/0 /all_tools/limits/0 /all_tools/rate_limit ", false, true},
	{mixed, "asks_plain", DENY, "/tools/asks_plain/action", "ask the person you work for",
	 "/all_tools/limits/0 /all_tools/rate_limit ", false, true},
	{mixed, "paid", ALLOW, "/tools/paid", "", "/all_tools/limits/0 /all_tools/rate_limit ",
	 true, true},
	{mixed, "destructive", ALLOW, "/tools/destructive", "",
	 "/all_tools/limits/0 /all_tools/rate_limit ", true, true},
	{mixed, "paid_fast", ALLOW, "/tools/paid_fast", "",
	 "/all_tools/limits/0 /all_tools/rate_limit ", false, true},
	{mixed, "slow", ALLOW, "/tools/slow", "", "/all_tools/limits/0 /all_tools/rate_limit ",
	 true, true},
	{mixed, "written", ALLOW, "/tools/written", "",
	 "/all_tools/limits/0 /all_tools/rate_limit ", false, true},
	{mixed, "unlisted", DENY, "/default",
	 "It allows: allowed, counted, destructive, keeps, "
	 "keeps_nothing, paid, paid_fast, plain and 2 more.",
	 "", false, false},
	{mixed, "pl\u00e4in", DENY, "/default", "not the name of a tool", "", false, false},
	{mixed, "plain\n", DENY, "/default", "not the name of a tool", "", false, false},
	{mixed, LONG_64 "a", DENY, "/default", "not the name of a tool", "", false, false},
	{mixed, LONG_64, DENY, "/default", "does not list", "", false, false},
	{open_policy, "anything", ALLOW, "/default", "", "", false, true},
	{open_policy, LONG_64, ALLOW, "/default", "", "", false, true},
	{open_policy, "any thing", DENY, "/default", "not the name of a tool", "", false, false},
	{open_policy, "", DENY, "/default", "not the name of a tool", "", false, false},
	{open_policy, "yes", ALLOW, "/tools/yes", "", "", false, true},
	{open_policy, "no", DENY, "/tools/no/action", "the policy denies", "", false, false},
	{open_policy, "hidden", DENY, "/hide", "hides", "", false, false},
	{hides_all, "t", DENY, "/hide", "hides", "", false, false},
	{hides_all, "other", DENY, "/hide", "hides", "", false, false},
	{denies_all, "t", DENY, "/all_tools/action", "closed today", "", false, false},
	{denies_all, "other", DENY, "/all_tools/action", "closed today", "", false, false},
	{asks_all, "t", DENY, "/all_tools/action", "approval", "", true, true},
	{asks_all, "other", DENY, "/all_tools/action", "approval", "", true, true},
	{asks_all, "no", DENY, "/tools/no/action", "denies", "", true, false},
	{allows_all, "t", ALLOW, "/tools/t", "", "", false, true},
	{allows_all, "other", DENY, "/default", "It allows: t.", "", false, false},
	{paid_all, "x", ALLOW, "/default", "", "", true, true},
	{paid_all, "r", ALLOW, "/tools/r", "", "", false, true},
	{durable_all, "t", ALLOW, "/tools/t", "", "", true, true},
	{durable_all, "f", ALLOW, "/tools/f", "", "", false, true},
	{"{}", "x", DENY, "/default", "denies what it does not list. Retrying will not help", "",
	 false, false},
	{"{\"tools\":{\"d\":{\"action\":\"deny\"}}}", "x", DENY, "/default",
	 "denies what it does not list. Retrying will not help", "", false, false},
};

static struct policy *load(const char *text)
{
	struct policy *policy = NULL;

	assert_int_equal(policy_parse(text, strlen(text), "p.json", &policy, NULL), 0);
	return policy;
}

static bool case_holds(const struct decision_case *c)
{
	autopolicy struct policy *policy = load(c->policy);
	struct policy_call call = {.server = policy_server_at(policy, 0), .tool = c->tool};
	struct policy_decision d;
	char limits[1024] = "";
	bool visible;

	memset(&d, 0xff, sizeof(d));
	policy_decide(policy, &call, &d);
	for (size_t i = 0; i < d.n_limits; i++)
		snprintf(limits + strlen(limits), sizeof(limits) - strlen(limits), "%s ",
			 d.limits[i]->rule);
	visible = c->tool && policy_tool_is_visible(policy, call.server, c->tool);
	if (d.verdict == c->verdict && !strcmp(d.rule, c->rule) && strstr(d.reason, c->reason) &&
	    !c->reason[0] == !d.reason[0] && !strcmp(limits, c->limits) &&
	    d.durable == c->durable && visible == c->visible)
		return true;
	print_error("%s of %s\n  verdict %d rule %s limits %s durable %d visible %d\n  %s\n",
		    c->tool ? c->tool : "NULL", c->policy, d.verdict, d.rule, limits, d.durable,
		    visible, d.reason);
	return false;
}

static void test_decide_follows_the_order_of_judgement(void **state)
{
	size_t hold = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		hold += case_holds(&cases[i]);
	assert_int_equal(hold, ARRAY_SIZE(cases));
}

static void test_decide_denies_a_server_of_another_policy(void **state)
{
	autopolicy struct policy *policy = load(open_policy), *other = load(open_policy);
	struct policy_call call = {.server = policy_server_at(other, 0), .tool = "yes"};
	struct policy_decision d;

	(void)state;
	policy_decide(policy, &call, &d);
	assert_int_equal(d.verdict, VERDICT_DENY);
	assert_string_equal(d.rule, "/server");
	call.server = NULL;
	policy_decide(policy, &call, &d);
	assert_int_equal(d.verdict, VERDICT_DENY);
	assert_false(policy_tool_is_visible(policy, NULL, "yes"));
}

static void test_decide_lists_limits_as_written(void **state)
{
	autopolicy struct policy *policy = load(mixed);
	struct policy_call call = {.server = policy_server_at(policy, 0), .tool = "counted"};
	const struct policy_limit expected[] = {
		{.counter = "c1",
		 .scope = SCOPE_RUN,
		 .window_ms = 3600000,
		 .max = 4,
		 .amount = 2,
		 .window_text = "hour"},
		{.counter = "c2",
		 .scope = SCOPE_GLOBAL,
		 .window_ms = 86400000,
		 .max = 9,
		 .amount = 1,
		 .window_text = "day"},
		{.counter = "rate_limit:counted",
		 .scope = SCOPE_SESSION,
		 .window_ms = 90000,
		 .max = 3,
		 .amount = 1,
		 .window_text = "90 seconds"},
		{.counter = "all",
		 .scope = SCOPE_GRANT,
		 .window_ms = 60000,
		 .max = 60,
		 .amount = 1,
		 .window_text = "minute"},
		{.counter = "rate_limit:*",
		 .scope = SCOPE_SESSION,
		 .window_ms = 1000,
		 .max = 5,
		 .amount = 1,
		 .window_text = "second"},
	};
	struct policy_decision d;

	(void)state;
	policy_decide(policy, &call, &d);
	assert_int_equal(d.n_limits, ARRAY_SIZE(expected));
	for (size_t i = 0; i < d.n_limits; i++) {
		assert_string_equal(d.limits[i]->counter, expected[i].counter);
		assert_int_equal(d.limits[i]->scope, expected[i].scope);
		assert_int_equal(d.limits[i]->window_ms, expected[i].window_ms);
		assert_int_equal(d.limits[i]->max, expected[i].max);
		assert_int_equal(d.limits[i]->amount, expected[i].amount);
		assert_string_equal(d.limits[i]->window_text, expected[i].window_text);
	}
}

static void test_builtin_policy_judges_promptfax(void **state)
{
	static const struct {
		const char *tool;
		enum verdict verdict;
		bool visible;
	} tools[] = {
		{"start_session", VERDICT_ALLOW, true},  {"attach_document", VERDICT_ALLOW, true},
		{"get_quote", VERDICT_ALLOW, true},      {"get_status", VERDICT_ALLOW, true},
		{"cancel", VERDICT_ALLOW, true},         {"checkout", VERDICT_DENY, true},
		{"send_fax", VERDICT_DENY, true},        {"retry_failed_fax", VERDICT_DENY, true},
		{"delete_account", VERDICT_DENY, false},
	};
	autopolicy struct policy *policy = NULL;
	size_t n;
	const char *text = policy_builtin(&n);

	(void)state;
	assert_int_equal(policy_parse(text, n, "builtin", &policy, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		struct policy_call call = {.server = policy_server_at(policy, 0),
					   .tool = tools[i].tool};
		struct policy_decision d;

		policy_decide(policy, &call, &d);
		assert_int_equal(d.verdict, tools[i].verdict);
		assert_int_equal(policy_tool_is_visible(policy, call.server, call.tool),
				 tools[i].visible);
	}
}

struct redact_case {
	const char *tool, *arguments, *redacted;
};

static const struct redact_case redactions[] = {
	{"plain", "{\"a\":1}", "{\"a\":1}"},
	{"plain", "{\"secret\":\"s\"}", "{\"secret\":\"[redacted]\"}"},
	{"unlisted", "{\"secret\":{\"x\":1},\"b\":2}", "{\"secret\":\"[redacted]\",\"b\":2}"},
	{"plain", NULL, "{}"},
	{"keeps", "{\"a\":{\"b\":5,\"c\":6}}", "{\"a\":{\"b\":\"[redacted]\",\"c\":6}}"},
	{"keeps", "{\"a\":{\"c\":6}}", "{\"a\":{\"c\":6}}"},
	{"keeps", "{\"a\":\"5\"}", "{\"a\":\"[redacted]\"}"},
	{"keeps", "{\"a\":[{\"b\":5}]}", "{\"a\":\"[redacted]\"}"},
	{"keeps", "{\"f\":[{\"url\":\"u\",\"n\":1},{\"n\":2},\"u\"]}",
	 "{\"f\":[{\"url\":\"[redacted]\",\"n\":1},{\"n\":2},\"[redacted]\"]}"},
	{"keeps", "{\"f\":{\"url\":\"u\"}}", "{\"f\":\"[redacted]\"}"},
	{"keeps", "{\"g\":[1,2,3]}", "{\"g\":[1,\"[redacted]\",3]}"},
	{"keeps", "{\"g\":[1]}", "{\"g\":[1]}"},
	{"keeps_nothing", "{\"a\":1}", "\"[redacted]\""},
};

static void test_redact_hides_what_the_policy_names(void **state)
{
	autopolicy struct policy *policy = load(mixed);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(redactions); i++) {
		const struct redact_case *c = &redactions[i];
		json_t *arguments = c->arguments ? json_loads(c->arguments, 0, NULL) : NULL;
		json_t *before = json_deep_copy(arguments), *redacted = NULL;
		json_t *expected = json_loads(c->redacted, JSON_DECODE_ANY, NULL);
		struct policy_call call = {.server = policy_server_at(policy, 0),
					   .tool = c->tool,
					   .arguments = arguments};

		assert_int_equal(policy_redact_arguments(policy, &call, &redacted), 0);
		if (!json_equal(redacted, expected))
			print_error("%s\n", c->arguments);
		assert_true(json_equal(redacted, expected));
		assert_true(!before || json_equal(arguments, before));
		json_decref(arguments);
		json_decref(before);
		json_decref(expected);
		json_decref(redacted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decide_follows_the_order_of_judgement),
		cmocka_unit_test(test_decide_denies_a_server_of_another_policy),
		cmocka_unit_test(test_decide_lists_limits_as_written),
		cmocka_unit_test(test_builtin_policy_judges_promptfax),
		cmocka_unit_test(test_redact_hides_what_the_policy_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
