// SPDX-License-Identifier: Apache-2.0
#include "state/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- the table ---------------------------------------------------------------- */

static void free_counter(struct counter *c)
{
	free(c->entries);
	free(c->name);
	free(c);
}

void counters_free(struct counters *cs)
{
	for (size_t i = 0; i < cs->n_slots; i++)
		if (cs->slots[i])
			free_counter(cs->slots[i]);
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

/* Move every counter into a table of @n_slots. */
static int rehash(struct counters *cs, size_t n_slots)
{
	struct counter **slots = calloc(n_slots, sizeof(struct counter *));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < cs->n_slots; i++)
		if (cs->slots[i])
			slots[slot_of(slots, n_slots, cs->slots[i]->key)] = cs->slots[i];
	free(cs->slots);
	cs->slots = slots;
	cs->n_slots = n_slots;
	return 0;
}

int counters_make(struct counters *cs, const uint8_t key[LIMITS_KEY_BYTES], struct counter **ret)
{
	struct counter *c = counters_find(cs, key);

	if (!c && cs->n >= COUNTERS_MAX)
		return -ENOSPC;
	if (!c) {
		if (2 * (cs->n + 1) > cs->n_slots && rehash(cs, cs->n_slots ? 2 * cs->n_slots : 64))
			return -ENOMEM;
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		memcpy(c->key, key, LIMITS_KEY_BYTES);
		c->horizon_ms = INT64_MIN;
		cs->slots[slot_of(cs->slots, cs->n_slots, key)] = c;
		cs->n++;
	}
	*ret = c;
	return 0;
}

/* --- one counter -------------------------------------------------------------- */

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
	if (c->end - c->first >= (c->is_value ? COUNTER_VALUE_MAX : COUNTER_ENTRIES_MAX)) {
		join_older_half(c);
		return 0;
	}
	cap = c->cap ? 2 * c->cap : 2;
	grown = reallocarray(c->entries, cap, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	c->entries = grown;
	c->cap = cap;
	return 0;
}

void counter_keep(struct counter *c, uint64_t keep_ms, bool for_ever)
{
	if (keep_ms > c->keep_ms)
		c->keep_ms = keep_ms;
	c->is_for_ever |= for_ever;
}

int counter_add(struct counter *c, int64_t at_ms, int64_t wall_ms, uint64_t amount)
{
	size_t i;
	int r;

	if (amount > INT64_MAX - (total_of(c) - c->forgotten))
		return -EOVERFLOW;
	r = make_room(c);
	if (r)
		return r;
	i = lower_bound(c, at_ms);
	/* Nearly always the last place; a log of several boots may be out of order. */
	if (i == c->end || c->entries[i].at_ms != at_ms) {
		uint64_t before = total_before(c, i);

		memmove(&c->entries[i + 1], &c->entries[i], (c->end - i) * sizeof(c->entries[0]));
		c->entries[i] = (struct counter_entry){at_ms, wall_ms, before};
		c->end++;
	}
	if (wall_ms > c->entries[i].wall_ms)
		c->entries[i].wall_ms = wall_ms;
	for (; i < c->end; i++)
		c->entries[i].total += amount;
	return 0;
}

int counter_add_before(struct counter *c, int64_t horizon_ms, uint64_t amount)
{
	if (amount > INT64_MAX - (total_of(c) - c->forgotten))
		return -EOVERFLOW;
	if (horizon_ms > c->horizon_ms)
		c->horizon_ms = horizon_ms;
	c->base += amount;
	for (size_t i = c->first; i < c->end; i++)
		c->entries[i].total += amount;
	return 0;
}

static void remove_from_base(struct counter *c, uint64_t amount)
{
	uint64_t most = counter_ever(c);

	if (amount > most)
		amount = most;
	c->base -= amount;
	for (size_t i = c->first; i < c->end; i++)
		c->entries[i].total -= amount;
}

