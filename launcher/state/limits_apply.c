// SPDX-License-Identifier: Apache-2.0
/*
 * From lines to memory. The theory of time is in limits.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "state/limits_internal.h"

static int64_t wall_ms_of(const struct limits *l, int64_t at_ms, int64_t now)
{
	int64_t by_anchor = l->anchor.wall_ms + (at_ms - l->anchor.at_ms);
	int64_t by_clock = l->clock.wall_ms(l->clock.context) - (now - at_ms);

	return by_anchor > by_clock ? by_anchor : by_clock;
}

struct line_time limits_time_of(const struct limits *l, int64_t at_ms, int64_t now)
{
	return (struct line_time){l->clock.boot_id, at_ms, wall_ms_of(l, at_ms, now)};
}

int limits_append(struct limits *l, const struct line_time *time, const struct line_item *items,
		  size_t n)
{
	char text[LINE_MAX_BYTES];
	size_t bytes = line_write(time, items, n, text);

	return bytes ? limits_log_append(&l->log, text, bytes) : -EMSGSIZE;
}

/*
 * Where a line is on this boot's axis. A line of another boot that stands before the
 * anchor is from an earlier one: it is no younger than the anchor. Behind the anchor it can
 * only be another machine's, on a shared home directory: it may be as young as now.
 *
 * A line of this boot keeps its wall time to the digit, so that after the next boot what it
 * charged and what is given back of that are still in one place.
 */
static struct line_time place(const struct limits *l, const struct line_time *time, int64_t latest)
{
	const struct limits_anchor *a = &l->anchor;
	bool is_ours = time->boot == l->clock.boot_id;
	int64_t at = is_ours ? time->at_ms : a->at_ms + (time->wall_ms - a->wall_ms);

	if (at > latest)
		at = latest;
	return (struct line_time){l->clock.boot_id, at,
				  is_ours ? time->wall_ms : a->wall_ms + (at - a->at_ms)};
}

/* --- from lines to memory ---------------------------------------------------------- */

static int apply_charge(struct limits *l, const struct line_item *item, const struct line_time *at)
{
	struct counter *c, *owner = NULL;
	uint64_t keep_ms =
		item->keep_ms < LIMITS_WINDOW_MAX_MS ? item->keep_ms : LIMITS_WINDOW_MAX_MS;
	int r = counters_make(&l->counters, item->key, &c);

	if (!r && item->has_value) {
		owner = c;
		r = counters_make(&l->counters, item->value, &c);
	}
	if (r)
		return r;
	counter_keep(c, keep_ms, item->for_ever);
	if (owner)
		counter_own(owner, c);
	return item->kind == LINE_BEFORE ? counter_add_before(c, at->at_ms, item->amount)
					 : counter_add(c, at->at_ms, at->wall_ms, item->amount);
}

static int apply_token(struct limits *l, const struct line_item *item, const struct line_time *at)
{
	struct counter *c;
	int r = counters_make(&l->counters, item->key, &c);

	if (r)
		return r;
	counter_clear(c);
	c->is_token = true;
	if (item->kind == LINE_TAKE)
		return 0;
	counter_keep(c, item->keep_ms < LIMITS_WINDOW_MAX_MS ? item->keep_ms : 0, false);
	return counter_add(c, at->at_ms, at->wall_ms, 1);
}

static int apply_bucket(struct limits *l, const struct line_item *item, const struct line_time *at)
{
	struct counter *c;
	int r = counters_make(&l->counters, item->key, &c);

	if (!r && item->keep_ms && item->keep_ms <= LIMITS_WINDOW_MAX_MS)
		c->bucket = (struct counter_bucket){(counter_wide)item->amount * item->keep_ms +
							    item->part,
						    at->at_ms, item->keep_ms};
	return r;
}

static int apply_name(struct limits *l, const struct line_item *item)
{
	struct counter *c;
	int r = counters_make(&l->counters, item->key, &c);

	if (!r)
		counter_set_name(c, item->name);
	return r;
}

static void apply_refund(struct limits *l, const struct line_item *item, int64_t at_ms, int64_t now)
{
	struct counter *c = counters_find(&l->counters, item->has_value ? item->value : item->key);

	if (c)
		counter_remove(c, at_ms, item->amount, now);
}

