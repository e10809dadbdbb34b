// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_stateful.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/load/load_limits.h"
#include "policy/load/load_names.h"

#define BINDS_MAX            16
#define APPROVAL_SECONDS_MAX 86400
#define BOUND                "bound:"

/* --- paths ------------------------------------------------------------------ */

static bool load_path(struct load *l, const json_t *value, struct path *ret, const char **ret_names)
{
	const char *text, *what;
	int r;

	if (!load_string(l, value, &text))
		return false;
	r = path_parse(text, PATH_ARGS, ret, &what);
	if (r == -EINVAL)
		load_error(l, path_examples(PATH_ARGS), "`%.60s` is no path: %s", text, what);
	else if (r)
		l->is_out_of_memory = true;
	else
		*ret_names = load_keep(l, text);
	return !r;
}

static struct policy_value_path *value_path_new(struct load *l)
{
	struct policy *policy = l->policy;
	struct policy_value_path *path = load_reserve(l, NULL, 0, 1, sizeof(*path));
	struct policy_value_path **grown = reallocarray(policy->paths, policy->n_paths + 1,
							sizeof(struct policy_value_path *));

	if (grown)
		policy->paths = grown;
	if (!grown || !path) {
		l->is_out_of_memory = true;
		return NULL;
	}
	grown[policy->n_paths++] = path;
	return path;
}

static bool names_several(const struct path *path)
{
	for (size_t i = 0; i < path->n; i++)
		if (path->steps[i].kind == STEP_EACH)
			return true;
	return false;
}

const struct policy_value_path *load_value_path(struct load *l, const json_t *value)
{
	struct policy_value_path *path = value_path_new(l);

	if (!path || !load_path(l, value, &path->path, &path->names))
		return NULL;
	if (!names_several(&path->path))
		return path;
	load_error(l, "args.a.b or args.files[0].url", "a path that may name several values");
	return NULL;
}

/* --- bind ------------------------------------------------------------------- */

static void load_bind_path(struct load *l, const json_t *value, void *into)
{
	struct rule_bind *bind = into;

	load_path(l, value, &bind->path, &bind->names);
}

static const char *load_tool_name(struct load *l, const char *text)
{
	if (model_tool_name_is_sound(text))
		return load_keep(l, text);
	load_error(l, "1 to 64 of A-Z a-z 0-9 _ . -", "no tool can have the name `%.60s`", text);
	return NULL;
}

static void load_from(struct load *l, const json_t *value, void *into)
{
	struct rule_bind *bind = into;
	const char *text;

	if (load_string(l, value, &text))
		bind->from = load_tool_name(l, text);
}

static const struct load_key bind_keys[] = {
	{"path", load_bind_path, true},
	{"from", load_from, true},
};

static const struct load_keys bind_table = {
	.owner = "an entry of `bind`",
	.write = "{\"path\":\"args.sessionId\",\"from\":\"start_session\"}",
	.keys = bind_keys,
	.n = ARRAY_SIZE(bind_keys),
};

void load_bind(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	size_t n = json_array_size(value);

	if (!load_is_array(l, value, "[{\"path\":\"args.sessionId\",\"from\":\"start_session\"}]"))
		return;
	if (n > BINDS_MAX) {
		load_error(l, NULL, "%zu entries; at most %d", n, BINDS_MAX);
		return;
	}
	rule->bind = load_reserve(l, NULL, 0, n, sizeof(*rule->bind));
	for (size_t i = 0; rule->bind && i < n; i++) {
		size_t mark = load_enter_index(l, i);

		rule->bind[i].rule = load_keep(l, l->pointer);
		rule->n_bind = i + 1;
		load_object(l, json_array_get(value, i), &bind_table, &rule->bind[i]);
		load_leave(l, mark);
	}
}

/* --- once ------------------------------------------------------------------- */

static void load_key_paths(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	size_t n = json_array_size(value);

	if (!load_is_array(l, value, "[\"args.sendIntentId\"]"))
		return;
	if (!n || n > POLICY_ONCE_MAX) {
		load_error(l, "[\"args.sendIntentId\"]", "%zu paths; 1 to %d", n, POLICY_ONCE_MAX);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		size_t mark = load_enter_index(l, i);

		rule->once.key[i] = load_value_path(l, json_array_get(value, i));
		load_leave(l, mark);
	}
	rule->once.n = n;
}

