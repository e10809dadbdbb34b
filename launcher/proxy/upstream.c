// SPDX-License-Identifier: Apache-2.0
#include "proxy/upstream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/log.h"

#define TEXT_BYTES 1024

int upstreams_init(struct upstreams *pool, const struct policy *policy)
{
	pool->n_servers = policy_server_count(policy);
	pool->servers = calloc(pool->n_servers ? pool->n_servers : 1, sizeof(*pool->servers));
	if (!pool->servers)
		return -ENOMEM;
	for (size_t i = 0; i < pool->n_servers; i++)
		pool->servers[i].server = policy_server_at(policy, i);
	return 0;
}

static void upstream_free(struct source *source)
{
	struct upstream *u = (struct upstream *)source;

	buf_free(&u->in);
	stream_close(&u->stream);
	free(u);
}

/* Out of the list and closed; the memory goes when the loop's round is over. */
static void upstream_kill(struct upstream *u)
{
	if (u->state == UPSTREAM_DEAD)
		return;
	if (u->state == UPSTREAM_IDLE)
		u->server->idle--;
	if (u->state == UPSTREAM_DIALING)
		u->pool->dialing--;
	u->state = UPSTREAM_DEAD;
	if (u->prev)
		u->prev->next = u->next;
	else
		u->pool->all = u->next;
	if (u->next)
		u->next->prev = u->prev;
	/*
	 * The dialer may still hold its copy of the descriptor: closing ours would leave the
	 * socket watched, and its next event would find freed memory.
	 */
	if (u->stream.fd >= 0)
		loop_remove(u->pool->loop, u->stream.fd);
	stream_close(&u->stream);
	if (u->user)
		u->user->upstream = NULL;
	u->user = NULL;
	loop_bury(u->pool->loop, &u->source);
}

void upstreams_close(struct upstreams *pool)
{
	while (pool->all)
		upstream_kill(pool->all);
	for (size_t i = 0; i < pool->n_servers; i++)
		tls_session_forget(&pool->servers[i].session);
	free(ptr_take(&pool->servers));
}

static void fail(struct upstream *u, unsigned status, const char *text)
{
	struct upstream_user *user = u->user;

	/* The agent is answered with it, but may not show it to the person who can mend it. */
	if (u->server->failures_told < UPSTREAM_TELL_MAX) {
		u->server->failures_told++;
		log_notice("%s: %s", u->server->server->url, text);
	}
	upstream_kill(u);
	if (user)
		user->on_failed(user, status, text);
}

/* --- the handshake ------------------------------------------------------------ */

/* OpenSSL's words, and what a person would search for. */
static const struct {
	const char *openssl, *plain;
} reasons[] = {
	{"unable to get local issuer certificate", "unknown issuer"},
	{"unable to get issuer certificate", "unknown issuer"},
	{"self-signed certificate", "self-signed certificate, unknown issuer"},
	{"self-signed certificate in certificate chain", "self-signed root, unknown issuer"},
	{"certificate has expired", "the certificate has expired"},
	{"certificate is not yet valid", "the certificate is not yet valid"},
	{"hostname mismatch", "hostname mismatch: the certificate is for another host"},
	{"IP address mismatch", "address mismatch: the certificate is for another host"},
};

static void explain(const struct upstream *u, const char *why, char *ret, size_t size)
{
	const struct policy_server *server = u->server->server;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (!strcmp(why, reasons[i].openssl))
			why = reasons[i].plain;
	snprintf(ret, size, "the TLS connection to %s:%u failed: %s. Nothing was sent",
		 server->host, server->port, why);
}

static void carry_handshake_on(struct upstream *u)
{
	char why[256] = "", text[TEXT_BYTES];
	int r = stream_handshake(&u->stream, why, sizeof(why));

	if (r == -EAGAIN)
		return;
	if (r) {
		tls_session_forget(&u->server->session);
		explain(u, why, text, sizeof(text));
		fail(u, 502, text);
		return;
	}
	u->state = UPSTREAM_BUSY;
	u->deadline_ms = 0;
	u->user->on_ready(u->user, u);
}

