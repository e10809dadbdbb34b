/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/limits.h - what all runs of a user have used up together
 *
 * Counters live in a log in the state directory. All runs append to it under one lock,
 * held only while a call is checked and charged, so that together they let exactly as
 * much through as one alone would. A charge is safe from the death of any process once
 * limits_charge() has returned, and on disk once limits_flush() has.
 *
 * A counter is known by a key; the caller derives it from scope, server and name. No key
 * may be charged in two kinds: as a sum (sliding or fixed), as a bucket, by values, as a
 * token.
 */
#ifndef MCPJAIL_STATE_LIMITS_H
#define MCPJAIL_STATE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LIMITS_KEY_BYTES     16
#define LIMITS_CHARGES_MAX   20 /* of one call: its limits, and an approval */
#define LIMITS_LABEL_MAX     200
/*
 * How long a charge is kept at least, unless it says: another call, run or policy may count
 * the same counter in a longer window than the one it was charged for.
 */
#define LIMITS_KEEP_MS       86400000
#define LIMITS_WEEK_MS       (7 * UINT64_C(86400000))
#define LIMITS_MONTH_MS      (31 * UINT64_C(86400000))
#define LIMITS_WINDOW_MAX_MS (366 * UINT64_C(86400000))
#define LIMITS_LIFETIME_MS   UINT64_MAX /* a window without end */
#define LIMITS_LOCK_MS       500        /* longest wait for the other runs */
#define LIMITS_AMOUNT_MAX    (UINT64_C(1) << 53)
#define LIMITS_FILE_MAX      (256u << 20) /* bytes of the log; beyond it is refused */

struct limits;

/* Where time comes from; tests bring their own. */
struct limits_clock {
	int64_t (*boot_ms)(void *context); /* since boot, sleep included; never steps */
	int64_t (*wall_ms)(void *context); /* since 1970; may step either way */
	uint64_t boot_id;                  /* differs after each boot */
	void *context;
};

enum limits_algorithm {
	/* In no span of the window is there more than max. LIMITS_MONTH_MS is 31 days. */
	LIMITS_SLIDING = 0,
	/*
	 * In no window of the UTC calendar is there more than max: weeks begin on Monday,
	 * LIMITS_MONTH_MS is the calendar's month, other windows are multiples since 1970. The
	 * calendar is that of the wall clock when the first run after the boot looked, carried on
	 * by the time since boot: a clock that steps opens no window.
	 */
	LIMITS_FIXED,
	/*
	 * Holds max, is full at first, and is refilled evenly, max in each window: a call takes
	 * out its amount, or does not pass.
	 */
	LIMITS_BUCKET,
	/* Passes, once, if limits_put_token() put the key and its time is not over. */
	LIMITS_TOKEN,
};

struct limits_charge {
	uint8_t key[LIMITS_KEY_BYTES];
	enum limits_algorithm algorithm;
	/*
	 * Sliding and fixed: different values are counted instead of amounts. @value is the one of
	 * this call; one that is in the window already costs nothing, and is in it anew.
	 */
	bool counts_values;
	uint8_t value[LIMITS_KEY_BYTES]; /* a hash that no other counter's value has */
	uint64_t window_ms;              /* 1 … LIMITS_WINDOW_MAX_MS, or LIMITS_LIFETIME_MS */
	uint64_t keep_ms; /* longest window of others on the key that ends; 0: LIMITS_KEEP_MS */
	bool is_for_ever; /* others count the key in a window without end */
	uint64_t max;
	uint64_t amount;   /* at most LIMITS_AMOUNT_MAX; 0 checks only */
	const char *label; /* for who reads the log: whose counter it is; may be NULL */
};

/* What a call was charged, to be given back if it provably never left. */
struct limits_receipt {
	int64_t at_ms, wall_ms;
	size_t n;
	struct limits_charged {
		uint8_t key[LIMITS_KEY_BYTES];
		uint8_t value[LIMITS_KEY_BYTES];
		enum limits_algorithm algorithm;
		bool counts_values;
		uint64_t amount;
		uint64_t window_ms, max; /* of a bucket; of a token when it ends, since boot */
	} charged[LIMITS_CHARGES_MAX];
};

struct limits_answer {
	int over;                /* index of the first charge that does not fit; -1: all charged */
	uint64_t retry_after_ms; /* when that one would fit; UINT64_MAX: never */
	/* In each charge's window before this call; of a bucket what is missing, rounded up. */
	uint64_t used[LIMITS_CHARGES_MAX];
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
 * What the algorithms promise holds whatever processes do at once, whenever they are killed
 * and however the wall clock is set. Where a key comes twice it is charged once, with its
 * largest amount, and checked against each window.
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
 * A bucket gets back what of the charge it has not been refilled since.
 *
 * Return: 0, also if the charge has expired; -errno
 */
int limits_refund(struct limits *limits, const struct limits_receipt *receipt);

/**
 * limits_put_token() - Let one call that brings this key pass, within @ttl_ms from now
 *
 * Putting it again renews it; two in a row are one. It does not outlast a boot.
 *
 * Return: 0; -errno as of limits_charge()
 */
int limits_put_token(struct limits *limits, const uint8_t key[LIMITS_KEY_BYTES], uint64_t ttl_ms,
		     const char *label);

/** limits_flush() - fdatasync what this process has written. Return: 0; -errno */
int limits_flush(struct limits *limits);

/** limits_strerror() - A failure of the above in words, for a denial's reason */
const char *limits_strerror(int error);

#endif
