/* SPDX-License-Identifier: Apache-2.0 */
/**
 * decimal.h - numbers by the decimal value that their text has
 *
 * jansson holds an int64 or a double. What a double stands for is the shortest decimal that
 * reads back as it, as JavaScript and Python write it; numbers whose text had another value are
 * refused before a tree is built. So every number here is exact: at most 19 digits and an
 * exponent.
 */
#ifndef MCPJAIL_POLICY_DECIMAL_H
#define MCPJAIL_POLICY_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/span.h"

/* digits × 10^exponent; no zeros at the end of the digits; zero has exponent 0. */
struct decimal {
	bool is_negative; /* never of zero */
	uint64_t digits;
	int exponent;
};

/** decimal_of() - The value of a JSON number, which must be one */
struct decimal decimal_of(const json_t *number);

/** decimal_survives() - Whether a number as it is written (RFC 8259 §6) keeps its value in a tree
 */
bool decimal_survives(struct span lexeme);

/** decimal_compare() - Return: below, at or above 0 */
int decimal_compare(const struct decimal *a, const struct decimal *b);

/** decimal_is_multiple() - Whether @a is a whole multiple of @of, which must not be 0 */
bool decimal_is_multiple(const struct decimal *a, const struct decimal *of);

/** decimal_to_count() - Return: false unless it is a whole number from 0 to @max */
bool decimal_to_count(const struct decimal *a, uint64_t max, uint64_t *ret);

#define DECIMAL_TEXT_MAX 40 /* bytes of decimal_format(), with its NUL */

/** decimal_format() - The one text of a value: "-125e-2"; equal values have equal texts */
void decimal_format(const struct decimal *a, char ret_text[DECIMAL_TEXT_MAX]);

#endif
