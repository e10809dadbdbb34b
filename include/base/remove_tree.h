/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/remove_tree.h - remove a directory with all that somebody else put into it
 */
#ifndef MCPJAIL_BASE_REMOVE_TREE_H
#define MCPJAIL_BASE_REMOVE_TREE_H

#define REMOVE_TREE_DEPTH 256 /* directories in each other; what lies deeper stays */

/**
 * remove_tree() - Remove @path, and everything below
 *
 * Symbolic links are removed, never followed; nothing that is mounted below is entered. What
 * cannot be removed stays, with the directories above it.
 *
 * Return: 0; -errno of the first failure
 */
int remove_tree(const char *path);

#endif
