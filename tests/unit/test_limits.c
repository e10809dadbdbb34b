// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "state/limits.h"
#include "state/limits_log.h"

#define MINUTE      60000u
#define TRACES      10000
#define STEPS       40
#define ENTRY_BYTES 64

static char dir[64];
static int state_fd = -1;

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/mcpjail-limits-XXXXXX");
	assert_non_null(mkdtemp(dir));
	state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return state_fd < 0;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"limits.lock", "limits.0", "limits.1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(state_fd, names[i], 0);
	close(state_fd);
	return rmdir(dir);
}

static void empty_log(void)
{
	static const char *const names[] = {"limits.lock", "limits.0", "limits.1"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(state_fd, names[i], 0);
}

/* --- a clock that the test moves ---------------------------------------------- */

struct test_clock {
	int64_t boot_ms, wall_ms;
};

static int64_t boot_of(void *context)
{
	return ((struct test_clock *)context)->boot_ms;
}

static int64_t wall_of(void *context)
{
	return ((struct test_clock *)context)->wall_ms;
}

static struct limits *open_with(struct test_clock *clock, uint64_t boot_id)
{
	struct limits_clock injected = {boot_of, wall_of, boot_id, clock};
	struct limits *limits = NULL;

	assert_int_equal(limits_open(state_fd, &injected, &limits, NULL), 0);
	return limits;
}

static struct limits_charge charge_of(uint8_t key, uint64_t window_ms, uint64_t max,
				      uint64_t amount)
{
	struct limits_charge charge = {.window_ms = window_ms, .max = max, .amount = amount};

	memset(charge.key, key, sizeof(charge.key));
	return charge;
}

/* Whether one charge fits. */
static bool fits(struct limits *limits, struct limits_charge charge)
{
	struct limits_answer answer;

	assert_int_equal(limits_charge(limits, &charge, 1, &answer), 0);
	return answer.over < 0;
}

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
		charge_of(5, LIMITS_KEEP_MS + 1, 1, 1),
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

/* --- against a model --------------------------------------------------------------- */

struct event {
	int64_t at_ms;
	uint64_t amount;
	uint8_t key;
};

/* Sum over (now - window, now], with both ends, as the contract says. */
static uint64_t model_used(const struct event *events, size_t n, uint8_t key, int64_t now,
			   uint64_t window_ms)
{
	uint64_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (events[i].key == key && now - events[i].at_ms <= (int64_t)window_ms)
			used += events[i].amount;
	return used;
}

static unsigned roll(unsigned *seed, unsigned n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

static size_t random_charges(unsigned *seed, struct limits_charge *charges)
{
	static const uint64_t windows[] = {1, 7, 100, 1000, 60000};
	size_t n = 1 + roll(seed, 3);
	uint8_t base = (uint8_t)roll(seed, 200);

	for (size_t i = 0; i < n; i++)
		charges[i] = charge_of((uint8_t)(base + roll(seed, 2)),
				       windows[roll(seed, ARRAY_SIZE(windows))], roll(seed, 12),
				       roll(seed, 4));
	return n;
}

/* The largest amount that the call names for the key of charge @i. */
static uint64_t amount_for(const struct limits_charge *charges, size_t n, size_t i)
{
	uint64_t amount = 0;

	for (size_t j = 0; j < n; j++)
		if (charges[j].key[0] == charges[i].key[0] && charges[j].amount > amount)
			amount = charges[j].amount;
	return amount;
}

static int model_over(const struct event *events, size_t n_events,
		      const struct limits_charge *charges, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++)
		if (model_used(events, n_events, charges[i].key[0], now, charges[i].window_ms) +
			    amount_for(charges, n, i) >
		    charges[i].max)
			return (int)i;
	return -1;
}

static void check_retry(const struct event *events, size_t n_events,
			const struct limits_charge *charge, uint64_t amount, int64_t now,
			uint64_t retry_after_ms)
{
	uint64_t then, before;

	if (amount > charge->max) {
		assert_true(retry_after_ms == UINT64_MAX);
		return;
	}
	then = model_used(events, n_events, charge->key[0], now + (int64_t)retry_after_ms,
			  charge->window_ms);
	before = model_used(events, n_events, charge->key[0], now + (int64_t)retry_after_ms - 1,
			    charge->window_ms);
	assert_true(then + amount <= charge->max);
	assert_true(before + amount > charge->max);
}

static size_t model_charge(struct event *events, size_t n_events,
			   const struct limits_charge *charges, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++) {
		bool is_first = true;

		for (size_t j = 0; j < i; j++)
			is_first &= charges[j].key[0] != charges[i].key[0];
		if (is_first)
			events[n_events++] =
				(struct event){now, amount_for(charges, n, i), charges[i].key[0]};
	}
	return n_events;
}

