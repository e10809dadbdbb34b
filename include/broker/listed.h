/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/listed.h - the host's unix sockets that the policy's `sockets` names
 *
 * Each is held by a directory of its path, opened when the run begins, as the host then
 * sees it, and by the names from there on, which are followed anew at each question, links
 * excluded: a service may be started, or started again, during the run, but nothing that
 * the agent writes leads elsewhere than to sockets of that directory.
 */
#ifndef MCPJAIL_BROKER_LISTED_H
#define MCPJAIL_BROKER_LISTED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "policy/surroundings.h"

struct listed_entry {
	int dir_fd; /* -1: nothing of the path could be opened */
	char *rest; /* from there on. Owned */
};

struct listed {
	struct listed_entry entries[POLICY_NAMES_MAX];
	size_t n;
};

/* What `~` and `$PWD` stand for; "" for what there is none of. */
struct listed_places {
	const char *home, *cwd;
};

/**
 * listed_open() - Open the directories, in the calling process's root
 *
 * What cannot be found now, or not be said without the missing home, is never reached.
 *
 * Return: 0; -ENOMEM
 */
int listed_open(const struct policy_names *sockets, const struct listed_places *places,
		struct listed *ret);
void listed_close(struct listed *l);

/** listed_has() - Whether one of them is, now, this file */
bool listed_has(const struct listed *l, const struct stat *file);

#endif
