// SPDX-License-Identifier: Apache-2.0
/*
 * The log anew, from memory: what has expired is left out, charges of one millisecond are one,
 * and what only windows without end still count is one sum.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "state/limits_internal.h"

#define COMPACT_LINE 128 /* bytes of one, about */

struct compaction {
	const struct limits *l;
	struct limits_rewrite *file;
	int64_t now;
	struct line_item items[2]; /* a name, if the next line is the first of its counter */
	size_t n;
};

static int write_kept(struct compaction *to, struct line_time time, const struct line_item *item)
{
	int r;

	to->items[to->n++] = *item;
	r = limits_rewrite_line(to->file, &time, to->items, to->n);
	to->n = 0;
	return r;
}

static struct line_time time_of_entry(const struct compaction *to, const struct counter_entry *e)
{
	return (struct line_time){to->l->clock.boot_id, e->at_ms, e->wall_ms};
}

static struct line_item kept_item(enum line_kind kind, const struct counter *owner,
				  const struct counter *c)
{
	struct line_item item = {.kind = kind,
				 .has_value = owner,
				 .keep_ms = c->keep_ms,
				 .for_ever = c->is_for_ever};

	memcpy(item.key, owner ? owner->key : c->key, LIMITS_KEY_BYTES);
	memcpy(item.value, c->key, LIMITS_KEY_BYTES);
	return item;
}

static int keep_charges(struct compaction *to, const struct counter *owner, const struct counter *c)
{
	struct line_item item = kept_item(LINE_BEFORE, owner, c);
	int r = 0;

	item.amount = counter_ever(c);
	if (item.amount)
		r = write_kept(to, limits_time_of(to->l, c->horizon_ms, to->now), &item);
	item.kind = LINE_CHARGE;
	for (size_t i = c->first; !r && i < c->end; i++) {
		item.amount = counter_amount(c, i);
		if (item.amount)
			r = write_kept(to, time_of_entry(to, &c->entries[i]), &item);
	}
	return r;
}

static int keep_bucket(struct compaction *to, const struct counter *c)
{
	const struct counter_bucket *b = &c->bucket;
	struct line_item item = kept_item(LINE_BUCKET, NULL, c);

	if (!b->missing)
		return 0;
	item.amount = (uint64_t)(b->missing / b->window_ms);
	item.part = (uint64_t)(b->missing % b->window_ms);
	item.keep_ms = b->window_ms;
	return write_kept(to, limits_time_of(to->l, b->at_ms, to->now), &item);
}

static int keep_token(struct compaction *to, const struct counter *c)
{
	struct line_item item = kept_item(LINE_TOKEN, NULL, c);

	return write_kept(to, time_of_entry(to, &c->entries[c->first]), &item);
}

static int keep_counter(struct compaction *to, const struct counter *c)
{
	int r = 0;

	to->n = 0;
	if (c->name) {
		to->items[0] = kept_item(LINE_NAME, NULL, c);
		to->items[0].name = span_of(c->name);
		to->n = 1;
	}
	if (c->is_token && c->first < c->end)
		return keep_token(to, c);
	if (!c->is_value)
		r = keep_charges(to, NULL, c);
	for (const struct counter *v = c->values; !r && v; v = v->next)
		r = keep_charges(to, c, v);
	return r ? r : keep_bucket(to, c);
}

static int compact(struct limits *l, struct limits_rewrite *file, int64_t now)
{
	const struct line_item anchor = {.kind = LINE_CLOCK};
	struct line_time time = {l->clock.boot_id, l->anchor.at_ms, l->anchor.wall_ms};
	struct compaction to = {.l = l, .file = file, .now = now};
	int r = limits_rewrite_begin(&l->log, file);

	if (!r)
		r = limits_rewrite_line(file, &time, &anchor, 1);
	for (size_t i = 0; !r && i < l->counters.n_slots; i++)
		if (l->counters.slots[i])
			r = keep_counter(&to, l->counters.slots[i]);
	return r ? r : limits_rewrite_finish(&l->log, file);
}

void limits_compact_if_due(struct limits *l, int64_t now)
{
	size_t in_file = (size_t)l->log.end / COMPACT_LINE, live;
	autofree struct limits_rewrite *file = NULL;

	if (in_file < l->compact_at)
		return;
	live = counters_expire(&l->counters, now);
	if (in_file >= 2 * live + COMPACT_MIN_LINES / 2) {
		file = malloc(sizeof(*file));
		if (file)
			(void)compact(l, file, now);
	}
	l->compact_at = 2 * live + COMPACT_MIN_LINES;
}
