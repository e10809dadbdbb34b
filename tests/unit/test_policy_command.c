// SPDX-License-Identifier: Apache-2.0
/*
 * `mcpjail policy`: exit status, and which stream says what; and what becomes of the file.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "commands/policy.h"
#include "policy/policy.h"

static char directory[] = "/tmp/mcpjail-policy-XXXXXX";

static const struct {
	const char *name, *text;
} files[] = {
	{"good.json", "{\"version\":\"1\",\"tools\":{\"a\":{}}}"},
	{"bad.json", "{\"version\":\"1\",\n\"toolz\":{},\n\"mode\":7}"},
	{"empty.json", ""},
	{"-dash.json", "{}"},
	{"mcpjail/policy.json", "{\"tools\":{\"a\":{},\"b\":{},\"c\":{}}}"},
};

struct command_case {
	const char *argv[5];
	int status;
	const char *out, *err; /* pieces; NULL: nothing at all */
};

static const struct command_case cases[] = {
	{{"policy", "check", "good.json"}, 0, "good.json: sound (1 tool listed, https://", NULL},
	{{"policy", "check", "--", "-dash.json"}, 0, "-dash.json: sound", NULL},
	{{"policy", "check", "bad.json"},
	 1,
	 NULL,
	 "mcpjail: bad.json:2:1 /toolz: unknown key, did you mean `tools`?\n"
	 "mcpjail: bad.json:3:8 /mode: must be a string, is a number"},
	{{"policy", "check", "bad.json"}, 1, NULL, "mcpjail: bad.json: 2 errors\n"},
	{{"policy", "check", "empty.json"}, 1, NULL, "mcpjail: empty.json:1:1: there is nothing"},
	{{"policy", "check", "missing.json"}, 2, NULL, "missing.json"},
	{{"policy", "check", "."}, 2, NULL, "directory"},
	{{"policy", "check", "good.json", "bad.json"}, 2, NULL, "one file at a time"},
	{{"policy", "check", "--jsn", "good.json"}, 2, NULL, "unknown option --jsn"},
	{{"policy"}, 2, NULL, "usage: mcpjail policy check"},
	{{"policy", "--help"}, 0, "usage: mcpjail policy check", NULL},
	{{"policy", "explian"}, 2, NULL, "policy explian: no such command"},
	{{"policy", "check"}, 0, "/mcpjail/policy.json: sound (3 tools", NULL},
};

/* Send a stream into a file of the test's directory. Return: the stream as it was. */
static int capture(int fd, const char *path)
{
	autoclose int to = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int saved = dup(fd);

	assert_true(to >= 0 && saved >= 0);
	assert_return_code(dup2(to, fd), 0);
	return saved;
}

static void restore(int fd, int saved, const char *path, char *ret_text, size_t size)
{
	FILE *file;

	dup2(saved, fd);
	close(saved);
	file = fopen(path, "r");
	assert_non_null(file);
	ret_text[fread(ret_text, 1, size - 1, file)] = '\0';
	fclose(file);
}

static int run(const char *const *arguments, char *out, char *err, size_t size)
{
	char *argv[9] = {NULL};
	int argc = 0, saved_out, saved_err, status;

	for (; arguments[argc]; argc++)
		argv[argc] = strdup(arguments[argc]);
	fflush(stdout);
	saved_out = capture(STDOUT_FILENO, "out");
	saved_err = capture(STDERR_FILENO, "err");
	status = command_policy(argc, argv);
	fflush(stdout);
	restore(STDOUT_FILENO, saved_out, "out", out, size);
	restore(STDERR_FILENO, saved_err, "err", err, size);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return status;
}

static bool says(const char *text, const char *piece)
{
	return piece ? strstr(text, piece) != NULL : !text[0];
}

static void test_check_answers_by_status_and_stream(void **state)
{
	size_t hold = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[8192], err[8192];
		int status = run(cases[i].argv, out, err, sizeof(out));

		if (status == cases[i].status && says(out, cases[i].out) && says(err, cases[i].err))
			hold++;
		else
			print_error("case %zu: %d\n%s%s", i, status, out, err);
	}
	assert_int_equal(hold, ARRAY_SIZE(cases));
}

static void test_check_json_places_each_error(void **state)
{
	static const char *const argv[] = {"policy", "check", "--json", "bad.json", NULL};
	char out[8192], err[8192];
	json_t *root, *second;

	(void)state;
	assert_int_equal(run(argv, out, err, sizeof(out)), 1);
	assert_string_equal(err, "");
	root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_true(json_is_false(json_object_get(root, "sound")));
	assert_int_equal(json_array_size(json_object_get(root, "errors")), 2);
	second = json_array_get(json_object_get(root, "errors"), 1);
	assert_int_equal(json_integer_value(json_object_get(second, "line")), 3);
	assert_int_equal(json_integer_value(json_object_get(second, "column")), 8);
	assert_string_equal(json_string_value(json_object_get(second, "pointer")), "/mode");
	json_decref(root);
}

