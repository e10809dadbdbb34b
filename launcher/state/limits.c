// SPDX-License-Identifier: Apache-2.0
/*
 * Under the lock: read what others appended, check every charge, append all charges as one
 * batch. Memory is only a cache of the log.
 *
 * Time. All charges of this boot are placed by CLOCK_BOOTTIME, so that setting the wall
 * clock changes nothing. For charges of earlier boots there is only the wall clock: the
 * first run after a boot writes down which wall time went with which boot time (an anchor),
 * and all runs of this boot place the earlier charges by that anchor alone. A charge is
 * stored with the later of the wall clock and the anchor's idea of it, so that a clock that
 * was set back does not make it look older after the next boot.
 */
#include "state/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "state/counters.h"
#include "state/limits_log.h"

#define COMPACT_MIN_ENTRIES 4096

struct limits {
	struct limits_log log;
	struct limits_clock clock;
	struct counters counters;
	bool has_anchor;
	int64_t anchor_at_ms, anchor_wall_ms;
	size_t compact_at; /* entries in the file at which to look whether it pays */
};

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
	l->compact_at = COMPACT_MIN_ENTRIES;
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

static int64_t wall_ms_of(const struct limits *l, int64_t at_ms, int64_t now)
{
	int64_t by_anchor = l->anchor_wall_ms + (at_ms - l->anchor_at_ms);
	int64_t by_clock = l->clock.wall_ms(l->clock.context) - (now - at_ms);

	return by_anchor > by_clock ? by_anchor : by_clock;
}

static struct log_entry new_entry(const struct limits *l, enum log_kind kind, int64_t at_ms,
				  int64_t now)
{
	return (struct log_entry){.kind = (uint16_t)kind,
				  .boot = l->clock.boot_id,
				  .at_ms = at_ms,
				  .wall_ms = wall_ms_of(l, at_ms, now)};
}

/*
 * Where an entry is on this boot's axis. An entry of another boot that stands before the
 * anchor is from an earlier one: it is no younger than the anchor. Behind the anchor it can
 * only be another machine's, on a shared home directory: it may be as young as now.
 */
static int64_t place(const struct limits *l, const struct log_entry *e, int64_t latest)
{
	int64_t at = e->at_ms;

	if (e->boot != l->clock.boot_id)
		at = l->anchor_at_ms + (e->wall_ms - l->anchor_wall_ms);
	return at < latest ? at : latest;
}

static int apply(struct limits *l, const struct log_entry *entries, size_t n, int64_t now,
		 bool is_past_anchor)
{
	int r = 0;

	for (size_t i = 0; !r && i < n; i++) {
		const struct log_entry *e = &entries[i];
		bool is_ours = e->boot == l->clock.boot_id;
		int64_t latest = is_ours || is_past_anchor ? now : l->anchor_at_ms;

		is_past_anchor |= is_ours;
		if (e->kind == LOG_CHARGE)
			r = counters_add(&l->counters, e->key, place(l, e, latest), e->amount,
					 e->keep_ms < LIMITS_KEEP_MS ? e->keep_ms : LIMITS_KEEP_MS);
		else if (e->kind == LOG_REFUND)
			counters_remove(&l->counters, e->key, place(l, e, latest), e->amount, now);
	}
	return r;
}

/* Return: whether this boot's anchor is among the entries */
static bool find_anchor(struct limits *l, const struct log_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (entries[i].kind != LOG_BOOT || entries[i].boot != l->clock.boot_id)
			continue;
		if (!l->has_anchor) {
			l->anchor_at_ms = entries[i].at_ms;
			l->anchor_wall_ms = entries[i].wall_ms;
		}
		l->has_anchor = true;
		return true;
	}
	return false;
}

static int write_anchor(struct limits *l, int64_t now)
{
	struct log_entry e;
	int r;

	l->anchor_at_ms = now;
	l->anchor_wall_ms = l->clock.wall_ms(l->clock.context);
	e = new_entry(l, LOG_BOOT, now, now);
	r = limits_log_append(&l->log, &e, 1);
	l->has_anchor = !r;
	return r;
}

/* Bring memory up to the log. On failure it is forgotten, and read anew the next time. */
static int catch_up(struct limits *l, int64_t now)
{
	autofree struct log_entry *entries = NULL;
	size_t n;
	bool is_fresh, had_anchor = l->has_anchor, is_found;
	int r = limits_log_read(&l->log, &entries, &n, &is_fresh);

	if (r)
		return r;
	if (is_fresh)
		counters_free(&l->counters);
	is_found = find_anchor(l, entries, n);
	if (!l->has_anchor)
		r = write_anchor(l, now);
	/* A file that lost our anchor was compacted by another machine while we ran. */
	if (!r)
		r = apply(l, entries, n, now, !is_fresh || (had_anchor && !is_found));
	if (r)
		l->log.was_read = false;
	return r;
}

static int compact(struct limits *l, size_t live, int64_t now)
{
	autofree struct log_entry *entries = reallocarray(NULL, live + 1, sizeof(*entries));
	size_t n = 0;

	if (!entries)
		return -ENOMEM;
	entries[n] = new_entry(l, LOG_BOOT, l->anchor_at_ms, now);
	entries[n++].wall_ms = l->anchor_wall_ms;
	for (size_t i = 0; i < l->counters.n_slots; i++) {
		const struct counter *c = l->counters.slots[i];

		for (size_t j = c ? c->first : 0; c && j < c->end; j++) {
			struct log_entry *e = &entries[n];

			*e = new_entry(l, LOG_CHARGE, c->entries[j].at_ms, now);
			e->amount = counter_amount(c, j);
			e->keep_ms = c->keep_ms;
			memcpy(e->key, c->key, sizeof(e->key));
			n += e->amount > 0;
		}
	}
	return limits_log_replace(&l->log, entries, n);
}

