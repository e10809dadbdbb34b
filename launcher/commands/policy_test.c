// SPDX-License-Identifier: Apache-2.0
/*
 * The cases of a policy's `tests`: the loader has seen to their form (load_tests.h), so what
 * remains to be wrong about a case is a call that no agent could make.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "policy/json/json_auto.h"
#include "policy_call.h"
#include "policy_parts.h"

#define WHY_BYTES 3072

struct tally {
	size_t passed, failed;
	json_t *cases; /* of the report; owned */
};

static const char *text_of(const json_t *test, const char *key)
{
	return json_string_value(json_object_get(test, key));
}

/* What differs from what is expected. Return: whether nothing does */
static bool holds(const json_t *test, const struct judged_call *judged, char why[WHY_BYTES])
{
	const char *expected = text_of(test, "expect"), *rule = text_of(test, "rule"),
		   *reason = text_of(test, "reason"), *verdict = verdict_word(judged->verdict);

	why[0] = '\0';
	if (strcmp(expected, verdict))
		snprintf(why, WHY_BYTES, "expected %s, got %s by rule %s%s%s", expected, verdict,
			 judged_rule(judged), judged_reason(judged)[0] ? ": " : "",
			 judged_reason(judged));
	else if (rule && strcmp(rule, judged_rule(judged)))
		snprintf(why, WHY_BYTES, "expected the rule %s, got %s", rule, judged_rule(judged));
	else if (reason && !strstr(judged_reason(judged), reason))
		snprintf(why, WHY_BYTES, "the reason does not have `%s`: %s", reason,
			 judged_reason(judged));
	return !why[0];
}

/* A case without a name is called after its tool and what is expected. */
static void name_of(const json_t *test, char *ret, size_t size)
{
	const char *name = text_of(test, "name"),
		   *tool = text_of(json_object_get(test, "call"), "tool");

	if (name)
		snprintf(ret, size, "%s", name);
	else
		snprintf(ret, size, "%s: %s", tool ? tool : "?", text_of(test, "expect"));
}

static int run_case(struct tally *tally, const struct policy *policy, const json_t *test, size_t i)
{
	autocall struct asked_call call = {.server = NULL};
	struct judged_call judged;
	struct error err = {.what = ""};
	char name[256], pointer[32], why[WHY_BYTES];
	int r = asked_call_read(json_object_get(test, "call"), &call, &err);
	bool passes;

	if (!r)
		r = asked_call_judge(&call, policy, &judged, &err);
	if (r == -ENOMEM)
		return r;
	if (r) {
		error_format(&err, why, sizeof(why));
		memset(&judged, 0, sizeof(judged));
	}
	passes = !r && holds(test, &judged, why);
	tally->passed += passes;
	tally->failed += !passes;
	name_of(test, name, sizeof(name));
	snprintf(pointer, sizeof(pointer), "/tests/%zu", i);
	return json_array_append_new(tally->cases,
				     json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:s}", "name", name,
					       "pointer", pointer, "passes", passes, "why", why,
					       "verdict", r ? "none" : verdict_word(judged.verdict),
					       "rule", judged_rule(&judged), "reason",
					       judged_reason(&judged)))
		       ? -ENOMEM
		       : 0;
}

static int tell(const struct tally *tally, const char *file, bool as_json)
{
	autojson json_t *report = NULL;
	const json_t *one;
	size_t i;

	if (as_json) {
		report = json_pack("{s:s, s:I, s:I, s:O}", "file", file, "passed",
				   (json_int_t)tally->passed, "failed", (json_int_t)tally->failed,
				   "cases", tally->cases);
		return policy_print_json(report);
	}
	json_array_foreach (tally->cases, i, one) {
		bool passes = json_is_true(json_object_get(one, "passes"));

		policy_print_line("%s  %s", passes ? "ok  " : "FAIL", text_of(one, "name"));
		if (!passes)
			policy_print_line("      %s: %s", text_of(one, "pointer"),
					  text_of(one, "why"));
	}
	policy_print_line("%s: %zu passed, %zu failed", file, tally->passed, tally->failed);
	return 0;
}

int policy_test(char **arguments)
{
	autopolicytext struct policy_text t = {.policy = NULL};
	autojson json_t *root = NULL, *cases = json_array();
	struct tally tally = {.cases = cases};
	bool as_json = false;
	const char *file = NULL;
	const json_t *test;
	size_t i;
	const struct policy_option options[] = {{"--json", NULL, &as_json}};
	const struct policy_syntax syntax = {
		.usage = "policy test [--json] [FILE]",
		.options = options,
		.n_options = ARRAY_SIZE(options),
		.files = &file,
		.files_max = 1,
	};
	int r = policy_read_arguments(&syntax, arguments);

	if (r || policy_text_load(file, &t))
		return POLICY_EXIT_CANNOT;
	root = policy_text_json(&t);
	json_array_foreach (json_object_get(root, "tests"), i, test)
		if (!r)
			r = run_case(&tally, t.policy, test, i);
	if (!root || !cases || r) {
		log_error("policy test: out of memory");
		return POLICY_EXIT_CANNOT;
	}
	if (!json_array_size(cases)) {
		log_error("%s: there are no `tests` in it; see mcpjail-policy(5)", t.name);
		return POLICY_EXIT_CANNOT;
	}
	r = tell(&tally, t.name, as_json);
	return r ? r : tally.failed ? POLICY_EXIT_WRONG : 0;
}
