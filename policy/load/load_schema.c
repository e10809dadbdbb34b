// SPDX-License-Identifier: Apache-2.0
/*
 * In two passes: every schema of the text becomes a node, known by its pointer; then each $ref
 * finds the node it means, and it is made sure that no schema is about the same value as itself.
 * A recursion that is left goes down the value with each turn, and ends with it.
 */
#include "policy/load/load_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy/load/load_names.h"
#include "policy/load/load_predicates.h"
#include "policy/schema.h"

#define ENUM_MAX 1024

/* What the loaders of keywords fill. */
struct reading {
	struct schema *schema;
	struct schema_set *set;
	json_t *by_pointer; /* the schemas so far */
};

static const struct schema *load_schema(struct load *l, const json_t *value,
					const struct reading *outer);

/* --- types and values ------------------------------------------------------- */

static const struct load_word types[] = {
	{"string", SCHEMA_STRING},   {"number", SCHEMA_NUMBER}, {"integer", SCHEMA_INTEGER},
	{"boolean", SCHEMA_BOOLEAN}, {"array", SCHEMA_ARRAY},   {"object", SCHEMA_OBJECT},
	{"null", SCHEMA_NULL},
};

static void load_type(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;
	int type;

	if (!json_is_array(value)) {
		if (load_word(l, value, LOAD_WORDS(types), &type))
			r->schema->types |= (unsigned)type;
		return;
	}
	if (!json_array_size(value))
		load_error(l, "\"string\" or [\"string\",\"null\"]", "the list is empty");
	for (size_t i = 0; i < json_array_size(value); i++) {
		size_t mark = load_enter_index(l, i);

		if (load_word(l, json_array_get(value, i), LOAD_WORDS(types), &type))
			r->schema->types |= (unsigned)type;
		load_leave(l, mark);
	}
}

static void load_enum(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;

	if (!load_is_array(l, value, "[\"a\",\"b\"]"))
		return;
	if (!json_array_size(value) || json_array_size(value) > ENUM_MAX)
		load_error(l, NULL, "%zu values; 1 to %d", json_array_size(value), ENUM_MAX);
	r->schema->one_of_values = value;
}

static void load_const(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;

	(void)l;
	r->schema->constant = value;
}

/* --- numbers and lengths ---------------------------------------------------- */

static bool load_number(struct load *l, const json_t *value, const json_t **ret)
{
	if (json_is_number(value))
		*ret = value;
	else
		load_error(l, "a number, without quotes", "must be a number");
	return json_is_number(value);
}

#define LOAD_BOUND(name, field)                                                                    \
	static void name(struct load *l, const json_t *value, void *into)                          \
	{                                                                                          \
		struct reading *r = into;                                                          \
                                                                                                   \
		load_number(l, value, &r->schema->field);                                          \
	}

LOAD_BOUND(load_minimum, minimum)
LOAD_BOUND(load_maximum, maximum)
LOAD_BOUND(load_above, above)
LOAD_BOUND(load_below, below)

static void load_multiple_of(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;
	const json_t *number;
	struct decimal d;

	if (!load_number(l, value, &number))
		return;
	d = decimal_of(number);
	if (d.is_negative || !d.digits)
		load_error(l, "0.01", "must be above 0");
	else
		r->schema->multiple_of = d;
}

#define LOAD_COUNT(name, field)                                                                    \
	static void name(struct load *l, const json_t *value, void *into)                          \
	{                                                                                          \
		struct reading *r = into;                                                          \
                                                                                                   \
		load_count(l, value, 0, &r->schema->field);                                        \
	}

LOAD_COUNT(load_min_length, length.least)
LOAD_COUNT(load_max_length, length.most)
LOAD_COUNT(load_min_items, items_count.least)
LOAD_COUNT(load_max_items, items_count.most)
LOAD_COUNT(load_min_properties, properties_count.least)
LOAD_COUNT(load_max_properties, properties_count.most)

static void load_pattern(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;
	const char *text;

	if (load_string(l, value, &text))
		load_regex(l, value, &r->schema->pattern);
}

static void load_unique_items(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;

	load_boolean(l, value, &r->schema->has_unique_items);
}

/* --- schemas within --------------------------------------------------------- */

static void load_schemas(struct load *l, const json_t *value, const struct reading *r,
			 struct schemas *ret)
{
	size_t n = json_array_size(value);

	if (!load_is_array(l, value, "[{\"type\":\"string\"}]"))
		return;
	if (!n)
		load_error(l, "leave the key out", "the list is empty");
	ret->items = load_reserve(l, NULL, 0, n, sizeof(const struct schema *));
	for (size_t i = 0; ret->items && i < n; i++) {
		size_t mark = load_enter_index(l, i);

		ret->items[ret->n++] = load_schema(l, json_array_get(value, i), r);
		load_leave(l, mark);
	}
}

#define LOAD_SCHEMAS(name, field)                                                                  \
	static void name(struct load *l, const json_t *value, void *into)                          \
	{                                                                                          \
		struct reading *r = into;                                                          \
                                                                                                   \
		load_schemas(l, value, r, &r->schema->field);                                      \
	}

