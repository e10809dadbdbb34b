// SPDX-License-Identifier: Apache-2.0
#include "base/io.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES 65536

/* What a read or write leaves to do: 1 to go on, 0 when done, -errno. */
static int step(ssize_t moved, size_t *left)
{
	if (moved < 0 && errno == EINTR)
		return 1;
	if (moved <= 0)
		return moved ? -errno : -EIO;
	*left -= (size_t)moved;
	return *left > 0;
}

int io_write_all(int fd, const void *bytes, size_t n)
{
	size_t left = n;
	int r = n > 0;

	while (r == 1)
		r = step(write(fd, (const uint8_t *)bytes + (n - left), left), &left);
	return r;
}

int io_write_all_at(int fd, const void *bytes, size_t n, off_t at)
{
	size_t left = n;
	int r = n > 0;

	while (r == 1) {
		size_t done = n - left;

		r = step(pwrite(fd, (const uint8_t *)bytes + done, left, at + (off_t)done), &left);
	}
	return r;
}

int io_read_all_at(int fd, void *ret_bytes, size_t n, off_t at)
{
	size_t left = n;
	int r = n > 0;

	while (r == 1) {
		size_t done = n - left;

		r = step(pread(fd, (uint8_t *)ret_bytes + done, left, at + (off_t)done), &left);
	}
	return r;
}

/* A buffer too full for a whole chunk may yet have room for what is left. */
static void *reserve(struct buf *b, size_t *ret_room)
{
	size_t room = b->max - b->len < CHUNK_BYTES ? b->max - b->len : CHUNK_BYTES;

	*ret_room = room;
	return room ? buf_reserve(b, room) : NULL;
}

int io_read_to_end(int fd, struct buf *b)
{
	uint8_t beyond;

	for (;;) {
		size_t room;
		void *into = reserve(b, &room);
		ssize_t n;

		if (room && !into)
			return -ENOMEM;
		/* Full: only a file that ends here fits. */
		n = room ? read(fd, into, room) : read(fd, &beyond, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		if (!room)
			return -EFBIG;
		buf_commit(b, (size_t)n);
	}
}

int io_map(int fd, size_t max, struct span *ret)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size <= 0)
		return -EINVAL;
	if ((size_t)st.st_size > max)
		return -EFBIG;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = span_bytes(p, (size_t)st.st_size);
	return 0;
}

void io_unmap(struct span mapped)
{
	munmap((void *)(uintptr_t)mapped.p, mapped.n);
}
