/* SPDX-License-Identifier: Apache-2.0 */
/**
 * schema.h - `args`: the shape of a call's arguments, by JSON Schema 2020-12
 *
 * The part of it that tool schemas use: see mcpjail-policy(5). Everything that is not judged here
 * is refused when the policy is loaded, `format` included: a policy that seems to demand a
 * thing demands it.
 */
#ifndef MCPJAIL_POLICY_SCHEMA_H
#define MCPJAIL_POLICY_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "policy/decimal.h"
#include "policy/regex.h"

#define SCHEMA_STEPS_MAX 200000 /* of one judgement; more denies */
#define SCHEMA_CHAIN_MAX 32     /* schemas about one value within each other, $ref included */
#define SCHEMA_DEPTH_MAX 1024   /* schemas within each other in all */

enum schema_type {
	SCHEMA_NULL = 1,
	SCHEMA_BOOLEAN = 2,
	SCHEMA_INTEGER = 4, /* 1.0 is one */
	SCHEMA_NUMBER = 8,
	SCHEMA_STRING = 16,
	SCHEMA_ARRAY = 32,
	SCHEMA_OBJECT = 64,
};

struct schema;

struct schema_property {
	const char *name;
	const struct schema *schema;
};

struct schemas {
	const struct schema **items;
	size_t n;
};

/* From a least to a greatest number of something. */
struct schema_span {
	uint64_t least, most;
};

/* What is absent asks nothing. What is borrowed belongs to the set's text. */
struct schema {
	const char *rule;     /* JSON pointer in the policy */
	const json_t *source; /* as it is written */
	bool denies_all;      /* it is `false` */
	unsigned types;       /* a set; 0: any */
	const json_t *one_of_values, *constant;
	const json_t *minimum, *maximum, *above, *below;
	struct decimal multiple_of; /* 0: absent */
	struct schema_span length, items_count, properties_count;
	struct regex *pattern;
	bool has_unique_items;
	struct schema_property *properties; /* sorted by name */
	size_t n_properties;
	const json_t *required;
	const struct schema *additional, *items, *not, *ref;
	struct schemas prefix, any_of, one_of, all_of;
	/* while it is loaded */
	struct schema *next;
	const char *ref_text;
	unsigned chain; /* 0: not known yet */
	bool is_open;
};

/* One `args`, and all that is in it. */
struct schema_set {
	json_t *source;
	struct schema *first, **last;
};

/** schema_set_free() - Release what a set holds, not its memory, which is the policy's */
void schema_set_free(struct schema_set *set);

#define SCHEMA_PATH_MAX 256 /* bytes of a path in a sentence, with its NUL */

/* What was found wrong first. */
struct schema_fault {
	const struct schema *schema;
	const char *keyword;        /* NULL: the whole schema is `false` */
	char path[SCHEMA_PATH_MAX]; /* of the value: "args.files[3].url" */
	bool gave_up;
};

/** schema_judge() - Return: whether the value fits; if not, @ret says where and why */
bool schema_judge(const struct schema *schema, const json_t *value, struct schema_fault *ret);

#endif
