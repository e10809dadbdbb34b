/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/buf.h - a growable byte buffer with a hard upper bound
 *
 * Bytes are appended at the end and consumed from the front. A buffer never
 * grows beyond its @max: what does not fit is refused whole with -EMSGSIZE.
 */
#ifndef MCPJAIL_BASE_BUF_H
#define MCPJAIL_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf {
	uint8_t *data; /* first unconsumed byte; NULL while empty and unallocated */
	size_t len;    /* unconsumed bytes */
	size_t head;   /* bytes already consumed in front of data (private) */
	size_t cap;    /* allocated bytes (private) */
	size_t max;    /* bound on len, in bytes */
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

/** buf_free() - Release the memory; the buffer is empty and usable afterwards */
void buf_free(struct buf *b);

#define autobuf __attribute__((cleanup(buf_free)))

/**
 * buf_reserve() - Make room for @room bytes behind the contents
 *
 * Return: the place to write to, to be followed by buf_commit(); NULL if @room
 * would exceed the bound or memory is short
 */
void *buf_reserve(struct buf *b, size_t room);

/** buf_commit() - Count @n bytes, written into buf_reserve()'s room, as contents */
void buf_commit(struct buf *b, size_t n);

/** buf_append() - Return: 0; -EMSGSIZE beyond the bound; -ENOMEM. Nothing is written on failure */
int buf_append(struct buf *b, const void *bytes, size_t n);

/** buf_puts() - Append a string without its NUL. Returns as buf_append() */
int buf_puts(struct buf *b, const char *s);

/** buf_printf() - Append formatted text. Returns as buf_append() */
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** buf_consume() - Drop @n bytes from the front; @n must not exceed len */
void buf_consume(struct buf *b, size_t n);

/** buf_clear() - Drop all contents and keep the memory */
void buf_clear(struct buf *b);

#endif
