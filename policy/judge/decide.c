// SPDX-License-Identifier: Apache-2.0
/*
 * The order of judgement is the table `stages`: each stage either denies, naming the rule,
 * or passes the call on. Only a call that no stage denied is allowed, and only then are its
 * limits listed. Visibility asks the same stages, so that what tools/list shows and what a
 * call meets cannot drift apart.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy/model.h"

#define NAMES_MAX 8 /* tools that a reason names as a way out */

#define ASK_SOMEONE "Retrying will not help; if it is needed, ask the person you work for."

struct judgement {
	const struct policy *policy;
	const struct policy_server *server;
	const char *tool;
	const struct rule *rule;     /* the tool's; NULL if the policy does not list it */
	struct policy_decision *ret; /* for a stage that denies; NULL: nobody asks why */
};

static void deny(const struct judgement *j, const char *rule, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void deny(const struct judgement *j, const char *rule, const char *format, ...)
{
	va_list ap;

	if (!j->ret)
		return;
	snprintf(j->ret->rule, sizeof(j->ret->rule), "%s", rule);
	va_start(ap, format);
	vsnprintf(j->ret->reason, sizeof(j->ret->reason), format, ap);
	va_end(ap);
}

/* --- stages ----------------------------------------------------------------- */

static bool stage_server(const struct judgement *j)
{
	if (j->server == &j->policy->server)
		return true;
	deny(j, "/server", "the call is for no server of the policy. " ASK_SOMEONE);
	return false;
}

static bool stage_hide(const struct judgement *j)
{
	bool hidden = j->policy->hides_all;

	for (size_t i = 0; !hidden && i < j->policy->n_hide; i++)
		hidden = !strcmp(j->policy->hide[i], j->tool);
	if (hidden)
		deny(j, "/hide", "the policy hides this tool. " ASK_SOMEONE);
	return !hidden;
}

/* The tools that are worth trying instead: "a, b and 3 more". */
static void list_allowed(const struct policy *policy, char *ret, size_t size)
{
	size_t used = 0, named = 0, more = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < policy->n_tools; i++) {
		const char *name = policy->tools[i].name;

		if (policy->tools[i].action != ACTION_ALLOW ||
		    !policy_tool_is_visible(policy, &policy->server, name))
			continue;
		if (named++ >= NAMES_MAX)
			more++;
		else if (used < size)
			used += (size_t)snprintf(ret + used, size - used, "%s%s", used ? ", " : "",
						 name);
	}
	if (more && used < size)
		snprintf(ret + used, size - used, " and %zu more", more);
}

static void deny_unlisted(const struct judgement *j)
{
	char allowed[NAMES_MAX * (POLICY_TOOL_MAX + 2) + 32];

	list_allowed(j->policy, allowed, sizeof(allowed));
	if (allowed[0])
		deny(j, "/default",
		     "the policy does not list this tool, and denies what it does not list. "
		     "It allows: %s.",
		     allowed);
	else
		deny(j, "/default",
		     "the policy does not list this tool, and denies what it does "
		     "not list. " ASK_SOMEONE);
}

static bool stage_default(const struct judgement *j)
{
	if (!model_tool_name_is_sound(j->tool)) {
		deny(j, "/default", "this is not the name of a tool. " ASK_SOMEONE);
		return false;
	}
	if (j->rule || j->policy->default_allows)
		return true;
	/* Not for tools/list, which asks about each tool that a server has. */
	if (j->ret)
		deny_unlisted(j);
	return false;
}

/* Deny by a rule's `action`, with the reason that the policy gives between two sentences. */
static void deny_by_action(const struct judgement *j, const struct rule *rule, const char *before,
			   const char *after)
{
	char pointer[sizeof(j->ret->rule)];

	snprintf(pointer, sizeof(pointer), "%s/action", rule->pointer);
	deny(j, pointer, "%s%s%s. %s", before, rule->reason ? ": " : "",
	     rule->reason ? rule->reason : "", after);
}

static bool passes_deny(const struct judgement *j, const struct rule *rule)
{
	if (!rule || rule->action != ACTION_DENY)
		return true;
	deny_by_action(j, rule, "the policy denies this tool", ASK_SOMEONE);
	return false;
}

