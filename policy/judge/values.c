// SPDX-License-Identifier: Apache-2.0
#include "policy/judge/values.h"

#include <string.h>

#include "policy/decimal.h"

/* true and false are one kind. */
json_type value_kind(const json_t *value)
{
	json_type type = json_typeof(value);

	if (type == JSON_REAL)
		return JSON_INTEGER;
	return type == JSON_FALSE ? JSON_TRUE : type;
}

#define REAL_IS_EXACT 0x1p53

/*
 * Return: below, at or above 0
 *
 * A double below 2^53 lies on the same side of an integer as the shortest decimal that it stands
 * for; beyond, that decimal is another number than the double.
 */
static int compare_with_real(const json_t *integer, const json_t *number)
{
	double real = json_real_value(number);
	json_int_t whole, other = json_integer_value(integer);
	struct decimal a, b;

	if (real < REAL_IS_EXACT && real > -REAL_IS_EXACT) {
		whole = (json_int_t)real;
		if (other != whole)
			return other < whole ? -1 : 1;
		return ((double)whole > real) - ((double)whole < real);
	}
	a = decimal_of(integer);
	b = decimal_of(number);
	return decimal_compare(&a, &b);
}

int value_compare_numbers(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t x = json_integer_value(a), y = json_integer_value(b);

		return (x > y) - (x < y);
	}
	if (json_is_integer(a))
		return compare_with_real(a, b);
	if (json_is_integer(b))
		return -compare_with_real(b, a);
	return (json_real_value(a) > json_real_value(b)) -
	       (json_real_value(a) < json_real_value(b));
}

struct span value_text(const json_t *string)
{
	return span_bytes(json_string_value(string), json_string_length(string));
}

static bool arrays_equal(const json_t *a, const json_t *b)
{
	if (json_array_size(a) != json_array_size(b))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++)
		if (!values_are_equal(json_array_get(a, i), json_array_get(b, i)))
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

		if (!other || !values_are_equal(json_object_iter_value(i), other))
			return false;
	}
	return true;
}

/* No deeper than the shallower of the two, which is the policy's. */
bool values_are_equal(const json_t *a, const json_t *b)
{
	if (value_kind(a) != value_kind(b))
		return false;
	switch (value_kind(a)) {
	case JSON_OBJECT:
		return objects_equal(a, b);
	case JSON_ARRAY:
		return arrays_equal(a, b);
	case JSON_STRING:
		return json_string_length(a) == json_string_length(b) &&
		       !memcmp(json_string_value(a), json_string_value(b), json_string_length(a));
	case JSON_INTEGER:
	case JSON_REAL:
		return !value_compare_numbers(a, b);
	case JSON_TRUE:
	case JSON_FALSE:
		return json_is_true(a) == json_is_true(b);
	case JSON_NULL:
		return true;
	}
	return false;
}

size_t value_characters(const json_t *string)
{
	struct span text = value_text(string);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += (text.p[i] & 0xc0) != 0x80;
	return n;
}