static int apply_item(struct limits *l, const struct line_item *item, const struct line_time *time,
		      int64_t latest, int64_t now)
{
	const struct line_time charged = {time->boot, item->at_ms, item->wall_ms};
	const struct line_time at = place(l, item->kind == LINE_REFUND ? &charged : time, latest);

	switch (item->kind) {
	case LINE_NONE:
	case LINE_CLOCK:
		return 0;
	case LINE_NAME:
		return apply_name(l, item);
	case LINE_CHARGE:
	case LINE_BEFORE:
		return apply_charge(l, item, &at);
	case LINE_REFUND:
		apply_refund(l, item, at.at_ms, now);
		return 0;
	case LINE_BUCKET:
		return apply_bucket(l, item, &at);
	case LINE_TOKEN:
	case LINE_TAKE:
		return time->boot == l->clock.boot_id ? apply_token(l, item, &at) : 0;
	}
	return 0;
}

int limits_apply(struct limits *l, const struct line_item *item, const struct line_time *time,
		 int64_t now)
{
	return apply_item(l, item, time, now, now);
}

static int apply_line(struct limits *l, struct span line, int64_t now, bool *is_past_anchor)
{
	struct line_time time;
	struct line_item item;
	struct span items;
	int64_t latest;
	int r;

	if (!line_read(line, &time, &items))
		return -EPROTONOSUPPORT;
	*is_past_anchor |= time.boot == l->clock.boot_id;
	latest = *is_past_anchor ? now : l->anchor.at_ms;
	while ((r = line_next(&items, &item)) > 0) {
		r = apply_item(l, &item, &time, latest, now);
		if (r)
			return r;
	}
	return r;
}

static int apply_tail(struct limits *l, const struct limits_tail *tail, int64_t now,
		      bool is_past_anchor)
{
	struct span line;
	size_t at = 0;
	int r = 0;

	while (!r && limits_tail_next(tail, &at, &line))
		r = apply_line(l, line, now, &is_past_anchor);
	return r;
}

static bool is_anchor(struct span line, uint64_t boot, struct line_time *ret)
{
	static const char end[] = "; clock";
	size_t n = sizeof(end) - 1;
	struct span items;

	return line.n > n && !memcmp(line.p + line.n - n, end, n) && line_read(line, ret, &items) &&
	       ret->boot == boot;
}

/* Return: whether this boot's anchor is among the lines */
static bool find_anchor(struct limits *l, const struct limits_tail *tail)
{
	struct line_time time;
	struct span line;
	size_t at = 0;

	while (limits_tail_next(tail, &at, &line)) {
		if (!is_anchor(line, l->clock.boot_id, &time))
			continue;
		if (!l->has_anchor)
			l->anchor = (struct limits_anchor){time.at_ms, time.wall_ms};
		l->has_anchor = true;
		return true;
	}
	return false;
}

static int write_anchor(struct limits *l, int64_t now)
{
	const struct line_item item = {.kind = LINE_CLOCK};
	struct line_time time;
	int r;

	l->anchor = (struct limits_anchor){now, l->clock.wall_ms(l->clock.context)};
	time = (struct line_time){l->clock.boot_id, now, l->anchor.wall_ms};
	r = limits_append(l, &time, &item, 1);
	l->has_anchor = !r;
	return r;
}

int limits_catch_up(struct limits *l, int64_t now)
{
	autotail struct limits_tail tail = {0};
	bool had_anchor = l->has_anchor, is_found;
	int r = limits_log_read(&l->log, &tail);

	if (r)
		return r;
	if (tail.is_fresh)
		counters_free(&l->counters);
	is_found = (!l->has_anchor || tail.is_fresh) && find_anchor(l, &tail);
	if (!l->has_anchor)
		r = write_anchor(l, now);
	/* A file that lost our anchor was compacted by another machine while we ran. */
	if (!r)
		r = apply_tail(l, &tail, now, !tail.is_fresh || (had_anchor && !is_found));
	if (r)
		l->log.was_read = false;
	return r;
}
