// SPDX-License-Identifier: Apache-2.0
/*
 * /proc/TID/{fdinfo,status,root,cwd} rather than /proc/TID/fd: a process that made itself
 * undumpable, as ssh-agent does, has root as the owner of its /proc, and of these only the
 * directory fd asks for the owner's rights.
 */
#include "broker/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/peek.h"

/* From Linux 6.9 on; without it a process is opened by its number. */
#define PIDFD_OF_THREAD ((unsigned)O_EXCL)

#define PROC_TEXT_MAX 4096 /* of status and fdinfo: what is looked for stands in front */

int caller_open(int listener, int proc_fd, const struct notify_call *call, struct caller *ret)
{
	struct caller c = {.call = *call, .listener = listener};
	char name[16];

	snprintf(name, sizeof(name), "%d", (int)call->tid);
	c.proc_fd = openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c.proc_fd < 0)
		return errno == ENOENT || errno == ESRCH ? -ESRCH : -ENFILE;
	*ret = c;
	/* Had the thread gone in between, this could be another with its number. */
	if (caller_is_waiting(ret))
		return 0;
	caller_close(ret);
	return -ESRCH;
}

void caller_close(struct caller *c)
{
	fd_close(&c->proc_fd);
}

bool caller_is_waiting(const struct caller *c)
{
	return notify_is_pending(c->listener, c->call.id);
}

int caller_read(const struct caller *c, uint64_t address, void *ret, size_t n)
{
	int r = peek(c->call.tid, c->proc_fd, address, ret, n);

	if (r)
		return r;
	return caller_is_waiting(c) ? 0 : -ESRCH;
}

int caller_write(const struct caller *c, uint64_t address, const void *bytes, size_t n)
{
	struct iovec from = {(void *)(uintptr_t)bytes, n}, to = {(void *)(uintptr_t)address, n};
	ssize_t put = process_vm_writev(c->call.tid, &from, 1, &to, 1, 0);

	if (put < 0)
		return -errno;
	return (size_t)put < n ? -EFAULT : 0;
}

int caller_read_address(const struct caller *c, uint64_t address, uint64_t n,
			struct caller_address *ret)
{
	int size = (int)(uint32_t)n, r;

	if (size < 0 || (size_t)size > sizeof(ret->room))
		return -EINVAL;
	memset(ret->bytes, 0, sizeof(ret->bytes));
	r = caller_read(c, address, ret->bytes, (size_t)size);
	ret->n = (socklen_t)size;
	return r;
}

/* Return: 0; -errno. @ret is NUL-terminated */
static int read_text(const struct caller *c, const char *name, char *ret, size_t size)
{
	autoclose int fd = openat(c->proc_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/* The text behind "KEY:", or NULL. */
static const char *find_field(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, n) && line[n] == ':')
			return line + n + 1;
	}
	return NULL;
}

bool caller_has_fd(const struct caller *c, int fd)
{
	char name[32];
	struct stat st;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	return fstatat(c->proc_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

pid_t caller_process(const struct caller *c)
{
	char text[PROC_TEXT_MAX];
	const char *tgid;

	if (c->process)
		return c->process;
	if (read_text(c, "status", text, sizeof(text)))
		return c->call.tid;
	tgid = find_field(text, "Tgid");
	return tgid ? (pid_t)strtol(tgid, NULL, 10) : c->call.tid;
}

int caller_copy_fd(const struct caller *c, int fd)
{
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, c->call.tid, PIDFD_OF_THREAD);
	int copy;

	if (pidfd < 0 && errno == EINVAL)
		pidfd = (int)syscall(SYS_pidfd_open, caller_process(c), 0);
	if (pidfd < 0)
		return -errno;
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (copy < 0)
		return -errno;
	/* Else it was taken from whoever has the number now. */
	if (caller_is_waiting(c))
		return copy;
	close(copy);
	return -ESRCH;
}

/* Before Linux 5.14 it is not told; then of a copy, where one is to be had. */
static uint64_t inode_of_copy(const struct caller *c, int fd)
{
	autoclose int copy = caller_copy_fd(c, fd);
	struct stat st;

	return copy < 0 || fstat(copy, &st) ? 0 : st.st_ino;
}

int caller_fd_info(const struct caller *c, int fd, struct caller_fd *ret)
{
	char name[32], text[PROC_TEXT_MAX];
	const char *flags, *inode;
	int r;

	snprintf(name, sizeof(name), "fdinfo/%d", fd);
	r = fd < 0 ? -ENOENT : read_text(c, name, text, sizeof(text));
	if (r)
		return r == -ENOENT ? -EBADF : r;
	flags = find_field(text, "flags");
	inode = find_field(text, "ino");
	ret->flags = flags ? (int)strtol(flags, NULL, 8) : 0;
	ret->inode = inode ? strtoull(inode, NULL, 10) : inode_of_copy(c, fd);
	return 0;
}

static uint64_t read_mask(const char *text, const char *key)
{
	const char *mask = find_field(text, key);

	return mask ? strtoull(mask, NULL, 16) : 0;
}

bool caller_has_signal(const struct caller *c)
{
	char text[PROC_TEXT_MAX];

	if (read_text(c, "status", text, sizeof(text)))
		return false;
	return (read_mask(text, "SigPnd") | read_mask(text, "ShdPnd")) & ~read_mask(text, "SigBlk");
}

rlim_t caller_fd_limit(const struct caller *c)
{
	struct rlimit limit;

	return prlimit(c->call.tid, RLIMIT_NOFILE, NULL, &limit) ? 0 : limit.rlim_cur;
}

/* Where it is the root already, no right to change it is asked for. */
static bool is_root_already(int root)
{
	struct statx a, b;

	return !statx(root, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &a) &&
	       !statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &b) && a.stx_ino == b.stx_ino &&
	       a.stx_dev_major == b.stx_dev_major && a.stx_dev_minor == b.stx_dev_minor &&
	       a.stx_mnt_id == b.stx_mnt_id;
}

int caller_enter(const struct caller *c)
{
	autoclose int root = openat(c->proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int cwd = openat(c->proc_fd, "cwd", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 || cwd < 0)
		return -errno;
	if (!is_root_already(root) && (fchdir(root) || chroot(".")))
		return -errno;
	return fchdir(cwd) ? -errno : 0;
}

int caller_take_umask(const struct caller *c)
{
	char text[PROC_TEXT_MAX];
	const char *mask;
	int r = read_text(c, "status", text, sizeof(text));

	mask = r ? NULL : find_field(text, "Umask");
	if (!mask)
		return r ? r : -ENOENT;
	umask((mode_t)strtoul(mask, NULL, 8) & 0777);
	return 0;
}
