// SPDX-License-Identifier: Apache-2.0
/*
 * The order of judgement is the table `stages`: each stage either denies, naming the rule,
 * or passes the call on. Only a call that no stage denied is allowed, and only then does it
 * list what else it must pass. Visibility asks the same stages, so that what tools/list shows
 * and what a call meets cannot drift apart; so does policy_explain().
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy/judge/judgement.h"

#define NAMES_MAX 8 /* tools that a reason names as a way out */

enum policy_step_verdict deny(const struct judgement *j, const char *rule, const char *format, ...)
{
	va_list ap;

	if (!j->ret)
		return STEP_DENIES;
	snprintf(j->ret->rule, sizeof(j->ret->rule), "%s", rule);
	va_start(ap, format);
	vsnprintf(j->ret->reason, sizeof(j->ret->reason), format, ap);
	va_end(ap);
	return STEP_DENIES;
}

/* --- stages ----------------------------------------------------------------- */

static enum policy_step_verdict stage_server(const struct judgement *j)
{
	if (j->governed)
		return STEP_PASSES;
	return deny(j, "/server", "the call is for no server of the policy. " ASK_SOMEONE);
}

static enum policy_step_verdict stage_hide(const struct judgement *j)
{
	const struct governed *governed = j->governed;
	bool hidden = governed->hides_all;
	char pointer[sizeof(j->ret->rule)];

	for (size_t i = 0; !hidden && i < governed->n_hide; i++)
		hidden = !strcmp(governed->hide[i], j->tool);
	if (!hidden)
		return STEP_PASSES;
	snprintf(pointer, sizeof(pointer), "%s/hide", governed->pointer);
	return deny(j, pointer, "the policy hides this tool. " ASK_SOMEONE);
}

/* The tools that are worth trying instead: "a, b and 3 more". */
static void list_allowed(const struct judgement *j, char *ret, size_t size)
{
	const struct governed *governed = j->governed;
	size_t used = 0, named = 0, more = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < governed->n_tools; i++) {
		const char *name = governed->tools[i].name;

		if (governed->tools[i].action != ACTION_ALLOW ||
		    !policy_tool_is_visible(j->policy, &governed->server, name))
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

	list_allowed(j, allowed, sizeof(allowed));
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

static enum policy_step_verdict stage_default(const struct judgement *j)
{
	if (!model_tool_name_is_sound(j->tool))
		return deny(j, "/default", "this is not the name of a tool. " ASK_SOMEONE);
	if (j->rule || j->policy->default_allows)
		return STEP_PASSES;
	/* Not for tools/list, which asks about each tool that a server has. */
	if (j->ret)
		deny_unlisted(j);
	return STEP_DENIES;
}

static enum policy_step_verdict passes_action(const struct judgement *j, const struct rule *rule)
{
	char pointer[sizeof(j->ret->rule)];

	if (!rule || rule->action != ACTION_DENY)
		return STEP_PASSES;
	snprintf(pointer, sizeof(pointer), "%s/action", rule->pointer);
	return deny(j, pointer, "the policy denies this tool%s%s. " ASK_SOMEONE,
		    rule->reason ? ": " : "", rule->reason ? rule->reason : "");
}

static enum policy_step_verdict stage_action(const struct judgement *j)
{
	enum policy_step_verdict own = passes_action(j, j->rule);

	return own == STEP_PASSES ? passes_action(j, &j->governed->all_tools) : own;
}

/* The rule that wants a person to be asked: the tool's own first; NULL: none does. */
static const struct rule *rule_that_asks(const struct judgement *j)
{
	const struct rule *rules[] = {j->rule, &j->governed->all_tools};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i] &&
		    (rules[i]->action == ACTION_REQUIRE_APPROVAL || rules[i]->approval.is_required))
			return rules[i];
	return NULL;
}

static void describe_approval(const struct rule *rule, struct policy_approval *ret)
{
	const struct rule_approval *approval = &rule->approval;

	*ret = (struct policy_approval){
		.is_required = true,
		.reason = rule->reason,
		.timeout_ms = approval->is_there ? approval->timeout_ms : APPROVAL_TIMEOUT_MS,
		.shows_arguments = !approval->is_there || approval->shows_arguments,
		.shows_bound = approval->bound.items,
		.n_shows_bound = approval->bound.n,
		.is_batch = approval->is_batch,
	};
}

static enum policy_step_verdict stage_approval(const struct judgement *j)
{
	const struct rule *rule = rule_that_asks(j);
	char pointer[sizeof(j->ret->rule)];

	if (!rule)
		return STEP_PASSES;
	describe_approval(rule, &j->ret->approval);
	snprintf(pointer, sizeof(pointer), "%s/%s", rule->pointer,
		 rule->action == ACTION_REQUIRE_APPROVAL ? "action" : "approval");
	deny(j, pointer,
	     "this tool needs a person's approval%s%s. Approval is not available in this version "
	     "of mcpjail, so the call was denied. Do not retry: ask the person you work for to do "
	     "this step themselves, outside mcpjail.",
	     rule->reason ? ": " : "", rule->reason ? rule->reason : "");
	return STEP_ASKS;
}

