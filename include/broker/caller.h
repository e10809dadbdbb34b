/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/caller.h - the thread that waits for an answer, seen from outside
 *
 * Everything is reached through one descriptor of the thread's /proc directory, opened
 * while the call was known to wait: a number that is used again leads nowhere.
 */
#ifndef MCPJAIL_BROKER_CALLER_H
#define MCPJAIL_BROKER_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "broker/notify.h"

struct caller {
	struct notify_call call;
	int listener;  /* that it came from; borrowed */
	int proc_fd;   /* its /proc/TID; -1: none. Owned */
	pid_t process; /* as caller_process() tells; 0: not looked for */
};

/* A descriptor of the caller's. */
struct caller_fd {
	int flags;      /* O_NONBLOCK, O_CLOEXEC and the like */
	uint64_t inode; /* of its file: of a socket, what sock_diag calls it by; 0: not told */
};

/* A socket address as it was when it was read, once. */
struct caller_address {
	union {
		struct sockaddr head;
		struct sockaddr_storage room;
		char bytes[sizeof(struct sockaddr_storage) + 1]; /* always ends in a NUL */
	};
	socklen_t n;
};

/**
 * caller_open() - Look at who makes a call
 * @proc_fd: /proc of the pid namespace that the call was received in
 *
 * Return: 0; -ESRCH if the call is gone; -ENFILE
 */
int caller_open(int listener, int proc_fd, const struct notify_call *call, struct caller *ret);
void caller_close(struct caller *c);

/** caller_process() - The process that the thread is of; the thread itself where it is not told */
pid_t caller_process(const struct caller *c);

/** caller_is_waiting() - Whether the call still waits */
bool caller_is_waiting(const struct caller *c);

/**
 * caller_read() - Copy of the caller's memory
 *
 * May block for as long as a page takes to come, which may be for ever.
 *
 * Return: 0; -EFAULT; -EPERM where the system lets nobody look; -ESRCH
 */
int caller_read(const struct caller *c, uint64_t address, void *ret, size_t n);

/** caller_write() - Change the caller's memory; otherwise as caller_read() */
int caller_write(const struct caller *c, uint64_t address, const void *bytes, size_t n);

/**
 * caller_read_address() - A socket address, as the kernel would read it
 * @n: As the caller gave it; only its lower 32 bits count, signed
 *
 * Return: 0; -EINVAL for a length that no address has; else as caller_read()
 */
int caller_read_address(const struct caller *c, uint64_t address, uint64_t n,
			struct caller_address *ret);

/** caller_fd_info() - Return: 0; -EBADF if it has no such descriptor; -errno */
int caller_fd_info(const struct caller *c, int fd, struct caller_fd *ret);

/** caller_has_fd() - Whether the caller has something open there */
bool caller_has_fd(const struct caller *c, int fd);

/**
 * caller_copy_fd() - The same open file, in our table (CLOEXEC)
 *
 * Return: it; -EBADF; -EPERM or -ENOSYS where the system allows no such thing
 */
int caller_copy_fd(const struct caller *c, int fd);

/** caller_has_signal() - Whether a signal waits for the call's end, that the caller does not block
 */
bool caller_has_signal(const struct caller *c);

/** caller_fd_limit() - How many descriptors it may have: its RLIMIT_NOFILE */
rlim_t caller_fd_limit(const struct caller *c);

/**
 * caller_enter() - Make the caller's root and working directory the calling thread's
 *
 * The thread must have unshared CLONE_FS. Paths then mean what they mean to the caller, but
 * for magic links: /proc/self is nobody's.
 *
 * Return: 0; -errno
 */
int caller_enter(const struct caller *c);

/** caller_take_umask() - Make the caller's umask the calling thread's. Return: 0; -errno */
int caller_take_umask(const struct caller *c);

#endif
