// SPDX-License-Identifier: Apache-2.0
/*
 * The reader here looks at bytes; that NSS and Chromium read it is seen in
 * tests/jail/trust_stores.t.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "trust/ca.h"
#include "trust/nss_store.h"

#define PAGE 4096

static void make_pem(struct buf *ret)
{
	struct ca *ca = NULL;

	assert_int_equal(ca_new("nss", &ca), 0);
	assert_int_equal(ca_pem(ca, ret), 0);
	ca_free(ca);
}

static struct span span_from(const struct buf *b)
{
	return span_bytes(b->data, b->len);
}

static unsigned u16_at(const struct buf *b, size_t at)
{
	const uint8_t *p = (const uint8_t *)b->data + at;

	return (unsigned)p[0] << 8 | p[1];
}

/* That the header of the page at @at is a leaf's with @n rows, which all lie within it. */
static void assert_leaf(const struct buf *b, size_t page, size_t at, unsigned n)
{
	assert_int_equal(((const uint8_t *)b->data)[at], 0x0d);
	assert_int_equal(u16_at(b, at + 3), n);
	assert_in_range(u16_at(b, at + 5), at - page + 8 + 2 * n, PAGE);
	for (unsigned i = 0; i < n; i++)
		assert_in_range(u16_at(b, at + 8 + 2 * i), u16_at(b, at + 5), PAGE - 1);
}

static void test_store_holds_the_certificate_and_its_names(void **state)
{
	autobuf struct buf pem = BUF_INIT(8192), store = BUF_INIT(NSS_STORE_BYTES);
	unsigned char *der = NULL, *subject = NULL;
	X509 *x509;
	BIO *bio;
	int n, n_subject;

	(void)state;
	make_pem(&pem);
	assert_int_equal(nss_store_make(span_from(&pem), &store), 0);
	assert_int_equal(store.len, 2 * PAGE);
	assert_memory_equal(store.data, "SQLite format 3", 16);
	assert_int_equal(u16_at(&store, 16), PAGE);
	assert_int_equal(u16_at(&store, 30), 2);
	assert_leaf(&store, 0, 100, 1);
	assert_leaf(&store, PAGE, PAGE, 2);
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	n = i2d_X509(x509, &der);
	n_subject = i2d_X509_NAME(X509_get_subject_name(x509), &subject);
	assert_non_null(memmem(store.data, store.len, der, (size_t)n));
	/* In the certificate twice, as issuer and subject of its row, and in the row of trust. */
	assert_non_null(memmem((const char *)store.data + PAGE, PAGE, subject, (size_t)n_subject));
	OPENSSL_free(der);
	OPENSSL_free(subject);
	X509_free(x509);
	BIO_free(bio);
}

static void test_keys_are_two_empty_tables(void **state)
{
	autobuf struct buf store = BUF_INIT(NSS_STORE_BYTES);

	(void)state;
	assert_int_equal(nss_store_make_keys(&store), 0);
	assert_int_equal(store.len, 3 * PAGE);
	assert_leaf(&store, 0, 100, 2);
	assert_leaf(&store, PAGE, PAGE, 0);
	assert_leaf(&store, 2 * PAGE, 2 * PAGE, 0);
}

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

static const struct {
	const char *pem;
} wrong[] = {
	{""},
	{BEGIN},
	{BEGIN END},
	{BEGIN "????" END},
	{BEGIN "MAA=\n" END},
	{BEGIN "MIIBAA==\n" END},
	{BEGIN "MAIwAA==\n" END},
	{BEGIN "MIL//zCC//8CAQE=\n" END},
};

static void test_what_is_no_certificate_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		autobuf struct buf store = BUF_INIT(NSS_STORE_BYTES);

		assert_int_equal(nss_store_make(span_of(wrong[i].pem), &store), -EBADMSG);
	}
}

static void test_every_cut_certificate_is_refused(void **state)
{
	autobuf struct buf pem = BUF_INIT(8192);

	(void)state;
	make_pem(&pem);
	for (size_t n = 0; n + sizeof(END) < pem.len; n++) {
		autobuf struct buf store = BUF_INIT(NSS_STORE_BYTES), cut = BUF_INIT(8192);

		assert_int_equal(buf_append(&cut, pem.data, n), 0);
		assert_int_equal(buf_puts(&cut, "\n" END), 0);
		assert_int_not_equal(nss_store_make(span_from(&cut), &store), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_holds_the_certificate_and_its_names),
		cmocka_unit_test(test_keys_are_two_empty_tables),
		cmocka_unit_test(test_what_is_no_certificate_is_refused),
		cmocka_unit_test(test_every_cut_certificate_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
