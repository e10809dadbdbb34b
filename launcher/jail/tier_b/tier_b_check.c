// SPDX-License-Identifier: Apache-2.0
/*
 * In tier A mounts keep single files and directories out of a tree that is writable. Landlock
 * only permits, and what it permits for a directory holds for all below: what has to be kept
 * must not lie there. Nothing is changed here, and whoever is refused is told what to move.
 */
#include "jail/tier_b/tier_b_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "jail/keeps/guards.h"
#include "jail/files/mountinfo.h"
#include "jail/files/walk.h"

static int refuse(struct error *err, const char *what, const char *path, const char *mend)
{
	error_set(err, path, mend,
		  "tier b: without namespaces %s cannot be protected in a directory that the "
		  "command may write",
		  what);
	return -EPERM;
}

/* --- what must not be changed, by whatever name it is reached -------------------- */

static int refuse_writable(struct walk *walk, const struct stat *st)
{
	(void)st;
	return layout_is_writable(walk->layout, walk->done) ? -EXDEV : 0;
}

/* Also what is missing yet: it could be made. */
static int refuse_missing(struct walk *walk)
{
	return layout_is_writable(walk->layout, walk->done) ? -EXDEV : -ENOENT;
}

static bool can_be_replaced(const struct layout *layout, const char *path)
{
	struct walk walk = {
		.layout = layout, .on_name = refuse_writable, .on_missing = refuse_missing};

	return path && walk_path(&walk, path) == -EXDEV;
}

static int check_own(const struct layout *layout, struct error *err)
{
	const struct {
		const char *path, *what, *mend;
	} own[] = {
		{layout->run_dir, "the run directory", "name another by --run-dir"},
		{layout->state_dir, "mcpjail's state", "set XDG_STATE_HOME elsewhere"},
		{layout->state_name, "mcpjail's state", "set XDG_STATE_HOME elsewhere"},
		{layout->policy_path, "the policy", "put it elsewhere"},
		{layout->policy_name, "the policy", "put it elsewhere"},
		{layout->default_policy_dir, "the place of later runs' policies",
		 "set XDG_CONFIG_HOME elsewhere, or make less writable"},
		{layout->program_path, "mcpjail itself",
		 "install it elsewhere, or start in another directory"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (can_be_replaced(layout, own[i].path))
			return refuse(err, own[i].what, own[i].path, own[i].mend);
	return 0;
}

/* --- what must not be seen ----------------------------------------------------------- */

/* Of a tree that is permitted as a whole nothing can be left out. */
static bool lies_in_tree(const struct layout *layout, const char *path)
{
	for (size_t i = 0; i < layout->n_trees; i++)
		if (tier_b_is_whole(&layout->trees[i]) &&
		    path_is_within(path, layout->trees[i].path))
			return true;
	return false;
}

static int check_hidden_path(const struct layout *layout, const char *path, const char *what,
			     struct error *err)
{
	autofree char *real = realpath(path, NULL);

	if (!real || !lies_in_tree(layout, real))
		return 0;
	return refuse(err, what, path, "make less writable, or move it");
}

static int check_hidden(const struct layout *layout, struct error *err)
{
	const char *const *stores = layout_credentials();
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; !r && i < layout->hides.n; i++)
		r = check_hidden_path(layout, layout->hides.items[i], "what is hidden", err);
	for (size_t home = 0; home < LAYOUT_HOMES_MAX; home++)
		for (size_t i = 0; !r && layout->homes[home] && stores[i]; i++) {
			snprintf(path, sizeof(path), "%s/%s", layout->homes[home], stores[i]);
			if (!layout_is_read(layout, path))
				r = check_hidden_path(layout, path, "a credential store", err);
		}
	return r;
}

/* --- what must not be written ---------------------------------------------------------- */

/* Through a second /proc root changes the machine; its first one is no writable tree. */
static int check_windows(const struct layout *layout, struct error *err)
{
	__attribute__((cleanup(mountinfo_close))) struct mountinfo info = {.file = NULL};
	struct mountinfo_entry entry;
	int r = mountinfo_open(&info);

	while (!r && (r = mountinfo_next(&info, &entry)) > 0) {
		r = 0;
		if (guards_is_window(&entry) && layout_is_writable(layout, entry.path))
			r = refuse(err, "the kernel", entry.path,
				   "unmount it, or make less writable");
	}
	if (r < 0 && r != -EPERM)
		error_set(err, "/proc/self/mountinfo", NULL, "%s", strerror(-r));
	return r;
}

/* The places that are private in tier A: nothing of them is writable here. */
static int check_cwd(const struct layout *layout, struct error *err)
{
	if (!layout_is_in_scratch(layout->cwd) || lies_in_tree(layout, layout->cwd))
		return 0;
	error_set(err, layout->cwd, "start mcpjail in a project's directory",
		  "tier b: without namespaces this directory cannot be private");
	return -EPERM;
}

int tier_b_check(const struct layout *layout, struct error *err)
{
	int r = check_own(layout, err);

	if (!r)
		r = check_hidden(layout, err);
	if (!r)
		r = check_windows(layout, err);
	return r ? r : check_cwd(layout, err);
}
