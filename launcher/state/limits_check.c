// SPDX-License-Identifier: Apache-2.0
#include "state/limits_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "state/calendar.h"

/* What of the past counts for one charge, and when that changes at once. */
struct view {
	int64_t from_ms; /* COUNTER_EVER: all */
	int64_t end_ms;  /* INT64_MAX: of no calendar */
};

/* One charge, with what it is checked against. */
struct charge_check {
	const struct limits_call *call;
	const struct limits_charge *charge;
	struct counter *counter; /* may be NULL */
	struct view view;
	uint64_t amount; /* of values: those of the call that are new in the window */
};

static bool charge_is_sound(const struct limits_charge *c)
{
	bool is_endless = c->window_ms == LIMITS_LIFETIME_MS;

	if (c->algorithm == LIMITS_TOKEN)
		return true;
	if (!c->window_ms || (c->window_ms > LIMITS_WINDOW_MAX_MS && !is_endless))
		return false;
	if (c->keep_ms > LIMITS_WINDOW_MAX_MS)
		return false;
	if (c->algorithm == LIMITS_BUCKET && (is_endless || c->counts_values))
		return false;
	return c->amount <= LIMITS_AMOUNT_MAX && c->algorithm <= LIMITS_TOKEN;
}

bool limits_are_sound(const struct limits_charge *charges, size_t n)
{
	if (n > LIMITS_CHARGES_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!charge_is_sound(&charges[i]))
			return false;
	return true;
}

static bool has_key_of(const struct limits_call *call, size_t i, size_t j)
{
	return !memcmp(call->charges[i].key, call->charges[j].key, LIMITS_KEY_BYTES);
}

static bool has_value_of(const struct limits_call *call, size_t i, size_t j)
{
	return !memcmp(call->charges[i].value, call->charges[j].value, LIMITS_KEY_BYTES);
}

uint64_t limits_amount(const struct limits_call *call, size_t i)
{
	uint64_t amount = 0;

	for (size_t j = 0; j < call->n; j++)
		if (has_key_of(call, i, j) && call->charges[j].amount > amount)
			amount = call->charges[j].amount;
	return amount;
}

bool limits_is_repeated(const struct limits_call *call, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (has_key_of(call, i, j) &&
		    (!call->charges[i].counts_values || has_value_of(call, i, j)))
			return true;
	return false;
}

/* --- what counts ---------------------------------------------------------------- */

static struct view view_of(const struct limits_call *call, const struct limits_charge *charge)
{
	const struct limits_anchor *a = &call->anchor;
	struct calendar_window w;

	if (charge->window_ms == LIMITS_LIFETIME_MS)
		return (struct view){COUNTER_EVER, INT64_MAX};
	if (charge->algorithm != LIMITS_FIXED)
		return (struct view){call->now_ms - (int64_t)charge->window_ms, INT64_MAX};
	w = calendar_window_at(a->wall_ms + (call->now_ms - a->at_ms), charge->window_ms);
	return (struct view){a->at_ms + (w.start_ms - a->wall_ms),
			     a->at_ms + (w.end_ms - a->wall_ms)};
}

/* Whether a value of the call is in the window already. */
static bool value_counts(const struct counters *cs, const struct charge_check *c, size_t i)
{
	const struct counter *v = counters_find(cs, c->call->charges[i].value);

	return v && v->is_value && counter_used(v, c->view.from_ms) > 0;
}

static uint64_t new_values(const struct counters *cs, const struct charge_check *c, size_t at)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->call->n; i++)
		n += c->call->charges[i].counts_values && has_key_of(c->call, at, i) &&
		     !limits_is_repeated(c->call, i) && !value_counts(cs, c, i);
	return n;
}

static uint64_t used_in(const struct charge_check *c)
{
	const struct limits_charge *charge = c->charge;
	counter_wide missing;

	if (charge->algorithm == LIMITS_TOKEN)
		return c->counter &&
		       counter_used(c->counter,
				    c->call->now_ms - (int64_t)c->counter->keep_ms + 1) > 0;
	if (charge->counts_values)
		return counter_values(c->counter, c->view.from_ms, c->call->now_ms);
	if (charge->algorithm != LIMITS_BUCKET)
		return counter_used(c->counter, c->view.from_ms);
	missing = counter_missing(c->counter, charge->window_ms, charge->max, c->call->now_ms);
	return (uint64_t)((missing + charge->window_ms - 1) / charge->window_ms);
}