static bool stage_deny(const struct judgement *j)
{
	return passes_deny(j, j->rule) && passes_deny(j, &j->policy->all_tools);
}

static bool passes_approval(const struct judgement *j, const struct rule *rule)
{
	if (!rule || rule->action != ACTION_REQUIRE_APPROVAL)
		return true;
	deny_by_action(j, rule, "this tool needs a person's approval",
		       "Approval is not available in this version of mcpjail, so the call was "
		       "denied. Do not retry: ask the person you work for to do this step "
		       "themselves, outside mcpjail.");
	return false;
}

static bool stage_approval(const struct judgement *j)
{
	return passes_approval(j, j->rule) && passes_approval(j, &j->policy->all_tools);
}

static const struct {
	bool (*passes)(const struct judgement *j);
	bool hides; /* a tool whose calls all fail here is not shown either */
} stages[] = {
	{stage_server, true}, {stage_hide, true},      {stage_default, true},
	{stage_deny, true},   {stage_approval, false},
};

/* --- limits ----------------------------------------------------------------- */

static void list_limits(const struct rule *rule, struct policy_decision *ret)
{
	if (!rule)
		return;
	/* Loading has made sure that they fit. */
	for (size_t i = 0; i < rule->n_limits; i++)
		ret->limits[ret->n_limits++] = &rule->limits[i];
	if (rule->has_rate_limit)
		ret->limits[ret->n_limits++] = &rule->rate_limit;
}

static bool call_is_durable(const struct policy *policy, const struct rule *rule)
{
	enum choice own = rule ? rule->durable : CHOICE_NONE;
	enum choice all = policy->all_tools.durable;
	enum tool_class class = rule ? rule->class : CLASS_NONE;

	if (own != CHOICE_NONE)
		return own == CHOICE_YES;
	if (all != CHOICE_NONE)
		return all == CHOICE_YES;
	if (class == CLASS_NONE)
		class = policy->all_tools.class;
	return class == CLASS_PAID || class == CLASS_DESTRUCTIVE;
}

/* --- answers ---------------------------------------------------------------- */

void policy_decide(const struct policy *policy, const struct policy_call *call,
		   struct policy_decision *ret)
{
	const struct judgement j = {
		.policy = policy,
		.server = call->server,
		.tool = call->tool ? call->tool : "",
		.rule = call->tool ? model_find_tool(policy, call->tool) : NULL,
		.ret = ret,
	};

	ret->verdict = VERDICT_DENY;
	ret->n_limits = 0;
	ret->reason[0] = '\0';
	ret->durable = call_is_durable(policy, j.rule);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (!stages[i].passes(&j))
			return;
	ret->verdict = VERDICT_ALLOW;
	snprintf(ret->rule, sizeof(ret->rule), "%s", j.rule ? j.rule->pointer : "/default");
	list_limits(j.rule, ret);
	list_limits(&policy->all_tools, ret);
}

bool policy_tool_is_visible(const struct policy *policy, const struct policy_server *server,
			    const char *tool)
{
	const struct judgement j = {
		.policy = policy,
		.server = server,
		.tool = tool,
		.rule = model_find_tool(policy, tool),
	};

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (stages[i].hides && !stages[i].passes(&j))
			return false;
	return true;
}

static int redact_by_rule(const struct rule *rule, json_t *marker, json_t **arguments)
{
	int r = 0;

	for (size_t i = 0; !r && rule && i < rule->n_redact; i++)
		r = path_redact(&rule->redact[i], marker, arguments);
	return r;
}

int policy_redact_arguments(const struct policy *policy, const struct policy_call *call,
			    json_t **ret_redacted)
{
	autojson json_t *copy = call->arguments ? json_deep_copy(call->arguments) : json_object();
	autojson json_t *marker = json_string("[redacted]");
	int r;

	if (!copy || !marker)
		return -ENOMEM;
	r = redact_by_rule(call->tool ? model_find_tool(policy, call->tool) : NULL, marker, &copy);
	if (!r)
		r = redact_by_rule(&policy->all_tools, marker, &copy);
	if (r)
		return r;
	*ret_redacted = ptr_take(&copy);
	return 0;
}
