// SPDX-License-Identifier: Apache-2.0
/*
 * One table of the methods that pass. Everything a request can say beside the arguments
 * that the policy judges is a channel out of the jail: unknown members, free text for
 * people, _meta of the agent's own. So each method lists the members that the protocol
 * gives it, with their form and length, and whatever is not listed stays behind.
 *
 * Left out on purpose although the protocol knows them: the reason of a cancellation, the
 * message of a progress, a client's description, icons and website.
 */
#include "mcp/methods.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define VERSION_MAX   32 /* bytes of a protocol version */
#define LOG_LEVEL_MAX 16

enum member_shape {
	MEMBER_TEXT = 1, /* string of at most max bytes */
	MEMBER_TOKEN,    /* an id or progress token */
	MEMBER_NUMBER,
	MEMBER_OBJECT, /* any object; or one by the table in inner */
};

struct member_rule {
	const char *name; /* NULL ends a table */
	enum member_shape shape;
	size_t max;
	const struct member_rule *inner;
};

static const struct member_rule client_info[] = {
	{"name", MEMBER_TEXT, MCP_META_TEXT_MAX, NULL},
	{"title", MEMBER_TEXT, MCP_META_TEXT_MAX, NULL},
	{"version", MEMBER_TEXT, MCP_META_TEXT_MAX, NULL},
	{NULL, 0, 0, NULL},
};

static const struct member_rule meta_legacy[] = {
	{"progressToken", MEMBER_TOKEN, 0, NULL},
	{NULL, 0, 0, NULL},
};

static const struct member_rule meta_modern[] = {
	{"progressToken", MEMBER_TOKEN, 0, NULL},
	{MCP_META_VERSION, MEMBER_TEXT, VERSION_MAX, NULL},
	{MCP_META_CLIENT, MEMBER_OBJECT, 0, client_info},
	{MCP_META_CAPABILITIES, MEMBER_OBJECT, 0, NULL},
	{MCP_META_LOG_LEVEL, MEMBER_TEXT, LOG_LEVEL_MAX, NULL},
	{NULL, 0, 0, NULL},
};

static const struct member_rule initialize_params[] = {
	{"protocolVersion", MEMBER_TEXT, VERSION_MAX, NULL},
	{"capabilities", MEMBER_OBJECT, 0, NULL},
	{"clientInfo", MEMBER_OBJECT, 0, client_info},
	{"_meta", MEMBER_OBJECT, 0, NULL},
	{NULL, 0, 0, NULL},
};

static const struct member_rule meta_only[] = {
	{"_meta", MEMBER_OBJECT, 0, NULL},
	{NULL, 0, 0, NULL},
};

static const struct member_rule list_params[] = {
	{"cursor", MEMBER_TEXT, MCP_CURSOR_MAX, NULL},
	{"_meta", MEMBER_OBJECT, 0, NULL},
	{NULL, 0, 0, NULL},
};

static const struct member_rule call_params[] = {
	{"name", MEMBER_TEXT, MCP_TOOL_MAX, NULL},
	{"arguments", MEMBER_OBJECT, 0, NULL},
	{"_meta", MEMBER_OBJECT, 0, NULL},
	{NULL, 0, 0, NULL},
};

static const struct member_rule cancelled_params[] = {
	{"requestId", MEMBER_TOKEN, 0, NULL},
	{"_meta", MEMBER_OBJECT, 0, NULL},
	{NULL, 0, 0, NULL},
};

static const struct member_rule progress_params[] = {
	{"progressToken", MEMBER_TOKEN, 0, NULL},
	{"progress", MEMBER_NUMBER, 0, NULL},
	{"total", MEMBER_NUMBER, 0, NULL},
	{"_meta", MEMBER_OBJECT, 0, NULL},
	{NULL, 0, 0, NULL},
};

static const struct method {
	const char *name;
	enum mcp_route route;
	const struct member_rule *params;
} methods[] = {
	{"initialize", MCP_PASS, initialize_params},
	{"server/discover", MCP_PASS, meta_only},
	{"ping", MCP_PASS, meta_only},
	{"tools/list", MCP_FILTER_LIST, list_params},
	{"tools/call", MCP_JUDGE, call_params},
	{"notifications/initialized", MCP_PASS, meta_only},
	{"notifications/cancelled", MCP_PASS, cancelled_params},
	{"notifications/progress", MCP_PASS, progress_params},
	{"notifications/roots/list_changed", MCP_PASS, meta_only},
};

static const struct method *method_find(const struct mcp_message *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (!strcmp(methods[i].name, m->method))
			return &methods[i];
	return NULL;
}

enum mcp_route mcp_method_route(const struct mcp_message *m)
{
	const struct method *method = method_find(m);

	return method ? method->route : MCP_DENY;
}

bool methods_is_token(const json_t *value)
{
	if (json_is_string(value))
		return json_string_length(value) <= MCP_ID_MAX;
	return json_is_integer(value) && json_integer_value(value) <= MCP_INTEGER_MAX &&
	       json_integer_value(value) >= -MCP_INTEGER_MAX;
}

static int reduce(json_t *object, const struct member_rule *rules, const char **ret_member);

static bool has_shape(json_t *value, const struct member_rule *rule, const char **ret_member)
{
	*ret_member = rule->name;
	switch (rule->shape) {
	case MEMBER_TEXT:
		return json_is_string(value) && json_string_length(value) <= rule->max;
	case MEMBER_TOKEN:
		return methods_is_token(value);
	case MEMBER_NUMBER:
		return json_is_number(value);
	case MEMBER_OBJECT:
		if (!json_is_object(value))
			return false;
		return !rule->inner || !reduce(value, rule->inner, ret_member);
	}
	return false;
}

static const struct member_rule *rule_find(const struct member_rule *rules, const char *name)
{
	for (; rules->name; rules++)
		if (!strcmp(rules->name, name))
			return rules;
	return NULL;
}

static int reduce(json_t *object, const struct member_rule *rules, const char **ret_member)
{
	const char *key, *member;
	json_t *value;
	void *next;

	json_object_foreach_safe (object, next, key, value) {
		const struct member_rule *rule = rule_find(rules, key);

		if (!rule) {
			json_object_del(object, key);
		} else if (!has_shape(value, rule, &member)) {
			*ret_member = member;
			return -EINVAL;
		}
	}
	return 0;
}

int methods_reduce_params(const struct mcp_message *m, const char **ret_member)
{
	const struct method *method = method_find(m);
	const struct member_rule *meta_rules = m->era == ERA_MODERN ? meta_modern : meta_legacy;
	json_t *meta;
	int r;

	if (!method || !m->params)
		return 0;
	r = reduce(m->params, method->params, ret_member);
	if (r)
		return r;
	meta = json_object_get(m->params, "_meta");
	return meta ? reduce(meta, meta_rules, ret_member) : 0;
}

void mcp_message_strip_capabilities(struct mcp_message *m)
{
	json_t *meta = json_object_get(m->params, "_meta");

	if (!strcmp(m->method, "initialize"))
		json_object_clear(json_object_get(m->params, "capabilities"));
	json_object_clear(json_object_get(meta, MCP_META_CAPABILITIES));
}
