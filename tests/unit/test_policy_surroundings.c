// SPDX-License-Identifier: Apache-2.0
/*
 * `environment`, `filesystem`, `sockets` and `jail`, and what presets add to them. The presets are
 * this test's own.
 */
#include "cmocka_all.h"

#include <errno.h>
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
	PRESET("nests", "{\"jail\":{\"nested_sandbox\":true}}"),
	PRESET("switch", "{\"jail\":{\"ptrace\":true}}"),
	PRESET("mode", "{\"egress\":[{\"host\":\"one.example\",\"mode\":\"tunnel\"}]}"),
};

size_t policy_preset_count(void)
{
	return ARRAY_SIZE(presets);
}

const struct policy_preset *policy_preset_at(size_t i)
{
	return i < ARRAY_SIZE(presets) ? &presets[i] : NULL;
}

const struct policy_preset *policy_preset_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i];
	return NULL;
}

static struct policy *load(const char *text)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	struct policy *policy = NULL;
	char line[1300];

	if (!policy_parse(text, strlen(text), "p.json", &policy, &errors))
		return policy;
	error_format(policy_errors_at(&errors, 0), line, sizeof(line));
	fail_msg("%s\n  %s", text, line);
	return NULL;
}

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
#define JAIL(inside)        "{\"jail\":{" inside "}}"
#define USE(name)           "{\"egress\":[{\"preset\":\"" name "\"}]}"

static void test_surroundings_are_empty_unless_said(void **state)
{
	autopolicy struct policy *policy = load("{}");

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
	autopolicy struct policy *policy = load(
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
	autopolicy struct policy *policy =
		load(FILESYSTEM("\"read\":[\"~/.npmrc\",\"~\",\"/etc/x*/y?\",\"/opt\"],"
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
		load(SOCKETS("\"/run/docker.sock\",\"~/.x/s\",\"$PWD/s\",\"~/.x/s\""));

	(void)state;
	assert_names(*policy_sockets(policy), "/run/docker.sock ~/.x/s $PWD/s");
}

static void assert_jail(const char *inside, const struct policy_jail *expected)
{
	char text[256];

	snprintf(text, sizeof(text), JAIL("%s"), inside);
	{
		autopolicy struct policy *policy = load(text);
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
		{"\"cpu\":1.2345", {.cpu_milli = 1235}},
		{"\"run_time\":\"30m\"", {.run_time_ms = 1800000}},
		{"\"run_time\":\"90\"", {.run_time_ms = 90000}},
		{"\"run_time\":\"1ms\"", {.run_time_ms = 1}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_jail(cases[i].inside, &cases[i].jail);
}

static const struct wrong {
	const char *text, *where, *says;
} wrongs[] = {
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
	{USE("switch"), ":1:12 /egress/0",
	 "the preset is wrong, switch:1:10 /jail/ptrace: unknown key"},
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

static bool is_told(const struct wrong *w)
{
	autopolicyerrors struct policy_errors errors = {.n = 0};
	autopolicy struct policy *policy = NULL;
	int r = policy_parse(w->text, strlen(w->text), "p.json", &policy, &errors);
	char line[1300] = "";

	if (policy_errors_count(&errors))
		error_format(policy_errors_at(&errors, 0), line, sizeof(line));
	if (r == -EINVAL && policy_errors_count(&errors) == 1 && strstr(line, w->where) &&
	    strstr(line, w->says))
		return true;
	print_error("%s\n  expected once: %s: %s\n  got %d, %zu: %s\n", w->text, w->where, w->says,
		    r, policy_errors_count(&errors), line);
	return false;
}

static void test_surroundings_are_refused_with_place_and_mend(void **state)
{
	size_t told = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		told += is_told(&wrongs[i]);
	assert_int_equal(told, ARRAY_SIZE(wrongs));
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

static void test_presets_switch_nested_sandboxes_on_unless_the_policy_says_no(void **state)
{
	autopolicy struct policy *on = load(USE("nests"));
	autopolicy struct policy *off =
		load("{\"jail\":{\"nested_sandbox\":false},\"egress\":[{\"preset\":\"nests\"}]}");

	(void)state;
	assert_true(policy_jail(on)->nested_sandbox);
	assert_false(policy_jail(off)->nested_sandbox);
}

static void test_presets_are_merged_into_the_policy(void **state)
{
	autopolicy struct policy *policy =
		load("{\"egress\":[{\"preset\":\"two\"},{\"host\":\"a.example\"},"
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
		autopolicy struct policy *policy = load(text);
		const struct policy_egress *found = policy_egress_find(policy, "one.example", 443);

		assert_non_null(found);
		assert_string_equal(policy_egress_rule(found), "/egress/0");
	}
}

static void test_presets_are_named_in_denials(void **state)
{
	autopolicy struct policy *policy = load(USE("one"));
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
	autopolicy struct policy *policy = load(USE("one"));
	autopolicy struct policy *bare = load("{}");

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
		autopolicy struct policy *policy = load(text);

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
		cmocka_unit_test(test_jail_has_switches_and_limits),
		cmocka_unit_test(test_surroundings_are_refused_with_place_and_mend),
		cmocka_unit_test(test_presets_report_every_problem_at_their_place),
		cmocka_unit_test(test_presets_switch_nested_sandboxes_on_unless_the_policy_says_no),
		cmocka_unit_test(test_presets_are_merged_into_the_policy),
		cmocka_unit_test(test_a_preset_counts_once),
		cmocka_unit_test(test_presets_are_named_in_denials),
		cmocka_unit_test(test_presets_say_what_hosts_are_known_for),
		cmocka_unit_test(test_surroundings_bound_their_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
