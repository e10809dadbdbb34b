// SPDX-License-Identifier: Apache-2.0
/*
 * What a call says. Members are found exactly; one whose name differs in case only is refused
 * (PATH_CASE_STRICT), because a server in Go may well read it as the one that the rule means.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/judge/judgement.h"

#define KEYWORD_SHOWN 200 /* bytes of what a schema demands */
#define DUMP_FLAGS    (JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII)

static enum policy_step_verdict deny_met(const struct judgement *j, const struct predicate *p)
{
	if (p->reason)
		return deny(j, p->rule, "%s (%.*s %s). " CHANGE_IT, p->reason, PATH_SHOWN, p->names,
			    p->words);
	return deny(j, p->rule, "refused is a call whose %.*s %s. " CHANGE_IT, PATH_SHOWN, p->names,
		    p->words);
}

/* What could not be judged: the same sentence whether the rule requires or denies. */
static enum policy_step_verdict deny_unjudged(const struct judgement *j, const struct predicate *p,
					      unsigned met)
{
	if (met & PREDICATE_GAVE_UP)
		return deny(j, p->rule,
			    "%.*s is too long, or took too many steps, for the rule's "
			    "pattern. " CHANGE_IT,
			    PATH_SHOWN, p->names);
	return deny(j, p->rule,
		    "%.*s is not of the form that the rule (%s) can judge, or has a name that "
		    "differs in case. " CHANGE_IT,
		    PATH_SHOWN, p->names, p->words);
}

static enum policy_step_verdict passes_deny_if(const struct judgement *j, const struct rule *rule)
{
	for (size_t i = 0; rule && i < rule->deny_if.n; i++) {
		const struct predicate *p = &rule->deny_if.items[i];
		unsigned met = predicate_evaluate(p, j->arguments, PATH_CASE_STRICT);

		if (met & PREDICATE_HOLDS)
			return deny_met(j, p);
		if (met & (PREDICATE_MISMATCH | PREDICATE_GAVE_UP))
			return deny_unjudged(j, p, met);
	}
	return STEP_PASSES;
}

static enum policy_step_verdict deny_unmet(const struct judgement *j, const struct predicate *p,
					   bool is_missing)
{
	if (p->reason)
		return deny(j, p->rule, "%s (required: %.*s %s). " CHANGE_IT, p->reason, PATH_SHOWN,
			    p->names, p->words);
	return deny(j, p->rule, "required is that %.*s %s%s. " CHANGE_IT, PATH_SHOWN, p->names,
		    p->words, is_missing ? ", and it is missing" : "");
}

static enum policy_step_verdict passes_require(const struct judgement *j, const struct rule *rule)
{
	for (size_t i = 0; rule && i < rule->require.n; i++) {
		const struct predicate *p = &rule->require.items[i];
		unsigned met = predicate_evaluate(p, j->arguments, PATH_CASE_STRICT);

		if (met & (PREDICATE_MISMATCH | PREDICATE_GAVE_UP))
			return deny_unjudged(j, p, met);
		if (met & PREDICATE_FAILS)
			return deny_unmet(j, p, false);
		if (met & PREDICATE_MISSING && !p->is_optional)
			return deny_unmet(j, p, true);
	}
	return STEP_PASSES;
}

enum policy_step_verdict stage_deny_if(const struct judgement *j)
{
	enum policy_step_verdict own = passes_deny_if(j, j->rule);

	return own == STEP_PASSES ? passes_deny_if(j, &j->governed->all_tools) : own;
}

enum policy_step_verdict stage_require(const struct judgement *j)
{
	enum policy_step_verdict own = passes_require(j, j->rule);

	return own == STEP_PASSES ? passes_require(j, &j->governed->all_tools) : own;
}

static enum policy_step_verdict deny_by_schema(const struct judgement *j,
					       const struct schema_fault *fault)
{
	const struct schema *s = fault->schema;
	autofree char *demand = NULL;
	char pointer[sizeof(j->ret->rule)];

	if (fault->gave_up)
		return deny(j, s->rule,
			    "%s takes too many steps to compare with the schema of the "
			    "arguments. " CHANGE_IT,
			    fault->path);
	if (!fault->keyword)
		return deny(j, s->rule, "%s may not be there. " CHANGE_IT, fault->path);
	snprintf(pointer, sizeof(pointer), "%s/%s", s->rule, fault->keyword);
	if (!strcmp(fault->keyword, "required"))
		return deny(j, pointer, "%s is missing. " CHANGE_IT, fault->path);
	if (!strcmp(fault->keyword, "additionalProperties"))
		return deny(j, pointer, "%s is not among what may be there. " CHANGE_IT,
			    fault->path);
	if (!strcmp(fault->keyword, "properties"))
		return deny(j, pointer,
			    "%s has a name that differs in case from one that is known. " CHANGE_IT,
			    fault->path);
	demand = json_dumps(json_object_get(s->source, fault->keyword), DUMP_FLAGS);
	return deny(j, pointer, "%s does not fit `%s`: %.*s. " CHANGE_IT, fault->path,
		    fault->keyword, KEYWORD_SHOWN, demand ? demand : "");
}

static enum policy_step_verdict passes_args(const struct judgement *j, const struct rule *rule)
{
	struct schema_fault fault;

	if (!rule || !rule->args.first || schema_judge(rule->args.first, j->arguments, &fault))
		return STEP_PASSES;
	return deny_by_schema(j, &fault);
}

enum policy_step_verdict stage_args(const struct judgement *j)
{
	enum policy_step_verdict own = passes_args(j, j->rule);

	return own == STEP_PASSES ? passes_args(j, &j->governed->all_tools) : own;
}