/* Two runs take turns; the wall clock jumps about; sometimes a charge is given back. */
static void run_trace(unsigned seed, struct limits *const *runs, struct test_clock *clock)
{
	struct event events[3 * STEPS];
	size_t n_events = 0;

	for (int step = 0; step < STEPS; step++) {
		struct limits *run = runs[roll(&seed, 2)];
		struct limits_charge charges[3];
		size_t n = random_charges(&seed, charges), n_before = n_events;
		struct limits_answer answer;
		int over = model_over(events, n_events, charges, n, clock->boot_ms);

		assert_int_equal(limits_charge(run, charges, n, &answer), 0);
		if (answer.over != over)
			fail_msg("seed %u step %d: over %d, the model says %d", seed, step,
				 answer.over, over);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(answer.used[i],
					 model_used(events, n_events, charges[i].key[0],
						    clock->boot_ms, charges[i].window_ms));
		if (over >= 0)
			check_retry(events, n_events, &charges[over],
				    amount_for(charges, n, (size_t)over), clock->boot_ms,
				    answer.retry_after_ms);
		else
			n_events = model_charge(events, n_events, charges, n, clock->boot_ms);
		if (over < 0 && !roll(&seed, 8)) {
			assert_int_equal(limits_refund(runs[roll(&seed, 2)], &answer.receipt), 0);
			n_events = n_before;
		}
		clock->boot_ms += roll(&seed, 3) ? roll(&seed, 12) : roll(&seed, 2000);
		clock->wall_ms += (int64_t)roll(&seed, 200000) - 100000;
	}
}

static void test_windows_agree_with_a_model_over_random_traces(void **state)
{
	struct test_clock clock = {5, 1700000000000};

	(void)state;
	for (unsigned i = 0; i < TRACES; i++) {
		static struct limits *runs[2];

		if (i % 100 == 0) {
			limits_free(runs[0]);
			limits_free(runs[1]);
			empty_log();
			runs[0] = open_with(&clock, 7);
			runs[1] = open_with(&clock, 7);
		}
		/* Far enough that nothing of the last trace counts in this one. */
		clock.boot_ms += MINUTE + 5;
		run_trace(i, runs, &clock);
		if (i == TRACES - 1) {
			limits_free(runs[0]);
			limits_free(runs[1]);
		}
	}
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
	for (off_t cut = 1; cut <= 2 * ENTRY_BYTES; cut++) {
		struct limits *limits;
		off_t whole;

		empty_log();
		limits = open_with(&clock, 14);
		assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
		whole = log_size("limits.0");
		assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
		limits_free(limits);
		cut_log(whole + 2 * ENTRY_BYTES - cut);
		limits = open_with(&clock, 14);
		limits_warm(limits);
		assert_int_equal(log_size("limits.0"), whole);
		assert_int_equal(limits_charge(limits, both, 2, &answer), 0);
		assert_int_equal(answer.used[0], 1);
		assert_int_equal(answer.used[1], 1);
		assert_int_equal(log_size("limits.0"), whole + 2 * ENTRY_BYTES);
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
	assert_int_equal(pwrite(fd, "x", 1, ENTRY_BYTES + 30), 1);
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
	assert_int_equal(ftruncate(fd, 40 * ENTRY_BYTES), 0);
	close(fd);
	limits = open_with(&clock, 16);
	for (int i = 0; i < 4; i++)
		assert_true(fits(limits, charge));
	assert_false(fits(limits, charge));
	limits_free(limits);
}

/* Append one entry as another version, or another program, might. */
static void append_entry(struct log_entry entry, bool is_first)
{
	struct log_entry *entries = NULL;
	struct limits_log log;
	bool is_fresh;
	size_t n;

	assert_int_equal(limits_log_open(&log, state_fd, NULL), 0);
	assert_int_equal(limits_log_lock(&log), 0);
	if (!is_first)
		assert_int_equal(limits_log_read(&log, &entries, &n, &is_fresh), 0);
	else
		assert_int_equal(pwrite(log.lock_fd, &(uint64_t){0}, 8, 0), 8);
	assert_int_equal(limits_log_append(&log, &entry, 1), 0);
	limits_log_close(&log);
	free(entries);
}

static void test_charge_that_asks_to_be_kept_too_long_counts(void **state)
{
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(21, MINUTE, 1, 1);
	struct log_entry entry = {.kind = LOG_CHARGE,
				  .boot = 20,
				  .at_ms = 1000,
				  .amount = 1,
				  .keep_ms = LIMITS_KEEP_MS + 1};
	struct limits *limits;

	(void)state;
	empty_log();
	memset(entry.key, 21, sizeof(entry.key));
	append_entry(entry, false);
	limits = open_with(&clock, 20);
	assert_false(fits(limits, charge));
	limits_free(limits);
}

static void test_log_of_another_version_denies_and_is_left_alone(void **state)
{
	static const struct {
		struct log_entry entry;
		bool is_first;
	} rows[] = {
		{{.kind = LOG_FORMAT, .amount = LOG_VERSION + 1}, true},
		{{.kind = LOG_BOOT, .boot = 20}, true}, /* no format at all */
		{{.kind = LOG_FORMAT + 1}, false},
		{{.kind = LOG_FORMAT, .amount = LOG_VERSION}, false},
		{{.kind = 0}, false},
	};
	struct test_clock clock = {1000, 0};
	struct limits_charge charge = charge_of(22, MINUTE, 5, 1);
	struct limits_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct limits *limits;
		off_t size;

		empty_log();
		append_entry(rows[i].entry, rows[i].is_first);
		size = log_size("limits.0");
		limits = open_with(&clock, 20);
		assert_int_equal(limits_charge(limits, &charge, 1, &answer), -EPROTONOSUPPORT);
		assert_int_equal(limits_charge(limits, &charge, 1, &answer), -EPROTONOSUPPORT);
		assert_int_equal(log_size("limits.0"), size);
		limits_free(limits);
	}
	assert_non_null(strstr(limits_strerror(-EPROTONOSUPPORT), "another version"));
}

