// SPDX-License-Identifier: Apache-2.0
/*
 * What the keeper is asked to certify by a proxy that may have been taken over: a host, a
 * zero byte, a public key. What must hold of a certificate that is signed:
 *   - OpenSSL reads it, whole; the run's CA signed it, and it is no CA itself;
 *   - it is for exactly the one host that was asked for, names in lower case, and for
 *     that key.
 */
#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "fuzz.h"
#include "proxy/http1.h"
#include "trust/ca.h"

static struct ca *ca;
static X509 *ca_certificate;

static void make_ca(void)
{
	autobuf struct buf pem = BUF_INIT(CA_PEM_MAX);
	BIO *bio;

	if (ca)
		return;
	must(!ca_new("fuzz", &ca) && !ca_pem(ca, &pem));
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	ca_certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	must(ca_certificate);
}

static void check_name(X509 *leaf, const char *host)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	const ASN1_STRING *value;
	uint8_t address[16];
	GENERAL_NAME *name;
	int type;

	must(names && sk_GENERAL_NAME_num(names) == 1);
	name = sk_GENERAL_NAME_value(names, 0);
	value = GENERAL_NAME_get0_value(name, &type);
	if (type == GEN_DNS) {
		must(ASN1_STRING_length(value) == (int)strlen(host) &&
		     !memcmp(ASN1_STRING_get0_data(value), host, strlen(host)));
		must(inet_pton(AF_INET, host, address) != 1);
	} else {
		must(type == GEN_IPADD);
		must(inet_pton(ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6, host,
			       address) == 1);
		must(!memcmp(ASN1_STRING_get0_data(value), address,
			     (size_t)ASN1_STRING_length(value)));
	}
	GENERAL_NAMES_free(names);
}

static void check_leaf(struct span der, struct span host, struct span spki)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *leaf = d2i_X509(NULL, &p, (long)der.n);
	char text[HTTP1_HOST_MAX + 1], again[HTTP1_HOST_MAX + 1];
	enum http1_host_kind kind = HTTP1_HOST_NAME;
	unsigned char *key = NULL;
	int n;

	must(leaf && p == (const unsigned char *)der.p + der.n);
	must(X509_verify(leaf, X509_get0_pubkey(ca_certificate)) == 1);
	must(X509_check_ca(leaf) == 0 && X509_get_version(leaf) == 2);
	must(!X509_NAME_cmp(X509_get_issuer_name(leaf), X509_get_subject_name(ca_certificate)));
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &key);
	must(n == (int)spki.n && !memcmp(key, spki.p, spki.n));
	OPENSSL_free(key);
	must(span_copy(host, text, sizeof(text)) && strlen(text) == host.n);
	must(http1_host_normalise(host, again, &kind) || kind == HTTP1_HOST_IPV6 ||
	     !strcmp(text, again));
	check_name(leaf, text);
	X509_free(leaf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autobuf struct buf der = BUF_INIT(CA_LEAF_MAX);
	autofree char *copy = fuzz_copy(data, n);
	const char *end = n ? memchr(copy, '\0', n) : NULL;
	struct span host, spki;

	if (!end)
		return 0;
	make_ca();
	host = span_bytes(copy, (size_t)(end - copy));
	spki = span_bytes(end + 1, n - host.n - 1);
	if (ca_sign_leaf(ca, host, spki, &der))
		must(!der.len);
	else
		check_leaf(span_bytes(der.data, der.len), host, spki);
	return 0;
}