static void test_check_json_of_a_sound_policy(void **state)
{
	static const char *const argv[] = {"policy", "check", "good.json", "--json", NULL};
	char out[8192], err[8192];
	json_t *root;

	(void)state;
	assert_int_equal(run(argv, out, err, sizeof(out)), 0);
	root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_true(json_is_true(json_object_get(root, "sound")));
	assert_int_equal(json_integer_value(json_object_get(root, "tools")), 1);
	assert_int_equal(json_array_size(json_object_get(root, "errors")), 0);
	json_decref(root);
}

/* --- allow and deny ------------------------------------------------------------ */

static void put_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *name, const char *text)
{
	char got[8192];
	FILE *file = fopen(name, "r");

	assert_non_null(file);
	got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(got, text);
}

#define ONE "{\n  \"egress\": [\n    {\"host\": \"a.example.org\"}\n  ]\n}\n"
#define TWO                                                                                        \
	"{\n  \"egress\": [\n    {\"host\": \"a.example.org\"},\n    {\"host\": "                  \
	"\"example.net\"}\n  ]\n}\n"

#define BAN "\"deny_body\":[{\"body.x\":{\"exists\":true}}]"

struct change_case {
	const char *argv[6];
	const char *before, *after; /* of file.json; NULL: as it was */
	int status;
	const char *out, *err; /* pieces; NULL: nothing at all */
};

