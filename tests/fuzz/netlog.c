// SPDX-License-Identifier: Apache-2.0
/*
 * Packets of the agent's, as the kernel hands them over. The first byte of the input says
 * whether the rest is what recv() yields, or one packet, which is then put into a message
 * as the kernel does. What must hold:
 *   - reading ends, takes whole messages only and nothing past the end;
 *   - what is told of a packet is what its header says at the offsets of RFC 791 and RFC 8200.
 */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>

#include "fuzz.h"
#include "jail/netlog.h"

static void put_attribute(struct buf *message, uint16_t type, const void *bytes, size_t n)
{
	struct nlattr a = {.nla_len = (uint16_t)(sizeof(a) + n), .nla_type = type};
	static const char padding[4];

	must(!buf_append(message, &a, sizeof(a)) && !buf_append(message, bytes, n) &&
	     !buf_append(message, padding, (4 - n % 4) % 4));
}

static void put_message(struct buf *message, const char *prefix, struct span packet)
{
	struct nlmsghdr h = {.nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET};
	struct nfgenmsg general = {.version = 0};
	size_t at = message->len;

	must(!buf_append(message, &h, sizeof(h)) &&
	     !buf_append(message, &general, sizeof(general)));
	put_attribute(message, NFULA_PREFIX, prefix, strlen(prefix) + 1);
	put_attribute(message, NFULA_PAYLOAD, packet.p, packet.n);
	h.nlmsg_len = (uint32_t)(message->len - at);
	memcpy(message->data + at, &h, sizeof(h));
}

static void check_attempt(const struct netlog_attempt *a, struct span packet, bool is_refusal)
{
	const uint8_t *p = (const uint8_t *)packet.p;
	bool v4 = p[0] >> 4 == 4;

	must(packet.n >= (v4 ? 20u : 40u) && (v4 || p[0] >> 4 == 6));
	must(a->is_loopback == is_refusal);
	if (v4) {
		must(IN6_IS_ADDR_V4MAPPED(&a->address));
		must(!memcmp(a->address.s6_addr + 12, p + (is_refusal ? 12 : 16), 4));
		must(a->protocol == p[9]);
	} else {
		must(!memcmp(&a->address, p + (is_refusal ? 8 : 24), 16));
	}
	if (is_refusal)
		must(a->protocol == IPPROTO_TCP &&
		     (v4 ? p[12] == 127 : IN6_IS_ADDR_LOOPBACK(&a->address)));
	/* A plain header: the ports follow it at once. */
	if (v4 && p[0] == 0x45 && !((p[6] & 0x1f) | p[7]) && a->protocol == IPPROTO_UDP &&
	    packet.n >= 24)
		must(a->port == (p[22] << 8 | p[23]));
	must(netlog_protocol_name(a->protocol)[0]);
}

static void check_packet(struct span packet, bool is_refusal)
{
	autobuf struct buf message = BUF_INIT(FUZZ_BUF_MAX);
	autofree char *copy = NULL;
	struct netlog_attempt attempt;
	size_t n;

	put_message(&message, is_refusal ? NETLOG_REFUSED_PREFIX : "", packet);
	copy = fuzz_copy(message.data, message.len);
	n = netlog_parse(copy, message.len, &attempt);
	must(!n || n == message.len);
	if (n)
		check_attempt(&attempt, packet, is_refusal);
}

static void check_messages(struct span bytes)
{
	while (bytes.n) {
		struct netlog_attempt attempt;
		size_t n = netlog_parse(bytes.p, bytes.n, &attempt);

		must(n <= bytes.n);
		if (!n)
			return;
		must(n >= sizeof(struct nlmsghdr));
		bytes = span_bytes(bytes.p + n, bytes.n - n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char *copy = NULL;
	struct span rest;

	if (!n)
		return 0;
	copy = fuzz_copy(data + 1, n - 1);
	rest = span_bytes(copy, n - 1);
	if (data[0] % 3 == 0)
		check_messages(rest);
	else
		check_packet(rest, data[0] % 3 == 2);
	return 0;
}
