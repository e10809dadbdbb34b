// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/load/errors.h"
#include "policy/load/suggest.h"
#include "policy/load/unwired.h"

#define WHAT_BYTES 512
#define MEND_BYTES 512
#define SHOWN_MAX  60 /* bytes of a person's own word in a message */

/* --- where ------------------------------------------------------------------ */

/*
 * A pointer that grows too long stays at the enclosing value: errors then name that one.
 */
size_t load_enter(struct load *l, const char *key)
{
	size_t mark = l->pointer_len, at = mark;
	char *p = l->pointer;

	if (mark + 2 * strlen(key) + 2 > sizeof(l->pointer))
		return mark;
	p[at++] = '/';
	for (; *key; key++) {
		if (*key == '~' || *key == '/') {
			p[at++] = '~';
			p[at++] = *key == '~' ? '0' : '1';
		} else {
			p[at++] = *key;
		}
	}
	p[at] = '\0';
	l->pointer_len = at;
	return mark;
}

size_t load_enter_index(struct load *l, size_t index)
{
	char key[24];

	snprintf(key, sizeof(key), "%zu", index);
	return load_enter(l, key);
}

void load_leave(struct load *l, size_t mark)
{
	l->pointer_len = mark;
	l->pointer[mark] = '\0';
}

/* --- complaints ------------------------------------------------------------- */

static void load_report(struct load *l, enum scan_part part, const char *what, const char *mend)
{
	struct policy_place place = {.pointer = l->pointer};

	l->has_errors = true;
	if (!l->errors)
		return;
	/* Finding the place walks the text: not for an error that is only counted. */
	if (l->errors->n < POLICY_ERRORS_MAX)
		scan_place(l->text, l->n, scan_locate(l->text, l->n, l->pointer, part), &place.line,
			   &place.column);
	if (policy_errors_add(l->errors, l->name, &place, what, mend))
		l->is_out_of_memory = true;
}

void load_error(struct load *l, const char *mend, const char *what, ...)
{
	char sentence[WHAT_BYTES];
	va_list ap;

	va_start(ap, what);
	vsnprintf(sentence, sizeof(sentence), what, ap);
	va_end(ap);
	load_report(l, SCAN_VALUE, sentence, mend);
}

void load_error_key(struct load *l, const char *mend, const char *what, ...)
{
	char sentence[WHAT_BYTES];
	va_list ap;

	va_start(ap, what);
	vsnprintf(sentence, sizeof(sentence), what, ap);
	va_end(ap);
	load_report(l, SCAN_KEY, sentence, mend);
}

const char *load_keep(struct load *l, const char *string)
{
	const char *kept = model_keep(l->policy, string);

	if (!kept)
		l->is_out_of_memory = true;
	return kept;
}

void *load_allocate(struct load *l, size_t n, size_t size)
{
	void *array = calloc(n ? n : 1, size);

	if (!array)
		l->is_out_of_memory = true;
	return array;
}

/* --- values ----------------------------------------------------------------- */

static const char *kind_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_REAL:
		return "a number with a fraction or exponent";
	case JSON_TRUE:
		return "`true`";
	case JSON_FALSE:
		return "`false`";
	case JSON_NULL:
		return "`null`";
	}
	return "unknown";
}

bool load_is_object(struct load *l, const json_t *value, const char *write)
{
	if (json_is_object(value))
		return true;
	load_error(l, write, "must be an object, is %s", kind_of(value));
	return false;
}

bool load_is_array(struct load *l, const json_t *value, const char *write)
{
	if (json_is_array(value))
		return true;
	load_error(l, write, "must be an array, is %s", kind_of(value));
	return false;
}

bool load_string(struct load *l, const json_t *value, const char **ret)
{
	if (!json_is_string(value)) {
		load_error(l, json_is_number(value) ? "put it into double quotes" : NULL,
			   "must be a string, is %s", kind_of(value));
		return false;
	}
	*ret = json_string_value(value);
	return true;
}

bool load_boolean(struct load *l, const json_t *value, bool *ret)
{
	if (!json_is_boolean(value)) {
		load_error(l, "write true or false, without quotes", "must be true or false, is %s",
			   kind_of(value));
		return false;
	}
	*ret = json_is_true(value);
	return true;
}

