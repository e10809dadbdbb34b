/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/answers.h - what a server's own requests are answered with, on their way
 *
 * A server that asks the agent's host for something gets a refusal from us: each is a POST
 * of its own, on a connection of its own, that nobody waits for. When the server begins to
 * reply, it has what it was sent, and the connection is closed.
 */
#ifndef MCPJAIL_PROXY_ANSWERS_H
#define MCPJAIL_PROXY_ANSWERS_H

#include <stdint.h>

#include "base/buf.h"
#include "policy/policy.h"
#include "proxy/upstream.h"

#define ANSWERS_MAX     16    /* on their way to one server; more are dropped */
#define ANSWER_BODY_MAX 4096  /* bytes: an id and a sentence */
#define ANSWER_MS       10000 /* from the connection to the end */

struct answer;

/* Zeroed: none. */
struct answers {
	struct answer *all;
};

/**
 * answers_post() - Send a whole HTTP request, which asks the server to close behind it
 * @request: Taken over, and empty afterwards, if the return is 0
 *
 * Return: 0; -EBUSY over ANSWERS_MAX; -ENOMEM
 */
int answers_post(struct answers *answers, struct upstreams *upstreams,
		 const struct policy_server *server, struct buf *request);

/** answers_on_tick() - Give up what takes too long */
void answers_on_tick(struct answers *answers, uint64_t now_ms);

/** answers_close() - Give all of them up */
void answers_close(struct answers *answers);

#endif
