/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy_resolvers.h - tier B: the agent's connections to a resolver
 *
 * Each is one end of a SOCK_SEQPACKET pair, of which the agent holds the other; what it
 * sends is a question, and gets the answer of the proxy's own DNS.
 */
#ifndef MCPJAIL_LAUNCHER_ROLES_PROXY_RESOLVERS_H
#define MCPJAIL_LAUNCHER_ROLES_PROXY_RESOLVERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipc/messages.h"
#include "proxy/dns.h"
#include "proxy/loop.h"

#define RESOLVERS_MAX 256 /* at a time; of more the oldest is closed */

struct proxy_resolver;

struct proxy_resolvers {
	struct loop *loop; /* borrowed, as are the next two */
	struct dns_names *names;
	/* Once for each that is foreign: what was asked for first, and where */
	void (*on_foreign)(void *arg, const char *address, const char *reply, size_t n);
	void *arg;
	struct proxy_resolver *all; /* the newest first */
	size_t n;
};

/** proxy_resolvers_add() - Serve one; @fd is taken over. Return: 0; -ENOMEM; -EPROTO */
int proxy_resolvers_add(struct proxy_resolvers *r, int fd, const struct msg_resolver *m);

void proxy_resolvers_close(struct proxy_resolvers *r);

#endif
