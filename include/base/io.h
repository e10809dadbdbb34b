/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/io.h - whole reads and writes: interrupted and short ones are gone on with
 *
 * Descriptors are blocking ones. Where a file ends too soon, or no byte more is taken
 * without an error being told, the error is -EIO.
 */
#ifndef MCPJAIL_BASE_IO_H
#define MCPJAIL_BASE_IO_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/span.h"

/** io_write_all() - Write at the descriptor's own position. Return: 0; -errno */
int io_write_all(int fd, const void *bytes, size_t n);

/** io_write_all_at() - Write at @at, the position untouched. Return: 0; -errno */
int io_write_all_at(int fd, const void *bytes, size_t n, off_t at);

/** io_read_all_at() - Read exactly @n bytes from @at. Return: 0; -errno */
int io_read_all_at(int fd, void *ret_bytes, size_t n, off_t at);

/**
 * io_read_to_end() - Append all that is left, of a file or a pipe
 *
 * Return: 0; -EFBIG beyond the buffer's bound; -ENOMEM; -errno
 */
int io_read_to_end(int fd, struct buf *b);

/**
 * io_map() - Map a file that cannot shrink: a sealed memfd
 * @ret: To be given to io_unmap(). Reading it moves no position, which processes share
 *
 * Return: 0; -EINVAL if it is empty; -EFBIG beyond @max bytes; -errno
 */
int io_map(int fd, size_t max, struct span *ret);
void io_unmap(struct span mapped);

#endif
