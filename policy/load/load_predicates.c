// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_predicates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy/load/load_names.h"
#include "policy/load/load_url_terms.h"

#define WORDS_MAX   160 /* bytes of an operand, in words */
#define WORDS_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII)

static const struct load_word ops[] = {
	{"eq", OP_EQ},
	{"neq", OP_NEQ},
	{"in", OP_IN},
	{"not_in", OP_NOT_IN},
	{"lt", OP_LT},
	{"lte", OP_LTE},
	{"gt", OP_GT},
	{"gte", OP_GTE},
	{"contains", OP_CONTAINS},
	{"exists", OP_EXISTS},
	{"prefix", OP_PREFIX},
	{"suffix", OP_SUFFIX},
	{"len_gt", OP_LEN_GT},
	{"len_lte", OP_LEN_LTE},
	{"regex", OP_REGEX},
	{"url", OP_URL},
	{"not_url", OP_NOT_URL},
	{"us_fax", OP_US_FAX},
	{"e164_prefix", OP_E164_PREFIX},
};

/* --- operands --------------------------------------------------------------- */

static bool is_anything(const json_t *value)
{
	(void)value;
	return true;
}

static bool is_list(const json_t *value)
{
	return json_array_size(value) > 0;
}

static bool is_number(const json_t *value)
{
	return json_is_number(value);
}

static bool is_length(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0;
}

static bool is_boolean(const json_t *value)
{
	return json_is_boolean(value);
}

/* An empty string would be part of every other. */
static bool is_text(const json_t *value)
{
	return json_string_length(value) > 0;
}

static bool is_text_or_texts(const json_t *value)
{
	if (!json_is_array(value))
		return is_text(value);
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!is_text(json_array_get(value, i)))
			return false;
	return is_list(value);
}

/* "+1900" */
static bool is_prefix(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t n = text && text[0] == '+' ? strspn(text + 1, "0123456789") : 0;

	return n >= 1 && n <= 15 && json_string_length(value) == n + 1;
}

static bool is_prefix_or_prefixes(const json_t *value)
{
	if (!json_is_array(value))
		return is_prefix(value);
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!is_prefix(json_array_get(value, i)))
			return false;
	return is_list(value);
}

static bool is_object(const json_t *value)
{
	return json_is_object(value);
}

static const struct {
	bool (*is_right)(const json_t *value);
	const char *must_be, *words;
} operands[] = {
	[OP_EQ] = {is_anything, "", "is"},
	[OP_NEQ] = {is_anything, "", "is not"},
	[OP_IN] = {is_list, "a list of values", "is one of"},
	[OP_NOT_IN] = {is_list, "a list of values", "is none of"},
	[OP_LT] = {is_number, "a number", "is less than"},
	[OP_LTE] = {is_number, "a number", "is at most"},
	[OP_GT] = {is_number, "a number", "is more than"},
	[OP_GTE] = {is_number, "a number", "is at least"},
	[OP_CONTAINS] = {is_text_or_texts, "a string or a list of strings, none empty", "contains"},
	[OP_EXISTS] = {is_boolean, "true or false", "exists"},
	[OP_PREFIX] = {is_text_or_texts, "a string or a list of strings, none empty",
		       "begins with"},
	[OP_SUFFIX] = {is_text_or_texts, "a string or a list of strings, none empty", "ends with"},
	[OP_LEN_GT] = {is_length, "a whole number, not negative", "is longer than"},
	[OP_LEN_LTE] = {is_length, "a whole number, not negative", "is no longer than"},
	[OP_REGEX] = {is_text, "a pattern, a string that is not empty", "matches"},
	[OP_URL] = {is_object,
		    "an object, {\"scheme\":[\"https\"],\"host_in\":[\"api.example.com\"]}",
		    "is a URL with"},
	[OP_NOT_URL] = {is_object,
			"an object, {\"scheme\":[\"https\"],\"host_in\":[\"api.example.com\"]}",
			"is no URL with"},
	[OP_US_FAX] = {is_boolean, "true or false, or without `value`", "is a US fax number"},
	[OP_E164_PREFIX] = {is_prefix_or_prefixes, "a string such as \"+1900\", or a list of them",
			    "is a number that begins"},
};

