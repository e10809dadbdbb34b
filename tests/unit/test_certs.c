// SPDX-License-Identifier: Apache-2.0
#include "proxy/certs.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

struct der {
	unsigned char bytes[2048];
	size_t n;
};

/* A certificate over @subject_key; who signed it does not matter to the cache. */
static struct der make_leaf(EVP_PKEY *subject_key, long serial)
{
	struct der der = {.n = 0};
	unsigned char *p = der.bytes;
	X509 *cert = X509_new();

	assert_true(X509_set_version(cert, X509_VERSION_3));
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial));
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	assert_true(X509_set_pubkey(cert, subject_key));
	assert_true(X509_sign(cert, subject_key, EVP_sha256()) > 0);
	der.n = (size_t)i2d_X509(cert, &p);
	X509_free(cert);
	return der;
}

static long serial_of(struct certs *certs, const char *host)
{
	X509 *cert = certs_find(certs, host);

	return cert ? ASN1_INTEGER_get(X509_get0_serialNumber(cert)) : -1;
}

static struct certs *new_certs(void)
{
	struct certs *certs = NULL;

	assert_int_equal(certs_new(&certs), 0);
	return certs;
}

static void test_spki_is_that_of_the_key(void **state)
{
	struct certs *certs = new_certs();
	size_t n;
	const uint8_t *p = certs_spki(certs, &n);
	EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)n);

	(void)state;
	assert_non_null(key);
	assert_int_equal(EVP_PKEY_eq(key, certs_key(certs)), 1);
	EVP_PKEY_free(key);
	certs_free(certs);
}

static void test_find_returns_what_was_added_for_that_host_only(void **state)
{
	struct certs *certs = new_certs();
	struct der a = make_leaf(certs_key(certs), 1), b = make_leaf(certs_key(certs), 2);

	(void)state;
	assert_int_equal(certs_add(certs, "a.example", a.bytes, a.n), 0);
	assert_int_equal(certs_add(certs, "b.example", b.bytes, b.n), 0);
	assert_int_equal(serial_of(certs, "a.example"), 1);
	assert_int_equal(serial_of(certs, "b.example"), 2);
	assert_int_equal(serial_of(certs, "example"), -1);
	certs_free(certs);
}

static void test_add_replaces_the_leaf_of_a_known_host(void **state)
{
	struct certs *certs = new_certs();
	struct der a = make_leaf(certs_key(certs), 1), b = make_leaf(certs_key(certs), 2);

	(void)state;
	assert_int_equal(certs_add(certs, "a.example", a.bytes, a.n), 0);
	assert_int_equal(certs_add(certs, "a.example", b.bytes, b.n), 0);
	assert_int_equal(serial_of(certs, "a.example"), 2);
	certs_free(certs);
}

static void test_add_refuses_what_is_no_leaf_over_this_key(void **state)
{
	struct certs *certs = new_certs(), *other = new_certs();
	struct der foreign = make_leaf(certs_key(other), 1), own = make_leaf(certs_key(certs), 1);

	(void)state;
	assert_int_equal(certs_add(certs, "a.example", foreign.bytes, foreign.n), -EINVAL);
	assert_int_equal(certs_add(certs, "a.example", own.bytes, own.n - 1), -EINVAL);
	assert_int_equal(certs_add(certs, "a.example", own.bytes, own.n + 1), -EINVAL);
	assert_int_equal(certs_add(certs, "a.example", "", 0), -EINVAL);
	assert_int_equal(serial_of(certs, "a.example"), -1);
	certs_free(other);
	certs_free(certs);
}

static void test_add_refuses_a_host_that_is_too_long(void **state)
{
	struct certs *certs = new_certs();
	struct der leaf = make_leaf(certs_key(certs), 1);
	char host[CERTS_HOST_MAX + 2];

	(void)state;
	memset(host, 'a', sizeof(host));
	host[CERTS_HOST_MAX + 1] = '\0';
	assert_int_equal(certs_add(certs, host, leaf.bytes, leaf.n), -ENAMETOOLONG);
	host[CERTS_HOST_MAX] = '\0';
	assert_int_equal(certs_add(certs, host, leaf.bytes, leaf.n), 0);
	certs_free(certs);
}

static void test_a_full_cache_drops_the_least_recently_used(void **state)
{
	struct certs *certs = new_certs();
	struct der leaf = make_leaf(certs_key(certs), 7);
	char host[32];

	(void)state;
	for (int i = 0; i < CERTS_MAX; i++) {
		snprintf(host, sizeof(host), "h%d.example", i);
		assert_int_equal(certs_add(certs, host, leaf.bytes, leaf.n), 0);
	}
	assert_int_equal(serial_of(certs, "h0.example"), 7); /* now h1 is the oldest */
	assert_int_equal(certs_add(certs, "new.example", leaf.bytes, leaf.n), 0);
	assert_int_equal(serial_of(certs, "h0.example"), 7);
	assert_int_equal(serial_of(certs, "h1.example"), -1);
	assert_int_equal(serial_of(certs, "h2.example"), 7);
	assert_int_equal(serial_of(certs, "new.example"), 7);
	certs_free(certs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spki_is_that_of_the_key),
		cmocka_unit_test(test_find_returns_what_was_added_for_that_host_only),
		cmocka_unit_test(test_add_replaces_the_leaf_of_a_known_host),
		cmocka_unit_test(test_add_refuses_what_is_no_leaf_over_this_key),
		cmocka_unit_test(test_add_refuses_a_host_that_is_too_long),
		cmocka_unit_test(test_a_full_cache_drops_the_least_recently_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
