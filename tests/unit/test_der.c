// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/asn1.h>

#include "base/cleanup.h"
#include "trust/der.h"

#define CONTENTS_MAX 0x10000

static uint8_t contents[CONTENTS_MAX];

static void test_lengths_are_the_shortest_form(void **state)
{
	static const size_t sizes[] = {0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct der d = {.bytes = BUF_INIT(2 * CONTENTS_MAX)};
		uint8_t header[16], *end = header;
		size_t n;

		ASN1_put_object(&end, 0, (int)sizes[i], V_ASN1_OCTET_STRING, V_ASN1_UNIVERSAL);
		n = (size_t)(end - header);
		der_put(&d, DER_OCTET_STRING, contents, sizes[i]);
		assert_int_equal(d.error, 0);
		assert_int_equal(d.bytes.len, n + sizes[i]);
		assert_memory_equal(d.bytes.data, header, n);
		assert_memory_equal(d.bytes.data + n, contents, sizes[i]);
		buf_free(&d.bytes);
	}
}

static void test_outer_elements_hold_what_inner_ones_became(void **state)
{
	static const uint8_t wanted[] = {0x30, 0x81, 0x86, 0x02, 0x01, 0x07, 0x04, 0x7f};
	struct der d = {.bytes = BUF_INIT(512)};
	size_t outer = der_begin(&d, DER_SEQUENCE);

	(void)state;
	der_put(&d, DER_INTEGER, "\x07", 1);
	der_put(&d, DER_OCTET_STRING, contents, 0x7f);
	der_raw(&d, "\x05\x00", 2);
	der_end(&d, outer);
	assert_int_equal(d.error, 0);
	assert_int_equal(d.bytes.len, 3 + 0x86);
	assert_memory_equal(d.bytes.data, wanted, sizeof(wanted));
	buf_free(&d.bytes);
}

static void test_first_failure_sticks(void **state)
{
	struct der d = {.bytes = BUF_INIT(4)}, large = {.bytes = BUF_INIT(2 * CONTENTS_MAX)};
	size_t n;

	(void)state;
	der_put(&d, DER_OCTET_STRING, contents, 5);
	assert_int_equal(d.error, -EMSGSIZE);
	n = d.bytes.len;
	der_put(&d, DER_INTEGER, "\x07", 1);
	assert_int_equal(d.error, -EMSGSIZE);
	assert_int_equal(d.bytes.len, n);
	buf_free(&d.bytes);
	der_put(&large, DER_OCTET_STRING, contents, CONTENTS_MAX);
	assert_int_equal(large.error, -EMSGSIZE);
	buf_free(&large.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths_are_the_shortest_form),
		cmocka_unit_test(test_outer_elements_hold_what_inner_ones_became),
		cmocka_unit_test(test_first_failure_sticks),
	};

	for (size_t i = 0; i < sizeof(contents); i++)
		contents[i] = (uint8_t)(i * 7);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
