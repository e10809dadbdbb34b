// SPDX-License-Identifier: Apache-2.0
#include "commands/preset_words.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define LISTED_MAX 4 /* of one kind; the rest is counted */

struct words {
	char *at;
	size_t size, n;
	size_t listed; /* of the list at hand */
};

static void put(struct words *w, const char *before, const char *word)
{
	int n = snprintf(w->at + w->n, w->size - w->n, "%s%s", before, word);

	w->n += (size_t)n < w->size - w->n ? (size_t)n : w->size - w->n - 1;
}

/* @intro: stands before the first of a list. */
static void put_listed(struct words *w, const char *intro, const char *word)
{
	if (w->listed < LISTED_MAX)
		put(w, w->listed ? ", " : intro, word);
	w->listed++;
}

static void end_list(struct words *w)
{
	char rest[32];

	if (w->listed > LISTED_MAX) {
		snprintf(rest, sizeof(rest), "%zu more", w->listed - LISTED_MAX);
		put(w, " and ", rest);
	}
	w->listed = 0;
}

static bool is_set(const char *name)
{
	return strchr(name, '*') || getenv(name);
}

/* The strings of @root's @object.@list, or those of them that @holds is true of. */
static void put_list(struct words *w, const json_t *root, const char *const where[2],
		     const char *intro, bool (*holds)(const char *))
{
	const json_t *list = json_object_get(json_object_get(root, where[0]), where[1]), *value;
	size_t i;

	json_array_foreach (list, i, value)
		if (json_is_string(value) && (!holds || holds(json_string_value(value))))
			put_listed(w, intro, json_string_value(value));
	end_list(w);
}

/* The host of the @i-th entry, if no earlier one has the same; else NULL. */
static const char *new_host(const json_t *egress, size_t i)
{
	const char *host = json_string_value(json_object_get(json_array_get(egress, i), "host"));

	for (size_t j = 0; host && j < i; j++) {
		const json_t *earlier = json_object_get(json_array_get(egress, j), "host");

		if (json_is_string(earlier) && !strcmp(json_string_value(earlier), host))
			return NULL;
	}
	return host;
}

void preset_words(const struct policy_preset *preset, char *ret)
{
	static const char *const write[] = {"filesystem", "write"};
	static const char *const pass[] = {"environment", "pass"};
	struct words w = {.at = ret, .size = PRESET_WORDS_BYTES};
	json_t *root = json_loadb(preset->text, preset->n, 0, NULL);
	const json_t *egress = json_object_get(root, "egress");

	ret[0] = '\0';
	for (size_t i = 0; i < json_array_size(egress); i++)
		if (new_host(egress, i))
			put_listed(&w, "", new_host(egress, i));
	end_list(&w);
	put_list(&w, root, write, w.n ? "; may write " : "may write ", NULL);
	put_list(&w, root, pass, w.n ? "; gets " : "gets ", is_set);
	if (json_is_true(json_object_get(json_object_get(root, "jail"), "nested_sandbox")))
		put(&w, w.n ? "; " : "", "may sandbox itself (jail.nested_sandbox)");
	json_decref(root);
}

void preset_names(const char *text, size_t n, char *ret, size_t size)
{
	struct words w = {.at = ret, .size = size};
	json_t *root = json_loadb(text, n, 0, NULL);
	const json_t *entry;
	size_t i;

	ret[0] = '\0';
	json_array_foreach (json_object_get(root, "egress"), i, entry)
		if (json_string_value(json_object_get(entry, "preset")))
			put_listed(&w, "", json_string_value(json_object_get(entry, "preset")));
	end_list(&w);
	json_decref(root);
}