bool load_count(struct load *l, const json_t *value, uint64_t least, uint64_t *ret)
{
	char mend[64];
	json_int_t number = json_integer_value(value);

	snprintf(mend, sizeof(mend), "write a whole number from %llu on",
		 (unsigned long long)least);
	if (!json_is_integer(value))
		load_error(l, mend, "must be a whole number, is %s", kind_of(value));
	else if (number < 0)
		load_error(l, mend, "must not be negative");
	else if ((uint64_t)number < least)
		load_error(l, mend, "must be at least %llu", (unsigned long long)least);
	else if ((uint64_t)number > POLICY_COUNT_MAX)
		load_error(l, NULL, "must be at most 2^53");
	else {
		*ret = (uint64_t)number;
		return true;
	}
	return false;
}

/* --- words and keys --------------------------------------------------------- */

/* "a, b, c" of what is supported. */
static void words_list(struct load_words words, char *ret, size_t size)
{
	size_t used = (size_t)snprintf(ret, size, "one of: ");
	const char *comma = "";

	for (size_t i = 0; i < words.n && used < size; i++) {
		if (words.words[i].value == WORD_UNSUPPORTED)
			continue;
		used += (size_t)snprintf(ret + used, size - used, "%s%s", comma,
					 words.words[i].name);
		comma = ", ";
	}
}

void load_suggest(struct load *l, const char *what, const char *written,
		  const char *(*nth)(size_t i))
{
	const char *meant = NULL, *name;
	size_t best = SIZE_MAX, used;
	char mend[MEND_BYTES];

	used = (size_t)snprintf(mend, sizeof(mend), "one of: ");
	for (size_t i = 0; (name = nth(i)); i++) {
		if (suggest_is_better(written, name, &best))
			meant = name;
		if (used < sizeof(mend))
			used += (size_t)snprintf(mend + used, sizeof(mend) - used, "%s%s",
						 i ? ", " : "", name);
	}
	load_error(l, mend, "%s `%.*s`%s%s%s", what, SHOWN_MAX, written,
		   meant ? ", did you mean `" : "", meant ? meant : "", meant ? "`?" : "");
}

static void load_word_unknown(struct load *l, const char *written, struct load_words words)
{
	const char *meant = NULL;
	size_t best = SIZE_MAX;
	char mend[MEND_BYTES];

	for (size_t i = 0; i < words.n; i++)
		if (suggest_is_better(written, words.words[i].name, &best))
			meant = words.words[i].name;
	words_list(words, mend, sizeof(mend));
	if (meant)
		load_error(l, mend, "unknown value `%.*s`, did you mean `%s`?", SHOWN_MAX, written,
			   meant);
	else
		load_error(l, mend, "unknown value `%.*s`", SHOWN_MAX, written);
}

bool load_word(struct load *l, const json_t *value, struct load_words words, int *ret)
{
	char mend[MEND_BYTES];
	const char *written;

	if (!load_string(l, value, &written))
		return false;
	for (size_t i = 0; i < words.n; i++) {
		if (strcmp(written, words.words[i].name))
			continue;
		if (words.words[i].value != WORD_UNSUPPORTED) {
			*ret = words.words[i].value;
			return true;
		}
		words_list(words, mend, sizeof(mend));
		load_error(l, mend, "`%s` is not supported by this version yet", written);
		return false;
	}
	load_word_unknown(l, written, words);
	return false;
}

/* Where keys belong that people put elsewhere. */
static const struct {
	const char *key, *home;
} homes[] = {
	{"default", "at the top level"},
	{"mode", "at the top level"},
	{"hide", "at the top level, as a list of tool names, or in `filesystem`"},
	{"all_tools", "at the top level"},
	{"tools", "at the top level"},
	{"egress", "at the top level"},
	{"url", "in `server`"},
	{"pin", "in `server`"},
	{"action", "in a tool's rule, `/tools/NAME`"},
	{"reason", "in a tool's rule, `/tools/NAME`, or in a predicate of `deny_body`"},
	{"on_deny", "in a tool's rule, `/tools/NAME`"},
	{"limits", "in a tool's rule, `/tools/NAME`, or in `/all_tools`"},
	{"rate_limit", "in a tool's rule, `/tools/NAME`, or in `/all_tools`"},
	{"require", "in a tool's rule, `/tools/NAME`"},
	{"deny_if", "in a tool's rule, `/tools/NAME`"},
	{"durable", "in a tool's rule, `/tools/NAME`"},
	{"redact", "in a tool's rule, `/tools/NAME`"},
	{"class", "in a tool's rule, `/tools/NAME`"},
	{"counter", "in an entry of `limits`"},
	{"window", "in an entry of `limits`"},
	{"max", "in an entry of `limits`"},
	{"scope", "in an entry of `limits`"},
	{"increment", "in an entry of `limits`"},
	{"algorithm", "in an entry of `limits`"},
	{"host", "in an entry of `egress`"},
	{"ports", "in an entry of `egress`"},
	{"preset", "in an entry of `egress`"},
	{"deny_body", "in an entry of `egress`"},
	{"pass", "in `environment`"},
	{"write", "in `filesystem`"},
	{"nested_sandbox", "in `jail`"},
	{"ptrace", "in `jail`"},
	{"processes", "in `jail`"},
	{"memory", "in `jail`"},
	{"open_files", "in `jail`"},
	{"cpu", "in `jail`"},
	{"run_time", "in `jail`"},
};

