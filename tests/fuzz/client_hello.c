// SPDX-License-Identifier: Apache-2.0
/*
 * The peek at a connection that is passed through unread, beside what OpenSSL's server makes
 * of the same bytes. What must hold:
 *   - no beginning of a hello is judged before it is whole, nor differently with more behind;
 *   - where OpenSSL reads a hello that we accept, it finds the same name, and no encrypted
 *     hello where we found none.
 */
#include <openssl/ssl.h>

#include "fuzz.h"
#include "proxy/client_hello.h"

#define EVERY_PREFIX 512 /* of longer inputs only some beginnings are tried */

/* RFC 9849; draft-ietf-tls-esni from -08 to -12; -00 to -06, when it was the name alone. */
static const unsigned int encrypting[] = {0xfe0d, 0xfe08, 0xfe09, 0xfe0a, 0xfe0b, 0xfe0c, 0xffce};

struct seen {
	bool was_read, has_name, has_ech;
	char name[HTTP1_HOST_MAX + 1];
	bool name_is_sound;
};

/* server_name_list, RFC 6066 §3: one host_name is all that there ever is. */
static void read_name(const unsigned char *p, size_t n, struct seen *ret)
{
	size_t list, length;

	if (n < 5)
		return;
	list = (size_t)p[0] << 8 | p[1];
	length = (size_t)p[3] << 8 | p[4];
	if (list != n - 2 || p[2] != 0 || length > n - 5)
		return;
	ret->has_name = true;
	ret->name_is_sound = length == n - 5 &&
			     !http1_host_normalise(span_bytes(p + 5, length), ret->name, NULL);
}

/* OpenSSL keeps no extension that it does not know, so the message is walked as it saw it. */
static void on_message(int is_write, int version, int type, const void *message, size_t n, SSL *ssl,
		       void *arg)
{
	const uint8_t *p = message;
	struct seen *ret = arg;
	size_t at = 4 + 2 + 32;

	(void)version;
	(void)ssl;
	if (is_write || type != SSL3_RT_HANDSHAKE || n < at + 1 || p[0] != SSL3_MT_CLIENT_HELLO)
		return;
	at += 1u + p[at];
	if (n < at + 2)
		return;
	at += 2u + ((size_t)p[at] << 8 | p[at + 1]);
	if (n < at + 1)
		return;
	at += 1u + p[at];
	for (at += 2; at + 4 <= n; at += 4u + ((size_t)p[at + 2] << 8 | p[at + 3]))
		for (size_t i = 0; i < ARRAY_SIZE(encrypting); i++)
			if (encrypting[i] == ((unsigned int)p[at] << 8 | p[at + 1]))
				ret->has_ech = true;
}

static int on_client_hello(SSL *ssl, int *alert, void *arg)
{
	struct seen *ret = arg;
	const unsigned char *p;
	size_t n;

	(void)alert;
	ret->was_read = true;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n))
		read_name(p, n, ret);
	return SSL_CLIENT_HELLO_ERROR;
}

static SSL_CTX *server(void)
{
	static SSL_CTX *ctx;

	if (!ctx) {
		ctx = SSL_CTX_new(TLS_server_method());
		must(ctx);
		SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
		SSL_CTX_set_security_level(ctx, 0);
	}
	return ctx;
}

static void openssl_reads(const uint8_t *bytes, size_t n, struct seen *ret)
{
	BIO *in = BIO_new_mem_buf(bytes, (int)n), *out = BIO_new(BIO_s_mem());
	SSL *ssl = SSL_new(server());

	must(in && out && ssl);
	*ret = (struct seen){.was_read = false};
	SSL_CTX_set_client_hello_cb(server(), on_client_hello, ret);
	SSL_set_msg_callback(ssl, on_message);
	SSL_set_msg_callback_arg(ssl, ret);
	SSL_set_bio(ssl, in, out);
	SSL_accept(ssl);
	SSL_free(ssl);
}

static void check_prefixes(const uint8_t *bytes, size_t n, int whole,
			   const struct client_hello *hello)
{
	size_t step = n > EVERY_PREFIX ? n / EVERY_PREFIX + 1 : 1;
	bool is_bad = false;

	for (size_t k = 0; k < n; k += step) {
		autofree char *prefix = fuzz_copy(bytes, k);
		struct client_hello part = {.why = NULL};
		int r = client_hello_parse((const uint8_t *)prefix, k, &part);

		must(!is_bad || r == PARSE_BAD);
		is_bad = r == PARSE_BAD;
		if (r == PARSE_BAD) {
			must(whole == PARSE_BAD && part.why);
		} else if (r == PARSE_MORE) {
			must(whole < 0 || k < (size_t)whole);
			must(!part.why && !part.server_name[0]);
		} else {
			must(r == whole && (size_t)r <= k);
			must(!strcmp(part.server_name, hello->server_name) &&
			     part.has_ech == hello->has_ech);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char *copy = fuzz_copy(data, n);
	const uint8_t *bytes = (const uint8_t *)copy;
	struct client_hello hello = {.why = NULL};
	int r = client_hello_parse(bytes, n, &hello);
	struct seen seen;

	must(r == PARSE_MORE || r == PARSE_BAD || (r > 0 && (size_t)r <= n));
	must(r != PARSE_BAD || hello.why);
	check_prefixes(bytes, n, r, &hello);
	if (r <= 0)
		return 0;
	if (hello.server_name[0]) {
		char again[HTTP1_HOST_MAX + 1];

		must(!http1_host_normalise(span_of(hello.server_name), again, NULL));
		must(!strcmp(hello.server_name, again));
	}
	openssl_reads(bytes, (size_t)r, &seen);
	if (!seen.was_read)
		return 0;
	must(!seen.has_ech || hello.has_ech);
	must(seen.has_name == (hello.server_name[0] != '\0'));
	must(!seen.has_name || (seen.name_is_sound && !strcmp(seen.name, hello.server_name)));
	return 0;
}
