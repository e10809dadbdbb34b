// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy_init.h"
#include "server_session.h"

int init_from_server(const char *url, const struct run_options *options, struct init_seen *ret,
		     struct error *err)
{
	__attribute__((cleanup(init_seen_free))) struct init_seen seen = {.is_run = false};
	struct server_tools listed = {.list = NULL};
	const json_t *definition;
	size_t i;
	int r = server_list_tools(url, options, &listed, err);
	autojson json_t *tools = listed.list;

	json_array_foreach (tools, i, definition) {
		const char *name = json_string_value(json_object_get(definition, "name"));
		struct init_tool *tool = name ? init_seen_tool(&seen, listed.url, name) : NULL;

		if (name && !tool)
			return -ENOMEM;
		/* Of two of one name the first counts; the proxy lets none of them be called. */
		if (tool && !tool->definition)
			tool->definition = json_incref((json_t *)(uintptr_t)definition);
	}
	if (r)
		return r;
	*ret = seen;
	seen = (struct init_seen){.tools = NULL};
	return 0;
}
