/* SPDX-License-Identifier: Apache-2.0 */
/**
 * exchange_internal.h - what the exchange*.c files share
 *
 * exchange.c judges and records, exchange_send.c forwards, exchange_reply.c and
 * exchange_stream.c relay the answer.
 */
#ifndef MCPJAIL_LAUNCHER_PROXY_EXCHANGE_INTERNAL_H
#define MCPJAIL_LAUNCHER_PROXY_EXCHANGE_INTERNAL_H

#include "mcp/message.h"
#include "mcp/response.h"
#include "proxy/exchange.h"
#include "proxy/sse.h"

#define EXCHANGE_REQUEST_MAX                                                                       \
	(CONN_BODY_MAX * 2 + HTTP1_HEAD_MAX) /* escapes may lengthen a body                        \
					      */
#define EXCHANGE_AFTER_MS    5000            /* for a stream to end behind its answer */
#define EXCHANGE_TEXT_MAX    2048
#define EXCHANGE_SESSION_MAX 1024 /* bytes of an Mcp-Session-Id */
#define EXCHANGE_INTERIM_MAX 8    /* heads of 1xx before the answer's own */
#define EXCHANGE_EXCERPT_MAX 1024 /* bytes, escaped, of a server's error that is no JSON-RPC */

/*
 * VERDICT → CONNECT; CONNECT → SEND; SEND → HEAD, CONNECT (nothing was sent on a connection
 * that had died); HEAD → BODY, STREAM. From each the exchange may end.
 */
enum exchange_state {
	EXCHANGE_VERDICT = 0,
	EXCHANGE_CONNECT,
	EXCHANGE_SEND,
	EXCHANGE_HEAD,
	EXCHANGE_BODY,
	EXCHANGE_STREAM,
};

struct exchange {
	struct recorder_call call; /* first */
	struct upstream_user user;
	struct conn *conn;
	const struct policy *policy; /* of the request: all of it is judged by this one */
	uint32_t policy_number;
	const struct policy_server *server;
	enum exchange_state state;
	uint64_t deadline_ms; /* 0: none */

	/* what is asked */
	struct mcp_message message; /* zeroed for GET and DELETE */
	struct mcp_refusal refusal; /* why it is no message, if .http_status is set */
	struct policy_decision decision;
	struct buf denial; /* the body that says no, unless the call is allowed */
	unsigned denial_status;
	bool owes_outcome; /* a recorded, allowed call whose end is not recorded yet */

	/* what is sent */
	struct buf request;
	size_t request_at;
	uint64_t sent_before; /* the stream's count when the request began */
	uint64_t sent_ns;     /* when it began */
	bool retried;

	/* what comes back */
	unsigned interims; /* heads of 1xx so far */
	struct http1_head reply;
	struct http1_body reply_body;
	struct buf reply_bytes;
	struct sse_decoder sse;
	bool streaming; /* the answer's head is out: failures can only cut it */
	bool chunked;
	bool answered; /* the stream held the answer to the request */
	bool paused;   /* the agent does not read: neither do we */
};

static inline struct exchange *exchange_of_user(struct upstream_user *user)
{
	return (struct exchange *)((char *)user - offsetof(struct exchange, user));
}

/** exchange_forward() - Write the request anew and ask for a connection */
void exchange_forward(struct exchange *x);

/** exchange_fail() - Answer that the server could not be asked; @x is gone afterwards */
void exchange_fail(struct exchange *x, unsigned status, const char *text);

/**
 * exchange_params() - The agent's Mcp-Param-* fields
 * @ret: MCP_PARAMS_MAX + 1 of them; one too many is enough to be refused
 *
 * Return: how many
 */
size_t exchange_params(const struct http1_head *head, struct mcp_param *ret);

/**
 * exchange_answer_server() - Post @body, the answer to a request of the server's own
 *
 * Nobody waits for it: what becomes of it is not known here.
 */
void exchange_answer_server(struct exchange *x, struct span body);

/** exchange_finish() - conn.out holds the whole answer; @x is gone afterwards */
void exchange_finish(struct exchange *x, bool reusable);

/** exchange_was_sent() - Whether a byte of the request may have left */
bool exchange_was_sent(const struct exchange *x);

/** exchange_settle() - Record what became of the call, if that is owed */
void exchange_settle(struct exchange *x, enum call_outcome outcome,
		     const struct mcp_response_info *info, struct span result, const char *detail);

/** exchange_read_head() - The answer's head, and what follows from it */
void exchange_read_head(struct exchange *x);
void exchange_read_body(struct exchange *x);
void exchange_read_stream(struct exchange *x);

/* What becomes of an answer's body. Each but take() ends the exchange. */
struct exchange_sink {
	int (*take)(struct exchange *x, struct span payload); /* 0; else the exchange is over */
	void (*end)(struct exchange *x);
	void (*fail)(struct exchange *x, const char *why);
};

/** exchange_read_payload() - As much of the body as there is, until the agent is to read first */
void exchange_read_payload(struct exchange *x, const struct exchange_sink *sink);

/** exchange_end_stream() - Nothing more follows for the agent; @whole: nor from the server */
void exchange_end_stream(struct exchange *x, bool whole);

/** exchange_filter() - Judge one message of the server; reports tools served. As
 * mcp_response_filter() */
int exchange_filter(struct exchange *x, struct span text, struct buf *ret_out,
		    struct mcp_response_info *ret_info, struct error *err);

/** exchange_begin_stream() - Send the head of a stream at once. Return: 0; -errno */
int exchange_begin_stream(struct exchange *x);

/** exchange_session_id() - The reply's Mcp-Session-Id; empty unless it is visible ASCII */
struct span exchange_session_id(const struct exchange *x);

#endif
