// SPDX-License-Identifier: Apache-2.0
/*
 * From IANA's registries of special-purpose addresses (RFC 6890, RFC 8190), as of 2025,
 * and the clouds' metadata services, which hand credentials to whoever asks. The first row
 * that covers an address names it.
 *
 * No policy reaches what is nobody's server: unspecified, multicast and reserved addresses,
 * IPv4 addresses in disguise, which other tables might judge by their looks, and those that
 * the jail gives to names (proxy/dns.h).
 */
#include "dial/addresses.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct {
	uint32_t prefix;
	unsigned bits;
	enum address_reach reach;
	const char *what;
} v4_rows[] = {
	{V4(169, 254, 169, 254), 32, REACH_METADATA,
	 "the cloud's metadata service (link-local, RFC 3927)"},
	{V4(169, 254, 170, 2), 32, REACH_METADATA,
	 "the cloud's credentials service (link-local, RFC 3927)"},
	{V4(100, 100, 100, 200), 32, REACH_METADATA,
	 "the cloud's metadata service (shared, RFC 6598)"},
	{V4(192, 0, 0, 192), 32, REACH_METADATA, "the cloud's metadata service (RFC 6890)"},
	{V4(168, 63, 129, 16), 32, REACH_METADATA, "the cloud's host agent (Azure)"},
	{V4(0, 0, 0, 0), 8, REACH_ANY, "an address of this network (RFC 1122)"},
	{V4(10, 0, 0, 0), 8, REACH_PRIVATE, "a private address (RFC 1918)"},
	{V4(100, 64, 0, 0), 10, REACH_PRIVATE, "a carrier's shared address (RFC 6598)"},
	{V4(127, 0, 0, 0), 8, REACH_PRIVATE, "a loopback address (RFC 1122)"},
	{V4(169, 254, 0, 0), 16, REACH_PRIVATE, "a link-local address (RFC 3927)"},
	{V4(172, 16, 0, 0), 12, REACH_PRIVATE, "a private address (RFC 1918)"},
	{V4(192, 0, 0, 0), 24, REACH_ANY, "an address for protocols (RFC 6890)"},
	{V4(192, 0, 2, 0), 24, REACH_PRIVATE, "a documentation address (RFC 5737)"},
	{V4(192, 88, 99, 0), 24, REACH_ANY, "a 6to4 relay (RFC 7526)"},
	{V4(192, 168, 0, 0), 16, REACH_PRIVATE, "a private address (RFC 1918)"},
	{V4(198, 18, 0, 0), 15, REACH_ANY, "a benchmarking address (RFC 2544)"},
	{V4(198, 51, 100, 0), 24, REACH_PRIVATE, "a documentation address (RFC 5737)"},
	{V4(203, 0, 113, 0), 24, REACH_PRIVATE, "a documentation address (RFC 5737)"},
	{V4(224, 0, 0, 0), 4, REACH_ANY, "a multicast address (RFC 5771)"},
	{V4(255, 255, 255, 255), 32, REACH_ANY, "the broadcast address (RFC 919)"},
	{V4(240, 0, 0, 0), 4, REACH_ANY, "a reserved address (RFC 1112)"},
};

static const struct {
	const char *prefix;
	unsigned bits;
	enum address_reach reach;
	const char *what;
} v6_rows[] = {
	{"fd00:ec2::254", 128, REACH_METADATA,
	 "the cloud's metadata service (unique local, RFC 4193)"},
	{"fd20:ce::254", 128, REACH_METADATA,
	 "the cloud's metadata service (unique local, RFC 4193)"},
	{"fd6d:6370:6a61:696c::", 64, REACH_ANY, "an address of the jail's own names"},
	{"::", 128, REACH_ANY, "the unspecified address (RFC 4291)"},
	{"::1", 128, REACH_PRIVATE, "the loopback address (RFC 4291)"},
	{"::ffff:0:0", 96, REACH_ANY, "an IPv4 address in disguise (IPv4-mapped, RFC 4291)"},
	{"::ffff:0:0:0", 96, REACH_ANY, "an IPv4 address in disguise (IPv4-translated, RFC 7915)"},
	{"::", 96, REACH_ANY, "an IPv4 address in disguise (IPv4-compatible, RFC 4291)"},
	{"64:ff9b::", 96, REACH_ANY, "an IPv4 address in disguise (NAT64, RFC 6052)"},
	{"64:ff9b:1::", 48, REACH_ANY, "an IPv4 address in disguise (local NAT64, RFC 8215)"},
	{"100::", 64, REACH_ANY, "a discard-only address (RFC 6666)"},
	{"100:0:0:1::", 64, REACH_ANY, "a dummy address (RFC 9780)"},
	{"2001::", 32, REACH_ANY, "an IPv4 address in disguise (Teredo, RFC 4380)"},
	{"2001:2::", 48, REACH_ANY, "a benchmarking address (RFC 5180)"},
	{"2001:10::", 28, REACH_ANY, "a hash, not an address (ORCHID, RFC 4843)"},
	{"2001:20::", 28, REACH_ANY, "a hash, not an address (ORCHIDv2, RFC 7343)"},
	{"2001::", 23, REACH_ANY, "an address for protocols (RFC 2928)"},
	{"2001:db8::", 32, REACH_PRIVATE, "a documentation address (RFC 3849)"},
	{"3fff::", 20, REACH_PRIVATE, "a documentation address (RFC 9637)"},
	{"5f00::", 16, REACH_ANY, "a segment identifier (RFC 9602)"},
	{"fc00::", 7, REACH_PRIVATE, "a unique local address (RFC 4193)"},
	{"fe80::", 10, REACH_PRIVATE, "a link-local address (RFC 4291)"},
	{"fec0::", 10, REACH_ANY, "a site-local address (RFC 3879)"},
	{"ff00::", 8, REACH_ANY, "a multicast address (RFC 4291)"},
	/* All that is not 2000::/3. */
	{"::", 3, REACH_ANY, "no global unicast address (RFC 4291)"},
	{"4000::", 2, REACH_ANY, "no global unicast address (RFC 4291)"},
	{"8000::", 1, REACH_ANY, "no global unicast address (RFC 4291)"},
};

