/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/keeps/guards.h - what is hidden from the agent, or kept from it, wherever it lies
 */
#ifndef MCPJAIL_JAIL_GUARDS_H
#define MCPJAIL_JAIL_GUARDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "jail/files/layout.h"
#include "jail/files/mountinfo.h"

/**
 * guards_blank() - Cover a directory by an empty one, anything else by an empty file
 * @scratch_fd: The jail's tmpfs, holding "empty" and "blank"
 * @at_fd:      What to cover
 *
 * Return: 0; -errno
 */
int guards_blank(int scratch_fd, int at_fd);

/**
 * guards_pin() - Make that what of the way to @path lies in a writable tree cannot be moved
 *
 * Return: 0, also for what cannot be reached, or for a NULL @path; -errno
 */
int guards_pin(const struct layout *layout, const char *path);

/** guards_is_out_of_reach() - Whether @r says that not even we, with more rights, get there */
bool guards_is_out_of_reach(int r);

/**
 * guards_is_window() - Whether a mount shows the host's kernel, and is not the jail's own
 *
 * True also for what can no longer be reached by its name.
 */
bool guards_is_window(const struct mountinfo_entry *entry);

/**
 * guards_mount() - Hide and protect what the layout names
 *
 * Hidden: the run and state directories, the credential stores of the homes (jail/files/stores.h),
 * every further /proc, /sys and the like that is mounted somewhere in the host's tree, and
 * last the layout's hides, at what a link leads to if they are one.
 * Read-only: the policy, the directory of the default one, and mcpjail itself. What of their
 * paths lies in a writable tree, links as well, is pinned by mounting it onto itself, so that
 * it cannot be moved away and replaced: the kernel refuses to rename or remove what something
 * is mounted on.
 *
 * The same holds for the names that such a file has by other mounts (jail/files/aliases.h), a store
 * that is reached by a link excepted.
 *
 * What does not exist yet is not hidden: what another program makes in a writable tree while
 * the agent runs can be read by it.
 *
 * Return: 0; -ESTALE if the run directory is no longer what the layout says; -errno; always
 * with @err filled
 */
int guards_mount(const struct layout *layout, int scratch_fd, struct error *err);

#endif
