// SPDX-License-Identifier: Apache-2.0
#include "mcp/tools.h"

#include <errno.h>

#include "mcp/json.h"

/* The name of a definition that can be shown at all, else NULL. */
static const char *usable_name(const json_t *tool)
{
	const json_t *name = json_object_get(tool, "name");

	if (!json_is_string(name) || !mcp_json_keys_are_distinct(tool))
		return NULL;
	if (!mcp_tool_name_is_valid(json_string_value(name), json_string_length(name)))
		return NULL;
	return json_string_value(name);
}

/* How often each name occurs, as an object of integers; a definition that can not be shown counts.
 */
static json_t *count_names(const json_t *tools)
{
	json_t *counts = json_object();
	size_t i;
	json_t *tool;

	json_array_foreach (tools, i, tool) {
		const char *name = json_string_value(json_object_get(tool, "name"));
		json_int_t before;

		if (!name)
			continue;
		before = json_integer_value(json_object_get(counts, name));
		if (json_object_set_new(counts, name, json_integer(before + 1))) {
			json_decref(counts);
			return NULL;
		}
	}
	return counts;
}

static bool is_shown(const struct mcp_response_rules *rules, const json_t *counts,
		     const json_t *tool)
{
	const char *name = usable_name(tool);

	if (!name || json_integer_value(json_object_get(counts, name)) != 1)
		return false;
	return rules->tool_is_visible && rules->tool_is_visible(rules->arg, name);
}

int tools_filter(const json_t *tools, const struct mcp_response_rules *rules, json_t **ret_shown,
		 unsigned *ret_hidden)
{
	json_auto_t *counts = NULL, *shown = NULL;
	unsigned hidden = 0;
	size_t i;
	json_t *tool;

	if (!json_is_array(tools))
		return -EINVAL;
	counts = count_names(tools);
	shown = json_array();
	if (!counts || !shown)
		return -ENOMEM;
	json_array_foreach (tools, i, tool) {
		if (!is_shown(rules, counts, tool))
			hidden++;
		else if (json_array_append(shown, tool))
			return -ENOMEM;
	}
	*ret_shown = json_incref(shown);
	*ret_hidden = hidden;
	return 0;
}
