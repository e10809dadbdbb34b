// SPDX-License-Identifier: Apache-2.0
/*
 * Under the lock: read what others appended, check every charge, append all charges as one
 * line. Memory is only a cache of the log.
 *
 * Time. All charges of this boot are placed by CLOCK_BOOTTIME, so that setting the wall
 * clock changes nothing. For charges of earlier boots there is only the wall clock: the
 * first run after a boot writes down which wall time went with which boot time (an anchor),
 * and all runs of this boot place the earlier charges by that anchor alone; the calendar of
 * fixed windows is the anchor's too. A charge is stored with the later of the wall clock and
 * the anchor's idea of it, so that a clock that was set back does not make it look older
 * after the next boot.
 *
 * Everything but tokens is rounded to deny longer: a charge whose time is in doubt is as
 * young as it can be. A token whose time is in doubt, being of another boot, is void.
 */
#include "state/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "state/limits_internal.h"

#define ITEMS_MAX (2 * LIMITS_CHARGES_MAX) /* each charge and its name */

static int64_t system_boot_ms(void *context)
{
	(void)context;
	return (int64_t)(clock_ns(CLOCK_BOOTTIME) / 1000000u);
}

static int64_t system_wall_ms(void *context)
{
	(void)context;
	return (int64_t)(clock_ns(CLOCK_REALTIME) / 1000000u);
}

static int system_clock(struct limits_clock *ret, struct error *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	uint64_t id = 0;

	if (n < 16) {
		int r = n < 0 ? -errno : -EIO;

		error_set(err, path, "mount /proc", "cannot tell boots apart: %s", strerror(-r));
		return r;
	}
	for (ssize_t i = 0; i < n; i++)
		id = (id ^ (uint8_t)text[i]) * 0x100000001b3u;
	*ret = (struct limits_clock){system_boot_ms, system_wall_ms, id, NULL};
	return 0;
}

int limits_open(int state_dirfd, const struct limits_clock *clock, struct limits **ret,
		struct error *err)
{
	autofree struct limits *l = calloc(1, sizeof(*l));
	int r = 0;

	if (!l)
		return -ENOMEM;
	l->compact_at = COMPACT_MIN_LINES;
	if (clock)
		l->clock = *clock;
	else
		r = system_clock(&l->clock, err);
	if (!r)
		r = limits_log_open(&l->log, state_dirfd, err);
	if (!r)
		*ret = ptr_take(&l);
	return r;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	limits_log_close(&l->log);
	counters_free(&l->counters);
	free(l);
}

static int64_t now_ms(const struct limits *l)
{
	return l->clock.boot_ms(l->clock.context);
}

void limits_warm(struct limits *l)
{
	if (limits_log_lock(&l->log))
		return;
	(void)limits_catch_up(l, now_ms(l));
	limits_log_unlock(&l->log);
}

/* --- charging ---------------------------------------------------------------------- */

static bool name_is_due(const struct limits *l, const struct limits_charge *charge)
{
	const struct counter *c = counters_find(&l->counters, charge->key);

	return charge->label && charge->algorithm != LIMITS_TOKEN && (!c || !c->name);
}

static void bucket_item(struct line_item *item, counter_wide missing, uint64_t window_ms)
{
	item->amount = (uint64_t)(missing / window_ms);
	item->part = (uint64_t)(missing % window_ms);
	item->keep_ms = window_ms;
}

static struct line_item charge_item(const struct limits *l, const struct limits_call *call,
				    size_t i)
{
	const struct limits_charge *charge = &call->charges[i];
	const struct counter *c = counters_find(&l->counters, charge->key);
	uint64_t window_ms = charge->window_ms, keep_ms = charge->keep_ms;
	struct line_item item = {.kind = LINE_CHARGE, .has_value = charge->counts_values};

	memcpy(item.key, charge->key, LIMITS_KEY_BYTES);
	memcpy(item.value, charge->value, LIMITS_KEY_BYTES);
	if (charge->algorithm == LIMITS_TOKEN) {
		item.kind = LINE_TAKE;
		return item;
	}
	item.amount = charge->counts_values ? 1 : limits_amount(call, i);
	if (charge->algorithm == LIMITS_BUCKET) {
		item.kind = LINE_BUCKET;
		bucket_item(&item,
			    counter_missing(c, window_ms, charge->max, call->now_ms) +
				    (counter_wide)item.amount * window_ms,
			    window_ms);
		return item;
	}
	item.keep_ms = keep_ms ? keep_ms : LIMITS_KEEP_MS;
	item.for_ever = charge->is_for_ever || window_ms == LIMITS_LIFETIME_MS;
	if (window_ms != LIMITS_LIFETIME_MS && window_ms > item.keep_ms)
		item.keep_ms = window_ms;
	return item;
}

