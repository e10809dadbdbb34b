/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/limits_internal.h - what the parts of state/limits.h share: limits.c charges,
 * limits_apply.c brings memory up to the log, limits_compact.c writes the log anew
 *
 * All of it needs the log's lock held.
 */
#ifndef MCPJAIL_STATE_LIMITS_INTERNAL_H
#define MCPJAIL_STATE_LIMITS_INTERNAL_H

#include "state/limits_check.h"
#include "state/limits_log.h"

#define COMPACT_MIN_LINES 4096

struct limits {
	struct limits_log log;
	struct limits_clock clock;
	struct counters counters;
	bool has_anchor;
	struct limits_anchor anchor;
	size_t compact_at; /* lines in the file at which to look whether it pays */
};

/** limits_time_of() - How a line says when something was, on this boot */
struct line_time limits_time_of(const struct limits *l, int64_t at_ms, int64_t now);

/** limits_append() - One line. Return: 0; -errno, nothing written */
int limits_append(struct limits *l, const struct line_time *time, const struct line_item *items,
		  size_t n);

/** limits_apply() - Take one item of a line of this boot into memory. Return: 0; -errno */
int limits_apply(struct limits *l, const struct line_item *item, const struct line_time *time,
		 int64_t now);

/** limits_catch_up() - Bring memory up to the log. On failure it is read anew the next time */
int limits_catch_up(struct limits *l, int64_t now);

/** limits_compact_if_due() - Failure costs disk space only: the old file goes on */
void limits_compact_if_due(struct limits *l, int64_t now);

#endif