static const struct change_case changes[] = {
	{{"allow", "-p", "file.json", "Example.NET"}, ONE, TWO, 0, "allowed: example.net\n", NULL},
	{{"allow", "-p", "file.json", "example.net"},
	 TWO,
	 NULL,
	 0,
	 "already allowed: example.net, by /egress/1\nunchanged: ",
	 NULL},
	{{"allow", "--policy=file.json", "a.example.org:8443"},
	 "{\"egress\":[{\"host\":\"a.example.org\"}]}",
	 "{\"egress\":[{\"host\":\"a.example.org\"},{\"host\":\"a.example.org\",\"ports\":[8443]}]"
	 "}",
	 0,
	 "allowed: a.example.org:8443\n",
	 NULL},
	{{"allow", "-p", "file.json", "example.net", "example.com"},
	 "{}",
	 "{\"egress\": [{\"host\": \"example.net\"}, {\"host\": \"example.com\"}]}",
	 0,
	 "allowed: example.net\nallowed: example.com\nwritten: ",
	 NULL},
	/* what a wildcard or a tunnel lets through needs no entry; what has conditions does */
	{{"allow", "-p", "file.json", "b.example.org"},
	 "{\"egress\":[{\"host\":\"*.example.org\"}]}",
	 NULL,
	 0,
	 "already allowed: b.example.org, by /egress/0",
	 NULL},
	{{"allow", "-p", "file.json", "b.example.org"},
	 "{\"egress\":[{\"host\":\"b.example.org\",\"mode\":\"tunnel\"}]}",
	 NULL,
	 0,
	 "already allowed: b.example.org",
	 NULL},
	{{"allow", "-p", "file.json", "b.example.org"},
	 "{\"egress\":[{\"host\":\"b.example.org\",\"methods\":[\"GET\"]}]}",
	 "{\"egress\":[{\"host\":\"b.example.org\",\"methods\":[\"GET\"]},{\"host\":\"b.example."
	 "org\"}]}",
	 0,
	 "allowed: b.example.org",
	 NULL},
	{{"allow", "-p", "file.json", "promptfax.app"},
	 ONE,
	 NULL,
	 2,
	 NULL,
	 "is the policy's MCP server"},
	{{"allow", "-p", "file.json", "example.net"},
	 "{\"toolz\":{}}",
	 NULL,
	 1,
	 NULL,
	 "/toolz: unknown key"},
	{{"allow", "-p", "file.json", "example.net"}, "", NULL, 1, NULL, "there is nothing in it"},
	{{"allow", "-p", "file.json", "https://example.net/x"},
	 ONE,
	 NULL,
	 2,
	 NULL,
	 "write the host only: example.net"},
	{{"allow", "-p", "missing.json", "example.net"},
	 ONE,
	 NULL,
	 2,
	 NULL,
	 "missing.json: No such file"},
	{{"allow", "-p", ".", "example.net"}, ONE, NULL, 2, NULL, "regular file"},
	{{"allow", "-p", "file.json"}, ONE, NULL, 2, NULL, "name a host"},
	{{"allow", "example.net", "-p"}, ONE, NULL, 2, NULL, "-p wants a value"},
	{{"allow", "--nonsense", "example.net"}, ONE, NULL, 2, NULL, "unknown option --nonsense"},
	/* tools */
	{{"allow", "-p", "file.json", "--tool", "get_quote"},
	 "{\"tools\": {\"a\": {}}}",
	 "{\"tools\": {\"a\": {}, \"get_quote\": {}}}",
	 0,
	 "allowed: tool get_quote\n",
	 NULL},
	{{"allow", "-p", "file.json", "--tool=a"},
	 "{\"tools\":{\"a\":{}}}",
	 NULL,
	 0,
	 "already allowed: tool a\n",
	 NULL},
	{{"allow", "-p", "file.json", "--tool", "a"},
	 "{\"tools\":{\"a\":{\"action\":\"deny\"}}}",
	 NULL,
	 1,
	 NULL,
	 "/tools/a has a rule of its own"},
	{{"allow", "-p", "file.json", "--tool", "a"},
	 "{\"hide\":[\"a\"]}",
	 NULL,
	 1,
	 NULL,
	 "tool a stays denied"},
	{{"allow", "-p", "file.json", "--tool", "a b"}, ONE, NULL, 2, NULL, "letters, digits"},
	/* deny */
	{{"deny", "-p", "file.json", "example.net"},
	 TWO,
	 ONE,
	 0,
	 "removed: example.net\nwritten: ",
	 NULL},
	{{"deny", "-p", "file.json", "example.net"},
	 ONE,
	 NULL,
	 0,
	 "no entry of its own: example.net\nunchanged: ",
	 NULL},
	{{"deny", "-p", "file.json", "a.example.org"},
	 "{\"egress\":[{\"host\":\"a.example.org\"},{\"host\":\"*.example.org\"},{\"host\":\"a."
	 "example.org\",\"ports\":[8443]}]}",
	 "{\"egress\":[{\"host\":\"*.example.org\"}]}",
	 0,
	 "removed: a.example.org\nstill allowed: a.example.org, by /egress/0, which has "
	 "*.example.org\n",
	 NULL},
	{{"deny", "-p", "file.json", "github.com"},
	 "{\"egress\":[{\"preset\":\"github\"}]}",
	 NULL,
	 0,
	 "still allowed: github.com, by /egress/0, the preset github\n",
	 NULL},
	{{"deny", "-p", "file.json", "a.example.org:8443"},
	 "{\"egress\":[{\"host\":\"a.example.org\",\"ports\":[443, 8443]}]}",
	 "{\"egress\":[{\"host\":\"a.example.org\",\"ports\":[443]}]}",
	 0,
	 "removed: a.example.org:8443\n",
	 NULL},
	{{"deny", "-p", "file.json", "a.example.org:8443"},
	 ONE,
	 NULL,
	 0,
	 "no entry of its own",
	 NULL},
	/* an entry that forbids is not taken out where that would allow more */
	{{"deny", "-p", "file.json", "a.example.org"},
	 "{\"egress\":[{\"host\":\"a.example.org\"," BAN "},{\"host\":\"*.example.org\"}]}",
	 NULL,
	 1,
	 NULL,
	 "the `deny_body` of an entry for a.example.org forbids what other entries would allow"},
	{{"deny", "-p", "file.json", "a.example.org"},
	 "{\"egress\":[{\"host\":\"a.example.org\",\"ports\":[8443]," BAN "},{\"host\":"
	 "\"*.example.org\",\"ports\":[8443]}]}",
	 NULL,
	 1,
	 NULL,
	 "the file is as it was"},
	{{"deny", "-p", "file.json", "*.example.org"},
	 "{\"egress\":[{\"host\":\"a.example.org\"},{\"host\":\"*.example.org\"," BAN "}]}",
	 NULL,
	 1,
	 NULL,
	 "the `deny_body` of an entry for *.example.org forbids"},
	{{"deny", "-p", "file.json", "a.example.org"},
	 "{\"egress\":[{\"host\":\"a.example.org\"},{\"host\":\"a.example.org\"," BAN "}]}",
	 "{\"egress\":[]}",
	 0,
	 "removed: a.example.org\nwritten: ",
	 NULL},
	{{"deny", "-p", "file.json", "a.example.org:8443"},
	 "{\"egress\":[{\"host\":\"a.example.org\",\"ports\":[443, 8443]," BAN "}]}",
	 "{\"egress\":[{\"host\":\"a.example.org\",\"ports\":[443]," BAN "}]}",
	 0,
	 "removed: a.example.org:8443\n",
	 NULL},
	{{"deny", "-p", "file.json", "--tool", "a"}, ONE, NULL, 2, NULL, "remove the tool's rule"},
};