LOAD_SCHEMAS(load_prefix_items, prefix)
LOAD_SCHEMAS(load_any_of, any_of)
LOAD_SCHEMAS(load_one_of, one_of)
LOAD_SCHEMAS(load_all_of, all_of)

#define LOAD_SCHEMA(name, field)                                                                   \
	static void name(struct load *l, const json_t *value, void *into)                          \
	{                                                                                          \
		struct reading *r = into;                                                          \
                                                                                                   \
		r->schema->field = load_schema(l, value, r);                                       \
	}

LOAD_SCHEMA(load_additional, additional)
LOAD_SCHEMA(load_not, not )

static void load_items(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;

	if (json_is_array(value))
		load_error(l, "\"prefixItems\", as since draft 2020-12", "must be one schema");
	else
		r->schema->items = load_schema(l, value, r);
}

static int compare_properties(const void *a, const void *b)
{
	const struct schema_property *first = a, *second = b;

	return strcmp(first->name, second->name);
}

static void load_properties(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;
	struct schema *s = r->schema;
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */

	if (!load_is_object(l, value, "{\"name\":{\"type\":\"string\"}}"))
		return;
	s->properties = load_reserve(l, NULL, 0, json_object_size(value), sizeof(*s->properties));
	for (void *i = s->properties ? json_object_iter(object) : NULL; i;
	     i = json_object_iter_next(object, i)) {
		size_t mark = load_enter(l, json_object_iter_key(i));

		s->properties[s->n_properties++] = (struct schema_property){
			json_object_iter_key(i), load_schema(l, json_object_iter_value(i), r)};
		load_leave(l, mark);
	}
	if (s->n_properties)
		qsort(s->properties, s->n_properties, sizeof(*s->properties), compare_properties);
}

static void load_definitions(struct load *l, const json_t *value, void *into)
{
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */

	if (!load_is_object(l, value, "{\"name\":{\"type\":\"string\"}}"))
		return;
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		size_t mark = load_enter(l, json_object_iter_key(i));

		load_schema(l, json_object_iter_value(i), into);
		load_leave(l, mark);
	}
}

static void load_required(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;
	const char *name;

	if (!load_is_array(l, value, "[\"sessionId\"]"))
		return;
	for (size_t i = 0; i < json_array_size(value); i++) {
		size_t mark = load_enter_index(l, i);

		load_string(l, json_array_get(value, i), &name);
		load_leave(l, mark);
	}
	r->schema->required = value;
}

static void load_ref(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;
	const char *text;

	if (!load_string(l, value, &text))
		return;
	if (text[0] != '#' || (text[1] && text[1] != '/') || strchr(text, '%'))
		load_error(l, "\"#/$defs/name\"", "only schemas in this text can be referred to");
	else
		r->schema->ref_text = text + 1;
}

/* --- what says nothing about a value ---------------------------------------- */

static void load_annotation(struct load *l, const json_t *value, void *into)
{
	(void)l;
	(void)value;
	(void)into;
}

static void load_dialect(struct load *l, const json_t *value, void *into)
{
	static const char *const known[] = {
		"https://json-schema.org/draft/2020-12/schema",
		"https://json-schema.org/draft/2019-09/schema",
		"http://json-schema.org/draft-07/schema",
	};
	const char *text;
	size_t n;

	(void)into;
	if (!load_string(l, value, &text))
		return;
	n = strcspn(text, "#");
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (n == strlen(known[i]) && !strncmp(text, known[i], n))
			return;
	load_error(l, known[0], "a dialect that is not known");
}

static void load_format(struct load *l, const json_t *value, void *into)
{
	(void)value;
	(void)into;
	load_error_key(l, "use `pattern`, or `require` with an operator such as url or us_fax",
		       "`format` would demand nothing: to JSON Schema it is a remark");
}

static const struct load_key schema_keys[] = {
	{"type", load_type, false},
	{"properties", load_properties, false},
	{"required", load_required, false},
	{"additionalProperties", load_additional, false},
	{"items", load_items, false},
	{"prefixItems", load_prefix_items, false},
	{"enum", load_enum, false},
	{"const", load_const, false},
	{"minimum", load_minimum, false},
	{"maximum", load_maximum, false},
	{"exclusiveMinimum", load_above, false},
	{"exclusiveMaximum", load_below, false},
	{"multipleOf", load_multiple_of, false},
	{"minLength", load_min_length, false},
	{"maxLength", load_max_length, false},
	{"pattern", load_pattern, false},
	{"minItems", load_min_items, false},
	{"maxItems", load_max_items, false},
	{"uniqueItems", load_unique_items, false},
	{"minProperties", load_min_properties, false},
	{"maxProperties", load_max_properties, false},
	{"anyOf", load_any_of, false},
	{"oneOf", load_one_of, false},
	{"allOf", load_all_of, false},
	{"not", load_not, false},
	{"$ref", load_ref, false},
	{"$defs", load_definitions, false},
	{"definitions", load_definitions, false},
	{"format", load_format, false},
	{"$schema", load_dialect, false},
	{"$comment", load_annotation, false},
	{"title", load_annotation, false},
	{"description", load_annotation, false},
	{"default", load_annotation, false},
	{"examples", load_annotation, false},
	{"deprecated", load_annotation, false},
	{"readOnly", load_annotation, false},
	{"writeOnly", load_annotation, false},
};

