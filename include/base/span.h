/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/span.h - borrowed bytes: a pointer and a length, never NUL-terminated by promise
 */
#ifndef MCPJAIL_BASE_SPAN_H
#define MCPJAIL_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct span {
	const char *p; /* NULL only when n is 0 */
	size_t n;      /* bytes */
};

static inline struct span span_of(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

static inline struct span span_bytes(const void *p, size_t n)
{
	return (struct span){p, n};
}

static inline bool span_equals(struct span a, const char *s)
{
	return a.n == strlen(s) && (!a.n || !memcmp(a.p, s, a.n));
}

/** span_copy() - NUL-terminated copy. Return: false, and "" in @ret, if it does not fit */
static inline bool span_copy(struct span a, char *ret, size_t size)
{
	if (a.n >= size) {
		ret[0] = '\0';
		return false;
	}
	if (a.n)
		memcpy(ret, a.p, a.n);
	ret[a.n] = '\0';
	return true;
}

#endif
