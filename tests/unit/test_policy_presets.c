// SPDX-License-Identifier: Apache-2.0
/*
 * The shipped presets: that they are what lies in policy/egress, that a policy can take each
 * in, and which programs are known.
 */
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "policy/egress.h"
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
		{{"./claude"}, NULL},
		{{"bin/claude"}, NULL},
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
		{{"npx", "chromium"}, NULL},
		{{"node", "/a/node_modules/chromium/cli.js"}, NULL},
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
		{"claude", "claude-code"}, {"codex", "codex"},       {"gemini", "gemini"},
		{"opencode", "opencode"},  {"chromium", "chromium"}, {"google-chrome", "chromium"},
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

struct body_row {
	const char *preset, *host, *path, *body;
	bool passes;
};

#define CHAT(part)        "{\"messages\":[{\"role\":\"user\",\"content\":[" part "]}]}"
#define INPUT(part)       "{\"input\":[{\"role\":\"user\",\"content\":[" part "]}]}"
#define URL_SOURCE        "\"source\":{\"type\":\"url\",\"url\":\"https://x.example/\"}"
#define CLAUDE(body)      "claude-code", "api.anthropic.com", "/v1/messages", body
#define CODEX(body)       "codex", "api.openai.com", "/v1/responses", body
#define COMPACT(body)     "codex", "api.openai.com", "/v1/responses/compact", body
#define OPENAI(api, body) "opencode", "api.openai.com", "/v1/" api, body
#define CHATGPT(body)     "codex", "chatgpt.com", "/backend-api/codex/responses", body
#define GEMINI(body)                                                                               \
	"gemini", "generativelanguage.googleapis.com", "/v1beta/models/g:generateContent", body
#define ASSIST(body)   "gemini", "cloudcode-pa.googleapis.com", "/v1internal:generateContent", body
#define ZEN(api, body) "opencode", "opencode.ai", "/zen/v1/" api, body

static bool content_type_is_json(void *arg, const char *name, size_t i, struct span *ret)
{
	(void)arg;
	*ret = span_of("application/json");
	return !i && !strcmp(name, "content-type");
}

