// SPDX-License-Identifier: Apache-2.0
/*
 * A preset is a text of its own, loaded by the same functions as the policy's and into the same
 * lists. Its errors are those of a shipped file; they are told where the policy names it.
 */
#include "policy/load/load_presets.h"

#include <string.h>

#include "base/cleanup.h"
#include "policy/load/load_egress.h"
#include "policy/load/load_jail.h"
#include "policy/load/load_surroundings.h"
#include "policy/presets.h"

static const char *nth_preset(size_t i)
{
	const struct policy_preset *preset = policy_preset_at(i);

	return preset ? preset->name : NULL;
}

static bool preset_is_met(const struct load *l, const char *name)
{
	for (size_t i = 0; i < l->n_presets; i++)
		if (!strcmp(l->presets[i].name, name))
			return true;
	return false;
}

void load_preset_use(struct load *l, const json_t *value, size_t index)
{
	const struct policy_preset *preset;
	const char *name;

	if (!load_string(l, value, &name))
		return;
	preset = policy_preset_find(name);
	if (l->preset)
		load_error(l, NULL, "a preset takes in no other");
	else if (!preset)
		load_suggest(l, "no preset is named", name, nth_preset);
	else if (preset_is_met(l, name))
		return;
	else if (l->n_presets == LOAD_PRESETS_MAX)
		load_error(l, NULL, "more than %d presets", LOAD_PRESETS_MAX);
	else
		/* The pointer is the value's, the rule is the entry. */
		l->presets[l->n_presets++] =
			(struct preset_use){.name = preset->name, .index = index};
}

static void load_telemetry(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_names(l, value, "[\"telemetry.example.com\"]", load_host_text, &policy->telemetry);
}

static void load_login(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	load_names(l, value, "[\"login.example.com\"]", load_host_text, &policy->login);
}

static const struct load_key preset_keys[] = {
	{"egress", load_egress, false},
	{"environment", load_preset_environment, false},
	{"filesystem", load_preset_filesystem, false},
	{"jail", load_preset_jail, false},
	{"telemetry", load_telemetry, false},
	{"login", load_login, false},
};

static const struct load_keys preset_table = {
	.owner = "a preset",
	.write = "{\"egress\":[{\"host\":\"api.example.com\"}]}",
	.keys = preset_keys,
	.n = ARRAY_SIZE(preset_keys),
};

static void load_preset(struct load *l, const struct preset_use *use)
{
	const struct policy_preset *preset = policy_preset_find(use->name);
	autopolicyerrors struct policy_errors errors = {.n = 0};
	struct load inner = {
		.text = preset->text,
		.n = preset->n,
		.name = use->name,
		.policy = l->policy,
		.errors = &errors,
		.preset = use,
	};

	load_text(&inner, &preset_table, l->policy);
	l->is_out_of_memory = l->is_out_of_memory || inner.is_out_of_memory;
	for (size_t i = 0; i < policy_errors_count(&errors); i++) {
		const struct error *e = policy_errors_at(&errors, i);

		load_error(l, e->mend, "the preset is wrong, %s: %s", e->where, e->what);
	}
}

void load_presets(struct load *l)
{
	size_t mark = load_enter(l, "egress");

	for (size_t i = 0; i < l->n_presets; i++) {
		size_t within = load_enter_index(l, l->presets[i].index);

		l->presets[i].rule = load_keep(l, l->pointer);
		load_preset(l, &l->presets[i]);
		load_leave(l, within);
	}
	load_leave(l, mark);
}
