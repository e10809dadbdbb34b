/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ipc/wire.h - payloads of messages between roles, described by tables
 *
 * A payload is the sequence of its fields in the table's order: integers little
 * endian, byte strings and lists behind a 32-bit count. No role ever sees another
 * role's struct: decoding checks every count against the table and the payload's end.
 */
#ifndef MCPJAIL_IPC_WIRE_H
#define MCPJAIL_IPC_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum wire_kind { WIRE_KIND_U8 = 1, WIRE_KIND_U32, WIRE_KIND_U64, WIRE_KIND_SPAN, WIRE_KIND_LIST };

struct wire_field {
	enum wire_kind kind;
	size_t offset;                   /* of the member in the struct */
	uint32_t max;                    /* spans: bytes; lists: elements */
	const struct wire_type *element; /* lists: what is in it */
	size_t count_offset;             /* lists: of the size_t that holds the count */
};

struct wire_type {
	const struct wire_field *fields;
	size_t n_fields;
	size_t size; /* sizeof the struct */
};

#define WIRE_U8(type, member)                                                                      \
	{                                                                                          \
		WIRE_KIND_U8, offsetof(type, member), 0, NULL, 0                                   \
	}
#define WIRE_U32(type, member)                                                                     \
	{                                                                                          \
		WIRE_KIND_U32, offsetof(type, member), 0, NULL, 0                                  \
	}
#define WIRE_U64(type, member)                                                                     \
	{                                                                                          \
		WIRE_KIND_U64, offsetof(type, member), 0, NULL, 0                                  \
	}
#define WIRE_SPAN(type, member, max_)                                                              \
	{                                                                                          \
		WIRE_KIND_SPAN, offsetof(type, member), max_, NULL, 0                              \
	}
/* @member is an array in the struct, @count the size_t beside it */
#define WIRE_LIST(type, member, count, element_)                                                   \
	{                                                                                          \
		WIRE_KIND_LIST, offsetof(type, member),                                            \
			sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0]), element_,    \
			offsetof(type, count)                                                      \
	}
#define WIRE_TYPE(type, table)                                                                     \
	{                                                                                          \
		table, sizeof(table) / sizeof((table)[0]), sizeof(type)                            \
	}

/**
 * wire_encode() - Append the payload of a struct
 *
 * Return: 0; -EMSGSIZE if a span or list is over its table's maximum or @ret_payload's
 * bound is reached; -ENOMEM
 */
int wire_encode(const struct wire_type *type, const void *from, struct buf *ret_payload);

/**
 * wire_decode() - Fill a struct from a payload
 * @ret: Its spans borrow from @payload. Zeroed on failure
 *
 * Return: 0; -EBADMSG unless the payload is exactly one value of the type
 */
int wire_decode(const struct wire_type *type, const void *payload, size_t n, void *ret);

#endif
