// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "trust/ca.h"

struct fixture {
	struct ca *ca;
	X509 *root;
	EVP_PKEY *key; /* the server's */
	uint8_t *spki;
	int spki_n;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	autobuf struct buf pem = BUF_INIT(CA_PEM_MAX);
	BIO *bio;

	assert_int_equal(ca_new("20260102T030405-1a2b3c4d", &f->ca), 0);
	assert_int_equal(ca_pem(f->ca, &pem), 0);
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	f->root = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(f->root);
	f->key = EVP_EC_gen("P-256");
	f->spki_n = i2d_PUBKEY(f->key, &f->spki);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ca_free(f->ca);
	X509_free(f->root);
	EVP_PKEY_free(f->key);
	OPENSSL_free(f->spki);
	free(f);
	return 0;
}

static struct span spki_of(const struct fixture *f)
{
	return span_bytes(f->spki, (size_t)f->spki_n);
}

static X509 *sign(struct fixture *f, const char *host)
{
	autobuf struct buf der = BUF_INIT(CA_LEAF_MAX);
	const uint8_t *p;
	X509 *leaf;

	assert_int_equal(ca_sign_leaf(f->ca, span_of(host), spki_of(f), &der), 0);
	p = der.data;
	leaf = d2i_X509(NULL, &p, (long)der.len);
	assert_non_null(leaf);
	assert_ptr_equal(p, der.data + der.len);
	return leaf;
}

/* As a strict TLS client would: chain, purpose, dates, RFC 5280's finer points. */
static int verify(struct fixture *f, X509 *leaf)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int error;

	assert_int_equal(X509_STORE_add_cert(store, f->root), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, leaf, NULL), 1);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	(void)X509_verify_cert(ctx);
	error = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return error;
}

static void test_leaf_verifies_strictly_for_its_host(void **state)
{
	static const char *const hosts[] = {
		"promptfax.app",
		"localhost",
		"a_b.example.com",
		"xn--bcher-kva.example",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbb."
		"example",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		X509 *leaf = sign(f, hosts[i]);

		assert_int_equal(verify(f, leaf), X509_V_OK);
		assert_int_equal(X509_check_host(leaf, hosts[i], 0, 0, NULL), 1);
		assert_int_equal(X509_check_host(leaf, "other.example", 0, 0, NULL), 0);
		assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(leaf), f->key), 1);
		X509_free(leaf);
	}
}

static void test_leaf_for_an_address_names_the_address(void **state)
{
	static const char *const addresses[] = {"192.0.2.7", "2001:db8::7", "::1"};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		X509 *leaf = sign(f, addresses[i]);

		assert_int_equal(verify(f, leaf), X509_V_OK);
		assert_int_equal(X509_check_ip_asc(leaf, addresses[i], 0), 1);
		assert_int_equal(X509_check_ip_asc(leaf, "192.0.2.8", 0), 0);
		X509_free(leaf);
	}
}

static void test_serials_differ_and_are_positive(void **state)
{
	struct fixture *f = *state;
	X509 *a = sign(f, "a.example"), *b = sign(f, "a.example");

	assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(a), X509_get0_serialNumber(b)),
			     0);
	assert_int_equal(ASN1_STRING_type(X509_get0_serialNumber(a)), V_ASN1_INTEGER);
	assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(a)), 16);
	X509_free(a);
	X509_free(b);
}

static void test_certificates_are_valid_from_an_hour_ago_for_a_month(void **state)
{
	struct fixture *f = *state;
	X509 *leaf = sign(f, "a.example");
	X509 *both[] = {f->root, leaf};

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		int days, seconds;

		assert_int_equal(X509_get_version(both[i]), X509_VERSION_3);
		assert_int_equal(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(both[i]),
						X509_get0_notAfter(both[i])),
				 1);
		assert_int_equal(days, 30);
		assert_int_equal(seconds, 0);
		assert_int_equal(
			ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(both[i]), NULL), 1);
		assert_int_equal(days, 0);
		assert_in_range(seconds, CA_BACKDATED_S, CA_BACKDATED_S + 60);
	}
	X509_free(leaf);
}

static void test_ca_signs_no_ca_and_is_hashed_as_openssl_does(void **state)
{
	struct fixture *f = *state;
	X509 *leaf = sign(f, "a.example");

	assert_int_equal(X509_check_ca(f->root), 1);
	assert_int_equal(X509_get_pathlen(f->root), 0);
	assert_int_equal(X509_check_ca(leaf), 0);
	assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
	assert_int_equal(ca_subject_hash(f->ca), X509_subject_name_hash(f->root));
	X509_free(leaf);
}

