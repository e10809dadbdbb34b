/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/limits.h - exact sliding windows, shared by all runs of a user
 *
 * Counters live in a log in the state directory. All runs append to it under one lock,
 * held only while a call is checked and charged, so that together they let exactly as
 * much through as one alone would. A charge is safe from the death of any process once
 * limits_charge() has returned, and on disk once limits_flush() has.
 *
 * A counter is known by a key; the caller derives it from scope, server and name.
 */
#ifndef MCPJAIL_STATE_LIMITS_H
#define MCPJAIL_STATE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LIMITS_KEY_BYTES   16
#define LIMITS_CHARGES_MAX 16 /* of one call */
/*
 * Longest window, and how long every charge is kept: another call, run or policy may count
 * the same counter in a longer window than the one it was charged for.
 */
#define LIMITS_KEEP_MS     86400000
#define LIMITS_LOCK_MS     500 /* longest wait for the other runs */
#define LIMITS_AMOUNT_MAX  (UINT64_C(1) << 53)
#define LIMITS_FILE_MAX    (256u << 20) /* bytes of the log; beyond it is refused */

struct limits;

/* Where time comes from; tests bring their own. */
struct limits_clock {
	int64_t (*boot_ms)(void *context); /* since boot, sleep included; never steps */
	int64_t (*wall_ms)(void *context); /* since 1970; may step either way */
	uint64_t boot_id;                  /* differs after each boot */
	void *context;
};

struct limits_charge {
	uint8_t key[LIMITS_KEY_BYTES];
	uint64_t window_ms; /* 1 … LIMITS_KEEP_MS */
	uint64_t max;
	uint64_t amount; /* at most LIMITS_AMOUNT_MAX; 0 checks only */
};

/* What a call was charged, to be given back if it provably never left. */
struct limits_receipt {
	int64_t at_ms;
	size_t n;
	struct {
		uint8_t key[LIMITS_KEY_BYTES];
		uint64_t amount;
	} charged[LIMITS_CHARGES_MAX];
};

struct limits_answer {
	int over;                /* index of the first charge that does not fit; -1: all charged */
	uint64_t retry_after_ms; /* when that one would fit; UINT64_MAX: never */
	uint64_t used[LIMITS_CHARGES_MAX]; /* in each charge's window, before this call */
	struct limits_receipt receipt;
};

/**
 * limits_open() - Open, making it if need be, the log in a state directory
 * @state_dirfd: Not retained
 * @clock:       Copied; NULL for the system's clocks
 *
 * Reads nothing yet: limits_warm() or the first charge does. Afterwards no path is needed.
 *
 * Return: 0; -errno with @err filled
 */
int limits_open(int state_dirfd, const struct limits_clock *clock, struct limits **ret,
		struct error *err);
void limits_free(struct limits *limits);

/** limits_warm() - Read what others have charged, so that the first call need not. May fail
 * silently */
void limits_warm(struct limits *limits);

/**
 * limits_charge() - Check all charges of a call, then charge all or none
 *
 * In no span of a charge's window is there ever more than its max, whatever processes do
 * at once, whenever they are killed and however the wall clock is set. Where a key comes
 * twice it is charged once, with its largest amount, and checked against each window.
 *
 * Return: 0 with @ret filled, also when a limit is over; -ETIMEDOUT if the lock was not to
 * be had within LIMITS_LOCK_MS; -EBADMSG if the log is damaged; -EPROTONOSUPPORT if another
 * version of mcpjail wrote it; -ERANGE for a charge out of bounds; -errno. On failure nothing
 * has been charged
 */
int limits_charge(struct limits *limits, const struct limits_charge *charges, size_t n,
		  struct limits_answer *ret);

/**
 * limits_refund() - Give back what a call was charged
 *
 * Return: 0, also if the charge has expired; -errno
 */
int limits_refund(struct limits *limits, const struct limits_receipt *receipt);

/** limits_flush() - fdatasync what this process has written. Return: 0; -errno */
int limits_flush(struct limits *limits);

/** limits_strerror() - A failure of the above in words, for a denial's reason */
const char *limits_strerror(int error);

#endif
