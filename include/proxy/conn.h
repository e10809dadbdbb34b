/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/conn.h - one connection that the agent made, wherever it meant to go
 *
 * Every TCP connection of the jail arrives here. It is TLS, plain HTTP, or DNS over TCP,
 * told by its first bytes and its port, or it is reset. Requests are read one after the
 * other; each is refused here or handed to an exchange, which answers it: proxy/exchange.h
 * for MCP, proxy/egress.h for other hosts of the policy. A connection that the policy lets
 * through unread is one long exchange: proxy/tunnel.h.
 */
#ifndef MCPJAIL_PROXY_CONN_H
#define MCPJAIL_PROXY_CONN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "policy/policy.h"
#include "proxy/answers.h"
#include "proxy/attribution.h"
#include "proxy/certs.h"
#include "proxy/dns.h"
#include "proxy/http1.h"
#include "proxy/loop.h"
#include "proxy/recorder.h"
#include "proxy/route.h"
#include "proxy/tls.h"
#include "proxy/upstream.h"

#define CONNS_MAX 1024 /* at a time; then the listener waits */

#define CONN_IN_MAX     (64 * 1024)        /* bytes read ahead of what is understood */
#define CONN_BODY_MAX   (4 * 1024 * 1024)  /* of a request */
#define CONN_OUT_MAX    (10 * 1024 * 1024) /* of one answer, head included */
#define CONN_QUEUE_MAX  (256 * 1024)       /* of a stream, then its source waits */
#define CONN_READ_BYTES (16 * 1024)        /* asked for in one read */
#define CONN_TURN_BYTES (256 * 1024)       /* read of one connection, then it is others' turn */
#define CONN_TURN_STEPS 64                 /* of its state machine, likewise */

#define CONN_FIRST_BYTE_MS 15000
#define CONN_HANDSHAKE_MS  10000
#define CONN_HEAD_MS       15000 /* from the first byte of a head to its last */
#define CONN_BODY_MS       60000
#define CONN_IDLE_MS       75000 /* between two requests */
#define CONN_WRITE_MS      60000 /* without the agent taking a byte */
#define CONN_LINGER_MS     2000  /* after the last answer, for the agent to read it */
#define CONN_DNS_MS        30000
#define CONN_SLIM_MS       1000 /* idle that long, a connection gives its buffers back */

/*
 * FIRST_BYTE → HELLO, HEAD, EXCHANGE (a tunnel), FLUSH, DNS; HELLO → HANDSHAKE, EXCHANGE (a
 * tunnel); HANDSHAKE → HEAD; HEAD → BODY, EXCHANGE, FLUSH; BODY → EXCHANGE, FLUSH; EXCHANGE →
 * FLUSH; FLUSH → HEAD, FIRST_BYTE (inside CONNECT), LINGER; from each to DEAD.
 */
enum conn_state {
	CONN_DEAD = 0,
	CONN_FIRST_BYTE,
	CONN_HELLO,
	CONN_HANDSHAKE,
	CONN_HEAD,
	CONN_BODY,
	CONN_EXCHANGE,
	CONN_FLUSH,
	CONN_LINGER,
	CONN_DNS,
};

struct conn;

/* What serves a connection in CONN_EXCHANGE. Each may end the exchange, and free it. */
struct exchange_ops {
	void (*on_agent)(void *exchange); /* the agent's socket may have bytes, room, or an end */
	void (*on_tick)(void *exchange);  /* look at time limits */
	void (*free)(void *exchange);     /* give up, with what is owed recorded */
};

/* What connections work with; all borrowed but the lists themselves. */
struct conns {
	struct loop *loop;
	struct recorder *recorder;
	struct channel *keeper;      /* for leaves */
	const struct policy *policy; /* in force; those before stay valid */
	uint32_t policy_number;      /* how many were before it */
	const char *grant;           /* the run's */
	struct certs *certs;
	struct tls_server *tls;
	struct dns_names *names;
	struct upstreams *upstreams;
	struct answers answers; /* to requests of servers, being posted */
	struct attribution attribution;
	struct conn *all;
	size_t n;
	size_t leaves_asked; /* MSG_LEAF_REQUESTs without an answer yet */
	uint64_t last_id;
	size_t bodies_held;         /* bytes of bodies that are held to be judged */
	size_t slimmed;             /* connections that gave buffers back since the last look */
	void (*on_room)(void *arg); /* a connection ended: there is room for another */
	void *arg;
};

