// SPDX-License-Identifier: Apache-2.0
/*
 * What the files below one /proc/PID say at different moments may be of two programs, if
 * the process executes another in between. So its stat, which tells images apart by their
 * addresses, is read before and after, and what lies between counts only if it is the same.
 *
 * The kernel names a program by the mounts in which it was executed. Who may nest has mounts
 * of its own, in which any file can have any name: then the name is looked up in the jail's, and
 * what it leads to compared with the program.
 *
 * Strings are cut so that the whole fits into a record, each part into a share of its own:
 * a long command line does not push out the parents.
 */
#include "owner_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/text.h"

#define EXE_BYTES     4096
#define EXE_JSON      1024 /* shares of IPC_EXEC_MAX: as they are written */
#define ARGV_JSON     1600
#define PARENTS_JSON  1200
#define PARENT_JSON   400
#define STAT_BYTES    1024
#define CUT           "…"
#define NS_PER_SECOND 1000000000u
#define FNV_BASIS     0xcbf29ce484222325u
#define FNV_PRIME     0x100000001b3u
#define UNKNOWN_JSON  512
#define NOT_THE_JAILS " (not the jail's file of that name)"

_Static_assert(EXE_JSON + ARGV_JSON + PARENTS_JSON + 256 <= IPC_EXEC_MAX, "a record's share");

static uint64_t hash(uint64_t before, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n; i++)
		before = (before ^ p[i]) * FNV_PRIME;
	return before;
}

/* --- stat -------------------------------------------------------------------------------- */

/* By one read: these files say all that they say at once. */
static int read_file(int process_fd, const char *name, char *ret, size_t size, size_t *ret_n)
{
	autoclose int fd = openat(process_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size);

	if (n < 0)
		return -errno;
	*ret_n = (size_t)n;
	return 0;
}

/*
 * proc_pid_stat(5): the second field is the name, and may hold anything but the last `)` of
 * the line. Fields 26 and 28, 48 and 49 are where code, stack and arguments lie.
 */
static int parse_stat(char *text, struct owner_stat *ret)
{
	char *field = strrchr(text, ')'), *rest = NULL;

	if (!field)
		return -EIO;
	*ret = (struct owner_stat){.image = FNV_BASIS};
	field = strtok_r(field + 1, " \n", &rest);
	for (int i = 3; field; i++, field = strtok_r(NULL, " \n", &rest)) {
		if (i == 3)
			ret->is_ended = *field == 'Z' || *field == 'X';
		else if (i == 4)
			ret->parent = atoi(field);
		else if (i == 22)
			ret->start_ticks = strtoull(field, NULL, 10);
		else if (i == 26 || i == 28 || i == 48 || i == 49)
			ret->image = hash(ret->image, field, strlen(field) + 1);
	}
	return ret->start_ticks ? 0 : -EIO;
}

int owner_stat_read(int process_fd, struct owner_stat *ret)
{
	char text[STAT_BYTES];
	size_t n;
	int r = read_file(process_fd, "stat", text, sizeof(text) - 1, &n);

	if (r)
		return r == -ENOENT ? -ESRCH : r;
	text[n] = '\0';
	return parse_stat(text, ret);
}