static const char *predicate_words(struct load *l, const struct predicate *p)
{
	autofree char *operand = json_dumps(p->operand, WORDS_FLAGS);
	char words[WORDS_MAX + 64];

	if (p->op == OP_EXISTS)
		return json_is_true(p->operand) ? "is there" : "is missing";
	if (p->op == OP_US_FAX)
		return json_is_true(p->operand) ? "is a US fax number" : "is no US fax number";
	if (!operand) {
		l->is_out_of_memory = true;
		return NULL;
	}
	snprintf(words, sizeof(words), "%s %.*s%s", operands[p->op].words, WORDS_MAX, operand,
		 strlen(operand) > WORDS_MAX ? "…" : "");
	return load_keep(l, words);
}

bool load_regex(struct load *l, const json_t *value, struct regex **ret)
{
	char what[REGEX_WHAT_MAX] = "";
	struct span pattern = span_bytes(json_string_value(value), json_string_length(value));
	int r = regex_compile(pattern, ret, what);

	if (r == -EINVAL)
		load_error(l, NULL, "no regular expression that this language has: %s", what);
	else if (r)
		l->is_out_of_memory = true;
	return !r;
}

static void predicate_set(struct load *l, struct predicate *p, enum predicate_op op,
			  const json_t *operand)
{
	if (!operands[op].is_right(operand)) {
		load_error(l, NULL, "`%s` compares with %s", ops[op].name, operands[op].must_be);
		return;
	}
	if (op == OP_REGEX && !load_regex(l, operand, &p->regex))
		return;
	if ((op == OP_URL || op == OP_NOT_URL) && !load_url_terms(l, operand, &p->url))
		return;
	p->op = op;
	p->operand = json_incref((json_t *)(uintptr_t)operand); /* counts, changes nothing */
	p->words = predicate_words(l, p);
}

/* --- members ---------------------------------------------------------------- */

/* A predicate as it is read: what `value` must be depends on `op`, wherever that stands. */
struct reading {
	struct predicate *predicate;
	enum path_root root;
	bool is_compact; /* the path is a key, and so is the operator */
	bool has_op;     /* of the compact form, right or wrong */
	int op;          /* -1: none, or a wrong one */
	const json_t *value;
};

static void load_path_text(struct load *l, const char *text, struct reading *r)
{
	const char *what;
	int error = path_parse(text, r->root, &r->predicate->path, &what);

	if (!error)
		r->predicate->names = load_keep(l, text);
	else if (error == -EINVAL)
		(r->is_compact ? load_error_key : load_error)(l, path_examples(r->root),
							      "`%.60s` is no path: %s", text, what);
	else
		l->is_out_of_memory = true;
}

static void load_path(struct load *l, const json_t *value, void *into)
{
	const char *text;

	if (load_string(l, value, &text))
		load_path_text(l, text, into);
}

static void load_op(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;

	load_word(l, value, LOAD_WORDS(ops), &r->op);
}

static void load_value(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;

	(void)l;
	r->value = value;
}

static void load_optional(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;

	load_boolean(l, value, &r->predicate->is_optional);
}

static void load_reason(struct load *l, const json_t *value, void *into)
{
	struct reading *r = into;
	const char *reason;

	if (!load_string(l, value, &reason))
		return;
	if (!reason[0] || strlen(reason) > POLICY_REASON_MAX)
		load_error(l, NULL, "a reason has 1 to %d bytes", POLICY_REASON_MAX);
	else
		r->predicate->reason = load_keep(l, reason);
}

static const struct load_key predicate_keys[] = {
	{"path", load_path, true},      {"op", load_op, true},
	{"value", load_value, false},   {"optional", load_optional, false},
	{"reason", load_reason, false},
};

