// SPDX-License-Identifier: Apache-2.0
#include "proxy/attribution.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "proxy/conn.h"

static const char is_late[] = "{\"unknown\":\"the answer took more than 50 ms\"}";
static const char is_crowded[] = "{\"unknown\":\"too many connections were made at a time\"}";
static const char is_not_told[] = "{\"unknown\":\"it cannot be asked about\"}";
_Static_assert(ATTRIBUTION_MS == 50, "as the text says");

void attribution_init(struct attribution *a, struct channel *broker, struct loop *loop)
{
	*a = (struct attribution){.broker = broker, .loop = loop};
	a->last = &a->waiting;
}

static void set_alarm(struct attribution *a)
{
	a->loop->alarm_ms = a->waiting ? a->waiting->exec_by_ms : 0;
}

static void set_exec(struct conn *c, struct span exec)
{
	char *copy = malloc(exec.n + 1);

	if (!copy)
		return;
	span_copy(exec, copy, exec.n + 1);
	free(c->exec);
	c->exec = copy;
}

/* As text, an IPv4 address as what it is. */
static uint32_t describe(const struct sockaddr_storage *from, char ret[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

	if (from->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, ret, INET6_ADDRSTRLEN);
		return ntohs(v4->sin_port);
	}
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, ret, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, ret, INET6_ADDRSTRLEN);
	return ntohs(v6->sin6_port);
}

void attribution_ask(struct attribution *a, struct conn *c, const struct sockaddr_storage *agent)
{
	char address[INET6_ADDRSTRLEN];
	struct msg_who who = {
		.conn = c->id,
		.destination = span_of(c->address),
		.destination_port = c->port,
	};

	if (!a->broker)
		return;
	if (a->in_flight == ATTRIBUTION_IN_FLIGHT_MAX) {
		set_exec(c, span_of(is_crowded));
		return;
	}
	who.agent_port = describe(agent, address);
	who.agent = span_of(address);
	/* A broker that has gone ends the run by its channel's end. */
	if (channel_send(a->broker, MSG_WHO, &who)) {
		set_exec(c, span_of(is_not_told));
		return;
	}
	a->in_flight++;
	c->awaits_exec = true;
	c->exec_by_ms = a->loop->now_ms + ATTRIBUTION_MS;
	c->next_awaiting = NULL;
	*a->last = c;
	a->last = &c->next_awaiting;
	set_alarm(a);
}

void attribution_forget(struct attribution *a, struct conn *c)
{
	struct conn **at = &a->waiting;

	if (!c->awaits_exec)
		return;
	while (*at != c)
		at = &(*at)->next_awaiting;
	*at = c->next_awaiting;
	if (a->last == &c->next_awaiting)
		a->last = at;
	c->awaits_exec = false;
	set_alarm(a);
}

static void let_go_on(struct attribution *a, struct conn *c, struct span exec)
{
	attribution_forget(a, c);
	set_exec(c, exec);
	conn_begin(c);
}

int attribution_on_process(struct attribution *a, const struct msg_process *answer)
{
	struct conn *c = a->waiting;

	if (!a->in_flight)
		return -EPROTO;
	a->in_flight--;
	while (c && c->id != answer->conn)
		c = c->next_awaiting;
	/* It has not waited for so long. */
	if (!c)
		return 0;
	let_go_on(a, c, answer->exec);
	return 0;
}

void attribution_on_alarm(struct attribution *a)
{
	while (a->waiting && a->waiting->exec_by_ms <= a->loop->now_ms) {
		log_protocol("conn %llu: its process is not known in time",
			     (unsigned long long)a->waiting->id);
		let_go_on(a, a->waiting, span_of(is_late));
	}
	set_alarm(a);
}
