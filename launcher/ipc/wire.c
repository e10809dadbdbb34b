// SPDX-License-Identifier: Apache-2.0
#include "ipc/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static int put_int(struct buf *b, uint64_t value, size_t width)
{
	uint8_t le[8];

	for (size_t i = 0; i < width; i++)
		le[i] = (uint8_t)(value >> (8 * i));
	return buf_append(b, le, width);
}

static int put_field(const struct wire_field *f, const char *base, struct buf *b)
{
	const char *at = base + f->offset;
	struct span span;
	size_t count;
	int r;

	switch (f->kind) {
	case WIRE_KIND_U8:
		return put_int(b, *(const uint8_t *)at, 1);
	case WIRE_KIND_U32:
		return put_int(b, *(const uint32_t *)(const void *)at, 4);
	case WIRE_KIND_U64:
		return put_int(b, *(const uint64_t *)(const void *)at, 8);
	case WIRE_KIND_SPAN:
		span = *(const struct span *)(const void *)at;
		if (span.n > f->max)
			return -EMSGSIZE;
		r = put_int(b, span.n, 4);
		return r ? r : buf_append(b, span.p, span.n);
	case WIRE_KIND_LIST:
		count = *(const size_t *)(const void *)(base + f->count_offset);
		if (count > f->max)
			return -EMSGSIZE;
		r = put_int(b, count, 4);
		for (size_t i = 0; !r && i < count; i++)
			r = wire_encode(f->element, at + i * f->element->size, b);
		return r;
	}
	return -EINVAL;
}

int wire_encode(const struct wire_type *type, const void *from, struct buf *ret_payload)
{
	int r = 0;

	for (size_t i = 0; !r && i < type->n_fields; i++)
		r = put_field(&type->fields[i], from, ret_payload);
	return r;
}

struct reader {
	const uint8_t *p;
	size_t left;
};

static bool get_int(struct reader *in, size_t width, uint64_t *ret)
{
	uint64_t value = 0;

	if (in->left < width)
		return false;
	for (size_t i = 0; i < width; i++)
		value |= (uint64_t)in->p[i] << (8 * i);
	in->p += width;
	in->left -= width;
	*ret = value;
	return true;
}

static bool get_type(const struct wire_type *type, struct reader *in, char *base);

static bool get_field(const struct wire_field *f, struct reader *in, char *base)
{
	char *at = base + f->offset;
	uint64_t value = 0;

	switch (f->kind) {
	case WIRE_KIND_U8:
		if (!get_int(in, 1, &value))
			return false;
		*(uint8_t *)at = (uint8_t)value;
		return true;
	case WIRE_KIND_U32:
		if (!get_int(in, 4, &value))
			return false;
		*(uint32_t *)(void *)at = (uint32_t)value;
		return true;
	case WIRE_KIND_U64:
		return get_int(in, 8, (uint64_t *)(void *)at);
	case WIRE_KIND_SPAN:
		if (!get_int(in, 4, &value) || value > f->max || value > in->left)
			return false;
		*(struct span *)(void *)at = span_bytes(in->p, value);
		in->p += value;
		in->left -= value;
		return true;
	case WIRE_KIND_LIST:
		if (!get_int(in, 4, &value) || value > f->max)
			return false;
		*(size_t *)(void *)(base + f->count_offset) = value;
		for (size_t i = 0; i < value; i++)
			if (!get_type(f->element, in, at + i * f->element->size))
				return false;
		return true;
	}
	return false;
}

static bool get_type(const struct wire_type *type, struct reader *in, char *base)
{
	for (size_t i = 0; i < type->n_fields; i++)
		if (!get_field(&type->fields[i], in, base))
			return false;
	return true;
}

int wire_decode(const struct wire_type *type, const void *payload, size_t n, void *ret)
{
	struct reader in = {payload, n};

	memset(ret, 0, type->size);
	if (get_type(type, &in, ret) && !in.left)
		return 0;
	memset(ret, 0, type->size);
	return -EBADMSG;
}
