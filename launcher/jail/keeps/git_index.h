/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/keeps/git_index.h - which entries of git's index are submodules
 */
#ifndef MCPJAIL_JAIL_KEEPS_GIT_INDEX_H
#define MCPJAIL_JAIL_KEEPS_GIT_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define GIT_INDEX_BYTES_MAX (64u << 20) /* read of one */
#define GIT_INDEX_PATH_MAX  4096        /* with its NUL */
#define GIT_SHA1_BYTES      20
#define GIT_SHA256_BYTES    32

enum git_index_found {
	GIT_INDEX_SUBMODULE = 'S', /* its path; "" in an index that goes on in another */
	GIT_INDEX_BASE = 'B',      /* the hash, in hexadecimal, of the one that it goes on in */
};

/**
 * git_index_read() - Read an index (gitformat-index(5), versions 2 to 4) from its beginning
 * @fd:         A file, or what else can be read
 * @hash_bytes: Of the repository's hashes, which an index does not tell
 * @found:      Gets what is found; a result other than 0 ends it
 *
 * Calls nothing but read(2), and allocates nothing: for a process that may do no more.
 *
 * Return: 0; -EBADMSG for what is no index, or not of such hashes, what was found before having
 * been told; -errno; what @found returned
 */
int git_index_read(int fd, size_t hash_bytes,
		   int (*found)(void *context, enum git_index_found what, const char *text),
		   void *context);

#endif
