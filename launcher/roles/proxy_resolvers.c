// SPDX-License-Identifier: Apache-2.0
#include "proxy_resolvers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"

#define QUESTIONS_MAX 16 /* of one in a round */

struct proxy_resolver {
	struct source source; /* first */
	struct proxy_resolvers *all;
	struct proxy_resolver *next;
	int fd; /* owned */
	bool is_foreign;
	char address[INET6_ADDRSTRLEN];
};

static void release(struct source *source)
{
	struct proxy_resolver *r = (struct proxy_resolver *)source;

	fd_close(&r->fd);
	free(r);
}

static void end(struct proxy_resolver *r)
{
	struct proxy_resolver **at = &r->all->all;

	while (*at && *at != r)
		at = &(*at)->next;
	if (*at)
		*at = r->next;
	r->all->n--;
	loop_remove(r->all->loop, r->fd);
	loop_bury(r->all->loop, &r->source);
}

static void on_question(struct source *source, uint32_t events)
{
	struct proxy_resolver *r = (struct proxy_resolver *)source;
	struct proxy_resolvers *all = r->all;

	(void)events;
	for (int i = 0; i < QUESTIONS_MAX; i++) {
		char question[DNS_QUERY_MAX], reply[DNS_REPLY_MAX];
		ssize_t n = recv(r->fd, question, sizeof(question), MSG_DONTWAIT | MSG_TRUNC);
		size_t answer;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(r);
			return;
		}
		answer = (size_t)n > sizeof(question)
				 ? 0
				 : dns_answer(all->names, question, (size_t)n, reply);
		if (!answer)
			continue;
		if (r->is_foreign)
			all->on_foreign(all->arg, r->address, reply, answer);
		r->is_foreign = false;
		/* An answer that nobody takes is lost, as on any network. */
		(void)!send(r->fd, reply, answer, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

static void close_oldest(struct proxy_resolvers *all)
{
	struct proxy_resolver *r = all->all;

	while (r && r->next)
		r = r->next;
	if (r)
		end(r);
}

int proxy_resolvers_add(struct proxy_resolvers *all, int fd, const struct msg_resolver *m)
{
	autoclose int owned = fd;
	struct proxy_resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	if (!span_copy(m->address, r->address, sizeof(r->address))) {
		free(r);
		return -EPROTO;
	}
	r->source = (struct source){.on_ready = on_question, .free = release};
	r->all = all;
	r->is_foreign = m->is_foreign;
	r->fd = fd_take(&owned);
	if (loop_add(all->loop, r->fd, &r->source, LOOP_LEVEL)) {
		release(&r->source);
		return -ENOMEM;
	}
	if (all->n >= RESOLVERS_MAX)
		close_oldest(all);
	r->next = all->all;
	all->all = r;
	all->n++;
	return 0;
}

void proxy_resolvers_close(struct proxy_resolvers *all)
{
	while (all->all)
		end(all->all);
}