static void test_sign_refuses_what_is_no_host(void **state)
{
	static const struct span hosts[] = {
		{"", 0},
		{"a\0b.example", 11},
		{"*.example.com", 13},
		{"A.example", 9},
		{"a..b", 4},
		{".a", 2},
		{"a.", 2},
		{"-a.example", 10},
		{"a-.example", 10},
		{"a b", 3},
		{"127.1", 5},
		{"2130706433", 10},
		{"b\xc3\xbc.de", 7},
		{"[::1]", 5},
		{"a/b", 3},
		{"a.example:443", 13},
	};
	struct fixture *f = *state;
	autobuf struct buf der = BUF_INIT(CA_LEAF_MAX);
	char longest[300], label[80];

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		assert_int_equal(ca_sign_leaf(f->ca, hosts[i], spki_of(f), &der), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(ca_sign_leaf(f->ca, span_bytes(longest, 254), spki_of(f), &der), -EINVAL);
	memset(label, 'a', sizeof(label));
	assert_int_equal(ca_sign_leaf(f->ca, span_bytes(label, 64), spki_of(f), &der), -EINVAL);
	assert_int_equal(ca_sign_leaf(f->ca, span_bytes(label, 63), spki_of(f), &der), 0);
}

static void test_sign_refuses_other_keys_than_p256(void **state)
{
	struct fixture *f = *state;
	autobuf struct buf der = BUF_INIT(CA_LEAF_MAX);
	EVP_PKEY *keys[] = {EVP_EC_gen("P-384"), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};
	struct span short_key = span_bytes(f->spki, CA_SPKI_BYTES - 1);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		uint8_t *spki = NULL;
		int n = i2d_PUBKEY(keys[i], &spki);

		assert_int_equal(ca_sign_leaf(f->ca, span_of("a.example"),
					      span_bytes(spki, (size_t)n), &der),
				 -EINVAL);
		OPENSSL_free(spki);
		EVP_PKEY_free(keys[i]);
	}
	assert_int_equal(ca_sign_leaf(f->ca, span_of("a.example"), short_key, &der), -EINVAL);
	assert_int_equal(der.len, 0);
}

static void test_leaf_of_another_run_does_not_verify(void **state)
{
	struct fixture *f = *state;
	struct ca *mine = f->ca;
	X509 *leaf;

	assert_int_equal(ca_new("20260102T030405-1a2b3c4d", &f->ca), 0);
	leaf = sign(f, "a.example");
	assert_int_not_equal(verify(f, leaf), X509_V_OK);
	X509_free(leaf);
	ca_free(f->ca);
	f->ca = mine;
}

/* --- the encoding ------------------------------------------------------------------- */

static bool is_critical(X509 *certificate, int nid)
{
	int at = X509_get_ext_by_NID(certificate, nid, -1);

	assert_true(at >= 0);
	/* RFC 5280 §4.2: no extension may come twice. */
	assert_int_equal(X509_get_ext_by_NID(certificate, nid, at), -1);
	return X509_EXTENSION_get_critical(X509_get_ext(certificate, at));
}

static uint8_t *der_of(X509 *certificate, size_t *ret_n)
{
	uint8_t *der = NULL;
	int n = i2d_X509(certificate, &der);

	assert_true(n > 0);
	*ret_n = (size_t)n;
	return der;
}

/*
 * What is parsed is written anew from its values, which OpenSSL does in DER: the bytes of
 * what is signed are the same, or they were no DER.
 */
static void expect_der(X509 *certificate)
{
	size_t n_before, n_after;
	uint8_t *before = der_of(certificate, &n_before), *after;

	assert_true(i2d_re_X509_tbs(certificate, NULL) > 0);
	after = der_of(certificate, &n_after);
	assert_int_equal(n_before, n_after);
	assert_memory_equal(before, after, n_before);
	OPENSSL_free(before);
	OPENSSL_free(after);
}

/* The value of each extension too: it is an encoding inside an encoding. */
static void expect_der_extensions(X509 *certificate)
{
	for (int i = 0; i < X509_get_ext_count(certificate); i++) {
		X509_EXTENSION *written = X509_get_ext(certificate, i), *again;
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(written));
		void *value = X509V3_EXT_d2i(written);

		assert_non_null(value);
		again = X509V3_EXT_i2d(nid, X509_EXTENSION_get_critical(written), value);
		assert_non_null(again);
		assert_int_equal(ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(written),
						       X509_EXTENSION_get_data(again)),
				 0);
		X509_EXTENSION_free(again);
		ASN1_item_free(value, ASN1_ITEM_ptr(X509V3_EXT_get(written)->it));
	}
}

