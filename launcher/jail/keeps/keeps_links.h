/* SPDX-License-Identifier: Apache-2.0 */
/**
 * keeps_links.h - second names, by which a file that is kept could be written all the same
 */
#ifndef MCPJAIL_JAIL_KEEPS_LINKS_H
#define MCPJAIL_JAIL_KEEPS_LINKS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define KEEPS_LINKED_MAX 256 /* files with several names that are told apart in a directory */

/**
 * keeps_has_hard_link() - Whether a file, or one in a directory, has a name elsewhere
 * @path: Of a directory, the file's name is put behind it if there is one
 * @st:   Of @path
 *
 * Names of one file in the same directory are all kept with it. Directories below are not looked
 * into. A file that the caller neither owns, so that chmod(2) would do, nor can write, an agent
 * cannot write either, by no name.
 *
 * Return: true also where there are more than KEEPS_LINKED_MAX
 */
bool keeps_has_hard_link(char path[PATH_MAX], const struct stat *st);

#endif
