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
	".docker/config.json",
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

/* The hidden place that @path lies in, in @ret (PATH_MAX bytes); false if in none. */
static bool find_hidden_place(const struct layout *layout, const char *path, char *ret)
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
	for (size_t i = 0; layout->home && credentials[i]; i++) {
		int n = snprintf(ret, PATH_MAX, "%s/%s", layout->home, credentials[i]);

		if (n < PATH_MAX && path_is_within(path, ret))
			return true;
	}
	return false;
}

static int resolve_dir(const char *what, const char *path, char **ret, struct error *err)
{
	*ret = path ? realpath(path, NULL) : NULL;
	if (*ret)
		return 0;
	error_set(err, path ? path : what, NULL, "%s: %s", what, strerror(path ? errno : EINVAL));
	return path ? -errno : -EINVAL;
}

static int add_tree(struct layout *layout, const char *path, bool writable, struct error *err)
{
	char hidden[PATH_MAX];
	size_t at = layout->n_trees;
	char *copy;

	if (writable && !strcmp(path, "/")) {
		error_set(err, path, "name the directories that the agent needs",
			  "the whole file system cannot be made writable");
		return -EINVAL;
	}
	if (find_hidden_place(layout, path, hidden)) {
		error_set(err, path, "choose a directory elsewhere",
			  "this directory lies in %s, which the jail hides or replaces", hidden);
		return -EINVAL;
	}
	if (is_scratch_itself(path))
		return 0;
	if (at == LAYOUT_TREES_MAX)
		return -E2BIG;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
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

		r = resolve_dir("--write", spec->write_dirs[i], &path, err);
		if (!r)
			r = add_tree(ret, path, true, err);
	}
	/* One that is not writable must yet be seen, where it lies in a private place. */
	if (!r && strcmp(ret->cwd, "/"))
		r = add_tree(ret, ret->cwd, spec->cwd_is_writable, err);
	return r;
}

int layout_resolve(const struct jail_spec *spec, struct layout *ret, struct error *err)
{
	int r;

	*ret = (struct layout){.n_trees = 0};
	r = resolve_dir("working directory", spec->cwd, &ret->cwd, err);
	if (!r)
		r = resolve_dir("run directory", spec->run_dir, &ret->run_dir, err);
	if (!r)
		r = resolve_dir("state directory", spec->state_dir, &ret->state_dir, err);
	if (r < 0)
		return r;
	/* A home that does not exist hides nothing. */
	if (spec->home && spec->home[0] == '/')
		ret->home = realpath(spec->home, NULL);
	if (spec->policy_path && spec->policy_path[0]) {
		ret->policy_path = strdup(spec->policy_path);
		if (!ret->policy_path)
			return -ENOMEM;
	}
	ret->program_path = realpath("/proc/self/exe", NULL);
	return add_trees(spec, ret, err);
}

void layout_free(struct layout *layout)
{
	char **const strings[] = {&layout->cwd,       &layout->home,        &layout->run_dir,
				  &layout->state_dir, &layout->policy_path, &layout->program_path};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(ptr_take(strings[i]));
	for (size_t i = 0; i < layout->n_trees; i++)
		free(layout->trees[i].path);
	layout->n_trees = 0;
}
