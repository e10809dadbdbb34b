// SPDX-License-Identifier: Apache-2.0
/*
 * limits - how long the keeper waits for a limit to be checked and charged
 *
 * In a directory that is given, where the log of limits is made and taken away again. Time on
 * the clock, with what the disk takes; the median, and the hundredth that is slowest.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "state/limits.h"

#define ROUNDS       5000
#define ROUNDS_FLUSH 500
#define CROWD        200000
#define MONTH_CALLS  1000000000

struct bench {
	struct limits *limits, *other;
	int bare_fd;
	unsigned turn;
};

static void check(int failed, const char *what)
{
	if (failed) {
		fprintf(stderr, "limits: %s failed: %d\n", what, failed);
		exit(1);
	}
}

static struct limits_charge charge_of(const char *key, uint64_t window_ms)
{
	struct limits_charge charge = {
		.window_ms = window_ms, .max = MONTH_CALLS, .amount = 1, .label = "grant bench"};

	memcpy(charge.key, key, strnlen(key, LIMITS_KEY_BYTES));
	return charge;
}

static void charge(struct limits *limits, const struct limits_charge *charges, size_t n)
{
	struct limits_answer answer;

	check(limits_charge(limits, charges, n, &answer) || answer.over >= 0, "the charge");
}

static void charge_one(struct bench *b)
{
	struct limits_charge one = charge_of("calls", 60000);

	charge(b->limits, &one, 1);
}

static void charge_in_turn(struct bench *b)
{
	struct limits_charge one = charge_of("calls", 60000);

	charge(b->turn++ % 2 ? b->limits : b->other, &one, 1);
}

/* As the worked policy charges a checkout, and once. */
static void charge_four(struct bench *b)
{
	struct limits_charge four[] = {charge_of("all", 60000), charge_of("checkout", 60000),
				       charge_of("cents", 86400000), charge_of("", 86400000)};

	snprintf((char *)four[3].key, LIMITS_KEY_BYTES, "once %u", b->turn++);
	four[3].keep_ms = 1;
	charge(b->limits, four, 4);
}

static void charge_value(struct bench *b)
{
	struct limits_charge one = charge_of("numbers", 86400000);

	one.counts_values = true;
	one.max = 100;
	snprintf((char *)one.value, LIMITS_KEY_BYTES, "value %u", b->turn++ % 100);
	charge(b->limits, &one, 1);
}

static void charge_bucket(struct bench *b)
{
	struct limits_charge one = charge_of("bucket", 60000);

	one.algorithm = LIMITS_BUCKET;
	charge(b->limits, &one, 1);
}

static void charge_month(struct bench *b)
{
	struct limits_charge one = charge_of("month", LIMITS_MONTH_MS);

	charge(b->limits, &one, 1);
}

static void charge_and_flush(struct bench *b)
{
	charge_one(b);
	check(limits_flush(b->limits), "the flush");
}

/* What the disk takes of that, whoever writes. */
static void append_and_flush(struct bench *b)
{
	static const char line[120];

	check(write(b->bare_fd, line, sizeof(line)) != sizeof(line), "the append");
	check(fdatasync(b->bare_fd), "the flush");
}

static void crowd(struct bench *b)
{
	for (int i = 0; i < CROWD; i++)
		charge_month(b);
}

static const struct {
	const char *what;
	void (*run)(struct bench *b);
	int rounds;
	void (*before)(struct bench *b);
} rows[] = {
	{"one limit (20 at most)", charge_one, ROUNDS, NULL},
	{"one limit, two runs in turn", charge_in_turn, ROUNDS, NULL},
	{"three limits and once", charge_four, ROUNDS, NULL},
	{"one of 100 different values", charge_value, ROUNDS, NULL},
	{"a bucket", charge_bucket, ROUNDS, NULL},
	{"a month's limit, after 200 000 charges", charge_month, ROUNDS, crowd},
	{"one limit, and on disk (400 at most)", charge_and_flush, ROUNDS_FLUSH, NULL},
	{"  of which the disk takes for 120 bytes", append_and_flush, ROUNDS_FLUSH, NULL},
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(struct bench *b, size_t row)
{
	static double us[ROUNDS];
	int n = rows[row].rounds;

	if (rows[row].before)
		rows[row].before(b);
	for (int i = 0; i < n; i++) {
		uint64_t start = clock_ns(CLOCK_MONOTONIC);

		rows[row].run(b);
		us[i] = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e3;
	}
	qsort(us, (size_t)n, sizeof(us[0]), compare);
	printf("%10.1f us %8.1f us   %s\n", us[n / 2], us[n - 1 - n / 100], rows[row].what);
}

int main(int argc, char **argv)
{
	static const char *const files[] = {"limits.lock", "limits.0", "limits.1", "bare"};
	autoclose int dirfd = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct bench b = {.limits = NULL};

	if (dirfd < 0) {
		fprintf(stderr, "usage: limits DIRECTORY\n");
		return 2;
	}
	check(limits_open(dirfd, NULL, &b.limits, NULL), "the log");
	check(limits_open(dirfd, NULL, &b.other, NULL), "the log");
	b.bare_fd = openat(dirfd, files[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	check(b.bare_fd < 0, "a file");
	printf("       p50         p99\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		measure(&b, i);
	limits_free(b.limits);
	limits_free(b.other);
	close(b.bare_fd);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		unlinkat(dirfd, files[i], 0);
	return 0;
}
