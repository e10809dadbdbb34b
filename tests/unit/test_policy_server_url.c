// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../policy/server_url.h"
#include "base/cleanup.h"

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *text, *url, *host;
	unsigned port;
	const char *path;
} sound[] = {
	{"https://promptfax.app/mcp", "https://promptfax.app/mcp", "promptfax.app", 443, "/mcp"},
	{"https://promptfax.app", "https://promptfax.app/", "promptfax.app", 443, "/"},
	{"HTTPS://PromptFax.APP:443/MCP/", "https://promptfax.app/MCP/", "promptfax.app", 443,
	 "/MCP/"},
	{"https://localhost:8443", "https://localhost:8443/", "localhost", 8443, "/"},
	{"https://127.0.0.1:1/a.b/~c", "https://127.0.0.1:1/a.b/~c", "127.0.0.1", 1, "/a.b/~c"},
	{"https://[2001:DB8:0::1]:65535/m", "https://[2001:db8::1]:65535/m", "2001:db8::1", 65535,
	 "/m"},
	{"https://[::1]", "https://[::1]/", "::1", 443, "/"},
	{"https://xn--bcher-kva.example/..a/b..", "https://xn--bcher-kva.example/..a/b..",
	 "xn--bcher-kva.example", 443, "/..a/b.."},
	{"https://3com.example/a:b@c", "https://3com.example/a:b@c", "3com.example", 443, "/a:b@c"},
	{"https://" LABEL_63 ".a/", "https://" LABEL_63 ".a/", LABEL_63 ".a", 443, "/"},
};

static const struct {
	const char *text, *says;
} refused[] = {
	{"", "begins with https://"},
	{"https:/h/", "begins with https://"},
	{"promptfax.app/mcp", "begins with https://"},
	{"wss://h/", "begins with https://"},
	{"http://h/", "plain http"},
	{"https://", "the host is missing"},
	{"https:///mcp", "the host is missing"},
	{"https://:443/", "the host is missing"},
	{"https://user@h/", "user or password"},
	{"https://user:pw@h/", "user or password"},
	{"https://h/#f", "fragment"},
	{"https://h/?q", "query"},
	{"https://h?q", "query"},
	{"https://h /", "blank"},
	{"https://h/\t", "blank"},
	{"https://b\xc3\xbc.example/", "non-ASCII"},
	{"https://h/<x>", "blank"},
	{"https://h.example./", "ends with a dot"},
	{"https://a..b/", "not a host name"},
	{"https://.a/", "not a host name"},
	{"https://-a/", "not a host name"},
	{"https://a-/", "not a host name"},
	{"https://a_b/", "not a host name"},
	{"https://a*/", "not a host name"},
	{"https://%61/", "not a host name"},
	{"https://" LABEL_63 "a/", "not a host name"},
	{"https://" LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63, "at most 253"},
	{"https://2130706433/", "not a host name"},
	{"https://0x7f.1/", "not a host name"},
	{"https://0x7f000001/", "not a host name"},
	{"https://127.1/", "not a host name"},
	{"https://127.0.0.01/", "not a host name"},
	{"https://1.2.3.256/", "not a host name"},
	{"https://[::1/", "`]`"},
	{"https://[::g]/", "not an IPv6 address"},
	{"https://[fe80::1%25lo]/", "not an IPv6 address"},
	{"https://[]/", "not an IPv6 address"},
	{"https://[::1]x/", "only `:PORT`"},
	{"https://::1/", "the host is missing"},
	{"https://h:/", "from 1 to 65535"},
	{"https://h:0/", "from 1 to 65535"},
	{"https://h:0443/", "from 1 to 65535"},
	{"https://h:65536/", "from 1 to 65535"},
	{"https://h:+1/", "from 1 to 65535"},
	{"https://h:99999999999999999999/", "from 1 to 65535"},
	{"https://h:1:2/", "from 1 to 65535"},
	{"https://h/a%2fb", "percent-encoding"},
	{"https://h/a//b", "empty segment"},
	{"https://h/./b", "`.` segment"},
	{"https://h/a/..", "`..` segment"},
	{"https://h/a/.", "`.` segment"},
	{"https://h/../b", "`..` segment"},
	{"https://h\\@evil/", "reverse solidus"},
	{"https://h/a\\b", "reverse solidus"},
	{"https://h\\a", "reverse solidus"},
	{"https://h/a]", "bracket"},
	{"https://h/[a", "bracket"},
};

static void test_server_url_normalises(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sound); i++) {
		struct server_url url;
		const char *what, *mend;

		assert_int_equal(server_url_parse(sound[i].text, &url, &what, &mend), 0);
		assert_string_equal(url.url, sound[i].url);
		assert_string_equal(url.host, sound[i].host);
		assert_int_equal(url.port, sound[i].port);
		assert_string_equal(url.path, sound[i].path);
	}
}

static void test_server_url_refuses_what_can_be_read_in_two_ways(void **state)
{
	size_t hold = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct server_url url = {.port = 7};
		const char *what = "", *mend = NULL;
		int r = server_url_parse(refused[i].text, &url, &what, &mend);

		if (r == -EINVAL && strstr(what, refused[i].says) && url.port == 7)
			hold++;
		else
			print_error("%s: %d %s\n", refused[i].text, r, what);
	}
	assert_int_equal(hold, ARRAY_SIZE(refused));
}

static void test_server_url_bounds_the_path(void **state)
{
	char text[SERVER_URL_MAX + 64] = "https://h/";
	const char *what, *mend;
	struct server_url url;

	(void)state;
	memset(text + 10, 'a', SERVER_PATH_MAX - 1);
	assert_int_equal(server_url_parse(text, &url, &what, &mend), 0);
	assert_int_equal(strlen(url.path), SERVER_PATH_MAX);
	text[10 + SERVER_PATH_MAX - 1] = '.';
	assert_int_equal(server_url_parse(text, &url, &what, &mend), -EINVAL);
	assert_non_null(strstr(what, "at most 1024"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_url_normalises),
		cmocka_unit_test(test_server_url_refuses_what_can_be_read_in_two_ways),
		cmocka_unit_test(test_server_url_bounds_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
