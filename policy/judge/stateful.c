// SPDX-License-Identifier: Apache-2.0
/*
 * Limits, bound values, keys that are forwarded once: their state is the keeper's. What is
 * judged here is whether the call's arguments say what is needed for it at all; then it is listed.
 */
#include <string.h>

#include "policy/judge/judgement.h"

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

/* The one value that a path names. */
struct found {
	enum path_end end;
	const json_t *value;
};

static void keep_end(void *arg, enum path_end end, const json_t *value)
{
	*(struct found *)arg = (struct found){end, value};
}

static struct found find(const struct judgement *j, const struct policy_value_path *path)
{
	struct found found = {.end = PATH_NOTHING};

	path_visit(&path->path, j->arguments, PATH_CASE_STRICT, keep_end, &found);
	return found;
}

/* --- limits ----------------------------------------------------------------- */

static bool find_amount(const struct judgement *j, const struct policy_limit *limit, uint64_t *ret)
{
	struct found found = find(j, limit->increment);
	struct decimal amount;

	if (found.end != PATH_VALUE || !json_is_number(found.value))
		return false;
	amount = decimal_of(found.value);
	return decimal_to_count(&amount, POLICY_COUNT_MAX, ret);
}

static enum policy_step_verdict judge_limit(const struct judgement *j,
					    const struct policy_limit *limit, size_t i)
{
	struct policy_decision *ret = j->ret;
	struct found found;

	ret->amounts[i] = limit->amount;
	ret->distinct[i] = NULL;
	if (limit->increment && !find_amount(j, limit, &ret->amounts[i]))
		return deny(
			j, limit->rule,
			"%.*s is what the limit `%s` counts, and is not there as a whole number "
			"from 0 to 2^53. " CHANGE_IT,
			PATH_SHOWN, limit->increment->names, limit->counter);
	if (limit->distinct) {
		found = find(j, limit->distinct);
		if (found.end == PATH_BLOCKED)
			return deny(j, limit->rule,
				    "%.*s is what the limit `%s` counts, and cannot be "
				    "found. " CHANGE_IT,
				    PATH_SHOWN, limit->distinct->names, limit->counter);
		ret->distinct[i] = found.value;
		/* Nothing is named, so nothing is counted. */
		if (!found.value)
			ret->amounts[i] = 0;
	}
	if (!j->is_explained || ret->amounts[i] <= limit->max)
		return STEP_PASSES;
	return deny(j, limit->rule,
		    "the limit `%s` allows at most %llu per %s, and this call counts "
		    "%llu. " ASK_SOMEONE,
		    limit->counter, (unsigned long long)limit->max, limit->window_text,
		    (unsigned long long)ret->amounts[i]);
}

enum policy_step_verdict stage_limits(const struct judgement *j)
{
	struct policy_decision *ret = j->ret;
	enum policy_step_verdict verdict = STEP_PASSES;

	list_limits(j->rule, ret);
	list_limits(&j->governed->all_tools, ret);
	for (size_t i = 0; verdict == STEP_PASSES && i < ret->n_limits; i++)
		verdict = judge_limit(j, ret->limits[i], i);
	return verdict;
}

/* --- bind ------------------------------------------------------------------- */

struct binding {
	const struct judgement *j;
	const struct rule_bind *bind;
	const char *wrong; /* NULL: nothing */
};

static bool is_yielded(const struct judgement *j, const char *from, const json_t *string)
{
	for (size_t i = 0; i < j->n_earlier; i++)
		if (!strcmp(j->earlier[i].tool, from) &&
		    policy_result_yields(j->earlier[i].result, json_string_value(string),
					 json_string_length(string)))
			return true;
	return false;
}

static const char *bind_value(const struct judgement *j, const struct rule_bind *bind,
			      const json_t *value)
{
	struct policy_decision *ret = j->ret;

	if (!json_is_string(value) || !json_string_length(value))
		return "is no string, or is empty";
	if (ret->n_bound == POLICY_BINDS_MAX)
		return "is one of too many values";
	ret->bound[ret->n_bound++] = (struct policy_bound){
		.value = value, .from = bind->from, .path = bind->names, .rule = bind->rule};
	if (j->is_explained && !is_yielded(j, bind->from, value))
		return "was returned by no earlier call";
	return NULL;
}

static void bind_end(void *arg, enum path_end end, const json_t *value)
{
	struct binding *b = arg;

	if (b->wrong)
		return;
	switch (end) {
	case PATH_VALUE:
		b->wrong = bind_value(b->j, b->bind, value);
		break;
	case PATH_NOTHING:
		b->wrong = "is missing";
		break;
	case PATH_BLOCKED:
		b->wrong = "cannot be found";
		break;
	}
}

static enum policy_step_verdict passes_bind(const struct judgement *j, const struct rule *rule)
{
	for (size_t i = 0; rule && i < rule->n_bind; i++) {
		struct binding b = {.j = j, .bind = &rule->bind[i]};

		path_visit(&b.bind->path, j->arguments, PATH_CASE_STRICT, bind_end, &b);
		if (b.wrong)
			return deny(
				j, b.bind->rule,
				"%.*s must be a string that %s returned earlier in this run, and "
				"%s. Call %s first, and use what it returns.",
				PATH_SHOWN, b.bind->names, b.bind->from, b.wrong, b.bind->from);
	}
	return STEP_PASSES;
}

enum policy_step_verdict stage_bind(const struct judgement *j)
{
	enum policy_step_verdict own = passes_bind(j, j->rule);

	return own == STEP_PASSES ? passes_bind(j, &j->governed->all_tools) : own;
}

/* --- once ------------------------------------------------------------------- */

/* The tool's own, or else all_tools': one key for each call. */
enum policy_step_verdict stage_once(const struct judgement *j)
{
	const struct rule_once *once =
		j->rule && j->rule->once.rule ? &j->rule->once : &j->governed->all_tools.once;
	struct policy_once *ret = &j->ret->once;

	if (!once->rule)
		return STEP_PASSES;
	for (size_t i = 0; i < once->n; i++) {
		struct found found = find(j, once->key[i]);

		if (found.end != PATH_VALUE)
			return deny(
				j, once->rule,
				"%.*s is part of the key by which this call passes once, and is "
				"missing or cannot be found. " CHANGE_IT,
				PATH_SHOWN, once->key[i]->names);
		ret->key[i] = found.value;
	}
	ret->n = once->n;
	ret->window_ms = once->window_ms;
	ret->window_text = once->window_text;
	ret->rule = once->rule;
	return STEP_PASSES;
}
