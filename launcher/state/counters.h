/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/counters.h - charges in memory: for each key, its charges in the order of time
 *
 * Times are milliseconds on one axis that never steps. A charge counts in a window while
 * its age is at most the window: times are cut to milliseconds, so "at most" rather than
 * "less than" is what keeps every real span of the window within the limit.
 */
#ifndef MCPJAIL_STATE_COUNTERS_H
#define MCPJAIL_STATE_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/limits.h"

/*
 * Charges of one millisecond are one entry. A counter with more entries than this joins
 * pairs of its older half, each into the later of the two: that can only deny longer.
 */
#define COUNTER_ENTRIES_MAX 65536
#define COUNTERS_MAX        (1u << 20)

struct counter_entry {
	int64_t at_ms;
	uint64_t total; /* of all charges up to and with this one */
};

struct counter {
	uint8_t key[LIMITS_KEY_BYTES];
	struct counter_entry *entries;
	size_t first, end, cap; /* live entries are [first, end) */
	uint64_t base;          /* total before the first live entry */
	uint64_t keep_ms;
};

struct counters {
	struct counter **slots; /* open addressing; n_slots is a power of two or 0 */
	size_t n_slots;
	size_t n;
};

void counters_free(struct counters *cs);

/** counters_find() - NULL if there are no charges of @key */
struct counter *counters_find(const struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES]);

/** counters_add() - Note a charge. Return: 0; -ENOMEM; -ENOSPC; -EOVERFLOW */
int counters_add(struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES], int64_t at_ms,
		 uint64_t amount, uint64_t keep_ms);

/** counters_remove() - Take back at most @amount of the charge made at @at_ms, unless it is expired
 */
void counters_remove(struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES], int64_t at_ms,
		     uint64_t amount, int64_t now_ms);

/** counters_expire() - Drop what is older than it is kept. Return: entries that are left */
size_t counters_expire(struct counters *cs, int64_t now_ms);

/** counter_used() - Sum of the charges in the last @window_ms. @c may be NULL */
uint64_t counter_used(const struct counter *c, int64_t now_ms, uint64_t window_ms);

/** counter_retry_after() - Until at most @room is used in the window. @room is less than is used */
uint64_t counter_retry_after(const struct counter *c, int64_t now_ms, uint64_t window_ms,
			     uint64_t room);

/** counter_amount() - What live entry @i stands for */
uint64_t counter_amount(const struct counter *c, size_t i);

#endif
