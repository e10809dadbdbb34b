/* SPDX-License-Identifier: Apache-2.0 */
/**
 * unit/guard.h - bytes that end where memory ends
 *
 * A parser that reads one byte too many dies of SIGSEGV, sanitizer or not.
 */
#ifndef MCPJAIL_TESTS_UNIT_GUARD_H
#define MCPJAIL_TESTS_UNIT_GUARD_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"

#define GUARD_BYTES 131072u
#define GUARD_PAGE  4096u

struct guard {
	char *memory;
};

static inline struct guard guard_new(void)
{
	char *p = mmap(NULL, GUARD_BYTES + GUARD_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + GUARD_BYTES, GUARD_PAGE, PROT_NONE))
		abort();
	return (struct guard){p};
}

static inline void guard_free(struct guard *g)
{
	munmap(g->memory, GUARD_BYTES + GUARD_PAGE);
}

/** guard_place() - Move @n bytes so that the last one is the last before the guard */
static inline char *guard_place(struct guard *g, const void *bytes, size_t n)
{
	char *at = g->memory + GUARD_BYTES - n;

	if (n > GUARD_BYTES)
		abort();
	if (n)
		memmove(at, bytes, n);
	return at;
}

/**
 * guard_feed() - Put more bytes behind the contents of a buffer, against the guard
 *
 * The buffer's memory is the guard's: it may be consumed from, not appended to or freed.
 */
static inline void guard_feed(struct guard *g, struct buf *b, const void *bytes, size_t n)
{
	size_t len = b->len;
	char *at;

	if (len + n > GUARD_BYTES)
		abort();
	at = g->memory + GUARD_BYTES - n - len;
	if (len)
		memmove(at, b->data, len);
	if (n)
		memcpy(at + len, bytes, n);
	*b = (struct buf){
		.data = (uint8_t *)at, .len = len + n, .cap = len + n, .max = GUARD_BYTES};
}

#endif
