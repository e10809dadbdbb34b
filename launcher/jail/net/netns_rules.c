// SPDX-License-Identifier: Apache-2.0
/*
 * One batch, in one send: 0.1 ms, where libnftables takes near 2. No rule needs
 * connection tracking. Shown as text by `nft list ruleset` in the namespace:
 *
 *	table inet mcpjail { chain capture { type filter hook prerouting priority mangle
 *		tcp flags == (rst|ack) tcp sequence 0 limit rate 4/second burst 8 packets
 *			log prefix "refused" group 1 snaplen 128
 *		ip daddr 127.0.0.0/8 accept
 *		ip6 daddr ::1 accept
 *		tcp dport 53 accept
 *		udp dport 53 accept
 *		meta l4proto tcp tproxy to :PORT accept
 *		log group 1 snaplen 128
 *	} }
 */
#include "jail/net/netns_rules.h"

#include <netinet/in.h>

#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "jail/net/netlink.h"
#include "jail/netlog.h"

#define RULES_LOG_GROUP  1
#define RULES_LOG_RCVBUF (1 << 20)
#define RULES_TABLE      "mcpjail"
#define RULES_CHAIN      "capture"
#define RULES_DNS_PORT   53

/* Loopback refusals that are told; more of them say nothing new. */
#define RULES_REFUSED_PER_SECOND 4
#define RULES_REFUSED_BURST      8

#define RULES_RST 0x04 /* of the TCP header's flags */
#define RULES_ACK 0x10

/* --- expressions; `nft --debug=netlink` shows how the tool writes them -------- */

static size_t expr_begin(struct netlink_batch *b, const char *name, size_t *ret_data)
{
	size_t element = netlink_nest(b, NFTA_LIST_ELEM);

	netlink_attr_string(b, NFTA_EXPR_NAME, name);
	*ret_data = netlink_nest(b, NFTA_EXPR_DATA);
	return element;
}

static void expr_end(struct netlink_batch *b, size_t element, size_t data)
{
	netlink_nest_end(b, data);
	netlink_nest_end(b, element);
}

static void expr_meta(struct netlink_batch *b, uint32_t key)
{
	size_t data, element = expr_begin(b, "meta", &data);

	netlink_attr_u32be(b, NFTA_META_KEY, key);
	netlink_attr_u32be(b, NFTA_META_DREG, NFT_REG_1);
	expr_end(b, element, data);
}

