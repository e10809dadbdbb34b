/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scan_walk.h - a walk through JSON text, shared by scan.c and the lexemes it reads
 *
 * Functions that return int return 0, -EINVAL after reporting an error, or -ENOMEM.
 */
#ifndef MCPJAIL_POLICY_SCAN_WALK_H
#define MCPJAIL_POLICY_SCAN_WALK_H

#include <stdint.h>

#include "base/buf.h"
#include "policy/json/scan.h"

struct scan {
	const char *text;
	size_t n, at;
	unsigned depth;
	struct buf pointer; /* of the value at hand */
	struct buf key;     /* decoded, NUL behind it */
	/* scan_check() only */
	void (*on_problem)(void *context, const struct scan_problem *problem);
	void *context;
	/* scan_locate() only */
	struct span target;
	enum scan_part part;
	size_t best_bytes, best_at;
};

/** scan_report() - Report a problem and go on */
void scan_report(struct scan *s, size_t at, const char *what, const char *mend);

/** scan_fail() - Report a problem that ends the walk. Return: -EINVAL */
int scan_fail(struct scan *s, size_t at, const char *mend, const char *what, ...)
	__attribute__((format(printf, 4, 5)));

struct found {
	char text[32];
};

/** scan_found() - What stands at the current place, in words */
struct found scan_found(const struct scan *s);

/** scan_peek() - The byte at the current place; -1 at the end */
static inline int scan_peek(const struct scan *s)
{
	return s->at < s->n ? (uint8_t)s->text[s->at] : -1;
}

/**
 * scan_lexeme_string() - A string, from its quotation mark on
 * @decoded: Its contents are appended there; may be NULL
 */
int scan_lexeme_string(struct scan *s, struct buf *decoded);

int scan_number(struct scan *s);

/** scan_word() - true, false or null; anything else is reported as what it seems to be */
int scan_word(struct scan *s);

/** scan_no_value() - Report a place where a value or key should begin, and does not */
int scan_no_value(struct scan *s);

#endif
