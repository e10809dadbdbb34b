// SPDX-License-Identifier: Apache-2.0
/*
 * `environment`, `filesystem` and `sockets`, and what presets add to them. The presets are this
 * test's own.
 */
#include "policy_world.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/egress.h"
#include "policy/presets.h"
#include "policy/surroundings.h"

#define PRESET(name_, text_)                                                                       \
	{                                                                                          \
		.name = (name_), .text = (text_), .n = sizeof(text_) - 1                           \
	}

static const struct policy_preset presets[] = {
	PRESET("one",
	       "{\"egress\":[{\"host\":\"one.example\",\"deny_body\":["
	       "{\"path\":\"body.x\",\"op\":\"exists\",\"value\":true,\"reason\":\"no x\"}]},"
	       "{\"host\":\"two.example\",\"mode\":\"tunnel\"}],"
	       "\"environment\":{\"pass\":[\"ONE_KEY\",\"BOTH\"],\"set\":{\"V\":\"1\",\"W\":\"\"}},"
	       "\"filesystem\":{\"write\":[\"~/.one/\",\"~/.both\"]},"
	       "\"telemetry\":[\"t.example\",\"*.t.example\"],\"login\":[\"Login.example\"]}"),
	PRESET("two", "{\"environment\":{\"pass\":[\"TWO_KEY\",\"BOTH\"],\"set\":{\"V\":\"2\"}},"
		      "\"filesystem\":{\"write\":[\"~/.both\"]}}"),
	PRESET("empty", "{}"),
	PRESET("text", "{\"egress\":[}"),
	PRESET("wrong",
	       "{\n \"egress\":[{\"host\":\"*.com\"}],\n \"environment\":{\"unset\":[\"A\"]}}"),
	PRESET("nested", "{\"egress\":[{\"preset\":\"one\"}]}"),
	PRESET("server", "{\"egress\":[{\"host\":\"promptfax.app\"}]}"),
	PRESET("mode", "{\"egress\":[{\"host\":\"one.example\",\"mode\":\"tunnel\"}]}"),
};

#include "preset_world.h"

static void assert_names(struct policy_names names, const char *expected)
{
	char text[1024] = "";

	for (size_t i = 0; i < names.n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, names.items[i]);
	}
	assert_string_equal(text, expected);
}

#define ENVIRONMENT(inside) "{\"environment\":{" inside "}}"
#define FILESYSTEM(inside)  "{\"filesystem\":{" inside "}}"
#define SOCKETS(inside)     "{\"sockets\":[" inside "]}"
#define USE(name)           "{\"egress\":[{\"preset\":\"" name "\"}]}"

static void test_surroundings_are_empty_unless_said(void **state)
{
	autopolicy struct policy *policy = load_text("{}");

	(void)state;
	assert_int_equal(policy_environment(policy)->pass.n, 0);
	assert_int_equal(policy_environment(policy)->unset.n, 0);
	assert_int_equal(policy_environment(policy)->n_set, 0);
	assert_int_equal(policy_filesystem(policy)->read.n, 0);
	assert_int_equal(policy_filesystem(policy)->write.n, 0);
	assert_int_equal(policy_filesystem(policy)->hide.n, 0);
	assert_int_equal(policy_sockets(policy)->n, 0);
}

static void test_environment_is_kept_as_written(void **state)
{
	autopolicy struct policy *policy = load_text(
		ENVIRONMENT("\"pass\":[\"A\",\"AWS_*\",\"A\",\"*_KEY\",\"_x9\"],\"unset\":[\"*\"],"
			    "\"set\":{\"E\":\"\",\"F\":\"a=b\\nc \xc3\xbc\"}"));
	const struct policy_environment *e = policy_environment(policy);

	(void)state;
	assert_names(e->pass, "A AWS_* *_KEY _x9");
	assert_names(e->unset, "*");
	assert_int_equal(e->n_set, 2);
	assert_string_equal(e->set[0].name, "E");
	assert_string_equal(e->set[0].value, "");
	assert_string_equal(e->set[1].name, "F");
	assert_string_equal(e->set[1].value, "a=b\nc \xc3\xbc");
	assert_false(e->set[1].is_of_preset);
}