static void load_once_window(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	struct policy_limit limit = {.counter = NULL};

	load_window(l, value, &limit);
	rule->once.window_ms = limit.window_ms;
	rule->once.window_text = limit.window_text;
}

static const struct load_key once_keys[] = {
	{"key", load_key_paths, true},
	{"window", load_once_window, true},
};

static const struct load_keys once_table = {
	.owner = "`once`",
	.write = "{\"key\":[\"args.sendIntentId\"],\"window\":\"day\"}",
	.keys = once_keys,
	.n = ARRAY_SIZE(once_keys),
};

void load_once(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;

	rule->once.rule = load_keep(l, l->pointer);
	load_object(l, value, &once_table, rule);
}

/* --- approval --------------------------------------------------------------- */

static void load_required(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;

	load_boolean(l, value, &rule->approval.is_required);
}

static void load_timeout(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	uint64_t seconds;

	if (!load_count(l, value, 1, &seconds))
		return;
	if (seconds > APPROVAL_SECONDS_MAX)
		load_error(l, NULL, "at most %d seconds, one day", APPROVAL_SECONDS_MAX);
	else
		rule->approval.timeout_ms = 1000 * seconds;
}

/* The names in what is bound; the word "args" is noted beside them. */
static const char *load_shown(struct load *l, const char *text)
{
	if (!strcmp(text, "args"))
		return "args";
	if (!strncmp(text, BOUND, strlen(BOUND)))
		return load_tool_name(l, text + strlen(BOUND));
	load_error(l, "\"args\" or \"" BOUND "get_quote\"", "nothing that can be shown: `%.60s`",
		   text);
	return NULL;
}

static void load_show(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;
	struct rule_approval *approval = &rule->approval;
	struct policy_names shown = {.n = 0};
	const char **bound;

	load_names(l, value, "[\"args\",\"" BOUND "get_quote\"]", load_shown, &shown);
	bound = load_reserve(l, NULL, 0, shown.n, sizeof(*bound));
	approval->shows_arguments = false;
	approval->bound = (struct policy_names){.items = bound};
	for (size_t i = 0; bound && i < shown.n; i++) {
		/* A tool may be called args; what is meant was written without `bound:`. */
		bool is_word = !strcmp(json_string_value(json_array_get(value, i)), "args");

		approval->shows_arguments = approval->shows_arguments || is_word;
		if (!is_word)
			bound[approval->bound.n++] = shown.items[i];
	}
}

static void load_batch(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;

	load_boolean(l, value, &rule->approval.is_batch);
}

static const struct load_key approval_keys[] = {
	{"required", load_required, false},
	{"timeout", load_timeout, false},
	{"show", load_show, false},
	{"batch", load_batch, false},
};

static const struct load_keys approval_table = {
	.owner = "`approval`",
	.write = "{\"required\":true,\"timeout\":900,\"show\":[\"args\"]}",
	.keys = approval_keys,
	.n = ARRAY_SIZE(approval_keys),
};

void load_approval(struct load *l, const json_t *value, void *into)
{
	struct rule *rule = into;

	rule->approval = (struct rule_approval){
		.is_there = true,
		.is_required = true,
		.shows_arguments = true,
		.timeout_ms = APPROVAL_TIMEOUT_MS,
		.rule = load_keep(l, l->pointer),
	};
	load_object(l, value, &approval_table, rule);
}

/* --- between the keys of a rule --------------------------------------------- */

static bool binds_from(const struct rule *rule, const char *tool)
{
	for (size_t i = 0; i < rule->n_bind; i++)
		if (rule->bind[i].from && !strcmp(rule->bind[i].from, tool))
			return true;
	return false;
}

void load_check_rule(struct load *l, const struct rule *rule)
{
	const struct rule_approval *approval = &rule->approval;
	size_t mark = load_enter(l, "approval");

	if (approval->is_there && !approval->is_required && rule->action == ACTION_REQUIRE_APPROVAL)
		load_error(l, "leave one of them out",
			   "`action` requires an approval, and this does not");
	for (size_t i = 0; i < approval->bound.n; i++)
		if (!binds_from(rule, approval->bound.items[i]))
			load_error(l, "add it to `bind`, or leave it out of `show`",
				   "no `bind` of this rule takes a value from `%s`",
				   approval->bound.items[i]);
	load_leave(l, mark);
}
