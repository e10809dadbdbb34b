// SPDX-License-Identifier: Apache-2.0
#include "jail/files/layout.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Replaced by private, writable file systems. */
static const char *const scratch_dirs[] = {"/tmp", "/var/tmp", "/dev/shm"};

/* Replaced by what the jail needs of them, or by nothing. */
static const char *const system_dirs[] = {"/dev", "/proc", "/run", "/sys", "/var/run"};

bool path_is_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1 && dir[0] == '/')
		return path[0] == '/';
	return !strncmp(path, dir, n) && (path[n] == '\0' || path[n] == '/');
}

bool layout_is_in_scratch(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(scratch_dirs); i++)
		if (path_is_within(path, scratch_dirs[i]))
			return true;
	return false;
}

bool layout_is_replaced(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(system_dirs); i++)
		if (path_is_within(path, system_dirs[i]))
			return true;
	return layout_is_in_scratch(path);
}

static bool is_scratch_itself(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(scratch_dirs); i++)
		if (!strcmp(path, scratch_dirs[i]))
			return true;
	return false;
}

bool layout_is_writable(const struct layout *layout, const char *path)
{
	for (size_t i = 0; i < layout->n_trees; i++)
		if (layout->trees[i].writable && path_is_within(path, layout->trees[i].path))
			return true;
	return false;
}

size_t layout_writable_places(const struct layout *layout, const char *ret[LAYOUT_WRITABLE_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < layout->n_trees; i++)
		if (layout->trees[i].writable)
			ret[n++] = layout->trees[i].path;
	for (size_t i = 0; i < LAYOUT_NSS_MAX; i++)
		if (layout->nss_dirs[i])
			ret[n++] = layout->nss_dirs[i];
	return n;
}

static bool is_in_list(const struct path_list *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++)
		if (path_is_within(path, list->items[i]))
			return true;
	return false;
}

bool layout_is_read(const struct layout *layout, const char *path)
{
	return is_in_list(&layout->reads, path);
}

bool layout_is_written(const struct layout *layout, const char *path)
{
	return is_in_list(&layout->writes, path);
}

static bool is_in_store(const char *home, const char *path, char *ret)
{
	const char *const *names = layout_credentials();
	const char *below;

	if (!path_is_within(path, home) || !strcmp(path, home))
		return false;
	below = path + strlen(home) + (home[1] != '\0');
	for (size_t i = 0; names[i]; i++)
		if (path_is_within(below, names[i]))
			return snprintf(ret, PATH_MAX, "%s/%s", home, names[i]) < PATH_MAX;
	return false;
}

bool layout_find_hidden(const struct layout *layout, const char *path, char *ret)
{
	const char *const own[] = {layout->run_dir, layout->state_dir};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		snprintf(ret, PATH_MAX, "%s", own[i]);
		if (path_is_within(path, ret))
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(system_dirs); i++) {
		snprintf(ret, PATH_MAX, "%s", system_dirs[i]);
		if (path_is_within(path, ret) && !layout_is_in_scratch(path))
			return true;
	}
	for (size_t i = 0; i < LAYOUT_HOMES_MAX; i++)
		if (layout->homes[i] && !layout_is_read(layout, path) &&
		    is_in_store(layout->homes[i], path, ret))
			return true;
	return false;
}

static int say_no_memory(const char *path, struct error *err)
{
	error_set(err, path, NULL, "%s", strerror(ENOMEM));
	return -ENOMEM;
}

static int resolve_dir(const char *what, const char *path, char **ret, struct error *err)
{
	int r;

	*ret = path ? realpath(path, NULL) : NULL;
	if (*ret)
		return 0;
	r = path ? -errno : -EINVAL;
	error_set(err, path ? path : what, NULL, "%s: %s", what, strerror(-r));
	return r;
}

/*
 * Whether a writable tree shows @path already. One outside of the private places does not show
 * what lies in them, though its name be shorter: they come over it.
 */
static bool is_covered(const struct layout *layout, const char *path)
{
	for (size_t i = 0; i < layout->n_trees; i++)
		if (layout->trees[i].writable && path_is_within(path, layout->trees[i].path) &&
		    layout->trees[i].in_scratch == layout_is_in_scratch(path))
			return true;
	return false;
}

