// SPDX-License-Identifier: Apache-2.0
#include "jail/netlog.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmocka_all.h"
#include "guard.h"

/* As received on Linux 6.18: "hi" by UDP from 127.0.0.1 to 203.0.113.5:443. */
static const char udp4[] =
	"9800000000040000000000000000000002000005080001000800000005000a0000000000080004000000000110"
	"00080000060000000000000000000006000f000304000006001100000e00001200100000000000000000000000"
	"00000800000014000300000000006b02a5da000000000009d725220009004500001e221d400040115dab7f0000"
	"01cb007105a62501bb000abb2268690000";

#define UDP6                                                                                       \
	"6000000000081140000000000000000000000000000000012001486048600000000000000000888800"       \
	"3501bb00080000"

static size_t from_hex(const char *hex, uint8_t *ret, size_t size)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= size);
	assert_int_equal(text_unhex(hex, ret, n), 0);
	return n;
}

/* A log message around @packet, given in hexadecimal. */
static size_t message(const char *packet, uint16_t type, uint8_t *ret)
{
	uint8_t payload[256];
	size_t n = from_hex(packet, payload, sizeof(payload));
	uint32_t length = (uint32_t)(16 + 4 + 4 + n);
	uint16_t attr[2] = {(uint16_t)(4 + n), 9};

	memset(ret, 0, length + 4);
	memcpy(ret, &length, 4);
	memcpy(ret + 4, &type, 2);
	memcpy(ret + 20, attr, 4);
	memcpy(ret + 24, payload, n);
	return (length + 3) & ~3u;
}

static void assert_attempt(const struct netlog_attempt *a, const char *protocol,
			   const char *address, unsigned port)
{
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET6, &a->address, text, sizeof(text)));
	assert_string_equal(text, address);
	assert_string_equal(netlog_protocol_name(a->protocol), protocol);
	assert_int_equal(a->port, port);
}

static void test_parse_reads_what_the_kernel_sends(void **state)
{
	uint8_t bytes[256];
	size_t n = from_hex(udp4, bytes, sizeof(bytes));
	struct netlog_attempt a;

	(void)state;
	assert_int_equal(netlog_parse(bytes, n, &a), n);
	assert_attempt(&a, "udp", "::ffff:203.0.113.5", 443);
	assert_int_equal(netlog_parse(bytes + n, 0, &a), 0);
}

static const struct {
	const char *what, *packet, *protocol, *address;
	unsigned port;
} packets[] = {
	{"UDP", UDP6, "udp", "2001:4860:4860::8888", 443},
	{"UDP behind a hop-by-hop header",
	 "6000000000100040000000000000000000000000000000012001486048600000000000000000888811000000"
	 "00000000003501bb00080000",
	 "udp", "2001:4860:4860::8888", 443},
	{"IPv4 options before the ports",
	 "460000200000400040110000"
	 "7f000001"
	 "08080808"
	 "01010101"
	 "00350050000c0000",
	 "udp", "::ffff:8.8.8.8", 80},
	{"later fragments have no ports",
	 "450000200000000140110000"
	 "7f000001"
	 "08080808"
	 "00350050000c0000",
	 "udp", "::ffff:8.8.8.8", 0},
	{"ICMP has no ports",
	 "450000200000000040010000"
	 "7f000001"
	 "08080808"
	 "0800123400000000",
	 "icmp", "::ffff:8.8.8.8", 0},
	{"SCTP",
	 "450000200000000040840000"
	 "7f000001"
	 "08080808"
	 "0035232800000000",
	 "sctp", "::ffff:8.8.8.8", 9000},
	{"cut behind the header",
	 "450000200000000040110000"
	 "7f000001"
	 "08080808",
	 "udp", "::ffff:8.8.8.8", 0},
	{"a protocol without a name",
	 "4500002000000000402f0000"
	 "7f000001"
	 "08080808",
	 "ip", "::ffff:8.8.8.8", 0},
};

static void test_parse_finds_protocol_address_and_port(void **state)
{
	uint8_t bytes[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
		size_t n = message(packets[i].packet, 0x0400, bytes);
		struct netlog_attempt a;

		print_message("%s\n", packets[i].what);
		assert_int_equal(netlog_parse(bytes, n, &a), n);
		assert_attempt(&a, packets[i].protocol, packets[i].address, packets[i].port);
	}
}

static const struct {
	const char *what, *packet;
} damaged[] = {
	{"nothing", ""},
	{"no IP version", "0500002000000000402f00007f00000108080808"},
	{"short IPv4 header", "450000200000400040110000"
			      "7f000001"
			      "080808"},
	{"IPv4 header length below 20", "440000200000400040110000"
					"7f000001"
					"08080808"},
	{"IPv4 header length beyond the bytes", "4f0000200000400040110000"
						"7f000001"
						"08080808"},
	{"short IPv6 header", "60000000000811400000000000000000000000000000000120014860"},
};

static void test_parse_skips_damaged_packets(void **state)
{
	uint8_t bytes[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++) {
		size_t first = message(damaged[i].packet, 0x0400, bytes);
		struct netlog_attempt a;

		print_message("%s\n", damaged[i].what);
		assert_int_equal(netlog_parse(bytes, first, &a), 0);
		first += message(UDP6, 0x0400, bytes + first);
		assert_int_equal(netlog_parse(bytes, first, &a), first);
		assert_attempt(&a, "udp", "2001:4860:4860::8888", 443);
	}
}