/* Failure costs disk space only: the old file goes on. */
static void compact_if_due(struct limits *l, int64_t now)
{
	size_t in_file = (size_t)l->log.end / sizeof(struct log_entry);
	size_t live;

	if (in_file < l->compact_at)
		return;
	live = counters_expire(&l->counters, now);
	if (in_file >= 2 * live + COMPACT_MIN_ENTRIES / 2)
		(void)compact(l, live, now);
	l->compact_at = 2 * live + COMPACT_MIN_ENTRIES;
}

void limits_warm(struct limits *l)
{
	if (limits_log_lock(&l->log))
		return;
	(void)catch_up(l, now_ms(l));
	limits_log_unlock(&l->log);
}

static uint64_t largest_amount(const struct limits_charge *charges, size_t n, size_t i)
{
	uint64_t amount = 0;

	for (size_t j = 0; j < n; j++)
		if (!memcmp(charges[j].key, charges[i].key, LIMITS_KEY_BYTES) &&
		    charges[j].amount > amount)
			amount = charges[j].amount;
	return amount;
}

static void check_all(const struct limits *l, const struct limits_charge *charges, size_t n,
		      int64_t now, struct limits_answer *answer)
{
	for (size_t i = 0; i < n; i++) {
		const struct limits_charge *charge = &charges[i];
		const struct counter *c = counters_find(&l->counters, charge->key);
		uint64_t amount = largest_amount(charges, n, i);
		uint64_t used = counter_used(c, now, charge->window_ms);

		answer->used[i] = used;
		if (answer->over >= 0 || (used <= charge->max && amount <= charge->max - used))
			continue;
		answer->over = (int)i;
		answer->retry_after_ms = amount > charge->max
						 ? UINT64_MAX
						 : counter_retry_after(c, now, charge->window_ms,
								       charge->max - amount);
	}
}

/* One batch, in which each key comes once. */
static size_t make_batch(const struct limits *l, const struct limits_charge *charges, size_t n,
			 int64_t now, struct log_entry *batch)
{
	size_t n_batch = 0;

	for (size_t i = 0; i < n; i++) {
		struct log_entry e = new_entry(l, LOG_CHARGE, now, now);
		size_t at = 0;

		e.amount = largest_amount(charges, n, i);
		e.keep_ms = LIMITS_KEEP_MS;
		memcpy(e.key, charges[i].key, sizeof(e.key));
		while (at < n_batch && memcmp(batch[at].key, e.key, sizeof(e.key)))
			at++;
		if (at == n_batch && e.amount)
			batch[n_batch++] = e;
	}
	return n_batch;
}

static int charge_all(struct limits *l, const struct limits_charge *charges, size_t n, int64_t now,
		      struct limits_receipt *ret_receipt)
{
	struct log_entry batch[LIMITS_CHARGES_MAX];
	size_t n_batch = make_batch(l, charges, n, now, batch);
	int r;

	if (!n_batch)
		return 0;
	r = limits_log_append(&l->log, batch, n_batch);
	if (r)
		return r;
	r = apply(l, batch, n_batch, now, true);
	if (r) {
		/* The charge stands in the log; memory does not know it and must be read anew. */
		l->log.was_read = false;
		return r;
	}
	ret_receipt->at_ms = now;
	ret_receipt->n = n_batch;
	for (size_t i = 0; i < n_batch; i++) {
		memcpy(ret_receipt->charged[i].key, batch[i].key, LIMITS_KEY_BYTES);
		ret_receipt->charged[i].amount = batch[i].amount;
	}
	return 0;
}

static bool charges_are_in_bounds(const struct limits_charge *charges, size_t n)
{
	if (n > LIMITS_CHARGES_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!charges[i].window_ms || charges[i].window_ms > LIMITS_KEEP_MS ||
		    charges[i].amount > LIMITS_AMOUNT_MAX)
			return false;
	return true;
}

int limits_charge(struct limits *l, const struct limits_charge *charges, size_t n,
		  struct limits_answer *ret)
{
	struct limits_answer answer = {.over = -1};
	int64_t now;
	int r;

	if (!charges_are_in_bounds(charges, n))
		return -ERANGE;
	r = limits_log_lock(&l->log);
	if (r)
		return r;
	/* Only now: times in the log never decrease, because the lock is held. */
	now = now_ms(l);
	r = catch_up(l, now);
	if (!r) {
		check_all(l, charges, n, now, &answer);
		if (answer.over < 0)
			r = charge_all(l, charges, n, now, &answer.receipt);
		if (!r)
			compact_if_due(l, now);
	}
	limits_log_unlock(&l->log);
	if (!r)
		*ret = answer;
	return r;
}

int limits_refund(struct limits *l, const struct limits_receipt *receipt)
{
	struct log_entry batch[LIMITS_CHARGES_MAX];
	int64_t now;
	int r;

	if (!receipt->n)
		return 0;
	r = limits_log_lock(&l->log);
	if (r)
		return r;
	now = now_ms(l);
	r = catch_up(l, now);
	for (size_t i = 0; i < receipt->n; i++) {
		batch[i] = new_entry(l, LOG_REFUND, receipt->at_ms, now);
		batch[i].amount = receipt->charged[i].amount;
		memcpy(batch[i].key, receipt->charged[i].key, LIMITS_KEY_BYTES);
	}
	if (!r)
		r = limits_log_append(&l->log, batch, receipt->n);
	if (!r)
		r = apply(l, batch, receipt->n, now, true);
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
		       "of "
		       "the state directory to start counting afresh";
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
