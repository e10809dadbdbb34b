// SPDX-License-Identifier: Apache-2.0
/* What is counted: calendars, lifetimes, buckets, values, keys that pass once, tokens. */
#include "limits_world.h"

static void test_lifetime_counts_what_no_window_keeps(void **state)
{
	struct test_clock clock = {1000, 1700000000000};
	struct limits *limits = open_with(&clock, 30), *other;
	struct limits_charge ever = charge_of(30, LIMITS_LIFETIME_MS, 3, 1);
	struct limits_charge noise = charge_of(31, MINUTE, 1000000, 1);
	struct limits_answer first, answer;

	(void)state;
	assert_int_equal(limits_charge(limits, &ever, 1, &first), 0);
	clock.boot_ms += 40 * INT64_C(86400000);
	clock.wall_ms += 40 * INT64_C(86400000);
	assert_true(fits(limits, ever));
	/* The second is given back after the first is no more than a part of a sum. */
	assert_int_equal(limits_charge(limits, &ever, 1, &answer), 0);
	assert_false(fits(limits, ever));
	for (int i = 0; i < 20000; i++) {
		assert_true(fits(limits, noise));
		clock.boot_ms += MINUTE + 1;
	}
	assert_false(fits(limits, ever));
	other = open_with(&clock, 30);
	assert_int_equal(limits_charge(other, &ever, 1, &answer), 0);
	assert_int_equal(answer.over, 0);
	assert_true(answer.retry_after_ms == UINT64_MAX);
	assert_int_equal(limits_refund(limits, &first.receipt), 0);
	assert_true(fits(other, ever));
	assert_false(fits(limits, ever));
	limits_free(other);
	limits_free(limits);
}

static void test_fixed_windows_follow_the_calendar(void **state)
{
	static const struct {
		uint64_t window_ms;
		int64_t last, next; /* ms since 1970: two ends that meet */
	} rows[] = {
		{1000, 1764000000999, 1764000001000},
		{LIMITS_KEEP_MS, 1763855999999, 1763856000000},  /* 2025-11-23 */
		{LIMITS_WEEK_MS, 1763942399999, 1763942400000},  /* Monday 2025-11-24 */
		{LIMITS_MONTH_MS, 1709251199999, 1709251200000}, /* 2024-03-01 */
		{LIMITS_MONTH_MS, 1735689599999, 1735689600000}, /* 2025-01-01 */
		{90000, 1763999999999 / 90000 * 90000 - 1, 1763999999999 / 90000 * 90000},
	};
	struct limits_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct test_clock clock = {5000, rows[i].last - 400};
		struct limits_charge charge = charge_by(LIMITS_FIXED, 32, rows[i].window_ms, 2, 1);
		struct limits *limits;

		empty_log();
		limits = open_with(&clock, 31);
		assert_true(fits(limits, charge));
		clock.boot_ms += 400;
		assert_true(fits(limits, charge));
		assert_int_equal(limits_charge(limits, &charge, 1, &answer), 0);
		assert_int_equal(answer.over, 0);
		assert_int_equal(answer.retry_after_ms, rows[i].next - rows[i].last);
		clock.boot_ms += 1;
		assert_true(fits(limits, charge));
		assert_true(fits(limits, charge));
		assert_false(fits(limits, charge));
		limits_free(limits);
	}
}

static void test_clock_steps_open_no_fixed_window(void **state)
{
	static const uint64_t windows[] = {MINUTE, LIMITS_KEEP_MS, LIMITS_WEEK_MS, LIMITS_MONTH_MS,
					   LIMITS_LIFETIME_MS};
	struct test_clock clock = {5000, 1763900000000};
	struct limits *limits;

	(void)state;
	empty_log();
	limits = open_with(&clock, 33);
	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		struct limits_charge charge =
			charge_by(LIMITS_FIXED, (uint8_t)(40 + i), windows[i], 1, 1);

		clock.wall_ms = 1763900000000;
		assert_true(fits(limits, charge));
		for (int64_t step = -70; step <= 70; step++) {
			struct limits *later;

			clock.wall_ms = 1763900000000 + step * INT64_C(86400000);
			clock.boot_ms++;
			assert_false(fits(limits, charge));
			later = open_with(&clock, 33);
			assert_false(fits(later, charge));
			limits_free(later);
		}
	}
	limits_free(limits);
}

