// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <sys/socket.h>

#include "broker/standins.h"

static void test_find_tells_the_type_until_it_is_forgotten(void **state)
{
	struct standins *p = standins_new();

	(void)state;
	assert_non_null(p);
	assert_int_equal(standins_find(p, 7), 0);
	standins_remember(p, 7, SOCK_STREAM);
	standins_remember(p, 8, SOCK_SEQPACKET);
	assert_int_equal(standins_find(p, 7), SOCK_STREAM);
	assert_int_equal(standins_find(p, 8), SOCK_SEQPACKET);
	standins_forget(p, 7);
	assert_int_equal(standins_find(p, 7), 0);
	assert_int_equal(standins_find(p, 8), SOCK_SEQPACKET);
	standins_free(p);
}

static void test_no_inode_is_none(void **state)
{
	struct standins *p = standins_new();

	(void)state;
	assert_int_equal(standins_find(p, 0), 0);
	standins_forget(p, 0);
	standins_free(p);
}

static void test_the_oldest_of_a_set_is_forgotten(void **state)
{
	struct standins *p = standins_new();

	(void)state;
	for (uint64_t i = 0; i <= STANDINS_WAYS; i++)
		standins_remember(p, 5 + i * STANDINS_SETS, SOCK_STREAM);
	assert_int_equal(standins_find(p, 5), 0);
	for (uint64_t i = 1; i <= STANDINS_WAYS; i++)
		assert_int_equal(standins_find(p, 5 + i * STANDINS_SETS), SOCK_STREAM);
	standins_free(p);
}

static void test_as_many_as_come_one_after_the_other_are_kept(void **state)
{
	struct standins *p = standins_new();
	const uint64_t n = (uint64_t)STANDINS_SETS * STANDINS_WAYS;

	(void)state;
	for (uint64_t i = 1; i <= n; i++)
		standins_remember(p, i, SOCK_STREAM);
	for (uint64_t i = 1; i <= n; i++)
		assert_int_equal(standins_find(p, i), SOCK_STREAM);
	standins_free(p);
}

/* The number of a socket that is gone is given again. */
static void test_the_newer_one_of_a_number_counts(void **state)
{
	struct standins *p = standins_new();

	(void)state;
	standins_remember(p, 9, SOCK_STREAM);
	standins_remember(p, 9, SOCK_SEQPACKET);
	assert_int_equal(standins_find(p, 9), SOCK_SEQPACKET);
	standins_forget(p, 9);
	assert_int_equal(standins_find(p, 9), 0);
	standins_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_tells_the_type_until_it_is_forgotten),
		cmocka_unit_test(test_no_inode_is_none),
		cmocka_unit_test(test_the_oldest_of_a_set_is_forgotten),
		cmocka_unit_test(test_as_many_as_come_one_after_the_other_are_kept),
		cmocka_unit_test(test_the_newer_one_of_a_number_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
