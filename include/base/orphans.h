/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/orphans.h - end processes that have become ours because their parents are gone
 */
#ifndef MCPJAIL_BASE_ORPHANS_H
#define MCPJAIL_BASE_ORPHANS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * orphans_end() - Kill and reap the children of this process, until there are none
 * @spares: Whether a child is to live; NULL: none is
 *
 * Those that their own children leave behind become ours in turn, if this process is a
 * subreaper (PR_SET_CHILD_SUBREAPER). Takes @ms at most. What forks faster than it can be
 * killed one by one may be left.
 *
 * Return: whether none is left
 */
bool orphans_end(bool (*spares)(void *arg, pid_t pid), void *arg, uint64_t ms);

#endif
