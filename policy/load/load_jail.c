// SPDX-License-Identifier: Apache-2.0
/*
 * The least of each limit is what a shell and one program need: whoever writes less has mistaken
 * the unit, and would only see that nothing starts.
 */
#include "policy/load/load_jail.h"

#include "base/cleanup.h"
#include "base/units.h"

#define PROCESSES_MIN  4
#define OPEN_FILES_MIN 16
#define MEMORY_MIN     (16u << 20)
#define MEMORY_WRITE   "\"512M\" or \"2G\""
#define CPU_MIN_MILLI  10
#define CPU_MAX        4096
#define RUN_TIME_WRITE "\"90s\", \"30m\" or \"2h\""

static struct policy_jail *jail_of(void *into)
{
	return &((struct policy *)into)->jail;
}

/* Presets come last: where the policy itself says something, they say nothing. */
static void load_nested_sandbox(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;
	bool is_allowed;

	if (!load_boolean(l, value, &is_allowed) || (l->preset && policy->says_nested_sandbox))
		return;
	policy->jail.nested_sandbox = is_allowed;
	policy->says_nested_sandbox = true;
}

static void load_ptrace(struct load *l, const json_t *value, void *into)
{
	load_boolean(l, value, &jail_of(into)->ptrace);
}

static void load_processes(struct load *l, const json_t *value, void *into)
{
	load_count(l, value, PROCESSES_MIN, &jail_of(into)->processes);
}

static void load_open_files(struct load *l, const json_t *value, void *into)
{
	load_count(l, value, OPEN_FILES_MIN, &jail_of(into)->open_files);
}

static void load_memory(struct load *l, const json_t *value, void *into)
{
	uint64_t bytes = 0;
	const char *text;

	if (json_is_string(value)) {
		text = json_string_value(value);
		if (units_bytes(text, &bytes)) {
			load_error(l, MEMORY_WRITE, "`%.60s` is no amount of memory", text);
			return;
		}
	} else if (!load_count(l, value, 1, &bytes)) {
		return;
	}
	if (bytes < MEMORY_MIN)
		load_error(l, MEMORY_WRITE, "must be at least 16 MiB, a number being bytes");
	else
		jail_of(into)->memory = bytes;
}

static void load_cpu(struct load *l, const json_t *value, void *into)
{
	static const char write[] = "a number of processors, 0.5 or 2";
	double processors = json_number_value(value);

	if (!json_is_number(value))
		load_error(l, write, "must be a number");
	else if (processors * 1000 < CPU_MIN_MILLI || processors > CPU_MAX)
		load_error(l, write, "must be from 0.01 to %d", CPU_MAX);
	else
		jail_of(into)->cpu_milli = (uint64_t)(processors * 1000 + 0.5);
}

static void load_run_time(struct load *l, const json_t *value, void *into)
{
	const char *text;

	if (!json_is_string(value))
		load_error(l, RUN_TIME_WRITE, "must be a string with a unit");
	else if (units_duration(text = json_string_value(value), &jail_of(into)->run_time_ms))
		load_error(l, RUN_TIME_WRITE, "`%.60s` is no duration", text);
}

static const struct load_key jail_keys[] = {
	{"nested_sandbox", load_nested_sandbox, false},
	{"ptrace", load_ptrace, false},
	{"processes", load_processes, false},
	{"memory", load_memory, false},
	{"open_files", load_open_files, false},
	{"cpu", load_cpu, false},
	{"run_time", load_run_time, false},
};

#define JAIL(n_keys)                                                                               \
	{                                                                                          \
		.owner = "`jail`", .write = "{\"memory\":\"2G\"}", .keys = jail_keys,              \
		.n = (n_keys)                                                                      \
	}

void load_jail(struct load *l, const json_t *value, void *into)
{
	static const struct load_keys table = JAIL(ARRAY_SIZE(jail_keys));

	load_object(l, value, &table, into);
}

void load_preset_jail(struct load *l, const json_t *value, void *into)
{
	static const struct load_keys table = JAIL(1);

	load_object(l, value, &table, into);
}
