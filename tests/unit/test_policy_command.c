// SPDX-License-Identifier: Apache-2.0
/*
 * `mcpjail policy check`: exit status, and which stream says what.
 */
#include <fcntl.h>
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
	{{"policy", "explain"}, 2, NULL, "policy explain: no such command in this version"},
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
	char *argv[6] = {NULL};
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
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
