// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates are written byte by byte (RFC 5280), and OpenSSL only signs them. All of
 * them have one form, and OpenSSL's own way to put a public key into a certificate goes
 * through its encoders, decoders and configuration parser: it costs more than a signature
 * for each leaf, and more than all the rest of the keeper's start for the first.
 *
 * It is also the safer way. The requests come from the proxy, which a stranger may have
 * taken over. A host is checked byte by byte; a key must begin with the one prefix of
 * P-256 and is copied as it is: nothing here parses it, and if it is no point of the curve
 * then the certificate is of no use to whoever asked.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA-1, without a look-up by name */
#include "trust/ca.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/cleanup.h"
#include "base/crypto.h"
#include "trust/der.h"

#define SERIAL_BYTES    16
#define KEY_ID_BYTES    20
#define SIGNATURE_MAX   80 /* of ECDSA over P-256, in DER */
#define NAME_DER_MAX    128
#define VALIDITY_MAX    64
#define HOST_MAX        253
#define LABEL_MAX       63
#define CN_MAX          64 /* ub-common-name, RFC 5280 appendix A */
#define PEM_LINE        48 /* bytes that make a line of 64 characters */
#define PUT(der, array) der_raw(der, array, sizeof(array))

/* AlgorithmIdentifier ecdsa-with-SHA256 (RFC 5758 §3.2) */
static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

