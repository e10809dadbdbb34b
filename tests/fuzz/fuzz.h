/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fuzz.h - what the harnesses share
 *
 * A harness is one file with a libFuzzer entry point. It asserts what must hold of
 * whatever the parser let through, not only that the parser did not crash: must().
 */
#ifndef MCPJAIL_FUZZ_H
#define MCPJAIL_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/span.h"

#define FUZZ_BUF_MAX (1u << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/** must() - A property; the input that breaks it is kept */
#define must(property)                                                                             \
	do {                                                                                       \
		if (!(property))                                                                   \
			fuzz_fail(__FILE__, __LINE__, #property);                                  \
	} while (0)

__attribute__((noreturn)) static inline void fuzz_fail(const char *file, int line,
						       const char *property)
{
	fprintf(stderr, "\n%s:%d: does not hold: %s\n", file, line, property);
	abort();
}

/** fuzz_copy() - A copy with nothing behind it, so that a read past its end is seen */
static inline char *fuzz_copy(const void *bytes, size_t n)
{
	char *copy = malloc(n ? n : 1);

	must(copy);
	if (n)
		memcpy(copy, bytes, n);
	return copy;
}

/** fuzz_buf() - A buffer that holds exactly those bytes, allocated without room behind them */
static inline struct buf fuzz_buf(const void *bytes, size_t n)
{
	if (!n)
		return BUF_INIT(FUZZ_BUF_MAX);
	return (struct buf){
		.data = (uint8_t *)fuzz_copy(bytes, n), .len = n, .cap = n, .max = FUZZ_BUF_MAX};
}

static inline bool fuzz_same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

/** fuzz_show() - Two texts that should have been one, before must() fails */
static inline void fuzz_show(const char *what, const struct buf *b)
{
	fprintf(stderr, "--- %s (%zu bytes)\n%.*s\n", what, b->len, (int)b->len, (char *)b->data);
}

/** fuzz_is_one_line() - No control bytes at all */
static inline bool fuzz_is_one_line(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] < 0x20 || b->data[i] == 0x7f)
			return false;
	return b->len > 0;
}

/** fuzz_split() - Cut @from in two at the first @mark; without one the second is empty */
static inline bool fuzz_split(struct span from, const char *mark, struct span *ret_first,
			      struct span *ret_second)
{
	size_t n = strlen(mark);
	const char *at = from.n ? memmem(from.p, from.n, mark, n) : NULL;

	*ret_first = at ? span_bytes(from.p, (size_t)(at - from.p)) : from;
	*ret_second = at ? span_bytes(at + n, from.n - ret_first->n - n) : (struct span){NULL, 0};
	return at != NULL;
}

#endif
