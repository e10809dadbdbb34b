// SPDX-License-Identifier: Apache-2.0
#include "limits_world.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* --- the window ----------------------------------------------------------------- */

static void test_charge_lets_max_through_and_says_when_the_next_fits(void **state)
{
	struct test_clock clock = {1000, 1700000000000};
	struct limits *limits = open_with(&clock, 1);
	struct limits_charge charge = charge_of(1, MINUTE, 10, 1);
	struct limits_answer answer;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_true(fits(limits, charge));
		clock.boot_ms += 100;
	}
	assert_int_equal(limits_charge(limits, &charge, 1, &answer), 0);
	assert_int_equal(answer.over, 0);
	assert_int_equal(answer.used[0], 10);
	/* The first charge was at 1000. It counts up to and with 61000. */
	assert_int_equal(answer.retry_after_ms, 61001 - clock.boot_ms);
	clock.boot_ms = 61000;
	assert_false(fits(limits, charge));
	clock.boot_ms = 61001;
	assert_true(fits(limits, charge));
	assert_false(fits(limits, charge));
	limits_free(limits);
}

static void test_charge_takes_all_or_none(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits = open_with(&clock, 2);
	struct limits_charge both[] = {charge_of(2, MINUTE, 100, 1), charge_of(3, MINUTE, 2, 1)};
	struct limits_answer answer;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
		assert_int_equal(answer.over, i < 2 ? -1 : 1);
	}
	assert_int_equal(answer.used[0], 2);
	assert_int_equal(answer.used[1], 2);
	limits_free(limits);
}

static void test_charge_counts_a_counter_named_twice_once(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits = open_with(&clock, 3);
	struct limits_charge twice[] = {charge_of(4, MINUTE, 3, 1),
					charge_of(4, 60 * MINUTE, 4, 1)};
	struct limits_answer answer;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(limits_charge(limits, twice, 2, &answer), 0);
	assert_int_equal(answer.over, -1);
	assert_int_equal(limits_charge(limits, twice, 2, &answer), 0);
	assert_int_equal(answer.over, 0);
	assert_int_equal(answer.used[0], 3);
	clock.boot_ms += 2 * MINUTE;
	assert_int_equal(limits_charge(limits, twice, 2, &answer), 0);
	assert_int_equal(answer.over, -1);
	assert_int_equal(limits_charge(limits, twice, 2, &answer), 0);
	assert_int_equal(answer.over, 1);
	assert_int_equal(answer.used[1], 4);
	limits_free(limits);
}

static void test_charge_refuses_what_is_out_of_bounds(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits = open_with(&clock, 4);
	const struct limits_charge bad[] = {
		charge_of(5, 0, 1, 1),
		charge_of(5, LIMITS_WINDOW_MAX_MS + 1, 1, 1),
		charge_by(LIMITS_BUCKET, 5, LIMITS_LIFETIME_MS, 1, 1),
		charge_of(5, MINUTE, 1, LIMITS_AMOUNT_MAX + 1),
	};
	struct limits_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(limits_charge(limits, &bad[i], 1, &answer), -ERANGE);
	limits_free(limits);
}

static void test_charge_over_max_by_itself_never_fits(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits = open_with(&clock, 5);
	struct limits_charge charge = charge_of(6, MINUTE, 100, 450);
	struct limits_answer answer;

	(void)state;
	assert_int_equal(limits_charge(limits, &charge, 1, &answer), 0);
	assert_int_equal(answer.over, 0);
	assert_true(answer.retry_after_ms == UINT64_MAX);
	charge.amount = 0;
	assert_true(fits(limits, charge));
	limits_free(limits);
}