static void test_filesystem_is_kept_as_written(void **state)
{
	autopolicy struct policy *policy = load_text(
		FILESYSTEM("\"read\":[\"~/.npmrc\",\"~\",\"/etc/x*/y?\",\"/opt\"],"
			   "\"write\":[\"$PWD\",\"$PWD/out/\",\"~/a..b/.c\",\"~/*\",\"~/*\"],"
			   "\"hide\":[\"$PWD/.env*\",\"/home/\xc3\xbc x\"]"));
	const struct policy_filesystem *f = policy_filesystem(policy);

	(void)state;
	assert_names(f->read, "~/.npmrc ~ /etc/x*/y? /opt");
	assert_names(f->write, "$PWD $PWD/out/ ~/a..b/.c ~/*");
	assert_names(f->hide, "$PWD/.env* /home/\xc3\xbc x");
}

static void test_sockets_are_kept_as_written(void **state)
{
	autopolicy struct policy *policy =
		load_text(SOCKETS("\"/run/docker.sock\",\"~/.x/s\",\"$PWD/s\",\"~/.x/s\""));

	(void)state;
	assert_names(*policy_sockets(policy), "/run/docker.sock ~/.x/s $PWD/s");
}

static const struct wrong wrongs[] = {
	{"{\"environment\":[]}", ":1:16 /environment", "must be an object, is an array"},
	{ENVIRONMENT("\"passs\":[]"), "/environment/passs", "did you mean `pass`?"},
	{ENVIRONMENT("\"keep\":[]"), "/environment/keep", "`environment` has: pass, set, unset"},
	{"{\"pass\":[]}", ":1:2 /pass", "it belongs in `environment`"},
	{ENVIRONMENT("\"pass\":\"A\""), "/environment/pass", "must be an array"},
	{ENVIRONMENT("\"pass\":[7]"), "/environment/pass/0", "must be a string"},
	{ENVIRONMENT("\"pass\":[\"\"]"), "/environment/pass/0", "no name of a variable"},
	{ENVIRONMENT("\"pass\":[\"A\",\"A=b\"]"), "/environment/pass/1", "`set` is for values"},
	{ENVIRONMENT("\"pass\":[\"9A\"]"), "/environment/pass/0", "no name of a variable"},
	{ENVIRONMENT("\"pass\":[\"A B\"]"), "/environment/pass/0", "no name of a variable"},
	{ENVIRONMENT("\"pass\":[\"A?\"]"), "/environment/pass/0", "`*` for any run"},
	{ENVIRONMENT("\"unset\":[\"A-B\"]"), "/environment/unset/0", "no name of a variable"},
	{ENVIRONMENT("\"set\":[]"), "/environment/set", "must be an object"},
	{ENVIRONMENT("\"set\":{\"A*\":\"\"}"), "/environment/set/A*", "no name of a variable"},
	{ENVIRONMENT("\"set\":{\"A\":1}"), "/environment/set/A", "put it into double quotes"},
	{ENVIRONMENT("\"set\":{\"A\":null}"), "/environment/set/A", "must be a string"},
	{"{\"filesystem\":{\"writes\":[]}}", "/filesystem/writes", "did you mean `write`?"},
	{FILESYSTEM("\"deny\":[]"), "/filesystem/deny", "`filesystem` has: write, read, hide"},
	{FILESYSTEM("\"write\":\"/a\""), "/filesystem/write", "must be an array"},
	{FILESYSTEM("\"write\":[\"\"]"), "/filesystem/write/0", "begins with none of"},
	{FILESYSTEM("\"write\":[\"a\"]"), "/filesystem/write/0", "begins with none of"},
	{FILESYSTEM("\"write\":[\"./a\"]"), "/filesystem/write/0", "begins with none of"},
	{FILESYSTEM("\"write\":[\"~root/a\"]"), "/filesystem/write/0", "begins with none of"},
	{FILESYSTEM("\"write\":[\"$HOME/a\"]"), "/filesystem/write/0", "begins with none of"},
	{FILESYSTEM("\"write\":[\"$PWDX/a\"]"), "/filesystem/write/0", "begins with none of"},
	{FILESYSTEM("\"write\":[\"*/a\"]"), "/filesystem/write/0", "begins with none of"},
	{FILESYSTEM("\"write\":[\"/\"]"), "/filesystem/write/0", "name what is below it"},
	{FILESYSTEM("\"write\":[\"/*\"]"), "/filesystem/write/0", "write the first name out"},
	{FILESYSTEM("\"read\":[\"/et?/x\"]"), "/filesystem/read/0", "write the first name out"},
	{FILESYSTEM("\"write\":[\"~/../x\"]"), "/filesystem/write/0", "a `..` in the path"},
	{FILESYSTEM("\"write\":[\"/a/..\"]"), "/filesystem/write/0", "a `..` in the path"},
	{FILESYSTEM("\"write\":[\"/..\"]"), "/filesystem/write/0", "a `..` in the path"},
	{FILESYSTEM("\"write\":[\"/a/./b\"]"), "/filesystem/write/0", "a `.` in the path"},
	{FILESYSTEM("\"hide\":[\"/a/.\"]"), "/filesystem/hide/0", "a `.` in the path"},
	{FILESYSTEM("\"hide\":[\"/a//b\"]"), "/filesystem/hide/0", "an empty name"},
	{FILESYSTEM("\"hide\":[\"~//\"]"), "/filesystem/hide/0", "an empty name"},
	{FILESYSTEM("\"hide\":[\"~/**/x\"]"), "/filesystem/hide/0", "in one name"},
	{FILESYSTEM("\"hide\":[\"~/a\\nb\"]"), "/filesystem/hide/0", "control character"},
	{"{\"sockets\":\"/a\"}", "/sockets", "must be an array"},
	{SOCKETS("1"), "/sockets/0", "must be a string"},
	{SOCKETS("\"docker.sock\""), "/sockets/0", "begins with none of"},
	{SOCKETS("\"@abstract\""), "/sockets/0", "begins with none of"},
	{SOCKETS("\"/run/*.sock\""), "/sockets/0", "write out the path of each"},
	{SOCKETS("\"~/x?\""), "/sockets/0", "a pattern for sockets"},
	{SOCKETS("\"~\""), "/sockets/0", "`~` is a directory"},
	{SOCKETS("\"/run/x/\""), "/sockets/0", "`/run/x/` is a directory"},
	{SOCKETS("\"/\""), "/sockets/0", "`/` is a directory"},
	{SOCKETS("\"/run/../x\""), "/sockets/0", "a `..` in the path"},
	/* presets, told where the policy names them */
	{USE("onne"), ":1:22 /egress/0/preset",
	 "did you mean `one`?; one of: one, two, empty, text, wrong"},
	{USE("text"), ":1:12 /egress/0", "the preset is wrong, text:1:12 /egress/0: a value is"},
	{USE("nested"), ":1:12 /egress/0",
	 "the preset is wrong, nested:1:22 /egress/0/preset: a preset takes in no other"},
	{USE("server"), ":1:12 /egress/0", "the host of the MCP server"},
	{"{\"egress\":[{\"host\":\"one.example\"},\n{\"preset\":\"mode\"}]}", ":2:1 /egress/1",
	 "one.example:443 goes through a tunnel here, and is inspected by /egress/0"},
	{"{\"egress\":[{\"preset\":\"one\"},\n{\"preset\":\"two\"}]}", ":2:1 /egress/1",
	 "another preset sets `V` to something else; set it in the policy's `environment`"},
};

