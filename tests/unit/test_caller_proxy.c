// SPDX-License-Identifier: Apache-2.0
/*
 * The proxy that the environment names: which variable counts, how its URL is read, and that
 * no message repeats a secret.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../launcher/commands/caller_proxy.h"
#include "base/cleanup.h"

static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
					"ALL_PROXY",   "no_proxy",    "NO_PROXY"};

struct environment {
	const char *name, *value;
};

/* Return: what caller_proxy_read() does */
static int read_from(const struct environment *set, size_t n, struct caller_proxy *ret,
		     struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	for (size_t i = 0; i < n && set[i].name; i++)
		setenv(set[i].name, set[i].value, 1);
	*err = (struct error){.what = ""};
	return caller_proxy_read(ret, err);
}

static void test_the_first_variable_that_is_set_counts(void **state)
{
	static const struct {
		struct environment set[3];
		const char *words; /* NULL: no proxy is used */
		const char *no_proxy;
	} rows[] = {
		{{{NULL, NULL}}, NULL, ""},
		{{{"HTTPS_PROXY", "http://up:1"}, {"https_proxy", "http://low:2"}},
		 "low:2, from https_proxy",
		 ""},
		{{{"HTTPS_PROXY", "http://up:1"}, {"https_proxy", ""}},
		 "up:1, from HTTPS_PROXY",
		 ""},
		{{{"ALL_PROXY", "socks5://a:1"}, {"HTTPS_PROXY", "up:1"}},
		 "up:1, from HTTPS_PROXY",
		 ""},
		{{{"ALL_PROXY", "http://a:1"}, {"NO_PROXY", ".example"}},
		 "a:1, from ALL_PROXY",
		 ".example"},
		{{{"ALL_PROXY", "socks5://a:1"}, {"no_proxy", "*"}}, NULL, ""},
		{{{"NO_PROXY", "x"}}, NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char words[CALLER_PROXY_WORDS] = "";
		struct caller_proxy p;
		struct error err;

		assert_int_equal(read_from(rows[i].set, 3, &p, &err), 0);
		if (p.variable)
			caller_proxy_words(&p, words);
		if (!p.variable != !rows[i].words ||
		    (rows[i].words && strcmp(words, rows[i].words) != 0) ||
		    strcmp(p.no_proxy, rows[i].no_proxy) != 0)
			fail_msg("row %zu: %s, %s", i, words, p.no_proxy);
	}
}

static void test_a_url_is_read(void **state)
{
	static const struct {
		const char *value, *host, *userinfo;
		uint16_t port;
		const char *words;
	} rows[] = {
		{"proxy.example", "proxy.example", "", 80, "proxy.example:80, from"},
		{"HTTP://p:3128/x?y#z", "p", "", 3128, "p:3128, from"},
		{"http://[2001:db8::1]:8", "2001:db8::1", "", 8, "[2001:db8::1]:8, from"},
		{"http://ada:s%40c%3Aret@p", "p", "ada:s@c:ret", 80, "ada@p:80, from"},
		{"http://a@b:c@p:1", "p", "a@b:c", 1, "a@b@p:1, from"},
		{"http://token@p:1", "p", "token", 1, "p:1, from"},
		{"http://token:@p:1", "p", "token:", 1, "p:1, from"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct environment set[] = {{"https_proxy", rows[i].value}};
		char words[CALLER_PROXY_WORDS];
		struct caller_proxy p;
		struct error err;

		assert_int_equal(read_from(set, 1, &p, &err), 0);
		assert_string_equal(p.host, rows[i].host);
		assert_string_equal(p.userinfo, rows[i].userinfo);
		assert_int_equal(p.port, rows[i].port);
		caller_proxy_words(&p, words);
		assert_int_equal(strncmp(words, rows[i].words, strlen(rows[i].words)), 0);
	}
}

static void test_what_is_no_proxy_is_refused_without_its_secret(void **state)
{
	static const char *const values[] = {
		"http://u:hunter2@",          "http://u:hunter2@p:0",   "http://u:hunter2@p:x",
		"http://u:hunter2@p:99999",   "http://u:hunter2@p:1x",  "http://u:hunter2@[::1",
		"http://u:hunter%0d%0a@p:1",  "http://u:hunter%zz@p:1", "http://u:hunter%4@p",
		"https://u:hunter2@p:1",      "socks5://u:hunter2@p:1", "u:hunter2@p:1://",
		"http://u:hunter2@[::1]443/", "http://u:hunter2@:1",    "http://u:hunter%00@p:1",
	};
	static char many[CALLER_PROXY_USERINFO + 64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		const struct environment set[] = {{"https_proxy", values[i]}};
		struct caller_proxy p;
		struct error err;

		assert_int_equal(read_from(set, 1, &p, &err), -EINVAL);
		assert_string_equal(err.where, "https_proxy");
		if (!err.what[0] || strstr(err.what, "hunter") || strstr(err.mend, "hunter") ||
		    p.variable || p.host[0] || p.userinfo[0])
			fail_msg("%s: %s; %s", values[i], err.what, err.mend);
	}
	memset(many, 'a', CALLER_PROXY_USERINFO + 1);
	strcat(many, "@p");
	const struct environment set[] = {{"https_proxy", many}};
	struct caller_proxy p;
	struct error err;

	assert_int_equal(read_from(set, 1, &p, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_variable_that_is_set_counts),
		cmocka_unit_test(test_a_url_is_read),
		cmocka_unit_test(test_what_is_no_proxy_is_refused_without_its_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
