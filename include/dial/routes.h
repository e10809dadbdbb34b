/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dial/routes.h - whether a host may be reached, and by which way
 *
 * The policy says whether: a host is a server's, or an `egress` entry is for it. The way is,
 * in this order: --connect-to; the host's own loopback, for the name that stands for it; the
 * caller's HTTP proxy, unless NO_PROXY names the host; else what its name resolves to.
 *
 * What goes by a proxy is resolved there: no address is judged here then but a literal one,
 * and whether a tunnel ends at a server's address rests on the proxy.
 */
#ifndef MCPJAIL_DIAL_ROUTES_H
#define MCPJAIL_DIAL_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dial/addresses.h"
#include "dial/http_connect.h"
#include "dial/targets.h"
#include "ipc/messages.h"
#include "policy/policy.h"

struct dial_proxy {
	char host[IPC_HOST_MAX + 1]; /* name or literal; "": none */
	uint16_t port;
	char credentials[HTTP_CONNECT_CREDENTIALS_MAX];
	char no_proxy[IPC_NOPROXY_MAX + 1];
};

struct routes {
	const struct policy *policy;
	struct connect_to_list connect_to;
	struct dial_proxy proxy;
};

enum route_way {
	ROUTE_DIRECT = 0,
	ROUTE_LOOPBACK, /* 127.0.0.1, then ::1; no name is looked up */
	ROUTE_PROXY,    /* CONNECT by the caller's proxy */
};

struct route {
	enum route_way way;
	struct target target;
	enum address_reach reach; /* of the target's addresses */
	bool avoids_servers;      /* a tunnel: no address of an MCP server of the policy will do */
	bool is_egress;           /* an `egress` entry is for it, and no server */
	const struct dial_proxy *proxy; /* of the routes; for ROUTE_PROXY */
};

/**
 * routes_load() - Take over what the configuration says
 * @policy: Must outlive the routes
 *
 * Return: 0; -EINVAL with @err filled
 */
int routes_load(const struct policy *policy, const struct msg_dialer_config *config,
		struct routes *ret, struct error *err);

/**
 * route_find() - The way to a host and port
 * @host: Lower case, as target_kind() passes it
 *
 * Return: true; false, and nothing written, if the policy lets nobody there
 */
bool route_find(const struct routes *routes, const char *host, uint16_t port, struct route *ret);

#endif
