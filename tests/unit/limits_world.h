/* SPDX-License-Identifier: Apache-2.0 */
/* limits_world.h - a state directory, a clock that the test moves, and charges in few words */
#ifndef MCPJAIL_TESTS_LIMITS_WORLD_H
#define MCPJAIL_TESTS_LIMITS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "state/limits.h"

#define MINUTE 60000u

static char dir[64];
static int state_fd = -1;

static inline void empty_log(void)
{
	static const char *const names[] = {"limits.lock", "limits.0", "limits.1"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlinkat(state_fd, names[i], 0);
}

static inline int make_dir(void **state)
{
	(void)state;
	/* In memory, where there is such a place: nothing here is about the disk's speed. */
	snprintf(dir, sizeof(dir), "%s/mcpjail-limits-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(dir));
	state_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return state_fd < 0;
}

static inline int remove_dir(void **state)
{
	(void)state;
	empty_log();
	close(state_fd);
	return rmdir(dir);
}

struct test_clock {
	int64_t boot_ms, wall_ms;
};

static inline int64_t boot_of(void *context)
{
	return ((struct test_clock *)context)->boot_ms;
}

static inline int64_t wall_of(void *context)
{
	return ((struct test_clock *)context)->wall_ms;
}

static inline struct limits *open_with(struct test_clock *clock, uint64_t boot_id)
{
	struct limits_clock injected = {boot_of, wall_of, boot_id, clock};
	struct limits *limits = NULL;

	assert_int_equal(limits_open(state_fd, &injected, &limits, NULL), 0);
	return limits;
}

static inline struct limits_charge charge_of(uint8_t key, uint64_t window_ms, uint64_t max,
					     uint64_t amount)
{
	struct limits_charge charge = {.window_ms = window_ms, .max = max, .amount = amount};

	memset(charge.key, key, sizeof(charge.key));
	return charge;
}

static inline struct limits_charge charge_by(enum limits_algorithm algorithm, uint8_t key,
					     uint64_t window_ms, uint64_t max, uint64_t amount)
{
	struct limits_charge charge = charge_of(key, window_ms, max, amount);

	charge.algorithm = algorithm;
	return charge;
}

static inline struct limits_charge value_of(uint8_t key, uint8_t value, uint64_t window_ms,
					    uint64_t max)
{
	struct limits_charge charge = charge_of(key, window_ms, max, 1);

	charge.counts_values = true;
	memset(charge.value, value, sizeof(charge.value));
	charge.value[0] = key;
	return charge;
}

/* Whether one charge fits. */
static inline bool fits(struct limits *limits, struct limits_charge charge)
{
	struct limits_answer answer;

	assert_int_equal(limits_charge(limits, &charge, 1, &answer), 0);
	return answer.over < 0;
}

static inline unsigned roll(unsigned *seed, unsigned n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

#endif
