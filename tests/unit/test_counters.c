// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "state/counters.h"

#define KEEP 1000

static struct counter *make(struct counters *cs, unsigned number)
{
	uint8_t key[LIMITS_KEY_BYTES] = {0};
	struct counter *c = NULL;

	memcpy(key, &number, sizeof(number));
	assert_int_equal(counters_make(cs, key, &c), 0);
	assert_ptr_equal(counters_find(cs, key), c);
	return c;
}

static void test_many_counters_are_found_and_dropped(void **state)
{
	struct counters cs = {0};

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		struct counter *c = make(&cs, i);

		counter_keep(c, KEEP, false);
		assert_int_equal(counter_add(c, i, 0, 1), 0);
	}
	/* Of those up to 3000 nothing is left, and nobody is lost whose place was beside theirs. */
	assert_int_equal(counters_expire(&cs, 3000 + KEEP), 2 * 2000);
	assert_int_equal(cs.n, 2000);
	for (unsigned i = 3000; i < 5000; i++)
		assert_int_equal(counter_used(make(&cs, i), 0), 1);
	counters_free(&cs);
}

static void test_what_expired_stays_in_the_sum_for_ever_only(void **state)
{
	struct counters cs = {0};
	struct counter *day = make(&cs, 1), *ever = make(&cs, 2);

	(void)state;
	counter_keep(day, KEEP, false);
	counter_keep(ever, KEEP, true);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(counter_add(day, i * 1000, 0, 1), 0);
		assert_int_equal(counter_add(ever, i * 1000, 0, 1), 0);
	}
	(void)counters_expire(&cs, 9000);
	assert_int_equal(counter_used(day, COUNTER_EVER), 2);
	assert_int_equal(counter_used(ever, COUNTER_EVER), 10);
	assert_int_equal(counter_ever(ever), 8);
	assert_int_equal(counter_used(ever, 0), 2);
	/* One that went into the sum is given back out of it, once. */
	counter_remove(ever, 3000, 1, 9000);
	counter_remove(day, 3000, 1, 9000);
	assert_int_equal(counter_used(ever, COUNTER_EVER), 9);
	assert_int_equal(counter_used(ever, 0), 2);
	assert_int_equal(counter_used(day, 0), 2);
	counter_remove(ever, 3000, 100, 9000);
	assert_int_equal(counter_used(ever, COUNTER_EVER), 2);
	counters_free(&cs);
}

static void test_crowded_counter_joins_into_the_later(void **state)
{
	struct counters cs = {0};
	struct counter *c = make(&cs, 1);
	uint64_t n = 3 * COUNTER_ENTRIES_MAX;

	(void)state;
	counter_keep(c, UINT64_C(1) << 40, false);
	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(counter_add(c, (int64_t)i, 0, 1), 0);
		assert_true(c->end - c->first <= COUNTER_ENTRIES_MAX);
	}
	for (uint64_t from = 0; from < n; from += 997)
		assert_true(counter_used(c, (int64_t)from) >= n - from);
	assert_int_equal(counter_used(c, 0), n);
	/* The younger half is exact. */
	assert_int_equal(counter_used(c, (int64_t)n - 30000), 30000);
	counters_free(&cs);
}

static void test_value_has_few_entries_and_its_last_use(void **state)
{
	struct counters cs = {0};
	struct counter *owner = make(&cs, 1), *value = make(&cs, 2);

	(void)state;
	counter_keep(value, KEEP, false);
	counter_own(owner, value);
	counter_own(owner, value);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(counter_add(value, i, 0, 1), 0);
	assert_true(value->end - value->first <= COUNTER_VALUE_MAX);
	assert_int_equal(counter_last(value), 999);
	counter_remove(value, 999, 1, 999);
	assert_int_equal(counter_last(value), 998);
	assert_int_equal(counter_values(owner, 998, 999), 1);
	assert_int_equal(counter_values(owner, 999, 999), 0);
	/* Over, it leaves the list, and may come back. */
	assert_int_equal(counter_values(owner, 0, 999 + KEEP), 0);
	assert_null(owner->values);
	assert_int_equal(counter_add(value, 5000, 0, 1), 0);
	counter_own(owner, value);
	assert_int_equal(counter_values(owner, 0, 5000), 1);
	assert_int_equal(counters_expire(&cs, 5000), 3);
	assert_int_equal(counters_expire(&cs, 5001 + KEEP), 0);
	counters_free(&cs);
}

static void test_sums_do_not_overflow(void **state)
{
	struct counters cs = {0};
	struct counter *c = make(&cs, 1);

	(void)state;
	assert_int_equal(counter_add(c, 1, 0, INT64_MAX), 0);
	assert_int_equal(counter_add(c, 2, 0, 1), -EOVERFLOW);
	assert_int_equal(counter_add_before(c, 0, 1), -EOVERFLOW);
	assert_int_equal(counter_used(c, 0), INT64_MAX);
	counters_free(&cs);
}

static void test_bucket_of_another_policy_is_at_most_empty(void **state)
{
	struct counter c = {.bucket = {.missing = 100 * 60000, .at_ms = 0, .window_ms = 60000}};

	(void)state;
	assert_true(counter_missing(NULL, 60000, 100, 0) == 0);
	assert_true(counter_missing(&c, 60000, 100, 0) == 100 * 60000);
	assert_true(counter_missing(&c, 60000, 100, 30000) == 50 * 60000);
	/* A smaller one is empty, and full again after its window. */
	assert_true(counter_missing(&c, 60000, 10, 0) == 10 * 60000);
	assert_true(counter_missing(&c, 60000, 10, 60000) == 0);
	/* One of another window misses as many whole tokens. */
	assert_true(counter_missing(&c, 1000, 200, 0) == 100 * 1000);
	/* A clock that seems to go back refills nothing. */
	assert_true(counter_missing(&c, 60000, 100, -5) == 100 * 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_counters_are_found_and_dropped),
		cmocka_unit_test(test_what_expired_stays_in_the_sum_for_ever_only),
		cmocka_unit_test(test_crowded_counter_joins_into_the_later),
		cmocka_unit_test(test_value_has_few_entries_and_its_last_use),
		cmocka_unit_test(test_sums_do_not_overflow),
		cmocka_unit_test(test_bucket_of_another_policy_is_at_most_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
