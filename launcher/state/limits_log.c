// SPDX-License-Identifier: Apache-2.0
/*
 * Three files: a lock that holds the number of the current generation, and two logs that
 * generations use in turn. They are opened once, by name; after that a confined keeper
 * needs no path, and compaction no rename.
 *
 * Whoever dies, dies in one of these states, all of which the next one mends:
 * - during an append: the file ends in a part of a batch, which is cut off. The call was
 *   not answered, hence not forwarded, so forgetting the charge is exact.
 * - during compaction: the lock still names the old generation, whose file is untouched.
 *   The half-written other one is emptied by the next compaction.
 */
#include "state/limits_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"

static uint32_t entry_check(const struct log_entry *e)
{
	struct log_entry unchecked = *e;
	uint64_t hash = 0x6d63706a61696c31u;
	uint64_t words[sizeof(unchecked) / sizeof(uint64_t)];

	unchecked.check = 0;
	memcpy(words, &unchecked, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return (uint32_t)hash;
}

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
	return 0;
}

void limits_log_close(struct limits_log *log)
{
	fd_close(&log->lock_fd);
	fd_close(&log->files[0]);
	fd_close(&log->files[1]);
}

/*
 * Others hold the lock for microseconds, so it is polled; a run that was stopped while
 * holding it must not stall this one for longer than a denial takes.
 */
/* What is counted in a file without a name is counted by nobody else. */
static bool was_removed(int fd)
{
	struct stat st;

	return fstat(fd, &st) || !st.st_nlink;
}

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

static bool is_empty(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && !st.st_size;
}

static int read_generation(const struct limits_log *log, uint64_t *ret)
{
	uint64_t generation = 0;
	ssize_t n = pread(log->lock_fd, &generation, sizeof(generation), 0);

	if (n < 0)
		return -errno;
	if (n && n != sizeof(generation))
		return -EBADMSG;
	/* Written down before anything is counted: an empty lock beside a log is not its own. */
	if (!n && (!is_empty(log->files[0]) || !is_empty(log->files[1])))
		return -EBADMSG;
	if (!n && pwrite(log->lock_fd, &generation, sizeof(generation), 0) != sizeof(generation))
		return -EIO;
	*ret = generation;
	return 0;
}

static int current_file(const struct limits_log *log)
{
	return log->files[log->generation & 1];
}

static bool entry_is_sound(const struct log_entry *e)
{
	return e->check == entry_check(e);
}

static bool entry_is_zero(const struct log_entry *e)
{
	static const struct log_entry zero;

	return !memcmp(e, &zero, sizeof(zero));
}

/*
 * How many of @n entries form whole, sound batches. What is behind them may only be the
 * rest of one batch, or zeros, of blocks that a power cut kept from the disk: anything else
 * was counted once, and to cut it off would grant it again.
 */
static int count_sound(const struct log_entry *entries, size_t n, size_t *ret_sound)
{
	size_t whole = 0, i = 0;

	while (i < n && entry_is_sound(&entries[i])) {
		if (!entries[i].left)
			whole = i + 1;
		i++;
	}
	for (; i < n; i++)
		if (entry_is_sound(&entries[i]) ||
		    (i >= whole + LOG_BATCH_MAX && !entry_is_zero(&entries[i])))
			return -EBADMSG;
	*ret_sound = whole;
	return 0;
}

/* Another version may count in ways that are not known here. */
static bool format_is_known(const struct log_entry *first)
{
	return first->kind == LOG_FORMAT && first->amount == LOG_VERSION;
}

static bool kind_is_known(const struct log_entry *e)
{
	return e->kind >= LOG_CHARGE && e->kind <= LOG_BOOT;
}

static struct log_entry format_entry(void)
{
	struct log_entry e = {.kind = LOG_FORMAT, .amount = LOG_VERSION};

	e.check = entry_check(&e);
	return e;
}