static bool charges_something(const struct limits_call *call, size_t i)
{
	const struct limits_charge *charge = &call->charges[i];

	return !limits_is_repeated(call, i) &&
	       (charge->algorithm == LIMITS_TOKEN || charge->counts_values ||
		limits_amount(call, i) > 0);
}

/* The items of a call's line, in which each key, and each value, comes once. */
static size_t make_items(const struct limits *l, const struct limits_call *call,
			 struct line_item items[ITEMS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < call->n; i++) {
		const struct limits_charge *charge = &call->charges[i];

		if (!charges_something(call, i))
			continue;
		if (name_is_due(l, charge)) {
			items[n] = (struct line_item){.kind = LINE_NAME,
						      .name = span_of(charge->label)};
			memcpy(items[n++].key, charge->key, LIMITS_KEY_BYTES);
		}
		items[n++] = charge_item(l, call, i);
	}
	return n;
}

/* Before the charge is applied: a token's end is known only as long as it is there. */
static void make_receipt(const struct limits *l, const struct limits_call *call,
			 struct limits_receipt *ret)
{
	for (size_t i = 0; i < call->n; i++) {
		const struct limits_charge *charge = &call->charges[i];
		struct limits_charged *to = &ret->charged[ret->n];

		if (!charges_something(call, i))
			continue;
		*to = (struct limits_charged){
			.algorithm = charge->algorithm,
			.counts_values = charge->counts_values,
			.amount = charge->counts_values ? 1 : limits_amount(call, i),
			.window_ms = charge->window_ms,
			.max = charge->max};
		memcpy(to->key, charge->key, LIMITS_KEY_BYTES);
		memcpy(to->value, charge->value, LIMITS_KEY_BYTES);
		if (charge->algorithm == LIMITS_TOKEN) {
			const struct counter *c = counters_find(&l->counters, charge->key);

			to->window_ms = (uint64_t)counter_last(c) + c->keep_ms;
		}
		ret->n++;
	}
}

static int charge_all(struct limits *l, const struct limits_call *call,
		      struct limits_receipt *ret_receipt)
{
	struct line_item items[ITEMS_MAX];
	struct line_time time = limits_time_of(l, call->now_ms, call->now_ms);
	size_t n = make_items(l, call, items);
	int r;

	if (!n)
		return 0;
	r = limits_append(l, &time, items, n);
	if (r)
		return r;
	ret_receipt->at_ms = time.at_ms;
	ret_receipt->wall_ms = time.wall_ms;
	make_receipt(l, call, ret_receipt);
	for (size_t i = 0; !r && i < n; i++)
		r = limits_apply(l, &items[i], &time, call->now_ms);
	/* The charge stands in the log; memory does not know it and must be read anew. */
	if (r)
		l->log.was_read = false;
	return r;
}

int limits_charge(struct limits *l, const struct limits_charge *charges, size_t n,
		  struct limits_answer *ret)
{
	struct limits_answer answer = {.over = -1};
	struct limits_call call = {.charges = charges, .n = n};
	int r;

	if (!limits_are_sound(charges, n))
		return -ERANGE;
	r = limits_log_lock(&l->log);
	if (r)
		return r;
	/* Only now: times in the log never decrease, because the lock is held. */
	call.now_ms = now_ms(l);
	r = limits_catch_up(l, call.now_ms);
	if (!r) {
		call.anchor = l->anchor;
		limits_check(&l->counters, &call, &answer);
		if (answer.over < 0)
			r = charge_all(l, &call, &answer.receipt);
		if (!r)
			limits_compact_if_due(l, call.now_ms);
	}
	limits_log_unlock(&l->log);
	if (!r)
		*ret = answer;
	return r;
}

/* --- giving back ------------------------------------------------------------------- */

static struct line_item refund_item(const struct limits_charged *charged,
				    const struct limits_receipt *receipt)
{
	struct line_item item = {.kind = LINE_REFUND,
				 .has_value = charged->counts_values,
				 .amount = charged->amount,
				 /* To the digit as the charge was written, so that any reader puts
				  * it in the same place. */
				 .at_ms = receipt->at_ms,
				 .wall_ms = receipt->wall_ms};

	memcpy(item.key, charged->key, LIMITS_KEY_BYTES);
	memcpy(item.value, charged->value, LIMITS_KEY_BYTES);
	return item;
}

