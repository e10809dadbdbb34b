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

#define TEXT_BYTES          1024
#define UPSTREAM_READ_BYTES (16 * 1024)

static void upstream_free(struct source *source)
{
	struct upstream *u = (struct upstream *)source;

	buf_free(&u->in);
	stream_close(&u->stream);
	free(u);
}

static void no_longer_idle(struct upstream *u)
{
	u->origin->idle--;
	u->pool->idle--;
}

/* Out of the list and closed; the memory goes when the loop's round is over. */
static void upstream_kill(struct upstream *u)
{
	if (u->state == UPSTREAM_DEAD)
		return;
	if (u->state == UPSTREAM_IDLE)
		no_longer_idle(u);
	if (u->state == UPSTREAM_DIALING)
		u->pool->dialing--;
	u->state = UPSTREAM_DEAD;
	u->origin->connections--;
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
	while (pool->origins) {
		struct upstream_origin *origin = pool->origins;

		pool->origins = origin->next;
		tls_session_forget(&origin->session);
		free(origin);
	}
	pool->n_origins = 0;
}

static void fail(struct upstream *u, unsigned status, const char *text)
{
	struct upstream_user *user = u->user;

	/* The agent is answered with it, but may not show it to the person who can mend it. */
	if (u->origin->failures_told < UPSTREAM_TELL_MAX) {
		u->origin->failures_told++;
		log_notice("%s:%u: %s", u->origin->host, u->origin->port, text);
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
	const struct upstream_origin *to = u->origin;

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (!strcmp(why, reasons[i].openssl))
			why = reasons[i].plain;
	snprintf(ret, size, "the TLS connection to %s:%u failed: %s. Nothing was sent", to->host,
		 to->port, why);
}

static void become_busy(struct upstream *u)
{
	u->state = UPSTREAM_BUSY;
	u->deadline_ms = 0;
	u->user->on_ready(u->user, u);
}

static void carry_handshake_on(struct upstream *u)
{
	char why[256] = "", text[TEXT_BYTES];
	int r = stream_handshake(&u->stream, why, sizeof(why));

	if (r == -EAGAIN)
		return;
	if (r) {
		tls_session_forget(&u->origin->session);
		explain(u, why, text, sizeof(text));
		fail(u, 502, text);
		return;
	}
	become_busy(u);
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
	const struct upstream_origin *to = u->origin;
	int one = 1;

	u->state = UPSTREAM_HANDSHAKE;
	u->deadline_ms = u->pool->loop->now_ms + UPSTREAM_HANDSHAKE_MS;
	stream_init(&u->stream, fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (loop_add(u->pool->loop, fd, &u->source, LOOP_STREAM) ||
	    (!to->plain &&
	     stream_connect(&u->stream, u->pool->client, to->host, &u->origin->session))) {
		fail(u, 502, "out of memory for a connection to the server");
		return;
	}
	if (to->plain)
		become_busy(u);
	else
		carry_handshake_on(u);
}

/* --- the dialer ----------------------------------------------------------------- */

static void dial(struct upstream *u)
{
	const struct upstream_origin *to = u->origin;
	struct msg_dial message = {
		.dial_id = ++u->pool->last_dial_id,
		.host = span_of(to->host),
		.port = to->port,
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
	const struct upstream_origin *to = u->origin;
	char text[TEXT_BYTES];

	snprintf(text, sizeof(text), "%s:%u cannot be reached: %.*s. Nothing was sent", to->host,
		 to->port, (int)dialed->reason.n, dialed->reason.n ? dialed->reason.p : "");
	fail(u, dial_http_status[dialed->status], text);
}

static void record_open(struct upstream *u, const struct msg_dialed *dialed)
{
	const struct upstream_origin *to = u->origin;

	recorder_event(u->pool->recorder, &(struct msg_event){
						  .kind = EVENT_CONN_OPEN,
						  .protocol = span_of(to->plain ? "tcp" : "tls"),
						  .host = span_of(to->host),
						  .address = dialed->address,
						  .port = to->port,
						  .exec = u->user->exec,
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

static bool is_for(const struct upstream_origin *origin, const struct upstream_target *target)
{
	return origin->port == target->port && origin->plain == target->plain &&
	       !strcmp(origin->host, target->host);
}

/* Make room: forget the one that was asked for longest ago, of those without a connection. */
static void forget_oldest(struct upstreams *pool)
{
	struct upstream_origin **oldest = NULL, *origin;

	for (struct upstream_origin **o = &pool->origins; *o; o = &(*o)->next)
		if (!(*o)->connections && (!oldest || (*o)->used_ms < (*oldest)->used_ms))
			oldest = o;
	if (!oldest)
		return;
	origin = *oldest;
	*oldest = origin->next;
	pool->n_origins--;
	tls_session_forget(&origin->session);
	free(origin);
}

/* Return: NULL if memory, or the table of those with connections, is full */
static struct upstream_origin *find_origin(struct upstreams *pool,
					   const struct upstream_target *target)
{
	struct upstream_origin *origin;

	for (origin = pool->origins; origin; origin = origin->next)
		if (is_for(origin, target))
			return origin;
	if (pool->n_origins >= UPSTREAM_ORIGINS_MAX)
		forget_oldest(pool);
	if (pool->n_origins >= UPSTREAM_ORIGINS_MAX)
		return NULL;
	origin = calloc(1, sizeof(*origin));
	if (!origin)
		return NULL;
	if (!span_copy(span_of(target->host), origin->host, sizeof(origin->host))) {
		free(origin);
		return NULL;
	}
	origin->port = target->port;
	origin->plain = target->plain;
	origin->next = pool->origins;
	pool->origins = origin;
	pool->n_origins++;
	return origin;
}

static struct upstream *upstream_new(struct upstreams *pool, struct upstream_origin *origin)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->source = (struct source){.on_ready = on_ready, .free = upstream_free};
	u->pool = pool;
	u->origin = origin;
	origin->connections++;
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
static struct upstream *find_idle(struct upstreams *pool, const struct upstream_origin *origin)
{
	struct upstream *best, *u, *next;

	do {
		best = NULL;
		for (u = pool->all; u; u = next) {
			next = u->next;
			if (u->state == UPSTREAM_IDLE && u->origin == origin &&
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

void upstream_acquire(struct upstreams *pool, const struct upstream_target *target, bool reuse,
		      struct upstream_user *user)
{
	struct upstream_origin *origin = find_origin(pool, target);
	struct upstream *u = origin && reuse && origin->idle ? find_idle(pool, origin) : NULL;

	if (origin)
		origin->used_ms = pool->loop->now_ms;
	if (u) {
		no_longer_idle(u);
		u->reused = true;
		attach(u, user);
		become_busy(u);
		return;
	}
	u = origin ? upstream_new(pool, origin) : NULL;
	if (!u) {
		user->on_failed(user, 502, "out of memory for a connection to the server");
		return;
	}
	attach(u, user);
	start_dials(pool);
}

/* The one that would be closed first anyway. */
static void drop_oldest_idle(struct upstreams *pool)
{
	struct upstream *oldest = NULL;

	for (struct upstream *u = pool->all; u; u = u->next)
		if (u->state == UPSTREAM_IDLE && (!oldest || u->deadline_ms < oldest->deadline_ms))
			oldest = u;
	if (oldest)
		upstream_kill(oldest);
}

void upstream_release(struct upstream_user *user, bool reusable, uint64_t idle_ms)
{
	struct upstream *u = user->upstream;

	if (!u)
		return;
	user->upstream = NULL;
	u->user = NULL;
	if (!reusable || u->state != UPSTREAM_BUSY || u->in.len || u->stream.hung_up) {
		struct upstreams *pool = u->pool;

		upstream_kill(u);
		start_dials(pool);
		return;
	}
	if (!idle_ms || idle_ms > UPSTREAM_IDLE_MS)
		idle_ms = UPSTREAM_IDLE_MS;
	if (u->pool->idle >= UPSTREAM_IDLE_MAX)
		drop_oldest_idle(u->pool);
	u->state = UPSTREAM_IDLE;
	u->deadline_ms = u->pool->loop->now_ms + idle_ms;
	u->origin->idle++;
	u->pool->idle++;
	buf_free(&u->in);
}

ssize_t upstream_read(struct upstream *u)
{
	void *room = buf_reserve(&u->in, UPSTREAM_READ_BYTES);
	ssize_t n;

	if (!room)
		return -EMSGSIZE;
	n = stream_read(&u->stream, room, UPSTREAM_READ_BYTES);
	if (n > 0)
		buf_commit(&u->in, (size_t)n);
	return n;
}

uint64_t upstream_keep_alive_ms(struct span keep_alive)
{
	static const char key[] = "timeout=";
	char text[64];
	const char *at;
	unsigned long seconds;

	if (!keep_alive.n || !span_copy(keep_alive, text, sizeof(text)))
		return 0;
	at = strstr(text, key);
	seconds = at ? strtoul(at + sizeof(key) - 1, NULL, 10) : 0;
	return seconds > 1 && seconds < 3600 ? (seconds - 1) * 1000 : 0;
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
