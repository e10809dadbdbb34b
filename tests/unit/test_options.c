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
		{{"--tier=c", "--", "x"}, "--tier"},
		{{"--tier=ab", "--", "x"}, "--tier"},
		{{"--observe=1", "--", "x"}, "--observe"},
		{{"--fail-on=drift", "--", "x"}, "--fail-on"},
		{{"--preset=nonsense", "--", "x"}, "--preset"},
		{{"--preset=", "--", "x"}, "--preset"},
		{{"--forward-host=0", "--", "x"}, "--forward-host"},
		{{"--forward-host=70000", "--", "x"}, "--forward-host"},
		{{"--forward-host=x:80", "--", "x"}, "--forward-host"},
		{{"--env=A B", "--", "x"}, "--env"},
		{{"--env=*", "--", "x"}, "--env"},
		{{"--env=1A", "--", "x"}, "--env"},
		{{"--allow", "--", "x"}, "--allow"},
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

/* --allow: what is read, and what is said of what cannot be. */
static void test_allow_reads_hosts_and_says_what_to_write(void **state)
{
	static const struct {
		const char *value, *host; /* NULL: refused */
		uint16_t port;
		const char *what, *mend; /* pieces of the refusal */
	} rows[] = {
		{"example.org", "example.org", 443, NULL, NULL},
		{"Example.ORG:8443", "example.org", 8443, NULL, NULL},
		{"example.org.", "example.org", 443, NULL, NULL},
		{"*.Example.org", "*.example.org", 443, NULL, NULL},
		{"[2001:DB8::0:1]:8443", "2001:db8::1", 8443, NULL, NULL},
		{"[2001:db8::1]", "2001:db8::1", 443, NULL, NULL},
		{"192.0.2.1", "192.0.2.1", 443, NULL, NULL},
		{"https://example.org/x?y", NULL, 0, "is a URL",
		 "write the host only: example.org"},
		{"https://u:p@example.org:8443/", NULL, 0, "is a URL", ": example.org:8443"},
		{"example.org/x", NULL, 0, "is more than a host", ": example.org"},
		{"git@example.org:x", NULL, 0, "is more than a host", ""},
		{"https://", NULL, 0, "is a URL", ""},
		{"2001:db8::1", NULL, 0, "more than one colon", "[2001:db8::1]"},
		{"[2001:db8::1", NULL, 0, "bracket", ""},
		{"[2001:db8::1]8443", NULL, 0, "bracket", ""},
		{"example.org:", NULL, 0, "no port", "1 to 65535"},
		{"example.org:0", NULL, 0, "no port", ""},
		{"example.org:99999", NULL, 0, "no port", ""},
		{"example.org:443x", NULL, 0, "no port", ""},
		{"8443", NULL, 0, "is a port", "HOST:PORT"},
		{":8443", NULL, 0, "names no host", ""},
		{".", NULL, 0, "names no host", ""},
		{"localhost:3000", NULL, 0, "own loopback", "--forward-host"},
		{"127.0.0.1:3000", NULL, 0, "own loopback", "--forward-host"},
		{"[::1]:3000", NULL, 0, "own loopback", "--forward-host"},
		{"host.mcpjail.internal:3000", NULL, 0, "is this machine", "--forward-host"},
		{"*.org", NULL, 0, "", ""},
		{"*", NULL, 0, "", ""},
		{"a b", NULL, 0, "", ""},
		{"exa\"mple.org", NULL, 0, "'exa\"mple.org' is refused: not a host name", ""},
		{"Exa_mple.org:80", NULL, 0, "'Exa_mple.org:80' is refused: not a host name", ""},
		{"*.mcpjail.internal", NULL, 0, "*.mcpjail.internal takes in", ""},
		{"ex\xc3\xa4mple.org", NULL, 0, "", ""},
		{"a.*.org", NULL, 0, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct run_options o;
		struct error err = {.what = ""};
		char value[128];
		int r;

		snprintf(value, sizeof(value), "%s", rows[i].value);
		r = options_parse(ARGV("--allow", value, "--", "x"), &o, &err);
		if (r != (rows[i].host ? 0 : -EINVAL))
			fail_msg("%s: %d %s", value, r, err.what);
		if (rows[i].host) {
			assert_string_equal(o.allow[0].host, rows[i].host);
			assert_int_equal(o.allow[0].port, rows[i].port);
			continue;
		}
		assert_string_equal(err.where, "--allow");
		assert_true(err.what[0] != '\0');
		if (!strstr(err.what, rows[i].what) || !strstr(err.mend, rows[i].mend))
			fail_msg("%s: %s; %s", value, err.what, err.mend);
	}
}

static void test_a_destination_is_written_as_an_entry_and_as_a_flag(void **state)
{
	static const struct {
		const char *value, *entry, *text;
	} rows[] = {
		{"example.org:443", "{\"host\":\"example.org\"}", "example.org"},
		{"example.org:80", "{\"host\":\"example.org\",\"ports\":[80]}", "example.org:80"},
		{"[2001:db8::1]", "{\"host\":\"2001:db8::1\"}", "[2001:db8::1]"},
		{"[2001:db8::1]:8", "{\"host\":\"2001:db8::1\",\"ports\":[8]}", "[2001:db8::1]:8"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char entry[DESTINATION_ENTRY_MAX], text[DESTINATION_TEXT_BYTES];
		struct destination d;

		assert_int_equal(destination_parse(rows[i].value, &d, NULL), 0);
		destination_entry(&d, entry);
		destination_text(&d, text);
		assert_string_equal(entry, rows[i].entry);
		assert_string_equal(text, rows[i].text);
	}
}

static void test_repeated_options_are_kept_and_bounded(void **state)
{
	static const struct {
		const char *option, *value;
		size_t most, offset;
	} rows[] = {
		{"--allow", "example.org", OPTIONS_ALLOW_MAX,
		 offsetof(struct run_options, n_allow)},
		{"--preset", "github", OPTIONS_PRESETS_MAX,
		 offsetof(struct run_options, n_presets)},
		{"--forward-host", "3000", OPTIONS_FORWARD_MAX,
		 offsetof(struct run_options, n_forward_ports)},
		{"--env", "AWS_*", OPTIONS_ENV_MAX, offsetof(struct run_options, n_pass_env)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *argv[2 * 80 + 3] = {NULL}, option[32], value[32];
		struct run_options o;
		struct error err;
		size_t n = 2 * rows[i].most, kept;

		snprintf(option, sizeof(option), "%s", rows[i].option);
		snprintf(value, sizeof(value), "%s", rows[i].value);
		for (size_t w = 0; w < n + 2; w++)
			argv[w] = w % 2 ? value : option;
		argv[n] = ARGV("--")[0];
		argv[n + 1] = value;
		assert_int_equal(options_parse(argv, &o, &err), 0);
		memcpy(&kept, (const char *)&o + rows[i].offset, sizeof(kept));
		assert_int_equal(kept, rows[i].most);
		argv[n] = option;
		assert_int_equal(options_parse(argv, &o, &err), -EINVAL);
		assert_string_equal(err.where, rows[i].option);
	}
}

static void test_a_value_of_env_is_not_repeated(void **state)
{
	struct run_options o;
	struct error err;

	(void)state;
	assert_int_equal(options_parse(ARGV("--env", "TOKEN=hunter2", "--", "x"), &o, &err),
			 -EINVAL);
	assert_null(strstr(err.what, "hunter2"));
	assert_null(strstr(err.mend, "hunter2"));
	assert_non_null(strstr(err.mend, "--env NAME"));
}

static void test_the_preset_of_the_command_can_be_declined(void **state)
{
	struct run_options o;
	struct error err;

	(void)state;
	assert_int_equal(options_parse(ARGV("--preset", "none", "--", "x"), &o, &err), 0);
	assert_true(o.no_preset_by_name);
	assert_int_equal(o.n_presets, 0);
	assert_int_equal(options_parse(ARGV("--preset", "gitub", "--", "x"), &o, &err), -EINVAL);
	assert_non_null(strstr(err.mend, "github"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_are_read_up_to_the_command),
		cmocka_unit_test(test_the_grant_comes_from_the_environment),
		cmocka_unit_test(test_connect_to_is_read_as_curl_reads_it),
		cmocka_unit_test(test_wrong_options_name_themselves),
		cmocka_unit_test(test_allow_reads_hosts_and_says_what_to_write),
		cmocka_unit_test(test_a_destination_is_written_as_an_entry_and_as_a_flag),
		cmocka_unit_test(test_repeated_options_are_kept_and_bounded),
		cmocka_unit_test(test_a_value_of_env_is_not_repeated),
		cmocka_unit_test(test_the_preset_of_the_command_can_be_declined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
