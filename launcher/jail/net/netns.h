/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/net/netns.h - the jail's network: loopback, a route for every address, our listeners
 */
#ifndef MCPJAIL_JAIL_NETNS_H
#define MCPJAIL_JAIL_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct netns {
	int tcp; /* transparent listener */
	int dns_udp;
	int dns_tcp;
	int log;           /* -1: the kernel has no nfnetlink_log */
	uint16_t tcp_port; /* of the transparent listener; host byte order */
	bool has_ipv6;
};

#define NETNS_NONE ((struct netns){-1, -1, -1, -1, 0, false})

/**
 * netns_set_up() - Make this fresh network namespace a one-way street to our listeners
 * @ret: NETNS_NONE to begin with; its descriptors are the caller's, also after a failure
 *
 * Needs CAP_NET_ADMIN and CAP_NET_BIND_SERVICE over the namespace.
 *
 * Return: 0; -errno with @err filled
 */
int netns_set_up(struct netns *ret, struct error *err);

void netns_close(struct netns *net);

#endif