static void test_tail_that_is_no_torn_batch_denies(void **state)
{
	static const char garbage[(LOG_BATCH_MAX + 1) * ENTRY_BYTES] = {[0 ... 1151] = 'x'};
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
	/* What one torn batch can leave is cut. */
	assert_int_equal(ftruncate(fd, whole + (off_t)sizeof(garbage) - ENTRY_BYTES), 0);
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
	assert_true(sizes[0] < 8000 * ENTRY_BYTES && sizes[1] < 8000 * ENTRY_BYTES);
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

static void test_eight_processes_share_a_limit_exactly(void **state)
{
	pid_t pids[8];
	int pipes[2];

	(void)state;
	empty_log();
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i])
			charge_in_child(pipes[1], 200, 100);
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
		cmocka_unit_test(test_windows_agree_with_a_model_over_random_traces),
		cmocka_unit_test(test_wall_clock_steps_grant_nothing),
		cmocka_unit_test(test_charges_of_the_boot_before_count_by_the_first_wall_clock),
		cmocka_unit_test(test_a_clock_set_back_before_a_boot_does_not_age_charges),
		cmocka_unit_test(test_torn_tail_is_cut_at_every_length),
		cmocka_unit_test(test_damage_in_the_middle_denies),
		cmocka_unit_test(test_zeroed_tail_is_cut),
		cmocka_unit_test(test_charge_that_asks_to_be_kept_too_long_counts),
		cmocka_unit_test(test_log_of_another_version_denies_and_is_left_alone),
		cmocka_unit_test(test_tail_that_is_no_torn_batch_denies),
		cmocka_unit_test(test_flush_does_not_wait_for_the_lock),
		cmocka_unit_test(test_files_that_went_away_deny),
		cmocka_unit_test(test_lock_that_was_emptied_denies),
		cmocka_unit_test(test_lock_that_is_held_denies_in_time),
		cmocka_unit_test(test_compaction_keeps_what_counts),
		cmocka_unit_test(test_crowded_counter_stays_bounded_and_never_grants_more),
		cmocka_unit_test(test_eight_processes_share_a_limit_exactly),
		cmocka_unit_test(test_killed_processes_neither_lose_nor_gain),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
