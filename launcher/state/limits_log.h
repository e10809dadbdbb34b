/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/limits_log.h - the log of charges on disk, and the lock around it
 *
 * Every function but open, close, lock and flush needs the lock held. A file begins with
 * LINE_HEADER; what follows are lines as state/limits_line.h has them, one a transaction.
 */
#ifndef MCPJAIL_STATE_LIMITS_LOG_H
#define MCPJAIL_STATE_LIMITS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#include "base/error.h"
#include "state/limits_line.h"

#define LOG_BUFFER_BYTES 65536

struct limits_log {
	int lock_fd;
	int files[2];        /* generation g is in files[g & 1] */
	uint64_t generation; /* that @end belongs to */
	off_t end;           /* bytes read, written or known: whole lines */
	bool was_read;
	bool is_dirty; /* written since the last flush */
};

int limits_log_open(struct limits_log *log, int state_dirfd, struct error *err);
void limits_log_close(struct limits_log *log);

/** limits_log_lock() - Return: 0; -ETIMEDOUT; -errno */
int limits_log_lock(struct limits_log *log);
void limits_log_unlock(struct limits_log *log);

struct limits_tail {
	char *text;    /* NULL if there is none */
	size_t n;      /* bytes of sound lines, without the header */
	bool is_fresh; /* it is all there is, not an addition: forget what you know */
};

static inline void limits_tail_free(struct limits_tail *tail)
{
	free(tail->text);
}

#define autotail __attribute__((cleanup(limits_tail_free)))

/**
 * limits_log_read() - What has been appended since the last time
 *
 * Cuts off what a killed writer left half done at the end.
 *
 * Return: 0; -EPROTONOSUPPORT if another version of mcpjail wrote the log; -EBADMSG if lines
 * are damaged that others follow; -EFBIG; -errno
 */
int limits_log_read(struct limits_log *log, struct limits_tail *ret);

/** limits_tail_next() - The next line, without its break. Return: false at the end */
bool limits_tail_next(const struct limits_tail *tail, size_t *at, struct span *ret);

/** limits_log_append() - Write whole lines behind what was read. Return: 0; -errno, nothing written
 */
int limits_log_append(struct limits_log *log, const char *text, size_t n);

/* The other file, as compaction writes it. */
struct limits_rewrite {
	int fd;
	off_t end;
	size_t n;
	char buffer[LOG_BUFFER_BYTES];
};

/** limits_rewrite_begin() - Empty the file that is not in use, and write the header */
int limits_rewrite_begin(const struct limits_log *log, struct limits_rewrite *w);
int limits_rewrite_line(struct limits_rewrite *w, const struct line_time *time,
			const struct line_item *items, size_t n);

/** limits_rewrite_finish() - To disk with it, and go on in it. Return: 0; -errno, the old one goes
 * on */
int limits_rewrite_finish(struct limits_log *log, struct limits_rewrite *w);

/** limits_log_flush() - fdatasync what this process appended. Return: 0; -errno */
int limits_log_flush(struct limits_log *log);

#endif
