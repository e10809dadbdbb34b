/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/upstream.h - connections to hosts that the policy allows, kept for reuse
 *
 * The dialer connects, by its own idea of where a host is; here the TLS handshake is
 * made and the certificate checked against that host. A connection serves one
 * request at a time. After a whole answer it may wait for the next one, for less time
 * than servers usually grant (Node closes after 5 s).
 */
#ifndef MCPJAIL_PROXY_UPSTREAM_H
#define MCPJAIL_PROXY_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "proxy/loop.h"
#include "proxy/recorder.h"
#include "proxy/tls.h"

#define UPSTREAM_DIAL_MS      15000 /* name look-up and connect; the dialer gives up before */
#define UPSTREAM_HANDSHAKE_MS 10000
#define UPSTREAM_IDLE_MS      4000
#define UPSTREAM_IDLE_MAX     64 /* waiting connections, of all hosts */
#define UPSTREAM_DIALS_MAX    64 /* asked of the dialer at a time; more wait */
#define UPSTREAM_BUFFER_MAX   (256 * 1024)
#define UPSTREAM_ORIGINS_MAX  1024 /* hosts and ports that are remembered */
#define UPSTREAM_TELL_MAX     3    /* failures of one that are told on stderr in a run */

/*
 * WAITING → DIALING → HANDSHAKE → BUSY ⇄ IDLE; from each to DEAD. Without TLS there is no
 * HANDSHAKE. A user is attached in all but IDLE and DEAD; one that loses its user before
 * BUSY becomes DEAD.
 */
enum upstream_state {
	UPSTREAM_DEAD = 0,
	UPSTREAM_WAITING,
	UPSTREAM_DIALING,
	UPSTREAM_HANDSHAKE,
	UPSTREAM_BUSY,
	UPSTREAM_IDLE,
};

struct upstream;

/* What is to be connected to. Borrowed for the call only. */
struct upstream_target {
	const char *host; /* normalised; a name, or an address literal */
	uint16_t port;
	bool plain; /* without TLS: the agent's own goes through, or there is none */
};

/* Who wants a connection. The callbacks may release it, and may free the user. */
struct upstream_user {
	void (*on_ready)(struct upstream_user *user,
			 struct upstream *u); /* connected and verified */
	void (*on_failed)(struct upstream_user *user, unsigned status, const char *text);
	void (*on_io)(struct upstream_user *user); /* BUSY: try reading and writing again */
	struct upstream *upstream;                 /* set while one is attached */
	struct span exec; /* as in struct msg_event: whom the connection is for. Borrowed */
};

struct upstream {
	struct source source; /* first */
	struct upstreams *pool;
	struct upstream_origin *origin;
	enum upstream_state state;
	struct stream stream;
	struct buf in; /* read, not consumed */
	struct upstream_user *user;
	uint64_t dial_id;
	uint64_t deadline_ms; /* 0: none */
	bool reused;          /* served another request before */
	struct upstream *prev, *next;
};

/* What is remembered of a target: a TLS session to resume, and how it went. */
struct upstream_origin {
	struct upstream_origin *next;
	char host[IPC_HOST_MAX + 1];
	uint16_t port;
	bool plain;
	struct tls_session session;
	size_t connections;   /* in any state */
	size_t idle;          /* of those */
	uint64_t used_ms;     /* when a connection was last asked for */
	size_t failures_told; /* to the person, at most UPSTREAM_TELL_MAX */
};

/* Begins as zeros, but for what is borrowed, which the caller sets. */
struct upstreams {
	struct loop *loop; /* borrowed, as are the next three */
	struct channel *dialer;
	struct tls_client *client;
	struct recorder *recorder;
	struct upstream_origin *origins;
	size_t n_origins;
	struct upstream *all;
	size_t idle; /* of all origins */
	uint64_t last_dial_id;
	size_t dialing;
};

/** upstreams_close() - End every connection, and forget every origin. No user is called back */
void upstreams_close(struct upstreams *pool);

/**
 * upstream_acquire() - Ask for a connection
 * @reuse: Whether an idle one will do
 *
 * on_ready() or on_failed() is called, at once for an idle connection.
 */
void upstream_acquire(struct upstreams *pool, const struct upstream_target *target, bool reuse,
		      struct upstream_user *user);

/**
 * upstream_read() - More bytes into @u->in
 *
 * Return: > 0; 0 at the end; -EAGAIN; -EMSGSIZE if it is full; -errno
 */
ssize_t upstream_read(struct upstream *u);

/**
 * upstream_keep_alive_ms() - The server's hint in a Keep-Alive field, less a second for the way
 *
 * Return: 0 for none, and for one that is of no use
 */
uint64_t upstream_keep_alive_ms(struct span keep_alive);

/**
 * upstream_release() - The user is done, or gives up waiting
 * @reusable: A whole answer was read and the server will take another request
 * @idle_ms:  The server's hint how long it keeps the connection; 0 for none
 */
void upstream_release(struct upstream_user *user, bool reusable, uint64_t idle_ms);

/** upstreams_on_dialed() - The dialer's answer; takes @fd over. Return: 0; -EPROTO if nobody asked
 */
int upstreams_on_dialed(struct upstreams *pool, const struct msg_dialed *dialed, int fd);

/** upstreams_on_tick() - Close what is past its time */
void upstreams_on_tick(struct upstreams *pool);

#endif
