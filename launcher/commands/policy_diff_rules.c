// SPDX-License-Identifier: Apache-2.0
#include "policy_diff_rules.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "policy/json/json_auto.h"

#define POINTER_BYTES  512
#define SENTENCE_BYTES 1024
#define CONDITIONS_MAX 8192

/* --- words -------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : otherwise;
}

/* "at most 10 per minute for each grant" */
static void limit_words(const json_t *limit, char *ret, size_t size)
{
	static const struct {
		const char *scope, *words;
	} scopes[] = {{"grant", "for each grant"},
		      {"session", "in each session"},
		      {"run", "in each run"},
		      {"server", "for each server"},
		      {"global", "in all"}};
	const json_t *window = json_object_get(limit, "window"),
		     *increment = json_object_get(limit, "increment"),
		     *distinct = json_object_get(limit, "distinct");
	autofree char *max = json_text(json_object_get(limit, "max"));
	autofree char *each = increment ? json_text(increment) : NULL;
	const char *scope = text_of(limit, "scope", "grant"), *where = scope;
	char seconds[40] = "";
	bool is_lifetime = false;

	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++)
		if (!strcmp(scope, scopes[i].scope))
			where = scopes[i].words;
	if (json_is_string(window))
		is_lifetime = !strcmp(json_string_value(window), "lifetime");
	else
		snprintf(seconds, sizeof(seconds), "%lld seconds",
			 (long long)json_integer_value(window));
	snprintf(ret, size, "at most %s%s%s %s%s %s%s%s", max, distinct ? " values of " : "",
		 distinct ? json_string_value(distinct) : "", is_lifetime ? "" : "per ",
		 is_lifetime  ? "ever"
		 : seconds[0] ? seconds
			      : json_string_value(window),
		 where, each ? ", each call counting " : "", each ? each : "");
}

static void limit_text(const json_t *limit, char *ret, size_t size)
{
	char words[SENTENCE_BYTES];

	limit_words(limit, words, sizeof(words));
	snprintf(ret, size, "limit `%s`, %s", text_of(limit, "counter", "?"), words);
}

/* {path, op, value}; both forms of the language come as this one (see normalised()). */
static void predicate_text(const json_t *predicate, char *ret, size_t size)
{
	const json_t *value = json_object_get(predicate, "value");
	autofree char *operand = value ? json_text(value) : NULL;

	snprintf(ret, size, "`%s` %s%s%s%s", text_of(predicate, "path", "?"),
		 text_of(predicate, "op", "?"), operand ? " " : "", operand ? operand : "",
		 json_is_true(json_object_get(predicate, "optional")) ? ", if it is there" : "");
}

static void bind_text(const json_t *bind, char *ret, size_t size)
{
	snprintf(ret, size, "`%s` must come from a result of `%s`", text_of(bind, "path", "?"),
		 text_of(bind, "from", "?"));
}

static void value_text(const json_t *value, char *ret, size_t size)
{
	autofree char *text = json_text(value);

	snprintf(ret, size, "%s", text);
}

/* --- lists ---------------------------------------------------------------------------- */

/* Lists whose every entry forbids something: one more is narrower. */
static const struct list_kind {
	const char *key, *added, *removed;
	void (*describe)(const json_t *item, char *ret, size_t size);
} lists[] = {
	{"limits", "is limited:", "is limited no more:", limit_text},
	{"require", "is required:", "is required no more:", predicate_text},
	{"deny_if", "is denied if", "is denied no more if", predicate_text},
	{"bind", "is bound:", "is bound no more:", bind_text},
};

/* Return: 0; -1 */
static int append_compact(json_t *list, const json_t *compact)
{
	const json_t *ops, *value;
	const char *path, *op;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)compact, path, ops)
		json_object_foreach ((json_t *)(uintptr_t)ops, op, value)
			r |= json_array_append_new(list, json_pack("{s:s, s:s, s:O}", "path", path,
								   "op", op, "value", value));
	return r;
}

