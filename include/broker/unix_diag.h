/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/unix_diag.h - what the kernel knows of one unix socket (sock_diag)
 *
 * Only of those of one network namespace: the one that the asking socket was made in.
 */
#ifndef MCPJAIL_BROKER_UNIX_DIAG_H
#define MCPJAIL_BROKER_UNIX_DIAG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Which socket: inodes of sockets are used again, the cookie never is. */
struct unix_diag_id {
	uint32_t inode;
	uint64_t cookie;
};

/* The file that it is bound to. */
struct unix_diag_file {
	uint32_t inode; /* its lower 32 bits */
	dev_t dev;      /* of the file system, which stat() may tell otherwise (btrfs, overlay) */
};

/** unix_diag_id_of() - Return: 0; -errno */
int unix_diag_id_of(int socket, struct unix_diag_id *ret);

/**
 * unix_diag_file() - The file that a socket is bound to
 * @diag: One question at a time
 *
 * Return: 0; -ENOENT if there is no such socket, or it is bound to none; -errno
 */
int unix_diag_file(int diag, const struct unix_diag_id *id, struct unix_diag_file *ret);

/** unix_diag_exists() - Whether the socket still exists. An answer that fails is a no */
bool unix_diag_exists(int diag, const struct unix_diag_id *id);

#endif