static void test_changes_are_made_to_the_file_or_not_at_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		const struct change_case *c = &changes[i];
		const char *argv[8] = {"policy"};
		char out[8192], err[8192];
		int status;

		put_file("file.json", c->before);
		for (size_t w = 0; w < ARRAY_SIZE(c->argv) && c->argv[w]; w++)
			argv[w + 1] = c->argv[w];
		status = run(argv, out, err, sizeof(out));
		if (status != c->status || !says(out, c->out) || !says(err, c->err))
			fail_msg("case %zu: %d\n%s%s", i, status, out, err);
		assert_file("file.json", c->after ? c->after : c->before);
	}
	unlink("file.json");
}

static void test_a_link_stays_one_and_a_mode_stays(void **state)
{
	static const char *const argv[] = {"policy",    "allow",       "-p",
					   "link.json", "example.net", NULL};
	char out[8192], err[8192], target[64];
	struct stat st;
	ssize_t n;

	(void)state;
	put_file("file.json", ONE);
	assert_int_equal(chmod("file.json", 0640), 0);
	assert_int_equal(symlink("file.json", "link.json"), 0);
	assert_int_equal(run(argv, out, err, sizeof(out)), 0);
	n = readlink("link.json", target, sizeof(target) - 1);
	assert_int_equal(n, strlen("file.json"));
	assert_file("file.json", TWO);
	assert_int_equal(stat("file.json", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	unlink("link.json");
	unlink("file.json");
}

/* The name of what a link leads to is another's choice, perhaps that of an earlier agent. */
static void test_what_is_told_is_safe_for_a_terminal(void **state)
{
	static const char *const argv[] = {"policy",    "allow",       "-p",
					   "link.json", "example.net", NULL};
	char out[8192], err[8192];

	(void)state;
	put_file("\033[2J.json", ONE);
	assert_int_equal(symlink("\033[2J.json", "link.json"), 0);
	assert_int_equal(run(argv, out, err, sizeof(out)), 0);
	assert_null(strchr(out, '\033'));
	assert_non_null(strstr(out, "/\\x1b[2J.json\n"));
	unlink("link.json");
	unlink("\033[2J.json");
}

static void test_a_missing_policy_of_ones_own_is_made_from_the_one_in_force(void **state)
{
	static const char *const argv[] = {"policy", "allow", "example.net", NULL};
	char out[8192], err[8192], home[PATH_MAX], made[PATH_MAX + 32];
	const char *builtin, *in_force;
	size_t n;

	(void)state;
	snprintf(home, sizeof(home), "%s/new/config", directory);
	setenv("XDG_CONFIG_HOME", home, 1);
	assert_int_equal(run(argv, out, err, sizeof(out)), 0);
	/* A machine may have a policy of its own, which is then the one that was in force. */
	in_force = access("/etc/mcpjail/policy.json", F_OK)
			   ? "made from the built-in PromptFax policy: "
			   : "made from /etc/mcpjail/policy.json: ";
	assert_non_null(strstr(out, in_force));
	assert_non_null(strstr(out, "allowed: example.net\n"));
	snprintf(made, sizeof(made), "%s/mcpjail/policy.json", home);
	builtin = policy_builtin(&n);
	if (in_force[strlen("made from ")] == 't') {
		char text[16384];
		FILE *file = fopen(made, "r");

		assert_non_null(file);
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
		/* Up to its last brace, the copy is what is built in. */
		assert_memory_equal(text, builtin, n - strlen("\n}\n"));
		assert_non_null(strstr(
			text, ",\n  \"egress\": [\n    {\"host\": \"example.net\"}\n  ]\n}\n"));
	}
	assert_int_equal(run(argv, out, err, sizeof(out)), 0);
	assert_non_null(strstr(out, "already allowed: example.net"));
	unlink(made);
	rmdir("new/config/mcpjail");
	rmdir("new/config");
	assert_int_equal(rmdir("new"), 0); /* nothing is left beside the policy */
	setenv("XDG_CONFIG_HOME", directory, 1);
}

static int make_files(void **state)
{
	(void)state;
	if (!mkdtemp(directory) || chdir(directory) || mkdir("mcpjail", 0700))
		return -1;
	setenv("XDG_CONFIG_HOME", directory, 1);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		FILE *file = fopen(files[i].name, "w");

		if (!file || fputs(files[i].text, file) < 0 || fclose(file))
			return -1;
	}
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlink(files[i].name);
	unlink("out");
	unlink("err");
	rmdir("mcpjail");
	return chdir("/") || rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_answers_by_status_and_stream),
		cmocka_unit_test(test_check_json_places_each_error),
		cmocka_unit_test(test_check_json_of_a_sound_policy),
		cmocka_unit_test(test_changes_are_made_to_the_file_or_not_at_all),
		cmocka_unit_test(test_a_link_stays_one_and_a_mode_stays),
		cmocka_unit_test(test_what_is_told_is_safe_for_a_terminal),
		cmocka_unit_test(test_a_missing_policy_of_ones_own_is_made_from_the_one_in_force),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
