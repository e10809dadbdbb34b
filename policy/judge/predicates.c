// SPDX-License-Identifier: Apache-2.0
/*
 * Nothing is coerced: a value of another kind than the operand is a mismatch, for whoever asks
 * to deny. Numbers compare by their exact values, also an integer with a real.
 */
#include "policy/judge/predicates.h"

#include <stdint.h>
#include <string.h>

#include "base/span.h"

/* true and false are one kind. */
static json_type kind_of(const json_t *value)
{
	json_type type = json_typeof(value);

	if (type == JSON_REAL)
		return JSON_INTEGER;
	return type == JSON_FALSE ? JSON_TRUE : type;
}

/* Return: below, at or above 0 */
static int compare_with_real(json_int_t integer, double real)
{
	json_int_t whole;

	/* Beyond what an integer can be; 2^63 is a double, the greatest integer is not. */
	if (real >= 0x1p63)
		return -1;
	if (real < -0x1p63)
		return 1;
	whole = (json_int_t)real;
	if (integer != whole)
		return integer < whole ? -1 : 1;
	return ((double)whole > real) - ((double)whole < real);
}

static int compare_numbers(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);

		return (x > y) - (x < y);
	}
	if (json_is_integer(a))
		return compare_with_real(json_integer_value(a), json_real_value(b));
	if (json_is_integer(b))
		return -compare_with_real(json_integer_value(b), json_real_value(a));
	return (json_real_value(a) > json_real_value(b)) -
	       (json_real_value(a) < json_real_value(b));
}

static struct span text_of(const json_t *value)
{
	return span_bytes(json_string_value(value), json_string_length(value));
}

static bool values_equal(const json_t *a, const json_t *b);

static bool arrays_equal(const json_t *a, const json_t *b)
{
	if (json_array_size(a) != json_array_size(b))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++)
		if (!values_equal(json_array_get(a, i), json_array_get(b, i)))
			return false;
	return true;
}

static bool objects_equal(const json_t *a, const json_t *b)
{
	json_t *object = (json_t *)(uintptr_t)a; /* jansson's iterators only read it */

	if (json_object_size(a) != json_object_size(b))
		return false;
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		const json_t *other = json_object_get(b, json_object_iter_key(i));

		if (!other || !values_equal(json_object_iter_value(i), other))
			return false;
	}
	return true;
}

/* No deeper than the shallower of the two, which is the policy's. */
static bool values_equal(const json_t *a, const json_t *b)
{
	if (kind_of(a) != kind_of(b))
		return false;
	switch (kind_of(a)) {
	case JSON_OBJECT:
		return objects_equal(a, b);
	case JSON_ARRAY:
		return arrays_equal(a, b);
	case JSON_STRING:
		return json_string_length(a) == json_string_length(b) &&
		       !memcmp(json_string_value(a), json_string_value(b), json_string_length(a));
	case JSON_INTEGER:
	case JSON_REAL:
		return !compare_numbers(a, b);
	case JSON_TRUE:
	case JSON_FALSE:
		return json_is_true(a) == json_is_true(b);
	case JSON_NULL:
		return true;
	}
	return false;
}

static unsigned holds_if(bool holds)
{
	return holds ? PREDICATE_HOLDS : PREDICATE_FAILS;
}

/* --- operators -------------------------------------------------------------- */

/* Any value may be asked whether it is null. */
static bool kinds_agree(const json_t *value, const json_t *operand)
{
	return json_is_null(operand) || kind_of(value) == kind_of(operand);
}

static unsigned judge_equality(const struct predicate *p, const json_t *value)
{
	if (!kinds_agree(value, p->operand))
		return PREDICATE_MISMATCH;
	return holds_if(values_equal(value, p->operand) == (p->op == OP_EQ));
}

static unsigned judge_membership(const struct predicate *p, const json_t *value)
{
	bool agrees = false, is_in = false;

	for (size_t i = 0; i < json_array_size(p->operand); i++) {
		const json_t *one = json_array_get(p->operand, i);

		agrees = agrees || kinds_agree(value, one);
		is_in = is_in || values_equal(value, one);
	}
	return agrees ? holds_if(is_in == (p->op == OP_IN)) : PREDICATE_MISMATCH;
}

static unsigned judge_order(const struct predicate *p, const json_t *value)
{
	int order;

	if (!json_is_number(value))
		return PREDICATE_MISMATCH;
	order = compare_numbers(value, p->operand);
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
		return text_has(text_of(value), p->op, text_of(part));
	for (size_t i = 0; i < json_array_size(value); i++)
		if (values_equal(json_array_get(value, i), part))
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
	json_int_t n = 0;

	if (json_is_array(value)) {
		n = (json_int_t)json_array_size(value);
	} else if (json_is_string(value)) {
		struct span text = text_of(value);

		for (size_t i = 0; i < text.n; i++)
			n += (text.p[i] & 0xc0) != 0x80;
	} else {
		return PREDICATE_MISMATCH;
	}
	return holds_if((n > json_integer_value(p->operand)) == (p->op == OP_LEN_GT));
}

static unsigned judge_existence(const struct predicate *p, const json_t *value)
{
	(void)value;
	return holds_if(json_is_true(p->operand));
}

static unsigned (*const judges[])(const struct predicate *p, const json_t *value) = {
	[OP_EQ] = judge_equality,       [OP_NEQ] = judge_equality,   [OP_IN] = judge_membership,
	[OP_NOT_IN] = judge_membership, [OP_LT] = judge_order,       [OP_LTE] = judge_order,
	[OP_GT] = judge_order,          [OP_GTE] = judge_order,      [OP_CONTAINS] = judge_parts,
	[OP_EXISTS] = judge_existence,  [OP_PREFIX] = judge_parts,   [OP_SUFFIX] = judge_parts,
	[OP_LEN_GT] = judge_length,     [OP_LEN_LTE] = judge_length,
};

/* --- evaluation ------------------------------------------------------------- */

struct evaluation {
	const struct predicate *predicate;
	unsigned met;
};

static void evaluate_end(void *arg, enum path_end end, const json_t *value)
{
	struct evaluation *e = arg;
	const struct predicate *p = e->predicate;

	switch (end) {
	case PATH_VALUE:
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
	struct evaluation e = {.predicate = predicate};

	path_visit(&predicate->path, root, names, evaluate_end, &e);
	return e.met;
}

void predicates_free(struct predicate *predicates, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		path_free(&predicates[i].path);
		json_decref(predicates[i].operand);
	}
}
