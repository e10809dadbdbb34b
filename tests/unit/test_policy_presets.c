// SPDX-License-Identifier: Apache-2.0
/*
 * The shipped presets: that they are what lies in policy/egress, that a policy can take each
 * in, and which programs are known.
 */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/policy.h"
#include "policy/presets.h"

static void test_every_preset_can_be_taken_in(void **state)
{
	(void)state;
	assert_true(policy_preset_count() > 0);
	for (size_t i = 0; i < policy_preset_count(); i++) {
		const struct policy_preset *preset = policy_preset_at(i);
		autopolicyerrors struct policy_errors errors = {.n = 0};
		autopolicy struct policy *policy = NULL;
		char text[128];

		assert_ptr_equal(policy_preset_find(preset->name), preset);
		assert_int_equal(preset->text[0], '{');
		assert_int_equal(preset->text[preset->n - 1], '\n');
		snprintf(text, sizeof(text), "{\"egress\":[{\"preset\":\"%s\"}]}", preset->name);
		if (policy_parse(text, strlen(text), "p", &policy, &errors))
			fail_msg("%s: %s", preset->name, policy_errors_at(&errors, 0)->what);
	}
	assert_null(policy_preset_at(policy_preset_count()));
	assert_null(policy_preset_find("no-such"));
	assert_null(policy_preset_find(""));
}

struct command_row {
	const char *words[8];
	const char *preset; /* NULL: not known */
};

static void test_known_programs_are_found_by_what_is_typed(void **state)
{
	static const struct command_row rows[] = {
		{{"claude"}, "claude-code"},
		{{"/usr/local/bin/claude", "-p", "hi"}, "claude-code"},
		{{"env", "A=b", "C=", "claude"}, "claude-code"},
		{{"npx", "@anthropic-ai/claude-code"}, "claude-code"},
		{{"npx", "-y", "@anthropic-ai/claude-code@2.1.330", "-p"}, "claude-code"},
		{{"npx", "--", "@anthropic-ai/claude-code"}, "claude-code"},
		{{"npx", "-p", "@anthropic-ai/claude-code", "claude"}, "claude-code"},
		{{"npx", "--package=@anthropic-ai/claude-code", "--", "claude"}, "claude-code"},
		{{"npm", "exec", "--", "@anthropic-ai/claude-code"}, "claude-code"},
		{{"bunx", "@anthropic-ai/claude-code"}, "claude-code"},
		{{"bun", "x", "@anthropic-ai/claude-code"}, "claude-code"},
		{{"pnpm", "dlx", "@anthropic-ai/claude-code"}, "claude-code"},
		{{"yarn", "dlx", "@anthropic-ai/claude-code"}, "claude-code"},
		{{"node", "/opt/claude"}, "claude-code"},
		{{"node", "--no-warnings", "-r", "x", "/opt/bin/claude.js"}, "claude-code"},
		{{"node", "/a/node_modules/@anthropic-ai/claude-code/cli.js"}, "claude-code"},
		/* another program, for all that its words look alike */
		{{"claude-desktop"}, NULL},
		{{"npx", "claude"}, NULL},
		{{"npx", "@anthropic-ai/claude-code-evil"}, NULL},
		{{"npx", "evil", "@anthropic-ai/claude-code"}, NULL},
		{{"npx", "--registry", "@anthropic-ai/claude-code"}, NULL},
		{{"npx", "-p", "evil", "--", "claude"}, NULL},
		{{"npm", "install", "@anthropic-ai/claude-code"}, NULL},
		{{"pnpm", "add", "@anthropic-ai/claude-code"}, NULL},
		{{"node", "x.js", "claude"}, NULL},
		{{"node", "/a/node_modules/@anthropic-ai/claude-code-evil/cli.js"}, NULL},
		{{"node", "-e", "claude()"}, NULL},
		{{"node"}, NULL},
		{{"npx", "-p"}, NULL},
		{{"npx", "--"}, NULL},
		{{"npx", ""}, NULL},
		{{"env", "A=b"}, NULL},
		{{"sh", "-c", "claude"}, NULL},
		{{"git", "clone"}, NULL},
		{{"gh"}, NULL},
		{{""}, NULL},
		{{"/"}, NULL},
		{{NULL}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char words[8][80], *argv[9] = {NULL};
		const struct policy_preset *found;

		for (size_t w = 0; rows[i].words[w]; w++) {
			snprintf(words[w], sizeof(words[w]), "%s", rows[i].words[w]);
			argv[w] = words[w];
		}
		found = policy_preset_for_command(argv);
		if (!rows[i].preset != !found ||
		    (found && strcmp(found->name, rows[i].preset) != 0))
			fail_msg("row %zu: %s", i, found ? found->name : "none");
	}
}

/* What a row of the table names, and has no file, would be a program without its preset. */
static void test_each_known_program_has_its_preset(void **state)
{
	static const char *const rows[][2] = {
		{"claude", "claude-code"},
		{"codex", "codex"},
		{"gemini", "gemini"},
		{"opencode", "opencode"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char word[16];
		const struct policy_preset *found;

		snprintf(word, sizeof(word), "%s", rows[i][0]);
		found = policy_preset_for_command((char *[]){word, NULL});
		assert_non_null(found);
		assert_string_equal(found->name, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_preset_can_be_taken_in),
		cmocka_unit_test(test_known_programs_are_found_by_what_is_typed),
		cmocka_unit_test(test_each_known_program_has_its_preset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
