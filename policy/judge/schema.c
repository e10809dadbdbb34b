// SPDX-License-Identifier: Apache-2.0
/*
 * Every schema that is asked about a value costs a step, and so does each piece of work that
 * grows with the call: who sends arguments that cost too many is denied. The only recursion that
 * a policy's author can write goes down the value at each turn (policy/load/load_schema.c).
 */
#include "policy/schema.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/judge/values.h"
#include "policy/paths.h"

#define NOT_IN_STACK 64 /* elements from which on uniqueItems needs memory */

void schema_set_free(struct schema_set *set)
{
	for (struct schema *s = set->first; s; s = s->next)
		regex_free(s->pattern);
	json_decref(set->source);
	*set = (struct schema_set){0};
}

/* A value's place, as a chain of the calls that lead to it. */
struct place {
	const struct place *up;
	const char *name; /* NULL: an element */
	size_t index;
};

struct walk {
	struct schema_fault *fault;
	size_t steps, depth;
	unsigned silence; /* in alternatives, where a fault is none yet */
};

static bool judge(struct walk *w, const struct schema *s, const json_t *value,
		  const struct place *place);

/* --- faults ----------------------------------------------------------------- */

static void place_write(const struct place *place, char *ret, size_t size)
{
	size_t used;

	if (!place) {
		snprintf(ret, size, "args");
		return;
	}
	place_write(place->up, ret, size);
	used = strlen(ret);
	if (place->name)
		snprintf(ret + used, size - used, ".%s", place->name);
	else
		snprintf(ret + used, size - used, "[%zu]", place->index);
}

static bool fault(struct walk *w, const struct schema *s, const char *keyword,
		  const struct place *place)
{
	if (w->silence || w->fault->gave_up)
		return false;
	w->fault->schema = s;
	w->fault->keyword = keyword;
	place_write(place, w->fault->path, sizeof(w->fault->path));
	return false;
}

/* Ends the whole judgement, also within alternatives. */
static bool spend(struct walk *w, const struct schema *s, size_t steps, const struct place *place)
{
	if (w->fault->gave_up)
		return false;
	if (steps <= w->steps) {
		w->steps -= steps;
		return true;
	}
	w->silence = 0;
	fault(w, s, NULL, place);
	w->fault->gave_up = true;
	return false;
}

/* --- any value -------------------------------------------------------------- */

static unsigned types_of(const json_t *value)
{
	double real = json_real_value(value);

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return SCHEMA_OBJECT;
	case JSON_ARRAY:
		return SCHEMA_ARRAY;
	case JSON_STRING:
		return SCHEMA_STRING;
	case JSON_INTEGER:
		return SCHEMA_NUMBER | SCHEMA_INTEGER;
	case JSON_REAL:
		/* Doubles from 2^53 on are whole, and so are the decimals they stand for. */
		return SCHEMA_NUMBER | (fabs(real) >= 0x1p53 || real == (double)(int64_t)real
						? (unsigned)SCHEMA_INTEGER
						: 0);
	case JSON_TRUE:
	case JSON_FALSE:
		return SCHEMA_BOOLEAN;
	case JSON_NULL:
		return SCHEMA_NULL;
	}
	return 0;
}

static bool is_among(const json_t *value, const json_t *values)
{
	for (size_t i = 0; i < json_array_size(values); i++)
		if (values_are_equal(value, json_array_get(values, i)))
			return true;
	return false;
}

static bool judge_value(struct walk *w, const struct schema *s, const json_t *value,
			const struct place *place)
{
	if (s->denies_all)
		return fault(w, s, NULL, place);
	if (s->types && !(s->types & types_of(value)))
		return fault(w, s, "type", place);
	if (s->constant && !values_are_equal(value, s->constant))
		return fault(w, s, "const", place);
	if (s->one_of_values && (!spend(w, s, json_array_size(s->one_of_values), place) ||
				 !is_among(value, s->one_of_values)))
		return fault(w, s, "enum", place);
	return true;
}

/* --- numbers and strings ---------------------------------------------------- */

static bool judge_number(struct walk *w, const struct schema *s, const json_t *value,
			 const struct place *place)
{
	struct decimal number;

	if (s->minimum && value_compare_numbers(value, s->minimum) < 0)
		return fault(w, s, "minimum", place);
	if (s->maximum && value_compare_numbers(value, s->maximum) > 0)
		return fault(w, s, "maximum", place);
	if (s->above && value_compare_numbers(value, s->above) <= 0)
		return fault(w, s, "exclusiveMinimum", place);
	if (s->below && value_compare_numbers(value, s->below) >= 0)
		return fault(w, s, "exclusiveMaximum", place);
	if (!s->multiple_of.digits)
		return true;
	number = decimal_of(value);
	return decimal_is_multiple(&number, &s->multiple_of) || fault(w, s, "multipleOf", place);
}

