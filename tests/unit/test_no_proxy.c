// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "dial/no_proxy.h"

static const struct {
	const char *list, *host;
	uint16_t port;
	bool matches;
} rows[] = {
	{"", "example.com", 443, false},
	{" , ,", "example.com", 443, false},
	{"*", "example.com", 443, true},
	{"*", "192.0.2.1", 443, true},
	{"a.example,*", "example.com", 443, true},
	{"*.", "example.com", 443, false},
	{".", "example.com", 443, false},
	{"**", "example.com", 443, false},
	/* Names: the name itself and those below, by whole labels. */
	{"example.com", "example.com", 443, true},
	{"example.com", "www.example.com", 443, true},
	{"example.com", "a.b.example.com", 443, true},
	{"example.com", "nonexample.com", 443, false},
	{"example.com", "example.com.evil", 443, false},
	{"example.com", "com", 443, false},
	{"www.example.com", "example.com", 443, false},
	{".example.com", "example.com", 443, true},
	{".example.com", "www.example.com", 443, true},
	{".example.com", "nonexample.com", 443, false},
	{"*.example.com", "www.example.com", 443, true},
	{"*.example.com", "nonexample.com", 443, false},
	{"w*.example.com", "www.example.com", 443, false},
	{"EXAMPLE.com", "www.Example.COM", 443, true},
	{"example.com.", "example.com", 443, true},
	{"example.com", "example.com.", 443, true},
	{"com", "example.com", 443, true},
	{"localhost", "localhost", 443, true},
	/* Several, with any of the separators. */
	{"a.example,example.com", "example.com", 443, true},
	{"a.example, example.com", "example.com", 443, true},
	{"a.example\texample.com b.example", "example.com", 443, true},
	{"a.example,b.example", "example.com", 443, false},
	/* Ports. */
	{"example.com:443", "example.com", 443, true},
	{"example.com:443", "www.example.com", 443, true},
	{"example.com:8443", "example.com", 443, false},
	{"example.com:", "example.com", 443, false},
	{"example.com:x", "example.com", 443, false},
	{"example.com:0443", "example.com", 443, true},
	{"example.com:65979", "example.com", 443, false}, /* 443 beyond 2^16 */
	{"example.com:4294967739", "example.com", 443, false},
	{"example.com:-443", "example.com", 443, false},
	{"192.0.2.1:443", "192.0.2.1", 443, true},
	{"192.0.2.1:80", "192.0.2.1", 443, false},
	{"[2001:db8::1]:443", "2001:db8::1", 443, true},
	{"[2001:db8::1]:80", "2001:db8::1", 443, false},
	{"[2001:db8::1]x", "2001:db8::1", 443, false},
	{"[2001:db8::1", "2001:db8::1", 443, false},
	/* Addresses. */
	{"192.0.2.1", "192.0.2.1", 443, true},
	{"192.0.2.1", "192.0.2.10", 443, false},
	{"192.0.2.1", "192.0.2.1.example", 443, false},
	{"2.1", "192.0.2.1", 443, false},
	{".2.1", "192.0.2.1", 443, false},
	{"2001:db8::1", "2001:db8::1", 443, true},
	{"2001:db8:0:0::1", "2001:db8::1", 443, true},
	{"[2001:db8::1]", "2001:db8::1", 443, true},
	{"2001:db8::1", "2001:db8::2", 443, false},
	/* Ranges. */
	{"192.0.2.0/24", "192.0.2.255", 443, true},
	{"192.0.2.0/24", "192.0.3.0", 443, false},
	{"192.0.2.128/25", "192.0.2.127", 443, false},
	{"192.0.2.128/25", "192.0.2.128", 443, true},
	{"192.0.2.7/32", "192.0.2.7", 443, true},
	{"192.0.2.7/32", "192.0.2.6", 443, false},
	{"0.0.0.0/0", "203.0.113.9", 443, true},
	{"0.0.0.0/0", "2001:db8::1", 443, false},
	{"0.0.0.0/0", "example.com", 443, false},
	{"192.0.2.0/33", "192.0.2.0", 443, false},
	{"192.0.2.0/", "192.0.2.0", 443, false},
	{"192.0.2.0/-1", "192.0.2.0", 443, false},
	{"192.0.2.0/4294967296", "203.0.113.9", 443, false},
	{"2001:db8::/32", "2001:db8:ffff::1", 443, true},
	{"2001:db8::/32", "2001:db9::", 443, false},
	{"2001:db8::/129", "2001:db8::", 443, false},
	{"::/0", "2001:db8::", 443, true},
	{"::/0", "192.0.2.1", 443, false},
	{"example.com/8", "example.com", 443, false},
};

static void test_no_proxy_matches_whom_it_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (no_proxy_matches(rows[i].list, rows[i].host, rows[i].port) != rows[i].matches)
			fail_msg("\"%s\" and %s:%u: not as expected", rows[i].list, rows[i].host,
				 rows[i].port);
	}
}

static void test_no_proxy_passes_over_what_is_no_name(void **state)
{
	char list[4096];

	(void)state;
	memset(list, 'a', sizeof(list));
	memcpy(list + 2048, ",example.com", sizeof(",example.com"));
	assert_true(no_proxy_matches(list, "example.com", 443));
	assert_false(no_proxy_matches(list, "a", 443));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_proxy_matches_whom_it_names),
		cmocka_unit_test(test_no_proxy_passes_over_what_is_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
