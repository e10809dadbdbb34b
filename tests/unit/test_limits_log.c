// SPDX-License-Identifier: Apache-2.0
/* The log of limits as a file: torn, damaged, foreign, taken away. */
#include "limits_world.h"

#include <stdio.h>
#include <sys/file.h>

#include "base/clock.h"
#include "state/limits_log.h"

/* --- the file ------------------------------------------------------------------------ */

static off_t log_size(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(state_fd, name, &st, 0), 0);
	return st.st_size;
}

static void cut_log(off_t size)
{
	int fd = openat(state_fd, "limits.0", O_RDWR | O_CLOEXEC);

	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static void test_torn_tail_is_cut_at_every_length(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge both[] = {charge_of(11, MINUTE, 5, 1), charge_of(12, MINUTE, 5, 1)};
	struct limits_answer answer;

	(void)state;
	for (off_t cut = 1, line = 2; cut <= line; cut++) {
		struct limits *limits;
		off_t whole, end;

		empty_log();
		limits = open_with(&clock, 14);
		assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
		whole = log_size("limits.0");
		assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
		limits_free(limits);
		end = log_size("limits.0");
		line = end - whole;
		cut_log(end - cut);
		limits = open_with(&clock, 14);
		limits_warm(limits);
		assert_int_equal(log_size("limits.0"), whole);
		assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
		assert_int_equal(answer.used[0], 1);
		assert_int_equal(answer.used[1], 1);
		assert_int_equal(log_size("limits.0"), end);
		limits_free(limits);
	}
}

static void test_torn_header_is_written_anew(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(11, MINUTE, 1, 1);

	(void)state;
	for (off_t left = 0; left < (off_t)strlen(LINE_HEADER); left++) {
		struct limits *limits;

		empty_log();
		limits = open_with(&clock, 14);
		limits_warm(limits);
		limits_free(limits);
		cut_log(left);
		limits = open_with(&clock, 14);
		assert_true(fits(limits, charge));
		assert_false(fits(limits, charge));
		limits_free(limits);
	}
}

static void test_damage_in_the_middle_denies(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(13, MINUTE, 5, 1);
	struct limits_answer answer;
	struct limits *limits;
	int fd;

	(void)state;
	empty_log();
	limits = open_with(&clock, 15);
	assert_true(fits(limits, charge));
	assert_true(fits(limits, charge));
	limits_free(limits);
	fd = openat(state_fd, "limits.0", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "x", 1, (off_t)strlen(LINE_HEADER) + 30), 1);
	close(fd);
	limits = open_with(&clock, 15);
	assert_int_equal(limits_charge(limits, &charge, 1, &answer), -EBADMSG);
	assert_non_null(strstr(limits_strerror(-EBADMSG), "limits.0"));
	limits_free(limits);
}

static void test_zeroed_tail_is_cut(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(14, MINUTE, 5, 1);
	struct limits *limits;
	int fd;

	(void)state;
	empty_log();
	limits = open_with(&clock, 16);
	assert_true(fits(limits, charge));
	limits_free(limits);
	fd = openat(state_fd, "limits.0", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 40000), 0);
	close(fd);
	limits = open_with(&clock, 16);
	for (int i = 0; i < 4; i++)
		assert_true(fits(limits, charge));
	assert_false(fits(limits, charge));
	limits_free(limits);
}

/* A line that is sound, with this behind its sum. */
static void append_text(const char *text)
{
	char line[512];
	struct limits_log log;
	struct limits_tail tail;
	int n = snprintf(line, sizeof(line), "%08x %s\n", line_sum(span_of(text)), text);

	assert_int_equal(limits_log_open(&log, state_fd, NULL), 0);
	assert_int_equal(limits_log_lock(&log), 0);
	assert_int_equal(limits_log_read(&log, &tail), 0);
	assert_int_equal(limits_log_append(&log, line, (size_t)n), 0);
	limits_log_close(&log);
	free(tail.text);
}

#define TIME     "0000000000000014 1000 1970-01-01T00:00:00.000Z"
#define KEY_HEX  "15151515151515151515151515151515"
#define KEEP_BIG "18446744073709551615"

