// SPDX-License-Identifier: Apache-2.0
#include "state/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void counters_free(struct counters *cs)
{
	for (size_t i = 0; i < cs->n_slots; i++) {
		if (cs->slots[i])
			free(cs->slots[i]->entries);
		free(cs->slots[i]);
	}
	free(cs->slots);
	*cs = (struct counters){0};
}

/* The slot of @key, or the empty one where it belongs. There is always an empty slot. */
static size_t slot_of(struct counter *const *slots, size_t n_slots,
		      const uint8_t key[LIMITS_KEY_BYTES])
{
	uint64_t hash;
	size_t i;

	memcpy(&hash, key, sizeof(hash));
	hash = (hash ^ hash >> 29) * 0x9e3779b97f4a7c15u;
	i = (size_t)(hash >> 32) & (n_slots - 1);
	while (slots[i] && memcmp(slots[i]->key, key, LIMITS_KEY_BYTES))
		i = (i + 1) & (n_slots - 1);
	return i;
}

struct counter *counters_find(const struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES])
{
	return cs->n_slots ? cs->slots[slot_of(cs->slots, cs->n_slots, key)] : NULL;
}

/* Move every counter into a table of @n_slots, leaving out those without entries. */
static int rehash(struct counters *cs, size_t n_slots)
{
	struct counter **slots = calloc(n_slots, sizeof(struct counter *));
	size_t n = 0;

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < cs->n_slots; i++) {
		struct counter *c = cs->slots[i];

		if (!c)
			continue;
		if (c->first == c->end) {
			free(c->entries);
			free(c);
			continue;
		}
		slots[slot_of(slots, n_slots, c->key)] = c;
		n++;
	}
	free(cs->slots);
	*cs = (struct counters){slots, n_slots, n};
	return 0;
}

static struct counter *find_or_make(struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES])
{
	struct counter *c = counters_find(cs, key);

	if (c)
		return c;
	if (cs->n >= COUNTERS_MAX)
		return NULL;
	if (2 * (cs->n + 1) > cs->n_slots && rehash(cs, cs->n_slots ? 2 * cs->n_slots : 64))
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	memcpy(c->key, key, LIMITS_KEY_BYTES);
	cs->slots[slot_of(cs->slots, cs->n_slots, key)] = c;
	cs->n++;
	return c;
}

/* First live entry at or after @at_ms; end if there is none. */
static size_t lower_bound(const struct counter *c, int64_t at_ms)
{
	size_t lo = c->first, hi = c->end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->entries[mid].at_ms < at_ms)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static uint64_t total_before(const struct counter *c, size_t i)
{
	return i == c->first ? c->base : c->entries[i - 1].total;
}

static uint64_t total_of(const struct counter *c)
{
	return total_before(c, c->end);
}

static void join_older_half(struct counter *c)
{
	size_t half = c->first + (c->end - c->first) / 2;
	size_t to = c->first;

	for (size_t i = c->first + 1; i < half; i += 2)
		c->entries[to++] = c->entries[i];
	/* An odd one at the end of the half moves as it is. */
	if ((half - c->first) % 2)
		c->entries[to++] = c->entries[half - 1];
	memmove(&c->entries[to], &c->entries[half], (c->end - half) * sizeof(c->entries[0]));
	c->end -= half - to;
}

/* Room for one more entry behind the last. */
static int make_room(struct counter *c)
{
	struct counter_entry *grown;
	size_t cap;

	if (c->end < c->cap)
		return 0;
	if (c->first > c->cap / 2) {
		memmove(c->entries, c->entries + c->first,
			(c->end - c->first) * sizeof(c->entries[0]));
		c->end -= c->first;
		c->first = 0;
		return 0;
	}
	if (c->end - c->first >= COUNTER_ENTRIES_MAX) {
		join_older_half(c);
		return 0;
	}
	cap = c->cap ? 2 * c->cap : 8;
	grown = reallocarray(c->entries, cap, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->entries = grown;
	c->cap = cap;
	return 0;
}

int counters_add(struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES], int64_t at_ms,
		 uint64_t amount, uint64_t keep_ms)
{
	struct counter *c = find_or_make(cs, key);
	size_t i;
	int r;

	if (!c)
		return cs->n >= COUNTERS_MAX ? -ENOSPC : -ENOMEM;
	if (amount > INT64_MAX - (total_of(c) - c->base))
		return -EOVERFLOW;
	r = make_room(c);
	if (r)
		return r;
	if (keep_ms > c->keep_ms)
		c->keep_ms = keep_ms;
	i = lower_bound(c, at_ms);
	/* Nearly always the last place; a log of several boots may be out of order. */
	if (i == c->end || c->entries[i].at_ms != at_ms) {
		uint64_t before = total_before(c, i);

		memmove(&c->entries[i + 1], &c->entries[i], (c->end - i) * sizeof(c->entries[0]));
		c->entries[i] = (struct counter_entry){at_ms, before};
		c->end++;
	}
	for (; i < c->end; i++)
		c->entries[i].total += amount;
	return 0;
}

void counters_remove(struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES], int64_t at_ms,
		     uint64_t amount, int64_t now_ms)
{
	struct counter *c = counters_find(cs, key);
	size_t i;

	/* Of an expired charge nothing may be left; what follows it is another one. */
	if (!c || at_ms < now_ms - (int64_t)c->keep_ms)
		return;
	/* If it has been joined with later ones, it is in the first entry not before it. */
	i = lower_bound(c, at_ms);
	if (i == c->end)
		return;
	if (amount > counter_amount(c, i))
		amount = counter_amount(c, i);
	for (; i < c->end; i++)
		c->entries[i].total -= amount;
}

size_t counters_expire(struct counters *cs, int64_t now_ms)
{
	size_t left = 0, empty = 0;

	for (size_t i = 0; i < cs->n_slots; i++) {
		struct counter *c = cs->slots[i];
		size_t keep;

		if (!c)
			continue;
		keep = lower_bound(c, now_ms - (int64_t)c->keep_ms);
		c->base = total_before(c, keep);
		c->first = keep;
		left += c->end - c->first;
		empty += c->first == c->end;
	}
	/* Failure to shrink the table costs memory only. */
	if (empty > cs->n / 2)
		(void)rehash(cs, cs->n_slots);
	return left;
}

uint64_t counter_used(const struct counter *c, int64_t now_ms, uint64_t window_ms)
{
	if (!c)
		return 0;
	return total_of(c) - total_before(c, lower_bound(c, now_ms - (int64_t)window_ms));
}

uint64_t counter_retry_after(const struct counter *c, int64_t now_ms, uint64_t window_ms,
			     uint64_t room)
{
	size_t lo = c->first, hi = c->end;
	int64_t until;

	/* The first entry after whose departure no more than @room is left. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (total_of(c) - c->entries[mid].total > room)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == c->end)
		return 0;
	until = c->entries[lo].at_ms + (int64_t)window_ms + 1;
	return until > now_ms ? (uint64_t)(until - now_ms) : 0;
}

uint64_t counter_amount(const struct counter *c, size_t i)
{
	return c->entries[i].total - total_before(c, i);
}
