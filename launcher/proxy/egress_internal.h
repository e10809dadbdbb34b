/* SPDX-License-Identifier: Apache-2.0 */
/**
 * egress_internal.h - what the egress*.c files share
 *
 * egress.c holds the states and how a request ends, egress_request.c reads, judges and sends
 * it, egress_reply.c passes the answer on.
 *
 * Whatever may end an exchange frees it. Functions that may, and after which there is
 * something left to do, return whether it goes on.
 */
#ifndef MCPJAIL_LAUNCHER_PROXY_EGRESS_INTERNAL_H
#define MCPJAIL_LAUNCHER_PROXY_EGRESS_INTERNAL_H

#include "proxy/egress.h"
#include "splice.h"

#define EGRESS_PIECE_BYTES (32 * 1024)  /* of a body, framed in one go */
#define EGRESS_QUEUE_MAX   (256 * 1024) /* a head, or a piece with its framing */
#define EGRESS_UNREAD_MAX  (64 * 1024)  /* of an answer, then the host waits for the agent */
#define EGRESS_TEXT_MAX    2048

/*
 * COLLECT → CONNECT; CONNECT → RELAY; RELAY → CONNECT (nothing was sent on a connection that
 * had died), SPLICE. From each the exchange may end.
 */
enum egress_state {
	EGRESS_COLLECT = 0, /* the body: all of it if it is judged, else its beginning */
	EGRESS_CONNECT,
	EGRESS_RELAY,  /* request and answer, each at its own pace */
	EGRESS_SPLICE, /* a WebSocket: what comes, both ways */
};

struct egress {
	struct upstream_user user; /* first */
	struct conn *conn;
	struct egress_ask ask;
	struct policy_egress_decision decision;
	enum egress_state state;
	uint64_t deadline_ms;

	/* the request; its body, as far as it is held, is in conn.body_bytes */
	size_t held;      /* bytes of memory that are counted in conns.bodies_held */
	struct buf queue; /* framed, to be sent next */
	bool body_read;   /* to its end, from the agent */
	bool chunked_up;
	bool queued_all; /* of the request: what is left to send is in .queue */
	bool gave_up;    /* the host takes no more of it */
	bool retried;
	uint64_t sent_before; /* the stream's count when the request began */

	/* the answer */
	unsigned interims;
	struct http1_head reply;
	struct http1_body reply_body;
	bool answering; /* its head is out: failures can only cut it */
	bool chunked_down;
	bool paused; /* the agent does not read: neither do we */

	struct splice splice;
};

/** egress_refuse() - Record a refusal and answer with it; @x is gone afterwards */
void egress_refuse(struct egress *x, unsigned status, const char *rule, const char *text);

/** egress_refuse_size() - Refuse a body that is too large to be judged; likewise */
void egress_refuse_size(struct egress *x);

/** egress_fail() - Answer that the host could not be asked; @x is gone afterwards */
void egress_fail(struct egress *x, unsigned status, const char *text);

/** egress_extend() - Something moved: the time limit begins anew */
void egress_extend(struct egress *x, uint64_t limit_ms);

/** egress_release_body() - What is left of the body that was held */
void egress_release_body(struct egress *x);

/** egress_collect() - COLLECT: read the body until it can be judged, or is known to be framed */
void egress_collect(struct egress *x);

/** egress_connect() - Ask for a connection; on_ready() of egress.c goes on */
void egress_connect(struct egress *x, bool reuse);

/**
 * egress_send() - RELAY: as much of the request as is there, and the host takes
 *
 * Return: whether @x goes on
 */
bool egress_send(struct egress *x);

/** egress_receive() - RELAY: as much of the answer as is there, and the agent takes */
void egress_receive(struct egress *x);

/** egress_run_splice() - SPLICE: move bytes; may end @x */
void egress_run_splice(struct egress *x);

#endif
