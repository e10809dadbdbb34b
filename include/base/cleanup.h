/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/cleanup.h - scope-bound ownership of descriptors and memory
 *
 * Acquire and declare on one line with autoclose or autofree; hand ownership
 * over with fd_take() or ptr_take(), which leave the variable empty.
 */
#ifndef MCPJAIL_BASE_CLEANUP_H
#define MCPJAIL_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void cleanup_free(void *slot)
{
	free(*(void **)slot);
}

#define autoclose __attribute__((cleanup(cleanup_close)))
#define autofree  __attribute__((cleanup(cleanup_free)))

/** fd_take() - Hand over a descriptor; the slot becomes -1 */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/** fd_close() - Close the descriptor in a slot, if there is one, and empty it */
static inline void fd_close(int *fd)
{
	cleanup_close(fd);
}

/** ptr_take() - Hand over a pointer; the slot becomes NULL */
#define ptr_take(slot)                                                                             \
	({                                                                                         \
		__auto_type taken_ = *(slot);                                                      \
		*(slot) = NULL;                                                                    \
		taken_;                                                                            \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
