/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/limits_check.h - whether the charges of a call fit, by what memory knows
 */
#ifndef MCPJAIL_STATE_LIMITS_CHECK_H
#define MCPJAIL_STATE_LIMITS_CHECK_H

#include "state/counters.h"
#include "state/limits.h"

/* Which wall time went with which time since boot, when the first run of this boot looked. */
struct limits_anchor {
	int64_t at_ms, wall_ms;
};

/* The charges of a call, now. */
struct limits_call {
	const struct limits_charge *charges;
	size_t n;
	int64_t now_ms; /* since boot */
	struct limits_anchor anchor;
};

/** limits_are_sound() - Whether no charge is out of bounds */
bool limits_are_sound(const struct limits_charge *charges, size_t n);

/** limits_check() - Fill over, retry_after_ms and used of an answer. @cs: values are put in order
 */
void limits_check(const struct counters *cs, const struct limits_call *call,
		  struct limits_answer *ret);

/** limits_amount() - The largest amount that the call names for the key of charge @i */
uint64_t limits_amount(const struct limits_call *call, size_t i);

/** limits_is_repeated() - Whether an earlier charge of the call is charged for charge @i as well */
bool limits_is_repeated(const struct limits_call *call, size_t i);

#endif
