// SPDX-License-Identifier: Apache-2.0
/*
 * An entry: 40 bytes of what stat(2) said, among them the mode, the object's hash, 16 bits of
 * flags, in versions from 3 on 16 more if the first say so, and the path. In version 4 of
 * that only what differs from the end of the path before. Behind the entries are extensions,
 * and the hash of it all, whose bytes are taken for an extension that has no end.
 */
#include "jail/keeps/git_index.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define STAT_BYTES     40
#define MODE_AT        24
#define MODE_TYPE      0xf000u
#define MODE_SUBMODULE 0xe000u
#define FLAG_EXTENDED  0x4000u

struct reader {
	int fd;
	uint8_t bytes[16384];
	size_t at, n;
	uint64_t taken;
};

struct entry {
	uint8_t fixed[STAT_BYTES + GIT_SHA256_BYTES + 2];
	char path[GIT_INDEX_PATH_MAX];
	size_t path_n;
	size_t size; /* of what was taken for it */
};

static int fill(struct reader *in)
{
	ssize_t n = read(in->fd, in->bytes, sizeof(in->bytes));

	if (n <= 0)
		return n ? -errno : -EBADMSG;
	in->n = (size_t)n;
	in->at = 0;
	in->taken += in->n;
	return in->taken > GIT_INDEX_BYTES_MAX ? -EFBIG : 0;
}

/* @ret: NULL: passed over */
static int take(struct reader *in, uint8_t *ret, uint64_t n)
{
	while (n) {
		size_t part;
		int r = in->at == in->n ? fill(in) : 0;

		if (r)
			return r;
		part = in->n - in->at < n ? in->n - in->at : (size_t)n;
		if (ret) {
			memcpy(ret, in->bytes + in->at, part);
			ret += part;
		}
		in->at += part;
		n -= part;
	}
	return 0;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Version 4's: seven bits a byte, the first ones first, each further byte counting one more. */
static int take_strip(struct reader *in, size_t *ret)
{
	uint64_t value = 0;
	uint8_t byte = 0x80;

	for (bool is_first = true; byte & 0x80; is_first = false) {
		int r = take(in, &byte, 1);

		if (r)
			return r;
		value = ((is_first ? 0 : value + 1) << 7) | (byte & 0x7f);
		if (value >= GIT_INDEX_PATH_MAX)
			return -EBADMSG;
	}
	*ret = (size_t)value;
	return 0;
}

/* Up to its NUL, behind the first @kept bytes of the one before. */
static int take_path(struct reader *in, struct entry *e, size_t kept)
{
	for (e->path_n = kept; e->path_n < sizeof(e->path); e->path_n++) {
		int r = take(in, (uint8_t *)&e->path[e->path_n], 1);

		e->size++;
		if (r)
			return r;
		if (!e->path[e->path_n])
			return 0;
	}
	return -EBADMSG;
}

static int take_entry(struct reader *in, uint32_t version, size_t hash_bytes, struct entry *e)
{
	size_t fixed = STAT_BYTES + hash_bytes + 2, strip = 0, before = e->path_n;
	int r = take(in, e->fixed, fixed);

	e->size = fixed;
	if (!r && version >= 3 && e->fixed[fixed - 2] & FLAG_EXTENDED >> 8) {
		r = take(in, NULL, 2);
		e->size += 2;
	}
	if (!r && version == 4)
		r = take_strip(in, &strip);
	if (!r && strip > before)
		r = -EBADMSG;
	if (!r)
		r = take_path(in, e, version == 4 ? before - strip : 0);
	/* Its NUL is the first of one to eight. */
	return r || version == 4 ? r : take(in, NULL, (8 - e->size % 8) % 8);
}

static int take_extensions(struct reader *in, size_t hash_bytes,
			   int (*found)(void *, enum git_index_found, const char *), void *context)
{
	uint8_t head[8], base[GIT_SHA256_BYTES];
	char text[2 * sizeof(base) + 1];
	int r;

	while (!(r = take(in, head, sizeof(head)))) {
		uint32_t size = be32(head + 4);

		if (!memcmp(head, "link", 4) && size >= hash_bytes) {
			r = take(in, base, hash_bytes);
			text_hex(base, hash_bytes, text);
			r = r ? r : found(context, GIT_INDEX_BASE, text);
			size -= (uint32_t)hash_bytes;
		}
		r = r ? r : take(in, NULL, size);
		if (r)
			break;
	}
	return r == -EBADMSG ? 0 : r;
}

int git_index_read(int fd, size_t hash_bytes,
		   int (*found)(void *context, enum git_index_found what, const char *text),
		   void *context)
{
	struct reader in = {.fd = fd};
	struct entry e = {.path_n = 0};
	uint8_t head[12];
	uint32_t version, n;
	int r = take(&in, head, sizeof(head));

	if (r)
		return r;
	version = be32(head + 4);
	n = be32(head + 8);
	if (memcmp(head, "DIRC", 4) || version < 2 || version > 4)
		return -EBADMSG;
	for (uint32_t i = 0; !r && i < n; i++) {
		r = take_entry(&in, version, hash_bytes, &e);
		if (!r && (be32(e.fixed + MODE_AT) & MODE_TYPE) == MODE_SUBMODULE)
			r = found(context, GIT_INDEX_SUBMODULE, e.path);
	}
	return r ? r : take_extensions(&in, hash_bytes, found, context);
}