/* A list with its predicates in one form; never NULL unless memory is short. */
static json_t *normalised(struct findings *f, const json_t *rule, const char *key)
{
	json_t *list = json_array(), *item;
	size_t i;

	json_array_foreach (json_object_get(rule, key), i, item) {
		bool is_compact = !strcmp(key, "require") || !strcmp(key, "deny_if");

		is_compact &= json_is_object(item) && !json_object_get(item, "path");
		f->is_incomplete |=
			is_compact ? append_compact(list, item) : json_array_append(list, item);
	}
	f->is_incomplete |= !list;
	return list;
}

static bool has_equal(const json_t *list, const json_t *item)
{
	const json_t *other;
	size_t i;

	json_array_foreach (list, i, other)
		if (json_equal(other, item))
			return true;
	return false;
}

/* A limit that counts the same: only how much it allows may differ. */
static const json_t *same_counter(const json_t *list, const json_t *limit)
{
	static const char *const keys[] = {"counter",   "window",    "scope",
					   "algorithm", "increment", "distinct"};
	const json_t *other;
	size_t i;

	json_array_foreach (list, i, other) {
		bool is_same = !has_equal(list, limit);

		for (size_t k = 0; is_same && k < ARRAY_SIZE(keys); k++) {
			const json_t *a = json_object_get(other, keys[k]),
				     *b = json_object_get(limit, keys[k]);

			is_same = a == b || (a && b && json_equal(a, b));
		}
		if (is_same)
			return other;
	}
	return NULL;
}

/* "tool `x`", "every tool" */
static void subject(const struct rule_place *place, char *ret, size_t size)
{
	snprintf(ret, size, "%s%s%s%s", place->what, place->name ? " `" : "",
		 place->name ? place->name : "", place->name ? "`" : "");
}

static const char *tool_of(const struct rule_place *place)
{
	return strcmp(place->what, "tool") ? NULL : place->name;
}

static void diff_max(struct findings *f, const struct rule_place *place, const json_t *from,
		     const json_t *to)
{
	double was = json_number_value(json_object_get(from, "max")),
	       is = json_number_value(json_object_get(to, "max"));
	char before[SENTENCE_BYTES], after[SENTENCE_BYTES], who[SENTENCE_BYTES];

	subject(place, who, sizeof(who));
	limit_words(from, before, sizeof(before));
	limit_words(to, after, sizeof(after));
	finding_add(f, is > was ? EFFECT_WIDER : EFFECT_NARROWER, tool_of(place), place->pointer,
		    "%s: limit `%s` was %s and is now %s", who, text_of(to, "counter", "?"), before,
		    after);
}

static void diff_list(struct findings *f, const struct rule_place *place,
		      const struct list_kind *kind, const json_t *rules[2])
{
	autojson json_t *from = normalised(f, rules[0], kind->key);
	autojson json_t *to = normalised(f, rules[1], kind->key);
	bool is_limits = kind->describe == limit_text;
	char text[SENTENCE_BYTES], who[SENTENCE_BYTES], pointer[POINTER_BYTES + 32];
	const json_t *item;
	size_t i;

	subject(place, who, sizeof(who));
	json_array_foreach (to, i, item) {
		const json_t *other = is_limits ? same_counter(from, item) : NULL;

		snprintf(pointer, sizeof(pointer), "%s/%s/%zu", place->pointer, kind->key, i);
		if (has_equal(from, item))
			continue;
		kind->describe(item, text, sizeof(text));
		if (other)
			diff_max(f, &(struct rule_place){place->what, place->name, pointer}, other,
				 item);
		else
			finding_add(f, EFFECT_NARROWER, tool_of(place), pointer, "%s %s %s", who,
				    kind->added, text);
	}
	json_array_foreach (from, i, item) {
		if (has_equal(to, item) || (is_limits && same_counter(to, item)))
			continue;
		snprintf(pointer, sizeof(pointer), "%s/%s", place->pointer, kind->key);
		kind->describe(item, text, sizeof(text));
		finding_add(f, EFFECT_WIDER, tool_of(place), pointer, "%s %s %s", who,
			    kind->removed, text);
	}
}

/* --- the rest of a rule ------------------------------------------------------------------- */

/* Whether there being such a key narrows what passes; what is in none of these tables is told
 * as a change. */
