/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/attribution.h - asks the broker which process made a connection
 *
 * Asked when a connection is accepted. Nothing of it is read before the answer is there, or
 * ATTRIBUTION_MS are over: while it waits for a reply, the process behind it stays. What is
 * unknown is told as that, with the reason, and delays nothing further.
 */
#ifndef MCPJAIL_PROXY_ATTRIBUTION_H
#define MCPJAIL_PROXY_ATTRIBUTION_H

#include <stddef.h>
#include <sys/socket.h>

#include "ipc/channel.h"
#include "proxy/loop.h"

#define ATTRIBUTION_MS            50
/* Questions to the broker without an answer yet. So many fit into the socket between, so that
 * neither side ever blocks on the other. */
#define ATTRIBUTION_IN_FLIGHT_MAX 96

struct conn;

struct attribution {
	struct channel *broker;       /* borrowed; NULL: there is none to ask */
	struct loop *loop;            /* borrowed */
	struct conn *waiting, **last; /* connections, in the order of their bounds */
	size_t in_flight;
};

void attribution_init(struct attribution *a, struct channel *broker, struct loop *loop);

/**
 * attribution_ask() - Ask who made @c
 * @agent: The other end's address
 *
 * Afterwards the connection waits (conn.awaits_exec), or there is nothing to wait for.
 */
void attribution_ask(struct attribution *a, struct conn *c, const struct sockaddr_storage *agent);

/** attribution_on_process() - An answer. Return: 0; -EPROTO if nothing was asked */
int attribution_on_process(struct attribution *a, const struct msg_process *answer);

/** attribution_on_alarm() - From the loop's on_alarm(): let go on what has waited long enough */
void attribution_on_alarm(struct attribution *a);

/** attribution_forget() - @c is over */
void attribution_forget(struct attribution *a, struct conn *c);

#endif
