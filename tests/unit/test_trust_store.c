// SPDX-License-Identifier: Apache-2.0
#include "proxy/trust_store.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <setjmp.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"

struct party {
	EVP_PKEY *key;
	X509 *cert;
};

/* A name with one CN, of a given ASN.1 string type. */
static X509_NAME *make_name(const char *cn, int type)
{
	X509_NAME *name = X509_NAME_new();

	assert_true(
		X509_NAME_add_entry_by_txt(name, "CN", type, (const unsigned char *)cn, -1, -1, 0));
	return name;
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_true(X509_add_ext(cert, ext, -1));
	X509_EXTENSION_free(ext);
}

/* Key identifiers, as real ones have them: they tell roots of one name apart. */
static struct party make_cert(const char *cn, const struct party *issuer, X509_NAME *issuer_name,
			      int ca)
{
	struct party p = {.key = EVP_EC_gen("P-256"), .cert = X509_new()};
	X509_NAME *subject = make_name(cn, V_ASN1_UTF8STRING);

	X509_set_version(p.cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(p.cert), rand());
	X509_gmtime_adj(X509_getm_notBefore(p.cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(p.cert), 3600);
	X509_set_subject_name(p.cert, subject);
	X509_set_issuer_name(p.cert, issuer_name ? issuer_name
				     : issuer    ? X509_get_subject_name(issuer->cert)
						 : subject);
	X509_set_pubkey(p.cert, p.key);
	add_extension(p.cert, p.cert, NID_basic_constraints,
		      ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(p.cert, p.cert, NID_subject_key_identifier, "hash");
	if (issuer)
		add_extension(p.cert, issuer->cert, NID_authority_key_identifier, "keyid:always");
	assert_true(X509_sign(p.cert, issuer ? issuer->key : p.key, EVP_sha256()) > 0);
	X509_NAME_free(subject);
	return p;
}

static void party_free(struct party *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}

static void append_pem(struct buf *text, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long n;

	assert_true(PEM_write_bio_X509(bio, cert));
	n = BIO_get_mem_data(bio, &p);
	assert_int_equal(buf_append(text, p, (size_t)n), 0);
	BIO_free(bio);
}

static int verify(struct trust_store *ts, X509 *cert)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	SSL_CTX *ssl = SSL_CTX_new(TLS_client_method());
	int result;

	assert_int_equal(trust_store_attach(ts, ssl), 0);
	assert_true(X509_STORE_CTX_init(ctx, SSL_CTX_get_cert_store(ssl), cert, NULL));
	result = X509_verify_cert(ctx) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	SSL_CTX_free(ssl);
	ERR_clear_error();
	return result;
}

static struct trust_store *store_of(const struct buf *text)
{
	struct trust_store *ts = NULL;

	assert_int_equal(trust_store_new(&ts), 0);
	assert_int_equal(trust_store_load_text(ts, text->data, text->len), 0);
	return ts;
}

static void test_a_chain_to_a_listed_root_verifies_and_no_other(void **state)
{
	struct party a = make_cert("root a", NULL, NULL, 1), b = make_cert("root b", NULL, NULL, 1);
	struct party c = make_cert("root c", NULL, NULL, 1);
	struct party under_b = make_cert("leaf", &b, NULL, 0),
		     under_c = make_cert("leaf", &c, NULL, 0);
	autobuf struct buf text = BUF_INIT(1 << 20);
	struct trust_store *ts;

	(void)state;
	append_pem(&text, a.cert);
	assert_int_equal(buf_puts(&text, "# a remark, as Fedora's bundle has them\n"), 0);
	append_pem(&text, b.cert);
	ts = store_of(&text);
	assert_int_equal(verify(ts, under_b.cert), X509_V_OK);
	assert_int_equal(verify(ts, under_b.cert), X509_V_OK); /* from the store this time */
	assert_int_equal(verify(ts, under_c.cert), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	assert_int_equal(trust_store_index(ts), 2);
	trust_store_free(ts);
	party_free(&a), party_free(&b), party_free(&c), party_free(&under_b), party_free(&under_c);
}

static void test_a_root_of_the_same_name_with_another_key_does_not_verify(void **state)
{
	struct party real = make_cert("root", NULL, NULL, 1),
		     fake = make_cert("root", NULL, NULL, 1);
	struct party leaf = make_cert("leaf", &fake, NULL, 0),
		     good = make_cert("leaf", &real, NULL, 0);
	autobuf struct buf text = BUF_INIT(1 << 20);
	struct trust_store *ts;

	(void)state;
	append_pem(&text, real.cert);
	ts = store_of(&text);
	assert_int_not_equal(verify(ts, leaf.cert), X509_V_OK);
	assert_int_equal(verify(ts, good.cert), X509_V_OK);
	trust_store_free(ts);
	party_free(&real), party_free(&fake), party_free(&leaf), party_free(&good);
}

static void test_two_roots_of_one_name_are_both_tried(void **state)
{
	struct party old = make_cert("root", NULL, NULL, 1), new = make_cert("root", NULL, NULL, 1);
	struct party leaf = make_cert("leaf", &new, NULL, 0);
	autobuf struct buf text = BUF_INIT(1 << 20);
	struct trust_store *ts;

	(void)state;
	append_pem(&text, old.cert);
	append_pem(&text, new.cert);
	ts = store_of(&text);
	assert_int_equal(verify(ts, leaf.cert), X509_V_OK);
	trust_store_free(ts);
	party_free(&old), party_free(&new), party_free(&leaf);
}

static void test_an_issuer_spelled_with_another_string_type_is_found(void **state)
{
	struct party root = make_cert("Some Root", NULL, NULL, 1);
	X509_NAME *other = make_name("some  root", V_ASN1_PRINTABLESTRING);
	struct party leaf = make_cert("leaf", &root, other, 0);
	autobuf struct buf text = BUF_INIT(1 << 20);
	struct trust_store *ts;

	(void)state;
	append_pem(&text, root.cert);
	ts = store_of(&text);
	assert_int_equal(verify(ts, leaf.cert), X509_V_OK);
	trust_store_free(ts);
	X509_NAME_free(other);
	party_free(&root), party_free(&leaf);
}

static void test_broken_blocks_are_skipped(void **state)
{
	static const char *const broken[] = {
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMIIB/////w==\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAYwBAIBAQIB\n-----END CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
	};
	struct party root = make_cert("root", NULL, NULL, 1),
		     leaf = make_cert("leaf", &root, NULL, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		autobuf struct buf text = BUF_INIT(1 << 20);
		struct trust_store *ts;

		assert_int_equal(buf_puts(&text, broken[i]), 0);
		append_pem(&text, root.cert);
		assert_int_equal(buf_puts(&text, "-----BEGIN CERTIFICATE-----\nMAA="), 0);
		ts = store_of(&text);
		assert_int_equal(trust_store_index(ts), 1);
		assert_int_equal(verify(ts, leaf.cert), X509_V_OK);
		trust_store_free(ts);
	}
	party_free(&root), party_free(&leaf);
}

static int file_of(const void *bytes, size_t n)
{
	int fd = memfd_create("ca", MFD_CLOEXEC);

	assert_true(fd >= 0);
	if (n)
		assert_int_equal(write(fd, bytes, n), (ssize_t)n);
	return fd;
}

static void test_extra_roots_are_trusted_at_once(void **state)
{
	struct party root = make_cert("own root", NULL, NULL, 1),
		     leaf = make_cert("leaf", &root, NULL, 0);
	autobuf struct buf text = BUF_INIT(1 << 20);
	struct error err = {.what = ""};
	struct trust_store *ts;
	autoclose int fd = -1;

	(void)state;
	append_pem(&text, root.cert);
	fd = file_of(text.data, text.len);
	assert_int_equal(trust_store_new(&ts), 0);
	assert_int_equal(trust_store_add_roots(ts, fd, &err), 0);
	assert_int_equal(verify(ts, leaf.cert), X509_V_OK);
	trust_store_free(ts);
	party_free(&root), party_free(&leaf);
}

/* A bundle: so large that it is not parsed at once, though it could be. */
static void make_large(struct buf *text)
{
	while (text->len <= TRUST_AT_ONCE_MAX)
		assert_int_equal(buf_puts(text, "# a remark, as Fedora's bundle has them\n"), 0);
}

static void test_a_large_file_of_extra_roots_counts_beside_the_bundle(void **state)
{
	struct party own = make_cert("own root", NULL, NULL, 1),
		     usual = make_cert("usual root", NULL, NULL, 1);
	struct party under_own = make_cert("leaf", &own, NULL, 0),
		     under_usual = make_cert("leaf", &usual, NULL, 0);
	autobuf struct buf extra = BUF_INIT(1 << 20), system = BUF_INIT(1 << 20);
	struct error err = {.what = ""};
	struct trust_store *ts;
	autoclose int fd = -1;

	(void)state;
	append_pem(&extra, own.cert);
	make_large(&extra);
	append_pem(&system, usual.cert);
	fd = file_of(extra.data, extra.len);
	assert_int_equal(trust_store_new(&ts), 0);
	assert_int_equal(trust_store_add_roots(ts, fd, &err), 0);
	assert_int_equal(trust_store_load_text(ts, system.data, system.len), 0);
	assert_int_equal(verify(ts, under_own.cert), X509_V_OK);
	assert_int_equal(verify(ts, under_usual.cert), X509_V_OK);
	assert_int_equal(trust_store_index(ts), 2);
	trust_store_free(ts);
	party_free(&own), party_free(&usual), party_free(&under_own), party_free(&under_usual);
}

static void test_one_bundle_given_twice_is_indexed_once(void **state)
{
	struct party root = make_cert("root", NULL, NULL, 1);
	autobuf struct buf text = BUF_INIT(1 << 20);
	struct error err = {.what = ""};
	struct trust_store *ts;
	autoclose int fd = -1;

	(void)state;
	append_pem(&text, root.cert);
	make_large(&text);
	fd = file_of(text.data, text.len);
	assert_int_equal(trust_store_new(&ts), 0);
	assert_int_equal(trust_store_add_roots(ts, fd, &err), 0);
	assert_int_equal(trust_store_load_text(ts, text.data, text.len), 0);
	assert_int_equal(trust_store_index(ts), 1);
	trust_store_free(ts);
	party_free(&root);
}

static void test_a_large_file_without_a_certificate_is_refused(void **state)
{
	autobuf struct buf text = BUF_INIT(1 << 20);
	struct error err = {.what = ""};
	struct trust_store *ts;
	autoclose int fd = -1;

	(void)state;
	make_large(&text);
	fd = file_of(text.data, text.len);
	assert_int_equal(trust_store_new(&ts), 0);
	assert_int_equal(trust_store_add_roots(ts, fd, &err), -EINVAL);
	assert_string_equal(err.what, "there is no certificate in it");
	trust_store_free(ts);
}

static void test_more_texts_than_there_is_room_for_are_refused(void **state)
{
	struct trust_store *ts;

	(void)state;
	assert_int_equal(trust_store_new(&ts), 0);
	for (char c = 'a'; c < 'a' + TRUST_TEXTS_MAX; c++)
		assert_int_equal(trust_store_load_text(ts, &c, 1), 0);
	assert_int_equal(trust_store_load_text(ts, "z", 1), -E2BIG);
	trust_store_free(ts);
}

static void test_extra_roots_without_a_sound_certificate_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"no certificate here\n",
		"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct error err = {.what = ""};
		autoclose int fd = file_of(texts[i], strlen(texts[i]));
		struct trust_store *ts;

		assert_int_equal(trust_store_new(&ts), 0);
		assert_int_equal(trust_store_add_roots(ts, fd, &err), -EINVAL);
		assert_string_not_equal(err.what, "");
		assert_string_not_equal(err.mend, "");
		trust_store_free(ts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_chain_to_a_listed_root_verifies_and_no_other),
		cmocka_unit_test(test_a_root_of_the_same_name_with_another_key_does_not_verify),
		cmocka_unit_test(test_two_roots_of_one_name_are_both_tried),
		cmocka_unit_test(test_an_issuer_spelled_with_another_string_type_is_found),
		cmocka_unit_test(test_broken_blocks_are_skipped),
		cmocka_unit_test(test_extra_roots_are_trusted_at_once),
		cmocka_unit_test(test_a_large_file_of_extra_roots_counts_beside_the_bundle),
		cmocka_unit_test(test_one_bundle_given_twice_is_indexed_once),
		cmocka_unit_test(test_a_large_file_without_a_certificate_is_refused),
		cmocka_unit_test(test_more_texts_than_there_is_room_for_are_refused),
		cmocka_unit_test(test_extra_roots_without_a_sound_certificate_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
