/* SPDX-License-Identifier: Apache-2.0 */
/**
 * phones.h - telephone and fax numbers
 *
 * Blanks, `-`, `.`, `(` and `)` say nothing.
 */
#ifndef MCPJAIL_POLICY_PHONES_H
#define MCPJAIL_POLICY_PHONES_H

#include <stdbool.h>

#include "base/span.h"

#define PHONE_MAX                                                                                  \
	18 /* bytes of phone_normalise()'s text, with its NUL: + and 15 digits at most             \
	    */

/**
 * phone_is_us_fax() - A number of the North American plan, with or without +1, that is not 900 or
 * 976
 */
bool phone_is_us_fax(struct span text);

/**
 * phone_normalise() - "+" and the digits of a number (E.164)
 *
 * Without a `+` only what is a number of the North American plan by its length is one: ten
 * digits, or eleven that begin with 1.
 *
 * Return: false if it is no such number, or could be read in two ways
 */
bool phone_normalise(struct span text, char ret[PHONE_MAX]);

#endif