/* Nothing may come while nobody asked, but tickets, which OpenSSL takes out itself. */
static bool is_quiet(struct upstream *u)
{
	uint8_t byte;

	return stream_read(&u->stream, &byte, 1) == -EAGAIN;
}

static void on_ready(struct source *source, uint32_t events)
{
	struct upstream *u = (struct upstream *)source;

	stream_on_ready(&u->stream, events);
	switch (u->state) {
	case UPSTREAM_HANDSHAKE:
		carry_handshake_on(u);
		break;
	case UPSTREAM_BUSY:
		u->user->on_io(u->user);
		break;
	case UPSTREAM_IDLE:
		if (!is_quiet(u))
			upstream_kill(u);
		break;
	case UPSTREAM_WAITING:
	case UPSTREAM_DIALING:
	case UPSTREAM_DEAD:
		break;
	}
}

static void start_handshake(struct upstream *u, int fd)
{
	const struct policy_server *server = u->server->server;
	int one = 1;

	u->state = UPSTREAM_HANDSHAKE;
	u->deadline_ms = u->pool->loop->now_ms + UPSTREAM_HANDSHAKE_MS;
	stream_init(&u->stream, fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (loop_add(u->pool->loop, fd, &u->source, LOOP_STREAM) ||
	    stream_connect(&u->stream, u->pool->client, server->host, &u->server->session)) {
		fail(u, 502, "out of memory for a connection to the server");
		return;
	}
	carry_handshake_on(u);
}

/* --- the dialer ----------------------------------------------------------------- */

static void dial(struct upstream *u)
{
	const struct policy_server *server = u->server->server;
	struct msg_dial message = {
		.dial_id = ++u->pool->last_dial_id,
		.host = span_of(server->host),
		.port = server->port,
	};

	u->dial_id = message.dial_id;
	u->state = UPSTREAM_DIALING;
	u->deadline_ms = u->pool->loop->now_ms + UPSTREAM_DIAL_MS;
	u->pool->dialing++;
	if (channel_send(u->pool->dialer, MSG_DIAL, &message)) {
		log_error("the dialer is gone");
		u->pool->loop->stop = true;
	}
}

/* Oldest first; new ones stand at the front of the list. */
static void start_dials(struct upstreams *pool)
{
	while (pool->dialing < UPSTREAM_DIALS_MAX) {
		struct upstream *oldest = NULL;

		for (struct upstream *u = pool->all; u; u = u->next)
			if (u->state == UPSTREAM_WAITING)
				oldest = u;
		if (!oldest)
			return;
		dial(oldest);
	}
}

static const unsigned dial_http_status[] = {
	[DIAL_REFUSED] = 403,     [DIAL_OK] = 200,      [DIAL_UNRESOLVED] = 502,
	[DIAL_UNREACHABLE] = 502, [DIAL_TIMEOUT] = 504,
};

static void on_dial_failed(struct upstream *u, const struct msg_dialed *dialed)
{
	const struct policy_server *server = u->server->server;
	char text[TEXT_BYTES];

	snprintf(text, sizeof(text), "%s:%u cannot be reached: %.*s. Nothing was sent",
		 server->host, server->port, (int)dialed->reason.n,
		 dialed->reason.n ? dialed->reason.p : "");
	fail(u, dial_http_status[dialed->status], text);
}

static void record_open(struct upstream *u, const struct msg_dialed *dialed)
{
	const struct policy_server *server = u->server->server;

	recorder_event(u->pool->recorder, &(struct msg_event){
						  .kind = EVENT_CONN_OPEN,
						  .protocol = span_of("tls"),
						  .host = span_of(server->host),
						  .address = dialed->address,
						  .port = server->port,
					  });
}

int upstreams_on_dialed(struct upstreams *pool, const struct msg_dialed *dialed, int fd)
{
	autoclose int owned = fd;
	struct upstream *u = pool->all;

	if (!dialed->dial_id || dialed->dial_id > pool->last_dial_id ||
	    dialed->status >= ARRAY_SIZE(dial_http_status) ||
	    (dialed->status == DIAL_OK) != (fd >= 0))
		return -EPROTO;
	while (u && (u->state != UPSTREAM_DIALING || u->dial_id != dialed->dial_id))
		u = u->next;
	/* Whoever asked gave up meanwhile. */
	if (!u)
		return 0;
	pool->dialing--;
	u->state = UPSTREAM_WAITING;
	if (dialed->status != DIAL_OK) {
		on_dial_failed(u, dialed);
	} else {
		fcntl(owned, F_SETFL, fcntl(owned, F_GETFL) | O_NONBLOCK);
		record_open(u, dialed);
		start_handshake(u, fd_take(&owned));
	}
	start_dials(pool);
	return 0;
}

/* --- users ------------------------------------------------------------------------ */

static struct upstream_server *find_server(struct upstreams *pool,
					   const struct policy_server *server)
{
	for (size_t i = 0; i < pool->n_servers; i++)
		if (pool->servers[i].server == server)
			return &pool->servers[i];
	return NULL;
}

static struct upstream *upstream_new(struct upstreams *pool, struct upstream_server *server)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->source = (struct source){.on_ready = on_ready, .free = upstream_free};
	u->pool = pool;
	u->server = server;
	u->state = UPSTREAM_WAITING;
	u->in = BUF_INIT(UPSTREAM_BUFFER_MAX);
	stream_init(&u->stream, -1);
	u->next = pool->all;
	if (u->next)
		u->next->prev = u;
	pool->all = u;
	return u;
}