/* Drop the trees that a new one at @path will show as well. */
static void drop_within(struct layout *layout, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < layout->n_trees; i++) {
		struct layout_tree tree = layout->trees[i];

		if (path_is_within(tree.path, path) &&
		    tree.in_scratch == layout_is_in_scratch(path))
			free(tree.path);
		else
			layout->trees[kept++] = tree;
	}
	layout->n_trees = kept;
}

int layout_add_tree(struct layout *layout, const char *path, bool writable, struct error *err)
{
	char hidden[PATH_MAX];
	size_t at;
	char *copy;

	if (writable && !strcmp(path, "/")) {
		error_set(err, path, "name the directories that the agent needs",
			  "the whole file system cannot be made writable");
		return -EINVAL;
	}
	if (layout_find_hidden(layout, path, hidden)) {
		error_set(err, path, "choose another place",
			  "this lies in %s, which the jail hides or replaces", hidden);
		return -EINVAL;
	}
	/* Of two that hold each other the wider one is what the person asked for, too. */
	if (is_scratch_itself(path) || is_covered(layout, path))
		return 0;
	copy = strdup(path);
	if (!copy)
		return say_no_memory(path, err);
	if (writable)
		drop_within(layout, path);
	if (layout->n_trees == LAYOUT_TREES_MAX) {
		free(copy);
		error_set(err, path, "name a directory that holds several of them",
			  "no more than %d places can be made writable or shown", LAYOUT_TREES_MAX);
		return -E2BIG;
	}
	at = layout->n_trees;
	/* Parents come before what lies in them, so that no mount covers an earlier one. */
	while (at && strlen(layout->trees[at - 1].path) > strlen(path)) {
		layout->trees[at] = layout->trees[at - 1];
		at--;
	}
	layout->trees[at] = (struct layout_tree){copy, writable, layout_is_in_scratch(path)};
	layout->n_trees++;
	return 0;
}

/* @path lies in @dir, in a directory there whose name begins with a dot: `.git`, `.codex`. */
static bool is_in_dotted(const char *path, const char *dir)
{
	return path_is_within(path, dir) && strcmp(path, dir) && path[strlen(dir)] == '/' &&
	       path[strlen(dir) + 1] == '.';
}

/* --write DIR within a dotted directory of another one means what that would keep. */
static int add_root(struct layout *layout, const char *path)
{
	for (size_t i = 0; i < layout->roots.n; i++)
		if (is_in_dotted(path, layout->roots.items[i]))
			return 0;
	return path_list_add(&layout->roots, path);
}

int layout_add_policy_root(struct layout *layout, const char *path)
{
	for (size_t i = 0; i < LAYOUT_HOMES_MAX; i++)
		if (layout->homes[i] && is_in_dotted(path, layout->homes[i]))
			return 0;
	return add_root(layout, path);
}

static int add_write_dir(struct layout *layout, const char *name, struct error *err)
{
	char path[PATH_MAX];
	int r = layout_follow(layout, name, path, err);

	if (!r)
		r = layout_add_tree(layout, path, true, err);
	if (!r && (path_list_add(&layout->named, path) || add_root(layout, path)))
		r = say_no_memory(path, err);
	return r;
}

/* The working directory comes first: no link in it counts. */
static int add_trees(const struct jail_spec *spec, struct layout *ret, struct error *err)
{
	int r = 0;

	if (spec->n_write_dirs > JAIL_WRITE_DIRS_MAX) {
		error_set(err, spec->write_dirs[JAIL_WRITE_DIRS_MAX],
			  "name a directory that holds several of them",
			  "no more than %d directories can be made writable", JAIL_WRITE_DIRS_MAX);
		return -E2BIG;
	}
	/* One that is not writable must yet be seen, where it lies in a private place. */
	if (strcmp(ret->cwd, "/"))
		r = layout_add_tree(ret, ret->cwd, spec->cwd_is_writable, err);
	if (!r && spec->cwd_is_writable && path_list_add(&ret->roots, ret->cwd))
		r = say_no_memory(ret->cwd, err);
	for (size_t i = 0; !r && i < spec->n_write_dirs; i++)
		r = add_write_dir(ret, spec->write_dirs[i], err);
	return r;
}

