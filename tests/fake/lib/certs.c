// SPDX-License-Identifier: Apache-2.0
#include "certs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAYS_VALID   2
#define DAY_SECONDS  86400L
#define SAN_TEXT_MAX 4096

struct identity {
	X509 *certificate;
	EVP_PKEY *key;
};

static void identity_free(struct identity *identity)
{
	X509_free(identity->certificate);
	EVP_PKEY_free(identity->key);
}

#define autoidentity __attribute__((cleanup(identity_free)))

static int extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	int ok;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = extension && X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return ok ? 0 : -EIO;
}

static int serial_randomise(X509 *certificate)
{
	uint64_t serial;

	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return -EIO;
	return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) ? 0 : -EIO;
}

/* A key and an unsigned certificate; signed by the caller. */
static int identity_begin(const char *common_name, struct identity *ret)
{
	X509_NAME *name;

	ret->key = EVP_EC_gen("P-256");
	ret->certificate = X509_new();
	if (!ret->key || !ret->certificate || serial_randomise(ret->certificate) < 0)
		return -EIO;
	name = X509_get_subject_name(ret->certificate);
	if (!X509_set_version(ret->certificate, 2) ||
	    !X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					(const unsigned char *)common_name, -1, -1, 0) ||
	    !X509_gmtime_adj(X509_getm_notBefore(ret->certificate), -3600) ||
	    !X509_gmtime_adj(X509_getm_notAfter(ret->certificate), DAYS_VALID * DAY_SECONDS) ||
	    !X509_set_pubkey(ret->certificate, ret->key))
		return -EIO;
	return 0;
}

static int identity_sign(struct identity *identity, const struct identity *issuer)
{
	X509_NAME *name = X509_get_subject_name(issuer->certificate);

	if (!X509_set_issuer_name(identity->certificate, name) ||
	    !X509_sign(identity->certificate, issuer->key, EVP_sha256()))
		return -EIO;
	return 0;
}

static int ca_make(struct identity *ret)
{
	int r = identity_begin("PromptFax stand-in CA", ret);

	if (r == 0)
		r = extension_add(ret->certificate, ret->certificate, NID_basic_constraints,
				  "critical,CA:TRUE,pathlen:0");
	if (r == 0)
		r = extension_add(ret->certificate, ret->certificate, NID_key_usage,
				  "critical,keyCertSign,cRLSign");
	if (r == 0)
		r = extension_add(ret->certificate, ret->certificate, NID_subject_key_identifier,
				  "hash");
	return r ? r : identity_sign(ret, ret);
}

static int san_text(const char *const *names, size_t n_names, char *text, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < n_names; i++) {
		unsigned char address[16];
		bool is_ip = inet_pton(AF_INET, names[i], address) == 1 ||
			     inet_pton(AF_INET6, names[i], address) == 1;
		int n = snprintf(text + at, size - at, "%s%s:%s", i ? "," : "",
				 is_ip ? "IP" : "DNS", names[i]);

		if (n < 0 || (size_t)n >= size - at)
			return -EMSGSIZE;
		at += (size_t)n;
	}
	return 0;
}

static int leaf_make(const struct identity *ca, const char *const *names, size_t n_names,
		     struct identity *ret)
{
	char san[SAN_TEXT_MAX];
	int r = san_text(names, n_names, san, sizeof(san));

	if (r == 0)
		r = identity_begin(names[0], ret);
	if (r == 0)
		r = extension_add(ret->certificate, ca->certificate, NID_subject_alt_name, san);
	if (r == 0)
		r = extension_add(ret->certificate, ca->certificate, NID_ext_key_usage,
				  "serverAuth");
	if (r == 0)
		r = extension_add(ret->certificate, ca->certificate, NID_key_usage,
				  "critical,digitalSignature");
	if (r == 0)
		r = extension_add(ret->certificate, ca->certificate, NID_authority_key_identifier,
				  "keyid");
	return r ? r : identity_sign(ret, ca);
}

/* By rename, so that who waits for the file never reads half of it. */
static int ca_write(X509 *certificate, const char *path)
{
	char partial[4096];
	FILE *file;
	int ok;

	if (snprintf(partial, sizeof(partial), "%s.part", path) >= (int)sizeof(partial))
		return -ENAMETOOLONG;
	file = fopen(partial, "we");
	if (!file)
		return -errno;
	ok = PEM_write_X509(file, certificate);
	if (fclose(file) != 0 || !ok)
		return -EIO;
	return rename(partial, path) < 0 ? -errno : 0;
}

/* The field speaks HTTP/1.1 here; who offers h2 as well is answered with it. */
static int alpn_choose(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
		       const unsigned char *in, unsigned int in_bytes, void *unused)
{
	static const unsigned char known[] = "\x08http/1.1";
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)unused;
	if (SSL_select_next_proto(&chosen, out_bytes, known, sizeof(known) - 1, in, in_bytes) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *tls_new(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (!tls)
		return NULL;
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_num_tickets(tls, 1);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_alpn_select_cb(tls, alpn_choose, NULL);
	return tls;
}

int certs_make_server(const char *const *names, size_t n_names, const char *ca_path,
		      SSL_CTX **ret_tls)
{
	autoidentity struct identity ca = {0};
	autoidentity struct identity leaf = {0};
	SSL_CTX *tls;
	int r = ca_make(&ca);

	if (r == 0)
		r = leaf_make(&ca, names, n_names, &leaf);
	if (r == 0 && ca_path)
		r = ca_write(ca.certificate, ca_path);
	if (r < 0)
		return r;
	tls = tls_new();
	if (!tls || SSL_CTX_use_certificate(tls, leaf.certificate) != 1 ||
	    SSL_CTX_use_PrivateKey(tls, leaf.key) != 1) {
		SSL_CTX_free(tls);
		return -EIO;
	}
	*ret_tls = tls;
	return 0;
}

int certs_load_server(const char *cert_path, const char *key_path, SSL_CTX **ret_tls)
{
	SSL_CTX *tls = tls_new();

	if (!tls || SSL_CTX_use_certificate_chain_file(tls, cert_path) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key_path, SSL_FILETYPE_PEM) != 1) {
		SSL_CTX_free(tls);
		return -EIO;
	}
	*ret_tls = tls;
	return 0;
}