static void test_parse_skips_other_messages(void **state)
{
	uint8_t bytes[512];
	size_t n = message(UDP6, 0x0002, bytes);
	struct netlog_attempt a;

	(void)state;
	assert_int_equal(netlog_parse(bytes, n, &a), 0);
}

static void test_parse_yields_each_message_in_turn(void **state)
{
	uint8_t bytes[512];
	size_t first = message(UDP6, 0x0400, bytes);
	size_t second = message(packets[2].packet, 0x0400, bytes + first);
	struct netlog_attempt a;

	(void)state;
	assert_int_equal(netlog_parse(bytes, first + second, &a), first);
	assert_attempt(&a, "udp", "2001:4860:4860::8888", 443);
	assert_int_equal(netlog_parse(bytes + first, second, &a), second);
	assert_attempt(&a, "udp", "::ffff:8.8.8.8", 80);
}

/* A message around @packet, with a prefix before it. */
static size_t message_with_prefix(const char *prefix, const char *packet, uint8_t *ret)
{
	uint8_t payload[256];
	size_t n = from_hex(packet, payload, sizeof(payload));
	size_t prefix_bytes = strlen(prefix) + 1, room = (prefix_bytes + 3) & ~3u;
	uint32_t length = (uint32_t)(16 + 4 + 4 + room + 4 + n);
	uint16_t type = 0x0400, before[2] = {(uint16_t)(4 + prefix_bytes), 10},
		 attr[2] = {(uint16_t)(4 + n), 9};

	memset(ret, 0, length + 4);
	memcpy(ret, &length, 4);
	memcpy(ret + 4, &type, 2);
	memcpy(ret + 20, before, 4);
	memcpy(ret + 24, prefix, prefix_bytes);
	memcpy(ret + 24 + room, attr, 4);
	memcpy(ret + 28 + room, payload, n);
	return (length + 3) & ~3u;
}

#define RST4(from)                                                                                 \
	"450000280000400040060000" from "7f000001"                                                 \
	"0bb8a00000000000000000015014000000000000"
#define RST6(from)                                                                                 \
	"6000000000140640" from "00000000000000000000000000000001"                                 \
	"0bb8a00000000000000000015014000000000000"

static const struct {
	const char *what, *prefix, *packet, *address; /* NULL: nothing is told */
	bool is_loopback;
	unsigned port;
} refusals[] = {
	{"IPv4", "refused", RST4("7f000001"), "::ffff:127.0.0.1", true, 3000},
	{"all of 127/8", "refused", RST4("7f010203"), "::ffff:127.1.2.3", true, 3000},
	{"IPv6", "refused", RST6("00000000000000000000000000000001"), "::1", true, 3000},
	{"from elsewhere", "refused", RST4("c0000201"), NULL, true, 0},
	{"from elsewhere, IPv6", "refused", RST6("20010db8000000000000000000000001"), NULL, true,
	 0},
	{"not TCP", "refused",
	 "450000200000000040110000"
	 "7f000001"
	 "7f000001"
	 "0bb80050000c0000",
	 NULL, true, 0},
	{"another prefix", "refuse", RST4("7f000001"), "::ffff:127.0.0.1", false, 40960},
	{"no prefix", "", RST4("7f000001"), "::ffff:127.0.0.1", false, 40960},
};

/* What was asked for is the source of the answer. */
static void test_parse_turns_refusals_around(void **state)
{
	uint8_t bytes[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		size_t n = message_with_prefix(refusals[i].prefix, refusals[i].packet, bytes);
		struct netlog_attempt a;

		print_message("%s\n", refusals[i].what);
		assert_int_equal(netlog_parse(bytes, n, &a), refusals[i].address ? n : 0);
		if (!refusals[i].address)
			continue;
		assert_attempt(&a, "tcp", refusals[i].address, refusals[i].port);
		assert_int_equal(a.is_loopback, refusals[i].is_loopback);
	}
}

/* Cut anywhere, and with any byte changed, it reads within bounds and consumes no more. */
static void test_parse_stays_within_bounds(void **state)
{
	struct guard guard = guard_new();
	struct netlog_attempt a;
	uint8_t bytes[256];
	size_t n = from_hex(udp4, bytes, sizeof(bytes));

	(void)state;
	for (size_t cut = 1; cut <= n; cut++)
		assert_true(netlog_parse(guard_place(&guard, bytes, cut), cut, &a) <= cut);
	for (size_t i = 0; i < n; i++)
		for (unsigned value = 0; value < 256; value++) {
			char *at = guard_place(&guard, bytes, n);

			at[i] = (char)value;
			assert_true(netlog_parse(at, n, &a) <= n);
		}
	guard_free(&guard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_reads_what_the_kernel_sends),
		cmocka_unit_test(test_parse_finds_protocol_address_and_port),
		cmocka_unit_test(test_parse_skips_damaged_packets),
		cmocka_unit_test(test_parse_skips_other_messages),
		cmocka_unit_test(test_parse_yields_each_message_in_turn),
		cmocka_unit_test(test_parse_turns_refusals_around),
		cmocka_unit_test(test_parse_stays_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
