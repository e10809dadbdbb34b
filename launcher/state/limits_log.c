// SPDX-License-Identifier: Apache-2.0
/*
 * Three files: a lock that holds the number of the current generation, and two logs that
 * generations use in turn. They are opened once, by name; after that a confined keeper
 * needs no path, and compaction no rename.
 *
 * Whoever dies, dies in one of these states, all of which the next one mends:
 * - during an append: the file ends in a part of a line, which is cut off. The call was
 *   not answered, hence not forwarded, so forgetting the charge is exact.
 * - behind an append, before the answer: the charge stands, and nothing was forwarded for it.
 * - during compaction: the lock still names the old generation, whose file is untouched.
 *   The half-written other one is emptied by the next compaction.
 */
#include "state/limits_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"

/* The lock's text has one length, so that a write replaces all of it. */
#define GENERATION_FORM  "mcpjail limits, generation %020llu, in limits.%u\n"
#define GENERATION_BYTES 61

static int open_file(int dirfd, const char *name, struct error *err)
{
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		int r = -errno;

		error_set(err, name, "make the state directory writable for you",
			  "cannot open the log of limits: %s", strerror(-r));
		return r;
	}
	return fd;
}

static bool is_empty(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && !st.st_size;
}

int limits_log_open(struct limits_log *log, int state_dirfd, struct error *err)
{
	static const char *const names[] = {"limits.lock", "limits.0", "limits.1"};
	int *const fds[] = {&log->lock_fd, &log->files[0], &log->files[1]};

	*log = (struct limits_log){.lock_fd = -1, .files = {-1, -1}};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = open_file(state_dirfd, names[i], err);

		if (fd < 0) {
			limits_log_close(log);
			return fd;
		}
		*fds[i] = fd;
	}
	/* New names last as long as what is going to be flushed under them. */
	if (is_empty(log->lock_fd))
		(void)fsync(state_dirfd);
	return 0;
}

void limits_log_close(struct limits_log *log)
{
	fd_close(&log->lock_fd);
	fd_close(&log->files[0]);
	fd_close(&log->files[1]);
}

/* What is counted in a file without a name is counted by nobody else. */
static bool was_removed(int fd)
{
	struct stat st;

	return fstat(fd, &st) || !st.st_nlink;
}

/*
 * Others hold the lock for microseconds, so it is polled; a run that was stopped while
 * holding it must not stall this one for longer than a denial takes.
 */
int limits_log_lock(struct limits_log *log)
{
	uint64_t until = clock_mono_ms() + LIMITS_LOCK_MS;
	long nap_ns = 20000;

	while (flock(log->lock_fd, LOCK_EX | LOCK_NB)) {
		struct timespec nap = {0, nap_ns};

		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_mono_ms() >= until)
			return -ETIMEDOUT;
		nanosleep(&nap, NULL);
		if (nap_ns < 500000)
			nap_ns *= 2;
	}
	if (was_removed(log->lock_fd) || was_removed(log->files[0]) || was_removed(log->files[1])) {
		limits_log_unlock(log);
		return -ESTALE;
	}
	return 0;
}

void limits_log_unlock(struct limits_log *log)
{
	flock(log->lock_fd, LOCK_UN);
}

/* --- generations -------------------------------------------------------------- */

static int write_generation(const struct limits_log *log, uint64_t generation)
{
	char text[GENERATION_BYTES + 1];
	int n = snprintf(text, sizeof(text), GENERATION_FORM, (unsigned long long)generation,
			 (unsigned)(generation & 1));

	if (n != GENERATION_BYTES)
		return -EOVERFLOW;
	return io_write_all_at(log->lock_fd, text, GENERATION_BYTES, 0);
}

static int parse_generation(const char *text, uint64_t *ret)
{
	char expected[GENERATION_BYTES + 1];
	unsigned long long generation;

	if (sscanf(text, "mcpjail limits, generation %20llu", &generation) != 1)
		return -EBADMSG;
	snprintf(expected, sizeof(expected), GENERATION_FORM, generation,
		 (unsigned)(generation & 1));
	if (strcmp(text, expected))
		return -EBADMSG;
	*ret = generation;
	return 0;
}