static void test_surroundings_are_refused_with_place_and_mend(void **state)
{
	(void)state;
	assert_all_told(wrongs, ARRAY_SIZE(wrongs));
}

static void test_presets_report_every_problem_at_their_place(void **state)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	static const char text[] = "{\"egress\":[{\"host\":\"a.example\"},{\"preset\":\"wrong\"}]}";

	(void)state;
	assert_int_equal(policy_parse(text, strlen(text), "p.json", &policy, &errors), -EINVAL);
	assert_int_equal(policy_errors_count(&errors), 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(policy_errors_place(&errors, i).pointer, "/egress/1");
	assert_non_null(strstr(policy_errors_at(&errors, 0)->what,
			       "wrong:2:20 /egress/0/host: `*.com`: anyone can have"));
	assert_non_null(strstr(policy_errors_at(&errors, 1)->what,
			       "wrong:3:17 /environment/unset: unknown key"));
}

static void test_presets_are_merged_into_the_policy(void **state)
{
	autopolicy struct policy *policy = load_text(
		"{\"egress\":[{\"preset\":\"two\"},{\"host\":\"a.example\"},"
		"{\"preset\":\"one\"},{\"preset\":\"empty\"},{\"preset\":\"one\"}],"
		"\"environment\":{\"pass\":[\"OWN\",\"ONE_KEY\"],\"set\":{\"V\":\"own\"}},"
		"\"filesystem\":{\"write\":[\"/own\"]}}");
	const struct policy_environment *e = policy_environment(policy);
	const struct policy_egress *found;

	(void)state;
	assert_names(e->pass, "OWN ONE_KEY TWO_KEY BOTH");
	assert_names(policy_filesystem(policy)->write, "/own ~/.both ~/.one/");
	assert_int_equal(e->n_set, 2);
	assert_string_equal(e->set[0].value, "own");
	assert_string_equal(e->set[1].name, "W");
	assert_true(e->set[1].is_of_preset);
	found = policy_egress_find(policy, "two.example", 443);
	assert_non_null(found);
	assert_int_equal(policy_egress_mode(found), EGRESS_TUNNEL);
	assert_string_equal(policy_egress_rule(found), "/egress/2");
}

