/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/upstream.h - verified TLS connections to the policy's servers, kept for reuse
 *
 * The dialer connects, by its own idea of where a host is; here the TLS handshake is
 * made and the certificate checked against the policy's host. A connection serves one
 * request at a time. After a whole answer it may wait for the next one, for less time
 * than servers usually grant (Node closes after 5 s).
 */
#ifndef MCPJAIL_PROXY_UPSTREAM_H
#define MCPJAIL_PROXY_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "policy/policy.h"
#include "proxy/loop.h"
#include "proxy/recorder.h"
#include "proxy/tls.h"

#define UPSTREAM_DIAL_MS      15000 /* name look-up and connect; the dialer gives up before */
#define UPSTREAM_HANDSHAKE_MS 10000
#define UPSTREAM_IDLE_MS      4000
#define UPSTREAM_IDLE_MAX     64 /* waiting connections a server */
#define UPSTREAM_DIALS_MAX    64 /* asked of the dialer at a time; more wait */
#define UPSTREAM_BUFFER_MAX   (256 * 1024)

/*
 * WAITING → DIALING → HANDSHAKE → BUSY ⇄ IDLE; from each to DEAD. A user is attached in
 * all but IDLE and DEAD; one that loses its user before BUSY becomes DEAD.
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

/* Who wants a connection. The callbacks may release it, and may free the user. */
struct upstream_user {
	void (*on_ready)(struct upstream_user *user,
			 struct upstream *u); /* connected and verified */
	void (*on_failed)(struct upstream_user *user, unsigned status, const char *text);
	void (*on_io)(struct upstream_user *user); /* BUSY: try reading and writing again */
	struct upstream *upstream;                 /* set while one is attached */
};

struct upstream {
	struct source source; /* first */
	struct upstreams *pool;
	struct upstream_server *server;
	enum upstream_state state;
	struct stream stream;
	struct buf in; /* read, not consumed */
	struct upstream_user *user;
	uint64_t dial_id;
	uint64_t deadline_ms; /* 0: none */
	bool reused;          /* served another request before */
	struct upstream *prev, *next;
};

#define UPSTREAM_TELL_MAX 3 /* failures of a server that are told on stderr in a run */

struct upstream_server {
	const struct policy_server *server; /* borrowed from the policy */
	struct tls_session session;
	size_t idle;
	size_t failures_told; /* to the person, at most UPSTREAM_TELL_MAX */
};

struct upstreams {
	struct loop *loop; /* borrowed, as are the next three */
	struct channel *dialer;
	struct tls_client *client;
	struct recorder *recorder;
	struct upstream_server *servers; /* one for each of the policy's */
	size_t n_servers;
	struct upstream *all;
	uint64_t last_dial_id;
	size_t dialing;
};

/** upstreams_init() - @pool's borrowed members are set by the caller. Return: 0; -ENOMEM */
int upstreams_init(struct upstreams *pool, const struct policy *policy);
void upstreams_close(struct upstreams *pool);

/**
 * upstream_acquire() - Ask for a connection to a server
 * @reuse: Whether an idle one will do
 *
 * on_ready() or on_failed() is called, at once for an idle connection.
 */
void upstream_acquire(struct upstreams *pool, const struct policy_server *server, bool reuse,
		      struct upstream_user *user);

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