static void load_long(struct load *l, const json_t *value, struct reading *r)
{
	static const struct load_keys table = {
		.owner = "a predicate",
		.write = "{\"path\":…,\"op\":\"eq\",\"value\":…}",
		.keys = predicate_keys,
		.n = ARRAY_SIZE(predicate_keys),
	};
	size_t mark;

	load_object(l, value, &table, r);
	if (r->op == OP_US_FAX && !r->value)
		r->value = json_true(); /* one for all, which nobody counts */
	if (r->op >= 0 && !r->value)
		load_error(l, table.write, "`value` is missing");
	if (r->op < 0 || !r->value)
		return;
	mark = load_enter(l, "value");
	predicate_set(l, r->predicate, (enum predicate_op)r->op, r->value);
	load_leave(l, mark);
}

/* --- {"body.a": {"exists": true}} ------------------------------------------- */

static void load_compact_member(struct load *l, const char *key, const json_t *value,
				struct reading *r)
{
	autojson json_t *word = NULL;

	if (!strcmp(key, "optional")) {
		load_optional(l, value, r);
	} else if (!strcmp(key, "reason")) {
		load_reason(l, value, r);
	} else if (r->has_op) {
		load_error_key(l, "write a predicate for each", "a second operator");
	} else {
		r->has_op = true;
		word = json_string(key);
		if (!word)
			l->is_out_of_memory = true;
		else if (load_word(l, word, LOAD_WORDS(ops), &r->op))
			predicate_set(l, r->predicate, (enum predicate_op)r->op, value);
	}
}

static void load_compact(struct load *l, const json_t *value, const char *path, struct reading *r)
{
	const json_t *inner = json_object_get(value, path);
	json_t *object = (json_t *)(uintptr_t)inner; /* jansson's iterators only read it */
	size_t mark = load_enter(l, path);

	load_path_text(l, path, r);
	if (json_object_size(value) > 1)
		load_error_key(l, "write a predicate for each", "something beside the one path");
	if (!load_is_object(l, inner, "{\"exists\":true}")) {
		load_leave(l, mark);
		return;
	}
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		size_t within = load_enter(l, json_object_iter_key(i));

		load_compact_member(l, json_object_iter_key(i), json_object_iter_value(i), r);
		load_leave(l, within);
	}
	if (!r->has_op)
		load_error(l, "{\"exists\":true}", "an operator is missing");
	load_leave(l, mark);
}

/* Return: the member that is a path, or NULL: then it is the long form. */
static const char *compact_path(const json_t *value, enum path_root root)
{
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */

	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
		if (path_begins(json_object_iter_key(i), root))
			return json_object_iter_key(i);
	return NULL;
}

static void load_predicate(struct load *l, const json_t *value, enum path_root root,
			   struct predicate *ret)
{
	const char *path = compact_path(value, root);
	struct reading r = {.predicate = ret, .root = root, .is_compact = path, .op = -1};

	ret->rule = load_keep(l, l->preset ? l->preset->rule : l->pointer);
	if (path)
		load_compact(l, value, path, &r);
	else
		load_long(l, value, &r);
}

void load_predicates(struct load *l, const json_t *value, enum path_root root, size_t max,
		     struct predicate_list *ret)
{
	size_t n = json_array_size(value);

	if (!load_is_array(l, value, "[{\"path\":…,\"op\":\"eq\",\"value\":…}]"))
		return;
	if (n > max) {
		load_error(l, NULL, "%zu predicates; at most %zu", n, max);
		return;
	}
	ret->items = load_reserve(l, NULL, 0, n, sizeof(*ret->items));
	for (size_t i = 0; ret->items && i < n; i++) {
		size_t mark = load_enter_index(l, i);

		load_predicate(l, json_array_get(value, i), root, &ret->items[ret->n++]);
		load_leave(l, mark);
	}
}