int owner_stat_read_again(int stat_fd, struct owner_stat *ret)
{
	char text[STAT_BYTES];
	ssize_t n = pread(stat_fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return parse_stat(text, ret);
}

pid_t owner_leader(int process_fd)
{
	static const char key[] = "\nTgid:";
	char text[STAT_BYTES], *at;
	size_t n;

	if (read_file(process_fd, "status", text, sizeof(text) - 1, &n))
		return -ESRCH;
	text[n] = '\0';
	/* The name before it has its line breaks escaped. */
	at = strstr(text, key);
	return at ? atoi(at + strlen(key)) : -EIO;
}

void owner_name_read(int process_fd, char ret[OWNER_NAME_MAX])
{
	size_t n = 0;

	if (read_file(process_fd, "comm", ret, OWNER_NAME_MAX - 1, &n) || !n)
		n = (size_t)snprintf(ret, OWNER_NAME_MAX, "?");
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

uint64_t owner_start_ns(const struct owner_stat *stat)
{
	return stat->start_ticks * (NS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* --- JSON ---------------------------------------------------------------------------------- */

/* A string, cut at a whole character if it would take more than @share bytes. */
static int write_cut(struct buf *b, const char *text, size_t n, size_t share)
{
	autobuf struct buf json = BUF_INIT(share > sizeof(CUT) ? share - sizeof(CUT) : 2);
	size_t kept = n;
	int r;

	while ((r = text_append_json_string(&json, text, kept)) == -EMSGSIZE && kept) {
		kept /= 2;
		while (kept && ((uint8_t)text[kept] & 0xc0) == 0x80)
			kept--;
	}
	if (r)
		return r;
	if (kept == n)
		return buf_append(b, json.data, json.len);
	r = buf_append(b, json.data, json.len - 1);
	return r ? r : buf_puts(b, CUT "\"");
}

int owner_write_unknown(struct buf *b, const char *why)
{
	size_t before = b->len;
	int r = buf_puts(b, "{\"unknown\":");

	if (!r)
		r = write_cut(b, why, strlen(why), UNKNOWN_JSON);
	if (!r)
		r = buf_puts(b, "}");
	if (r)
		b->len = before;
	return r;
}

/* The command line as the process has it: strings with a NUL behind each. */
static int write_argv(struct buf *b, const char *text, size_t n)
{
	size_t limit = b->len + ARGV_JSON;
	int r = buf_puts(b, "[");

	for (size_t at = 0; !r && at < n;) {
		size_t length = strnlen(text + at, n - at);
		size_t room = limit > b->len ? limit - b->len : 0;

		if (at)
			r = buf_puts(b, ",");
		if (!r && room < 4 * sizeof(CUT)) {
			r = buf_puts(b, "\"" CUT "\"");
			break;
		}
		/* Room for the mark of what is left out stays. */
		if (!r)
			r = write_cut(b, text + at, length, room - 2 * sizeof(CUT) - 4);
		at += length + 1;
	}
	return r ? r : buf_puts(b, "]");
}

/* --- the process ---------------------------------------------------------------------------- */

struct exe {
	char path[EXE_BYTES];
	size_t n;        /* 0: not known */
	bool is_another; /* than the one that is there in the jail's mounts */
};

struct image {
	struct owner_stat stat;
	struct exe exe;
	char argv[OWNER_ARGV_BYTES];
	size_t argv_n;
};

ssize_t owner_exe_read(int process_fd, char *ret, size_t size)
{
	ssize_t n = readlinkat(process_fd, "exe", ret, size);

	/* One without an image is about to end; one that we may not look into has some. */
	if (n < 0 && (errno == ENOENT || errno == ESRCH))
		return -ESRCH;
	return n < 0 ? 0 : n;
}

/* Of a server of files nothing is asked. Return: false if there is no such file */
static bool look_at(int at, const char *name, int flags, struct statx *ret)
{
	return !statx(at, name, flags | AT_STATX_DONT_SYNC, STATX_INO | STATX_NLINK, ret);
}

/* What was removed has no name anywhere, and the kernel says so behind the one that it had. */
static bool is_of_the_jail(int root_fd, int process_fd, const char *path)
{
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	struct statx image, there;
	autoclose int fd = -1;

	if (!look_at(process_fd, "exe", 0, &image))
		return false;
	if (!image.stx_nlink)
		return true;
	fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	return fd >= 0 && look_at(fd, "", AT_EMPTY_PATH, &there) &&
	       image.stx_ino == there.stx_ino && image.stx_dev_major == there.stx_dev_major &&
	       image.stx_dev_minor == there.stx_dev_minor;
}

static int read_exe(const struct owner_sources *sources, int process_fd, struct exe *ret)
{
	ssize_t n = owner_exe_read(process_fd, ret->path, sizeof(ret->path) - 1);

	if (n < 0)
		return (int)n;
	ret->path[n] = '\0';
	ret->n = (size_t)n;
	ret->is_another = n && sources->root_fd >= 0 &&
			  !is_of_the_jail(sources->root_fd, process_fd, ret->path);
	return 0;
}

static int read_image(const struct owner_sources *sources, int process_fd, struct image *ret)
{
	struct owner_stat after;
	int r = owner_stat_read(process_fd, &ret->stat);

	if (!r)
		r = read_exe(sources, process_fd, &ret->exe);
	if (!r)
		r = read_file(process_fd, "cmdline", ret->argv, sizeof(ret->argv), &ret->argv_n);
	if (!r)
		r = owner_stat_read(process_fd, &after);
	if (r)
		return r;
	if (after.is_ended)
		return -ESRCH;
	return after.image == ret->stat.image ? 0 : -EAGAIN;
}

/* One that executes another program is another: what it does then is not the first one's. */
static int write_id(struct buf *b, pid_t pid, const struct image *image)
{
	uint64_t what = hash(FNV_BASIS, image->exe.path, image->exe.n);

	if (image->exe.is_another)
		what = hash(what, NOT_THE_JAILS, sizeof(NOT_THE_JAILS));
	what = hash(what, image->argv, image->argv_n);
	return buf_printf(b, "{\"id\":\"%d-%llu-%08x\",\"pid\":%d,\"start_ns\":%llu,\"exe\":", pid,
			  (unsigned long long)image->stat.start_ticks,
			  (uint32_t)(what ^ what >> 32), pid,
			  (unsigned long long)owner_start_ns(&image->stat));
}

/* Behind a path that is cut the mark stays. */
static int write_exe(struct buf *b, const struct exe *exe, size_t share)
{
	int r;

	if (!exe->n)
		return buf_puts(b, "null");
	r = write_cut(b, exe->path, exe->n,
		      exe->is_another ? share - sizeof(NOT_THE_JAILS) : share);
	if (r || !exe->is_another)
		return r;
	b->len--; /* the quote */
	return buf_puts(b, NOT_THE_JAILS "\"");
}

/*
 * One parent, unless it ended: then its children have another, which their stat tells, and
 * the number may be anybody's. Return: 1 with @ret its directory; 0; -errno
 */
static int open_parent(int proc_fd, int child_fd, pid_t parent, int *ret)
{
	autoclose int fd = owner_open_process(proc_fd, parent);
	struct owner_stat child;

	if (fd < 0 || owner_stat_read(child_fd, &child) || child.parent != parent)
		return 0;
	*ret = fd_take(&fd);
	return 1;
}

static int write_parent(const struct owner_sources *sources, struct buf *b, int process_fd,
			pid_t pid, bool is_first)
{
	struct exe exe;
	int r = buf_printf(b, "%s{\"pid\":%d,\"exe\":", is_first ? "" : ",", pid);

	if (read_exe(sources, process_fd, &exe))
		exe.n = 0;
	if (!r)
		r = write_exe(b, &exe, PARENT_JSON - 64);
	return r ? r : buf_puts(b, "}");
}

static int write_parents(const struct owner_sources *sources, int process_fd, pid_t parent,
			 struct buf *b)
{
	size_t limit = b->len + PARENTS_JSON - PARENT_JSON;
	autoclose int child_fd = fcntl(process_fd, F_DUPFD_CLOEXEC, 0);
	int r = buf_puts(b, "[");

	for (int i = 0; !r && i < OWNER_PARENTS_MAX && b->len < limit; i++) {
		autoclose int fd = -1;
		struct owner_stat stat;

		/* What is left behind in tier B becomes the broker's. */
		if (parent <= 1 || parent == sources->init || parent == getpid() ||
		    open_parent(sources->proc_fd, child_fd, parent, &fd) != 1)
			break;
		r = write_parent(sources, b, fd, parent, i == 0);
		if (owner_stat_read(fd, &stat))
			break;
		fd_close(&child_fd);
		child_fd = fd_take(&fd);
		parent = stat.parent;
	}
	return r ? r : buf_puts(b, "]");
}

int owner_process_write(const struct owner_sources *sources, int process_fd, pid_t pid,
			struct buf *b)
{
	size_t before = b->len;
	struct image image;
	int r = read_image(sources, process_fd, &image);

	if (!r)
		r = write_id(b, pid, &image);
	if (!r)
		r = write_exe(b, &image.exe, EXE_JSON);
	if (!r)
		r = buf_puts(b, ",\"argv\":");
	if (!r)
		r = write_argv(b, image.argv, image.argv_n);
	if (!r)
		r = buf_puts(b, ",\"parents\":");
	if (!r)
		r = write_parents(sources, process_fd, image.stat.parent, b);
	if (!r)
		r = buf_puts(b, "}");
	if (r)
		b->len = before;
	return r;
}
