// SPDX-License-Identifier: Apache-2.0
/*
 * Nothing is coerced: a value of another kind than the operand is a mismatch, for whoever asks
 * to deny. Numbers compare by their exact values, also an integer with a real.
 */
#include "policy/judge/predicates.h"

#include <stdint.h>
#include <string.h>

#include "policy/judge/phones.h"
#include "policy/judge/values.h"

static unsigned holds_if(bool holds)
{
	return holds ? PREDICATE_HOLDS : PREDICATE_FAILS;
}

/* --- operators -------------------------------------------------------------- */

/* Any value may be asked whether it is null. */
static bool kinds_agree(const json_t *value, const json_t *operand)
{
	return json_is_null(operand) || value_kind(value) == value_kind(operand);
}

static unsigned judge_equality(const struct predicate *p, const json_t *value)
{
	if (!kinds_agree(value, p->operand))
		return PREDICATE_MISMATCH;
	return holds_if(values_are_equal(value, p->operand) == (p->op == OP_EQ));
}

static unsigned judge_membership(const struct predicate *p, const json_t *value)
{
	bool agrees = false, is_in = false;

	for (size_t i = 0; i < json_array_size(p->operand); i++) {
		const json_t *one = json_array_get(p->operand, i);

		agrees = agrees || kinds_agree(value, one);
		is_in = is_in || values_are_equal(value, one);
	}
	return agrees ? holds_if(is_in == (p->op == OP_IN)) : PREDICATE_MISMATCH;
}

static unsigned judge_order(const struct predicate *p, const json_t *value)
{
	int order;

	if (!json_is_number(value))
		return PREDICATE_MISMATCH;
	order = value_compare_numbers(value, p->operand);
	if (p->op == OP_LT)
		return holds_if(order < 0);
	if (p->op == OP_LTE)
		return holds_if(order <= 0);
	return holds_if(p->op == OP_GT ? order > 0 : order >= 0);
}

/* Whether @text contains, begins or ends with @part. */
static bool text_has(struct span text, enum predicate_op op, struct span part)
{
	if (part.n > text.n)
		return false;
	if (op == OP_PREFIX)
		return !memcmp(text.p, part.p, part.n);
	if (op == OP_SUFFIX)
		return !memcmp(text.p + text.n - part.n, part.p, part.n);
	return memmem(text.p, text.n, part.p, part.n);
}

static bool has_part(const struct predicate *p, const json_t *value, const json_t *part)
{
	if (json_is_string(value))
		return text_has(value_text(value), p->op, value_text(part));
	for (size_t i = 0; i < json_array_size(value); i++)
		if (values_are_equal(json_array_get(value, i), part))
			return true;
	return false;
}

/* prefix, suffix, contains; the last one also of an array. The operand is one string or several. */
static unsigned judge_parts(const struct predicate *p, const json_t *value)
{
	bool has = false;

	if (!json_is_string(value) && !(p->op == OP_CONTAINS && json_is_array(value)))
		return PREDICATE_MISMATCH;
	if (json_is_string(p->operand))
		return holds_if(has_part(p, value, p->operand));
	for (size_t i = 0; !has && i < json_array_size(p->operand); i++)
		has = has_part(p, value, json_array_get(p->operand, i));
	return holds_if(has);
}

/* In characters, or elements. */
static unsigned judge_length(const struct predicate *p, const json_t *value)
{
	json_int_t n;

	if (json_is_array(value))
		n = (json_int_t)json_array_size(value);
	else if (json_is_string(value))
		n = (json_int_t)value_characters(value);
	else
		return PREDICATE_MISMATCH;
	return holds_if((n > json_integer_value(p->operand)) == (p->op == OP_LEN_GT));
}

static unsigned judge_existence(const struct predicate *p, const json_t *value)
{
	(void)value;
	return holds_if(json_is_true(p->operand));
}

static unsigned judge_regex(const struct predicate *p, const json_t *value)
{
	if (!json_is_string(value))
		return PREDICATE_MISMATCH;
	switch (regex_search(p->regex, value_text(value))) {
	case REGEX_MATCHES:
		return PREDICATE_HOLDS;
	case REGEX_DIFFERS:
		return PREDICATE_FAILS;
	case REGEX_GAVE_UP:
		break;
	}
	return PREDICATE_GAVE_UP;
}

