/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy_file.h - a person's policy file, read to be changed and written back whole
 */
#ifndef MCPJAIL_COMMANDS_POLICY_FILE_H
#define MCPJAIL_COMMANDS_POLICY_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"

struct policy_file {
	char path[PATH_MAX];      /* links followed */
	char made_from[PATH_MAX]; /* what the text is a copy of, if there was no file; else "" */
	struct stat st;           /* of the file, if there was one */
	int dir_fd;               /* of its directory, locked against another change */
	struct buf text;
};

/**
 * policy_file_open() - Read a policy file, and keep others from changing it meanwhile
 * @wanted: NULL: the user's own; made of the policy that a run would use, if it is missing
 * @ret:    To be given to policy_file_close(), also after a failure
 *
 * Return: 0; -errno with @err filled
 */
int policy_file_open(const char *wanted, struct policy_file *ret, struct error *err);

/**
 * policy_file_write() - Put another text in its place: wholly, or not at all
 *
 * Mode and owner stay; of a link, what it leads to is replaced.
 *
 * Return: 0; -errno with @err filled
 */
int policy_file_write(const struct policy_file *file, const struct buf *text, struct error *err);

void policy_file_close(struct policy_file *file);

#endif