/* The one used last: the longest unused may be about to be closed by the server. */
static struct upstream *find_idle(struct upstreams *pool, const struct upstream_server *server)
{
	struct upstream *best, *u, *next;

	do {
		best = NULL;
		for (u = pool->all; u; u = next) {
			next = u->next;
			if (u->state == UPSTREAM_IDLE && u->server == server &&
			    (!best || u->deadline_ms > best->deadline_ms))
				best = u;
		}
		if (best && (best->deadline_ms <= pool->loop->now_ms || !is_quiet(best))) {
			upstream_kill(best);
			continue;
		}
		return best;
	} while (true);
}

static void attach(struct upstream *u, struct upstream_user *user)
{
	u->user = user;
	user->upstream = u;
}

void upstream_acquire(struct upstreams *pool, const struct policy_server *server, bool reuse,
		      struct upstream_user *user)
{
	struct upstream_server *slot = find_server(pool, server);
	struct upstream *u = slot && reuse && slot->idle ? find_idle(pool, slot) : NULL;

	if (u) {
		slot->idle--;
		u->state = UPSTREAM_BUSY;
		u->deadline_ms = 0;
		u->reused = true;
		attach(u, user);
		user->on_ready(user, u);
		return;
	}
	u = slot ? upstream_new(pool, slot) : NULL;
	if (!u) {
		user->on_failed(user, 502, "out of memory for a connection to the server");
		return;
	}
	attach(u, user);
	start_dials(pool);
}

void upstream_release(struct upstream_user *user, bool reusable, uint64_t idle_ms)
{
	struct upstream *u = user->upstream;

	if (!u)
		return;
	user->upstream = NULL;
	u->user = NULL;
	if (!reusable || u->state != UPSTREAM_BUSY || u->in.len || u->stream.hung_up ||
	    u->server->idle >= UPSTREAM_IDLE_MAX) {
		struct upstreams *pool = u->pool;

		upstream_kill(u);
		start_dials(pool);
		return;
	}
	if (!idle_ms || idle_ms > UPSTREAM_IDLE_MS)
		idle_ms = UPSTREAM_IDLE_MS;
	u->state = UPSTREAM_IDLE;
	u->deadline_ms = u->pool->loop->now_ms + idle_ms;
	u->server->idle++;
	buf_free(&u->in);
}

void upstreams_on_tick(struct upstreams *pool)
{
	struct upstream *u = pool->all;

	/* Failing one may call its user, who may end others: begin again after each. */
	while (u) {
		if (!u->deadline_ms || u->deadline_ms > pool->loop->now_ms) {
			u = u->next;
			continue;
		}
		if (u->state == UPSTREAM_IDLE)
			upstream_kill(u);
		else
			fail(u, 504,
			     u->state == UPSTREAM_HANDSHAKE
				     ? "the server did not finish the TLS handshake in time"
				     : "the server could not be connected to in time");
		u = pool->all;
	}
	start_dials(pool);
}
