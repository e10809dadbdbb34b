/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy_sockets.h - the jail's sockets, as the proxy serves them
 */
#ifndef MCPJAIL_LAUNCHER_ROLES_PROXY_SOCKETS_H
#define MCPJAIL_LAUNCHER_ROLES_PROXY_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "proxy/conn.h"
#include "proxy/dns.h"
#include "proxy/loop.h"
#include "proxy/recorder.h"
#include "proxy_destinations.h"
#include "proxy_resolvers.h"

#define PROXY_ACCEPTS_MAX  16 /* of one listener in a round */
#define PROXY_QUERIES_MAX  32 /* DNS queries in a round */
#define PROXY_LOGS_MAX     8  /* reads of the refused-datagram log in a round */
#define PROXY_DRAIN_ROUNDS 64
#define PROXY_LOSS_MS      1000 /* between two records of what the log lost */

struct proxy_listener {
	struct source source; /* first */
	struct proxy_sockets *sockets;
	int fd;        /* owned */
	uint16_t port; /* its own: a connection to that is a loop */
	bool dns;
	bool watched;
};

struct proxy_sockets {
	struct source dns_source; /* first: found from the source */
	struct source log_source;
	struct loop *loop; /* borrowed, as are the next two */
	struct conns *conns;
	struct recorder *recorder;
	struct proxy_listener tcp, dns_tcp;
	int dns_udp;          /* owned */
	int log;              /* owned; -1: none */
	unsigned log_losses;  /* times that the log overflowed, since the last record of it */
	uint64_t log_loss_ms; /* when that was written; 0: never */
	bool dns_is_ipv4;
	size_t conns_max;
	/* Tier B: connections come from the loopback, and questions over sockets of their own. */
	bool is_tier_b;
	struct proxy_listener tcp6;
	struct proxy_destinations *destinations;
	void (*read_announcements)(void *arg); /* what the broker has sent by now */
	struct proxy_resolvers resolvers;
	/* Once: before the first connection is taken, and after the first query was answered. */
	void (*on_first)(void *arg);
	void *arg;
};

/**
 * proxy_sockets_open() - Take over the jail's sockets and serve them
 * @fds: TCP, DNS UDP, DNS TCP, and the log or -1; in tier B TCP at 127.0.0.1 and ::1, and no
 *	 other
 *
 * Return: 0; -errno
 */
int proxy_sockets_open(struct proxy_sockets *s, const int fds[4]);
void proxy_sockets_close(struct proxy_sockets *s);

/**
 * proxy_sockets_drain() - At the end of a run: take what the agent sent just before it ended
 *
 * Connections become the caller's to close, which records them.
 */
void proxy_sockets_drain(struct proxy_sockets *s);

/** proxy_sockets_on_tick() - Record what waits for its second, and look for room */
void proxy_sockets_on_tick(struct proxy_sockets *s);

/** proxy_sockets_on_room() - There may be room for connections again */
void proxy_sockets_on_room(struct proxy_sockets *s);

#endif
