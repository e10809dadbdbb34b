// SPDX-License-Identifier: Apache-2.0
/*
 * Verification asks OpenSSL's X509_STORE for an issuer by subject name. The store begins
 * empty but for small files of extra roots; on a miss it asks its look-up methods, and ours
 * searches the index: pairs of (DER of the certificate, DER of its subject inside it). Matching
 * certificates are decoded and put into the store, which keeps them.
 *
 * A root that cannot be decoded is one root less, never an error: the chain that needed
 * it fails to verify.
 */
#include "proxy/trust_store.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ca_bundles.h"
#include "base/cleanup.h"

struct root {
	uint8_t *der; /* owned */
	size_t n;
	const uint8_t *subject; /* inside der */
	size_t subject_n;
	bool in_store;
};

struct trust_store {
	X509_STORE *store;
	X509_LOOKUP_METHOD *method;
	char *texts[TRUST_TEXTS_MAX]; /* PEM that is not indexed yet; owned */
	size_t n_texts;
	int system_fd; /* the system's bundle, not read yet; owned. -1: none */
	struct root *roots;
	size_t n_roots;
};

/* Step over one DER element. Return: its first byte, with the rest in @p; NULL if malformed. */
static const uint8_t *der_step(const uint8_t **p, const uint8_t *end, bool into)
{
	const uint8_t *start = *p, *at = *p;
	int tag, class;
	long n;

	if (at >= end || ASN1_get_object(&at, &n, &tag, &class, end - at) & 0x80)
		return NULL;
	*p = into ? at : at + n;
	return start;
}

/* RFC 5280 §4.1: the subject is the sixth element of TBSCertificate, the fifth without a version.
 */
static bool find_subject(struct root *root)
{
	const uint8_t *p = root->der, *end = root->der + root->n, *subject;
	int before_subject = 4;

	if (!der_step(&p, end, true) || !der_step(&p, end, true) || p >= end)
		return false;
	if (*p == (V_ASN1_CONTEXT_SPECIFIC | V_ASN1_CONSTRUCTED))
		before_subject++;
	for (int i = 0; i < before_subject; i++)
		if (!der_step(&p, end, false))
			return false;
	subject = der_step(&p, end, false);
	if (!subject || p > end)
		return false;
	root->subject = subject;
	root->subject_n = (size_t)(p - subject);
	return true;
}

/* Whitespace-tolerant base64 between the markers. Return: bytes decoded, 0 if malformed. */
static size_t decode_base64(const char *text, size_t n, uint8_t *ret)
{
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	int got = 0, last = 0;
	bool good;

	if (!ctx)
		return 0;
	EVP_DecodeInit(ctx);
	good = EVP_DecodeUpdate(ctx, ret, &got, (const unsigned char *)text, (int)n) >= 0 &&
	       EVP_DecodeFinal(ctx, ret + got, &last) == 1;
	EVP_ENCODE_CTX_free(ctx);
	return good ? (size_t)(got + last) : 0;
}

static bool add_root(struct trust_store *ts, const char *base64, size_t n)
{
	struct root root = {.der = malloc(n / 4 * 3 + 3)};

	if (!root.der)
		return false;
	root.n = decode_base64(base64, n, root.der);
	if (!root.n || !find_subject(&root)) {
		free(root.der);
		return false;
	}
	ts->roots[ts->n_roots++] = root;
	return true;
}

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----",
		  end_mark[] = "-----END CERTIFICATE-----";

static void index_text(struct trust_store *ts, const char *at)
{
	while (ts->n_roots < TRUST_ROOTS_MAX) {
		const char *start = strstr(at, begin_mark), *stop;

		if (!start)
			return;
		start += sizeof(begin_mark) - 1;
		stop = strstr(start, end_mark);
		if (!stop)
			return;
		add_root(ts, start, (size_t)(stop - start));
		at = stop + sizeof(end_mark) - 1;
	}
}

