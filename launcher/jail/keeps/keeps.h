/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/keeps/keeps.h - what the agent must not write in the trees that it may write
 *
 * Programs of the host run what certain files say, without anybody's asking: git its hooks,
 * an agent host its settings, an editor its tasks, a shell its rc files. Where such names lie
 * in a writable tree, they are sealed, and those that are missing are kept from being made, by
 * placeholders. Every directory on the way is fixed in its place.
 *
 * The names are in tables (keeps_rows.c, keeps_home.c) and, for git, found by where git itself
 * would look (keeps_git.c, keeps_git_named.c). They are looked for at fixed places below the
 * directories that were made writable; no tree is walked. What the policy's filesystem.write or
 * --write names stays writable.
 */
#ifndef MCPJAIL_JAIL_KEEPS_H
#define MCPJAIL_JAIL_KEEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "jail/files/layout.h"
#include "jail/placeholders.h"

#define KEEPS_MAX 1024 /* of one run: each is a mount */

enum keep_how {
	KEEP_SEALED = 0, /* read-only, with all below */
	KEEP_IN_PLACE,   /* a directory on the way: it cannot be moved */
	KEEP_WRITABLE,   /* lies in what is sealed, and was named */
	KEEP_LONGER,     /* a file: a copy comes over it, with @text behind */
	/*
	 * A placeholder's directory, for who may nest: one of the jail's own comes over it. Agent
	 * hosts' sandboxes block names in there by mounts, for which they have to make them.
	 */
	KEEP_PRIVATE,
};

struct keep {
	char *path; /* canonical, but for a link at its end, which is meant itself */
	enum keep_how how;
	char *text; /* of KEEP_LONGER */
};

/* In the order in which they are to be mounted. */
struct keeps {
	struct keep *items;
	size_t n;
};

/**
 * keeps_find() - What a run has to keep; makes the placeholders
 * @held: From placeholders_open()
 * @ret:  To be given to keeps_free(), also after a failure
 *
 * Return: 0; -EMLINK if it, or a file in a sealed directory, has a second name; -errno; always
 * with @err filled
 */
int keeps_find(const struct layout *layout, struct placeholders *held, struct keeps *ret,
	       struct error *err);

void keeps_free(struct keeps *keeps);

/**
 * keeps_mount() - Mount what keeps them so; in the jail, with its writable trees in place
 * @scratch_fd: The jail's tmpfs, still writable
 *
 * Return: 0; -errno with @err filled
 */
int keeps_mount(const struct keeps *keeps, int scratch_fd, struct error *err);

/* --- for the files that find them ----------------------------------------------------- */

/* What becomes of a name that is missing, or of one on the way to it. */
enum keep_missing {
	MISSING_IS_BLOCKED = 0,
	MISSING_END_IS_BLOCKED, /* only if its directory is there */
	MISSING_IS_IGNORED,
};

struct keep_rule {
	enum placeholder_form form;
	enum keep_missing missing;
	enum keep_how end; /* what becomes of a directory that the name leads to */
};

struct keep_search {
	const struct layout *layout;
	struct placeholders *held;
	struct keeps *keeps;
	struct error *err;
};

/**
 * keeps_add() - Keep @name below @base
 * @base: Canonical
 *
 * What of it lies in no writable tree is the mounts' already. Links are followed and kept, too.
 *
 * Return: 0; -errno with the search's error filled
 */
int keeps_add(struct keep_search *search, const char *base, const char *name,
	      struct keep_rule rule);

/**
 * keeps_add_symlinked() - Keep the files that the links in a directory lead to
 * @base: Canonical
 *
 * What is missing there is blocked. Return: as keeps_add(); 0 if @name is no directory
 */
int keeps_add_symlinked(struct keep_search *search, const char *base, const char *name);

/**
 * keeps_is_opened() - Whether --write or the policy names @path, or what holds it, inside of a tree
 *
 * A tree of its own, as the working directory, opens nothing: it is what has to be named in.
 */
bool keeps_is_opened(const struct layout *layout, const char *path);

/** keeps_failed() - Fill the search's error for what happened at @path. Return: @r */
int keeps_failed(const struct keep_search *search, const char *path, int r);

/** keeps_add_git() - What git runs at @root, a canonical directory. Return: 0; -errno, as above */
int keeps_add_git(struct keep_search *search, const char *root);

/**
 * keeps_git_common_dir() - The repository that @dir lies in, by itself or by one above
 * @ret_top:    Where its files begin; PATH_MAX bytes
 * @ret_gitdir: May be NULL. The worktree's own part of it, canonical, to be freed; the same where
 *              it is the only one
 *
 * Return: canonical, to be freed; NULL: none, and all is untouched
 */
char *keeps_git_common_dir(const char *dir, char *ret_top, char **ret_gitdir);

/**
 * keeps_add_exclude() - Let the jail's git overlook the placeholders in @root
 * @first: Index of the first of them in the search's
 *
 * Return: 0; -errno, as above
 */
int keeps_add_exclude(struct keep_search *search, const char *root, size_t first);

/** keeps_put() - Add to the list, taking @text over, also on failure. Return: 0; -E2BIG; -ENOMEM */
int keeps_put(struct keeps *keeps, const char *path, enum keep_how how, char *text);

/** keeps_add_rows() - The tables. Return: 0; -errno, as above */
int keeps_add_rows(struct keep_search *search);

#endif