static bool judge_string(struct walk *w, const struct schema *s, const json_t *value,
			 const struct place *place)
{
	struct span text = value_text(value);
	size_t n;

	if (s->length.least || s->length.most != UINT64_MAX) {
		if (!spend(w, s, text.n / 64, place))
			return false;
		n = value_characters(value);
		if (n < s->length.least)
			return fault(w, s, "minLength", place);
		if (n > s->length.most)
			return fault(w, s, "maxLength", place);
	}
	if (!s->pattern)
		return true;
	/* A search has bounds of its own; this is for many of them. */
	if (!spend(w, s, 100 + text.n, place))
		return false;
	switch (regex_search(s->pattern, text)) {
	case REGEX_MATCHES:
		return true;
	case REGEX_DIFFERS:
		break;
	case REGEX_GAVE_UP:
		return spend(w, s, SIZE_MAX, place);
	}
	return fault(w, s, "pattern", place);
}

/* --- arrays ----------------------------------------------------------------- */

#define HASH_BEGIN 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u /* FNV-1a */

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ p[i]) * HASH_PRIME;
	return hash;
}

static uint64_t hash_value(uint64_t hash, const json_t *value);

/* In any order of members: their hashes are added. */
static uint64_t hash_object(uint64_t hash, const json_t *value)
{
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	uint64_t sum = 0;

	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		const char *key = json_object_iter_key(i);

		sum += hash_value(hash_bytes(HASH_BEGIN, key, strlen(key) + 1),
				  json_object_iter_value(i));
	}
	return hash_bytes(hash, &sum, sizeof(sum));
}

/* Equal values have equal hashes; different ones too, if someone took pains to find them. */
static uint64_t hash_value(uint64_t hash, const json_t *value)
{
	json_type kind = value_kind(value);
	unsigned char type = (unsigned char)(kind == JSON_TRUE && json_is_false(value) ? 64 : kind);
	char number[DECIMAL_TEXT_MAX];
	struct decimal d;

	hash = hash_bytes(hash, &type, 1);
	if (kind == JSON_STRING)
		return hash_bytes(hash, json_string_value(value), json_string_length(value) + 1);
	if (kind == JSON_OBJECT)
		return hash_object(hash, value);
	if (kind == JSON_INTEGER) {
		d = decimal_of(value);
		decimal_format(&d, number);
		return hash_bytes(hash, number, strlen(number) + 1);
	}
	for (size_t i = 0; kind == JSON_ARRAY && i < json_array_size(value); i++)
		hash = hash_value(hash, json_array_get(value, i));
	return hash_bytes(hash, &type, 1);
}

/* How much there is of a value, in steps. */
static size_t weight_of(const json_t *value)
{
	json_t *object = (json_t *)(uintptr_t)value;
	size_t n = 1 + json_string_length(value) / 64;

	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
		n += 1 + weight_of(json_object_iter_value(i));
	for (size_t i = 0; i < json_array_size(value); i++)
		n += weight_of(json_array_get(value, i));
	return n;
}

static int compare_hashes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool elements_are_unique(const json_t *array)
{
	size_t n = json_array_size(array);
	autofree uint64_t *memory = n > NOT_IN_STACK ? calloc(n, sizeof(*memory)) : NULL;
	uint64_t few[NOT_IN_STACK], *hashes = n > NOT_IN_STACK ? memory : few;

	if (!hashes)
		return false;
	for (size_t i = 0; i < n; i++)
		hashes[i] = hash_value(HASH_BEGIN, json_array_get(array, i));
	qsort(hashes, n, sizeof(*hashes), compare_hashes);
	for (size_t i = 1; i < n; i++)
		if (hashes[i] == hashes[i - 1])
			return false;
	return true;
}

static bool judge_elements(struct walk *w, const struct schema *s, const json_t *value,
			   const struct place *place)
{
	struct place element = {.up = place};

	for (; element.index < json_array_size(value); element.index++) {
		size_t i = element.index;
		const struct schema *one = i < s->prefix.n ? s->prefix.items[i] : s->items;

		if (one && !judge(w, one, json_array_get(value, i), &element))
			return false;
	}
	return true;
}

static bool judge_array(struct walk *w, const struct schema *s, const json_t *value,
			const struct place *place)
{
	size_t n = json_array_size(value);

	if (n < s->items_count.least)
		return fault(w, s, "minItems", place);
	if (n > s->items_count.most)
		return fault(w, s, "maxItems", place);
	if (s->has_unique_items) {
		if (!spend(w, s, 4 * weight_of(value), place))
			return false;
		if (!elements_are_unique(value))
			return fault(w, s, "uniqueItems", place);
	}
	return (!s->items && !s->prefix.n) || judge_elements(w, s, value, place);
}

