/* SPDX-License-Identifier: Apache-2.0 */
/**
 * predicates.h - what a policy asks of a JSON value: {"path":"body.a","op":"eq","value":1}
 */
#ifndef MCPJAIL_POLICY_PREDICATES_H
#define MCPJAIL_POLICY_PREDICATES_H

#include <stdbool.h>

#include <jansson.h>

#include "policy/paths.h"

enum predicate_op {
	OP_EQ = 0,
	OP_NEQ,
	OP_IN,
	OP_NOT_IN,
	OP_LT,
	OP_LTE,
	OP_GT,
	OP_GTE,
	OP_CONTAINS,
	OP_EXISTS,
	OP_PREFIX,
	OP_SUFFIX,
	OP_LEN_GT,
	OP_LEN_LTE,
};

struct predicate {
	struct path path;
	enum predicate_op op;
	json_t *operand;
	bool is_optional;
	const char *reason; /* NULL: none */
	const char *rule;   /* JSON pointer */
	const char *names;  /* the path as it is written: "body.tools[*].type" */
	const char *words;  /* what it asks: "begins with \"web_\"" */
};

/* What has become of a predicate at the values that its path names: a set of these. */
#define PREDICATE_HOLDS    1u
#define PREDICATE_FAILS    2u
#define PREDICATE_MISSING  4u /* nothing is there */
#define PREDICATE_MISMATCH 8u /* a value, here or on the way, of a kind that it cannot judge */

/** predicate_evaluate() - Judge every value that the path names; no value at all gives 0 */
unsigned predicate_evaluate(const struct predicate *predicate, const json_t *root,
			    enum path_case names);

/** predicates_free() - Release what @n predicates hold; not the array, nor their strings */
void predicates_free(struct predicate *predicates, size_t n);

#endif
