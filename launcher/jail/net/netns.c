// SPDX-License-Identifier: Apache-2.0
/*
 * The network namespace has a loopback device and nothing else, so that no packet can
 * leave whatever the rules say: they only decide who inside answers. "local" routes for
 * 0.0.0.0/0 and ::/0 (AnyIP) make every address one of this machine's own; nft's TPROXY
 * then gives all TCP to one listener, and getsockname() tells the destination. 127/8 and
 * ::1 remain the agent's.
 */
#include "jail/net/netns.h"

#include <netinet/in.h>

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "jail/namespaces.h"
#include "jail/net/netlink.h"
#include "jail/net/netns_rules.h"

#define NETNS_LOOPBACK_INDEX 1 /* always, in every network namespace */
#define NETNS_BACKLOG        4096
#define NETNS_DNS_PORT       53

static int stage_failed(struct error *err, const char *what, int r)
{
	/* A namespace without rights in it is what AppArmor's restriction yields. */
	const char *mend = r == -EPERM || r == -EACCES
				   ? namespaces_mend()
				   : "the kernel must have nf_tables with TPROXY; as root: "
				     "modprobe -a nf_tables nft_tproxy";

	error_set(err, "network of the jail", mend, "%s: %s", what, strerror(-r));
	return r;
}

/* A route that makes all addresses of a family local. */
static void add_any_route(struct netlink_batch *b, uint8_t family)
{
	const struct rtmsg route = {.rtm_family = family,
				    .rtm_table = RT_TABLE_LOCAL,
				    .rtm_protocol = RTPROT_STATIC,
				    .rtm_scope = RT_SCOPE_HOST,
				    .rtm_type = RTN_LOCAL};
	const uint32_t lo = NETNS_LOOPBACK_INDEX;
	const struct in_addr source4 = {htonl(INADDR_LOOPBACK)};

	netlink_begin(b, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &route,
		      sizeof(route));
	netlink_attr(b, RTA_OIF, &lo, sizeof(lo));
	if (family == AF_INET)
		netlink_attr(b, RTA_PREFSRC, &source4, sizeof(source4));
	else
		netlink_attr(b, RTA_PREFSRC, &in6addr_loopback, sizeof(in6addr_loopback));
}

/*
 * An address that is not loopback's, one of a family, which nothing is ever sent from or to:
 * resolvers with AI_ADDRCONFIG (RFC 3493 §6.1) leave out a family of which they see none.
 */
static void add_address(struct netlink_batch *b, uint8_t family)
{
	const struct ifaddrmsg address = {
		.ifa_family = family,
		.ifa_prefixlen = family == AF_INET ? 32 : 128,
		.ifa_flags = family == AF_INET ? 0 : IFA_F_NODAD,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = NETNS_LOOPBACK_INDEX,
	};
	static const uint8_t v4[4] = {198, 19, 255, 1}; /* RFC 2544, past the synthetic names' */
	static const uint8_t v6[16] = {0xfd, 0x6d, 0x63, 0x70, 0x6a, 0x61, 0x69, 0x6c,
				       0xff, 0xff, 0,    0,    0,    0,    0,    1};
	const uint8_t *bytes = family == AF_INET ? v4 : v6;
	size_t n = family == AF_INET ? sizeof(v4) : sizeof(v6);

	netlink_begin(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &address,
		      sizeof(address));
	netlink_attr(b, IFA_LOCAL, bytes, n);
	netlink_attr(b, IFA_ADDRESS, bytes, n);
}