static void test_refund_gives_back_and_only_once_expired_nothing(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits *limits = open_with(&clock, 6), *other;
	struct limits_charge charge = charge_of(7, LIMITS_KEEP_MS, 2, 1);
	struct limits_answer first, second;

	(void)state;
	assert_int_equal(limits_charge(limits, &charge, 1, &first), 0);
	clock.boot_ms += 10;
	assert_int_equal(limits_charge(limits, &charge, 1, &second), 0);
	assert_false(fits(limits, charge));
	assert_int_equal(limits_refund(limits, &first.receipt), 0);
	/* Also seen by another run, which reads it from the log. */
	other = open_with(&clock, 6);
	assert_true(fits(other, charge));
	assert_false(fits(limits, charge));
	/* An expired charge is not there to be given back: nothing else may go in its place. */
	clock.boot_ms = second.receipt.at_ms + LIMITS_KEEP_MS + 5;
	assert_true(fits(limits, charge));
	assert_int_equal(limits_refund(limits, &second.receipt), 0);
	assert_int_equal(limits_charge(limits, &charge, 1, &first), 0);
	assert_int_equal(first.used[0], 1);
	limits_free(other);
	limits_free(limits);
}

/* --- clocks and boots ---------------------------------------------------------------- */

static void test_wall_clock_steps_grant_nothing(void **state)
{
	struct test_clock clock = {1000, 1700000000000};
	struct limits *limits = open_with(&clock, 8), *later;
	struct limits_charge charge = charge_of(8, MINUTE, 3, 1);

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(fits(limits, charge));
	for (int64_t step = -86400000; step <= 86400000; step += 21600000) {
		clock.wall_ms = 1700000000000 + step;
		clock.boot_ms += 10;
		assert_false(fits(limits, charge));
		later = open_with(&clock, 8);
		assert_false(fits(later, charge));
		limits_free(later);
	}
	limits_free(limits);
}

static void test_charges_of_the_boot_before_count_by_the_first_wall_clock(void **state)
{
	struct test_clock clock = {50000, 1700000000000};
	struct limits *limits = open_with(&clock, 9);
	struct limits_charge charge = charge_of(9, MINUTE, 2, 1);

	(void)state;
	assert_true(fits(limits, charge));
	assert_true(fits(limits, charge));
	limits_free(limits);
	/* Ten seconds later, after a boot. */
	clock = (struct test_clock){3000, 1700000010000};
	limits = open_with(&clock, 10);
	assert_false(fits(limits, charge));
	/* The wall clock steps a day ahead: this boot has its anchor already. */
	clock.wall_ms += 86400000;
	assert_false(fits(limits, charge));
	limits_free(limits);
	limits = open_with(&clock, 10);
	assert_false(fits(limits, charge));
	clock.boot_ms += 50001;
	assert_true(fits(limits, charge));
	limits_free(limits);
}

static void test_a_clock_set_back_before_a_boot_does_not_age_charges(void **state)
{
	struct test_clock clock = {50000, 1700000000000};
	struct limits *limits = open_with(&clock, 11);
	struct limits_charge charge = charge_of(10, MINUTE, 1, 1);

	(void)state;
	limits_warm(limits);
	clock.wall_ms -= 86400000;
	clock.boot_ms += 1000;
	assert_true(fits(limits, charge));
	limits_free(limits);
	clock = (struct test_clock){3000, 1700000010000};
	limits = open_with(&clock, 12);
	assert_false(fits(limits, charge));
	limits_free(limits);
	/* Nor do charges from the future of a clock that is behind count for longer than a window.
	 */
	clock = (struct test_clock){3000, 1600000000000};
	limits = open_with(&clock, 13);
	assert_false(fits(limits, charge));
	clock.boot_ms += MINUTE + 1;
	assert_true(fits(limits, charge));
	limits_free(limits);
}

/* --- many processes -------------------------------------------------------------------- */