static const struct {
	const char *key, *words;
	enum effect added, removed;
} values[] = {
	{"rate_limit", "the rate limit", EFFECT_NARROWER, EFFECT_WIDER},
	{"args", "the schema of the arguments", EFFECT_NARROWER, EFFECT_WIDER},
	{"once", "`once`, by which the same key passes one time", EFFECT_NARROWER, EFFECT_WIDER},
	{"response", "what a response may hold", EFFECT_NARROWER, EFFECT_WIDER},
	{"class", "the class", EFFECT_OTHER, EFFECT_OTHER},
	{"approval", "how approval is asked for", EFFECT_OTHER, EFFECT_OTHER},
	{"durable", "`durable`, whether a record is on the disk first,", EFFECT_OTHER,
	 EFFECT_OTHER},
	{"redact", "what the ledger does not keep", EFFECT_OTHER, EFFECT_OTHER},
	{"reason", "the reason that is given", EFFECT_OTHER, EFFECT_OTHER},
	{"on_deny", "the reason that is given", EFFECT_OTHER, EFFECT_OTHER},
};

/* Told by what becomes of the tool. */
static bool is_told_elsewhere(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (!strcmp(key, lists[i].key))
			return true;
	return !strcmp(key, "action");
}

static void diff_value(struct findings *f, const struct rule_place *place, const char *key,
		       const json_t *rules[2])
{
	const json_t *from = json_object_get(rules[0], key), *to = json_object_get(rules[1], key);
	char before[SENTENCE_BYTES] = "not there", after[SENTENCE_BYTES] = "not there";
	char who[SENTENCE_BYTES], pointer[POINTER_BYTES];
	enum effect effect = EFFECT_OTHER;
	const char *words = NULL;

	if (from == to || (from && to && json_equal(from, to)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		if (strcmp(key, values[i].key))
			continue;
		words = values[i].words;
		effect = !from ? values[i].added : !to ? values[i].removed : EFFECT_OTHER;
	}
	subject(place, who, sizeof(who));
	diff_pointer(place->pointer, NULL, key, pointer, sizeof(pointer));
	if (from)
		value_text(from, before, sizeof(before));
	if (to)
		value_text(to, after, sizeof(after));
	finding_add(f, effect, tool_of(place), pointer, "%s: %s%s%s was %s and is now %s", who,
		    words ? words : "`", words ? "" : key, words ? "" : "`", before, after);
}

void diff_rule(struct findings *f, const struct rule_place *place, const json_t *old,
	       const json_t *new)
{
	const json_t *rules[2] = {old, new}, *value;
	autojson json_t *keys = json_object();
	const char *key;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		diff_list(f, place, &lists[i], rules);
	f->is_incomplete |= !keys;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		json_object_foreach ((json_t *)(uintptr_t)rules[i], key, value)
			f->is_incomplete |= json_object_set_new(keys, key, json_null());
	json_object_foreach (keys, key, value)
		if (!is_told_elsewhere(key))
			diff_value(f, place, key, rules);
}

char *diff_conditions(const json_t *rule)
{
	autobuf struct buf b = BUF_INIT(CONDITIONS_MAX);
	struct findings none = {.list = NULL};
	char text[SENTENCE_BYTES];
	const json_t *item;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		autojson json_t *list = normalised(&none, rule, lists[k].key);

		json_array_foreach (list, i, item) {
			lists[k].describe(item, text, sizeof(text));
			buf_printf(&b, "%s%s%s", b.len ? "; " : "",
				   !strcmp(lists[k].key, "deny_if") ? "not if " : "", text);
		}
	}
	for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
		const json_t *value = json_object_get(rule, values[k].key);

		if (!value || values[k].added != EFFECT_NARROWER)
			continue;
		value_text(value, text, sizeof(text));
		buf_printf(&b, "%s%s %s", b.len ? "; " : "", values[k].key, text);
	}
	return strndup(b.len ? (const char *)b.data : "", b.len);
}

void diff_pointer(const char *before, const char *key, const char *name, char *ret, size_t size)
{
	size_t at = (size_t)snprintf(ret, size, "%s%s%s/", before, key ? "/" : "", key ? key : "");

	if (at >= size)
		return;
	for (; *name && at + 3 < size; name++) {
		if (*name == '~' || *name == '/') {
			ret[at++] = '~';
			ret[at++] = *name == '~' ? '0' : '1';
		} else {
			ret[at++] = *name;
		}
	}
	ret[at] = '\0';
}