#define SIX_TO_FOUR 0x2002 /* 2002:a.b.c.d::/48 is the network behind a.b.c.d (RFC 3056) */

/* What an address is, and how far one must be allowed to reach for it. */
struct finding {
	enum address_reach reach;
	const char *what; /* NULL: of the public internet */
};

static struct finding judge_v4(uint32_t address)
{
	for (size_t i = 0; i < ARRAY_SIZE(v4_rows); i++) {
		if (!((address ^ v4_rows[i].prefix) >> (32 - v4_rows[i].bits)))
			return (struct finding){v4_rows[i].reach, v4_rows[i].what};
	}
	return (struct finding){REACH_PUBLIC, NULL};
}

static bool v6_is_within(const struct in6_addr *address, const struct in6_addr *prefix,
			 unsigned bits)
{
	unsigned bytes = bits / 8, rest = bits % 8;

	if (memcmp(address->s6_addr, prefix->s6_addr, bytes))
		return false;
	return !rest || !((address->s6_addr[bytes] ^ prefix->s6_addr[bytes]) >> (8 - rest));
}

static struct finding judge_v6(const struct in6_addr *address)
{
	const uint8_t *b = address->s6_addr;

	for (size_t i = 0; i < ARRAY_SIZE(v6_rows); i++) {
		struct in6_addr prefix;

		if (inet_pton(AF_INET6, v6_rows[i].prefix, &prefix) != 1 ||
		    v6_is_within(address, &prefix, v6_rows[i].bits))
			return (struct finding){v6_rows[i].reach, v6_rows[i].what};
	}
	if ((b[0] << 8 | b[1]) == SIX_TO_FOUR && judge_v4(V4(b[2], b[3], b[4], b[5])).what)
		return (struct finding){REACH_ANY,
					"a special IPv4 address in disguise (6to4, RFC 3056)"};
	return (struct finding){REACH_PUBLIC, NULL};
}

const char *address_refusal(const struct sockaddr *address, enum address_reach reach)
{
	struct finding found = {REACH_ANY, "no internet address"};
	union address copy = {.any.sa_family = AF_UNSPEC};

	if (address->sa_family == AF_INET) {
		memcpy(&copy.v4, address, sizeof(copy.v4));
		found = judge_v4(ntohl(copy.v4.sin_addr.s_addr));
	} else if (address->sa_family == AF_INET6) {
		memcpy(&copy.v6, address, sizeof(copy.v6));
		found = judge_v6(&copy.v6.sin6_addr);
	}
	return found.reach <= reach ? NULL : found.what;
}

bool address_equals(const union address *a, const union address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr));
}

bool address_parse(const char *text, uint16_t port, union address *ret)
{
	union address a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
		a.v4.sin_port = htons(port);
	} else if (!strchr(text, '.') && inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
		a.v6.sin6_family = AF_INET6;
		a.v6.sin6_port = htons(port);
	} else {
		return false;
	}
	*ret = a;
	return true;
}

void address_format(const struct sockaddr *address, char *ret_text)
{
	union address copy = {.any.sa_family = AF_UNSPEC};

	snprintf(ret_text, ADDRESS_TEXT_MAX, "?");
	if (address->sa_family == AF_INET) {
		memcpy(&copy.v4, address, sizeof(copy.v4));
		inet_ntop(AF_INET, &copy.v4.sin_addr, ret_text, ADDRESS_TEXT_MAX);
	} else if (address->sa_family == AF_INET6) {
		memcpy(&copy.v6, address, sizeof(copy.v6));
		inet_ntop(AF_INET6, &copy.v6.sin6_addr, ret_text, ADDRESS_TEXT_MAX);
	}
}

socklen_t address_size(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}