/* Charges up to @n times; writes a byte to @report for each that was granted. */
static void charge_in_child(int report, int n, uint64_t max)
{
	struct limits_charge charge = charge_of(19, LIMITS_KEEP_MS, max, 1);
	struct limits_charge noise = charge_of(20, 1, 1000000, 1);
	struct limits_answer answer;
	struct limits *limits;

	if (limits_open(state_fd, NULL, &limits, NULL))
		_exit(2);
	for (int i = 0; i < n; i++) {
		int r = limits_charge(limits, &charge, 1, &answer);

		if (r && r != -ETIMEDOUT)
			_exit(3);
		if (!r && answer.over < 0 && write(report, "x", 1) != 1)
			_exit(4);
		if (limits_charge(limits, &noise, 1, &answer))
			continue;
	}
	_exit(0);
}

static size_t count_reports(int fd)
{
	char bytes[4096];
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		total += (size_t)n;
	return total;
}

static uint64_t used_in_log(void)
{
	struct limits_charge probe = charge_of(19, LIMITS_KEEP_MS, UINT64_MAX / 2, 0);
	struct limits_answer answer;
	struct limits *limits;

	assert_int_equal(limits_open(state_fd, NULL, &limits, NULL), 0);
	assert_int_equal(limits_charge(limits, &probe, 1, &answer), 0);
	limits_free(limits);
	return answer.used[0];
}

static void test_sixteen_processes_share_a_limit_exactly(void **state)
{
	pid_t pids[16];
	int pipes[2];

	(void)state;
	empty_log();
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i])
			charge_in_child(pipes[1], 500, 100);
	}
	close(pipes[1]);
	assert_int_equal(count_reports(pipes[0]), 100);
	close(pipes[0]);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(used_in_log(), 100);
}

/*
 * Children are killed while they charge, and new ones take their place, until the limit is
 * used up. A child may die between its charge and its report: then less is reported than
 * was charged, never more. Each death costs at most one report.
 */
static void test_killed_processes_neither_lose_nor_gain(void **state)
{
	enum { MAX = 20000, AT_ONCE = 8 };
	pid_t pids[AT_ONCE];
	size_t deaths = 0, reported;
	unsigned seed = 12345;
	int pipes[2];

	(void)state;
	empty_log();
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	for (size_t i = 0; i < AT_ONCE; i++) {
		pids[i] = fork();
		if (!pids[i])
			charge_in_child(pipes[1], 1000000, MAX);
	}
	while (deaths < 300) {
		size_t i = roll(&seed, AT_ONCE);
		struct timespec nap = {0, (long)roll(&seed, 1500000)};

		nanosleep(&nap, NULL);
		kill(pids[i], SIGKILL);
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
		deaths++;
		pids[i] = fork();
		if (!pids[i])
			charge_in_child(pipes[1], 1000000, MAX);
	}
	for (size_t i = 0; i < AT_ONCE; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	/* Whoever is left finishes the limit. */
	pids[0] = fork();
	if (!pids[0])
		charge_in_child(pipes[1], 2 * MAX, MAX);
	waitpid(pids[0], NULL, 0);
	close(pipes[1]);
	reported = count_reports(pipes[0]);
	close(pipes[0]);
	assert_int_equal(used_in_log(), MAX);
	assert_in_range(reported, MAX - deaths - AT_ONCE, MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_charge_lets_max_through_and_says_when_the_next_fits),
		cmocka_unit_test(test_charge_takes_all_or_none),
		cmocka_unit_test(test_charge_counts_a_counter_named_twice_once),
		cmocka_unit_test(test_charge_refuses_what_is_out_of_bounds),
		cmocka_unit_test(test_charge_over_max_by_itself_never_fits),
		cmocka_unit_test(test_refund_gives_back_and_only_once_expired_nothing),
		cmocka_unit_test(test_wall_clock_steps_grant_nothing),
		cmocka_unit_test(test_charges_of_the_boot_before_count_by_the_first_wall_clock),
		cmocka_unit_test(test_a_clock_set_back_before_a_boot_does_not_age_charges),
		cmocka_unit_test(test_sixteen_processes_share_a_limit_exactly),
		cmocka_unit_test(test_killed_processes_neither_lose_nor_gain),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
