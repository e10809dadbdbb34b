/* SPDX-License-Identifier: Apache-2.0 */
/**
 * values.h - JSON values compared exactly, without coercion
 */
#ifndef MCPJAIL_POLICY_VALUES_H
#define MCPJAIL_POLICY_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/span.h"

/** value_kind() - Its type, with one for all numbers (JSON_INTEGER) and one for true and false */
json_type value_kind(const json_t *value);

/** value_compare_numbers() - By their decimal values. Return: below, at or above 0 */
int value_compare_numbers(const json_t *a, const json_t *b);

/** values_are_equal() - 1 equals 1.0; objects are equal in any order of their members */
bool values_are_equal(const json_t *a, const json_t *b);

/** value_text() - The bytes of a string */
struct span value_text(const json_t *string);

/** value_characters() - Code points of a string */
size_t value_characters(const json_t *string);

#endif
