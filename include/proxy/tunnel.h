/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/tunnel.h - a connection that the policy lets through unread
 *
 * Whoever starts one has judged it: by the name in a ClientHello, or because it is for the
 * host's own loopback. The host is connected to by that name, not by the agent's address.
 */
#ifndef MCPJAIL_PROXY_TUNNEL_H
#define MCPJAIL_PROXY_TUNNEL_H

#include "proxy/conn.h"

struct tunnel_target {
	const char *host; /* borrowed for the call only */
	uint16_t port;
	const char *protocol; /* for the record: "tls" or "tcp"; static */
	const char *rule;     /* the entry that allows it; belongs to the policy */
};

/**
 * tunnel_start() - Record the tunnel, connect, and pass bytes on
 *
 * What conn.in holds is sent first. If the host cannot be reached the connection is reset.
 * Afterwards the connection is in CONN_EXCHANGE, or over.
 */
void tunnel_start(struct conn *c, const struct tunnel_target *target);

#endif