/* What it has been refilled since may be another call's already. Return: false: all of it */
static bool refund_bucket(const struct limits *l, const struct limits_charged *charged,
			  int64_t at_ms, int64_t now, struct line_item *item)
{
	const struct counter *c = counters_find(&l->counters, charged->key);
	counter_wide back = (counter_wide)charged->amount * charged->window_ms;
	counter_wide refilled = (counter_wide)(uint64_t)(now - at_ms) * charged->max, missing;

	missing = counter_missing(c, charged->window_ms, charged->max, now);
	if (refilled >= back || !missing)
		return false;
	back -= refilled;
	item->kind = LINE_BUCKET;
	bucket_item(item, missing > back ? missing - back : 0, charged->window_ms);
	return true;
}

static int refund_all(struct limits *l, const struct limits_receipt *receipt, int64_t now)
{
	struct line_item items[LIMITS_CHARGES_MAX];
	struct line_time time = limits_time_of(l, now, now);
	size_t n = 0;
	int r;

	for (size_t i = 0; i < receipt->n; i++) {
		const struct limits_charged *charged = &receipt->charged[i];
		struct line_item item = refund_item(charged, receipt);
		bool is_due = true;

		if (charged->algorithm == LIMITS_TOKEN) {
			item.kind = LINE_TOKEN;
			is_due = (uint64_t)now < charged->window_ms;
			item.keep_ms = is_due ? charged->window_ms - (uint64_t)now : 0;
		} else if (charged->algorithm == LIMITS_BUCKET) {
			is_due = refund_bucket(l, charged, receipt->at_ms, now, &item);
		}
		if (is_due)
			items[n++] = item;
	}
	r = n ? limits_append(l, &time, items, n) : 0;
	for (size_t i = 0; !r && i < n; i++)
		r = limits_apply(l, &items[i], &time, now);
	return r;
}

int limits_refund(struct limits *l, const struct limits_receipt *receipt)
{
	int64_t now;
	int r;

	if (!receipt->n)
		return 0;
	r = limits_log_lock(&l->log);
	if (r)
		return r;
	now = now_ms(l);
	r = limits_catch_up(l, now);
	if (!r)
		r = refund_all(l, receipt, now);
	if (r)
		l->log.was_read = false;
	limits_log_unlock(&l->log);
	return r;
}

int limits_put_token(struct limits *l, const uint8_t key[LIMITS_KEY_BYTES], uint64_t ttl_ms,
		     const char *label)
{
	struct line_item items[2] = {{.kind = LINE_TOKEN, .keep_ms = ttl_ms},
				     {.kind = LINE_NAME, .name = span_of(label)}};
	size_t n = label ? 2 : 1;
	struct line_time time;
	int r;

	if (!ttl_ms || ttl_ms >= LIMITS_WINDOW_MAX_MS)
		return -ERANGE;
	memcpy(items[0].key, key, LIMITS_KEY_BYTES);
	memcpy(items[1].key, key, LIMITS_KEY_BYTES);
	r = limits_log_lock(&l->log);
	if (r)
		return r;
	time.at_ms = now_ms(l);
	r = limits_catch_up(l, time.at_ms);
	time = limits_time_of(l, time.at_ms, time.at_ms);
	if (!r)
		r = limits_append(l, &time, items, n);
	for (size_t i = 0; !r && i < n; i++)
		r = limits_apply(l, &items[i], &time, time.at_ms);
	limits_log_unlock(&l->log);
	return r;
}

int limits_flush(struct limits *l)
{
	return limits_log_flush(&l->log);
}

const char *limits_strerror(int error)
{
	switch (error) {
	case -ETIMEDOUT:
		return "another run holds the log of limits and does not let go";
	case -EBADMSG:
		return "the log of limits is damaged; move limits.0, limits.1 and limits.lock out "
		       "of the state directory to start counting afresh";
	case -EPROTONOSUPPORT:
		return "another version of mcpjail wrote the log of limits; use that one, or move "
		       "limits.0, limits.1 and limits.lock out of the state directory to start "
		       "counting afresh";
	case -ESTALE:
		return "the log of limits was removed while this run was counting in it; start "
		       "another run";
	case -EFBIG:
		return "the log of limits is too large";
	case -ERANGE:
		return "a limit's window or amount is out of bounds";
	default:
		return strerror(-error);
	}
}