static bool fits(const struct charge_check *c, uint64_t used)
{
	const struct limits_charge *charge = c->charge;
	counter_wide missing;

	if (charge->algorithm == LIMITS_TOKEN)
		return used > 0;
	if (charge->counts_values && !c->amount)
		return true;
	if (charge->algorithm != LIMITS_BUCKET)
		return used <= charge->max && c->amount <= charge->max - used;
	missing = counter_missing(c->counter, charge->window_ms, charge->max, c->call->now_ms);
	return missing + (counter_wide)c->amount * charge->window_ms <=
	       (counter_wide)charge->max * charge->window_ms;
}

/* --- when it would fit ------------------------------------------------------------ */

static int compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool is_of_call(const struct limits_call *call, const struct counter *v)
{
	for (size_t i = 0; i < call->n; i++)
		if (call->charges[i].counts_values &&
		    !memcmp(call->charges[i].value, v->key, LIMITS_KEY_BYTES))
			return true;
	return false;
}

/* What would be charged if nothing were in the window. */
static uint64_t whole_amount(const struct charge_check *c)
{
	uint64_t values = 0;

	if (!c->charge->counts_values)
		return c->amount;
	for (size_t i = 0; i < c->call->n; i++)
		values += c->call->charges[i].counts_values &&
			  !memcmp(c->call->charges[i].key, c->charge->key, LIMITS_KEY_BYTES) &&
			  !limits_is_repeated(c->call, i);
	return values;
}

/* When enough of the values that are not the call's @own have been left behind. */
static int64_t values_room_at(const struct charge_check *c, uint64_t own, uint64_t used)
{
	autofree int64_t *times = reallocarray(NULL, used + 1, sizeof(*times));
	uint64_t n = 0;

	if (!times)
		return c->call->now_ms;
	for (const struct counter *v = c->counter ? c->counter->values : NULL; v && n < used;
	     v = v->next)
		if (!is_of_call(c->call, v) && counter_used(v, c->view.from_ms))
			times[n++] = counter_last(v);
	qsort(times, n, sizeof(*times), compare_times);
	return n + own > c->charge->max ? times[n + own - c->charge->max - 1] : c->call->now_ms;
}

static uint64_t until(const struct charge_check *c, int64_t at_ms)
{
	return at_ms > c->call->now_ms ? (uint64_t)(at_ms - c->call->now_ms) : 0;
}

static uint64_t retry_after(const struct charge_check *c, uint64_t used)
{
	const struct limits_charge *charge = c->charge;
	uint64_t whole = whole_amount(c);
	int64_t at;

	if (charge->algorithm == LIMITS_TOKEN || charge->window_ms == LIMITS_LIFETIME_MS ||
	    whole > charge->max)
		return UINT64_MAX;
	if (charge->algorithm == LIMITS_FIXED)
		return until(c, c->view.end_ms);
	if (charge->algorithm == LIMITS_BUCKET) {
		counter_wide too_much = counter_missing(c->counter, charge->window_ms, charge->max,
							c->call->now_ms) -
					(counter_wide)(charge->max - c->amount) * charge->window_ms;

		return charge->max ? (uint64_t)((too_much + charge->max - 1) / charge->max)
				   : UINT64_MAX;
	}
	at = charge->counts_values ? values_room_at(c, whole, used)
				   : counter_room_at(c->counter, charge->max - c->amount);
	return until(c, at + (int64_t)charge->window_ms + 1);
}

void limits_check(const struct counters *cs, const struct limits_call *call,
		  struct limits_answer *ret)
{
	for (size_t i = 0; i < call->n; i++) {
		struct charge_check c = {.call = call, .charge = &call->charges[i]};
		uint64_t used;

		c.counter = counters_find(cs, c.charge->key);
		c.view = view_of(call, c.charge);
		c.amount = c.charge->counts_values ? new_values(cs, &c, i) : limits_amount(call, i);
		used = used_in(&c);
		ret->used[i] = used;
		if (ret->over >= 0 || fits(&c, used))
			continue;
		ret->over = (int)i;
		ret->retry_after_ms = retry_after(&c, used);
	}
}