static const struct load_keys schema_table = {
	.owner = "a schema",
	.write = "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"}}}",
	.keys = schema_keys,
	.n = ARRAY_SIZE(schema_keys),
};

static struct schema *schema_new(struct load *l, const json_t *value, const struct reading *r)
{
	struct schema *s = load_reserve(l, NULL, 0, 1, sizeof(*s));
	const struct schema_span any = {0, UINT64_MAX};
	json_t *known = s ? json_integer((json_int_t)(intptr_t)s) : NULL;

	if (!known) {
		l->is_out_of_memory = true;
		return NULL;
	}
	s->source = value;
	s->rule = load_keep(l, l->pointer);
	s->length = s->items_count = s->properties_count = any;
	*r->set->last = s;
	r->set->last = &s->next;
	/* Where a pointer is too long, what is within has that of what is around it, and comes
	 * later. */
	if (json_object_get(r->by_pointer, l->pointer))
		json_decref(known);
	else if (json_object_set_new(r->by_pointer, l->pointer, known))
		l->is_out_of_memory = true;
	return s;
}

static const struct schema *load_schema(struct load *l, const json_t *value,
					const struct reading *outer)
{
	struct reading r = *outer;

	r.schema = schema_new(l, value, outer);
	if (!r.schema)
		return NULL;
	r.schema->denies_all = json_is_false(value);
	if (!json_is_boolean(value))
		load_object(l, value, &schema_table, &r);
	return r.schema;
}

/* --- references ------------------------------------------------------------- */

static void report_at(struct load *l, const char *pointer, const char *mend, const char *what)
{
	size_t mark = l->pointer_len;
	char before[LOAD_POINTER_MAX];

	memcpy(before, l->pointer, sizeof(before));
	l->pointer_len = (size_t)snprintf(l->pointer, sizeof(l->pointer), "%s", pointer);
	load_error(l, mend, "%s", what);
	memcpy(l->pointer, before, sizeof(before));
	l->pointer_len = mark;
}

static void link_reference(struct load *l, struct schema *s, const json_t *by_pointer)
{
	char pointer[2 * LOAD_POINTER_MAX];
	const json_t *found;

	if (!s->ref_text)
		return;
	snprintf(pointer, sizeof(pointer), "%s%s", l->pointer, s->ref_text);
	found = json_object_get(by_pointer, pointer);
	if (found)
		s->ref = (const struct schema *)(intptr_t)json_integer_value(found);
	else
		report_at(l, s->rule, "\"#/$defs/name\"", "`$ref` leads to no schema of this text");
}

static unsigned chain_of(struct schema *s, unsigned depth);

static unsigned longest(const struct schemas *list, unsigned depth, unsigned most)
{
	for (size_t i = 0; i < list->n && list->items[i]; i++) {
		unsigned n = chain_of((struct schema *)(uintptr_t)list->items[i], depth);

		most = n > most ? n : most;
	}
	return most;
}

/* Schemas about one value within each other; more than SCHEMA_CHAIN_MAX: too many, or no end. */
static unsigned chain_of(struct schema *s, unsigned depth)
{
	const struct schemas single[] = {{&s->ref, s->ref != NULL}, {&s->not, s->not != NULL}};
	unsigned most = 0;

	if (s->is_open || depth > SCHEMA_CHAIN_MAX)
		return SCHEMA_CHAIN_MAX + 1;
	if (s->chain)
		return s->chain;
	s->is_open = true;
	most = longest(&single[0], depth + 1, most);
	most = longest(&single[1], depth + 1, most);
	most = longest(&s->any_of, depth + 1, most);
	most = longest(&s->one_of, depth + 1, most);
	most = longest(&s->all_of, depth + 1, most);
	s->is_open = false;
	s->chain = most > SCHEMA_CHAIN_MAX ? most : most + 1;
	return s->chain;
}

static void link_references(struct load *l, const struct reading *r)
{
	for (struct schema *s = r->set->first; s; s = s->next)
		link_reference(l, s, r->by_pointer);
	for (struct schema *s = r->set->first; s; s = s->next) {
		if (chain_of(s, 1) <= SCHEMA_CHAIN_MAX)
			continue;
		report_at(l, s->rule, "let a $ref lead to a schema of what is within the value",
			  "schemas about one value within each other, without end or more than 32");
		return;
	}
}

void load_args(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	autojson json_t *by_pointer = json_object();
	struct reading r = {.set = &rule->args, .by_pointer = by_pointer};

	if (!load_is_object(l, value, schema_table.write))
		return;
	rule->args.last = &rule->args.first;
	rule->args.source = json_incref((json_t *)(uintptr_t)value); /* counts, changes nothing */
	if (by_pointer && load_schema(l, value, &r) && !l->is_out_of_memory)
		link_references(l, &r);
	else
		l->is_out_of_memory = true;
}
