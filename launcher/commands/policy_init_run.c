// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "commands/run_lookup.h"
#include "ledger/run_files.h"
#include "policy/json/json_auto.h"
#include "policy_init.h"
#include "state/places.h"

#define TOOLS_TEXT_MAX (8u << 20) /* bytes of tools.json */

void init_seen_free(struct init_seen *seen)
{
	for (size_t i = 0; i < seen->n_tools; i++) {
		struct init_tool *tool = &seen->tools[i];

		free(tool->server);
		free(tool->name);
		free(tool->times_ns);
		json_decref(tool->definition);
		json_decref(tool->ranges);
	}
	free(seen->tools);
	json_decref(seen->policy);
	json_decref(seen->egress);
	*seen = (struct init_seen){.tools = NULL};
}

struct init_tool *init_seen_tool(struct init_seen *seen, const char *server, const char *name)
{
	struct init_tool *grown;

	for (size_t i = 0; i < seen->n_tools; i++)
		if (!strcmp(seen->tools[i].name, name) && !strcmp(seen->tools[i].server, server))
			return &seen->tools[i];
	grown = reallocarray(seen->tools, seen->n_tools + 1, sizeof(*grown));
	if (!grown)
		return NULL;
	seen->tools = grown;
	grown += seen->n_tools;
	*grown = (struct init_tool){
		.server = strdup(server), .name = strdup(name), .ranges = json_object()};
	seen->n_tools++;
	return grown->server && grown->name && grown->ranges ? grown : NULL;
}

/* --- the ledger --------------------------------------------------------------------- */

static int note_time(struct init_tool *tool, const json_t *record)
{
	uint64_t *grown = tool->times_ns;

	/* Powers of two: a run may have many calls. */
	if (!(tool->n_times & (tool->n_times - 1)))
		grown = reallocarray(tool->times_ns, tool->n_times ? 2 * tool->n_times : 1,
				     sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	tool->times_ns = grown;
	grown[tool->n_times++] = (uint64_t)json_integer_value(json_object_get(record, "mono_ns"));
	return 0;
}

static int note_call(struct init_seen *seen, const json_t *record)
{
	const char *name = json_string_value(json_object_get(record, "tool"));
	const char *server = json_string_value(json_object_get(record, "server"));
	const char *verdict = json_string_value(json_object_get(record, "verdict"));
	const char *rule = json_string_value(json_object_get(record, "rule"));
	struct init_tool *tool;
	int r;

	if (!name || !*name || !server || !verdict)
		return 0;
	tool = init_seen_tool(seen, server, name);
	if (!tool)
		return -ENOMEM;
	if (strcmp(verdict, "allow")) {
		tool->denied++;
		snprintf(tool->denied_by, sizeof(tool->denied_by), "%s", rule ? rule : "/");
		return 0;
	}
	tool->calls++;
	r = note_time(tool, record);
	return r ? r : init_ranges_note(tool->ranges, json_object_get(record, "args"));
}

/* Which entry of the run's `egress` let something through. */
static int note_egress(struct init_seen *seen, const json_t *record)
{
	const char *rule = json_string_value(json_object_get(record, "rule"));
	char index[24];

	if (!rule || strncmp(rule, "/egress/", strlen("/egress/")))
		return 0;
	rule += strlen("/egress/");
	snprintf(index, sizeof(index), "%.*s", (int)strcspn(rule, "/"), rule);
	return json_object_set_new(seen->egress, index, json_null()) ? -ENOMEM : 0;
}

static int note_record(struct init_seen *seen, const json_t *record)
{
	const char *type = json_string_value(json_object_get(record, "type"));

	if (type && !strcmp(type, "call.decision"))
		return note_call(seen, record);
	if (type && !strcmp(type, "net.allowed"))
		return note_egress(seen, record);
	return 0;
}

static int read_ledger(int run_fd, struct init_seen *seen)
{
	FILE *file = run_ledger_open(run_fd);
	autofree char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	int r = 0;

	if (!file)
		return -errno;
	while (!r && (n = getline(&line, &cap, file)) > 0) {
		autojson json_t *record = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, NULL);

		/* A last line without its end is still being written. */
		if (record)
			r = note_record(seen, record);
	}
	fclose(file);
	return r;
}

/* --- beside it -------------------------------------------------------------------------- */

/* {server: [tool, …]}. A run that listed none has an empty one. */
static int read_tools(int run_fd, struct init_seen *seen)
{
	autobuf struct buf text = BUF_INIT(TOOLS_TEXT_MAX);
	autojson json_t *root = NULL;
	const json_t *list, *definition;
	const char *server;
	size_t i;
	int r = run_file_read(run_fd, "tools.json", &text);

	if (r)
		return r == -ENOENT ? 0 : r;
	root = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL, NULL);
	json_object_foreach (root, server, list)
		json_array_foreach (list, i, definition) {
			const char *name = json_string_value(json_object_get(definition, "name"));
			struct init_tool *tool = name ? init_seen_tool(seen, server, name) : NULL;

			if (name && !tool)
				return -ENOMEM;
			if (tool && !tool->definition)
				tool->definition = json_incref((json_t *)(uintptr_t)definition);
		}
	return 0;
}

/* What a person has said of a tool counts more than what its name does. */
static void take_classes(struct init_seen *seen)
{
	const json_t *tools = json_object_get(seen->policy, "tools");

	for (size_t i = 0; i < seen->n_tools; i++)
		seen->tools[i].class = json_string_value(
			json_object_get(json_object_get(tools, seen->tools[i].name), "class"));
}

static int read_policy(int run_fd, struct init_seen *seen)
{
	autobuf struct buf text = BUF_INIT(PLACES_POLICY_MAX);
	int r = run_file_read(run_fd, "policy.json", &text);

	if (r)
		return r == -ENOENT ? 0 : r;
	seen->policy = json_loadb((const char *)text.data, text.len, 0, NULL);
	return 0;
}

int init_from_run(const char *run, struct init_seen *ret, struct error *err)
{
	__attribute__((cleanup(init_seen_free))) struct init_seen seen = {.is_run = true};
	char path[PATH_MAX];
	autoclose int fd = -1;
	int r = run_lookup(run, path, &fd, err);

	if (r)
		return r;
	seen.egress = json_object();
	r = seen.egress ? read_ledger(fd, &seen) : -ENOMEM;
	if (!r)
		r = read_tools(fd, &seen);
	if (!r)
		r = read_policy(fd, &seen);
	if (r) {
		error_set(err, path, "name a run's directory or id; `mcpjail trace RUN` reads it",
			  "%s", strerror(-r));
		return r;
	}
	take_classes(&seen);
	*ret = seen;
	seen = (struct init_seen){.tools = NULL};
	return 0;
}