/* A home that does not exist hides nothing. */
static void resolve_homes(const struct jail_spec *spec, struct layout *ret)
{
	const char *const homes[LAYOUT_HOMES_MAX] = {spec->home, spec->passwd_home};

	for (size_t i = 0; i < LAYOUT_HOMES_MAX; i++)
		if (homes[i] && homes[i][0] == '/')
			ret->homes[i] = realpath(homes[i], NULL);
	if (ret->homes[0] && ret->homes[1] && !strcmp(ret->homes[0], ret->homes[1]))
		free(ptr_take(&ret->homes[1]));
}

/* The older place, and the one of who has no such directory; of who has both, both. */
static void find_nss_dirs(struct layout *layout)
{
	static const char *const names[LAYOUT_NSS_MAX] = {".pki/nssdb", ".local/share/pki/nssdb"};
	const char *data = getenv("XDG_DATA_HOME");
	char path[PATH_MAX];

	for (size_t i = 0; layout->homes[0] && i < LAYOUT_NSS_MAX; i++) {
		snprintf(path, sizeof(path), "%s/%s", layout->homes[0], names[i]);
		if (i && data && data[0] == '/')
			snprintf(path, sizeof(path), "%s/pki/nssdb", data);
		if (access(path, F_OK) == 0 && !layout_is_replaced(path))
			layout->nss_dirs[i] = realpath(path, NULL);
	}
}

static int copy_names(const struct jail_spec *spec, struct layout *ret, struct error *err)
{
	const struct {
		const char *from;
		char **to;
	} names[] = {
		{spec->policy_path, &ret->policy_path},
		{spec->policy_name, &ret->policy_name},
		{spec->state_dir, &ret->state_name},
		{spec->default_policy_dir, &ret->default_policy_dir},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!names[i].from || !names[i].from[0])
			continue;
		*names[i].to = strdup(names[i].from);
		if (!*names[i].to) {
			error_set(err, names[i].from, NULL, "%s", strerror(ENOMEM));
			return -ENOMEM;
		}
	}
	return 0;
}

int layout_resolve(const struct jail_spec *spec, struct layout *ret, struct error *err)
{
	int r;

	*ret = (struct layout){.n_trees = 0,
			       .run_dev = spec->run_dev,
			       .run_ino = spec->run_ino,
			       .memory = spec->limits.memory,
			       .nests = spec->allows_nested_sandbox && spec->tier == JAIL_TIER_A};
	r = resolve_dir("working directory", spec->cwd, &ret->cwd, err);
	if (!r)
		r = resolve_dir("run directory", spec->run_dir, &ret->run_dir, err);
	if (!r)
		r = resolve_dir("state directory", spec->state_dir, &ret->state_dir, err);
	if (!r)
		r = copy_names(spec, ret, err);
	if (r < 0)
		return r;
	resolve_homes(spec, ret);
	find_nss_dirs(ret);
	ret->program_path = realpath("/proc/self/exe", NULL);
	r = add_trees(spec, ret, err);
	return r ? r : layout_add_paths(spec, ret, err);
}

void layout_free(struct layout *layout)
{
	char **const strings[] = {
		&layout->cwd,          &layout->run_dir,     &layout->state_dir,
		&layout->homes[0],     &layout->homes[1],    &layout->policy_path,
		&layout->policy_name,  &layout->state_name,  &layout->default_policy_dir,
		&layout->program_path, &layout->nss_dirs[0], &layout->nss_dirs[1],
	};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(ptr_take(strings[i]));
	for (size_t i = 0; i < layout->n_trees; i++)
		free(layout->trees[i].path);
	layout->n_trees = 0;
	path_list_free(&layout->reads);
	path_list_free(&layout->writes);
	path_list_free(&layout->hides);
	path_list_free(&layout->roots);
	path_list_free(&layout->named);
	for (size_t i = 0; i < layout->n_sockets; i++) {
		free(layout->sockets[i].path);
		free(layout->sockets[i].real);
	}
	layout->n_sockets = 0;
}