static void expect_time(const ASN1_TIME *time)
{
	struct tm tm;

	/* RFC 5280 §4.1.2.5: UTCTime through 2049, with seconds and Z. */
	assert_int_equal(ASN1_TIME_to_tm(time, &tm), 1);
	assert_int_equal(ASN1_STRING_type(time),
			 tm.tm_year < 150 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
	assert_int_equal(ASN1_STRING_length(time), tm.tm_year < 150 ? 13 : 15);
}

static void test_certificates_are_strict_der(void **state)
{
	static const char *const hosts[] = {"a.example", "192.0.2.7", "2001:db8::7"};
	struct fixture *f = *state;
	X509 *all[ARRAY_SIZE(hosts) + 1] = {f->root};

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		all[i + 1] = sign(f, hosts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const ASN1_INTEGER *serial = X509_get0_serialNumber(all[i]);
		const X509_ALGOR *algorithm;
		const ASN1_BIT_STRING *signature;
		int parameters;

		expect_der_extensions(all[i]);
		expect_time(X509_get0_notBefore(all[i]));
		expect_time(X509_get0_notAfter(all[i]));
		/* RFC 5280 §4.1.2.2: positive, at most 20 bytes, none of them to no use. */
		assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER);
		assert_in_range(ASN1_STRING_length(serial), 1, 20);
		assert_in_range(ASN1_STRING_get0_data(serial)[0], 1, 0x7f);
		/* RFC 5758 §3.2: no parameters; the same inside and out. */
		X509_get0_signature(&signature, &algorithm, all[i]);
		X509_ALGOR_get0(NULL, &parameters, NULL, algorithm);
		assert_int_equal(parameters, V_ASN1_UNDEF);
		assert_int_equal(X509_ALGOR_cmp(algorithm, X509_get0_tbs_sigalg(all[i])), 0);
		assert_int_equal(
			X509_NAME_cmp(X509_get_issuer_name(all[i]), X509_get_subject_name(f->root)),
			0);
		assert_int_equal(X509_verify(all[i], X509_get0_pubkey(f->root)), 1);
		/* Changes nothing but OpenSSL's memory of the bytes, and so comes last. */
		expect_der(all[i]);
		if (i)
			X509_free(all[i]);
	}
}

static void test_extensions_are_critical_where_rfc5280_wants_it(void **state)
{
	struct fixture *f = *state;
	X509 *leaf = sign(f, "a.example");
	const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(f->root);
	const ASN1_OCTET_STRING *authority = X509_get0_authority_key_id(leaf);

	assert_true(is_critical(f->root, NID_basic_constraints));
	assert_true(is_critical(f->root, NID_key_usage));
	assert_false(is_critical(f->root, NID_subject_key_identifier));
	assert_int_equal(X509_get_key_usage(f->root), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_get_ext_count(f->root), 3);
	assert_true(is_critical(leaf, NID_basic_constraints));
	assert_true(is_critical(leaf, NID_key_usage));
	assert_false(is_critical(leaf, NID_ext_key_usage));
	assert_false(is_critical(leaf, NID_authority_key_identifier));
	/* §4.2.1.6: critical only where the subject is empty. */
	assert_false(is_critical(leaf, NID_subject_alt_name));
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(leaf)), 1);
	assert_int_equal(X509_get_ext_count(leaf), 5);
	assert_non_null(own);
	assert_non_null(authority);
	assert_int_equal(ASN1_OCTET_STRING_cmp(own, authority), 0);
	assert_int_equal(ASN1_STRING_length(own), 20);
	X509_free(leaf);
}

static void write_pem(const char *dir, const char *name, X509 *certificate)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, certificate), 1);
	fclose(file);
}

/* The program reads what the library was not asked: text, purposes, the whole chain. */
static void test_openssl_program_accepts_them(void **state)
{
	static const char *const commands[] = {
		"cd $DIR && openssl x509 -in leaf.pem -noout -text | grep -q 'DNS:a.example'",
		"cd $DIR && openssl x509 -in ca.pem -noout -text | grep -q 'CA:TRUE, pathlen:0'",
		"cd $DIR && openssl asn1parse -in leaf.pem >/dev/null",
		"cd $DIR && openssl verify -x509_strict -purpose sslserver -verify_hostname "
		"a.example "
		"-CAfile ca.pem leaf.pem >/dev/null",
		"cd $DIR && ! openssl verify -x509_strict -verify_hostname b.example -CAfile "
		"ca.pem "
		"leaf.pem >/dev/null 2>&1",
		"rm -r $DIR",
	};
	struct fixture *f = *state;
	char dir[] = "/tmp/mcpjail-ca-XXXXXX";
	X509 *leaf = sign(f, "a.example");

	assert_non_null(mkdtemp(dir));
	write_pem(dir, "ca.pem", f->root);
	write_pem(dir, "leaf.pem", leaf);
	setenv("DIR", dir, 1);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (system(commands[i]))
			fail_msg("%s", commands[i]);
	X509_free(leaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_leaf_verifies_strictly_for_its_host),
		TEST(test_leaf_for_an_address_names_the_address),
		TEST(test_serials_differ_and_are_positive),
		TEST(test_certificates_are_valid_from_an_hour_ago_for_a_month),
		TEST(test_ca_signs_no_ca_and_is_hashed_as_openssl_does),
		TEST(test_sign_refuses_what_is_no_host),
		TEST(test_sign_refuses_other_keys_than_p256),
		TEST(test_leaf_of_another_run_does_not_verify),
		TEST(test_certificates_are_strict_der),
		TEST(test_extensions_are_critical_where_rfc5280_wants_it),
		TEST(test_openssl_program_accepts_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
