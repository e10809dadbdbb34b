// SPDX-License-Identifier: Apache-2.0
/*
 * Servers, and the rules of their tools: one server by the keys of the top level, or several by
 * `servers`, each with such keys of its own.
 */
#include "policy/load/load_servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/load/load_rule.h"
#include "policy/server_url.h"

#define SERVER_DEFAULT_URL "https://promptfax.app/mcp"

/* --- where a server is ------------------------------------------------------ */

static void server_set(struct load *l, struct policy_server *server, const struct server_url *url)
{
	*server = (struct policy_server){
		.name = server->name,
		.url = load_keep(l, url->url),
		.host = load_keep(l, url->host),
		.port = url->port,
		.path = load_keep(l, url->path),
	};
}

static void load_url(struct load *l, const json_t *value, void *into)
{
	struct governed *governed = into;
	const char *text, *what, *mend;
	struct server_url url;

	if (!load_string(l, value, &text))
		return;
	if (server_url_parse(text, &url, &what, &mend))
		load_error(l, mend, "%s", what);
	else
		server_set(l, &governed->server, &url);
}

static const struct load_key server_keys[] = {
	{"url", load_url, true},
	{"pin", NULL, false},
	{"headers", NULL, false},
	{"credentials", NULL, false},
};

static const struct load_keys server_table = {
	.owner = "a server",
	.write = "{\"url\":\"" SERVER_DEFAULT_URL "\"}",
	.keys = server_keys,
	.n = ARRAY_SIZE(server_keys),
};

void load_server(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_object(l, value, &server_table, &policy->single);
}

static void load_default_server(struct load *l)
{
	struct server_url url;
	const char *what, *mend;

	if (!server_url_parse(SERVER_DEFAULT_URL, &url, &what, &mend))
		server_set(l, &l->policy->single.server, &url);
}

/* --- tools ------------------------------------------------------------------ */

static void load_check_tool_name(struct load *l, const char *name)
{
	if (model_tool_name_is_sound(name))
		return;
	if (!strcmp(name, "*"))
		load_error_key(l, "write what applies to every tool under `all_tools`",
			       "`*` is no tool's name");
	else
		load_error_key(l, "1 to 64 of A-Z a-z 0-9 _ . -",
			       "no tool can have the name `%.60s`", name);
}

static void load_its_tools(struct load *l, const json_t *value, void *into)
{
	struct governed *governed = into;
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	size_t n = json_object_size(value);

	if (!load_is_object(l, value, "{\"start_session\":{},\"get_quote\":{}}"))
		return;
	if (n > POLICY_TOOLS_MAX) {
		load_error(l, NULL, "%zu tools; at most %d", n, POLICY_TOOLS_MAX);
		return;
	}
	governed->tools = load_allocate(l, n, sizeof(*governed->tools));
	if (!governed->tools)
		return;
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		size_t mark = load_enter(l, json_object_iter_key(i));

		const char *name = load_keep(l, json_object_iter_key(i));

		/* Also under a name that cannot be: its rule may have errors of its own. */
		load_check_tool_name(l, json_object_iter_key(i));
		if (name)
			load_rule(l, json_object_iter_value(i), name,
				  &governed->tools[governed->n_tools++]);
		load_leave(l, mark);
	}
}

static int compare_rules(const void *a, const void *b)
{
	const struct rule *first = a, *second = b;

	return strcmp(first->name, second->name);
}

static void load_its_all_tools(struct load *l, const json_t *value, void *into)
{
	struct governed *governed = into;

	load_rule(l, value, NULL, &governed->all_tools);
}

static void load_hidden_name(struct load *l, const json_t *value, struct governed *governed)
{
	const char *name;

	if (!load_string(l, value, &name))
		return;
	if (!strcmp(name, "*"))
		governed->hides_all = true;
	else if (!model_tool_name_is_sound(name))
		load_error(l, "1 to 64 of A-Z a-z 0-9 _ . -, or `*` alone for every tool",
			   "no tool can have the name `%.60s`", name);
	else
		governed->hide[governed->n_hide++] = load_keep(l, name);
}

static void load_its_hide(struct load *l, const json_t *value, void *into)
{
	struct governed *governed = into;
	size_t n = json_array_size(value);

	if (json_is_string(value) && !strcmp(json_string_value(value), "*")) {
		governed->hides_all = true;
		return;
	}
	if (!load_is_array(l, value, "[\"send_fax\"], or [\"*\"] for every tool"))
		return;
	if (n > POLICY_HIDE_MAX) {
		load_error(l, NULL, "%zu names; at most %d", n, POLICY_HIDE_MAX);
		return;
	}
	governed->hide = load_allocate(l, n, sizeof(*governed->hide));
	for (size_t i = 0; governed->hide && i < n; i++) {
		size_t mark = load_enter_index(l, i);

		load_hidden_name(l, json_array_get(value, i), governed);
		load_leave(l, mark);
	}
}

