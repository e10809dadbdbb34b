// SPDX-License-Identifier: Apache-2.0
/*
 * A tool's state is what the stages before its conditions make of every call: denied, asked
 * about, or allowed. Where that stays, its rules are compared one by one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/json/json_auto.h"
#include "policy_diff_rules.h"

#define POINTER_BYTES 512

enum state { STATE_DENIED = 0, STATE_ASKS, STATE_ALLOWED };

/* What becomes of a tool, and by which rule. */
struct fate {
	enum state state;
	char rule[POINTER_BYTES];
};

/* --- what becomes of a tool ----------------------------------------------------- */

static bool list_has(const json_t *list, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (json_is_string(item) && !strcmp(json_string_value(item), name))
			return true;
	return false;
}

static const json_t *tool_rule(const struct tool_scope *s, const char *tool)
{
	return tool ? json_object_get(json_object_get(s->scope, "tools"), tool) : NULL;
}

static bool rule_denies(const json_t *rule)
{
	const char *action = json_string_value(json_object_get(rule, "action"));

	return action && !strcmp(action, "deny");
}

static bool rule_asks(const json_t *rule)
{
	const char *action = json_string_value(json_object_get(rule, "action"));

	return (action && !strcmp(action, "require_approval")) ||
	       json_is_true(json_object_get(json_object_get(rule, "approval"), "required"));
}

/* @tool: NULL: any that is not listed */
static struct fate fate_of(const struct tool_scope *s, const char *tool)
{
	const json_t *rule = tool_rule(s, tool), *all = json_object_get(s->scope, "all_tools");
	const json_t *hide = json_object_get(s->scope, "hide");
	const char *otherwise = json_string_value(json_object_get(s->root, "default"));
	struct fate f = {.state = STATE_DENIED};

	if (rule)
		diff_pointer(s->pointer, "tools", tool, f.rule, sizeof(f.rule));
	else
		snprintf(f.rule, sizeof(f.rule), "/default");
	if (!s->scope) {
		snprintf(f.rule, sizeof(f.rule), "/servers");
	} else if (list_has(hide, "*") || (tool && list_has(hide, tool))) {
		snprintf(f.rule, sizeof(f.rule), "%s/hide", s->pointer);
	} else if (!rule && (!otherwise || strcmp(otherwise, "allow"))) {
		return f;
	} else if (rule_denies(rule)) {
		strncat(f.rule, "/action", sizeof(f.rule) - strlen(f.rule) - 1);
	} else if (rule_denies(all)) {
		snprintf(f.rule, sizeof(f.rule), "%s/all_tools/action", s->pointer);
	} else {
		f.state = rule_asks(rule) || rule_asks(all) ? STATE_ASKS : STATE_ALLOWED;
	}
	return f;
}

/* --- one tool --------------------------------------------------------------------- */

static void tell_change(struct findings *f, const char *tool, const struct fate *from,
			const struct fate *to, const json_t *rule)
{
	static const char *const words[] = {[STATE_DENIED] = "denied",
					    [STATE_ASKS] = "allowed with a person's approval",
					    [STATE_ALLOWED] = "allowed"};
	autofree char *conditions = to->state == STATE_DENIED ? NULL : diff_conditions(rule);

	finding_add(f, to->state > from->state ? EFFECT_ALLOWED : EFFECT_DENIED, tool, to->rule,
		    "%s%s%s was %s by %s and is now %s%s%s", tool ? "tool `" : "every tool that is",
		    tool ? tool : " not listed", tool ? "`" : "", words[from->state], from->rule,
		    words[to->state], conditions && *conditions ? ": " : "",
		    conditions ? conditions : "");
}

static void diff_tool(struct findings *f, const char *tool, const struct tool_scope *old,
		      const struct tool_scope *new)
{
	const struct fate from = fate_of(old, tool), to = fate_of(new, tool);
	char pointer[POINTER_BYTES];

	if (from.state != to.state)
		tell_change(f, tool, &from, &to, tool_rule(new, tool));
	/* What bounds a tool that was denied has been told with it. */
	if (!tool || from.state == STATE_DENIED || to.state == STATE_DENIED)
		return;
	diff_pointer(new->pointer, "tools", tool, pointer, sizeof(pointer));
	diff_rule(f, &(struct rule_place){"tool", tool, pointer}, tool_rule(old, tool),
		  tool_rule(new, tool));
}

/* Names that either of them says something about, in the order of the new one. */
static json_t *names_of(struct findings *f, const json_t *old, const json_t *new)
{
	const json_t *scopes[] = {new, old}, *value;
	json_t *names = json_object();
	const char *name;
	size_t i;

	for (size_t s = 0; s < ARRAY_SIZE(scopes); s++) {
		json_object_foreach ((json_t *)(uintptr_t)json_object_get(scopes[s], "tools"), name,
				     value)
			f->is_incomplete |= json_object_set_new(names, name, json_null());
		json_array_foreach (json_object_get(scopes[s], "hide"), i, value)
			if (json_is_string(value) && strcmp(json_string_value(value), "*"))
				f->is_incomplete |= json_object_set_new(
					names, json_string_value(value), json_null());
	}
	f->is_incomplete |= !names;
	return names;
}

void diff_tools(struct findings *f, const struct tool_scope *old, const struct tool_scope *new)
{
	autojson json_t *names = names_of(f, old->scope, new->scope);
	char pointer[POINTER_BYTES];
	const json_t *value;
	const char *name;

	json_object_foreach (names, name, value)
		diff_tool(f, name, old, new);
	diff_tool(f, NULL, old, new);
	snprintf(pointer, sizeof(pointer), "%s/all_tools", new->pointer);
	if (old->scope && new->scope)
		diff_rule(f, &(struct rule_place){"every tool", NULL, pointer},
			  json_object_get(old->scope, "all_tools"),
			  json_object_get(new->scope, "all_tools"));
}

void diff_rule_map(struct findings *f, const char *what, const char *pointer, const json_t *old,
		   const json_t *new)
{
	const json_t *maps[] = {new, old}, *value;
	autojson json_t *names = json_object();
	const char *name;

	f->is_incomplete |= !names;
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		json_object_foreach ((json_t *)(uintptr_t)maps[i], name, value)
			f->is_incomplete |= json_object_set_new(names, name, json_null());
	json_object_foreach (names, name, value) {
		const json_t *from = json_object_get(old, name), *to = json_object_get(new, name);
		bool passed = from && !rule_denies(from), passes = to && !rule_denies(to);
		char rule[POINTER_BYTES];

		diff_pointer("", pointer + 1, name, rule, sizeof(rule));
		if (passed != passes)
			finding_add(f, passes ? EFFECT_ALLOWED : EFFECT_DENIED, NULL, rule,
				    "%s `%s` was %s and is now %s", what, name,
				    passed ? "allowed" : "denied", passes ? "allowed" : "denied");
		else if (passed)
			diff_rule(f, &(struct rule_place){what, name, rule}, from, to);
	}
}
