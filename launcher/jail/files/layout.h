/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/files/layout.h - which directories a run writes, hides and protects
 *
 * Settled before the jail is cloned, by names alone, so that a contradiction (a working
 * directory in a place that the jail hides) is refused before anything has begun. The one
 * thing made is a directory that the policy wants writable and that is missing, with those above.
 */
#ifndef MCPJAIL_JAIL_LAYOUT_H
#define MCPJAIL_JAIL_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "jail/jail.h"
#include "jail/files/patterns.h"

#define LAYOUT_POLICY_TREES_MAX 128 /* that the policy makes writable, or shows in /tmp */
#define LAYOUT_TREES_MAX        (JAIL_WRITE_DIRS_MAX + 1 + LAYOUT_POLICY_TREES_MAX)
#define LAYOUT_SOCKETS_MAX      64 /* that are shown where the jail has something else */
#define LAYOUT_NSS_MAX          2
#define LAYOUT_WRITABLE_MAX     (LAYOUT_TREES_MAX + LAYOUT_NSS_MAX)
#define LAYOUT_HOMES_MAX        2 /* $HOME, and the one that the user database has */

struct layout_tree {
	char *path; /* canonical; a directory or, if the policy named one, a file */
	bool writable;
	bool in_scratch; /* below /tmp, /var/tmp or /dev/shm, which are private inside */
};

/* A socket of the host's, in a place that is the jail's own. */
struct layout_socket {
	char *path; /* where it is shown */
	char *real; /* canonical */
};

struct keeps; /* jail/keeps/keeps.h */

struct layout {
	char *cwd, *run_dir, *state_dir; /* canonical */
	char *homes[LAYOUT_HOMES_MAX];   /* canonical; NULL: none, or the same again */
	char *policy_path;               /* absolute as given; NULL: none */
	char *policy_name, *state_name;  /* absolute as given; NULL: none */
	char *default_policy_dir;        /* absolute as given; NULL: none */
	char *program_path;              /* mcpjail's own; NULL: not known */
	/* Shorter paths first; none lies in a writable one that shows it already. */
	struct layout_tree trees[LAYOUT_TREES_MAX];
	size_t n_trees;
	/* The policy's lists, expanded; what does not exist is left out of the first two. */
	struct path_list reads;  /* as named and canonical: shown though they lie in a store */
	struct path_list writes; /* canonical; each lies in one of the trees */
	struct path_list hides;  /* as named, to be followed link by link */
	/*
	 * Canonical: what people work in, each of which jail/keeps/keeps.h looks at: the working
	 * directory, --write, and the policy's writes but for a program's state.
	 */
	struct path_list roots;
	struct path_list named;    /* by --write or the policy's writes, whether it exists or not */
	const struct keeps *keeps; /* borrowed; NULL: nothing is kept */
	char *nss_dirs[LAYOUT_NSS_MAX]; /* canonical; where NSS's databases lie, private inside */
	struct layout_socket sockets[LAYOUT_SOCKETS_MAX];
	size_t n_sockets;
	dev_t run_dev;
	ino_t run_ino;   /* 0: not known */
	bool nests;      /* the agent may make mount namespaces; not for uid 0 */
	uint64_t memory; /* bytes that the policy allows the jail; 0: no word of it */
};

/** path_is_within() - Whether the canonical @path is @dir or lies below it */
bool path_is_within(const char *path, const char *dir);

/** layout_is_in_scratch() - Whether @path is or lies below a directory that is private inside */
bool layout_is_in_scratch(const char *path);

/** layout_is_replaced() - Whether the jail has something else at or above @path: /proc, /tmp, … */
bool layout_is_replaced(const char *path);

/** layout_is_writable() - Whether @path is or lies below one of the writable trees */
bool layout_is_writable(const struct layout *layout, const char *path);

/** layout_writable_places() - Those, and what is private inside, borrowed. Return: how many */
size_t layout_writable_places(const struct layout *layout, const char *ret[LAYOUT_WRITABLE_MAX]);

/** layout_is_read() - Whether the policy's reads name @path, or a directory that holds it */
bool layout_is_read(const struct layout *layout, const char *path);

/** layout_is_written() - Whether the policy's writes do */
bool layout_is_written(const struct layout *layout, const char *path);

/**
 * layout_resolve() - Settle all of it
 * @ret: To be freed by layout_free(), also after a failure
 *
 * Return: 0; -errno with @err filled
 */
int layout_resolve(const struct jail_spec *spec, struct layout *ret, struct error *err);

void layout_free(struct layout *layout);

/* --- for the two files that make a layout ------------------------------------------ */

/**
 * layout_add_tree() - Show @path, unless a writable tree shows it already
 * @path: Canonical
 *
 * Return: 0; -EINVAL for / and for what the jail hides or replaces, credential stores unless
 * layout_is_read(); -E2BIG; -ENOMEM; always with @err filled
 */
int layout_add_tree(struct layout *layout, const char *path, bool writable, struct error *err);

/**
 * layout_find_hidden() - The place that @path lies in and that the jail hides or replaces
 * @ret: PATH_MAX bytes
 *
 * Return: false if there is none
 */
bool layout_find_hidden(const struct layout *layout, const char *path, char *ret);

/**
 * layout_add_paths() - Take the policy's paths in, and hide the command files of a CI runner
 *
 * To be called with everything else settled. Return: 0; -errno with @err filled
 */
int layout_add_paths(const struct jail_spec *spec, struct layout *layout, struct error *err);

/**
 * layout_follow() - Where --write's @path leads
 * @ret: PATH_MAX bytes
 *
 * Return: 0; -EMLINK if it leads through a link that an earlier agent may have made; -errno;
 * always with @err filled
 */
int layout_follow(struct layout *layout, const char *path, char *ret, struct error *err);

/**
 * layout_check_links() - Whether the way to @path, as far as it exists, is the person's own
 * @path: Absolute
 * @home: May be NULL
 *
 * Return: 0; -EMLINK with @err filled
 */
int layout_check_links(const char *path, const char *home, struct error *err);

/** layout_add_policy_root() - @path, that the policy has written, is worked in. Return: 0; -errno
 */
int layout_add_policy_root(struct layout *layout, const char *path);

/** layout_credentials() - NULL-terminated names below the home that the jail hides */
const char *const *layout_credentials(void);

#endif
