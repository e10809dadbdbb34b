/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/route.h - where a request may go, decided from its head and the policy alone
 *
 * Pure functions, no I/O. Whatever is neither exactly an endpoint of an MCP server nor allowed
 * by an entry of `egress` is refused, with a sentence that says what was refused, by which
 * rule, and what can be done.
 */
#ifndef MCPJAIL_PROXY_ROUTE_H
#define MCPJAIL_PROXY_ROUTE_H

#include <stdbool.h>

#include "policy/policy.h"
#include "proxy/egress_judge.h"
#include "proxy/http1.h"

#define ROUTE_TEXT_MAX 2048

enum route_kind {
	ROUTE_REFUSE = 0,
	ROUTE_MCP,    /* to route.server, whose path and method are right */
	ROUTE_EGRESS, /* to another host, as route.egress says; its body may still be judged */
};

/* Through what the request came, and whom each layer named. */
struct route_channel {
	bool tls;
	const char *tls_name; /* tls: the name whose leaf was served: SNI, else the destination's */
	const struct http1_authority *tunnel; /* inside CONNECT; else NULL */
	uint16_t port;                        /* of the destination that the agent connected to */
};

struct route {
	enum route_kind kind;
	const struct policy_server
		*server; /* the MCP server on that host, borrowed; may be NULL if refused */
	struct http1_authority authority; /* whom the request names; host "" if it names none */
	char path[HTTP1_PATH_MAX + 1];    /* ROUTE_MCP */
	struct egress_ask egress;         /* ROUTE_EGRESS */
	struct policy_egress_decision decision; /* ROUTE_EGRESS: of the head */
	unsigned status;                        /* ROUTE_REFUSE: 400, 403, 421 or 426 */
	const char *rule; /* ROUTE_REFUSE: JSON pointer, or "" where the policy was not asked */
	char text[ROUTE_TEXT_MAX];
};

/**
 * route_request() - Decide about a request other than CONNECT
 *
 * The layers have to agree first: the host of SNI and of CONNECT with the request's, else
 * 421. Then scheme, host, port, path and method have to be those of an MCP server, or
 * allowed by `egress`. A request to become a WebSocket that may not be one is judged, and
 * goes on, as the plain request that it is beside; if that is refused as well, by 426.
 */
void route_request(const struct policy *policy, const struct route_channel *channel,
		   const struct http1_head *head, struct route *ret);

/**
 * route_host_denial() - The sentence for a destination that the policy does not name
 * @host: As the agent gave it, or an address
 */
void route_host_denial(const struct policy *policy, const char *host, uint16_t port, char *ret,
		       size_t size);

#endif
