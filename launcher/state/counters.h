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

#include "base/span.h"
#include "state/limits.h"

/*
 * Charges of one millisecond are one entry. A counter with more entries than this joins
 * pairs of its older half, each into the later of the two: that can only deny longer.
 */
#define COUNTER_ENTRIES_MAX 65536
#define COUNTER_VALUE_MAX   16 /* the same of one value: only its last use counts */
#define COUNTERS_MAX        (1u << 20)

#define COUNTER_EVER INT64_MIN /* as the start of a window: all that was ever charged */

typedef unsigned __int128 counter_wide;

struct counter_entry {
	int64_t at_ms;
	int64_t wall_ms; /* as its line says */
	uint64_t total;  /* of all charges up to and with this one */
};

/* What a bucket is short of being full: tokens × window. */
struct counter_bucket {
	counter_wide missing;
	int64_t at_ms;
	uint64_t window_ms;
};

struct counter {
	uint8_t key[LIMITS_KEY_BYTES];
	struct counter_entry *entries;
	size_t first, end, cap; /* live entries are [first, end) */
	uint64_t base;          /* total before the first live entry */
	uint64_t forgotten;     /* of that, what no window without end counts */
	int64_t horizon_ms;     /* entries before it went into the base */
	uint64_t keep_ms;
	bool is_for_ever; /* the base counts in windows without end */
	bool is_value;    /* is in its owner's list */
	bool is_token;
	struct counter *values, *next; /* values that this one counts; the next of its owner's */
	struct counter_bucket bucket;  /* window_ms 0: is none */
	char *name;                    /* for who reads the log; NULL: none was told */
};

struct counters {
	struct counter **slots; /* open addressing; n_slots is a power of two or 0 */
	size_t n_slots;
	size_t n;
};

void counters_free(struct counters *cs);

/** counters_find() - NULL if there are no charges of @key */
struct counter *counters_find(const struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES]);

/** counters_make() - Find it, or make one. Return: 0; -ENOMEM; -ENOSPC */
int counters_make(struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES], struct counter **ret);

/** counters_expire() - Drop what is older than it is kept. Return: entries and counters left */
size_t counters_expire(struct counters *cs, int64_t now_ms);

/** counter_keep() - How long its charges matter; for windows without end: @for_ever */
void counter_keep(struct counter *c, uint64_t keep_ms, bool for_ever);

/** counter_add() - Note a charge. Return: 0; -ENOMEM; -EOVERFLOW */
int counter_add(struct counter *c, int64_t at_ms, int64_t wall_ms, uint64_t amount);

/** counter_add_before() - The same of charges from before @horizon_ms. Return: 0; -EOVERFLOW */
int counter_add_before(struct counter *c, int64_t horizon_ms, uint64_t amount);

/** counter_remove() - Take back at most @amount of the charge made at @at_ms, unless it is expired
 */
void counter_remove(struct counter *c, int64_t at_ms, uint64_t amount, int64_t now_ms);

/** counter_clear() - Take back all */
void counter_clear(struct counter *c);

/** counter_own() - Make @value one that @owner counts */
void counter_own(struct counter *owner, struct counter *value);

/** counter_set_name() - Failure costs a reader of the log the name */
void counter_set_name(struct counter *c, struct span name);

/** counter_used() - Sum of the charges since @from_ms, or COUNTER_EVER. @c may be NULL */
uint64_t counter_used(const struct counter *c, int64_t from_ms);

/** counter_values() - How many of its values have a charge since @from_ms. @c may be NULL */
uint64_t counter_values(struct counter *c, int64_t from_ms, int64_t now_ms);

/** counter_room_at() - Since when at most @room would be used. @room is less than is used */
int64_t counter_room_at(const struct counter *c, uint64_t room);

/** counter_last() - When it was last charged and not given back; INT64_MIN: never */
int64_t counter_last(const struct counter *c);

/** counter_amount() - What live entry @i stands for */
uint64_t counter_amount(const struct counter *c, size_t i);

/** counter_ever() - What of the base counts in windows without end */
uint64_t counter_ever(const struct counter *c);

/** counter_missing() - What a bucket that is refilled @max each window misses. @c may be NULL */
counter_wide counter_missing(const struct counter *c, uint64_t window_ms, uint64_t max,
			     int64_t now_ms);

#endif
