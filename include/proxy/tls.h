/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/tls.h - non-blocking byte streams, plain or TLS, and the two TLS configurations
 *
 * A stream starts plain on a connected socket and may turn into TLS once, as server
 * towards the agent or as client towards an upstream. TLS is 1.2 or later and ALPN is
 * http/1.1 on both sides. Nothing here waits: -EAGAIN means "when the socket is ready".
 */
#ifndef MCPJAIL_PROXY_TLS_H
#define MCPJAIL_PROXY_TLS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "proxy/certs.h"
#include "proxy/trust_store.h"

#define TLS_EARLY_MAX (64 * 1024) /* bytes read in the clear before TLS began */

struct tls_server; /* how we serve TLS to the agent */
struct tls_client; /* how we speak TLS to upstreams */

/* The last session with one upstream host, for resumption. Zeroed to begin with. */
struct tls_session {
	struct ssl_session_st *session; /* owned; NULL: none yet */
};

struct stream {
	int fd;           /* owned; -1: closed */
	SSL *ssl;         /* owned; NULL: plain */
	struct buf early; /* read already, to be read again before the socket is */
	uint64_t sent;    /* bytes that the kernel took for sending, handshake included */
	bool readable;    /* the socket may have something to read */
	bool hung_up;     /* the peer sends nothing more (or is gone) */
	bool broken;      /* the connection is gone in both directions */
	bool truncated;   /* the end came without TLS's close_notify */
	bool has_sni;     /* server: the ClientHello named a host */
	char name[CERTS_HOST_MAX + 1]; /* server: the host whose leaf is served */
	struct tls_session *session;   /* client: borrowed */
};

/** stream_init() - Take over a connected, non-blocking socket */
void stream_init(struct stream *s, int fd);

/**
 * stream_on_ready() - Note what an edge-triggered event said
 *
 * Without a new event a socket that was read empty is not read again: one system call
 * less for each message.
 */
void stream_on_ready(struct stream *s, uint32_t events);

/** stream_close() - Close at once, without a farewell. Safe on a closed stream */
void stream_close(struct stream *s);

/** stream_finish() - Say that nothing more will be sent (close_notify, FIN); reading goes on */
void stream_finish(struct stream *s);

/** stream_peek() - The first byte to come. Return: 0…255; -EAGAIN; -ENODATA at the end; -errno */
int stream_peek(struct stream *s);

/** stream_unread() - Give bytes back to be read next; only while plain. Return: 0; -EMSGSIZE;
 * -ENOMEM */
int stream_unread(struct stream *s, const void *bytes, size_t n);

/** stream_read() - Return: bytes read, 0 at the end; -EAGAIN; -errno. Never more than @size */
ssize_t stream_read(struct stream *s, void *ret, size_t size);

/** stream_write() - Return: bytes taken, possibly fewer than @n; -EAGAIN; -errno */
ssize_t stream_write(struct stream *s, const void *bytes, size_t n);

/** stream_release_buffers() - Give back what an idle connection need not keep */
void stream_release_buffers(struct stream *s);

/**
 * tls_init() - To be called once, first, while files can be opened
 *
 * OpenSSL reads no file, then or later (base/crypto.h); the C library its time zone.
 *
 * Return: 0; -EIO
 */
int tls_init(void);

/** tls_server_new() - @certs must outlive the server. Return: 0; -ENOMEM */
int tls_server_new(struct certs *certs, struct tls_server **ret);
void tls_server_free(struct tls_server *server);

/** tls_client_new() - @trust must outlive the client. Return: 0; -ENOMEM */
int tls_client_new(struct trust_store *trust, struct tls_client **ret);
void tls_client_free(struct tls_client *client);

/**
 * tls_warm_up() - One handshake of the two with each other, in memory
 *
 * Afterwards every algorithm is fetched: the first connection costs no more than others.
 *
 * Return: 0; -EIO with OpenSSL's reason in @err
 */
int tls_warm_up(struct tls_server *server, struct tls_client *client, struct error *err);

/**
 * stream_accept() - Become a TLS server
 * @fallback: Name of the leaf if the ClientHello names no host; "" refuses such hellos
 *
 * Return: 0; -ENOMEM
 */
int stream_accept(struct stream *s, struct tls_server *server, const char *fallback);

/**
 * stream_connect() - Become a TLS client that accepts only a certificate for @host
 * @host:    A name, or an address literal without brackets
 * @session: Resumed from and renewed; must outlive the stream
 *
 * Return: 0; -ENOMEM
 */
int stream_connect(struct stream *s, struct tls_client *client, const char *host,
		   struct tls_session *session);

/**
 * stream_handshake() - Carry the handshake on
 * @ret_why: Filled on failure with the reason in words; holds @size bytes
 *
 * Return: 0 when done; -EAGAIN; -ENOKEY: certs has no leaf for s->name, add it and call
 * again; -EKEYREJECTED: the peer's certificate was refused; -EPROTO
 */
int stream_handshake(struct stream *s, char *ret_why, size_t size);

/** tls_session_forget() - Release a session; the slot is empty afterwards */
void tls_session_forget(struct tls_session *slot);

/** tls_sha256() - SHA-256 of @n bytes into 32 */
void tls_sha256(const void *bytes, size_t n, uint8_t ret_digest[32]);

#endif
