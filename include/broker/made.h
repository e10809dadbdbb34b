/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/made.h - which unix sockets of the file system were made inside the jail
 *
 * An entry is what a bind() of ours made: the file's device and inode, and the socket that
 * it belongs to. It counts for as long as that socket exists, which holds the file: until
 * then no other file can have the number. When it is gone, so is whoever could be reached.
 *
 * Any thread may call these.
 */
#ifndef MCPJAIL_BROKER_MADE_H
#define MCPJAIL_BROKER_MADE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "broker/caller.h"
#include "broker/unix_diag.h"

#define MADE_MAX 4096 /* sockets with a name that exist at the same time */

struct made;

/**
 * made_new() - With a socket of the calling thread's network, to ask the kernel by
 *
 * Return: 0; -errno
 */
int made_new(struct made **ret);
void made_free(struct made *m);

/**
 * made_add() - Note the file that a socket has been bound to
 * @socket: Ours, bound
 * @pin:    What lies at its name since, which may be another's: the kernel says whether it is
 * @before: CLOCK_REALTIME_COARSE from before it was bound
 *
 * Return: 0; -EACCES if it is another's; -ENOSPC; -errno
 */
int made_add(struct made *m, int socket, int pin, const struct timespec *before);

/** made_add_name() - Note an abstract name that a socket has been bound to. Return: as above */
int made_add_name(struct made *m, int socket, const struct caller_address *name);

/** made_has() - Whether the file was made inside, by a socket that still exists */
bool made_has(struct made *m, const struct stat *file);

/** made_has_name() - Whether the abstract name is held by a socket that was made inside */
bool made_has_name(struct made *m, const struct caller_address *name);

#endif