static unsigned judge_url(const struct predicate *p, const json_t *value)
{
	enum url_answer answer;

	if (!json_is_string(value))
		return PREDICATE_MISMATCH;
	answer = url_judge(p->url, value_text(value));
	if (answer == URL_UNSOUND)
		return PREDICATE_MISMATCH;
	return holds_if((answer == URL_FITS) == (p->op == OP_URL));
}

static unsigned judge_us_fax(const struct predicate *p, const json_t *value)
{
	if (!json_is_string(value))
		return PREDICATE_MISMATCH;
	return holds_if(phone_is_us_fax(value_text(value)) == json_is_true(p->operand));
}

static bool number_begins(const char *number, const json_t *prefix)
{
	return !strncmp(number, json_string_value(prefix), json_string_length(prefix));
}

static unsigned judge_e164_prefix(const struct predicate *p, const json_t *value)
{
	char number[PHONE_MAX];
	bool begins = false;

	if (!json_is_string(value) || !phone_normalise(value_text(value), number))
		return PREDICATE_MISMATCH;
	if (json_is_string(p->operand))
		return holds_if(number_begins(number, p->operand));
	for (size_t i = 0; !begins && i < json_array_size(p->operand); i++)
		begins = number_begins(number, json_array_get(p->operand, i));
	return holds_if(begins);
}

static unsigned (*const judges[])(const struct predicate *p, const json_t *value) = {
	[OP_EQ] = judge_equality,
	[OP_NEQ] = judge_equality,
	[OP_IN] = judge_membership,
	[OP_NOT_IN] = judge_membership,
	[OP_LT] = judge_order,
	[OP_LTE] = judge_order,
	[OP_GT] = judge_order,
	[OP_GTE] = judge_order,
	[OP_CONTAINS] = judge_parts,
	[OP_EXISTS] = judge_existence,
	[OP_PREFIX] = judge_parts,
	[OP_SUFFIX] = judge_parts,
	[OP_LEN_GT] = judge_length,
	[OP_LEN_LTE] = judge_length,
	[OP_REGEX] = judge_regex,
	[OP_URL] = judge_url,
	[OP_NOT_URL] = judge_url,
	[OP_US_FAX] = judge_us_fax,
	[OP_E164_PREFIX] = judge_e164_prefix,
};

/* --- evaluation ------------------------------------------------------------- */

/*
 * A call may name very many values, and a search in each is work: beyond this much, nothing more
 * is asked. One of anything else costs 1.
 */
#define STEPS_MAX 1000000

static unsigned cost_of(enum predicate_op op)
{
	return op == OP_REGEX ? 100 : op == OP_URL || op == OP_NOT_URL ? 10 : 1;
}

struct evaluation {
	const struct predicate *predicate;
	unsigned met;
	unsigned steps, cost;
};

static void evaluate_end(void *arg, enum path_end end, const json_t *value)
{
	struct evaluation *e = arg;
	const struct predicate *p = e->predicate;

	switch (end) {
	case PATH_VALUE:
		if (e->steps < e->cost)
			e->met |= PREDICATE_GAVE_UP;
		if (e->met & PREDICATE_GAVE_UP)
			break;
		e->steps -= e->cost;
		e->met |= judges[p->op](p, value);
		break;
	case PATH_NOTHING:
		e->met |= p->op == OP_EXISTS ? holds_if(json_is_false(p->operand))
					     : PREDICATE_MISSING;
		break;
	case PATH_BLOCKED:
		e->met |= PREDICATE_MISMATCH;
		break;
	}
}

unsigned predicate_evaluate(const struct predicate *predicate, const json_t *root,
			    enum path_case names)
{
	struct evaluation e = {
		.predicate = predicate, .steps = STEPS_MAX, .cost = cost_of(predicate->op)};

	path_visit(&predicate->path, root, names, evaluate_end, &e);
	return e.met;
}

void predicates_free(struct predicate *predicates, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		path_free(&predicates[i].path);
		json_decref(predicates[i].operand);
		regex_free(predicates[i].regex);
	}
}
