// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "policy/json/json_auto.h"
#include "policy_findings.h"
#include "policy_parts.h"

static const struct {
	const char *name, *title;
} effects[EFFECTS] = {
	[EFFECT_ALLOWED] = {"allowed", "What was denied is allowed:"},
	[EFFECT_DENIED] = {"denied", "What was allowed is denied, or needs a person:"},
	[EFFECT_WIDER] = {"wider", "More passes:"},
	[EFFECT_NARROWER] = {"narrower", "Less passes:"},
	[EFFECT_OTHER] = {"other", "Changed besides:"},
};

void finding_add(struct findings *f, enum effect effect, const char *tool, const char *rule,
		 const char *format, ...)
{
	autofree char *text = NULL, *whole = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	if (n < 0 || asprintf(&whole, "%s%s", f->context, text) < 0)
		whole = NULL;
	f->is_incomplete |=
		!whole ||
		json_array_append_new(f->list, json_pack("{s:s, s:s?, s:s, s:s}", "effect",
							 effects[effect].name, "tool", tool, "rule",
							 rule[0] ? rule : "/", "text", whole));
}

char *json_text(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	return text ? text : strdup("?");
}

/* --- report --------------------------------------------------------------------- */

static void print_effect(const struct findings *f, enum effect effect)
{
	bool has_title = false;
	const json_t *finding;
	size_t i;

	json_array_foreach (f->list, i, finding) {
		if (strcmp(json_string_value(json_object_get(finding, "effect")),
			   effects[effect].name))
			continue;
		if (!has_title)
			puts(effects[effect].title);
		has_title = true;
		policy_print_line("  %s (%s)", json_string_value(json_object_get(finding, "text")),
				  json_string_value(json_object_get(finding, "rule")));
	}
}

static int tell(const struct findings *f, const char *old, const char *new, bool as_json)
{
	size_t n = json_array_size(f->list);
	autojson json_t *report = as_json ? json_pack("{s:s, s:s, s:b, s:O}", "old", old, "new",
						      new, "same", !n, "differences", f->list)
					  : NULL;

	if (as_json)
		return policy_print_json(report);
	for (int effect = 0; effect < EFFECTS; effect++)
		print_effect(f, (enum effect)effect);
	if (!n)
		policy_print_line("%s and %s allow and deny the same", old, new);
	return 0;
}

/* --- the comparison ----------------------------------------------------------------- */

/* Each of `servers` has tools of its own. */
static void diff_servers(struct findings *f, const json_t *old, const json_t *new)
{
	const json_t *a = json_object_get(old, "servers"), *b = json_object_get(new, "servers");
	autojson json_t *names = json_object();
	const json_t *value;
	const char *name;

	/* jansson keeps the order in which they were put. */
	f->is_incomplete |= !names || (a && json_object_update(names, (json_t *)(uintptr_t)a)) ||
			    (b && json_object_update(names, (json_t *)(uintptr_t)b));
	json_object_foreach (names, name, value) {
		autofree char *pointer = NULL, *context = NULL;
		struct tool_scope from = {old, json_object_get(a, name), ""};
		struct tool_scope to = {new, json_object_get(b, name), ""};

		if (json_equal(from.scope, to.scope))
			continue;
		if (asprintf(&pointer, "/servers/%s", name) < 0)
			pointer = NULL;
		if (asprintf(&context, "server `%s`: ", name) < 0)
			context = NULL;
		if (!pointer || !context) {
			f->is_incomplete = true;
			return;
		}
		from.pointer = to.pointer = pointer;
		f->context = context;
		diff_tools(f, &from, &to);
		f->context = "";
	}
}

static void diff_policies(struct findings *f, const json_t *old, const json_t *new)
{
	/* With a map of servers the policy itself has no tools. */
	const struct tool_scope from = {old, json_object_get(old, "servers") ? NULL : old, ""};
	const struct tool_scope to = {new, json_object_get(new, "servers") ? NULL : new, ""};
	static const struct {
		const char *key, *what;
	} maps[] = {{"resources", "the resource"},
		    {"prompts", "the prompt"},
		    {"completions", "completions of"}};

	if (from.scope || to.scope)
		diff_tools(f, &from, &to);
	diff_servers(f, old, new);
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		char pointer[32];

		snprintf(pointer, sizeof(pointer), "/%s", maps[i].key);
		diff_rule_map(f, maps[i].what, pointer, json_object_get(old, maps[i].key),
			      json_object_get(new, maps[i].key));
	}
	diff_other_keys(f, old, new);
}

int policy_diff(char **arguments)
{
	autopolicytext struct policy_text a = {.policy = NULL}, b = {.policy = NULL};
	autojson json_t *old = NULL, *new = NULL, *list = json_array();
	struct findings f = {.list = list, .context = ""};
	bool as_json = false;
	const char *files[2] = {NULL, NULL};
	const struct policy_option options[] = {{"--json", NULL, &as_json}};
	const struct policy_syntax syntax = {
		.usage = "policy diff [--json] OLD NEW",
		.options = options,
		.n_options = 1,
		.files = files,
		.files_min = 2,
		.files_max = 2,
	};
	int r = policy_read_arguments(&syntax, arguments);

	/* What does not load means nothing, so nothing can be said about it: trouble, as diff(1)'s.
	 */
	if (r || policy_text_load(files[0], &a) || policy_text_load(files[1], &b))
		return POLICY_EXIT_CANNOT;
	old = policy_text_json(&a);
	new = policy_text_json(&b);
	if (list && old && new)
		diff_policies(&f, old, new);
	if (!list || !old || !new || f.is_incomplete) {
		log_error("policy diff: out of memory");
		return POLICY_EXIT_CANNOT;
	}
	r = tell(&f, a.name, b.name, as_json);
	return r ? r : json_array_size(list) ? POLICY_EXIT_WRONG : 0;
}