static int read_generation(const struct limits_log *log, uint64_t *ret)
{
	char text[GENERATION_BYTES + 1];
	ssize_t n = pread(log->lock_fd, text, GENERATION_BYTES, 0);
	int r;

	if (n < 0)
		return -errno;
	if (n == GENERATION_BYTES) {
		text[n] = '\0';
		return parse_generation(text, ret);
	}
	/* The first version wrote eight bytes. */
	if (n == sizeof(uint64_t) && memcmp(text, "mcpjail ", 8))
		return -EPROTONOSUPPORT;
	/* Written down before anything is counted: a lock without it beside a log is not its own.
	 */
	if (!is_empty(log->files[0]) || !is_empty(log->files[1]))
		return -EBADMSG;
	*ret = 0;
	r = write_generation(log, 0);
	return r || !fdatasync(log->lock_fd) ? r : -errno;
}

static int current_file(const struct limits_log *log)
{
	return log->files[log->generation & 1];
}

/* --- reading ------------------------------------------------------------------ */

static bool is_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* The line that begins at @at, if it ends within the text. */
static bool whole_line(const char *text, size_t n, size_t at, struct span *ret)
{
	const char *end = at < n ? memchr(text + at, '\n', n - at) : NULL;

	if (end)
		*ret = span_bytes(text + at, (size_t)(end - text) - at);
	return end;
}

/*
 * What is behind the sound lines may only be the rest of one write, or zeros, of blocks that
 * a power cut kept from the disk: anything else was counted once, and to cut it off would
 * grant it again.
 */
static bool may_be_cut(const char *text, size_t n)
{
	struct span line;
	size_t at = 0;

	if (n > LINE_MAX_BYTES && !is_zero(text + LINE_MAX_BYTES, n - LINE_MAX_BYTES))
		return false;
	while (at < n && !text[at])
		at++;
	while (whole_line(text, n, at, &line)) {
		if (line_is_sound(line))
			return false;
		at += line.n + 1;
		while (at < n && !text[at])
			at++;
	}
	return true;
}

/* Return: bytes of the header; 0 if a killed writer left less of it; -EPROTONOSUPPORT */
static ssize_t read_header(const char *text, size_t n)
{
	static const char header[] = LINE_HEADER;
	size_t whole = sizeof(header) - 1, least = n < whole ? n : whole;

	if (!memcmp(text, header, least))
		return n < whole ? 0 : (ssize_t)whole;
	return is_zero(text, n) ? 0 : -EPROTONOSUPPORT;
}

static int count_sound(const char *text, size_t n, size_t *ret_sound)
{
	struct span line;
	size_t at = 0;

	while (whole_line(text, n, at, &line) && line_is_sound(line))
		at += line.n + 1;
	if (!may_be_cut(text + at, n - at))
		return -EBADMSG;
	*ret_sound = at;
	return 0;
}

/* Read @n bytes behind log->end. @ret_header, @ret_sound: how many are what */
static int read_tail(const struct limits_log *log, char *ret_text, size_t n, size_t *ret_header,
		     size_t *ret_sound)
{
	ssize_t header = 0;
	int r = io_read_all_at(current_file(log), ret_text, n, log->end);

	if (!r && !log->end)
		header = read_header(ret_text, n);
	if (r || header < 0)
		return r ? r : (int)header;
	*ret_header = (size_t)header;
	/* Half a header, and so no line yet. */
	if (!log->end && !header) {
		*ret_sound = 0;
		return 0;
	}
	return count_sound(ret_text + header, n - (size_t)header, ret_sound);
}

/* A log that holds nothing yet begins with its header. */
static int begin_log(struct limits_log *log)
{
	static const char header[] = LINE_HEADER;

	return log->end ? 0 : limits_log_append(log, header, sizeof(header) - 1);
}

static int open_generation(struct limits_log *log, bool *ret_is_fresh)
{
	uint64_t generation = 0;
	int r = read_generation(log, &generation);

	if (r)
		return r;
	*ret_is_fresh = !log->was_read || generation != log->generation;
	log->generation = generation;
	if (*ret_is_fresh) {
		log->was_read = false;
		log->end = 0;
	}
	return 0;
}

