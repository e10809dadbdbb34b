// SPDX-License-Identifier: Apache-2.0
/*
 * The language, decision by decision: each line of policy_decisions.txt is a test, which names
 * the verdict and the rule that decides. policy_decide(), policy_explain() and what tools/list
 * shows have to agree on it.
 */
#include "cmocka_all.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/explain.h"
#include "policy/json/json_auto.h"
#include "policy/load/unwired.h"

#define TABLE     "tests/unit/policy_decisions.txt"
#define LINE_MAX  16384
#define LINES_MIN 400

#define EARLIER_MAX 8
#define NOW_S       1800000000 /* 2027-01-15T08:00:00Z */

struct suite {
	struct policy *policy;
	struct policy_earlier earlier[EARLIER_MAX];
	size_t n_earlier;
	size_t server; /* whose tools are called */
	char grant[65];
	char line[LINE_MAX];
	unsigned at;
	unsigned decisions, failures;
};

static void complain(struct suite *s, const char *what, const char *got)
{
	print_error("%s:%u: %s: got %s\n", TABLE, s->at, what, got);
	s->failures++;
}

/* Cut the next word off. */
static char *word(char **rest)
{
	char *begin;

	while (isspace((unsigned char)**rest))
		++*rest;
	begin = *rest;
	while (**rest && !isspace((unsigned char)**rest))
		++*rest;
	if (**rest)
		*(*rest)++ = '\0';
	return begin;
}

static void forget(struct suite *s)
{
	while (s->n_earlier) {
		const struct policy_earlier *e = &s->earlier[--s->n_earlier];

		free((char *)(uintptr_t)e->tool);
		json_decref((json_t *)(uintptr_t)e->result);
	}
}

/* "earlier TOOL RESULT" */
static void take_earlier(struct suite *s, char *rest)
{
	assert_true(s->n_earlier < EARLIER_MAX);
	s->earlier[s->n_earlier].tool = strdup(word(&rest));
	s->earlier[s->n_earlier].result = json_loads(rest, 0, NULL);
	assert_non_null(s->earlier[s->n_earlier++].result);
}

/* "server NAME" */
static void take_server(struct suite *s, const char *name)
{
	for (s->server = 0; s->server < policy_server_count(s->policy); s->server++)
		if (!strcmp(policy_server_at(s->policy, s->server)->name, name))
			return;
	fail();
}

static void take_policy(struct suite *s, const char *text)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};

	policy_free(s->policy);
	s->policy = NULL;
	s->server = 0;
	s->grant[0] = '\0';
	forget(s);
	if (policy_parse_whole(text, strlen(text), "p", &s->policy, &errors))
		complain(s, "the policy does not load",
			 policy_errors_count(&errors) ? policy_errors_at(&errors, 0)->what : "?");
}

/* A text that must not load: "refused POINTER WORDS in what is said | POLICY" */
static void take_refusal(struct suite *s, char *rest)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	char *pointer = word(&rest), *says = rest, *text = strstr(rest, " | ");
	char line[ERROR_LINE_BYTES] = "nothing";
	int r;

	assert_non_null(text);
	*text = '\0';
	text += 3;
	s->decisions++;
	r = policy_parse_whole(text, strlen(text), "p", &policy, &errors);
	if (policy_errors_count(&errors))
		error_format(policy_errors_at(&errors, 0), line, sizeof(line));
	if (r != -EINVAL || policy_errors_count(&errors) != 1 ||
	    strcmp(policy_errors_place(&errors, 0).pointer, pointer) || !strstr(line, says))
		complain(s, says, line);
}

static const char *const verdicts[] = {
	[VERDICT_DENY] = "deny",
	[VERDICT_ALLOW] = "allow",
	[VERDICT_ASK] = "ask",
};

/* What must hold of every decision. */
static void check_agreement(struct suite *s, const struct policy_call *call,
			    const struct policy_decision *d, const struct policy_trace *trace)
{
	struct policy_decision plain;
	bool is_visible = policy_tool_is_visible(s->policy, call->server, call->tool);
	bool is_allowed = trace->verdict == VERDICT_ALLOW;
	char text[1801];

	policy_decide(s->policy, call, &plain);
	policy_denial(d, call->tool, text, sizeof(text));
	/* What only the keeper's state tells, policy_decide() leaves open. */
	if (trace->steps[STAGE_BIND].verdict != STEP_DENIES &&
	    trace->steps[STAGE_LIMITS].verdict != STEP_DENIES &&
	    (plain.verdict != d->verdict || strcmp(plain.rule, d->rule)))
		complain(s, "policy_decide() and policy_explain() differ", plain.rule);
	if (is_allowed ? d->reason[0] || !is_visible : !d->reason[0])
		complain(s, "the reason", d->reason);
	if (!is_allowed && strlen(text) >= sizeof(text) - 1)
		complain(s, "the denial is cut", text);
	for (size_t i = 0; i < POLICY_STAGES; i++) {
		enum policy_step_verdict step = trace->steps[i].verdict;

		if (is_allowed != (step == STEP_PASSES) && i == POLICY_STAGES - 1)
			complain(s, "the last stage", policy_stage_name((enum policy_stage)i));
		if (step == STEP_DENIES && strcmp(trace->steps[i].rule, d->rule))
			complain(s, "the stage's rule", trace->steps[i].rule);
	}
}

/* "VERDICT POINTER TOOL ARGUMENTS"; no arguments at all without the last */
static void take_decision(struct suite *s, const char *verdict, char *rest)
{
	const char *pointer = word(&rest), *tool = word(&rest);
	autojson json_t *arguments = *rest ? json_loads(rest, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const struct policy_call call = {.server = policy_server_at(s->policy, s->server),
					 .tool = tool,
					 .arguments = arguments,
					 .grant = s->grant[0] ? s->grant : NULL,
					 .now_s = NOW_S};
	struct policy_decision d;
	struct policy_trace trace;

	s->decisions++;
	if (*rest && !arguments) {
		complain(s, "arguments", rest);
		return;
	}
	policy_explain(s->policy, &call, &(struct policy_history){s->earlier, s->n_earlier}, &d,
		       &trace);
	if (strcmp(verdicts[trace.verdict], verdict))
		complain(s, verdict, d.reason[0] ? d.reason : "allow");
	if (strcmp(d.rule, pointer))
		complain(s, pointer, d.rule);
	check_agreement(s, &call, &d, &trace);
}

static void take_line(struct suite *s)
{
	char *rest = s->line, *verb;

	rest[strcspn(rest, "\n")] = '\0';
	verb = word(&rest);
	if (!*verb || *verb == '#')
		return;
	if (!strcmp(verb, "policy"))
		take_policy(s, rest);
	else if (!strcmp(verb, "earlier"))
		take_earlier(s, rest);
	else if (!strcmp(verb, "server"))
		take_server(s, word(&rest));
	else if (!strcmp(verb, "grant"))
		snprintf(s->grant, sizeof(s->grant), "%s", word(&rest));
	else if (!strcmp(verb, "refused"))
		take_refusal(s, rest);
	else if (s->policy)
		take_decision(s, verb, rest);
}

static void test_every_decision_of_the_table(void **state)
{
	static struct suite s;
	FILE *table = fopen(TABLE, "re");

	(void)state;
	assert_non_null(table);
	while (fgets(s.line, sizeof(s.line), table)) {
		s.at++;
		take_line(&s);
	}
	fclose(table);
	forget(&s);
	policy_free(s.policy);
	assert_int_equal(s.failures, 0);
	assert_true(s.decisions >= LINES_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_decision_of_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