static void test_charge_that_asks_to_be_kept_too_long_counts(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(0x15, MINUTE, 1, 1);
	struct limits *limits;

	(void)state;
	empty_log();
	append_text(TIME "; charge " KEY_HEX " 1 " KEEP_BIG);
	limits = open_with(&clock, 20);
	assert_false(fits(limits, charge));
	limits_free(limits);
}

static void test_line_of_another_version_denies_and_is_left_alone(void **state)
{
	static const char *const rows[] = {
		"something else",
		"0000000000000014 1000 1970-01-01T00:00:00",
		"0000000000000014 1000 1970-13-01T00:00:00.000Z; clock",
		TIME "; flock",
		TIME "; clock 5",
		TIME " clock",
		TIME "; charge " KEY_HEX,
		TIME "; charge " KEY_HEX " 1",
		TIME "; charge " KEY_HEX " -1 1000",
		TIME "; charge " KEY_HEX " 1 99999999999999999999",
		TIME "; charge " KEY_HEX "0 1 1000",
		TIME "; charge 15 1 1000",
		TIME "; charge " KEY_HEX " 1 1000 more",
		TIME "; bucket " KEY_HEX " 1+1000/1000",
		TIME "; bucket " KEY_HEX " 1+1",
		TIME "; take",
		TIME "; token " KEY_HEX,
		TIME "; charge " KEY_HEX " 1 1000; recharge " KEY_HEX " 1 1000",
	};
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(0x16, MINUTE, 5, 1);
	struct limits_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct limits *limits;
		off_t size;

		empty_log();
		append_text(TIME "; clock");
		append_text(rows[i]);
		size = log_size("limits.0");
		limits = open_with(&clock, 20);
		if (limits_charge(limits, &charge, 1, &answer) != -EPROTONOSUPPORT)
			fail_msg("taken: %s", rows[i]);
		assert_int_equal(limits_charge(limits, &charge, 1, &answer), -EPROTONOSUPPORT);
		assert_int_equal(log_size("limits.0"), size);
		limits_free(limits);
	}
	assert_non_null(strstr(limits_strerror(-EPROTONOSUPPORT), "another version"));
}

static void write_file(const char *name, const void *bytes, size_t n)
{
	int fd = openat(state_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void test_files_of_another_version_deny_and_are_left_alone(void **state)
{
	static const uint8_t zero[8], eleven[8] = {11};
	static const char other[] = "mcpjail limits, format 3: otherwise\n";
	static const char lock[] = "mcpjail limits, generation 00000000000000000000, in limits.0\n";
	static const char sheep[sizeof(lock)] =
		"mcpjail limits, generation 00000000000000000000, in limits.1\n";
	static const struct {
		const void *lock, *log;
		size_t n_lock, n_log;
		int error;
	} rows[] = {
		{zero, "binary", 8, 6, -EPROTONOSUPPORT},
		{eleven, "", 8, 0, -EPROTONOSUPPORT},
		{lock, other, sizeof(lock) - 1, sizeof(other) - 1, -EPROTONOSUPPORT},
		{lock, "binary", sizeof(lock) - 1, 6, -EPROTONOSUPPORT},
		{sheep, "", sizeof(lock) - 1, 0, -EBADMSG},
		{lock, other, 20, sizeof(other) - 1, -EBADMSG},
	};
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(0x16, MINUTE, 5, 1);
	struct limits_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct limits *limits;

		empty_log();
		write_file("limits.lock", rows[i].lock, rows[i].n_lock);
		write_file("limits.0", rows[i].log, rows[i].n_log);
		limits = open_with(&clock, 20);
		assert_int_equal(limits_charge(limits, &charge, 1, &answer), rows[i].error);
		assert_int_equal(log_size("limits.0"), rows[i].n_log);
		limits_free(limits);
	}
}

static void test_half_a_lock_beside_nothing_is_written_anew(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits;

	(void)state;
	empty_log();
	write_file("limits.lock", "mcpjail limits, gene", 20);
	limits = open_with(&clock, 20);
	assert_true(fits(limits, charge_of(0x17, MINUTE, 1, 1)));
	assert_false(fits(limits, charge_of(0x17, MINUTE, 1, 1)));
	limits_free(limits);
}

static void test_tail_that_is_no_torn_batch_denies(void **state)
{
	static const char garbage[LINE_MAX_BYTES + 1] = {[0 ... LINE_MAX_BYTES] = 'x'};
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(23, MINUTE, 5, 1);
	struct limits_answer answer;
	struct limits *limits;
	off_t whole;
	int fd;

	(void)state;
	empty_log();
	limits = open_with(&clock, 21);
	assert_true(fits(limits, charge));
	limits_free(limits);
	whole = log_size("limits.0");
	fd = openat(state_fd, "limits.0", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), whole), sizeof(garbage));
	limits = open_with(&clock, 21);
	assert_int_equal(limits_charge(limits, &charge, 1, &answer), -EBADMSG);
	assert_int_equal(log_size("limits.0"), whole + (off_t)sizeof(garbage));
	/* What one torn line can leave is cut. */
	assert_int_equal(ftruncate(fd, whole + (off_t)sizeof(garbage) - 1), 0);
	assert_true(fits(limits, charge));
	close(fd);
	limits_free(limits);
}