/* Take in @n entries behind log->end, at least one. @ret_sound: how many are whole batches */
static int read_tail(const struct limits_log *log, struct log_entry *ret_entries, size_t n,
		     size_t *ret_sound)
{
	bool is_start = !log->end;
	int r = io_read_all_at(current_file(log), ret_entries, n * sizeof(*ret_entries), log->end);

	if (r)
		return r;
	/* The format first: what another version wrote is not ours to call damaged. */
	if (is_start && entry_is_sound(ret_entries) && !format_is_known(ret_entries))
		return -EPROTONOSUPPORT;
	r = count_sound(ret_entries, n, ret_sound);
	for (size_t i = is_start; !r && i < *ret_sound; i++)
		if (!kind_is_known(&ret_entries[i]))
			r = -EPROTONOSUPPORT;
	return r;
}

/* A log that holds nothing yet begins with its format. */
static int begin_log(struct limits_log *log)
{
	struct log_entry format = format_entry();

	return log->end ? 0 : limits_log_append(log, &format, 1);
}

int limits_log_read(struct limits_log *log, struct log_entry **ret_entries, size_t *ret_n,
		    bool *ret_is_fresh)
{
	autofree struct log_entry *entries = NULL;
	uint64_t generation = 0;
	struct stat st;
	size_t n, sound = 0;
	bool is_fresh, has_format;
	int r = read_generation(log, &generation);

	if (r)
		return r;
	is_fresh = !log->was_read || generation != log->generation;
	log->generation = generation;
	if (is_fresh) {
		log->was_read = false;
		log->end = 0;
	}
	if (fstat(current_file(log), &st))
		return -errno;
	/* A later generation begins with what the one before it held. */
	if (st.st_size < log->end || (generation && !st.st_size))
		return -EBADMSG;
	if (st.st_size > LIMITS_FILE_MAX)
		return -EFBIG;
	n = (size_t)(st.st_size - log->end) / sizeof(*entries);
	if (n) {
		entries = reallocarray(NULL, n, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
		r = read_tail(log, entries, n, &sound);
		if (r)
			return r;
	}
	has_format = sound && !log->end;
	log->end += (off_t)(sound * sizeof(*entries));
	if (st.st_size > log->end && ftruncate(current_file(log), log->end))
		return -errno;
	r = begin_log(log);
	if (r)
		return r;
	log->was_read = true;
	if (has_format)
		memmove(entries, entries + 1, --sound * sizeof(*entries));
	*ret_entries = ptr_take(&entries);
	*ret_n = sound;
	*ret_is_fresh = is_fresh;
	return 0;
}

int limits_log_append(struct limits_log *log, struct log_entry *batch, size_t n)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		batch[i].left = (uint16_t)(n - 1 - i);
		batch[i].check = entry_check(&batch[i]);
	}
	r = io_write_all_at(current_file(log), batch, n * sizeof(*batch), log->end);
	if (r) {
		/* If even this fails, the next reader sees an incomplete batch and cuts it off. */
		(void)!ftruncate(current_file(log), log->end);
		return r;
	}
	log->end += (off_t)(n * sizeof(*batch));
	log->is_dirty = true;
	return 0;
}

int limits_log_replace(struct limits_log *log, struct log_entry *entries, size_t n)
{
	uint64_t next = log->generation + 1;
	int fd = log->files[next & 1];
	struct log_entry format = format_entry();
	off_t end = (off_t)((n + 1) * sizeof(*entries));
	int r;

	for (size_t i = 0; i < n; i++) {
		entries[i].left = 0;
		entries[i].check = entry_check(&entries[i]);
	}
	if (ftruncate(fd, 0))
		return -errno;
	r = io_write_all_at(fd, &format, sizeof(format), 0);
	if (!r)
		r = io_write_all_at(fd, entries, n * sizeof(*entries), sizeof(format));
	/* On disk before the switch: else a power cut could leave the new number and no entries. */
	if (!r && fdatasync(fd))
		r = -errno;
	if (!r)
		r = io_write_all_at(log->lock_fd, &next, sizeof(next), 0);
	if (!r && fdatasync(log->lock_fd))
		r = -errno;
	if (r)
		return r;
	log->generation = next;
	log->end = end;
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