static int read_all(int fd, struct buf *ret)
{
	for (;;) {
		uint8_t *room = buf_reserve(ret, 65536);
		ssize_t n;

		if (!room)
			return ret->len + 65536 > ret->max ? -EMSGSIZE : -ENOMEM;
		n = read(fd, room, 65536);
		if (n < 0)
			return -errno;
		if (!n)
			return 0;
		buf_commit(ret, (size_t)n);
	}
}

/* SSL_CERT_FILE often names the system's own bundle: that is not indexed twice. */
static bool is_loaded(const struct trust_store *ts, const char *text)
{
	for (size_t i = 0; i < ts->n_texts; i++) {
		if (!strcmp(ts->texts[i], text))
			return true;
	}
	return false;
}

int trust_store_load_text(struct trust_store *ts, const void *pem, size_t n)
{
	autofree char *text = NULL;

	if (n > TRUST_BUNDLE_MAX)
		return -EMSGSIZE;
	if (ts->n_texts == TRUST_TEXTS_MAX)
		return -E2BIG;
	text = malloc(n + 1);
	if (!text)
		return -ENOMEM;
	if (n)
		memcpy(text, pem, n);
	text[n] = '\0';
	if (!is_loaded(ts, text))
		ts->texts[ts->n_texts++] = ptr_take(&text);
	return 0;
}

/* What cannot be read is one bundle less: the chains that needed it fail to verify. */
static void read_system(struct trust_store *ts)
{
	autobuf struct buf pem = BUF_INIT(TRUST_BUNDLE_MAX);

	if (ts->system_fd < 0)
		return;
	if (!read_all(ts->system_fd, &pem))
		(void)trust_store_load_text(ts, pem.data, pem.len);
	fd_close(&ts->system_fd);
}

size_t trust_store_index(struct trust_store *ts)
{
	read_system(ts);
	if (!ts->roots && ts->n_texts)
		ts->roots = calloc(TRUST_ROOTS_MAX, sizeof(*ts->roots));
	for (size_t i = 0; i < ts->n_texts; i++) {
		if (ts->roots)
			index_text(ts, ts->texts[i]);
		free(ts->texts[i]);
	}
	ts->n_texts = 0;
	return ts->n_roots;
}

static bool put_into_store(struct trust_store *ts, struct root *root)
{
	const uint8_t *p = root->der;
	X509 *cert = d2i_X509(NULL, &p, (long)root->n);
	bool good = cert && X509_STORE_add_cert(ts->store, cert) == 1;

	root->in_store = true;
	X509_free(cert);
	return good;
}

static bool subject_is(const struct root *root, const X509_NAME *name)
{
	const uint8_t *p = root->subject;
	X509_NAME *subject = d2i_X509_NAME(NULL, &p, (long)root->subject_n);
	bool same = subject && X509_NAME_cmp(subject, name) == 0;

	X509_NAME_free(subject);
	return same;
}

/*
 * Nearly every issuer field repeats its root's subject byte for byte. Where it does not
 * (another string type, other case), names compare equal only in canonical form, so the
 * second pass decodes every subject. It is for a miss only.
 */
static size_t add_roots_named(struct trust_store *ts, const X509_NAME *name)
{
	const uint8_t *der;
	size_t der_n, added = 0;

	if (X509_NAME_get0_der(name, &der, &der_n) != 1)
		return 0;
	for (size_t i = 0; i < ts->n_roots; i++) {
		struct root *root = &ts->roots[i];

		if (!root->in_store && root->subject_n == der_n &&
		    !memcmp(root->subject, der, der_n))
			added += put_into_store(ts, root);
	}
	for (size_t i = 0; !added && i < ts->n_roots; i++)
		if (!ts->roots[i].in_store && subject_is(&ts->roots[i], name))
			added += put_into_store(ts, &ts->roots[i]);
	return added;
}

