/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/mount_ops.h - the steps that mounts are made of
 *
 * Mounts are made detached, get their attributes, and are attached last, so that none is
 * ever seen with more rights than it shall have. Places are named by canonical paths and
 * opened without following any symbolic link: one that appears means that somebody else
 * is changing the tree, and fails.
 */
#ifndef MCPJAIL_JAIL_MOUNT_OPS_H
#define MCPJAIL_JAIL_MOUNT_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

#include "base/error.h"

#define MOUNT_SAFE   (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define MOUNT_SEALED (MOUNT_SAFE | MOUNT_ATTR_RDONLY)

/** mount_open() - O_PATH descriptor of a canonical path, of a final link itself. Return: it; -errno
 */
int mount_open(const char *path);

/**
 * mount_clone() - Detached, private copy of what @path names, with @attributes added
 * @path:      Relative to @dir_fd; "" for that itself. A final symbolic link is not followed
 * @recursive: With everything that is mounted below
 *
 * Return: its descriptor; -errno
 */
int mount_clone(int dir_fd, const char *path, bool recursive, uint64_t attributes);

/** mount_attach() - Attach a detached mount to what @to_fd holds. Return: 0; -errno */
int mount_attach(int mount_fd, int to_fd);

/** mount_attach_at() - The same, by canonical path */
int mount_attach_at(int mount_fd, const char *path);

/** mount_onto_itself() - Give what is at @path, as in mount_open(), more attributes. Return: 0;
 * -errno
 */
int mount_onto_itself(const char *path, uint64_t attributes);

/**
 * mount_new() - Detached mount of a new file system
 * @options: NULL-terminated: key, value, key, value, …; a value "" makes the key a flag
 *
 * Return: its descriptor; -errno
 */
int mount_new(const char *type, const char *const *options, uint64_t attributes);

/** mount_seal() - Add @attributes to everything mounted at and below @path. Return: 0; -errno */
int mount_seal(const char *path, uint64_t attributes);

/** mount_is_root() - Whether @path is where something is mounted, final links not followed */
bool mount_is_root(const char *path);

/** mount_failed() - Fill @err for a step that failed with @r at @path. Return: @r */
int mount_failed(struct error *err, const char *path, const char *step, int r);

#endif
