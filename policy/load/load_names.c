// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_names.h"

#include <string.h>

void *load_reserve(struct load *l, const void *array, size_t n, size_t more, size_t size)
{
	void *grown = model_keep_array(l->policy, n + more, size);

	if (!grown)
		l->is_out_of_memory = true;
	else if (n)
		memcpy(grown, array, n * size);
	return grown;
}

static bool names_have(const struct policy_names *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (!strcmp(list->items[i], name))
			return true;
	return false;
}

void load_names(struct load *l, const json_t *value, const char *write, load_reader read,
		struct policy_names *list)
{
	size_t n = json_array_size(value);
	const char **items;

	if (!load_is_array(l, value, write))
		return;
	if (n > POLICY_NAMES_MAX - list->n) {
		load_error(l, NULL, "%zu strings; at most %d", list->n + n, POLICY_NAMES_MAX);
		return;
	}
	items = load_reserve(l, list->items, list->n, n, sizeof(*items));
	if (!items)
		return;
	list->items = items;
	for (size_t i = 0; i < n; i++) {
		size_t mark = load_enter_index(l, i);
		const char *text, *kept = NULL;

		if (load_string(l, json_array_get(value, i), &text))
			kept = read(l, text);
		if (kept && !names_have(list, kept))
			items[list->n++] = kept;
		load_leave(l, mark);
	}
}
