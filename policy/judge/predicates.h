/* SPDX-License-Identifier: Apache-2.0 */
/**
 * predicates.h - what a policy asks of a JSON value: {"path":"body.a","op":"eq","value":1}
 */
#ifndef MCPJAIL_POLICY_PREDICATES_H
#define MCPJAIL_POLICY_PREDICATES_H

#include <stdbool.h>

#include <jansson.h>

#include "policy/judge/url_terms.h"
#include "policy/paths.h"
#include "policy/regex.h"

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
	OP_REGEX,
	OP_URL,
	OP_NOT_URL,
	OP_US_FAX,
	OP_E164_PREFIX,
};

struct predicate {
	struct path path;
	enum predicate_op op;
	json_t *operand;
	struct regex *regex;         /* OP_REGEX: the operand, compiled */
	const struct url_terms *url; /* OP_URL, OP_NOT_URL: the operand, read; the policy's */
	bool is_optional;
	const char *reason; /* NULL: none */
	const char *rule;   /* JSON pointer */
	const char *names;  /* the path as it is written: "body.tools[*].type" */
	const char *words;  /* what it asks: "begins with \"web_\"" */
};

struct predicate_list {
	struct predicate *items; /* the policy's array; predicates_free() is for what is in it */
	size_t n;
};

/* What has become of a predicate at the values that its path names: a set of these. */
#define PREDICATE_HOLDS    1u
#define PREDICATE_FAILS    2u
#define PREDICATE_MISSING  4u /* nothing is there */
#define PREDICATE_MISMATCH 8u /* a value, here or on the way, of a kind that it cannot judge */

#define PREDICATE_GAVE_UP 16u /* a search that took too long; denied whatever the rule asks */

/** predicate_evaluate() - Judge every value that the path names; no value at all gives 0 */
unsigned predicate_evaluate(const struct predicate *predicate, const json_t *root,
			    enum path_case names);

/** predicates_free() - Release what @n predicates hold; not the array, nor their strings */
void predicates_free(struct predicate *predicates, size_t n);

#endif
