// SPDX-License-Identifier: Apache-2.0
/*
 * Always a new connection: on one that waited, the server may have closed meanwhile, and
 * nobody would send again what was lost.
 */
#include "proxy/answers.h"

#include <errno.h>
#include <stdlib.h>

struct answer {
	struct upstream_user user; /* first */
	struct answers *answers;
	const struct policy_server *server;
	struct buf request;   /* what is left to send */
	uint64_t deadline_ms; /* 0: not connected yet, which has limits of its own */
	struct answer *prev, *next;
};

static void answer_free(struct answer *a)
{
	upstream_release(&a->user, false, 0);
	if (a->prev)
		a->prev->next = a->next;
	else
		a->answers->all = a->next;
	if (a->next)
		a->next->prev = a->prev;
	buf_free(&a->request);
	free(a);
}

/* Return: 0 when all is sent; -EAGAIN; -errno */
static int send_rest(struct answer *a)
{
	while (a->request.len) {
		ssize_t n =
			stream_write(&a->user.upstream->stream, a->request.data, a->request.len);

		if (n < 0)
			return (int)n;
		buf_consume(&a->request, (size_t)n);
	}
	return 0;
}

/* Return: 0 once the server replies, or closes; -EAGAIN; -errno */
static int await_reply(struct answer *a)
{
	char byte;
	ssize_t n = stream_read(&a->user.upstream->stream, &byte, 1);

	return n < 0 ? (int)n : 0;
}

static void on_io(struct upstream_user *user)
{
	struct answer *a = (struct answer *)user;
	int r = send_rest(a);

	if (!r)
		r = await_reply(a);
	if (r != -EAGAIN)
		answer_free(a);
}

static void on_ready(struct upstream_user *user, struct upstream *u)
{
	struct answer *a = (struct answer *)user;

	a->deadline_ms = u->pool->loop->now_ms + ANSWER_MS;
	on_io(user);
}

static void on_failed(struct upstream_user *user, unsigned status, const char *text)
{
	(void)status;
	(void)text;
	answer_free((struct answer *)user);
}

int answers_post(struct answers *answers, struct upstreams *upstreams,
		 const struct policy_server *server, struct buf *request)
{
	struct answer *a;
	size_t n = 0;

	for (a = answers->all; a; a = a->next)
		n += a->server == server;
	if (n >= ANSWERS_MAX)
		return -EBUSY;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->user = (struct upstream_user){
		.on_ready = on_ready,
		.on_failed = on_failed,
		.on_io = on_io,
	};
	a->answers = answers;
	a->server = server;
	a->request = *request;
	*request = BUF_INIT(request->max);
	a->next = answers->all;
	if (a->next)
		a->next->prev = a;
	answers->all = a;
	upstream_acquire(upstreams, &(struct upstream_target){server->host, server->port, false},
			 false, &a->user);
	return 0;
}

void answers_on_tick(struct answers *answers, uint64_t now_ms)
{
	struct answer *a, *next;

	for (a = answers->all; a; a = next) {
		next = a->next;
		if (a->deadline_ms && a->deadline_ms <= now_ms)
			answer_free(a);
	}
}

void answers_close(struct answers *answers)
{
	while (answers->all)
		answer_free(answers->all);
}
