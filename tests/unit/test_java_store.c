// SPDX-License-Identifier: Apache-2.0
/*
 * The reader is OpenSSL; that Java reads it too is seen in tests/jail/doctor.t where there
 * is a Java.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/cleanup.h"
#include "trust/ca.h"
#include "trust/java_store.h"

#define CAS 150 /* as many as a system's bundle has: lengths of three bytes */

/* Certificates' texts, one after the other. */
static void make_pem(struct buf *ret_pem, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct ca *ca = NULL;
		char name[16];

		snprintf(name, sizeof(name), "ca %zu", i);
		assert_int_equal(ca_new(name, &ca), 0);
		assert_int_equal(ca_pem(ca, ret_pem), 0);
		ca_free(ca);
	}
}

static struct span span_from(const struct buf *b)
{
	return span_bytes(b->data, b->len);
}

/* The store of the entries, as OpenSSL reads it; every byte of it is taken. */
static PKCS12 *read_store(const struct buf *entries)
{
	autobuf struct buf store = BUF_INIT(JAVA_STORE_MAX + JAVA_STORE_HEAD_MAX);
	uint8_t head[JAVA_STORE_HEAD_MAX];
	const unsigned char *at;
	PKCS12 *p12;

	assert_int_equal(buf_append(&store, head, java_store_head(entries->len, head)), 0);
	assert_int_equal(buf_append(&store, entries->data, entries->len), 0);
	at = store.data;
	p12 = d2i_PKCS12(NULL, &at, (long)store.len);
	assert_non_null(p12);
	assert_ptr_equal(at, store.data + store.len);
	return p12;
}

static STACK_OF(PKCS12_SAFEBAG) * read_bags(PKCS12 *p12)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
	STACK_OF(PKCS12_SAFEBAG) * bags;

	assert_non_null(safes);
	assert_int_equal(sk_PKCS7_num(safes), 1);
	bags = PKCS12_unpack_p7data(sk_PKCS7_value(safes, 0));
	assert_non_null(bags);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return bags;
}

static bool is_trusted_for_anything(const PKCS12_SAFEBAG *bag)
{
	ASN1_OBJECT *usage = OBJ_txt2obj("2.16.840.1.113894.746875.1.1", 1);
	const STACK_OF(X509_ATTRIBUTE) *attributes = PKCS12_SAFEBAG_get0_attrs(bag);
	int at = X509at_get_attr_by_OBJ(attributes, usage, -1);
	X509_ATTRIBUTE *attribute = at < 0 ? NULL : X509at_get_attr(attributes, at);
	ASN1_TYPE *value = attribute ? X509_ATTRIBUTE_get0_type(attribute, 0) : NULL;

	ASN1_OBJECT_free(usage);
	return value && value->type == V_ASN1_OBJECT &&
	       OBJ_obj2nid(value->value.object) == NID_anyExtendedKeyUsage;
}

/* Adds what each text holds and compares with what OpenSSL finds, in order. */
static void test_store_holds_every_certificate_as_trusted(void **state)
{
	autobuf struct buf pem = BUF_INIT(1 << 20), last = BUF_INIT(4096),
			   entries = BUF_INIT(JAVA_STORE_MAX);
	STACK_OF(PKCS12_SAFEBAG) * bags;
	PKCS12 *p12;
	BIO *wanted;

	(void)state;
	make_pem(&pem, CAS);
	make_pem(&last, 1);
	assert_int_equal(java_store_add(&entries, span_from(&pem), NULL), 0);
	assert_int_equal(java_store_add(&entries, span_from(&last), "mcpjail"), 0);
	assert_int_equal(buf_append(&pem, last.data, last.len), 0);
	p12 = read_store(&entries);
	assert_false(PKCS12_mac_present(p12));
	bags = read_bags(p12);
	wanted = BIO_new_mem_buf(pem.data, (int)pem.len);
	assert_int_equal(sk_PKCS12_SAFEBAG_num(bags), CAS + 1);
	for (int i = 0; i <= CAS; i++) {
		PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
		X509 *found = PKCS12_SAFEBAG_get1_cert(bag);
		X509 *original = PEM_read_bio_X509(wanted, NULL, NULL, NULL);
		char *name = PKCS12_get_friendlyname(bag);

		assert_non_null(found);
		assert_int_equal(X509_cmp(found, original), 0);
		assert_true(is_trusted_for_anything(bag));
		assert_int_equal(name != NULL, i == CAS);
		if (name)
			assert_string_equal(name, "mcpjail");
		OPENSSL_free(name);
		X509_free(found);
		X509_free(original);
	}
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	BIO_free(wanted);
	PKCS12_free(p12);
}

