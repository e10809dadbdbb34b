// SPDX-License-Identifier: Apache-2.0
/*
 * Two OpenSSL contexts. Neither reads a configuration file, and both
 * are used once, in memory, before the first connection.
 *
 * Server: the ClientHello callback runs before anything is negotiated. It notes the
 * server name and picks the leaf; if the leaf is not there yet, the handshake is put
 * aside (-ENOKEY) until the keeper has signed one. One key serves all leaves, so the key
 * sits in the context and only the certificate is set per connection.
 *
 * Client: the chain is verified against the trust store and the host against the
 * subjectAltName only; security level 2 refuses SHA-1, RSA below 2048 bits and the like.
 */
#include "proxy/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crypto.h"
#include "tls_internal.h"

#define SECURITY_LEVEL 2

static const unsigned char alpn_http1[] = "\x08http/1.1";

/* A host name as a ClientHello may give it: LDH labels and underscores, no address literal. */
static bool copy_host(const uint8_t *p, size_t n, char ret[CERTS_HOST_MAX + 1])
{
	bool letters = false;

	if (n && p[n - 1] == '.')
		n--;
	if (!n || n > CERTS_HOST_MAX || p[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = (char)p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c >= 'a' && c <= 'z')
			letters = true;
		else if (!(c >= '0' && c <= '9') && c != '-' && c != '_' &&
			 (c != '.' || p[i - 1] == '.'))
			return false;
		ret[i] = c;
	}
	ret[n] = '\0';
	return letters;
}

/* RFC 6066 §3: a list with one entry of type host_name. */
static bool read_server_name(const uint8_t *ext, size_t n, char ret[CERTS_HOST_MAX + 1])
{
	if (n < 5 || (size_t)(ext[0] << 8 | ext[1]) != n - 2 ||
	    ext[2] != TLSEXT_NAMETYPE_host_name || (size_t)(ext[3] << 8 | ext[4]) != n - 5)
		return false;
	return copy_host(ext + 5, n - 5, ret);
}

static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls_server *server = arg;
	struct stream *s = SSL_get_app_data(ssl);
	const unsigned char *ext;
	size_t n;
	X509 *leaf;

	if (!s)
		return SSL_CLIENT_HELLO_SUCCESS; /* the warm-up brings its own certificate */
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &n)) {
		s->has_sni = read_server_name(ext, n, s->name);
		if (!s->has_sni)
			s->name[0] = '\0';
	}
	if (!s->name[0]) {
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_CLIENT_HELLO_ERROR;
	}
	leaf = certs_find(server->certs, s->name);
	if (!leaf)
		return SSL_CLIENT_HELLO_RETRY;
	return SSL_use_certificate(ssl, leaf) == 1 ? SSL_CLIENT_HELLO_SUCCESS
						   : SSL_CLIENT_HELLO_ERROR;
}

