// SPDX-License-Identifier: Apache-2.0
/*
 * OpenSSL's own socket BIO would raise SIGPIPE, cannot be given bytes back, and does not
 * count. This one can: a CONNECT request's TLS may already lie in the buffer behind its
 * head, and whether a call provably never left is read from the count of bytes that the
 * kernel took.
 */
#include "proxy/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "tls_internal.h"

/* --- the socket ------------------------------------------------------------- */

static ssize_t socket_read(struct stream *s, void *ret, size_t size)
{
	ssize_t n;

	if (s->early.len) {
		n = (ssize_t)(s->early.len < size ? s->early.len : size);
		memcpy(ret, s->early.data, (size_t)n);
		buf_consume(&s->early, (size_t)n);
		if (!s->early.len)
			buf_free(&s->early);
		return n;
	}
	if (!s->readable)
		return -EAGAIN;
	do
		n = recv(s->fd, ret, size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	/*
	 * A short read empties the socket, and more bytes or an end that come later make a new
	 * event. An end that came together with these bytes was in the same event: hung_up.
	 */
	if ((n < 0 && errno == EAGAIN) || (n > 0 && (size_t)n < size && !s->hung_up))
		s->readable = false;
	return n < 0 ? -errno : n;
}

static ssize_t socket_write(struct stream *s, const void *bytes, size_t n)
{
	ssize_t sent;

	do
		sent = send(s->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	s->sent += (uint64_t)sent;
	return sent;
}

static int bio_read(BIO *bio, char *ret, int size)
{
	ssize_t n = socket_read(BIO_get_data(bio), ret, (size_t)size);

	BIO_clear_retry_flags(bio);
	if (n == -EAGAIN)
		BIO_set_retry_read(bio);
	if (n == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return n < 0 ? -1 : (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int n)
{
	ssize_t sent = socket_write(BIO_get_data(bio), bytes, (size_t)n);

	BIO_clear_retry_flags(bio);
	if (sent == -EAGAIN)
		BIO_set_retry_write(bio);
	return sent < 0 ? -1 : (int)sent;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *tls_stream_bio_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");

	if (method && BIO_meth_set_read(method, bio_read) &&
	    BIO_meth_set_write(method, bio_write) && BIO_meth_set_ctrl(method, bio_ctrl) &&
	    BIO_meth_set_create(method, bio_create))
		return method;
	BIO_meth_free(method);
	return NULL;
}

/* --- streams ---------------------------------------------------------------- */

void stream_init(struct stream *s, int fd)
{
	*s = (struct stream){.fd = fd, .early = BUF_INIT(TLS_EARLY_MAX), .readable = true};
}

void stream_on_ready(struct stream *s, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->hung_up = true;
	if (events & (EPOLLHUP | EPOLLERR))
		s->broken = true;
}

void stream_close(struct stream *s)
{
	/* OpenSSL takes a connection freed without its farewell for broken, its session with it. */
	if (s->ssl && SSL_is_init_finished(s->ssl))
		SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ptr_take(&s->ssl));
	fd_close(&s->fd);
	buf_free(&s->early);
}

void stream_finish(struct stream *s)
{
	if (s->ssl && SSL_is_init_finished(s->ssl))
		SSL_shutdown(s->ssl);
	ERR_clear_error();
	shutdown(s->fd, SHUT_WR);
}

int stream_peek(struct stream *s)
{
	uint8_t byte;
	ssize_t n;

	if (s->early.len)
		return s->early.data[0];
	n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return n ? byte : -ENODATA;
}

int stream_unread(struct stream *s, const void *bytes, size_t n)
{
	autobuf struct buf joined = BUF_INIT(TLS_EARLY_MAX);
	int r = buf_append(&joined, bytes, n);

	if (!r)
		r = buf_append(&joined, s->early.data, s->early.len);
	if (r)
		return r;
	buf_free(&s->early);
	s->early = joined;
	joined = BUF_INIT(TLS_EARLY_MAX);
	return 0;
}

/*
 * SSL_get_error() looks at the thread's queue of errors, which is that of all connections:
 * what another one left there would be taken for this one's.
 */
static void forget_errors(void)
{
	ERR_clear_error();
	errno = 0;
}

/* What an SSL_read() or SSL_write() that gave nothing means. */
static ssize_t ssl_failure(struct stream *s, int n)
{
	int kind = SSL_get_error(s->ssl, n);
	bool cut_off = kind == SSL_ERROR_SSL &&
		       ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
	int saved = errno;

	ERR_clear_error();
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	if (kind == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (cut_off) {
		s->truncated = true;
		return 0;
	}
	return kind == SSL_ERROR_SYSCALL && saved ? -saved : -EPROTO;
}

ssize_t stream_read(struct stream *s, void *ret, size_t size)
{
	size_t got;
	int r;

	if (!s->ssl)
		return socket_read(s, ret, size);
	forget_errors();
	r = SSL_read_ex(s->ssl, ret, size, &got);
	return r == 1 ? (ssize_t)got : ssl_failure(s, r);
}

ssize_t stream_write(struct stream *s, const void *bytes, size_t n)
{
	ssize_t failure;
	size_t sent;
	int r;

	if (!s->ssl)
		return socket_write(s, bytes, n);
	forget_errors();
	r = SSL_write_ex(s->ssl, bytes, n, &sent);
	if (r == 1)
		return (ssize_t)sent;
	failure = ssl_failure(s, r);
	return failure ? failure : -EPIPE;
}

void stream_release_buffers(struct stream *s)
{
	/* Refuses by itself while a record is half read or half written. */
	if (s->ssl && SSL_is_init_finished(s->ssl))
		SSL_free_buffers(s->ssl);
	ERR_clear_error();
}

/* --- becoming TLS ----------------------------------------------------------- */

static int start_tls(struct stream *s, SSL_CTX *ctx, BIO_METHOD *method)
{
	SSL *ssl = SSL_new(ctx);
	BIO *bio = BIO_new(method);

	if (!ssl || !bio || !SSL_set_app_data(ssl, s)) {
		SSL_free(ssl);
		BIO_free(bio);
		return -ENOMEM;
	}
	BIO_set_data(bio, s);
	SSL_set_bio(ssl, bio, bio);
	s->ssl = ssl;
	return 0;
}

int stream_accept(struct stream *s, struct tls_server *server, const char *fallback)
{
	int r = start_tls(s, server->ctx, server->bio);

	if (r)
		return r;
	snprintf(s->name, sizeof(s->name), "%s", fallback);
	if (SSL_use_PrivateKey(s->ssl, certs_key(server->certs)) != 1)
		return -ENOMEM;
	SSL_set_accept_state(s->ssl);
	return 0;
}

static bool is_address(const char *host)
{
	struct in6_addr scratch;

	return inet_pton(AF_INET, host, &scratch) == 1 || inet_pton(AF_INET6, host, &scratch) == 1;
}

int stream_connect(struct stream *s, struct tls_client *client, const char *host,
		   struct tls_session *session)
{
	int r = start_tls(s, client->ctx, client->bio);
	X509_VERIFY_PARAM *param;
	bool address = is_address(host);

	if (r)
		return r;
	param = SSL_get0_param(s->ssl);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
						       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (address ? X509_VERIFY_PARAM_set1_ip_asc(param, host) != 1
		    : X509_VERIFY_PARAM_set1_host(param, host, 0) != 1 ||
			      SSL_set_tlsext_host_name(s->ssl, host) != 1)
		return -ENOMEM;
	s->session = session;
	if (session->session)
		SSL_set_session(s->ssl, session->session);
	SSL_set_connect_state(s->ssl);
	return 0;
}

static int handshake_failure(struct stream *s, int kind, int saved, char *ret_why, size_t size)
{
	long verified = SSL_get_verify_result(s->ssl);
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	int r = -EPROTO;

	if (!SSL_is_server(s->ssl) && verified != X509_V_OK) {
		snprintf(ret_why, size, "%s", X509_verify_cert_error_string(verified));
		r = -EKEYREJECTED;
	} else if (kind == SSL_ERROR_SYSCALL) {
		snprintf(ret_why, size, "%s",
			 saved ? strerror(saved) : "the connection was closed");
	} else {
		snprintf(ret_why, size, "%s", reason ? reason : "the handshake failed");
	}
	ERR_clear_error();
	return r;
}

int stream_handshake(struct stream *s, char *ret_why, size_t size)
{
	int r, kind, saved;

	forget_errors();
	r = SSL_do_handshake(s->ssl);
	saved = errno;
	if (r == 1)
		return 0;
	kind = SSL_get_error(s->ssl, r);
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE)
		return -EAGAIN;
	if (kind == SSL_ERROR_WANT_CLIENT_HELLO_CB)
		return -ENOKEY;
	return handshake_failure(s, kind, saved, ret_why, size);
}
