// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <string.h>

#include "base/cleanup.h"
#include "dial/addresses.h"

/* Each range by its first and last address, and its neighbours outside. */
static const struct {
	const char *address;
	const char *what; /* part of the reason; NULL: may be dialled */
} rows[] = {
	{"0.0.0.0", "this network"},
	{"0.255.255.255", "this network"},
	{"1.0.0.0", NULL},
	{"1.1.1.1", NULL},
	{"8.8.8.8", NULL},
	{"9.255.255.255", NULL},
	{"10.0.0.0", "RFC 1918"},
	{"10.1.2.3", "RFC 1918"},
	{"10.255.255.255", "RFC 1918"},
	{"11.0.0.0", NULL},
	{"100.63.255.255", NULL},
	{"100.64.0.0", "RFC 6598"},
	{"100.100.100.200", "metadata"},
	{"100.127.255.255", "RFC 6598"},
	{"100.128.0.0", NULL},
	{"126.255.255.255", NULL},
	{"127.0.0.0", "loopback"},
	{"127.0.0.1", "loopback"},
	{"127.255.255.255", "loopback"},
	{"128.0.0.0", NULL},
	{"168.63.129.15", NULL},
	{"168.63.129.16", "host agent"},
	{"169.253.255.255", NULL},
	{"169.254.0.0", "link-local"},
	{"169.254.169.254", "metadata"},
	{"169.254.170.2", "credentials"},
	{"169.254.255.255", "link-local"},
	{"169.255.0.0", NULL},
	{"172.15.255.255", NULL},
	{"172.16.0.0", "RFC 1918"},
	{"172.31.255.255", "RFC 1918"},
	{"172.32.0.0", NULL},
	{"191.255.255.255", NULL},
	{"192.0.0.0", "protocols"},
	{"192.0.0.192", "metadata"},
	{"192.0.0.255", "protocols"},
	{"192.0.1.0", NULL},
	{"192.0.2.0", "documentation"},
	{"192.0.2.255", "documentation"},
	{"192.0.3.0", NULL},
	{"192.88.98.255", NULL},
	{"192.88.99.1", "6to4"},
	{"192.88.100.0", NULL},
	{"192.167.255.255", NULL},
	{"192.168.0.0", "RFC 1918"},
	{"192.168.255.255", "RFC 1918"},
	{"192.169.0.0", NULL},
	{"198.17.255.255", NULL},
	{"198.18.0.0", "benchmarking"},
	{"198.19.255.255", "benchmarking"},
	{"198.20.0.0", NULL},
	{"198.51.99.255", NULL},
	{"198.51.100.0", "documentation"},
	{"198.51.100.255", "documentation"},
	{"198.51.101.0", NULL},
	{"203.0.112.255", NULL},
	{"203.0.113.0", "documentation"},
	{"203.0.113.255", "documentation"},
	{"203.0.114.0", NULL},
	{"223.255.255.255", NULL},
	{"224.0.0.0", "multicast"},
	{"239.255.255.255", "multicast"},
	{"240.0.0.0", "reserved"},
	{"255.255.255.254", "reserved"},
	{"255.255.255.255", "broadcast"},

	{"::", "unspecified"},
	{"::1", "loopback"},
	{"::2", "IPv4-compatible"},
	{"::7f00:1", "IPv4-compatible"},
	{"::1:0:0", "no global unicast"},
	{"::ffff:0:0", "IPv4-mapped"},
	{"::ffff:7f00:1", "IPv4-mapped"},
	{"::ffff:808:808", "IPv4-mapped"},
	{"::ffff:ffff:ffff", "IPv4-mapped"},
	{"::ffff:0:7f00:1", "IPv4-translated"},
	{"64:ff9b::7f00:1", "NAT64"},
	{"64:ff9b::ffff:ffff", "NAT64"},
	{"64:ff9b:0:0:0:1::", "no global unicast"},
	{"64:ff9b:1::", "local NAT64"},
	{"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "local NAT64"},
	{"64:ff9b:2::", "no global unicast"},
	{"100::1", "discard"},
	{"100:0:0:1::1", "dummy"},
	{"1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "no global unicast"},
	{"2000::", NULL},
	{"2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
	{"2001::", "Teredo"},
	{"2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo"},
	{"2001:1::1", "protocols"},
	{"2001:2::1", "benchmarking"},
	{"2001:2:1::", "protocols"},
	{"2001:10::", "ORCHID"},
	{"2001:1f:ffff::", "ORCHID"},
	{"2001:20::", "ORCHIDv2"},
	{"2001:2f:ffff::", "ORCHIDv2"},
	{"2001:30::", "protocols"},
	{"2001:1ff:ffff::", "protocols"},
	{"2001:200::", NULL},
	{"2001:4860:4860::8888", NULL},
	{"2001:db7:ffff::", NULL},
	{"2001:db8::", "documentation"},
	{"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
	{"2001:db9::", NULL},
	{"2002:808:808::1", NULL},
	{"2002:7f00:1::", "6to4"},
	{"2002:a00:1::1", "6to4"},
	{"2002:a9fe:a9fe::", "6to4"},
	{"2002:c0a8:1::1", "6to4"},
	{"2003::", NULL},
	{"2606:4700:4700::1111", NULL},
	{"3ffe:ffff::", NULL},
	{"3fff::", "documentation"},
	{"3fff:fff:ffff::", "documentation"},
	{"3fff:1000::", NULL},
	{"3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
	{"4000::", "no global unicast"},
	{"5f00::1", "segment"},
	{"7fff::", "no global unicast"},
	{"8000::", "no global unicast"},
	{"fbff:ffff::", "no global unicast"},
	{"fc00::", "unique local"},
	{"fd00:ec2::254", "metadata"},
	{"fd00:ec2::253", "unique local"},
	{"fd20:ce::254", "metadata"},
	{"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique local"},
	{"fe00::", "no global unicast"},
	{"fe80::1", "link-local"},
	{"febf:ffff::", "link-local"},
	{"fec0::1", "site-local"},
	{"feff:ffff::", "site-local"},
	{"ff00::", "multicast"},
	{"ff02::1", "multicast"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
};

static void test_address_refusal_names_what_an_address_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		union address a;
		const char *what;

		assert_true(address_parse(rows[i].address, 443, &a));
		what = address_refusal(&a.any, REACH_PUBLIC);
		if (!rows[i].what != !what || (what && !strstr(what, rows[i].what)))
			fail_msg("%s: %s, not %s", rows[i].address, what ? what : "passes",
				 rows[i].what ? rows[i].what : "passes");
	}
}

static void test_address_refusal_refuses_other_families(void **state)
{
	struct sockaddr unix_address = {.sa_family = AF_UNIX};

	(void)state;
	assert_non_null(address_refusal(&unix_address, REACH_METADATA));
}

static void test_address_refusal_is_lifted_as_far_as_one_may_reach(void **state)
{
	static const struct {
		const char *address;
		enum address_reach reach; /* the least that will do */
	} least[] = {
		{"8.8.8.8", REACH_PUBLIC},
		{"2606:4700::1", REACH_PUBLIC},
		{"10.1.2.3", REACH_PRIVATE},
		{"100.64.0.1", REACH_PRIVATE},
		{"127.0.0.1", REACH_PRIVATE},
		{"169.254.0.1", REACH_PRIVATE},
		{"172.16.0.1", REACH_PRIVATE},
		{"192.168.0.1", REACH_PRIVATE},
		{"192.0.2.1", REACH_PRIVATE},
		{"::1", REACH_PRIVATE},
		{"fd12::1", REACH_PRIVATE},
		{"fe80::1", REACH_PRIVATE},
		{"2001:db8::1", REACH_PRIVATE},
		{"169.254.169.254", REACH_METADATA},
		{"100.100.100.200", REACH_METADATA},
		{"fd00:ec2::254", REACH_METADATA},
		{"0.0.0.0", REACH_ANY},
		{"192.0.0.8", REACH_ANY},
		{"198.18.0.1", REACH_ANY},
		{"224.0.0.1", REACH_ANY},
		{"255.255.255.255", REACH_ANY},
		{"240.0.0.1", REACH_ANY},
		{"::", REACH_ANY},
		{"::ffff:a01:203", REACH_ANY},
		{"64:ff9b::a01:203", REACH_ANY},
		{"2002:a01:203::1", REACH_ANY},
		{"fd6d:6370:6a61:696c::1", REACH_ANY},
		{"ff02::1", REACH_ANY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(least); i++) {
		union address a;

		assert_true(address_parse(least[i].address, 443, &a));
		for (int reach = REACH_PUBLIC; reach <= REACH_ANY; reach++) {
			bool passes = !address_refusal(&a.any, (enum address_reach)reach);

			if (passes != (reach >= (int)least[i].reach))
				fail_msg("%s with reach %d %s", least[i].address, reach,
					 passes ? "passes" : "is refused");
		}
	}
}

static void test_address_equals_compares_addresses_without_ports(void **state)
{
	static const char *const texts[] = {"192.0.2.1", "192.0.2.2", "::1", "::2", "::c000:201"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts) * ARRAY_SIZE(texts); i++) {
		size_t row = i / ARRAY_SIZE(texts), column = i % ARRAY_SIZE(texts);
		union address a, b;

		assert_true(address_parse(texts[row], 443, &a));
		assert_true(address_parse(texts[column], 80, &b));
		assert_int_equal(address_equals(&a, &b), row == column);
	}
}

static void test_address_parse_takes_canonical_literals_only(void **state)
{
	static const char *const bad[] = {
		"",           "127.1",      "0x7f.0.0.1", "0177.0.0.1",     "2130706433",
		"127.0.0.01", "127.0.0.1.", "1.2.3.4.5",  " 127.0.0.1",     "127.0.0.1 ",
		"256.0.0.1",  "[::1]",      "fe80::1%lo", "::ffff:1.2.3.4", "1::2::3",
		"::g",        "12345::",    "localhost",
	};
	union address a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (address_parse(bad[i], 1, &a))
			fail_msg("\"%s\" was taken for an address", bad[i]);
	}
	assert_true(address_parse("192.0.2.7", 8443, &a));
	assert_int_equal(ntohs(a.v4.sin_port), 8443);
	assert_int_equal(address_size(&a), sizeof(struct sockaddr_in));
	assert_true(address_parse("2001:db8::7", 8443, &a));
	assert_int_equal(ntohs(a.v6.sin6_port), 8443);
	assert_int_equal(address_size(&a), sizeof(struct sockaddr_in6));
}

static void test_address_format_writes_the_address_alone(void **state)
{
	static const char *const texts[] = {"192.0.2.7", "2001:db8::7", "::1"};
	char text[ADDRESS_TEXT_MAX];
	union address a;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_true(address_parse(texts[i], 443, &a));
		address_format(&a.any, text);
		assert_string_equal(text, texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_refusal_names_what_an_address_is),
		cmocka_unit_test(test_address_refusal_refuses_other_families),
		cmocka_unit_test(test_address_refusal_is_lifted_as_far_as_one_may_reach),
		cmocka_unit_test(test_address_equals_compares_addresses_without_ports),
		cmocka_unit_test(test_address_parse_takes_canonical_literals_only),
		cmocka_unit_test(test_address_format_writes_the_address_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