static const char *home_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(homes); i++)
		if (!strcmp(key, homes[i].key))
			return homes[i].home;
	return NULL;
}

static void keys_list(const struct load_keys *keys, char *ret, size_t size)
{
	size_t used = (size_t)snprintf(ret, size, "%s has: ", keys->owner);
	const char *comma = "";

	for (size_t i = 0; i < keys->n && used < size; i++) {
		if (!keys->keys[i].load || unwired_has(keys->owner, keys->keys[i].name))
			continue;
		used += (size_t)snprintf(ret + used, size - used, "%s%s", comma,
					 keys->keys[i].name);
		comma = ", ";
	}
}

/* Return: the key that was probably meant, or NULL. */
static const struct load_key *load_key_unknown(struct load *l, const char *key,
					       const struct load_keys *keys)
{
	const struct load_key *meant = NULL;
	const char *home = home_of(key);
	size_t best = SIZE_MAX;
	char mend[MEND_BYTES];

	for (size_t i = 0; i < keys->n; i++)
		if (suggest_is_better(key, keys->keys[i].name, &best))
			meant = &keys->keys[i];
	keys_list(keys, mend, sizeof(mend));
	if (home) {
		snprintf(mend, sizeof(mend), "it belongs %s", home);
		load_error_key(l, mend, "unknown key in %s", keys->owner);
	} else if (meant) {
		load_error_key(l, NULL, "unknown key, did you mean `%s`?", meant->name);
	} else {
		load_error_key(l, mend, "unknown key");
	}
	return home ? NULL : meant;
}

static const struct load_key *keys_find(const struct load_keys *keys, const char *name)
{
	for (size_t i = 0; i < keys->n; i++)
		if (!strcmp(keys->keys[i].name, name))
			return &keys->keys[i];
	return NULL;
}

/* @met: a bit for each key of the table that was there, if only misspelt. */
static void load_missing_keys(struct load *l, uint64_t met, const struct load_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		if (keys->keys[i].is_required && !(met >> i & 1))
			load_error(l, keys->write, "`%s` is missing", keys->keys[i].name);
}

/* Return: the key of the table that the member stands for, or NULL. */
static const struct load_key *load_member(struct load *l, const char *name, const json_t *value,
					  const struct load_keys *keys, void *into)
{
	const struct load_key *key = keys_find(keys, name);
	char mend[MEND_BYTES];

	if (!key)
		return load_key_unknown(l, name, keys);
	if (key->load)
		key->load(l, value, into);
	if (key->load && (l->takes_unwired || !unwired_has(keys->owner, name)))
		return key;
	keys_list(keys, mend, sizeof(mend));
	load_error_key(l, mend, "not supported by this version yet");
	return key;
}

void load_object(struct load *l, const json_t *value, const struct load_keys *keys, void *into)
{
	/* jansson's iterators take what they only read without const. */
	json_t *object = (json_t *)(uintptr_t)value;
	uint64_t met = 0;

	if (!load_is_object(l, value, keys->write))
		return;
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		const char *name = json_object_iter_key(i);
		size_t mark = load_enter(l, name);
		const struct load_key *key =
			load_member(l, name, json_object_iter_value(i), keys, into);

		if (key)
			met |= UINT64_C(1) << (key - keys->keys);
		load_leave(l, mark);
	}
	load_missing_keys(l, met, keys);
}
