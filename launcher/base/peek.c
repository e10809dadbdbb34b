// SPDX-License-Identifier: Apache-2.0
#include "base/peek.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

static int open_memory(pid_t tid, int thread_fd)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)tid);
	fd = thread_fd < 0 ? open(path, O_RDONLY | O_CLOEXEC)
			   : openat(thread_fd, "mem", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? -EPERM : -errno;
	return fd;
}

/* The same right is asked for. What is not mapped is EIO; so is nothing at all that was read. */
static int peek_by_file(pid_t tid, int thread_fd, uint64_t address, void *ret, size_t n)
{
	autoclose int fd = open_memory(tid, thread_fd);
	ssize_t got;

	if (fd < 0)
		return fd;
	got = pread(fd, ret, n, (off_t)address);
	if (got < 0 && errno != EIO)
		return -errno;
	return got < 0 || (size_t)got < n ? -EFAULT : 0;
}

int peek(pid_t tid, int thread_fd, uint64_t address, void *ret, size_t n)
{
	struct iovec to = {ret, n}, from = {(void *)(uintptr_t)address, n};
	ssize_t got = n ? process_vm_readv(tid, &to, 1, &from, 1, 0) : 0;

	if (got < 0 && (errno == EPERM || errno == ENOSYS))
		return peek_by_file(tid, thread_fd, address, ret, n);
	if (got < 0)
		return -errno;
	return (size_t)got < n ? -EFAULT : 0;
}
