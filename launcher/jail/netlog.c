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

static void read_port(const uint8_t *p, size_t n, struct netlog_attempt *attempt)
{
	if (protocol_has_ports(attempt->protocol) && n >= 4)
		attempt->port = be16_at(p + 2);
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
	memcpy(attempt->address.s6_addr + 12, p + 16, 4);
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
	memcpy(attempt->address.s6_addr, p + 24, 16);
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

static bool read_packet(struct span packet, struct netlog_attempt *ret)
{
	const uint8_t *p = (const void *)packet.p;
	struct netlog_attempt attempt = {0};
	bool sound = false;

	if (packet.n && p[0] >> 4 == 4)
		sound = packet.n >= 20 && read_ipv4(p, packet.n, &attempt);
	else if (packet.n && p[0] >> 4 == 6)
		sound = read_ipv6(p, packet.n, &attempt);
	if (sound)
		*ret = attempt;
	return sound;
}

/* The NFULA_PAYLOAD attribute of one message's body. */
static struct span find_payload(const uint8_t *p, size_t n)
{
	struct nlattr a;

	for (size_t at = NLMSG_ALIGN(sizeof(struct nfgenmsg)); at < n && n - at >= sizeof(a);) {
		memcpy(&a, p + at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > n - at)
			break;
		if ((a.nla_type & NETLOG_TYPE_MASK) == NFULA_PAYLOAD)
			return span_bytes(p + at + sizeof(a), a.nla_len - sizeof(a));
		at += ((size_t)a.nla_len + 3) & ~(size_t)3;
	}
	return (struct span){NULL, 0};
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
		if (h.nlmsg_type == wanted &&
		    read_packet(find_payload(body, h.nlmsg_len - sizeof(h)), ret))
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
