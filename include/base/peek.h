/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/peek.h - another thread's memory
 */
#ifndef MCPJAIL_BASE_PEEK_H
#define MCPJAIL_BASE_PEEK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * peek() - Copy of a thread's memory
 * @thread_fd: Its directory in /proc, by which it is looked at where an outer filter refuses
 *	       process_vm_readv(); borrowed. -1: /proc/@tid is opened for that
 *
 * May block for as long as a page takes to come, which may be for ever.
 *
 * Return: 0; -EFAULT; -EPERM where the system lets nobody look; -errno
 */
int peek(pid_t tid, int thread_fd, uint64_t address, void *ret, size_t n);

#endif
