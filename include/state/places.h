/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state/places.h - where mcpjail keeps things: state, runs, the policy in force
 *
 * XDG Base Directory Specification: $XDG_STATE_HOME (~/.local/state) and
 * $XDG_CONFIG_HOME (~/.config). Relative values of these variables are ignored.
 */
#ifndef MCPJAIL_STATE_PLACES_H
#define MCPJAIL_STATE_PLACES_H

#include <limits.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

#define PLACES_RUN_ID_BYTES 32        /* with its NUL */
#define PLACES_POLICY_MAX   (4 << 20) /* bytes of a policy file */

struct place {
	char path[PATH_MAX]; /* absolute */
	int fd;              /* the open directory; -1: none. Owned */
};

/** places_home() - $HOME, else the user's entry in the password database; NULL if neither */
const char *places_home(void);

/**
 * places_config_dir() - Where the user's own policy lies, if there is one
 * @ret_path: PATH_MAX bytes; absolute, not resolved, perhaps not there
 *
 * Return: 0; -ENOENT with @err filled without a home directory
 */
int places_config_dir(char *ret_path, struct error *err);

/** places_passwd_home() - The home directory of the password database, whatever $HOME says; NULL:
 * none */
const char *places_passwd_home(void);

/**
 * places_make_dir() - Make a directory, and those above it that are missing, 0700
 *
 * Return: 0, also if it is there already; -errno
 */
int places_make_dir(const char *path);

/**
 * places_state_dir() - Make, if missing, and open mcpjail's state directory, 0700
 *
 * Refuses a directory that another user owns or that others may write.
 *
 * Return: 0; -errno with @err filled
 */
int places_state_dir(struct place *ret, struct error *err);

/** places_new_run_id() - Time and chance: sorts by start, unique: "20260102T030405.678901-1a2b" */
void places_new_run_id(char ret[PLACES_RUN_ID_BYTES]);

/**
 * places_run_dir() - Make and open the directory of a run's records
 * @wanted: --run-dir; NULL: runs/@run_id in the state directory
 * @ret:    Its path has no symbolic links
 *
 * A directory that exists must be the user's own and empty.
 *
 * Return: 0; -errno with @err filled
 */
int places_run_dir(const char *wanted, int state_fd, const char *run_id, struct place *ret,
		   struct error *err);

/**
 * places_policy() - Read the policy in force
 * @wanted:   --policy; NULL: the user's, then the machine's
 * @ret_path: PATH_MAX bytes; absolute; "" if there is none, so that the built-in one applies
 * @ret_text: The file's bytes
 *
 * Never looks in the working directory: that is the last agent's to write.
 *
 * Return: 0; -errno with @err filled
 */
int places_policy(const char *wanted, char *ret_path, struct buf *ret_text, struct error *err);

#endif
