// SPDX-License-Identifier: Apache-2.0
#include "trust/der.h"

#include <errno.h>
#include <string.h>

#define LENGTH_MAX 0xffff /* far beyond any certificate here */

void der_raw(struct der *d, const void *bytes, size_t n)
{
	if (!d->error)
		d->error = buf_append(&d->bytes, bytes, n);
}

size_t der_begin(struct der *d, uint8_t tag)
{
	der_raw(d, &tag, 1);
	return d->bytes.len;
}

/* The length goes between the tag and contents that stand there already: they move. */
void der_end(struct der *d, size_t begun)
{
	size_t n = d->bytes.len - begun;
	uint8_t length[3];
	size_t n_length;

	if (d->error)
		return;
	if (n > LENGTH_MAX) {
		d->error = -EMSGSIZE;
		return;
	}
	if (n < 0x80) {
		length[0] = (uint8_t)n;
		n_length = 1;
	} else if (n < 0x100) {
		length[0] = 0x81;
		length[1] = (uint8_t)n;
		n_length = 2;
	} else {
		length[0] = 0x82;
		length[1] = (uint8_t)(n >> 8);
		length[2] = (uint8_t)n;
		n_length = 3;
	}
	der_raw(d, length, n_length);
	if (d->error)
		return;
	memmove(d->bytes.data + begun + n_length, d->bytes.data + begun, n);
	memcpy(d->bytes.data + begun, length, n_length);
}

void der_put(struct der *d, uint8_t tag, const void *contents, size_t n)
{
	size_t begun = der_begin(d, tag);

	der_raw(d, contents, n);
	der_end(d, begun);
}
