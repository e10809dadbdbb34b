/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/bounds/cgroup_find.h - the caller's own control groups
 */
#ifndef MCPJAIL_JAIL_CGROUP_FIND_H
#define MCPJAIL_JAIL_CGROUP_FIND_H

#include <stdbool.h>
#include <stddef.h>

#define CGROUP_V2       ""   /* as /proc/self/cgroup names it */
#define CGROUP_TEXT_MAX 8192 /* of /proc/self/cgroup */

/**
 * cgroup_path() - Find a hierarchy in the text of /proc/self/cgroup
 * @controller: A controller of version 1, or CGROUP_V2
 * @ret_list:   Of the controllers mounted together, "cpu,cpuacct"; @size bytes, as @ret_path
 *
 * Return: 0; -ENOENT; -ENAMETOOLONG
 */
int cgroup_path(const char *text, const char *controller, char *ret_list, char *ret_path,
		size_t size);

/**
 * cgroup_open_own() - Open the directory of the caller's own group, if it may write there
 *
 * It is the caller's own if it lists the caller, whatever namespaces are in between.
 *
 * Return: a descriptor; -ENOENT; -EACCES; -errno
 */
int cgroup_open_own(const char *controller);

/** cgroup_lists() - Whether the group's own cgroup.procs names a process */
bool cgroup_lists(int dirfd, long pid);

#endif