/* RFC 7301 §3.2. Whoever offers only other protocols could not talk to us anyway. */
static int on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_n,
		   const unsigned char *offered, unsigned int n, void *arg)
{
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, ret_n, alpn_http1, sizeof(alpn_http1) - 1, offered, n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *context_new(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* Header and body of a record in one read: two system calls less for each call. */
	SSL_CTX_set_read_ahead(ctx, 1);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

int tls_init(void)
{
	/* gmtime_r(), by which validity is checked, opens /etc/localtime on its first use. */
	tzset();
	return crypto_init(true);
}

int tls_server_new(struct certs *certs, struct tls_server **ret)
{
	struct tls_server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->certs = certs;
	server->bio = tls_stream_bio_method();
	server->ctx = context_new(TLS_server_method());
	if (!server->bio || !server->ctx) {
		tls_server_free(server);
		return -ENOMEM;
	}
	SSL_CTX_set_client_hello_cb(server->ctx, on_client_hello, server);
	SSL_CTX_set_alpn_select_cb(server->ctx, on_alpn, NULL);
	/* An agent that just closes can still be answered; framing tells whether it was cut off. */
	SSL_CTX_set_options(server->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* Tickets only: nothing to keep per session, and one is enough (each costs 18 µs). */
	SSL_CTX_set_session_cache_mode(server->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(server->ctx, (const unsigned char *)"mcpjail", 7);
	SSL_CTX_set_num_tickets(server->ctx, 1);
	*ret = server;
	return 0;
}

void tls_server_free(struct tls_server *server)
{
	if (!server)
		return;
	SSL_CTX_free(server->ctx);
	BIO_meth_free(server->bio);
	free(server);
}

/* Keeps the latest session; a ticket of TLS 1.3 arrives after the handshake. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct stream *s = SSL_get_app_data(ssl);

	if (!s || !s->session)
		return 0;
	SSL_SESSION_free(s->session->session);
	s->session->session = session;
	return 1;
}

int tls_client_new(struct trust_store *trust, struct tls_client **ret)
{
	struct tls_client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	client->bio = tls_stream_bio_method();
	client->ctx = context_new(TLS_client_method());
	if (!client->bio || !client->ctx || trust_store_attach(trust, client->ctx) ||
	    /* Unlike the rest of OpenSSL, 0 is success here. */
	    SSL_CTX_set_alpn_protos(client->ctx, alpn_http1, sizeof(alpn_http1) - 1)) {
		tls_client_free(client);
		return -ENOMEM;
	}
	SSL_CTX_set_verify(client->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(client->ctx,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client->ctx, on_new_session);
	*ret = client;
	return 0;
}

void tls_client_free(struct tls_client *client)
{
	if (!client)
		return;
	SSL_CTX_free(client->ctx);
	BIO_meth_free(client->bio);
	free(client);
}

void tls_session_forget(struct tls_session *slot)
{
	SSL_SESSION_free(slot->session);
	slot->session = NULL;
}

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *cert = X509_new();

	if (cert && X509_set_version(cert, X509_VERSION_3) && X509_set_pubkey(cert, key) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), 60) && X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

/* Both ends in one process: each turn moves one flight; a handshake has four at most. */
static bool run_in_memory(SSL *server, SSL *client)
{
	char byte;

	for (int turn = 0; turn < 8; turn++) {
		SSL_do_handshake(client);
		SSL_do_handshake(server);
		if (SSL_is_init_finished(client) && SSL_is_init_finished(server))
			break;
	}
	return SSL_write(server, "x", 1) == 1 && SSL_read(client, &byte, 1) == 1 &&
	       SSL_write(client, "x", 1) == 1 && SSL_read(server, &byte, 1) == 1;
}

int tls_warm_up(struct tls_server *server, struct tls_client *client, struct error *err)
{
	X509 *cert = self_signed(certs_key(server->certs));
	SSL *a = SSL_new(server->ctx), *b = SSL_new(client->ctx);
	BIO *bio_a = NULL, *bio_b = NULL;
	bool good = false;

	if (cert && a && b && BIO_new_bio_pair(&bio_a, 0, &bio_b, 0)) {
		SSL_set_bio(a, bio_a, bio_a);
		SSL_set_bio(b, bio_b, bio_b);
		SSL_set_accept_state(a);
		SSL_set_connect_state(b);
		/* A store of its own: looking for this issuer would go through all the roots. */
		SSL_set0_verify_cert_store(b, X509_STORE_new());
		SSL_set_verify(b, SSL_VERIFY_NONE, NULL);
		good = SSL_use_certificate(a, cert) == 1 &&
		       SSL_use_PrivateKey(a, certs_key(server->certs)) == 1 && run_in_memory(a, b);
	}
	if (!good)
		error_set(err, "OpenSSL", NULL, "a TLS handshake in memory failed: %s",
			  ERR_reason_error_string(ERR_peek_last_error()) ?: "no reason given");
	ERR_clear_error();
	SSL_free(a);
	SSL_free(b);
	X509_free(cert);
	return good ? 0 : -EIO;
}

void tls_sha256(const void *bytes, size_t n, uint8_t ret_digest[32])
{
	crypto_sha256(bytes, n, ret_digest);
}