/* More often than there may be presets, and than there may be entries. */
static void test_a_preset_counts_once(void **state)
{
	static char text[16384];
	size_t n = (size_t)sprintf(text, "{\"egress\":[{\"preset\":\"one\"}");

	(void)state;
	for (size_t i = 0; i < POLICY_EGRESS_MAX; i++)
		n += (size_t)sprintf(text + n, ",{\"preset\":\"one\"}");
	strcpy(text + n, "]}");
	{
		autopolicy struct policy *policy = load_text(text);
		const struct policy_egress *found = policy_egress_find(policy, "one.example", 443);

		assert_non_null(found);
		assert_string_equal(policy_egress_rule(found), "/egress/0");
	}
}

static void test_presets_are_named_in_denials(void **state)
{
	autopolicy struct policy *policy = load_text(USE("one"));
	const struct policy_egress_request request = {
		.host = "one.example", .port = 443, .method = span_of("POST"), .path = "/p"};
	json_t *body = json_pack("{s:i}", "X", 1);
	struct policy_egress_decision decision;

	(void)state;
	policy_egress_decide_body(policy, &request, body, &decision);
	json_decref(body);
	assert_int_equal(decision.verdict, VERDICT_DENY);
	assert_string_equal(decision.rule, "/egress/0");
	assert_non_null(
		strstr(decision.reason, "by rule /egress/0 (preset one): no x (body.x is there)."));
}

static void test_presets_say_what_hosts_are_known_for(void **state)
{
	autopolicy struct policy *policy = load_text(USE("one"));
	autopolicy struct policy *bare = load_text("{}");

	(void)state;
	assert_int_equal(policy_host_kind(policy, "t.example"), HOST_TELEMETRY);
	assert_int_equal(policy_host_kind(policy, "a.b.t.example"), HOST_TELEMETRY);
	assert_int_equal(policy_host_kind(policy, "at.example"), HOST_UNKNOWN);
	assert_int_equal(policy_host_kind(policy, "login.example"), HOST_LOGIN);
	assert_int_equal(policy_host_kind(policy, "x.login.example"), HOST_UNKNOWN);
	assert_int_equal(policy_host_kind(policy, "one.example"), HOST_UNKNOWN);
	assert_int_equal(policy_host_kind(bare, "t.example"), HOST_UNKNOWN);
}

static void test_surroundings_bound_their_lists(void **state)
{
	static char text[16384];
	size_t n = (size_t)sprintf(text, "{\"environment\":{\"pass\":[");

	(void)state;
	for (int i = 0; i < POLICY_NAMES_MAX; i++)
		n += (size_t)sprintf(text + n, "%s\"V%d\"", i ? "," : "", i);
	strcpy(text + n, "]}}");
	{
		autopolicy struct policy *policy = load_text(text);

		assert_int_equal(policy_environment(policy)->pass.n, POLICY_NAMES_MAX);
	}
	strcpy(text + n, ",\"X\"]}}");
	assert_true(is_told(&(struct wrong){text, " /environment/pass", "257 strings; at most"}));
	strcpy(text + n, "]},\"egress\":[{\"preset\":\"one\"}]}");
	assert_true(is_told(&(struct wrong){text, " /egress/0", "258 strings; at most 256"}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_surroundings_are_empty_unless_said),
		cmocka_unit_test(test_environment_is_kept_as_written),
		cmocka_unit_test(test_filesystem_is_kept_as_written),
		cmocka_unit_test(test_sockets_are_kept_as_written),
		cmocka_unit_test(test_surroundings_are_refused_with_place_and_mend),
		cmocka_unit_test(test_presets_report_every_problem_at_their_place),
		cmocka_unit_test(test_presets_are_merged_into_the_policy),
		cmocka_unit_test(test_a_preset_counts_once),
		cmocka_unit_test(test_presets_are_named_in_denials),
		cmocka_unit_test(test_presets_say_what_hosts_are_known_for),
		cmocka_unit_test(test_surroundings_bound_their_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
