/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/placeholders.h - names that are kept from being made, while a run lasts
 *
 * The kernel can keep a name only by a mount, and mounts only on what exists. So what is missing
 * is made on the host, sealed in the jail, and taken away at the end. In the meantime it must do
 * no harm to the host's programs, and say for itself what it is, so that the next run takes away
 * what a killed one left:
 *
 *	PLACEHOLDER_DIR   an empty directory, with the sticky bit, which has no meaning where
 *			  nobody else may write. Git does not see it
 *	PLACEHOLDER_LINK  a link to PLACEHOLDERS_TARGET, which never exists: whoever opens it is
 *			  told that there is no such file
 *	PLACEHOLDER_DOT   a file that consists of a dot, with the sticky bit: for git's `commondir`,
 *			  where it says what is so without it
 *
 * Runs that share a name share its placeholder: the last to end takes it away. They find each
 * other by locks in the state directory, which no agent can reach.
 */
#ifndef MCPJAIL_JAIL_PLACEHOLDERS_H
#define MCPJAIL_JAIL_PLACEHOLDERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Where no process can make anything, in the jail or outside. */
#define PLACEHOLDERS_TARGET "/proc/0/mcpjail-keeps-this-name-while-it-runs"
#define PLACEHOLDERS_LOCKS  "trees.lock" /* in the state directory */

enum placeholder_form {
	PLACEHOLDER_DIR = 0,
	PLACEHOLDER_LINK,
	PLACEHOLDER_DOT,
	PLACEHOLDER_PARENT, /* a directory like any other, to hold one of the above */
};

struct placeholder {
	char *path;
	dev_t dev;
	ino_t ino;
	size_t base; /* index into the bases */
};

struct placeholder_base {
	off_t lock;    /* where in the file of locks the directory's lies */
	bool is_alone; /* no other run holds it, while all are removed */
};

struct placeholders {
	int lock_fd; /* -1: nothing is held */
	struct placeholder_base *bases;
	size_t n_bases, current; /* the base that is made in now, … */
	char *current_path;      /* … its path, and it itself */
	int current_fd;
	bool is_removing; /* in a thread of its own */
	pthread_t remover;
	struct placeholder *items;
	size_t n;
};

#define PLACEHOLDERS_NONE ((struct placeholders){.lock_fd = -1, .current_fd = -1})

/**
 * placeholders_open() - Begin
 * @ret: To be given to placeholders_remove(), also after a failure
 *
 * Return: 0; -errno
 */
int placeholders_open(const char *state_dir, struct placeholders *ret);

/**
 * placeholders_share() - Those of the following calls lie in or below @dir
 * @dir: Canonical
 *
 * To be called before looking at what exists there: from here on no other run removes any.
 * Waits for one that is doing so.
 *
 * Return: 0; -errno
 */
int placeholders_share(struct placeholders *held, const char *dir);

/**
 * placeholders_make() - Make @path, whose directory exists; placeholders_hold() it then
 * @path: Canonical but for its last component
 *
 * Return: 0; -EEXIST; -EROFS, -EACCES or -EPERM where we may not, and the agent may not either;
 * -errno
 */
int placeholders_make(struct placeholders *held, const char *path, enum placeholder_form form);

/**
 * placeholders_hold() - Take it away at the end
 * @st: Of @path, links not followed
 *
 * Return: 0; -ENOMEM
 */
int placeholders_hold(struct placeholders *held, const char *path, const struct stat *st);

/**
 * placeholders_adopt() - Hold @path, if it is a placeholder that another run made
 * @st: Of @path, links not followed
 *
 * Return: 1 if it is one; 0 if not; -ENOMEM
 */
int placeholders_adopt(struct placeholders *held, const char *path, const struct stat *st);

/** placeholders_begin_removal() - Let a thread do that; placeholders_remove() then waits for it */
void placeholders_begin_removal(struct placeholders *held);

/**
 * placeholders_remove() - Take away what nobody else needs and is still what was made; the end
 *
 * Leaves alone what somebody has filled or replaced.
 */
void placeholders_remove(struct placeholders *held);

#endif
