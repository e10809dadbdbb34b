// SPDX-License-Identifier: Apache-2.0
/* The log written anew: what still counts is in it, and it stays small. */
#include "limits_world.h"

static off_t log_size(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(state_fd, name, &st, 0), 0);
	return st.st_size;
}

static void test_compaction_keeps_what_counts(void **state)
{
	struct test_clock clock = {1000, 1700000000000};
	struct limits_charge many = charge_of(16, 1000, 1000000, 1);
	struct limits_charge day = charge_of(17, LIMITS_KEEP_MS, 5, 1);
	struct limits *limits, *other;
	off_t sizes[2];

	(void)state;
	empty_log();
	limits = open_with(&clock, 18);
	other = open_with(&clock, 18);
	for (int i = 0; i < 4; i++)
		assert_true(fits(limits, day));
	/* Many in the same millisecond are one entry once compacted. */
	for (int i = 0; i < 20000; i++) {
		assert_true(fits(i % 2 ? limits : other, many));
		clock.boot_ms += i % 500 == 0;
	}
	sizes[0] = log_size("limits.0");
	sizes[1] = log_size("limits.1");
	assert_true(sizes[0] < 1000000 && sizes[1] < 1000000);
	limits_free(limits);
	limits = open_with(&clock, 18);
	many.max = 20000;
	assert_false(fits(limits, many));
	assert_true(fits(other, day));
	assert_false(fits(limits, day));
	limits_free(other);
	limits_free(limits);
}

static void test_crowded_counter_stays_bounded_and_never_grants_more(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(18, LIMITS_KEEP_MS, 200000, 1);
	struct limits *limits;
	uint64_t granted = 0;

	(void)state;
	empty_log();
	limits = open_with(&clock, 19);
	for (int i = 0; i < 250000; i++) {
		granted += fits(limits, charge);
		clock.boot_ms++;
	}
	assert_int_equal(granted, 200000);
	limits_free(limits);
}

/* Everything that is counted, by whoever reads it after the log was written anew. */
static void test_compaction_keeps_every_kind(void **state)
{
	struct test_clock clock = {1000, 1700000000000};
	struct limits_charge noise = charge_of(90, 1, 1000000, 1);
	struct limits_charge token = {.algorithm = LIMITS_TOKEN, .key = "approved"};
	struct limits_charge kinds[] = {
		charge_of(91, LIMITS_MONTH_MS, 1, 1),
		charge_of(92, LIMITS_LIFETIME_MS, 1, 1),
		charge_by(LIMITS_FIXED, 93, LIMITS_MONTH_MS, 1, 1),
		charge_by(LIMITS_BUCKET, 94, LIMITS_MONTH_MS, 3, 3),
		value_of(95, 1, LIMITS_LIFETIME_MS, 1),
	};
	struct limits_charge other_value = value_of(95, 2, LIMITS_LIFETIME_MS, 1);
	struct limits *limits;
	char text[32] = "";
	int fd;

	(void)state;
	empty_log();
	noise.keep_ms = 1;
	kinds[0].label = "counter that a reader can tell";
	limits = open_with(&clock, 60);
	assert_int_equal(limits_put_token(limits, token.key, 100000000, "x"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		assert_true(fits(limits, kinds[i]));
	for (int generation = 1; generation <= 3; generation++) {
		struct limits *later;

		/* Past the day for which every charge is kept, into the sum of windows without end.
		 */
		clock.boot_ms += 90000000 / 4;
		for (int i = 0; i < 6000; i++)
			assert_true(fits(limits, noise));
		later = open_with(&clock, 60);
		for (size_t i = 0; i < 4; i++)
			assert_false(fits(later, kinds[i]));
		assert_true(fits(later, kinds[4]));
		assert_false(fits(later, other_value));
		limits_free(later);
	}
	fd = openat(state_fd, "limits.lock", O_RDONLY | O_CLOEXEC);
	assert_true(pread(fd, text, 20, 27) == 20 && strtoul(text, NULL, 10) >= 3);
	close(fd);
	limits_free(limits);
	limits = open_with(&clock, 60);
	assert_true(fits(limits, token));
	assert_false(fits(limits, token));
	limits_free(limits);
}

/* A month of a busy counter: bounded, and never more than max. */
static void test_a_busy_month_stays_bounded(void **state)
{
	enum { CHARGES = 200000, MAX = 180000 };
	struct test_clock clock = {1000, 1700000000000};
	struct limits_charge month = charge_of(96, LIMITS_MONTH_MS, MAX, 1);
	struct limits_charge ever = charge_of(96, LIMITS_LIFETIME_MS, CHARGES, 1);
	struct limits_charge both[] = {month, ever};
	struct limits_answer answer;
	struct limits *limits;
	uint64_t granted = 0;
	off_t most = 0;

	(void)state;
	empty_log();
	limits = open_with(&clock, 61);
	for (int i = 0; i < CHARGES; i++) {
		assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
		granted += answer.over < 0;
		clock.boot_ms += 10000;
		if (i % 1000 == 0 && log_size("limits.0") + log_size("limits.1") > most)
			most = log_size("limits.0") + log_size("limits.1");
	}
	/* They take 23 days, and so are in one window. */
	assert_int_equal(granted, MAX);
	assert_true(most < 64 << 20);
	limits_free(limits);
	limits = open_with(&clock, 61);
	assert_false(fits(limits, month));
	assert_true(fits(limits, ever));
	limits_free(limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compaction_keeps_what_counts),
		cmocka_unit_test(test_crowded_counter_stays_bounded_and_never_grants_more),
		cmocka_unit_test(test_compaction_keeps_every_kind),
		cmocka_unit_test(test_a_busy_month_stays_bounded),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
