// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_grants.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "policy/load/load_names.h"

#define GRANTS_MAX  1024
#define GRANT_BYTES 64 /* of a name; what --grant takes */
#define WRITE_TIME  "\"2026-12-31T23:59:59Z\""

/* Only as it is written back: no 31st of June, no other offset, no fractions. */
static bool time_parse(const char *text, int64_t *ret)
{
	struct tm tm = {0};
	char again[32];
	time_t at;

	if (!strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return false;
	at = timegm(&tm);
	if (!gmtime_r(&at, &tm) || !strftime(again, sizeof(again), "%Y-%m-%dT%H:%M:%SZ", &tm) ||
	    strcmp(again, text) != 0)
		return false;
	*ret = at;
	return true;
}

static void load_expires(struct load *l, const json_t *value, void *into)
{
	struct grant *grant = into;
	const char *text;

	if (load_string(l, value, &text) && !time_parse(text, &grant->expires_s))
		load_error(l, WRITE_TIME, "`%.60s` is no time in UTC", text);
}

static const char *load_name(struct load *l, const char *text)
{
	if (model_tool_name_is_sound(text))
		return load_keep(l, text);
	load_error(l, "1 to 64 of A-Z a-z 0-9 _ . -", "no tool or server can have the name `%.60s`",
		   text);
	return NULL;
}

static void load_tools(struct load *l, const json_t *value, void *into)
{
	struct grant *grant = into;

	grant->lists_tools = true;
	load_names(l, value, "[\"get_quote\"]", load_name, &grant->tools);
}

static void load_servers(struct load *l, const json_t *value, void *into)
{
	struct grant *grant = into;

	grant->lists_servers = true;
	load_names(l, value, "[\"fax\"]", load_name, &grant->servers);
}

static const struct load_key grant_keys[] = {
	{"tools", load_tools, false},
	{"servers", load_servers, false},
	{"expires", load_expires, false},
	{"limits", NULL, false},
};

static const struct load_keys grant_table = {
	.owner = "a grant",
	.write = "{\"tools\":[\"get_quote\"],\"expires\":" WRITE_TIME "}",
	.keys = grant_keys,
	.n = ARRAY_SIZE(grant_keys),
};

static void load_grant(struct load *l, const char *name, const json_t *value, struct grant *ret)
{
	static const char accepted[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789._@-";
	size_t n = strspn(name, accepted);

	if (!n || n > GRANT_BYTES || name[n])
		load_error_key(l, "1 to 64 of A-Z a-z 0-9 . _ @ -",
			       "`%.60s` is no name for a grant", name);
	*ret = (struct grant){
		.name = load_keep(l, name),
		.pointer = load_keep(l, l->pointer),
		.expires_s = INT64_MAX,
	};
	load_object(l, value, &grant_table, ret);
}

void load_grants(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;
	json_t *object = (json_t *)(uintptr_t)value; /* jansson's iterators only read it */
	size_t n = json_object_size(value);

	policy->has_grants = true;
	if (!load_is_object(l, value, "{\"ci\":{\"tools\":[\"get_quote\"]}}"))
		return;
	if (n > GRANTS_MAX) {
		load_error(l, NULL, "%zu grants; at most %d", n, GRANTS_MAX);
		return;
	}
	policy->grants = load_reserve(l, NULL, 0, n, sizeof(*policy->grants));
	for (void *i = policy->grants ? json_object_iter(object) : NULL; i;
	     i = json_object_iter_next(object, i)) {
		size_t mark = load_enter(l, json_object_iter_key(i));

		load_grant(l, json_object_iter_key(i), json_object_iter_value(i),
			   &policy->grants[policy->n_grants++]);
		load_leave(l, mark);
	}
}

/* --- when all has been read ------------------------------------------------- */

static bool has_server(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_servers; i++)
		if (policy->servers[i].server.name && !strcmp(policy->servers[i].server.name, name))
			return true;
	return false;
}

static bool has_tool(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_servers; i++)
		if (model_find_tool(&policy->servers[i], name))
			return true;
	return policy->default_allows;
}

static void check_names(struct load *l, const char *key, const struct policy_names *names,
			bool (*has)(const struct policy *policy, const char *name))
{
	size_t mark = load_enter(l, key);

	for (size_t i = 0; i < names->n; i++)
		if (!has(l->policy, names->items[i]))
			load_error(l, "a grant only takes away: it names what the policy has",
				   "the policy has no `%s`", names->items[i]);
	load_leave(l, mark);
}

void load_check_grants(struct load *l)
{
	const struct policy *policy = l->policy;
	size_t mark = load_enter(l, "grants");

	for (size_t i = 0; i < policy->n_grants; i++) {
		const struct grant *grant = &policy->grants[i];
		size_t within = load_enter(l, grant->name);

		check_names(l, "servers", &grant->servers, has_server);
		check_names(l, "tools", &grant->tools, has_tool);
		load_leave(l, within);
	}
	load_leave(l, mark);
}
