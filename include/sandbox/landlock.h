/* SPDX-License-Identifier: Apache-2.0 */
/**
 * sandbox/landlock.h - Landlock domains, by what the kernel offers
 */
#ifndef MCPJAIL_SANDBOX_LANDLOCK_H
#define MCPJAIL_SANDBOX_LANDLOCK_H

#include <stddef.h>

/* What a domain takes away; what the kernel is too old for is left out. */
enum landlock_denial {
	LANDLOCK_DENY_FILES = 1,       /* every use of a path, as far as Landlock knows it */
	LANDLOCK_DENY_TCP_BIND = 2,    /* from ABI 4 on */
	LANDLOCK_DENY_TCP_CONNECT = 4, /* from ABI 4 on */
	LANDLOCK_SCOPE = 8,            /* abstract unix sockets and signals, from ABI 6 on */
	/*
	 * Writing to files, making, removing, linking and renaming them; not truncating. From
	 * ABI 2 on: the first knows no rename between directories.
	 */
	LANDLOCK_DENY_WRITES = 16,
	LANDLOCK_DENY_READS = 32,    /* reading files, and with it executing them; not listing */
	LANDLOCK_DENY_TRUNCATE = 64, /* from ABI 3 on */
};

#define LANDLOCK_ABI_WRITES   2
#define LANDLOCK_ABI_TRUNCATE 3
#define LANDLOCK_ABI_TCP      4
#define LANDLOCK_ABI_SCOPE    6

/** landlock_abi() - The kernel's version of the interface; 0 if Landlock is off or absent */
int landlock_abi(void);

/**
 * landlock_restrict() - Put this thread and its children into a new domain
 * @denials: Mask of enum landlock_denial
 *
 * Needs no_new_privs. Descriptors that are open keep what they can do. Does nothing where
 * the kernel knows none of the denials.
 *
 * Return: 0; -errno if the kernel has the feature and refused it
 */
int landlock_restrict(unsigned denials);

/**
 * landlock_restrict_but() - The same, with places that LANDLOCK_DENY_WRITES leaves writable
 * @writable: Directories, with all below, and files; O_PATH serves. What is no file of a
 *	      file system (pipes, sockets) is never denied, and may be among them
 */
int landlock_restrict_but(unsigned denials, const int *writable, size_t n);

/*
 * The same in steps, for places that are many, or of different kinds:
 *
 * landlock_begin() - Begin a domain. Return: its descriptor; -ENOSYS without Landlock; -errno
 * landlock_permit() - Permit what @denials name of reading, writing and truncating at what @fd
 *	holds, with all below. Return: 0; -errno
 * landlock_enforce() - Put this thread and its children into it. Return: 0; -errno
 */
int landlock_begin(unsigned denials);
int landlock_permit(int ruleset, int fd, unsigned denials);
int landlock_enforce(int ruleset);

#endif