/* SubjectPublicKeyInfo up to the point: id-ecPublicKey, prime256v1, uncompressed (RFC 5480 §2) */
static const uint8_t spki_prefix[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
				      0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

/* Extensions, each a whole one or, where a value follows, all that stands before it. */
static const uint8_t ca_constraints[] = {/* critical, CA:TRUE, pathlen:0 */
					 0x30, 0x12, 0x06, 0x03, 0x55, 0x1d, 0x13,
					 0x01, 0x01, 0xff, 0x04, 0x08, 0x30, 0x06,
					 0x01, 0x01, 0xff, 0x02, 0x01, 0x00};
static const uint8_t ca_key_usage[] = {/* critical, keyCertSign, cRLSign */
				       0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01,
				       0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x01, 0x06};
static const uint8_t subject_key_id[] = {0x30, 0x1d, 0x06, 0x03, 0x55, 0x1d,
					 0x0e, 0x04, 0x16, 0x04, 0x14};
static const uint8_t leaf_constraints[] = {/* critical, CA:FALSE */
					   0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13,
					   0x01, 0x01, 0xff, 0x04, 0x02, 0x30, 0x00};
static const uint8_t leaf_key_usage[] = {/* critical, digitalSignature */
					 0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01,
					 0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x07, 0x80};
static const uint8_t leaf_ext_key_usage[] = {/* serverAuth */
					     0x30, 0x13, 0x06, 0x03, 0x55, 0x1d, 0x25,
					     0x04, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b,
					     0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
static const uint8_t authority_key_id[] = {0x30, 0x1f, 0x06, 0x03, 0x55, 0x1d, 0x23,
					   0x04, 0x18, 0x30, 0x16, 0x80, 0x14};
static const uint8_t oid_subject_alt_name[] = {0x06, 0x03, 0x55, 0x1d, 0x11};
static const uint8_t oid_common_name[] = {0x06, 0x03, 0x55, 0x04, 0x03};

struct ca {
	EVP_PKEY *key;
	EVP_MD_CTX *ctx;
	uint8_t spki[CA_SPKI_BYTES];
	uint8_t key_id[KEY_ID_BYTES];
	char common_name[CN_MAX + 1];
	struct der name;     /* of the CA: issuer of all */
	struct der validity; /* of all */
	struct der certificate;
};

/* What differs between the certificates that are written here. */
struct subject {
	const char *common_name;
	const char *host; /* NULL: the CA itself */
	const uint8_t *spki;
};

static void der_cleanup(struct der *d)
{
	buf_free(&d->bytes);
}

#define autoder       __attribute__((cleanup(der_cleanup)))
#define DER_INIT(max) ((struct der){.bytes = BUF_INIT(max)})

static void put_all(struct der *d, const struct der *from)
{
	der_raw(d, from->bytes.data, from->bytes.len);
	if (from->error)
		d->error = from->error;
}

/* --- parts of a certificate ---------------------------------------------------- */

/* RelativeDistinguishedName with a common name */
static void put_rdn(struct der *d, const char *common_name)
{
	size_t rdn = der_begin(d, DER_SET);
	size_t attribute = der_begin(d, DER_SEQUENCE);

	PUT(d, oid_common_name);
	der_put(d, DER_UTF8_STRING, common_name, strlen(common_name));
	der_end(d, attribute);
	der_end(d, rdn);
}

/* RDNSequence of one */
static void put_name(struct der *d, const char *common_name)
{
	size_t name = der_begin(d, DER_SEQUENCE);

	put_rdn(d, common_name);
	der_end(d, name);
}

/* UTCTime until 2049, GeneralizedTime from then on (RFC 5280 §4.1.2.5): OpenSSL knows. */
static void put_time(struct der *d, time_t when)
{
	ASN1_TIME *t = ASN1_TIME_set(NULL, when);

	if (t)
		der_put(d, (uint8_t)ASN1_STRING_type(t), ASN1_STRING_get0_data(t),
			(size_t)ASN1_STRING_length(t));
	else
		d->error = -ENOMEM;
	ASN1_TIME_free(t);
}

static void put_validity(struct der *d)
{
	time_t now = time(NULL);
	size_t validity = der_begin(d, DER_SEQUENCE);

	put_time(d, now - CA_BACKDATED_S);
	put_time(d, now - CA_BACKDATED_S + CA_VALID_S);
	der_end(d, validity);
}

static void put_serial(struct der *d)
{
	uint8_t serial[SERIAL_BYTES];

	if (RAND_bytes(serial, sizeof(serial)) != 1) {
		d->error = -EIO;
		return;
	}
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and always as long */
	der_put(d, DER_INTEGER, serial, sizeof(serial));
}

static void put_alt_name(struct der *d, const char *host)
{
	uint8_t address[16];
	size_t extension = der_begin(d, DER_SEQUENCE), value, names;

	PUT(d, oid_subject_alt_name);
	value = der_begin(d, DER_OCTET_STRING);
	names = der_begin(d, DER_SEQUENCE);
	if (inet_pton(AF_INET, host, address) == 1)
		der_put(d, DER_CONTEXT | 7, address, 4);
	else if (inet_pton(AF_INET6, host, address) == 1)
		der_put(d, DER_CONTEXT | 7, address, 16);
	else
		der_put(d, DER_CONTEXT | 2, host, strlen(host));
	der_end(d, names);
	der_end(d, value);
	der_end(d, extension);
}

static void put_extensions(struct der *d, const struct ca *ca, const char *host)
{
	size_t outer = der_begin(d, DER_CONTEXT | DER_CONSTRUCTED | 3);
	size_t list = der_begin(d, DER_SEQUENCE);

	if (host) {
		PUT(d, leaf_constraints);
		PUT(d, leaf_key_usage);
		PUT(d, leaf_ext_key_usage);
		PUT(d, authority_key_id);
		PUT(d, ca->key_id);
		put_alt_name(d, host);
	} else {
		PUT(d, ca_constraints);
		PUT(d, ca_key_usage);
		PUT(d, subject_key_id);
		PUT(d, ca->key_id);
	}
	der_end(d, list);
	der_end(d, outer);
}

static void put_tbs(struct der *d, const struct ca *ca, const struct subject *subject)
{
	static const uint8_t version_3[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
	size_t tbs = der_begin(d, DER_SEQUENCE);

	PUT(d, version_3);
	put_serial(d);
	PUT(d, ecdsa_sha256);
	put_all(d, &ca->name);
	put_all(d, &ca->validity);
	put_name(d, subject->common_name);
	der_raw(d, subject->spki, CA_SPKI_BYTES);
	put_extensions(d, ca, subject->host);
	der_end(d, tbs);
}

static void put_signature(struct der *d, const struct ca *ca, size_t tbs)
{
	uint8_t signature[1 + SIGNATURE_MAX] = {0}; /* no unused bits */
	size_t n = SIGNATURE_MAX;

	if (d->error)
		return;
	EVP_MD_CTX_reset(ca->ctx);
	if (!EVP_DigestSignInit_ex(ca->ctx, NULL, "SHA256", NULL, NULL, ca->key, NULL) ||
	    !EVP_DigestSign(ca->ctx, signature + 1, &n, d->bytes.data + tbs, d->bytes.len - tbs)) {
		d->error = -EIO;
		return;
	}
	PUT(d, ecdsa_sha256);
	der_put(d, DER_BIT_STRING, signature, 1 + n);
}

static void put_certificate(struct der *d, const struct ca *ca, const struct subject *subject)
{
	size_t certificate = der_begin(d, DER_SEQUENCE), tbs = d->bytes.len;

	put_tbs(d, ca, subject);
	put_signature(d, ca, tbs);
	der_end(d, certificate);
}

/* --- the authority -------------------------------------------------------------- */

static int make_key(struct ca *ca)
{
	uint8_t point[1 + 64], digest[CRYPTO_SHA256_BYTES];
	size_t n;

	ca->ctx = EVP_MD_CTX_new();
	ca->key = EVP_EC_gen("P-256");
	if (!ca->ctx || !ca->key ||
	    !EVP_PKEY_get_octet_string_param(ca->key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
					     &n) ||
	    n != sizeof(point) || point[0] != 0x04)
		return -EIO;
	memcpy(ca->spki, spki_prefix, sizeof(spki_prefix));
	memcpy(ca->spki + sizeof(spki_prefix), point + 1, sizeof(point) - 1);
	/* RFC 7093 §2, method 1 */
	crypto_sha256(point, sizeof(point), digest);
	memcpy(ca->key_id, digest, KEY_ID_BYTES);
	return 0;
}

static void ca_cleanup(struct ca **ca)
{
	ca_free(*ca);
}

int ca_new(const char *name, struct ca **ret)
{
	__attribute__((cleanup(ca_cleanup))) struct ca *ca = calloc(1, sizeof(*ca));
	int r;

	if (!ca)
		return -ENOMEM;
	ca->name = DER_INIT(NAME_DER_MAX);
	ca->validity = DER_INIT(VALIDITY_MAX);
	ca->certificate = DER_INIT(CA_LEAF_MAX);
	r = make_key(ca);
	if (r)
		return r;
	snprintf(ca->common_name, sizeof(ca->common_name), "mcpjail run %.40s", name);
	put_name(&ca->name, ca->common_name);
	put_validity(&ca->validity);
	put_certificate(&ca->certificate, ca, &(struct subject){ca->common_name, NULL, ca->spki});
	if (ca->certificate.error)
		return ca->certificate.error;
	*ret = ptr_take(&ca);
	return 0;
}

void ca_free(struct ca *ca)
{
	if (!ca)
		return;
	EVP_MD_CTX_free(ca->ctx);
	EVP_PKEY_free(ca->key);
	der_cleanup(&ca->name);
	der_cleanup(&ca->validity);
	der_cleanup(&ca->certificate);
	free(ca);
}

int ca_pem(const struct ca *ca, struct buf *ret_pem)
{
	const struct buf *der = &ca->certificate.bytes;
	int r = buf_puts(ret_pem, "-----BEGIN CERTIFICATE-----\n");

	for (size_t i = 0; !r && i < der->len; i += PEM_LINE) {
		size_t n = der->len - i < PEM_LINE ? der->len - i : PEM_LINE;
		uint8_t line[PEM_LINE / 3 * 4 + 1];

		EVP_EncodeBlock(line, der->data + i, (int)n);
		r = buf_printf(ret_pem, "%s\n", line);
	}
	return r ? r : buf_puts(ret_pem, "-----END CERTIFICATE-----\n");
}

/* As OpenSSL compares names: in lower case, without blanks around, and one where there are more. */
static void canonical_copy(const char *text, char ret[CN_MAX + 1])
{
	size_t n = 0;

	for (; *text; text++) {
		bool is_blank = isspace((unsigned char)*text);

		if (!is_blank)
			ret[n++] = (char)tolower((unsigned char)*text);
		else if (n && ret[n - 1] != ' ')
			ret[n++] = ' ';
	}
	ret[n && ret[n - 1] == ' ' ? n - 1 : n] = '\0';
}

/* X509_NAME_hash() goes by the name's parts in canonical form, without what is around them. */
uint32_t ca_subject_hash(const struct ca *ca)
{
	autoder struct der name = DER_INIT(NAME_DER_MAX);
	char canonical[CN_MAX + 1];
	uint8_t digest[SHA_DIGEST_LENGTH];
	SHA_CTX ctx;

	canonical_copy(ca->common_name, canonical);
	put_rdn(&name, canonical);
	SHA1_Init(&ctx);
	SHA1_Update(&ctx, name.bytes.data, name.bytes.len);
	SHA1_Final(digest, &ctx);
	return (uint32_t)digest[0] | (uint32_t)digest[1] << 8 | (uint32_t)digest[2] << 16 |
	       (uint32_t)digest[3] << 24;
}

/* --- leaves ----------------------------------------------------------------------- */

/* RFC 952 and 1123, lower case, and the underscore that some names have. No wildcard. */
static bool is_dns_name(const char *host)
{
	size_t label = 0;

	for (const char *p = host; *p; p++) {
		bool is_plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_';
		bool is_edge = !label || !p[1] || p[1] == '.';

		if (*p == '.') {
			if (!label || !p[1])
				return false;
			label = 0;
			continue;
		}
		if ((!is_plain && (*p != '-' || is_edge)) || ++label > LABEL_MAX)
			return false;
	}
	return *host;
}

/* Decimal digits and dots alone are an address or nothing. */
static bool is_host(const char *host)
{
	uint8_t address[16];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return true;
	return strspn(host, "0123456789.") < strlen(host) && is_dns_name(host);
}

int ca_sign_leaf(struct ca *ca, struct span host, struct span spki, struct buf *ret_der)
{
	autoder struct der leaf = DER_INIT(CA_LEAF_MAX);
	char name[HOST_MAX + 1];

	if (!span_copy(host, name, sizeof(name)) || strlen(name) != host.n || !is_host(name))
		return -EINVAL;
	if (spki.n != CA_SPKI_BYTES || memcmp(spki.p, spki_prefix, sizeof(spki_prefix)))
		return -EINVAL;
	/* A name too long for a common name is in the subjectAltName alone, which is what counts.
	 */
	put_certificate(&leaf, ca,
			&(struct subject){strlen(name) <= CN_MAX ? name : "mcpjail", name,
					  (const uint8_t *)spki.p});
	if (leaf.error)
		return leaf.error;
	return buf_append(ret_der, leaf.bytes.data, leaf.bytes.len);
}
