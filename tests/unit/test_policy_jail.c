// SPDX-License-Identifier: Apache-2.0
/* `jail`, and what presets may say of it. The presets are this test's own. */
#include "policy_world.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "policy/presets.h"
#include "policy/surroundings.h"

#define JAIL(inside) "{\"jail\":{" inside "}}"
#define USE(name)    "{\"egress\":[{\"preset\":\"" name "\"}]}"

static const char nests[] = JAIL("\"nested_sandbox\":true");
static const char traces[] = JAIL("\"ptrace\":true");
static const char limits[] = JAIL("\"nested_sandbox\":true,\"memory\":\"1G\"");

static const struct policy_preset presets[] = {
	{.name = "nests", .text = nests, .n = sizeof(nests) - 1},
	{.name = "traces", .text = traces, .n = sizeof(traces) - 1},
	{.name = "limits", .text = limits, .n = sizeof(limits) - 1},
};

#include "preset_world.h"

static void assert_jail(const char *inside, const struct policy_jail *expected)
{
	char text[256];

	snprintf(text, sizeof(text), JAIL("%s"), inside);
	{
		autopolicy struct policy *policy = load_text(text);
		const struct policy_jail *j = policy_jail(policy);

		assert_int_equal(j->nested_sandbox, expected->nested_sandbox);
		assert_int_equal(j->ptrace, expected->ptrace);
		assert_int_equal(j->processes, expected->processes);
		assert_int_equal(j->memory, expected->memory);
		assert_int_equal(j->open_files, expected->open_files);
		assert_int_equal(j->cpu_milli, expected->cpu_milli);
		assert_int_equal(j->run_time_ms, expected->run_time_ms);
	}
}

static void test_jail_has_switches_and_limits(void **state)
{
	static const struct {
		const char *inside;
		struct policy_jail jail;
	} cases[] = {
		{"", {0}},
		{"\"nested_sandbox\":true", {.nested_sandbox = true}},
		{"\"nested_sandbox\":false,\"ptrace\":true", {.ptrace = true}},
		{"\"processes\":4,\"open_files\":16", {.processes = 4, .open_files = 16}},
		{"\"memory\":\"2G\"", {.memory = UINT64_C(2) << 30}},
		{"\"memory\":\"512m\"", {.memory = 512u << 20}},
		{"\"memory\":16777216", {.memory = 16u << 20}},
		{"\"memory\":\"8000T\"", {.memory = UINT64_C(8000) << 40}},
		{"\"memory\":\"16777216\"", {.memory = 16u << 20}},
		{"\"memory\":\"1T\"", {.memory = UINT64_C(1) << 40}},
		{"\"cpu\":2", {.cpu_milli = 2000}},
		{"\"cpu\":0.01", {.cpu_milli = 10}},
		{"\"cpu\":4096", {.cpu_milli = 4096000}},
		{"\"cpu\":1.2345", {.cpu_milli = 1235}},
		{"\"run_time\":\"30m\"", {.run_time_ms = 1800000}},
		{"\"run_time\":\"90\"", {.run_time_ms = 90000}},
		{"\"run_time\":\"1ms\"", {.run_time_ms = 1}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_jail(cases[i].inside, &cases[i].jail);
}

static const struct wrong wrongs[] = {
	{"{\"jail\":true}", "/jail", "must be an object, is `true`"},
	{JAIL("\"nested_sandboxes\":true"), ":1:10 /jail/nested_sandboxes",
	 "did you mean `nested_sandbox`?"},
	{JAIL("\"swap\":1"), "/jail/swap",
	 "`jail` has: nested_sandbox, ptrace, processes, memory, open_files, cpu, run_time"},
	{"{\"ptrace\":true}", ":1:2 /ptrace", "it belongs in `jail`"},
	{JAIL("\"nested_sandbox\":\"yes\""), "/jail/nested_sandbox", "write true or false"},
	{JAIL("\"ptrace\":1"), "/jail/ptrace", "write true or false"},
	{JAIL("\"processes\":3"), "/jail/processes", "must be at least 4"},
	{JAIL("\"processes\":-1"), "/jail/processes", "must not be negative"},
	{JAIL("\"processes\":1.5"), "/jail/processes", "must be a whole number"},
	{JAIL("\"open_files\":\"64\""), "/jail/open_files", "must be a whole number"},
	{JAIL("\"open_files\":15"), "/jail/open_files", "must be at least 16"},
	{JAIL("\"memory\":2"), "/jail/memory", "at least 16 MiB, a number being bytes; \"512M\""},
	{JAIL("\"memory\":\"15M\""), "/jail/memory", "at least 16 MiB"},
	{JAIL("\"memory\":\"2 G\""), "/jail/memory", "`2 G` is no amount of memory; \"512M\""},
	{JAIL("\"memory\":\"-2G\""), "/jail/memory", "is no amount"},
	{JAIL("\"memory\":\"2GB\""), "/jail/memory", "is no amount"},
	{JAIL("\"memory\":\"9000T\""), "/jail/memory", "`9000T` is no amount"},
	{JAIL("\"memory\":true"), "/jail/memory", "must be a whole number"},
	{JAIL("\"cpu\":\"2\""), "/jail/cpu", "must be a number; a number of processors, 0.5 or 2"},
	{JAIL("\"cpu\":0"), "/jail/cpu", "must be from 0.01 to 4096"},
	{JAIL("\"cpu\":0.009"), "/jail/cpu", "must be from 0.01"},
	{JAIL("\"cpu\":-1"), "/jail/cpu", "must be from 0.01"},
	{JAIL("\"cpu\":1e9"), "/jail/cpu", "must be from 0.01"},
	{JAIL("\"run_time\":30"), "/jail/run_time", "a string with a unit; \"90s\""},
	{JAIL("\"run_time\":\"0s\""), "/jail/run_time", "`0s` is no duration"},
	{JAIL("\"run_time\":\"1d\""), "/jail/run_time", "`1d` is no duration; \"90s\", \"30m\""},
	{JAIL("\"cpu\":4096.1"), "/jail/cpu", "to 4096"},
	{JAIL("\"processes\":3,\"ptrace\":true"), "/jail/processes", "must be at least 4"},
	{USE("traces"), ":1:12 /egress/0",
	 "the preset is wrong, traces:1:10 /jail/ptrace: unknown key"},
	{USE("limits"), ":1:12 /egress/0",
	 "the preset is wrong, limits:1:32 /jail/memory: unknown key"},
};

static void test_mistakes_are_told_with_place_and_mend(void **state)
{
	(void)state;
	assert_all_told(wrongs, ARRAY_SIZE(wrongs));
}

static const struct {
	const char *text;
	bool nests;
} merged[] = {
	{USE("nests"), true},
	{"{\"jail\":{},\"egress\":[{\"preset\":\"nests\"}]}", true},
	{"{\"jail\":{\"nested_sandbox\":false},\"egress\":[{\"preset\":\"nests\"}]}", false},
	/* Whatever comes first in the text. */
	{"{\"egress\":[{\"preset\":\"nests\"}],\"jail\":{\"nested_sandbox\":false}}", false},
	{"{\"egress\":[],\"jail\":{\"nested_sandbox\":true}}", true},
};

static void test_a_preset_nests_unless_the_policy_says_no(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(merged); i++) {
		autopolicy struct policy *policy = load_text(merged[i].text);

		assert_int_equal(policy_jail(policy)->nested_sandbox, merged[i].nests);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jail_has_switches_and_limits),
		cmocka_unit_test(test_mistakes_are_told_with_place_and_mend),
		cmocka_unit_test(test_a_preset_nests_unless_the_policy_says_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