/* Whoever holds the lock while the disk is slow makes other runs deny. */
static void test_flush_does_not_wait_for_the_lock(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(24, MINUTE, 5, 1);
	struct limits *limits;
	int fd;

	(void)state;
	empty_log();
	limits = open_with(&clock, 22);
	assert_true(fits(limits, charge));
	fd = openat(state_fd, "limits.lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(limits_flush(limits), 0);
	close(fd);
	limits_free(limits);
}

static void test_files_that_went_away_deny(void **state)
{
	static const char *const names[] = {"limits.lock", "limits.0", "limits.1"};
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(25, MINUTE, 5, 1);
	struct limits_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct limits *limits;

		empty_log();
		limits = open_with(&clock, 23);
		assert_true(fits(limits, charge));
		unlinkat(state_fd, names[i], 0);
		assert_int_equal(limits_charge(limits, &charge, 1, &answer), -ESTALE);
		limits_free(limits);
	}
}

static void test_lock_that_was_emptied_denies(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(26, MINUTE, 5, 1);
	struct limits_answer answer;
	struct limits *limits;
	int fd;

	(void)state;
	empty_log();
	limits = open_with(&clock, 24);
	assert_true(fits(limits, charge));
	fd = openat(state_fd, "limits.lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	assert_int_equal(limits_charge(limits, &charge, 1, &answer), -EBADMSG);
	limits_free(limits);
}

static void test_lock_that_is_held_denies_in_time(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(15, MINUTE, 5, 1);
	struct limits *limits = open_with(&clock, 17);
	struct limits_answer answer;
	int fd = openat(state_fd, "limits.lock", O_RDWR | O_CLOEXEC);
	uint64_t from = clock_mono_ms();

	(void)state;
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(limits_charge(limits, &charge, 1, &answer), -ETIMEDOUT);
	assert_in_range(clock_mono_ms() - from, LIMITS_LOCK_MS, LIMITS_LOCK_MS + 400);
	close(fd);
	limits_free(limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_torn_tail_is_cut_at_every_length),
		cmocka_unit_test(test_torn_header_is_written_anew),
		cmocka_unit_test(test_damage_in_the_middle_denies),
		cmocka_unit_test(test_zeroed_tail_is_cut),
		cmocka_unit_test(test_charge_that_asks_to_be_kept_too_long_counts),
		cmocka_unit_test(test_line_of_another_version_denies_and_is_left_alone),
		cmocka_unit_test(test_files_of_another_version_deny_and_are_left_alone),
		cmocka_unit_test(test_half_a_lock_beside_nothing_is_written_anew),
		cmocka_unit_test(test_tail_that_is_no_torn_batch_denies),
		cmocka_unit_test(test_flush_does_not_wait_for_the_lock),
		cmocka_unit_test(test_files_that_went_away_deny),
		cmocka_unit_test(test_lock_that_was_emptied_denies),
		cmocka_unit_test(test_lock_that_is_held_denies_in_time),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
