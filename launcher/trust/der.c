// SPDX-License-Identifier: Apache-2.0
#include "trust/der.h"

#include <errno.h>
#include <string.h>

#define LENGTH_MAX     0xffff /* far beyond any certificate here */
#define DER_LENGTH_MAX 3      /* bytes of such a length */

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

/* Return: how many bytes of @ret hold the length */
static size_t length_bytes(size_t n, uint8_t ret[DER_LENGTH_MAX])
{
	if (n < 0x80) {
		ret[0] = (uint8_t)n;
		return 1;
	}
	if (n < 0x100) {
		ret[0] = 0x81;
		ret[1] = (uint8_t)n;
		return 2;
	}
	ret[0] = 0x82;
	ret[1] = (uint8_t)(n >> 8);
	ret[2] = (uint8_t)n;
	return 3;
}

size_t der_size(size_t n)
{
	uint8_t length[DER_LENGTH_MAX];

	return 1 + length_bytes(n, length) + n;
}

void der_head(struct der *d, uint8_t tag, size_t n)
{
	uint8_t head[1 + DER_LENGTH_MAX] = {tag};

	if (!d->error && n > LENGTH_MAX)
		d->error = -EMSGSIZE;
	der_raw(d, head, 1 + length_bytes(n, head + 1));
}

/* The length goes between the tag and contents that stand there already: they move. */
void der_end(struct der *d, size_t begun)
{
	size_t n = d->bytes.len - begun;
	uint8_t length[DER_LENGTH_MAX];
	size_t n_length;

	if (d->error)
		return;
	if (n > LENGTH_MAX) {
		d->error = -EMSGSIZE;
		return;
	}
	n_length = length_bytes(n, length);
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