/* OpenSSL calls this when the store itself has nothing for @name. */
static int lookup_by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
			     X509_OBJECT *ret)
{
	struct trust_store *ts = X509_LOOKUP_get_method_data(lookup);
	const X509_OBJECT *found = NULL;
	STACK_OF(X509_OBJECT) * objects;
	int at;

	if (type != X509_LU_X509)
		return 0;
	trust_store_index(ts);
	if (!add_roots_named(ts, name))
		return 0;
	objects = X509_STORE_get0_objects(ts->store);
	at = X509_OBJECT_idx_by_subject(objects, X509_LU_X509, name);
	if (at >= 0)
		found = sk_X509_OBJECT_value(objects, at);
	if (!found || !X509_OBJECT_set1_X509(ret, X509_OBJECT_get0_X509(found)))
		return 0;
	/* The caller takes a reference of its own: what a look-up returns is only borrowed. */
	X509_free(X509_OBJECT_get0_X509(found));
	return 1;
}

int trust_store_new(struct trust_store **ret)
{
	struct trust_store *ts = calloc(1, sizeof(*ts));
	X509_LOOKUP *lookup;

	if (!ts)
		return -ENOMEM;
	ts->system_fd = -1;
	ts->store = X509_STORE_new();
	ts->method = X509_LOOKUP_meth_new("mcpjail trust store");
	if (!ts->store || !ts->method ||
	    !X509_LOOKUP_meth_set_get_by_subject(ts->method, lookup_by_subject) ||
	    !(lookup = X509_STORE_add_lookup(ts->store, ts->method)) ||
	    !X509_LOOKUP_set_method_data(lookup, ts)) {
		trust_store_free(ts);
		return -ENOMEM;
	}
	*ret = ts;
	return 0;
}

void trust_store_free(struct trust_store *ts)
{
	if (!ts)
		return;
	fd_close(&ts->system_fd);
	X509_STORE_free(ts->store);
	X509_LOOKUP_meth_free(ts->method);
	for (size_t i = 0; i < ts->n_roots; i++)
		free(ts->roots[i].der);
	free(ts->roots);
	for (size_t i = 0; i < ts->n_texts; i++)
		free(ts->texts[i]);
	free(ts);
}

int trust_store_load_system(struct trust_store *ts, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(ca_bundles); i++) {
		int fd = open(ca_bundles[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		fd_close(&ts->system_fd);
		ts->system_fd = fd;
		return 0;
	}
	error_set(err, ca_bundles[0],
		  "install the package ca-certificates, or name roots with --upstream-ca",
		  "the system has no bundle of root certificates");
	return -ENOENT;
}

static const char extra_roots[] = "--upstream-ca or SSL_CERT_FILE";

static int refuse_roots(struct error *err, const char *what)
{
	error_set(err, extra_roots, "give a PEM file with one or more CERTIFICATE blocks", "%s",
		  what);
	return -EINVAL;
}

static int add_at_once(struct trust_store *ts, const struct buf *pem, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(pem->data ? (const void *)pem->data : "", (int)pem->len);
	size_t added = 0;
	bool is_whole;
	X509 *cert;

	while (bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		added += X509_STORE_add_cert(ts->store, cert) == 1;
		X509_free(cert);
	}
	BIO_free(bio);
	/* The loop ends by an error in any case; only "no start line" means that the file ended. */
	is_whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	if (added && is_whole)
		return 0;
	return refuse_roots(err, added ? "a certificate in it is broken"
				       : "there is no certificate in it");
}

int trust_store_add_roots(struct trust_store *ts, int fd, struct error *err)
{
	autobuf struct buf pem = BUF_INIT(TRUST_BUNDLE_MAX);
	int r = lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE ? -errno : read_all(fd, &pem);

	if (!r && pem.len <= TRUST_AT_ONCE_MAX)
		return add_at_once(ts, &pem, err);
	if (!r && !memmem(pem.data, pem.len, begin_mark, sizeof(begin_mark) - 1))
		return refuse_roots(err, "there is no certificate in it");
	if (!r)
		r = trust_store_load_text(ts, pem.data, pem.len);
	if (r)
		error_set(err, extra_roots, NULL, "cannot be read: %s", strerror(-r));
	return r;
}

int trust_store_attach(struct trust_store *ts, SSL_CTX *ctx)
{
	SSL_CTX_set1_cert_store(ctx, ts->store);
	return 0;
}
