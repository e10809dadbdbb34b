// SPDX-License-Identifier: Apache-2.0
#include "jail/layout.h"

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

/* Below the home. Secrets of other programs that an agent has no business to read. */
static const char *const credentials[] = {
	".ssh",
	".gnupg",
	".aws",
	".azure",
	".kube",
	".netrc",
	".git-credentials",
	".config/git/credentials",
	".docker",
	".config/gcloud",
	".config/gh",
	".password-store",
	".local/share/keyrings",
	".mozilla",
	".thunderbird",
	".config/google-chrome",
	".config/google-chrome-beta",
	".config/google-chrome-unstable",
	".config/chromium",
	".config/BraveSoftware",
	".config/microsoft-edge",
	".config/opera",
	".config/vivaldi",
	".config/mozilla",
	"snap/firefox",
	"snap/chromium",
	".var/app/org.mozilla.firefox",
	".var/app/com.google.Chrome",
	".var/app/org.chromium.Chromium",
	".var/app/com.brave.Browser",
	NULL,
};

const char *const *layout_credentials(void)
{
	return credentials;
}

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

size_t layout_writable_trees(const struct layout *layout, const char *ret[LAYOUT_TREES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < layout->n_trees; i++)
		if (layout->trees[i].writable)
			ret[n++] = layout->trees[i].path;
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
	for (size_t i = 0; credentials[i]; i++) {
		int n = snprintf(ret, PATH_MAX, "%s/%s", home, credentials[i]);

		if (n < PATH_MAX && path_is_within(path, ret))
			return true;
	}
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
	if (!copy) {
		error_set(err, path, NULL, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
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

static int add_trees(const struct jail_spec *spec, struct layout *ret, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < spec->n_write_dirs; i++) {
		autofree char *path = NULL;

		if (i == JAIL_WRITE_DIRS_MAX) {
			error_set(err, spec->write_dirs[i],
				  "name a directory that holds several of them",
				  "no more than %d directories can be made writable",
				  JAIL_WRITE_DIRS_MAX);
			return -E2BIG;
		}
		r = resolve_dir("--write", spec->write_dirs[i], &path, err);
		if (!r)
			r = layout_add_tree(ret, path, true, err);
	}
	/* One that is not writable must yet be seen, where it lies in a private place. */
	if (!r && strcmp(ret->cwd, "/"))
		r = layout_add_tree(ret, ret->cwd, spec->cwd_is_writable, err);
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

	*ret = (struct layout){.n_trees = 0, .run_dev = spec->run_dev, .run_ino = spec->run_ino};
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
	ret->program_path = realpath("/proc/self/exe", NULL);
	r = add_trees(spec, ret, err);
	return r ? r : layout_add_paths(spec, ret, err);
}

void layout_free(struct layout *layout)
{
	char **const strings[] = {
		&layout->cwd,          &layout->run_dir,    &layout->state_dir,
		&layout->homes[0],     &layout->homes[1],   &layout->policy_path,
		&layout->policy_name,  &layout->state_name, &layout->default_policy_dir,
		&layout->program_path,
	};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(ptr_take(strings[i]));
	for (size_t i = 0; i < layout->n_trees; i++)
		free(layout->trees[i].path);
	layout->n_trees = 0;
	path_list_free(&layout->reads);
	path_list_free(&layout->writes);
	path_list_free(&layout->hides);
}