void counter_remove(struct counter *c, int64_t at_ms, uint64_t amount, int64_t now_ms)
{
	size_t i;

	if (at_ms < c->horizon_ms) {
		remove_from_base(c, amount);
		return;
	}
	/* Of an expired charge nothing may be left; what follows it is another one. */
	if (!c->is_for_ever && at_ms < now_ms - (int64_t)c->keep_ms)
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

void counter_clear(struct counter *c)
{
	c->first = c->end = 0;
	c->base = c->forgotten = 0;
	c->keep_ms = 0;
}

void counter_own(struct counter *owner, struct counter *value)
{
	if (value->is_value)
		return;
	value->is_value = true;
	value->next = owner->values;
	owner->values = value;
}

void counter_set_name(struct counter *c, struct span name)
{
	if (!c->name && name.n <= LIMITS_LABEL_MAX)
		c->name = strndup(name.p, name.n);
}

/* --- what it says --------------------------------------------------------------- */

uint64_t counter_amount(const struct counter *c, size_t i)
{
	return c->entries[i].total - total_before(c, i);
}

uint64_t counter_ever(const struct counter *c)
{
	return c->base - c->forgotten;
}

uint64_t counter_used(const struct counter *c, int64_t from_ms)
{
	if (!c)
		return 0;
	if (from_ms == COUNTER_EVER)
		return total_of(c) - c->forgotten;
	return total_of(c) - total_before(c, lower_bound(c, from_ms));
}

int64_t counter_last(const struct counter *c)
{
	for (size_t i = c->end; i > c->first; i--)
		if (counter_amount(c, i - 1))
			return c->entries[i - 1].at_ms;
	return INT64_MIN;
}

static bool value_is_over(const struct counter *v, int64_t now_ms)
{
	if (v->is_for_ever && counter_used(v, COUNTER_EVER))
		return false;
	return !counter_used(v, now_ms - (int64_t)v->keep_ms);
}

uint64_t counter_values(struct counter *c, int64_t from_ms, int64_t now_ms)
{
	struct counter **slot = c ? &c->values : NULL;
	uint64_t n = 0;

	while (slot && *slot) {
		struct counter *v = *slot;

		if (value_is_over(v, now_ms)) {
			*slot = v->next;
			v->next = NULL;
			v->is_value = false;
			continue;
		}
		n += counter_used(v, from_ms) > 0;
		slot = &v->next;
	}
	return n;
}

int64_t counter_room_at(const struct counter *c, uint64_t room)
{
	size_t lo = c->first, hi = c->end;

	/* The first entry after whose departure no more than @room is left. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (total_of(c) - c->entries[mid].total > room)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == c->end ? INT64_MIN : c->entries[lo].at_ms;
}

/*
 * A bucket that misses more than it holds, because a policy made it smaller, is empty. So
 * none needs longer than its window to be full, nor to be remembered.
 */
counter_wide counter_missing(const struct counter *c, uint64_t window_ms, uint64_t max,
			     int64_t now_ms)
{
	counter_wide missing, all = (counter_wide)max * window_ms, refilled;
	int64_t age;

	if (!c || !c->bucket.window_ms)
		return 0;
	age = now_ms > c->bucket.at_ms ? now_ms - c->bucket.at_ms : 0;
	if (age > (int64_t)c->bucket.window_ms)
		return 0;
	missing = c->bucket.missing;
	/* Of another window, by another policy: whole tokens, rounded up. */
	if (c->bucket.window_ms != window_ms)
		missing = (missing + c->bucket.window_ms - 1) / c->bucket.window_ms * window_ms;
	if (missing > all)
		missing = all;
	refilled = (counter_wide)(uint64_t)age * max;
	return missing > refilled ? missing - refilled : 0;
}

/* --- expiry --------------------------------------------------------------------- */

static void expire(struct counter *c, int64_t now_ms)
{
	int64_t horizon = now_ms - (int64_t)c->keep_ms;
	size_t keep = lower_bound(c, horizon);

	c->base = total_before(c, keep);
	c->first = keep;
	if (horizon > c->horizon_ms)
		c->horizon_ms = horizon;
	if (!c->is_for_ever)
		c->forgotten = c->base;
}

static bool is_over(const struct counter *c, int64_t now_ms)
{
	bool is_full =
		!c->bucket.missing || now_ms - c->bucket.at_ms > (int64_t)c->bucket.window_ms;

	return c->first == c->end && !counter_ever(c) && is_full && !c->values && !c->is_value;
}

/* Take out those that are over, which needs a new table: a gap would hide what lies behind it. */
static void drop_over(struct counters *cs, int64_t now_ms)
{
	struct counter **old = cs->slots;
	size_t n_old = cs->n_slots;

	/* Failure costs memory only. */
	cs->slots = calloc(n_old, sizeof(struct counter *));
	if (!cs->slots) {
		cs->slots = old;
		return;
	}
	for (size_t i = 0; i < n_old; i++) {
		struct counter *c = old[i];

		if (c && is_over(c, now_ms)) {
			free_counter(c);
			cs->n--;
		} else if (c) {
			cs->slots[slot_of(cs->slots, n_old, c->key)] = c;
		}
	}
	free(old);
}

size_t counters_expire(struct counters *cs, int64_t now_ms)
{
	size_t left = 0;

	for (size_t i = 0; i < cs->n_slots; i++)
		if (cs->slots[i])
			expire(cs->slots[i], now_ms);
	for (size_t i = 0; i < cs->n_slots; i++)
		if (cs->slots[i])
			(void)counter_values(cs->slots[i], COUNTER_EVER, now_ms);
	if (cs->n)
		drop_over(cs, now_ms);
	for (size_t i = 0; i < cs->n_slots; i++)
		if (cs->slots[i])
			left += 1 + cs->slots[i]->end - cs->slots[i]->first;
	return left;
}