static void test_store_without_certificates_can_be_read(void **state)
{
	struct buf entries = BUF_INIT(JAVA_STORE_MAX);
	PKCS12 *p12 = read_store(&entries);
	STACK_OF(PKCS12_SAFEBAG) *bags = read_bags(p12);

	(void)state;
	assert_int_equal(sk_PKCS12_SAFEBAG_num(bags), 0);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	PKCS12_free(p12);
}

/* One bad entry would make Java refuse all the good ones. */
static void test_what_is_no_certificate_is_left_out(void **state)
{
	static const char *const texts[] = {
		"",
		"no PEM at all",
		"-----BEGIN CERTIFICATE-----\nMIIB",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMIIB????\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMIIBAA==\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n",
		"-----BEGIN TRUSTED CERTIFICATE-----\nMAMCAQE=\n-----END TRUSTED "
		"CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n",
	};
	autobuf struct buf good = BUF_INIT(4096), all = BUF_INIT(1 << 16),
			   wanted = BUF_INIT(1 << 16), entries = BUF_INIT(1 << 16);

	(void)state;
	make_pem(&good, 1);
	assert_int_equal(java_store_add(&wanted, span_from(&good), NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(java_store_add(&entries, span_of(texts[i]), NULL), 0);
		assert_int_equal(entries.len, 0);
		/* A text that breaks off takes what follows with it, as for any PEM reader. */
		if (!strstr(texts[i], "BEGIN") || strstr(texts[i], "END"))
			assert_int_equal(buf_puts(&all, texts[i]), 0);
	}
	assert_int_equal(buf_append(&all, good.data, good.len), 0);
	assert_int_equal(java_store_add(&entries, span_from(&all), NULL), 0);
	assert_int_equal(entries.len, wanted.len);
	assert_memory_equal(entries.data, wanted.data, wanted.len);
}

static void test_bounds_are_kept(void **state)
{
	autobuf struct buf pem = BUF_INIT(4096), small = BUF_INIT(64), entries = BUF_INIT(1 << 16);
	char name[JAVA_STORE_NAME_MAX + 2];

	(void)state;
	make_pem(&pem, 1);
	assert_int_equal(java_store_add(&small, span_from(&pem), NULL), -EMSGSIZE);
	memset(name, 'a', sizeof(name));
	name[JAVA_STORE_NAME_MAX + 1] = '\0';
	assert_int_equal(java_store_add(&entries, span_from(&pem), name), -EINVAL);
	name[JAVA_STORE_NAME_MAX] = '\0';
	assert_int_equal(java_store_add(&entries, span_from(&pem), name), 0);
}

/* The lengths before and after each step of the form that DER wants. */
static void test_head_fits_entries_of_any_size(void **state)
{
	static const size_t sizes[] = {0,     0x40,   0x7f,    0x80,     0xff,
				       0x100, 0xffff, 0x10000, 0xffffff, JAVA_STORE_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint8_t head[JAVA_STORE_HEAD_MAX];
		size_t n = java_store_head(sizes[i], head);
		const unsigned char *at = head;
		long length;
		int tag, class;

		assert_in_range(n, 1, sizeof(head));
		assert_int_equal(ASN1_get_object(&at, &length, &tag, &class, (long)(n + sizes[i])),
				 V_ASN1_CONSTRUCTED);
		assert_int_equal((size_t)(at - head) + (size_t)length, n + sizes[i]);
	}
}

static void test_java_is_found_where_programs_would_find_it(void **state)
{
	char dir[] = "/tmp/test-java-store.XXXXXX", bin[64], java[80], path[160];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(bin, sizeof(bin), "%s/bin", dir);
	snprintf(java, sizeof(java), "%s/java", bin);
	snprintf(path, sizeof(path), "/nonexistent::%s", bin);
	assert_int_equal(mkdir(bin, 0700), 0);
	assert_false(java_is_installed(path, dir));
	assert_int_equal(symlink("/bin/sh", java), 0);
	assert_true(java_is_installed(path, NULL));
	assert_true(java_is_installed(NULL, dir));
	assert_true(java_is_installed("/nonexistent", dir));
	assert_false(java_is_installed(NULL, NULL));
	assert_false(java_is_installed("", ""));
	assert_false(java_is_installed("/nonexistent", bin));
	unlink(java);
	rmdir(bin);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store_holds_every_certificate_as_trusted),
		cmocka_unit_test(test_store_without_certificates_can_be_read),
		cmocka_unit_test(test_what_is_no_certificate_is_left_out),
		cmocka_unit_test(test_bounds_are_kept),
		cmocka_unit_test(test_head_fits_entries_of_any_size),
		cmocka_unit_test(test_java_is_found_where_programs_would_find_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