struct conn {
	struct source source; /* first */
	struct conns *conns;
	struct conn *prev, *next;
	uint64_t id;
	enum conn_state state;
	uint64_t since_ms;    /* when the state, or the head, began */
	uint64_t deadline_ms; /* 0: none */
	struct stream stream;
	struct buf in, out;
	struct http1_head head;
	struct http1_body body;
	struct buf body_bytes;
	const struct policy *policy; /* in force when the request began: it is judged by this one */
	uint32_t policy_number;
	const struct policy_server *server; /* that the request is for; NULL: none */
	struct http1_authority named; /* whom the request names; host "" before that is known */
	void *exchange;               /* owned; in EXCHANGE */
	const struct exchange_ops *ops;
	struct http1_authority tunnel;
	bool has_tunnel;
	bool opens_tunnel; /* the answer being flushed is to CONNECT */
	bool close;        /* after the answer being flushed */
	bool awaits_leaf, asked_leaf;
	bool in_head;      /* the first byte of a request's head arrived */
	bool is_accounted; /* a request came, or a refusal was recorded: it does not end unseen */
	size_t turn_bytes; /* read in this turn */
	bool running;      /* conn_run() is on the stack: do not enter it again */
	uint16_t port;     /* of the destination the agent meant */
	char address[INET6_ADDRSTRLEN]; /* of the destination */
	const char *dns_name;           /* that the address was given out for; NULL: none */
	char *exec; /* owned: JSON of the process that made it, or why that is unknown; NULL: not
		     * asked */
	bool awaits_exec;
	uint64_t exec_by_ms;        /* it waits no longer */
	struct conn *next_awaiting; /* in attribution's list */
};

/* The two ends of a connection of the jail. */
struct conn_ends {
	struct sockaddr_storage agent, destination;
	struct span exec; /* the process, where it is known with the connection; "" */
};

/** conn_accept() - Take over an accepted, non-blocking socket, and count it */
void conn_accept(struct conns *conns, int fd, const struct conn_ends *ends, bool dns);

/** conn_exec() - What a record says of its process. Borrowed; "": nobody was asked */
struct span conn_exec(const struct conn *c);

/** conns_close() - End every connection, recording those that made no request */
void conns_close(struct conns *conns);

/** conns_on_leaf() - A leaf, or the keeper's refusal to sign one, arrived. Return: 0; -EPROTO */
int conns_on_leaf(struct conns *conns, const struct msg_leaf *leaf);

/** conns_on_tick() - End what is past its time, slim what is idle */
void conns_on_tick(struct conns *conns);

/* --- for the exchange ---------------------------------------------------------- */

/** conn_is_gone() - Whether the agent can certainly not read an answer any more */
bool conn_is_gone(const struct conn *c);

/** conn_begin_exchange() - From now on @ops serve the connection, until it is answered or over */
void conn_begin_exchange(struct conn *c, const struct exchange_ops *ops, void *exchange);

/** conn_finish_answer() - conn.out holds the end of the answer: the exchange is over */
void conn_finish_answer(struct conn *c);

/** conn_push() - Send what conn.out holds now. Return: bytes still queued */
size_t conn_push(struct conn *c);

/** conn_abort() - The answer cannot be finished: cut the connection */
void conn_abort(struct conn *c);

/** conn_answer_flags() - HTTP1_CLOSE and HTTP1_HEAD_ONLY as this request needs them */
unsigned conn_answer_flags(const struct conn *c);

/** conn_record_refusal() - net.denied for the request in hand */
void conn_record_refusal(struct conn *c, unsigned status, const char *rule, const char *text);

/* --- shared by conn*.c ---------------------------------------------------------- */

/* What a step of the state machine says to conn_run(). */
enum conn_step {
	CONN_WAIT = 0, /* for the socket, the keeper or the exchange */
	CONN_AGAIN,    /* the state changed */
	CONN_END,      /* the connection is over */
};

void conn_run(struct conn *c);
/** conn_begin() - Its process is known, as far as it will be: read what it says */
void conn_begin(struct conn *c);
/**
 * conn_end() - Close now; the memory goes when the loop's round is over
 *
 * To have connected is an attempt by itself: what ends without a request is recorded.
 */
void conn_end(struct conn *c);
void conn_enter(struct conn *c, enum conn_state state, uint64_t limit_ms);
enum conn_step conn_step_head(struct conn *c);
enum conn_step conn_step_body(struct conn *c);
enum conn_step conn_step_dns(struct conn *c);
/**
 * conn_read() - More bytes into conn.in
 * Return: > 0; 0 at the end; -EAGAIN, also when the turn is over; -errno
 */
ssize_t conn_read(struct conn *c);
/** conn_may_read() - Whether the turn goes on; if not, another is asked for */
bool conn_may_read(struct conn *c);
/** conn_refuse() - Answer with "mcpjail: @text", record it, and close unless framing is certain */
enum conn_step conn_refuse(struct conn *c, unsigned status, const char *rule, const char *text);
/** conn_refuse_head() - As conn_refuse(), for a head that is broken or not whole */
enum conn_step conn_refuse_head(struct conn *c, unsigned status, const char *text);
/* A connection that is refused without a request. */
struct conn_denial {
	const char *protocol;
	const char *rule; /* NULL: /default, or none about a server of the policy */
	const char *reason;
};

/** conn_record_denied() - net.denied for it */
void conn_record_denied(struct conn *c, const struct conn_denial *denial);
/** conn_meant_host() - Whom the agent meant, as far as that is known: a name, or an address */
const char *conn_meant_host(const struct conn *c);
/** conn_meant_port() - Inside CONNECT the port that it named */
uint16_t conn_meant_port(const struct conn *c);
/** conn_begin_forward() - Pass the connection through if it is for the host's own loopback */
bool conn_begin_forward(struct conn *c);
enum conn_step conn_step_first_byte(struct conn *c);
enum conn_step conn_step_hello(struct conn *c);
enum conn_step conn_step_handshake(struct conn *c);

#endif
