// SPDX-License-Identifier: Apache-2.0
#include "dial/routes.h"

#include <errno.h>
#include <string.h>

#include "dial/no_proxy.h"
#include "policy/egress.h"

static int load_proxy(const struct msg_dialer_config *config, struct dial_proxy *ret,
		      struct error *err)
{
	struct span host = config->proxy_host;

	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = span_bytes(host.p + 1, host.n - 2);
	ret->port = (uint16_t)config->proxy_port;
	if (!host.n)
		return 0;
	if (!span_copy(host, ret->host, sizeof(ret->host)) || strlen(ret->host) != host.n ||
	    target_kind(ret->host) == TARGET_BAD || !config->proxy_port ||
	    config->proxy_port > UINT16_MAX ||
	    http_connect_credentials(config->proxy_userinfo, ret->credentials)) {
		error_set(err, "HTTPS_PROXY", "http://HOST:PORT or http://USER:PASSWORD@HOST:PORT",
			  "\"%.*s\" port %u is no proxy that can be connected to", (int)host.n,
			  host.p, config->proxy_port);
		return -EINVAL;
	}
	if (!span_copy(config->no_proxy, ret->no_proxy, sizeof(ret->no_proxy))) {
		error_set(err, "NO_PROXY", "shorten it", "it has more than %d bytes",
			  IPC_NOPROXY_MAX);
		return -EINVAL;
	}
	return 0;
}

int routes_load(const struct policy *policy, const struct msg_dialer_config *config,
		struct routes *ret, struct error *err)
{
	int r = connect_to_load(config, &ret->connect_to, err);

	ret->policy = policy;
	return r ? r : load_proxy(config, &ret->proxy, err);
}

/*
 * A name in front of credentials' services is how rebinding would look; who writes their
 * address itself into the policy means it.
 */
static enum address_reach egress_reach(const struct policy_egress *entry, const char *host)
{
	if (!policy_egress_may_be_private(entry))
		return REACH_PUBLIC;
	return target_kind(host) == TARGET_LITERAL ? REACH_METADATA : REACH_PRIVATE;
}

static enum route_way choose_way(const struct routes *routes, const char *host, uint16_t port,
				 const struct target *target)
{
	if (target->is_listed)
		return ROUTE_DIRECT;
	if (!strcmp(host, POLICY_FORWARD_HOST))
		return ROUTE_LOOPBACK;
	if (routes->proxy.host[0] && !no_proxy_matches(routes->proxy.no_proxy, host, port))
		return ROUTE_PROXY;
	return ROUTE_DIRECT;
}

bool route_find(const struct routes *routes, const char *host, uint16_t port, struct route *ret)
{
	bool is_server = policy_server_find(routes->policy, host, port);
	const struct policy_egress *entry =
		is_server ? NULL : policy_egress_find(routes->policy, host, port);
	bool is_tunnel = entry && policy_egress_mode(entry) == EGRESS_TUNNEL;
	struct route route = {.is_egress = entry, .avoids_servers = is_tunnel};

	if (!is_server && !entry)
		return false;
	connect_to_find(&routes->connect_to, host, port, &route.target);
	route.way = choose_way(routes, host, port, &route.target);
	/* Only a tunnel leads to the loopback: neither a server of that name nor a wildcard. */
	if (route.way == ROUTE_LOOPBACK && !is_tunnel)
		return false;
	if (entry)
		route.reach = egress_reach(entry, host);
	if (route.target.is_chosen || route.way == ROUTE_LOOPBACK)
		route.reach = REACH_ANY;
	if (route.way == ROUTE_LOOPBACK)
		route.avoids_servers = false;
	if (route.way == ROUTE_PROXY)
		route.proxy = &routes->proxy;
	*ret = route;
	return true;
}
