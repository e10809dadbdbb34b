/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy_destinations.h - tier B: where connections from the loopback were meant to go
 *
 * The broker tells it before it makes a connection, by the address that it will come from.
 * What comes from anywhere else is nobody's of the jail.
 */
#ifndef MCPJAIL_LAUNCHER_ROLES_PROXY_DESTINATIONS_H
#define MCPJAIL_LAUNCHER_ROLES_PROXY_DESTINATIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ipc/messages.h"

#define DESTINATIONS_MAX 1024  /* announced and not come yet; the oldest are forgotten */
#define DESTINATIONS_MS  30000 /* after which one that has not come is forgotten */

struct announced {
	struct in6_addr agent; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t agent_port;   /* 0: this one is free */
	struct sockaddr_storage to;
	char *exec; /* owned */
	uint64_t at_ms;
};

struct proxy_destinations {
	struct announced all[DESTINATIONS_MAX];
	size_t next;
};

/** proxy_destinations_add() - Return: 0; -EPROTO for what is no address; -ENOMEM */
int proxy_destinations_add(struct proxy_destinations *d, const struct msg_destination *m,
			   uint64_t now_ms);

/**
 * proxy_destinations_take() - Find, and forget, what was announced for a connection
 * @agent:    Where it comes from
 * @ret_to:   Untouched on failure, as is
 * @ret_exec: What was told of its process; to be freed
 *
 * Return: whether there is one
 */
bool proxy_destinations_take(struct proxy_destinations *d, const struct sockaddr *agent,
			     uint64_t now_ms, struct sockaddr_storage *ret_to, char **ret_exec);

void proxy_destinations_free(struct proxy_destinations *d);

#endif
