/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/limits_line.h - a line of the log of limits: one transaction, as text
 *
 *	CHECK BOOT MS TIME; ITEM; ITEM…
 *
 * CHECK is a sum over what follows it; BOOT tells boots apart, MS is since that boot, TIME is
 * the wall clock's. The items, whose keys and values are hashes:
 *
 *	clock                               the first run of a boot: how MS and TIME go together
 *	name KEY TEXT                       whose counter it is, for a person
 *	charge KEY[/VALUE] AMOUNT KEEP      KEEP: for how many ms; with + its sum for ever
 *	refund KEY[/VALUE] AMOUNT MS TIME   of what was charged then
 *	before KEY[/VALUE] AMOUNT KEEP      the sum of what is no longer kept by itself
 *	bucket KEY MISSING+PART/WINDOW      MISSING and PART/WINDOW to be refilled
 *	token KEY TTL                       one call may pass within TTL ms
 *	take KEY                            and has
 */
#ifndef MCPJAIL_STATE_LIMITS_LINE_H
#define MCPJAIL_STATE_LIMITS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "state/limits.h"

/* Of a line with as many charges as a call can have, each with a name. */
#define LINE_MAX_BYTES 8192

/* What the first line of a log begins with; another version may change everything else. */
#define LINE_MAGIC "mcpjail limits, format "
#define LINE_HEADER                                                                                \
	LINE_MAGIC "2: a line is what one call of a run counted, see mcpjail-policy(5), FILES\n"

enum line_kind {
	LINE_NONE = 0,
	LINE_CLOCK,
	LINE_NAME,
	LINE_CHARGE,
	LINE_REFUND,
	LINE_BEFORE,
	LINE_BUCKET,
	LINE_TOKEN,
	LINE_TAKE,
};

struct line_item {
	enum line_kind kind;
	uint8_t key[LIMITS_KEY_BYTES];
	uint8_t value[LIMITS_KEY_BYTES];
	bool has_value;
	uint64_t amount;
	uint64_t part;    /* of a bucket: of @keep_ms, its window */
	uint64_t keep_ms; /* of a token: its TTL */
	bool for_ever;
	int64_t at_ms, wall_ms; /* of a refund: when it was charged */
	struct span name;       /* borrowed from the line */
};

struct line_time {
	uint64_t boot;
	int64_t at_ms, wall_ms;
};

/** line_write() - Into LINE_MAX_BYTES at @ret. Return: bytes, with the line break; 0 if too long */
size_t line_write(const struct line_time *time, const struct line_item *items, size_t n, char *ret);

/** line_sum() - What CHECK is of the text behind it */
uint32_t line_sum(struct span text);

/** line_is_sound() - Whether a line, without its break, was written whole */
bool line_is_sound(struct span line);

/**
 * line_read() - The time of a sound line
 * @ret_items: What line_next() goes on with
 *
 * Return: false if the line is of another version
 */
bool line_read(struct span line, struct line_time *ret, struct span *ret_items);

/**
 * line_next() - The next item
 *
 * Return: 1; 0 at the end; -EPROTONOSUPPORT if it is of another version
 */
int line_next(struct span *items, struct line_item *ret);

#endif
