/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/egress.h - one request to a host of the policy's `egress`: recorded and passed on
 *
 * The head has been judged. A body is passed on as it comes, in memory that does not grow
 * with it, unless the policy judges bodies of that host: then it is held until it is whole,
 * judged, and sent as it was. The answer is not judged; it is framed anew and passed on as it
 * comes. Behind an allowed WebSocket's 101 bytes are relayed both ways.
 */
#ifndef MCPJAIL_PROXY_EGRESS_H
#define MCPJAIL_PROXY_EGRESS_H

#include "proxy/conn.h"
#include "proxy/egress_judge.h"

#define EGRESS_BODY_MAX    (32 * 1024 * 1024)  /* of a request that is judged with its body */
#define EGRESS_BODIES_MAX  (128 * 1024 * 1024) /* of all of those at a time */
#define EGRESS_AHEAD_MAX   (64 * 1024) /* of other bodies, framed before the first byte is sent */
#define EGRESS_SEND_MS     120000      /* without the host taking, or the agent sending, a byte */
#define EGRESS_ANSWER_MS   900000      /* without a byte of the answer: models may think long */
#define EGRESS_INTERIM_MAX 16          /* heads of 1xx before the answer's own */

/**
 * egress_start() - Take a request whose head was allowed, its body still to be read
 * @ask:      Copied
 * @decision: Likewise
 *
 * The connection's head stays until the answer is finished. May answer before it returns.
 */
void egress_start(struct conn *c, const struct egress_ask *ask,
		  const struct policy_egress_decision *decision);

#endif
