// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "commands/options.h"

#define ARGV(...) ((char *[]){__VA_ARGS__, NULL})

static void test_options_are_read_up_to_the_command(void **state)
{
	struct run_options o;
	struct error err;

	(void)state;
	unsetenv("MCPJAIL_GRANT");
	assert_int_equal(options_parse(ARGV("-p", "x.json", "--grant=ci", "-vv", "--timeout", "90s",
					    "--write", "/a", "--write=/b", "--fail-on",
					    "denied,lost", "--", "cmd", "--", "-p"),
				       &o, &err),
			 0);
	assert_string_equal(o.policy_path, "x.json");
	assert_string_equal(o.grant, "ci");
	assert_int_equal(o.verbosity, 2);
	assert_int_equal(o.timeout_ms, 90000);
	assert_int_equal(o.n_write_dirs, 2);
	assert_int_equal(o.fail_on, FAIL_ON_DENIED | FAIL_ON_LOST);
	assert_string_equal(o.command[0], "cmd");
	assert_string_equal(o.command[1], "--");
	assert_string_equal(o.command[2], "-p");
	assert_null(o.command[3]);
}

static void test_the_grant_comes_from_the_environment(void **state)
{
	struct run_options o;
	struct error err;

	(void)state;
	setenv("MCPJAIL_GRANT", "nightly", 1);
	assert_int_equal(options_parse(ARGV("--", "x"), &o, &err), 0);
	assert_string_equal(o.grant, "nightly");
	setenv("MCPJAIL_GRANT", "no good", 1);
	assert_int_equal(options_parse(ARGV("--", "x"), &o, &err), -EINVAL);
	assert_string_equal(err.where, "$MCPJAIL_GRANT");
	unsetenv("MCPJAIL_GRANT");
	assert_int_equal(options_parse(ARGV("--", "x"), &o, &err), 0);
	assert_string_equal(o.grant, "default");
}

static void test_connect_to_is_read_as_curl_reads_it(void **state)
{
	static const struct {
		const char *value;
		int r;
		const char *host;
		uint16_t port;
		const char *address;
		uint16_t address_port;
	} rows[] = {
		{"promptfax.app:443:127.0.0.1:8443", 0, "promptfax.app", 443, "127.0.0.1", 8443},
		{"PromptFax.App::10.0.0.1:", 0, "promptfax.app", 0, "10.0.0.1", 0},
		{"::127.0.0.1:9", 0, "", 0, "127.0.0.1", 9},
		{"a:1:[::1]:2", 0, "a", 1, "::1", 2},
		{"[2001:db8::1]:1:b:2", 0, "2001:db8::1", 1, "b", 2},
		{"a:1:b", -EINVAL, NULL, 0, NULL, 0},
		{"a:1:b:2:3", -EINVAL, NULL, 0, NULL, 0},
		{"a:99999:b:2", -EINVAL, NULL, 0, NULL, 0},
		{"a:-1:b:2", -EINVAL, NULL, 0, NULL, 0},
		{"a:1:[::1:2", -EINVAL, NULL, 0, NULL, 0},
		{"", -EINVAL, NULL, 0, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct run_options o;
		struct error err;
		char value[128];

		snprintf(value, sizeof(value), "%s", rows[i].value);
		assert_int_equal(options_parse(ARGV("--connect-to", value, "--", "x"), &o, &err),
				 rows[i].r);
		if (rows[i].r)
			continue;
		assert_string_equal(o.dial_to[0].host, rows[i].host);
		assert_int_equal(o.dial_to[0].port, rows[i].port);
		assert_string_equal(o.dial_to[0].address, rows[i].address);
		assert_int_equal(o.dial_to[0].address_port, rows[i].address_port);
	}
}

static void test_wrong_options_name_themselves(void **state)
{
	static const struct {
		const char *words[4];
		const char *where;
	} rows[] = {
		{{"--nonsense", "--", "x"}, "--nonsense"},
		{{"-z", "--", "x"}, "-z"},
		{{"--quiet=1", "--", "x"}, "--quiet"},
		{{"--timeout=soon", "--", "x"}, "--timeout"},
		{{"--timeout=0", "--", "x"}, "--timeout"},
		{{"--tier=b", "--", "x"}, "--tier"},
		{{"--allow=example.org", "--", "x"}, "--allow"},
		{{"--fail-on=always", "--", "x"}, "--fail-on"},
		{{"--grant=a b", "--", "x"}, "--grant"},
		{{"ls", "-l"}, ""},
		{{"--"}, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char words[3][32], *argv[4] = {NULL};
		struct run_options o;
		struct error err = {.where = "untouched"};

		for (size_t w = 0; w < 3 && rows[i].words[w]; w++) {
			snprintf(words[w], sizeof(words[w]), "%s", rows[i].words[w]);
			argv[w] = words[w];
		}
		assert_int_equal(options_parse(argv, &o, &err), -EINVAL);
		assert_string_equal(err.where, rows[i].where);
		assert_true(err.what[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_are_read_up_to_the_command),
		cmocka_unit_test(test_the_grant_comes_from_the_environment),
		cmocka_unit_test(test_connect_to_is_read_as_curl_reads_it),
		cmocka_unit_test(test_wrong_options_name_themselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