int limits_log_read(struct limits_log *log, struct limits_tail *ret)
{
	autofree char *text = NULL;
	size_t n, header = 0, sound = 0;
	struct stat st;
	bool is_fresh;
	int r = open_generation(log, &is_fresh);

	if (r)
		return r;
	if (fstat(current_file(log), &st))
		return -errno;
	/* A later generation begins with what the one before it held. */
	if (st.st_size < log->end || (log->generation && !st.st_size))
		return -EBADMSG;
	if (st.st_size > LIMITS_FILE_MAX)
		return -EFBIG;
	n = (size_t)(st.st_size - log->end);
	if (n) {
		text = malloc(n);
		r = text ? read_tail(log, text, n, &header, &sound) : -ENOMEM;
		if (r)
			return r;
	}
	if (log->generation && is_fresh && !header)
		return -EBADMSG;
	log->end += (off_t)(header + sound);
	if (st.st_size > log->end && ftruncate(current_file(log), log->end))
		return -errno;
	r = begin_log(log);
	if (r)
		return r;
	log->was_read = true;
	if (header)
		memmove(text, text + header, sound);
	*ret = (struct limits_tail){ptr_take(&text), sound, is_fresh};
	return 0;
}

bool limits_tail_next(const struct limits_tail *tail, size_t *at, struct span *ret)
{
	if (!whole_line(tail->text, tail->n, *at, ret))
		return false;
	*at += ret->n + 1;
	return true;
}

/* --- writing ------------------------------------------------------------------ */

int limits_log_append(struct limits_log *log, const char *text, size_t n)
{
	int r = io_write_all_at(current_file(log), text, n, log->end);

	if (r) {
		/* If even this fails, the next reader sees half a line and cuts it off. */
		(void)!ftruncate(current_file(log), log->end);
		return r;
	}
	log->end += (off_t)n;
	log->is_dirty = true;
	return 0;
}

static int rewrite_flush(struct limits_rewrite *w)
{
	int r = io_write_all_at(w->fd, w->buffer, w->n, w->end);

	if (r)
		return r;
	w->end += (off_t)w->n;
	w->n = 0;
	return 0;
}

int limits_rewrite_begin(const struct limits_log *log, struct limits_rewrite *w)
{
	w->fd = log->files[~log->generation & 1];
	w->end = 0;
	w->n = sizeof(LINE_HEADER) - 1;
	memcpy(w->buffer, LINE_HEADER, w->n);
	return ftruncate(w->fd, 0) ? -errno : 0;
}

int limits_rewrite_line(struct limits_rewrite *w, const struct line_time *time,
			const struct line_item *items, size_t n)
{
	size_t written;
	int r = LOG_BUFFER_BYTES - w->n < LINE_MAX_BYTES ? rewrite_flush(w) : 0;

	if (r)
		return r;
	written = line_write(time, items, n, w->buffer + w->n);
	w->n += written;
	return written ? 0 : -EMSGSIZE;
}

int limits_rewrite_finish(struct limits_log *log, struct limits_rewrite *w)
{
	int r = rewrite_flush(w);

	/* On disk before the switch: else a power cut could leave the new number and no lines. */
	if (!r && fdatasync(w->fd))
		r = -errno;
	if (r)
		return r;
	r = write_generation(log, log->generation + 1);
	if (!r && fdatasync(log->lock_fd))
		r = -errno;
	if (r) {
		(void)write_generation(log, log->generation);
		return r;
	}
	log->generation++;
	log->end = w->end;
	log->is_dirty = false;
	return 0;
}

/*
 * Without the lock, for the disk may take longer than others wait for that. What this
 * process wrote is in the file that it knows, or a compaction has read it from there, under
 * the lock, and brought it to disk in the other.
 */
int limits_log_flush(struct limits_log *log)
{
	if (!log->is_dirty)
		return 0;
	if (fdatasync(current_file(log)))
		return -errno;
	log->is_dirty = false;
	return 0;
}