static void test_month_and_lifetime_outlast_boots(void **state)
{
	static const struct {
		enum limits_algorithm algorithm;
		uint64_t window_ms;
	} rows[] = {
		{LIMITS_SLIDING, LIMITS_WEEK_MS},     {LIMITS_SLIDING, LIMITS_MONTH_MS},
		{LIMITS_FIXED, LIMITS_WEEK_MS},       {LIMITS_FIXED, LIMITS_MONTH_MS},
		{LIMITS_SLIDING, LIMITS_LIFETIME_MS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* Tuesday 2025-11-04 */
		struct test_clock clock = {900000, 1762214400000};
		struct limits_charge charge =
			charge_by(rows[i].algorithm, 50, rows[i].window_ms, 2, 1);
		uint64_t boot = 100;

		empty_log();
		for (int day = 0; day < 5; day++) {
			struct limits *limits = open_with(&clock, boot++);

			assert_int_equal(fits(limits, charge), day < 2);
			limits_free(limits);
			clock.boot_ms = 1000 + day;
			clock.wall_ms += 86400000;
		}
	}
}

static void test_bucket_refills_evenly(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits;
	struct limits_charge one = charge_by(LIMITS_BUCKET, 60, 10000, 7, 1);
	struct limits_charge three = charge_by(LIMITS_BUCKET, 60, 10000, 7, 3);
	struct limits_answer answer;

	(void)state;
	empty_log();
	limits = open_with(&clock, 40);
	for (int i = 0; i < 7; i++)
		assert_true(fits(limits, one));
	assert_int_equal(limits_charge(limits, &one, 1, &answer), 0);
	assert_int_equal(answer.over, 0);
	assert_int_equal(answer.used[0], 7);
	/* A seventh of ten seconds, which is no whole number of milliseconds. */
	assert_int_equal(answer.retry_after_ms, 1429);
	clock.boot_ms += 1428;
	assert_false(fits(limits, one));
	clock.boot_ms += 1;
	assert_true(fits(limits, one));
	assert_false(fits(limits, one));
	/* The part of a millisecond was kept: 4286 more for three, where 4287 were due without. */
	clock.boot_ms += 4285;
	assert_false(fits(limits, three));
	clock.boot_ms += 1;
	assert_true(fits(limits, three));
	/* Never more than it holds. */
	clock.boot_ms += 1000000;
	assert_true(fits(limits, three));
	assert_true(fits(limits, three));
	assert_true(fits(limits, one));
	assert_false(fits(limits, one));
	limits_free(limits);
}

static void test_bucket_gives_back_what_was_not_refilled(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits;
	struct limits_charge all = charge_by(LIMITS_BUCKET, 61, 10000, 10, 10);
	struct limits_charge half = charge_by(LIMITS_BUCKET, 61, 10000, 10, 5);
	struct limits_answer first, answer;

	(void)state;
	empty_log();
	limits = open_with(&clock, 41);
	assert_int_equal(limits_charge(limits, &all, 1, &first), 0);
	assert_int_equal(limits_refund(limits, &first.receipt), 0);
	assert_int_equal(limits_charge(limits, &all, 1, &first), 0);
	assert_int_equal(first.over, -1);
	/* Refilled by the half, taken by another call: only the other half comes back. */
	clock.boot_ms += 5000;
	assert_true(fits(limits, half));
	assert_int_equal(limits_refund(limits, &first.receipt), 0);
	assert_true(fits(limits, half));
	assert_int_equal(limits_charge(limits, &half, 1, &answer), 0);
	assert_int_equal(answer.over, 0);
	clock.boot_ms += 10000;
	assert_true(fits(limits, all));
	assert_int_equal(limits_refund(limits, &first.receipt), 0);
	assert_false(fits(limits, half));
	limits_free(limits);
}

static void test_values_cost_once(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits, *other;
	struct limits_charge two[] = {value_of(70, 3, MINUTE, 2), value_of(70, 4, MINUTE, 2)};
	struct limits_answer answer;

	(void)state;
	empty_log();
	limits = open_with(&clock, 42);
	other = open_with(&clock, 42);
	assert_true(fits(limits, value_of(70, 1, MINUTE, 2)));
	clock.boot_ms += 1000;
	assert_true(fits(other, value_of(70, 2, MINUTE, 2)));
	assert_true(fits(other, value_of(70, 1, MINUTE, 2)));
	assert_int_equal(limits_charge(limits, two, 1, &answer), 0);
	assert_int_equal(answer.over, 0);
	assert_int_equal(answer.used[0], 2);
	/* Value 1 was used again, so that both are as old. */
	assert_int_equal(answer.retry_after_ms, MINUTE + 1);
	clock.boot_ms += MINUTE;
	assert_true(fits(limits, value_of(70, 1, MINUTE, 2)));
	clock.boot_ms += 1;
	/* 1 is in the window, 2 no more: two new ones are one too many. */
	assert_int_equal(limits_charge(limits, two, 2, &answer), 0);
	assert_int_equal(answer.over, 0);
	assert_true(fits(other, two[0]));
	assert_int_equal(limits_charge(limits, two, 2, &answer), 0);
	assert_int_equal(answer.over, 0);
	limits_free(other);
	limits_free(limits);
}

static void test_value_given_back_makes_room(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits;
	struct limits_charge charge = value_of(71, 1, LIMITS_LIFETIME_MS, 1);
	struct limits_answer first, again;

	(void)state;
	empty_log();
	limits = open_with(&clock, 43);
	assert_int_equal(limits_charge(limits, &charge, 1, &first), 0);
	clock.boot_ms += 10;
	assert_int_equal(limits_charge(limits, &charge, 1, &again), 0);
	assert_int_equal(limits_refund(limits, &first.receipt), 0);
	assert_false(fits(limits, value_of(71, 2, LIMITS_LIFETIME_MS, 1)));
	assert_int_equal(limits_refund(limits, &again.receipt), 0);
	assert_true(fits(limits, value_of(71, 2, LIMITS_LIFETIME_MS, 1)));
	clock.boot_ms += INT64_C(86400000) * 400;
	assert_false(fits(limits, charge));
	limits_free(limits);
}

/* What a policy calls `once`: a key that is a value's hash, and room for one. */
static void test_once_lets_one_through(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits;
	struct limits_charge calls = charge_of(72, MINUTE, 100, 1);
	struct limits_charge both[] = {calls, charge_of(73, LIMITS_KEEP_MS, 1, 1)};
	struct limits_answer answer;

	(void)state;
	empty_log();
	limits = open_with(&clock, 44);
	assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
	assert_int_equal(answer.over, -1);
	assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
	assert_int_equal(answer.over, 1);
	/* The limit beside it was not charged. */
	assert_int_equal(answer.used[0], 1);
	clock.boot_ms += LIMITS_KEEP_MS + 1;
	assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
	assert_int_equal(answer.over, -1);
	limits_free(limits);
}

static void test_token_lets_one_call_through(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits, *other;
	struct limits_charge token = {.algorithm = LIMITS_TOKEN, .key = "approved"};
	struct limits_charge both[] = {charge_of(74, MINUTE, 3, 1), token};
	struct limits_answer answer;

	(void)state;
	empty_log();
	limits = open_with(&clock, 45);
	other = open_with(&clock, 45);
	assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
	assert_int_equal(answer.over, 1);
	assert_true(answer.retry_after_ms == UINT64_MAX);
	assert_int_equal(limits_put_token(limits, token.key, 1000, "one approval"), 0);
	assert_int_equal(limits_put_token(other, token.key, 1000, "one approval"), 0);
	assert_int_equal(limits_charge(other, both, 2, &answer), 0);
	assert_int_equal(answer.over, -1);
	assert_int_equal(answer.used[0], 0);
	assert_false(fits(limits, token));
	/* A call that never left may be tried again, within the same time. */
	clock.boot_ms += 400;
	assert_int_equal(limits_refund(limits, &answer.receipt), 0);
	clock.boot_ms += 599;
	assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
	assert_int_equal(answer.over, -1);
	assert_int_equal(limits_refund(other, &answer.receipt), 0);
	clock.boot_ms += 1;
	assert_false(fits(other, token));
	/* A limit that is used up leaves the token alone. */
	assert_int_equal(limits_put_token(limits, token.key, 1000, NULL), 0);
	both[0].max = 0;
	assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
	assert_int_equal(answer.over, 0);
	assert_true(fits(limits, token));
	assert_int_equal(limits_put_token(limits, token.key, 0, NULL), -ERANGE);
	limits_free(other);
	limits_free(limits);
}

static void test_token_does_not_outlast_a_boot(void **state)
{
	struct test_clock clock = {1000, 1700000000000};
	struct limits_charge token = {.algorithm = LIMITS_TOKEN, .key = "approved"};
	struct limits *limits;

	(void)state;
	empty_log();
	limits = open_with(&clock, 46);
	assert_int_equal(limits_put_token(limits, token.key, 1000000, NULL), 0);
	limits_free(limits);
	limits = open_with(&clock, 47);
	assert_false(fits(limits, token));
	limits_free(limits);
}

static void test_label_is_written_for_a_reader_once(void **state)
{
	static const char label[] = "grant ci; \n\x1b[31m calls";
	struct test_clock clock = {1000, 1700000000000};
	struct limits_charge charge = charge_of(75, MINUTE, 5, 1);
	char text[2048];
	struct limits *limits;
	const char *at;
	ssize_t n;
	int fd;

	(void)state;
	empty_log();
	limits = open_with(&clock, 48);
	charge.label = label;
	assert_true(fits(limits, charge));
	assert_true(fits(limits, charge));
	limits_free(limits);
	fd = openat(state_fd, "limits.0", O_RDONLY | O_CLOEXEC);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	assert_true(n > 0);
	text[n] = '\0';
	at = strstr(text, " grant ci? ??[31m calls; charge ");
	assert_non_null(at);
	assert_null(strstr(at + 2, "grant ci"));
	assert_non_null(strstr(text, "2023-11-14T22:13:20.000Z"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lifetime_counts_what_no_window_keeps),
		cmocka_unit_test(test_fixed_windows_follow_the_calendar),
		cmocka_unit_test(test_clock_steps_open_no_fixed_window),
		cmocka_unit_test(test_month_and_lifetime_outlast_boots),
		cmocka_unit_test(test_bucket_refills_evenly),
		cmocka_unit_test(test_bucket_gives_back_what_was_not_refilled),
		cmocka_unit_test(test_values_cost_once),
		cmocka_unit_test(test_value_given_back_makes_room),
		cmocka_unit_test(test_once_lets_one_through),
		cmocka_unit_test(test_token_lets_one_call_through),
		cmocka_unit_test(test_token_does_not_outlast_a_boot),
		cmocka_unit_test(test_label_is_written_for_a_reader_once),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
