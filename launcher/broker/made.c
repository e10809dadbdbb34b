// SPDX-License-Identifier: Apache-2.0
/*
 * Whether a name still leads to the file that bind() made cannot be known from the name: the
 * agent may have put a link to a socket of the host's there in between. The kernel knows the
 * file of a socket; it tells the inode's lower 32 bits and the file system's device. Where
 * stat() tells another device for the same file (btrfs has one for each subvolume, overlay
 * for each layer), inodes of one number may exist side by side: there the file must be as
 * young as the bind.
 */
#include "broker/made.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/diag.h"

#define SWEEP_FIRST 64 /* entries at which those of sockets that are gone are first dropped */

struct entry {
	struct unix_diag_id id;
	dev_t dev; /* for a file */
	ino_t ino;
	socklen_t name_n; /* bytes of an abstract name; 0: it is a file */
	char name[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

struct made {
	pthread_mutex_t lock;
	int diag;
	struct entry *entries;
	size_t n, sweep_at;
};

int made_new(struct made **ret)
{
	struct made *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	pthread_mutex_init(&m->lock, NULL);
	m->diag = diag_open();
	if (m->diag < 0) {
		r = m->diag;
		free(m);
		return r;
	}
	*ret = m;
	return 0;
}

void made_free(struct made *m)
{
	if (!m)
		return;
	close(m->diag);
	free(m->entries);
	free(m);
}

static void sweep(struct made *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (unix_diag_exists(m->diag, &m->entries[i].id))
			m->entries[kept++] = m->entries[i];
	m->n = kept;
}

/* Room for one more. Sweeping costs a question for each, so it comes with each doubling. */
static int make_room(struct made *m)
{
	struct entry *entries;
	size_t room;

	if (m->n < m->sweep_at)
		return 0;
	sweep(m);
	/* So that it is never worth the while of nearly all of them. */
	if (m->n > MADE_MAX - MADE_MAX / 8)
		return -ENOSPC;
	room = m->n < SWEEP_FIRST / 2 ? SWEEP_FIRST : 2 * m->n;
	if (room > MADE_MAX)
		room = MADE_MAX;
	entries = realloc(m->entries, room * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	m->entries = entries;
	m->sweep_at = room;
	return 0;
}

static int add(struct made *m, const struct entry *entry)
{
	int r = make_room(m);

	if (!r)
		m->entries[m->n++] = *entry;
	return r;
}

static bool is_as_young(const struct statx *file, const struct timespec *before)
{
	return (file->stx_mask & STATX_BTIME) &&
	       (file->stx_btime.tv_sec > before->tv_sec ||
		(file->stx_btime.tv_sec == before->tv_sec &&
		 (long)file->stx_btime.tv_nsec >= before->tv_nsec));
}

static bool is_file_of(const struct unix_diag_file *bound, const struct statx *file,
		       const struct timespec *before)
{
	return bound->inode == (uint32_t)file->stx_ino &&
	       (bound->dev == makedev(file->stx_dev_major, file->stx_dev_minor) ||
		is_as_young(file, before));
}

int made_add(struct made *m, int socket, int pin, const struct timespec *before)
{
	struct entry entry = {.name_n = 0};
	struct unix_diag_file bound;
	struct statx file;
	int r = unix_diag_id_of(socket, &entry.id);

	if (!r && statx(pin, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &file))
		r = -errno;
	if (r)
		return r;
	entry.dev = makedev(file.stx_dev_major, file.stx_dev_minor);
	entry.ino = file.stx_ino;
	pthread_mutex_lock(&m->lock);
	r = unix_diag_file(m->diag, &entry.id, &bound);
	if (!r && !is_file_of(&bound, &file, before))
		r = -EACCES;
	if (!r)
		r = add(m, &entry);
	pthread_mutex_unlock(&m->lock);
	return r;
}

/* The bytes of an abstract name, zeros included, behind its first. */
static socklen_t name_bytes(const struct caller_address *name)
{
	socklen_t head = offsetof(struct sockaddr_un, sun_path);

	return name->n > head && name->n - head <= sizeof(((struct entry *)0)->name)
		       ? name->n - head
		       : 0;
}

int made_add_name(struct made *m, int socket, const struct caller_address *name)
{
	struct entry entry = {.name_n = name_bytes(name)};
	int r = entry.name_n ? unix_diag_id_of(socket, &entry.id) : -EINVAL;

	if (r)
		return r;
	memcpy(entry.name, name->bytes + offsetof(struct sockaddr_un, sun_path), entry.name_n);
	pthread_mutex_lock(&m->lock);
	r = add(m, &entry);
	pthread_mutex_unlock(&m->lock);
	return r;
}

/* An entry of its own may have its predecessor's number: all that match are asked about. */
static bool has(struct made *m, const struct entry *like)
{
	bool found = false;

	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; !found && i < m->n; i++) {
		const struct entry *entry = &m->entries[i];

		found = entry->name_n == like->name_n && entry->dev == like->dev &&
			entry->ino == like->ino && !memcmp(entry->name, like->name, like->name_n) &&
			unix_diag_exists(m->diag, &entry->id);
	}
	pthread_mutex_unlock(&m->lock);
	return found;
}

bool made_has(struct made *m, const struct stat *file)
{
	return has(m, &(struct entry){.dev = file->st_dev, .ino = file->st_ino});
}

bool made_has_name(struct made *m, const struct caller_address *name)
{
	struct entry like = {.name_n = name_bytes(name)};

	memcpy(like.name, name->bytes + offsetof(struct sockaddr_un, sun_path), like.name_n);
	return like.name_n && has(m, &like);
}