void load_tools(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_its_tools(l, value, &policy->single);
}

void load_all_tools(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_its_all_tools(l, value, &policy->single);
}

void load_hide(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_its_hide(l, value, &policy->single);
}

/* --- servers ---------------------------------------------------------------- */

static const struct load_key governed_keys[] = {
	{"url", load_url, true},        {"tools", load_its_tools, false},
	{"hide", load_its_hide, false}, {"all_tools", load_its_all_tools, false},
	{"pin", NULL, false},           {"headers", NULL, false},
	{"credentials", NULL, false},
};

static const struct load_keys governed_table = {
	.owner = "an entry of `servers`",
	.write = "{\"url\":\"" SERVER_DEFAULT_URL "\",\"tools\":{\"start_session\":{}}}",
	.keys = governed_keys,
	.n = ARRAY_SIZE(governed_keys),
};

static void load_entry(struct load *l, const char *name, const json_t *value,
		       struct governed *governed)
{
	/* What a tool may be called, a server may. */
	if (!model_tool_name_is_sound(name))
		load_error_key(l, "1 to 64 of A-Z a-z 0-9 _ . -", "`%.60s` is no name for a server",
			       name);
	governed->pointer = load_keep(l, l->pointer);
	governed->server.name = load_keep(l, name);
	governed->all_tools.action = ACTION_ALLOW;
	load_object(l, value, &governed_table, governed);
}

void load_servers(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	size_t n = json_object_size(value);

	if (!load_is_object(l, value, "{\"fax\":{\"url\":\"" SERVER_DEFAULT_URL "\"}}"))
		return;
	if (!n || n > POLICY_SERVERS_MAX) {
		load_error(l, "{\"fax\":{\"url\":\"" SERVER_DEFAULT_URL "\"}}",
			   "%zu servers; 1 to %d", n, POLICY_SERVERS_MAX);
		return;
	}
	policy->servers = load_allocate(l, n, sizeof(*policy->servers));
	for (void *i = policy->servers ? json_object_iter(object) : NULL; i;
	     i = json_object_iter_next(object, i)) {
		size_t mark = load_enter(l, json_object_iter_key(i));

		load_entry(l, json_object_iter_key(i), json_object_iter_value(i),
			   &policy->servers[policy->n_servers++]);
		load_leave(l, mark);
	}
}

/* --- when all has been read ------------------------------------------------- */

static void sort_tools(struct governed *governed)
{
	if (governed->n_tools)
		qsort(governed->tools, governed->n_tools, sizeof(*governed->tools), compare_rules);
}

/* The keys of the top level speak of the one server that `servers` is instead of. */
static void check_top_level(struct load *l)
{
	const struct governed *single = &l->policy->single;
	const struct {
		const char *key;
		bool is_there;
	} keys[] = {
		{"server", single->server.url},
		{"tools", single->tools},
		{"hide", single->hide || single->hides_all},
		{"all_tools", single->all_tools.pointer},
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t mark = load_enter(l, keys[i].key);

		if (keys[i].is_there)
			load_error_key(l, "write it in /servers/NAME",
				       "with `servers`, each server has its own");
		load_leave(l, mark);
	}
}

static void check_urls(struct load *l)
{
	const struct policy *policy = l->policy;
	size_t mark = load_enter(l, "servers");

	for (size_t i = 1; i < policy->n_servers; i++) {
		const struct policy_server *server = &policy->servers[i].server;

		for (size_t k = 0; k < i && server->url; k++) {
			const struct policy_server *other = &policy->servers[k].server;
			size_t within;

			if (!other->url || strcmp(other->url, server->url) != 0)
				continue;
			within = load_enter(l, server->name);
			load_enter(l, "url");
			load_error(l, "leave one of them out", "`%s` has the same url",
				   other->name);
			load_leave(l, within);
		}
	}
	load_leave(l, mark);
}

void load_check_servers(struct load *l)
{
	struct policy *policy = l->policy;

	sort_tools(&policy->single);
	if (policy->servers) {
		check_top_level(l);
		check_urls(l);
		for (size_t i = 0; i < policy->n_servers; i++)
			sort_tools(&policy->servers[i]);
		return;
	}
	if (!policy->single.server.url)
		load_default_server(l);
	policy->servers = &policy->single;
	policy->n_servers = 1;
}
