/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/mountinfo.h - read /proc/self/mountinfo (proc(5)) entry by entry
 */
#ifndef MCPJAIL_JAIL_MOUNTINFO_H
#define MCPJAIL_JAIL_MOUNTINFO_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct mountinfo {
	FILE *file;
	char *line;
	size_t size;
};

struct mountinfo_entry {
	char path[PATH_MAX]; /* where it is mounted */
	char root[PATH_MAX]; /* what of the file system */
	dev_t device;
	bool is_read_only; /* the mount, whatever the file system itself is */
	char type[64];     /* of the file system */
};

/** mountinfo_open() - Return: 0; -errno */
int mountinfo_open(struct mountinfo *ret);
void mountinfo_close(struct mountinfo *info);

/** mountinfo_next() - Return: 1 with an entry; 0 at the end; -EBADMSG */
int mountinfo_next(struct mountinfo *info, struct mountinfo_entry *ret);

/** mountinfo_parse() - One line, which is changed. Return: 0; -EBADMSG */
int mountinfo_parse(char *line, struct mountinfo_entry *ret);

#endif
