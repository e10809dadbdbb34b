/* SPDX-License-Identifier: Apache-2.0 */
/**
 * call.h - one TLS connection, and a tools/call over it; what the measuring client is made of
 *
 * Blocking sockets, one thread. Whatever goes wrong ends the program: figures of calls that
 * failed are worth nothing.
 */
#ifndef MCPJAIL_BENCH_CALL_H
#define MCPJAIL_BENCH_CALL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_BYTES 250 /* of a request's body */

struct endpoint {
	const char *host, *port; /* that is connected to */
	const char *name;        /* in SNI, Host and the certificate */
	const char *via;         /* "HOST:PORT" of an HTTP proxy to CONNECT through; NULL: none */
	SSL_CTX *tls;
};

struct conn {
	SSL *ssl; /* NULL: closed */
	uint64_t sent_us;
};

void die(const char *what) __attribute__((noreturn));
uint64_t now_us(void);
int compare_us(const void *a, const void *b);

/** call_tls() - A client context that verifies; @ca: NULL for the system's bundle */
SSL_CTX *call_tls(const char *ca);

/** conn_open() - Connect, and a full handshake: no session is ever resumed */
void conn_open(const struct endpoint *to, struct conn *ret);

/** conn_handshake() - The same, apart from the look-up of the name. Return: microseconds */
uint64_t conn_handshake(const struct endpoint *to);

void conn_close(struct conn *conn);

/** call_send() - Send a call of @tool; a modern one, which needs no session */
void call_send(struct conn *conn, const char *name, const char *tool);

/** call_receive() - Wait for the whole answer, a result without isError. Return: microseconds */
uint64_t call_receive(struct conn *conn);

/* What a stream's events told: each holds the time at which it was sent. */
struct stream_times {
	uint64_t head_us;       /* from the call to the head of the answer */
	uint64_t first_us;      /* to the first event */
	uint64_t delay_us[256]; /* of each event */
	size_t n;
};

/** call_stream() - Receive the answer to a call as an event stream, up to its result */
void call_stream(struct conn *conn, struct stream_times *ret);

#endif