static void expr_payload(struct netlink_batch *b, uint32_t base, uint32_t offset, uint32_t n)
{
	size_t data, element = expr_begin(b, "payload", &data);

	netlink_attr_u32be(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	netlink_attr_u32be(b, NFTA_PAYLOAD_BASE, base);
	netlink_attr_u32be(b, NFTA_PAYLOAD_OFFSET, offset);
	netlink_attr_u32be(b, NFTA_PAYLOAD_LEN, n);
	expr_end(b, element, data);
}

static void expr_equals(struct netlink_batch *b, const void *value, size_t n)
{
	size_t data, element = expr_begin(b, "cmp", &data), nest;

	netlink_attr_u32be(b, NFTA_CMP_SREG, NFT_REG_1);
	netlink_attr_u32be(b, NFTA_CMP_OP, NFT_CMP_EQ);
	nest = netlink_nest(b, NFTA_CMP_DATA);
	netlink_attr(b, NFTA_DATA_VALUE, value, n);
	netlink_nest_end(b, nest);
	expr_end(b, element, data);
}

static void expr_equals_byte(struct netlink_batch *b, uint8_t value)
{
	expr_equals(b, &value, sizeof(value));
}

static void expr_accept(struct netlink_batch *b)
{
	size_t data, element = expr_begin(b, "immediate", &data), value, verdict;

	netlink_attr_u32be(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	value = netlink_nest(b, NFTA_IMMEDIATE_DATA);
	verdict = netlink_nest(b, NFTA_DATA_VERDICT);
	netlink_attr_u32be(b, NFTA_VERDICT_CODE, NF_ACCEPT);
	netlink_nest_end(b, verdict);
	netlink_nest_end(b, value);
	expr_end(b, element, data);
}

static void expr_tproxy(struct netlink_batch *b, uint16_t port)
{
	const uint16_t port_be = htons(port);
	size_t data, element = expr_begin(b, "immediate", &data), value;

	netlink_attr_u32be(b, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	value = netlink_nest(b, NFTA_IMMEDIATE_DATA);
	netlink_attr(b, NFTA_DATA_VALUE, &port_be, sizeof(port_be));
	netlink_nest_end(b, value);
	expr_end(b, element, data);
	element = expr_begin(b, "tproxy", &data);
	netlink_attr_u32be(b, NFTA_TPROXY_FAMILY, NFPROTO_UNSPEC);
	netlink_attr_u32be(b, NFTA_TPROXY_REG_PORT, NFT_REG_1);
	expr_end(b, element, data);
}

static void expr_limit(struct netlink_batch *b, uint64_t per_second, uint32_t burst)
{
	const uint64_t rate = htobe64(per_second), second = htobe64(1);
	size_t data, element = expr_begin(b, "limit", &data);

	netlink_attr(b, NFTA_LIMIT_RATE, &rate, sizeof(rate));
	netlink_attr(b, NFTA_LIMIT_UNIT, &second, sizeof(second));
	netlink_attr_u32be(b, NFTA_LIMIT_BURST, burst);
	netlink_attr_u32be(b, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	netlink_attr_u32be(b, NFTA_LIMIT_FLAGS, 0);
	expr_end(b, element, data);
}

static void expr_log(struct netlink_batch *b, const char *prefix)
{
	const uint16_t group = htons(RULES_LOG_GROUP);
	size_t data, element = expr_begin(b, "log", &data);

	if (prefix)
		netlink_attr_string(b, NFTA_LOG_PREFIX, prefix);
	netlink_attr(b, NFTA_LOG_GROUP, &group, sizeof(group));
	netlink_attr_u32be(b, NFTA_LOG_SNAPLEN, NETLOG_SNAP_BYTES);
	expr_end(b, element, data);
}

/* --- the rules, in their order ---------------------------------------------- */

static void match_protocol(struct netlink_batch *b, uint8_t protocol)
{
	expr_meta(b, NFT_META_L4PROTO);
	expr_equals_byte(b, protocol);
}

/*
 * The kernel's answer to a connection that nothing listens for (RFC 9293 §3.5.2: to a segment
 * without ACK, sequence 0). Only 127/8 and ::1 answer so, everywhere else we listen; which of
 * them it was, the packet says. Asked first what nearly no packet is: RST and ACK alone.
 */
static void rule_refused(struct netlink_batch *b, uint16_t port)
{
	const uint32_t sequence = 0;

	(void)port;
	match_protocol(b, IPPROTO_TCP);
	expr_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
	expr_equals_byte(b, RULES_RST | RULES_ACK);
	expr_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 4, 4);
	expr_equals(b, &sequence, sizeof(sequence));
	expr_limit(b, RULES_REFUSED_PER_SECOND, RULES_REFUSED_BURST);
	expr_log(b, NETLOG_REFUSED_PREFIX);
}

static void rule_loopback4(struct netlink_batch *b, uint16_t port)
{
	(void)port;
	expr_meta(b, NFT_META_NFPROTO);
	expr_equals_byte(b, NFPROTO_IPV4);
	expr_payload(b, NFT_PAYLOAD_NETWORK_HEADER, 16, 1); /* first octet of the destination */
	expr_equals_byte(b, 127);
	expr_accept(b);
}

static void rule_loopback6(struct netlink_batch *b, uint16_t port)
{
	(void)port;
	expr_meta(b, NFT_META_NFPROTO);
	expr_equals_byte(b, NFPROTO_IPV6);
	expr_payload(b, NFT_PAYLOAD_NETWORK_HEADER, 24, 16);
	expr_equals(b, &in6addr_loopback, sizeof(in6addr_loopback));
	expr_accept(b);
}

/* The resolvers' port, of any address, has listeners of its own. */
static void rule_dns(struct netlink_batch *b, uint8_t protocol)
{
	const uint16_t dns = htons(RULES_DNS_PORT);

	match_protocol(b, protocol);
	expr_payload(b, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
	expr_equals(b, &dns, sizeof(dns));
	expr_accept(b);
}

static void rule_dns_tcp(struct netlink_batch *b, uint16_t port)
{
	(void)port;
	rule_dns(b, IPPROTO_TCP);
}

static void rule_dns_udp(struct netlink_batch *b, uint16_t port)
{
	(void)port;
	rule_dns(b, IPPROTO_UDP);
}

static void rule_capture(struct netlink_batch *b, uint16_t port)
{
	match_protocol(b, IPPROTO_TCP);
	expr_tproxy(b, port);
	expr_accept(b);
}

/* Whatever is left has no listener: note it, and let the kernel refuse it. */
static void rule_log(struct netlink_batch *b, uint16_t port)
{
	(void)port;
	expr_log(b, NULL);
}

/* What is left out where the kernel lacks a part: it only records what is refused anyhow. */
enum rules_extent { RULES_BARE = 0, RULES_LOGGED, RULES_ALL };

static const struct {
	enum rules_extent extent; /* the least that it belongs to */
	void (*add)(struct netlink_batch *, uint16_t port);
} rules[] = {
	{RULES_ALL, rule_refused},  {RULES_BARE, rule_loopback4}, {RULES_BARE, rule_loopback6},
	{RULES_BARE, rule_dns_tcp}, {RULES_BARE, rule_dns_udp},   {RULES_BARE, rule_capture},
	{RULES_LOGGED, rule_log},
};

static void nft_message(struct netlink_batch *b, uint16_t type, uint16_t flags)
{
	const struct nfgenmsg h = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};

	netlink_begin(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &h, sizeof(h));
}

static void nft_batch_mark(struct netlink_batch *b, uint16_t type)
{
	const struct nfgenmsg h = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};

	netlink_begin(b, type, 0, &h, sizeof(h));
}

static void nft_add_chain(struct netlink_batch *b)
{
	size_t hook;

	nft_message(b, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	netlink_attr_string(b, NFTA_TABLE_NAME, RULES_TABLE);
	nft_message(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	netlink_attr_string(b, NFTA_CHAIN_TABLE, RULES_TABLE);
	netlink_attr_string(b, NFTA_CHAIN_NAME, RULES_CHAIN);
	netlink_attr_string(b, NFTA_CHAIN_TYPE, "filter");
	hook = netlink_nest(b, NFTA_CHAIN_HOOK);
	netlink_attr_u32be(b, NFTA_HOOK_HOOKNUM, NF_INET_PRE_ROUTING);
	netlink_attr_u32be(b, NFTA_HOOK_PRIORITY,
			   (uint32_t)-150); /* "mangle", where TPROXY belongs */
	netlink_nest_end(b, hook);
}

static void add_rule(struct netlink_batch *b, size_t rule, uint16_t port, uint16_t flags)
{
	size_t list;

	nft_message(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | flags);
	netlink_attr_string(b, NFTA_RULE_TABLE, RULES_TABLE);
	netlink_attr_string(b, NFTA_RULE_CHAIN, RULES_CHAIN);
	list = netlink_nest(b, NFTA_RULE_EXPRESSIONS);
	rules[rule].add(b, port);
	netlink_nest_end(b, list);
}

static int add_rules(uint16_t port, enum rules_extent extent)
{
	struct netlink_batch b = {.len = 0};
	autoclose int fd = netlink_open(NETLINK_NETFILTER);
	size_t last = ARRAY_SIZE(rules) - 1;

	if (fd < 0)
		return fd;
	while (rules[last].extent > extent)
		last--;
	nft_batch_mark(&b, NFNL_MSG_BATCH_BEGIN);
	nft_add_chain(&b);
	/* The kernel reports every message's error; one answer for the last will do. */
	for (size_t i = 0; i <= last; i++)
		if (rules[i].extent <= extent)
			add_rule(&b, i, port, i == last ? NLM_F_ACK : 0);
	nft_batch_mark(&b, NFNL_MSG_BATCH_END);
	return netlink_transact(fd, &b);
}

/* --- the log ------------------------------------------------------------------ */

static void log_config(struct netlink_batch *b, uint16_t attribute, const void *value, size_t n)
{
	const struct nfgenmsg h = {.version = NFNETLINK_V0, .res_id = htons(RULES_LOG_GROUP)};

	netlink_begin(b, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, NLM_F_ACK, &h, sizeof(h));
	netlink_attr(b, attribute, value, n);
}

/* The socket that gets what rule_log() logs. A threshold of 1: each packet at once. */
static int open_log(void)
{
	const struct nfulnl_msg_config_cmd bind_group = {.command = NFULNL_CFG_CMD_BIND};
	const struct nfulnl_msg_config_mode mode = {.copy_range = htonl(NETLOG_SNAP_BYTES),
						    .copy_mode = NFULNL_COPY_PACKET};
	const uint32_t threshold = htonl(1);
	const int bytes = RULES_LOG_RCVBUF;
	autoclose int fd = netlink_open(NETLINK_NETFILTER);
	const struct {
		uint16_t attribute;
		const void *value;
		size_t n;
	} steps[] = {
		{NFULA_CFG_CMD, &bind_group, sizeof(bind_group)},
		{NFULA_CFG_MODE, &mode, sizeof(mode)},
		{NFULA_CFG_QTHRESH, &threshold, sizeof(threshold)},
	};

	if (fd < 0)
		return fd;
	/* nfnetlink takes one message at a time outside of batches. */
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct netlink_batch b = {.len = 0};
		int r;

		log_config(&b, steps[i].attribute, steps[i].value, steps[i].n);
		r = netlink_transact(fd, &b);
		if (r < 0)
			return r;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return fd_take(&fd);
}

int netns_rules_load(uint16_t port, int *ret_log)
{
	int r = -EINVAL, log;

	*ret_log = -1;
	/* Without nfnetlink_log, or the limit before it, the others hold as well. */
	for (int extent = RULES_ALL; r < 0 && extent >= RULES_BARE; extent--)
		r = add_rules(port, (enum rules_extent)extent);
	if (r < 0)
		return r;
	log = open_log();
	if (log >= 0)
		*ret_log = log;
	return 0;
}
