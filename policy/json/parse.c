// SPDX-License-Identifier: Apache-2.0
/*
 * The top level of a policy, its server and its tools; and what ends a load: the checks of
 * what holds between parts. A policy comes out only if no step found a problem.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/crypto.h"
#include "policy/load/load.h"
#include "policy/load/load_egress.h"
#include "policy/load/load_jail.h"
#include "policy/load/load_limits.h"
#include "policy/load/load_presets.h"
#include "policy/load/load_rule.h"
#include "policy/load/load_surroundings.h"
#include "policy/server_url.h"

#define SERVER_DEFAULT_URL "https://promptfax.app/mcp"

static const struct load_word versions[] = {{"1", 1}};
static const struct load_word defaults[] = {{"deny", 0}, {"allow", 1}};
static const struct load_word modes[] = {{"enforce", 1}, {"observe", WORD_UNSUPPORTED}};

static void load_version(struct load *l, const json_t *value, void *into)
{
	int version;

	(void)into;
	load_word(l, value, LOAD_WORDS(versions), &version);
}

static void load_default(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;
	int allows;

	if (load_word(l, value, LOAD_WORDS(defaults), &allows))
		policy->default_allows = allows;
}

static void load_mode(struct load *l, const json_t *value, void *into)
{
	int mode;

	(void)into;
	load_word(l, value, LOAD_WORDS(modes), &mode);
}

/* Other stores than the local one belong to the language, and are URLs. */
static void load_state(struct load *l, const json_t *value, void *into)
{
	const char *store;

	(void)into;
	if (!load_string(l, value, &store) || !strcmp(store, "local"))
		return;
	if (strchr(store, ':'))
		load_error(l, "\"local\"", "a shared store is not supported by this version yet");
	else
		load_error(l, "\"local\"", "unknown store `%.60s`", store);
}

/* --- server ----------------------------------------------------------------- */

static void server_set(struct load *l, struct policy_server *server, const struct server_url *url)
{
	*server = (struct policy_server){
		.url = load_keep(l, url->url),
		.host = load_keep(l, url->host),
		.port = url->port,
		.path = load_keep(l, url->path),
	};
}

static void load_url(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;
	const char *text, *what, *mend;
	struct server_url url;

	if (!load_string(l, value, &text))
		return;
	if (server_url_parse(text, &url, &what, &mend))
		load_error(l, mend, "%s", what);
	else
		server_set(l, &policy->server, &url);
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

static void load_server(struct load *l, const json_t *value, void *into)
{
	load_object(l, value, &server_table, into);
}

static void load_default_server(struct load *l)
{
	struct server_url url;
	const char *what, *mend;

	if (!server_url_parse(SERVER_DEFAULT_URL, &url, &what, &mend))
		server_set(l, &l->policy->server, &url);
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

static void load_tools(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	size_t n = json_object_size(value);

	if (!load_is_object(l, value, "{\"start_session\":{},\"get_quote\":{}}"))
		return;
	if (n > POLICY_TOOLS_MAX) {
		load_error(l, NULL, "%zu tools; at most %d", n, POLICY_TOOLS_MAX);
		return;
	}
	policy->tools = load_allocate(l, n, sizeof(*policy->tools));
	if (!policy->tools)
		return;
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		size_t mark = load_enter(l, json_object_iter_key(i));

		const char *name = load_keep(l, json_object_iter_key(i));

		/* Also under a name that cannot be: its rule may have errors of its own. */
		load_check_tool_name(l, json_object_iter_key(i));
		if (name)
			load_rule(l, json_object_iter_value(i), name,
				  &policy->tools[policy->n_tools++]);
		load_leave(l, mark);
	}
}

static int compare_rules(const void *a, const void *b)
{
	const struct rule *first = a, *second = b;

	return strcmp(first->name, second->name);
}

static void load_all_tools(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_rule(l, value, NULL, &policy->all_tools);
}

static void load_hidden_name(struct load *l, const json_t *value, struct policy *policy)
{
	const char *name;

	if (!load_string(l, value, &name))
		return;
	if (!strcmp(name, "*"))
		policy->hides_all = true;
	else if (!model_tool_name_is_sound(name))
		load_error(l, "1 to 64 of A-Z a-z 0-9 _ . -, or `*` alone for every tool",
			   "no tool can have the name `%.60s`", name);
	else
		policy->hide[policy->n_hide++] = load_keep(l, name);
}

static void load_hide(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;
	size_t n = json_array_size(value);

	if (json_is_string(value) && !strcmp(json_string_value(value), "*")) {
		policy->hides_all = true;
		return;
	}
	if (!load_is_array(l, value, "[\"send_fax\"], or [\"*\"] for every tool"))
		return;
	if (n > POLICY_HIDE_MAX) {
		load_error(l, NULL, "%zu names; at most %d", n, POLICY_HIDE_MAX);
		return;
	}
	policy->hide = load_allocate(l, n, sizeof(*policy->hide));
	for (size_t i = 0; policy->hide && i < n; i++) {
		size_t mark = load_enter_index(l, i);

		load_hidden_name(l, json_array_get(value, i), policy);
		load_leave(l, mark);
	}
}

/* --- the top level ---------------------------------------------------------- */

static const struct load_key policy_keys[] = {
	{"version", load_version, false},
	{"default", load_default, false},
	{"mode", load_mode, false},
	{"server", load_server, false},
	{"tools", load_tools, false},
	{"hide", load_hide, false},
	{"all_tools", load_all_tools, false},
	{"state", load_state, false},
	{"egress", load_egress, false},
	{"environment", load_environment, false},
	{"filesystem", load_filesystem, false},
	{"sockets", load_sockets, false},
	{"jail", load_jail, false},
	{"servers", NULL, false},
	{"resources", NULL, false},
	{"prompts", NULL, false},
	{"completions", NULL, false},
	{"server_requests", NULL, false},
	{"grants", NULL, false},
	{"tests", NULL, false},
};

static const struct load_keys policy_table = {
	.owner = "a policy",
	.write = "{\"version\":\"1\",\"default\":\"deny\",\"tools\":{\"start_session\":{}}}",
	.keys = policy_keys,
	.n = ARRAY_SIZE(policy_keys),
};

static void parse_text(struct load *l)
{
	load_text(l, &policy_table, l->policy);
	if (l->policy->n_tools)
		qsort(l->policy->tools, l->policy->n_tools, sizeof(*l->policy->tools),
		      compare_rules);
	load_check_limits(l);
	if (!l->policy->server.url)
		load_default_server(l);
	/* The policy's own word on a variable goes before a preset's, so presets come last. */
	load_presets(l);
	load_check_egress(l);
}

int policy_parse(const char *text, size_t n, const char *name, struct policy **ret,
		 struct policy_errors *errors)
{
	autopolicy struct policy *policy = calloc(1, sizeof(*policy));
	struct load l = {.text = text, .n = n, .name = name, .policy = policy, .errors = errors};

	if (!policy)
		return -ENOMEM;
	policy->all_tools.action = ACTION_ALLOW;
	parse_text(&l);
	if (l.is_out_of_memory)
		return -ENOMEM;
	if (l.has_errors)
		return -EINVAL;
	crypto_sha256(text, n, policy->sha256);
	*ret = ptr_take(&policy);
	return 0;
}
