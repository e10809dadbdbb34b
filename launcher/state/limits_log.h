/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/limits_log.h - the log of charges on disk, and the lock around it
 *
 * Every function but open, close, lock and flush needs the lock held.
 *
 * A file begins with an entry of kind LOG_FORMAT, whose amount is LOG_VERSION. Another
 * version of mcpjail may change everything but the layout of that first entry.
 */
#ifndef MCPJAIL_STATE_LIMITS_LOG_H
#define MCPJAIL_STATE_LIMITS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "state/limits.h"

#define LOG_VERSION 1

enum log_kind { LOG_CHARGE = 1, LOG_REFUND, LOG_BOOT, LOG_FORMAT };

/* As it stands on disk: the byte order is the machine's, which the log never leaves. */
struct log_entry {
	uint32_t check; /* over the rest; torn or zeroed entries fail it */
	uint16_t kind;  /* enum log_kind */
	uint16_t left;  /* entries of the same batch that follow */
	uint64_t boot;
	int64_t at_ms; /* since that boot */
	int64_t wall_ms;
	uint64_t amount;
	uint64_t keep_ms;
	uint8_t key[LIMITS_KEY_BYTES];
};

_Static_assert(sizeof(struct log_entry) == 64, "entries have no padding");

#define LOG_BATCH_MAX (LIMITS_CHARGES_MAX + 1)

struct limits_log {
	int lock_fd;
	int files[2];        /* generation g is in files[g & 1] */
	uint64_t generation; /* that @end belongs to */
	off_t end;           /* bytes read, written or known: a whole number of batches */
	bool was_read;
	bool is_dirty; /* written since the last flush */
};

int limits_log_open(struct limits_log *log, int state_dirfd, struct error *err);
void limits_log_close(struct limits_log *log);

/** limits_log_lock() - Return: 0; -ETIMEDOUT; -errno */
int limits_log_lock(struct limits_log *log);
void limits_log_unlock(struct limits_log *log);

/**
 * limits_log_read() - What has been appended since the last time
 * @ret_entries:  Owned by the caller; only whole batches, of known kinds
 * @ret_is_fresh: The entries are all there are, not an addition: forget what you know
 *
 * Cuts off what a killed writer left half done at the end.
 *
 * Return: 0; -EPROTONOSUPPORT if another version of mcpjail wrote the log, or an entry of it;
 * -EBADMSG if entries are damaged that others follow; -EFBIG; -errno
 */
int limits_log_read(struct limits_log *log, struct log_entry **ret_entries, size_t *ret_n,
		    bool *ret_is_fresh);

/** limits_log_append() - Write one batch behind what was read. Return: 0; -errno, nothing written
 */
int limits_log_append(struct limits_log *log, struct log_entry *batch, size_t n);

/** limits_log_replace() - Compaction: go on in the other file, with these entries alone */
int limits_log_replace(struct limits_log *log, struct log_entry *entries, size_t n);

/** limits_log_flush() - fdatasync what this process appended. Return: 0; -errno */
int limits_log_flush(struct limits_log *log);

#endif