/* What would make the provider call out for the agent, in the spellings that it takes. */
static void test_presets_judge_bodies(void **state)
{
	static const struct body_row rows[] = {
		{CLAUDE(CHAT("{\"type\":\"text\",\"text\":\"hi\"}")), true},
		{CLAUDE("{\"tools\":[{\"name\":\"Bash\",\"input_schema\":{}}]}"), true},
		{CLAUDE("{\"mcp_servers\":[]}"), false},
		{CLAUDE("{\"tools\":[{\"type\":\"mcp_toolset\"}]}"), false},
		{CLAUDE("{\"tools\":[{\"type\":\"web_fetch_20250910\"}]}"), false},
		{CLAUDE(CHAT("{\"type\":\"image\"," URL_SOURCE "}")), false},
		{CODEX("{\"input\":\"hi\",\"store\":false,\"tools\":[{\"type\":\"function\"}]}"),
		 true},
		{CODEX("{\"input\":\"hi\"}"),
		 false}, /* kept for who owns the key, which may be another's */
		{CODEX("{\"input\":\"hi\",\"store\":true}"), false},
		{CODEX("{\"input\":\"hi\",\"store\":null}"), false},
		{CODEX("{\"input\":\"hi\",\"store\":false,\"Store\":true}"), false},
		{COMPACT("{\"input\":\"hi\"}"), true},
		{OPENAI("responses", "{\"input\":\"hi\",\"store\":false}"), true},
		{OPENAI("responses", "{\"input\":\"hi\"}"), false},
		{OPENAI("chat/completions", CHAT("{\"type\":\"text\",\"text\":\"hi\"}")), true},
		{OPENAI("chat/completions", "{\"messages\":[],\"store\":true}"), false},
		{CODEX("{\"tools\":[{\"type\":\"mcp\"}]}"), false},
		{CODEX(INPUT("{\"type\":\"input_image\",\"image_url\":\"https://x\"}")), false},
		{CHATGPT("{\"input\":\"hi\"}"), true},
		{CHATGPT("{\"tools\":[{\"type\":\"web_search\"}]}"), false},
		{GEMINI("{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}]}"), true},
		{GEMINI("{\"tools\":[{\"url_context\":{}}]}"), false},
		{GEMINI("{\"tools\":[{\"mcpServers\":[]}]}"), false},
		{GEMINI("{\"contents\":[{\"parts\":[{\"fileData\":{}}]}]}"), false},
		{ASSIST("{\"request\":{\"contents\":[]}}"), true},
		{ASSIST("{\"request\":{\"tools\":[{\"googleSearch\":{}}]}}"), false},
		/* a gateway, which turns each form into each other, and knows more spellings */
		{ZEN("chat/completions", CHAT("{\"type\":\"text\",\"text\":\"https://x\"}")), true},
		{ZEN("chat/completions", "{\"messages\":[{\"content\":\"hi\"},{}]}"), true},
		{ZEN("chat/completions", CHAT("{\"type\":\"image_url\",\"image_url\":{\"url\":"
					      "\"data:image/png;base64,AA\"}}")),
		 true},
		{ZEN("chat/completions",
		     CHAT("{\"type\":\"image_url\",\"image_url\":\"data:image/png;base64,AA\"}")),
		 true},
		{ZEN("chat/completions",
		     CHAT("{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x\"}}")),
		 false},
		{ZEN("chat/completions",
		     CHAT("{\"type\":\"image_url\",\"image_url\":\"https://x\"}")),
		 false},
		{ZEN("chat/completions",
		     CHAT("{\"type\":\"video_url\",\"video_url\":{\"url\":\"https://x\"}}")),
		 false},
		{ZEN("chat/completions",
		     CHAT("{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"https://x\"}}")),
		 false},
		{ZEN("chat/completions", CHAT("{\"type\":\"text\"," URL_SOURCE "}")), false},
		{ZEN("chat/completions", "{\"enable_search\":true}"), false},
		{ZEN("chat/completions", "{\"search_parameters\":{\"mode\":\"on\"}}"), false},
		{ZEN("responses", INPUT("{\"type\":\"input_text\",\"text\":\"hi\"}")), true},
		{ZEN("responses",
		     INPUT("{\"type\":\"input_image\",\"image_url\":{\"url\":\"https://x\"}}")),
		 false},
		{ZEN("responses", INPUT("{\"type\":\"input_image\"," URL_SOURCE "}")), false},
		{ZEN("responses", CHAT("{\"type\":\"text\",\"text\":\"hi\"}")), false},
		{ZEN("messages", CHAT("{\"type\":\"image\"," URL_SOURCE "}")), false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autopolicy struct policy *policy = NULL;
		json_t *body = json_loads(rows[i].body, 0, NULL);
		const struct policy_egress_request request = {.host = rows[i].host,
							      .port = 443,
							      .method = span_of("POST"),
							      .path = rows[i].path,
							      .header = content_type_is_json};
		struct policy_egress_decision decision;
		char text[128];

		snprintf(text, sizeof(text), "{\"egress\":[{\"preset\":\"%s\"}]}", rows[i].preset);
		assert_int_equal(policy_parse(text, strlen(text), "p", &policy, NULL), 0);
		assert_non_null(body);
		policy_egress_decide_body(policy, &request, body, &decision);
		json_decref(body);
		if ((decision.verdict == VERDICT_ALLOW) != rows[i].passes)
			fail_msg("row %zu: %s %s: %s", i, rows[i].path, rows[i].body,
				 decision.reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_preset_can_be_taken_in),
		cmocka_unit_test(test_known_programs_are_found_by_what_is_typed),
		cmocka_unit_test(test_each_known_program_has_its_preset),
		cmocka_unit_test(test_presets_judge_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
