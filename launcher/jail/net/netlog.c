// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes come from the kernel, but the packets within are the agent's: every length
 * is checked against what was received before it is used.
 */
#include "jail/netlog.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/span.h"

#define NETLOG_TYPE_MASK 0x3fff /* NLA_TYPE_MASK: without the nested and byte order flags */

static uint16_t be16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool protocol_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

/* Of a refusal, which is an answer, what was asked for is the source. */
static void read_port(const uint8_t *p, size_t n, struct netlog_attempt *attempt)
{
	if (protocol_has_ports(attempt->protocol) && n >= 4)
		attempt->port = be16_at(p + (attempt->is_loopback ? 0 : 2));
}

/* RFC 791 §3.1 */
static bool read_ipv4(const uint8_t *p, size_t n, struct netlog_attempt *attempt)
{
	size_t header = (size_t)(p[0] & 15) * 4;

	if (header < 20 || n < header)
		return false;
	attempt->protocol = p[9];
	attempt->address.s6_addr[10] = 0xff;
	attempt->address.s6_addr[11] = 0xff;
	memcpy(attempt->address.s6_addr + 12, p + (attempt->is_loopback ? 12 : 16), 4);
	/* Only the first fragment has the ports. */
	if (!(be16_at(p + 6) & 0x1fff))
		read_port(p + header, n - header, attempt);
	return true;
}

/* RFC 8200 §4: hop-by-hop, routing and destination options stand before the protocol. */
static bool read_ipv6(const uint8_t *p, size_t n, struct netlog_attempt *attempt)
{
	size_t at = 40;
	uint8_t next;

	if (n < at)
		return false;
	next = p[6];
	memcpy(attempt->address.s6_addr, p + (attempt->is_loopback ? 8 : 24), 16);
	while ((next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS) &&
	       n - at >= 8) {
		size_t step = ((size_t)p[at + 1] + 1) * 8;

		if (n - at < step)
			break;
		next = p[at];
		at += step;
	}
	attempt->protocol = next;
	read_port(p + at, n - at, attempt);
	return true;
}

static bool is_loopback(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LOOPBACK(address) ||
	       (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static bool read_packet(struct span packet, bool is_refusal, struct netlog_attempt *ret)
{
	const uint8_t *p = (const void *)packet.p;
	struct netlog_attempt attempt = {.is_loopback = is_refusal};
	bool sound = false;

	if (packet.n && p[0] >> 4 == 4)
		sound = packet.n >= 20 && read_ipv4(p, packet.n, &attempt);
	else if (packet.n && p[0] >> 4 == 6)
		sound = read_ipv6(p, packet.n, &attempt);
	if (is_refusal && (attempt.protocol != IPPROTO_TCP || !is_loopback(&attempt.address)))
		sound = false;
	if (sound)
		*ret = attempt;
	return sound;
}

/* An attribute of one message's body; empty if it has none such. */
static struct span find_attribute(const uint8_t *p, size_t n, uint16_t type)
{
	struct nlattr a;

	for (size_t at = NLMSG_ALIGN(sizeof(struct nfgenmsg)); at < n && n - at >= sizeof(a);) {
		memcpy(&a, p + at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > n - at)
			break;
		if ((a.nla_type & NETLOG_TYPE_MASK) == type)
			return span_bytes(p + at + sizeof(a), a.nla_len - sizeof(a));
		at += ((size_t)a.nla_len + 3) & ~(size_t)3;
	}
	return (struct span){NULL, 0};
}

static bool read_body(const uint8_t *p, size_t n, struct netlog_attempt *ret)
{
	struct span prefix = find_attribute(p, n, NFULA_PREFIX);

	if (prefix.n && !prefix.p[prefix.n - 1])
		prefix.n--;
	return read_packet(find_attribute(p, n, NFULA_PAYLOAD),
			   span_equals(prefix, NETLOG_REFUSED_PREFIX), ret);
}

size_t netlog_parse(const void *bytes, size_t n, struct netlog_attempt *ret)
{
	const uint16_t wanted = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
	const uint8_t *p = bytes;
	struct nlmsghdr h;

	for (size_t at = 0; at < n && n - at >= sizeof(h);) {
		const uint8_t *body = p + at + sizeof(h);

		memcpy(&h, p + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > n - at)
			return 0;
		at += NLMSG_ALIGN(h.nlmsg_len) < n - at ? NLMSG_ALIGN(h.nlmsg_len) : n - at;
		if (h.nlmsg_type == wanted && read_body(body, h.nlmsg_len - sizeof(h), ret))
			return at;
	}
	return 0;
}

const char *netlog_protocol_name(uint8_t protocol)
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} names[] = {
		{IPPROTO_ICMP, "icmp"},     {IPPROTO_TCP, "tcp"},   {IPPROTO_UDP, "udp"},
		{IPPROTO_DCCP, "dccp"},     {IPPROTO_SCTP, "sctp"}, {IPPROTO_UDPLITE, "udplite"},
		{IPPROTO_ICMPV6, "icmpv6"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].protocol == protocol)
			return names[i].name;
	return "ip";
}
