/* SPDX-License-Identifier: Apache-2.0 */
/**
 * trust/der.h - write the little of X.690 DER that a certificate needs
 *
 * Elements are begun, filled and ended; the length is set at the end. The first failure
 * sticks in @error and makes the rest do nothing.
 */
#ifndef MCPJAIL_TRUST_DER_H
#define MCPJAIL_TRUST_DER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum der_tag {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_UTF8_STRING = 0x0c,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,     /* plus the number; primitive */
	DER_CONSTRUCTED = 0x20, /* or'ed */
};

struct der {
	struct buf bytes;
	int error; /* 0; -errno */
};

/** der_begin() - Return: where the element begins, for der_end() */
size_t der_begin(struct der *d, uint8_t tag);
void der_end(struct der *d, size_t begun);

/** der_head() - Begin an element of which the length is known; der_end() is not needed */
void der_head(struct der *d, uint8_t tag, size_t n);

/** der_size() - Bytes of a whole element with @n bytes of contents */
size_t der_size(size_t n);

/** der_put() - A whole element */
void der_put(struct der *d, uint8_t tag, const void *contents, size_t n);

/** der_raw() - Bytes that are DER already */
void der_raw(struct der *d, const void *bytes, size_t n);

#endif
