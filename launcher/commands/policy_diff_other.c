// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy_diff_rules.h"

#define POINTER_BYTES  512
#define SENTENCE_BYTES 1024

/* Lists outside of tools: what one more entry, and one less, does. */
static const struct {
	const char *object, *key, *added, *removed; /* sentences, the entry in between */
	enum effect more, less;
} lists[] = {
	{NULL, "egress", "the agent can reach %s", "the agent can no longer reach %s",
	 EFFECT_ALLOWED, EFFECT_DENIED},
	{NULL, "sockets", "the agent can connect to the unix socket %s",
	 "the agent can no longer connect to the unix socket %s", EFFECT_ALLOWED, EFFECT_DENIED},
	{"filesystem", "read", "the agent sees %s though it would be hidden",
	 "the agent no longer sees %s, if it would be hidden", EFFECT_WIDER, EFFECT_NARROWER},
	{"filesystem", "write", "the agent can write %s", "the agent can no longer write %s",
	 EFFECT_WIDER, EFFECT_NARROWER},
	{"filesystem", "hide", "the agent no longer sees %s", "the agent sees %s", EFFECT_NARROWER,
	 EFFECT_WIDER},
	{"environment", "pass", "the agent gets the variable %s",
	 "the agent no longer gets the variable %s, if it looks like a credential", EFFECT_WIDER,
	 EFFECT_NARROWER},
	{"environment", "unset", "the agent no longer gets the variable %s",
	 "the agent gets the variable %s", EFFECT_NARROWER, EFFECT_WIDER},
};

/* Compared elsewhere, or without a meaning for what passes. */
static const char *const told[] = {"tools",   "hide",  "all_tools",   "default", "resources",
				   "prompts", "tests", "completions", "version"};

static bool is_told(const char *object, const char *key)
{
	bool has_tools = !object || !strncmp(object, "servers/", strlen("servers/"));

	for (size_t i = 0; has_tools && i < ARRAY_SIZE(told); i++)
		if (!strcmp(key, told[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (!strcmp(key, lists[i].key) && !object == !lists[i].object &&
		    (!object || !strcmp(object, lists[i].object)))
			return true;
	return false;
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

/* An entry of `egress`, shortly; anything else as it is written. */
static char *entry_text(const json_t *item)
{
	autofree char *whole = json_text(item);
	const char *host = json_string_value(json_object_get(item, "host"));
	const char *preset = json_string_value(json_object_get(item, "preset"));
	const char *mode = json_string_value(json_object_get(item, "mode"));
	char *text;

	if (json_is_string(item))
		return strdup(json_string_value(item));
	if (preset)
		return asprintf(&text, "what the preset %s lists", preset) < 0 ? NULL : text;
	if (!host)
		return ptr_take(&whole);
	return asprintf(&text, "%s, %s: %s", host,
			mode && !strcmp(mode, "tunnel") ? "without a look at what is said"
							: "each request inspected",
			whole) < 0
		       ? NULL
		       : text;
}

static void tell_entry(struct findings *f, size_t list, bool is_more, const json_t *item)
{
	autofree char *entry = entry_text(item);
	const char *sentence = is_more ? lists[list].added : lists[list].removed;
	const char *gap = strstr(sentence, "%s");
	char rule[64];

	snprintf(rule, sizeof(rule), "%s%s/%s", lists[list].object ? "/" : "",
		 lists[list].object ? lists[list].object : "", lists[list].key);
	finding_add(f, is_more ? lists[list].more : lists[list].less, NULL, rule, "%.*s%s%s",
		    (int)(gap - sentence), sentence, entry ? entry : "?", gap + 2);
}

static void diff_lists(struct findings *f, const json_t *old, const json_t *new)
{
	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const char *object = lists[l].object;
		const json_t *from =
			json_object_get(object ? json_object_get(old, object) : old, lists[l].key);
		const json_t *to =
			json_object_get(object ? json_object_get(new, object) : new, lists[l].key);
		const json_t *item;
		size_t i;

		json_array_foreach (to, i, item)
			if (!has_equal(from, item))
				tell_entry(f, l, true, item);
		json_array_foreach (from, i, item)
			if (!has_equal(to, item))
				tell_entry(f, l, false, item);
	}
}

/* --- everything else: each value that differs, by its pointer ---------------------------- */

/* Sentences for single values; @more: what `true`, or a first value, means. */
static const struct {
	const char *pointer, *words;
	enum effect more;
} singles[] = {
	{"/mode", "what is done with a verdict (`mode`)", EFFECT_OTHER},
	{"/server/url", "the server that tools are called at", EFFECT_OTHER},
	{"/server/pin", "the pin of tool definitions", EFFECT_NARROWER},
	{"/state", "where limits are counted, which starts them anew,", EFFECT_OTHER},
	{"/jail/nested_sandbox", "whether the agent may make sandboxes of its own", EFFECT_WIDER},
	{"/jail/ptrace", "whether the agent may debug its own processes", EFFECT_WIDER},
};

static bool is_off(const json_t *value)
{
	return !value || json_is_false(value) || json_is_null(value);
}

static void tell_value(struct findings *f, const char *pointer, const json_t *from,
		       const json_t *to)
{
	autofree char *before = from ? json_text(from) : strdup("not there");
	autofree char *after = to ? json_text(to) : strdup("not there");
	enum effect effect = EFFECT_OTHER;
	const char *words = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(singles); i++) {
		if (strcmp(pointer, singles[i].pointer))
			continue;
		words = singles[i].words;
		if (is_off(from) != is_off(to) && singles[i].more != EFFECT_OTHER)
			effect = is_off(from) == (singles[i].more == EFFECT_WIDER)
					 ? EFFECT_WIDER
					 : EFFECT_NARROWER;
	}
	finding_add(f, effect, NULL, pointer, "%s%s%s was %s and is now %s", words ? words : "`",
		    words ? "" : pointer, words ? "" : "`", before ? before : "?",
		    after ? after : "?");
}

static void diff_values(struct findings *f, const char *pointer, const json_t *old,
			const json_t *new)
{
	/* At the second level keys of `filesystem` and the like, at the first the policy's. */
	const char *object = pointer[0] ? pointer + 1 : NULL;
	const json_t *sides[] = {new, old}, *value;
	autojson json_t *keys = json_object();
	const char *key;

	f->is_incomplete |= !keys;
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
		json_object_foreach ((json_t *)(uintptr_t)sides[i], key, value)
			f->is_incomplete |= json_object_set_new(keys, key, json_null());
	json_object_foreach (keys, key, value) {
		const json_t *from = json_object_get(old, key), *to = json_object_get(new, key);
		bool descends = (!from || json_is_object(from)) && (!to || json_is_object(to));
		char below[POINTER_BYTES];

		if (is_told(object, key) || from == to || (from && to && json_equal(from, to)))
			continue;
		diff_pointer(pointer, NULL, key, below, sizeof(below));
		/* Tools of a server are compared as tools. */
		if (descends && !strchr(object ? object : "", '/') && strcmp(below, "/server/pin"))
			diff_values(f, below, from, to);
		else
			tell_value(f, below, from, to);
	}
}

void diff_other_keys(struct findings *f, const json_t *old, const json_t *new)
{
	diff_lists(f, old, new);
	diff_values(f, "", old, new);
}
