// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "dial/targets.h"

static void test_target_kind_refuses_odd_forms(void **state)
{
	static const struct {
		const char *host;
		enum target_kind kind;
	} rows[] = {
		{"promptfax.app", TARGET_NAME},
		{"localhost", TARGET_NAME},
		{"a", TARGET_NAME},
		{"xn--bcher-kva.example", TARGET_NAME},
		{"_mcp.example", TARGET_NAME},
		{"1password.com", TARGET_NAME},
		{"127.0.0.1.nip.io", TARGET_NAME},
		{"0xg.example.a0", TARGET_NAME},
		{"192.0.2.1", TARGET_LITERAL},
		{"2001:db8::1", TARGET_LITERAL},
		{"::1", TARGET_LITERAL},
		{"", TARGET_BAD},
		{".", TARGET_BAD},
		{"a.", TARGET_BAD},
		{".a", TARGET_BAD},
		{"a..b", TARGET_BAD},
		{"127.1", TARGET_BAD},
		{"1", TARGET_BAD},
		{"2130706433", TARGET_BAD},
		{"0x7f.1", TARGET_BAD},
		{"0x7f000001", TARGET_BAD},
		{"0x", TARGET_BAD},
		{"0X7F000001", TARGET_BAD},
		{"0177.0.0.1", TARGET_BAD},
		{"127.0.0.01", TARGET_BAD},
		{"1.2.3.256", TARGET_BAD},
		{"example.1", TARGET_BAD},
		{"example.0x1", TARGET_BAD},
		{"[::1]", TARGET_BAD},
		{"::ffff:127.0.0.1", TARGET_BAD},
		{"fe80::1%eth0", TARGET_BAD},
		{"a b", TARGET_BAD},
		{"a/b", TARGET_BAD},
		{"a@b", TARGET_BAD},
		{"a:443", TARGET_BAD},
		{"a%00b", TARGET_BAD},
		{"b\303\274cher.example", TARGET_BAD},
		{"a\nb", TARGET_BAD},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
		 TARGET_BAD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (target_kind(rows[i].host) != rows[i].kind)
			fail_msg("\"%s\" is %d, not %d", rows[i].host, target_kind(rows[i].host),
				 rows[i].kind);
	}
}

static struct msg_dial_to entry(const char *host, uint32_t port, const char *address,
				uint32_t address_port)
{
	return (struct msg_dial_to){span_of(host), port, span_of(address), address_port};
}

static void test_connect_to_takes_the_first_match(void **state)
{
	const struct msg_dialer_config config = {
		.dial_to = {entry("PromptFax.app", 443, "127.0.0.1", 8443),
			    entry("promptfax.app", 0, "[::1]", 0), entry("", 444, "", 445),
			    entry("same.example", 0, "", 9), entry("", 0, "fallback.example", 1)},
		.n_dial_to = 5,
	};
	static const struct {
		const char *host;
		uint16_t port;
		const char *to;
		uint16_t to_port;
		bool is_chosen;
	} rows[] = {
		{"promptfax.app", 443, "127.0.0.1", 8443, true},
		{"promptfax.app", 80, "::1", 80, true},
		{"other.example", 444, "other.example", 445, false},
		{"same.example", 443, "same.example", 9, false},
		{"other.example", 443, "fallback.example", 1, true},
	};
	static struct connect_to_list list;
	struct target target;

	(void)state;
	assert_int_equal(connect_to_load(&config, &list, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		connect_to_find(&list, rows[i].host, rows[i].port, &target);
		assert_string_equal(target.host, rows[i].to);
		assert_int_equal(target.port, rows[i].to_port);
		assert_int_equal(target.is_chosen, rows[i].is_chosen);
		assert_true(target.is_listed);
	}
}

static void test_connect_to_leaves_what_it_does_not_name(void **state)
{
	const struct msg_dialer_config config = {
		.dial_to = {entry("promptfax.app", 443, "127.0.0.1", 8443)},
		.n_dial_to = 1,
	};
	static const struct {
		const char *host;
		uint16_t port;
	} rows[] = {{"promptfax.app", 444}, {"promptfax.ap", 443}, {"xpromptfax.app", 443}};
	static struct connect_to_list list;
	struct target target;

	(void)state;
	assert_int_equal(connect_to_load(&config, &list, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		connect_to_find(&list, rows[i].host, rows[i].port, &target);
		assert_string_equal(target.host, rows[i].host);
		assert_int_equal(target.port, rows[i].port);
		assert_false(target.is_chosen || target.is_listed);
	}
}

static void test_connect_to_refuses_what_is_no_target(void **state)
{
	const struct msg_dial_to rows[] = {
		entry("a.example", 443, "127.1", 1),
		entry("a.example", 443, "b c", 1),
		entry("a.example", 65536, "127.0.0.1", 1),
		entry("a.example", 443, "127.0.0.1", 65536),
		{span_bytes("a\0b", 3), 1, span_of("::1"), 1},
		{span_of("a"), 1, span_bytes("b\0c", 3), 1},
	};
	static struct connect_to_list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct msg_dialer_config config = {.dial_to = {rows[i]}, .n_dial_to = 1};
		struct error err = {{0}, {0}, {0}};

		assert_int_equal(connect_to_load(&config, &list, &err), -EINVAL);
		assert_true(err.what[0]);
	}
}

static void test_hosts_find_reads_hosts_lines(void **state)
{
	static const char text[] = "127.0.0.1\tlocalhost\n"
				   "# 192.0.2.9 a.example\n"
				   "192.0.2.1 b.example A.Example # c.example\r\n"
				   "\n"
				   "   2001:db8::1   a.example\n"
				   "192.0.2.1.9 a.example\n"
				   "192.0.2.2\n"
				   "192.0.2.3 xa.example a.example.x\n"
				   "192.0.2.4 a.example";
	static const struct {
		const char *name;
		const char *found[4];
	} rows[] = {
		{"a.example", {"192.0.2.1", "2001:db8::1", "192.0.2.4"}},
		{"B.EXAMPLE", {"192.0.2.1"}},
		{"c.example", {NULL}},
		{"localhost", {"127.0.0.1"}},
		{"192.0.2.1", {NULL}},
		{"nobody.example", {NULL}},
	};
	union address found[TARGET_ADDRESSES_MAX];
	char address[ADDRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = hosts_find(text, sizeof(text) - 1, rows[i].name, 443, found),
		       expected = 0;

		while (rows[i].found[expected])
			expected++;
		assert_int_equal(n, expected);
		for (size_t k = 0; k < n; k++) {
			address_format(&found[k].any, address);
			assert_string_equal(address, rows[i].found[k]);
		}
	}
	assert_int_equal(hosts_find(NULL, 0, "a", 1, found), 0);
}

static void test_hosts_find_stops_at_its_maximum(void **state)
{
	char text[TARGET_ADDRESSES_MAX * 2 * 20] = "";
	union address found[TARGET_ADDRESSES_MAX];

	(void)state;
	for (size_t i = 0; i < TARGET_ADDRESSES_MAX * 2; i++)
		strcat(text, "192.0.2.1 a\n");
	assert_int_equal(hosts_find(text, strlen(text), "a", 1, found), TARGET_ADDRESSES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target_kind_refuses_odd_forms),
		cmocka_unit_test(test_connect_to_takes_the_first_match),
		cmocka_unit_test(test_connect_to_leaves_what_it_does_not_name),
		cmocka_unit_test(test_connect_to_refuses_what_is_no_target),
		cmocka_unit_test(test_hosts_find_reads_hosts_lines),
		cmocka_unit_test(test_hosts_find_stops_at_its_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
