// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_BYTES 512

void buf_free(struct buf *b)
{
	if (b->data)
		free(b->data - b->head);
	*b = BUF_INIT(b->max);
}

/* Move the contents to the front of the allocation, so that all free room is behind them. */
static void buf_rewind(struct buf *b)
{
	if (!b->head)
		return;
	memmove(b->data - b->head, b->data, b->len);
	b->data -= b->head;
	b->head = 0;
}

void *buf_reserve(struct buf *b, size_t room)
{
	if (room > b->max || b->len > b->max - room)
		return NULL;
	if (b->cap - b->head - b->len >= room && b->data)
		return b->data + b->len;
	if (b->data)
		buf_rewind(b);
	if (b->cap - b->len < room || !b->data) {
		size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
		uint8_t *grown;

		while (cap < b->len + room)
			cap *= 2;
		grown = realloc(b->data, cap);
		if (!grown)
			return NULL;
		b->data = grown;
		b->cap = cap;
	}
	return b->data + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
	assert(b->head + b->len + n <= b->cap);
	b->len += n;
}

int buf_append(struct buf *b, const void *bytes, size_t n)
{
	void *room;

	if (n > b->max || b->len > b->max - n)
		return -EMSGSIZE;
	if (!n)
		return 0;
	room = buf_reserve(b, n);
	if (!room)
		return -ENOMEM;
	memcpy(room, bytes, n);
	b->len += n;
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list ap;
	char *room;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;
	/* vsnprintf wants room for its NUL too, which is not counted as contents. */
	if ((size_t)n > b->max || b->len > b->max - (size_t)n)
		return -EMSGSIZE;
	b->max += 1;
	room = buf_reserve(b, (size_t)n + 1);
	b->max -= 1;
	if (!room)
		return -ENOMEM;
	va_start(ap, format);
	vsnprintf(room, (size_t)n + 1, format, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	b->data += n;
	b->head += n;
	if (!b->len && b->data) {
		b->data -= b->head;
		b->head = 0;
	}
}

void buf_clear(struct buf *b)
{
	if (b->len)
		buf_consume(b, b->len);
}