/* --- objects ---------------------------------------------------------------- */

static int compare_property(const void *key, const void *element)
{
	const struct schema_property *property = element;

	return strcmp(key, property->name);
}

/* Members that no property names; one that has a property's name in other case is no other. */
static bool judge_additional(struct walk *w, const struct schema *s, const json_t *value,
			     const struct place *place)
{
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */

	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		struct place member = {.up = place, .name = json_object_iter_key(i)};

		if (s->n_properties && bsearch(member.name, s->properties, s->n_properties,
					       sizeof(*s->properties), compare_property))
			continue;
		if (!spend(w, s, 1 + s->n_properties, &member))
			return false;
		for (size_t k = 0; k < s->n_properties; k++)
			if (path_names_fold_to_one(member.name, s->properties[k].name))
				return fault(w, s, "properties", &member);
		if (!s->additional)
			continue;
		if (s->additional->denies_all)
			return fault(w, s, "additionalProperties", &member);
		if (!judge(w, s->additional, json_object_iter_value(i), &member))
			return false;
	}
	return true;
}

static bool judge_object(struct walk *w, const struct schema *s, const json_t *value,
			 const struct place *place)
{
	size_t n = json_object_size(value), n_required = json_array_size(s->required);

	if (n < s->properties_count.least)
		return fault(w, s, "minProperties", place);
	if (n > s->properties_count.most)
		return fault(w, s, "maxProperties", place);
	if (!spend(w, s, n_required + s->n_properties, place))
		return false;
	for (size_t i = 0; i < n_required; i++) {
		struct place member = {place, json_string_value(json_array_get(s->required, i)), 0};

		if (!json_object_get(value, member.name))
			return fault(w, s, "required", &member);
	}
	for (size_t i = 0; i < s->n_properties; i++) {
		struct place member = {.up = place, .name = s->properties[i].name};
		const json_t *one = json_object_get(value, member.name);

		if (one && !judge(w, s->properties[i].schema, one, &member))
			return false;
	}
	return (!s->additional && !s->n_properties) || judge_additional(w, s, value, place);
}

/* --- schemas of schemas ----------------------------------------------------- */

static size_t count_fitting(struct walk *w, const struct schemas *list, const json_t *value,
			    const struct place *place, size_t enough)
{
	size_t fitting = 0;

	w->silence++;
	for (size_t i = 0; i < list->n && fitting < enough; i++)
		fitting += judge(w, list->items[i], value, place);
	if (w->silence)
		w->silence--;
	return fitting;
}

static bool judge_combinations(struct walk *w, const struct schema *s, const json_t *value,
			       const struct place *place)
{
	const struct schemas not = {(const struct schema **)(uintptr_t)&s->not, 1};

	if (s->ref && !judge(w, s->ref, value, place))
		return false;
	for (size_t i = 0; i < s->all_of.n; i++)
		if (!judge(w, s->all_of.items[i], value, place))
			return false;
	if (s->any_of.n && !count_fitting(w, &s->any_of, value, place, 1))
		return fault(w, s, "anyOf", place);
	if (s->one_of.n && count_fitting(w, &s->one_of, value, place, 2) != 1)
		return fault(w, s, "oneOf", place);
	if (s->not &&count_fitting(w, &not, value, place, 1))
		return fault(w, s, "not", place);
	/* What was given up within must not pass for "does not fit". */
	return !w->fault->gave_up;
}

static bool judge_by_type(struct walk *w, const struct schema *s, const json_t *value,
			  const struct place *place)
{
	if (json_is_number(value))
		return judge_number(w, s, value, place);
	if (json_is_string(value))
		return judge_string(w, s, value, place);
	if (json_is_array(value))
		return judge_array(w, s, value, place);
	return !json_is_object(value) || judge_object(w, s, value, place);
}

static bool judge(struct walk *w, const struct schema *s, const json_t *value,
		  const struct place *place)
{
	bool fits;

	if (!spend(w, s, w->depth < SCHEMA_DEPTH_MAX ? 1 : SIZE_MAX, place))
		return false;
	w->depth++;
	fits = judge_value(w, s, value, place) && judge_by_type(w, s, value, place) &&
	       judge_combinations(w, s, value, place);
	w->depth--;
	return fits;
}

bool schema_judge(const struct schema *schema, const json_t *value, struct schema_fault *ret)
{
	struct walk w = {.fault = ret, .steps = SCHEMA_STEPS_MAX};

	ret->schema = NULL;
	ret->gave_up = false;
	return judge(&w, schema, value, NULL);
}