static int add_routes(bool *ret_has_ipv6, struct error *err)
{
	const struct ifinfomsg up = {
		.ifi_index = NETNS_LOOPBACK_INDEX, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct netlink_batch b4 = {.len = 0}, b6 = {.len = 0};
	autoclose int fd = netlink_open(NETLINK_ROUTE);
	int r;

	if (fd < 0)
		return stage_failed(err, "rtnetlink socket", fd);
	netlink_begin(&b4, RTM_NEWLINK, NLM_F_ACK, &up, sizeof(up));
	add_any_route(&b4, AF_INET);
	add_address(&b4, AF_INET);
	r = netlink_transact(fd, &b4);
	if (r < 0)
		return stage_failed(err, "bringing up loopback and routing every address to it", r);
	/* Without IPv6 in the kernel its addresses are unreachable, which is as good. */
	add_any_route(&b6, AF_INET6);
	add_address(&b6, AF_INET6);
	*ret_has_ipv6 = netlink_transact(fd, &b6) == 0;
	return 0;
}

/* --- sockets ------------------------------------------------------------------ */

static int set_option(int fd, int level, int option)
{
	const int one = 1;

	return setsockopt(fd, level, option, &one, sizeof(one)) < 0 ? -errno : 0;
}

/* IPv6 sockets serve both families, also where IPv6 has no addresses; but it may be absent. */
static int open_family(int type, int *ret_family)
{
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*ret_family = fd < 0 && errno == EAFNOSUPPORT ? AF_INET : AF_INET6;
	if (*ret_family == AF_INET)
		fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

static int set_transparent(int fd, int family)
{
	const int zero = 0;
	int r = set_option(fd, SOL_IP, IP_TRANSPARENT);

	if (!r && family == AF_INET6)
		r = set_option(fd, SOL_IPV6, IPV6_TRANSPARENT);
	if (!r && family == AF_INET6 &&
	    setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) < 0)
		r = -errno;
	return r;
}

/* A socket on the wildcard address of all families that there are. */
static int open_wildcard(int type, uint16_t port)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int family = AF_UNSPEC, r;
	autoclose int fd = open_family(type, &family);
	bool is6 = family == AF_INET6;

	if (fd < 0)
		return fd;
	r = set_transparent(fd, family);
	if (!r && bind(fd, is6 ? (struct sockaddr *)&a6 : (struct sockaddr *)&a4,
		       is6 ? sizeof(a6) : sizeof(a4)) < 0)
		r = -errno;
	if (!r && type == SOCK_STREAM && listen(fd, NETNS_BACKLOG) < 0)
		r = -errno;
	return r ? r : fd_take(&fd);
}

static int local_port(int fd, uint16_t *ret_port)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a = {.in6 = {0}};
	socklen_t n = sizeof(a);

	if (getsockname(fd, &a.sa, &n) < 0)
		return -errno;
	*ret_port = ntohs(a.sa.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port);
	return 0;
}

/* Replies must leave from the address that was asked: hence the packet's, and FREEBIND. */
static int open_dns_udp(void)
{
	autoclose int fd = open_wildcard(SOCK_DGRAM, NETNS_DNS_PORT);
	int family = AF_UNSPEC, r = fd < 0 ? fd : 0;
	socklen_t n = sizeof(family);

	if (!r && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n) < 0)
		r = -errno;
	if (!r)
		r = set_option(fd, SOL_IP, IP_PKTINFO);
	if (!r)
		r = set_option(fd, SOL_IP, IP_FREEBIND);
	if (!r && family == AF_INET6)
		r = set_option(fd, SOL_IPV6, IPV6_RECVPKTINFO);
	if (!r && family == AF_INET6)
		r = set_option(fd, SOL_IPV6, IPV6_FREEBIND);
	return r ? r : fd_take(&fd);
}

static int open_listeners(struct netns *net, struct error *err)
{
	int r;

	net->tcp = open_wildcard(SOCK_STREAM, 0);
	if (net->tcp < 0)
		return stage_failed(err, "transparent listener", net->tcp);
	r = local_port(net->tcp, &net->tcp_port);
	if (r < 0)
		return stage_failed(err, "transparent listener's port", r);
	net->dns_udp = open_dns_udp();
	if (net->dns_udp < 0)
		return stage_failed(err, "DNS socket", net->dns_udp);
	net->dns_tcp = open_wildcard(SOCK_STREAM, NETNS_DNS_PORT);
	if (net->dns_tcp < 0)
		return stage_failed(err, "DNS listener", net->dns_tcp);
	return 0;
}

int netns_set_up(struct netns *ret, struct error *err)
{
	int r = add_routes(&ret->has_ipv6, err);

	if (!r)
		r = open_listeners(ret, err);
	if (r < 0)
		return r;
	r = netns_rules_load(ret->tcp_port, &ret->log);
	return r < 0 ? stage_failed(err, "packet rules that bring TCP to the proxy", r) : 0;
}

void netns_close(struct netns *net)
{
	fd_close(&net->tcp);
	fd_close(&net->dns_udp);
	fd_close(&net->dns_tcp);
	fd_close(&net->log);
}