static const struct {
	enum policy_step_verdict (*judge)(const struct judgement *j);
	bool hides; /* a tool whose calls all fail here is not shown either */
	const char *name;
} stages[] = {
	[STAGE_SERVER] = {stage_server, true, "server"},
	[STAGE_GRANT] = {stage_grant, true, "grant"},
	[STAGE_HIDE] = {stage_hide, true, "hide"},
	[STAGE_DEFAULT] = {stage_default, true, "default"},
	[STAGE_ACTION] = {stage_action, true, "action"},
	[STAGE_DENY_IF] = {stage_deny_if, false, "deny_if"},
	[STAGE_REQUIRE] = {stage_require, false, "require"},
	[STAGE_ARGS] = {stage_args, false, "args"},
	[STAGE_BIND] = {stage_bind, false, "bind"},
	[STAGE_LIMITS] = {stage_limits, false, "limits"},
	[STAGE_ONCE] = {stage_once, false, "once"},
	[STAGE_APPROVAL] = {stage_approval, false, "approval"},
};

_Static_assert(ARRAY_SIZE(stages) == POLICY_STAGES, "every stage is judged");

enum policy_step_verdict judge_stage(const struct judgement *j, enum policy_stage stage)
{
	return stages[stage].judge(j);
}

const char *policy_stage_name(enum policy_stage stage)
{
	return stages[stage].name;
}

static bool call_is_durable(const struct governed *governed, const struct rule *rule)
{
	enum choice own = rule ? rule->durable : CHOICE_NONE;
	enum choice all = governed->all_tools.durable;
	enum tool_class class = rule ? rule->class : CLASS_NONE;

	if (own != CHOICE_NONE)
		return own == CHOICE_YES;
	if (all != CHOICE_NONE)
		return all == CHOICE_YES;
	if (class == CLASS_NONE)
		class = governed->all_tools.class;
	return class == CLASS_PAID || class == CLASS_DESTRUCTIVE;
}

/* --- answers ---------------------------------------------------------------- */

struct judgement judge_begin(const struct policy *policy, const struct policy_call *call,
			     struct policy_decision *ret)
{
	struct judgement j = {
		.policy = policy,
		.governed = model_find_server(policy, call->server),
		.tool = call->tool ? call->tool : "",
		.grant = call->grant,
		.now_s = call->now_s,
		.arguments = call->arguments ? call->arguments : policy->no_arguments,
		.ret = ret,
	};

	if (j.governed && call->tool)
		j.rule = model_find_tool(j.governed, call->tool);
	ret->verdict = VERDICT_DENY;
	ret->rule[0] = '\0';
	ret->reason[0] = '\0';
	ret->n_limits = 0;
	ret->n_bound = 0;
	ret->once.rule = NULL;
	ret->approval.is_required = false;
	ret->durable = j.governed && call_is_durable(j.governed, j.rule);
	return j;
}

void judge_end(const struct judgement *j, enum policy_step_verdict last)
{
	struct policy_decision *ret = j->ret;

	if (last == STEP_PASSES) {
		ret->verdict = VERDICT_ALLOW;
		snprintf(ret->rule, sizeof(ret->rule), "%s",
			 j->rule ? j->rule->pointer : "/default");
		return;
	}
	if (last == STEP_ASKS)
		return;
	ret->n_limits = 0;
	ret->n_bound = 0;
	ret->once.rule = NULL;
}

void policy_decide(const struct policy *policy, const struct policy_call *call,
		   struct policy_decision *ret)
{
	const struct judgement j = judge_begin(policy, call, ret);
	enum policy_step_verdict verdict = STEP_PASSES;

	for (size_t i = 0; verdict == STEP_PASSES && i < ARRAY_SIZE(stages); i++)
		verdict = stages[i].judge(&j);
	judge_end(&j, verdict);
}

bool policy_tool_is_visible(const struct policy *policy, const struct policy_server *server,
			    const char *tool)
{
	const struct governed *governed = model_find_server(policy, server);
	const struct judgement j = {
		.policy = policy,
		.governed = governed,
		.tool = tool,
		.rule = governed ? model_find_tool(governed, tool) : NULL,
	};

	if (observe_forwards(policy, server, tool))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (stages[i].hides && stages[i].judge(&j) != STEP_PASSES)
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
	const struct governed *governed = model_find_server(policy, call->server);
	autojson json_t *copy = call->arguments ? json_deep_copy(call->arguments) : json_object();
	autojson json_t *marker = json_string("[redacted]");
	int r;

	if (!copy || !marker)
		return -ENOMEM;
	if (!governed) {
		*ret_redacted = ptr_take(&marker);
		return 0;
	}
	r = redact_by_rule(call->tool ? model_find_tool(governed, call->tool) : NULL, marker,
			   &copy);
	if (!r)
		r = redact_by_rule(&governed->all_tools, marker, &copy);
	if (r)
		return r;
	*ret_redacted = ptr_take(&copy);
	return 0;
}
