// SPDX-License-Identifier: Apache-2.0
/*
 * The policy names paths for every run, and an earlier run's agent wrote below some of them.
 * What it may have left there must not widen what is written or shown now: a symbolic link
 * `$PWD/out` to ~/.ssh, with `$PWD/out` in the policy, would. So a link counts only
 *
 *	- in a directory of somebody else's that its caller cannot write either: the system's own;
 *	- above the home, in it, in a directory there where every program has one of its own, or
 *	  in a credential store: where people and their dotfile managers put them, and a run
 *	  writes only if a policy says so in as many words;
 *
 * and never in a tree that this run writes. A directory that a program has to itself, as
 * ~/.codex, does not count: another policy, a preset, may have let an agent write it. Writes
 * come with the shortest path first, so that of two that hold each other the outer one is a
 * tree when the inner one is walked; and all of them before reads.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/env.h"
#include "jail/files/layout.h"
#include "jail/files/mount_ops.h"
#include "jail/files/walk.h"

#define PATHS_DIR_MODE     0700
#define PATHS_COMMANDS_MAX 16 /* command files of a runner */

/* --- links ------------------------------------------------------------------------ */

/* Below the home; each program has a directory in them. */
static const char *const shared_dirs[] = {
	".config", ".cache", ".local", ".local/share", ".local/state",
};

/* Whether people put links into @dir, and runs do not. */
static bool is_persons(const char *home, const char *dir)
{
	const char *const *stores = layout_credentials();
	const char *below;

	if (path_is_within(home, dir))
		return true;
	if (!path_is_within(dir, home))
		return false;
	below = dir + strlen(home) + (home[1] != '\0');
	for (size_t i = 0; i < ARRAY_SIZE(shared_dirs); i++)
		if (!strcmp(below, shared_dirs[i]))
			return true;
	for (size_t i = 0; stores[i]; i++)
		if (path_is_within(below, stores[i]))
			return true;
	return false;
}

/* A caller's own may have been closed to writing by whoever ran as them. */
static bool is_systems(const char *dir)
{
	int r = access(dir, W_OK) < 0 ? -errno : 0;
	struct stat st;

	return r == -EROFS || (r < 0 && lstat(dir, &st) == 0 && st.st_uid != geteuid());
}

/* Whether what lies in @dir was put there by the person, or by the system. */
static bool is_trusted(const struct layout *layout, const char *dir)
{
	if (layout_is_writable(layout, dir) || layout_is_written(layout, dir))
		return false;
	return (layout->homes[0] && is_persons(layout->homes[0], dir)) || is_systems(dir);
}

static int check_link(struct walk *walk, const struct stat *st)
{
	char dir[PATH_MAX];
	size_t n = (size_t)(strrchr(walk->done, '/') - walk->done);

	if (!S_ISLNK(st->st_mode))
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(n ? n : 1), walk->done);
	return is_trusted(walk->layout, dir) ? 0 : -EMLINK;
}

static int say_failed(const char *path, int r, struct error *err)
{
	if (r == -EMLINK)
		error_set(err, path, "name the place that it leads to, or put a directory there",
			  "leads through a symbolic link that an earlier agent may have made");
	else if (r == -E2BIG)
		error_set(err, path, "name a directory that holds them", "more than %d paths",
			  PATTERNS_PATHS_MAX);
	else
		error_set(err, path, NULL, "%s", strerror(-r));
	return r;
}

/* What is not there, or not for us: the policy is written for other machines, too. */
static bool is_absent(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -ELOOP;
}

/* --- expanding ------------------------------------------------------------------------ */

/* `~` in what is shown or hidden means either home, in what is written $HOME alone. */
static int expand(const struct jail_names *patterns, const struct layout *layout, size_t n_homes,
		  struct path_list *ret, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < patterns->n; i++)
		for (size_t home = 0; !r && home < n_homes; home++) {
			const struct path_places places = {.home = layout->homes[home],
							   .cwd = layout->cwd};

			r = patterns_expand(patterns->items[i], &places, ret, err);
		}
	return r;
}

/* Cut the slash at the end off. Return: whether there was one */
static bool cut_slash(char *path)
{
	size_t n = strlen(path);
	bool has_slash = n > 1 && path[n - 1] == '/';

	if (has_slash)
		path[n - 1] = '\0';
	return has_slash;
}

/* --- what is written -------------------------------------------------------------------- */

/* @walk has come to a name that is missing, in a directory that is there. */
static int make_missing(struct walk *walk)
{
	char parent[PATH_MAX];
	size_t n = (size_t)(strrchr(walk->done, '/') - walk->done);
	autoclose int fd = -1;

	snprintf(parent, sizeof(parent), "%.*s", (int)(n ? n : 1), walk->done);
	fd = mount_open(parent);
	if (fd < 0)
		return fd;
	if (mkdirat(fd, walk->done + n + 1, PATHS_DIR_MODE) == 0 || errno == EEXIST)
		return 0;
	/* What we cannot make the agent cannot either. */
	return errno == EROFS || errno == EPERM ? -ENOENT : -errno;
}

static int check_own_files(const struct layout *layout, const char *path, struct error *err)
{
	const char *const own[] = {layout->policy_path, layout->policy_name, layout->program_path,
				   layout->default_policy_dir};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		autofree char *real = own[i] ? realpath(own[i], NULL) : NULL;

		if (!real || !path_is_within(path, real))
			continue;
		error_set(err, path, "take it out of the policy's filesystem.write",
			  "mcpjail itself and the policies that it finds are never writable");
		return -EINVAL;
	}
	return 0;
}

/* Where @path leads, in @ret, if that is there and the links on the way count; else -errno. */
static int resolve(struct layout *layout, char *path, bool may_make, char ret[PATH_MAX])
{
	bool is_made = cut_slash(path) && may_make;
	struct walk walk = {.layout = layout,
			    .on_name = check_link,
			    .on_missing = is_made ? make_missing : NULL};
	int r = walk_path(&walk, path);

	if (!r)
		snprintf(ret, PATH_MAX, "%s", walk.done[0] ? walk.done : "/");
	return r;
}

int layout_follow(struct layout *layout, const char *path, char *ret, struct error *err)
{
	struct walk walk = {.layout = layout, .on_name = check_link};
	struct stat st;
	int r = walk_path(&walk, path);

	if (!r && (stat(walk.done[0] ? walk.done : "/", &st) < 0 || !S_ISDIR(st.st_mode)))
		r = -ENOTDIR;
	if (r)
		return say_failed(path, r, err);
	snprintf(ret, PATH_MAX, "%s", walk.done[0] ? walk.done : "/");
	return 0;
}

/* Other failures are for whoever opens it to tell. */
int layout_check_links(const char *path, const char *home, struct error *err)
{
	autofree char *real_home = home ? realpath(home, NULL) : NULL;
	const struct layout layout = {.homes = {real_home}};
	struct walk walk = {.layout = &layout, .on_name = check_link};

	return walk_path(&walk, path) == -EMLINK ? say_failed(path, -EMLINK, err) : 0;
}

static int check_kind(const char *path, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
		return 0;
	error_set(err, path, NULL, "only directories and plain files can be made writable");
	return -EINVAL;
}

static int check_hidden(const struct layout *layout, const char *path, struct error *err)
{
	char hidden[PATH_MAX];

	if (!layout_find_hidden(layout, path, hidden))
		return 0;
	error_set(err, path,
		  "take it out of the policy's filesystem.write; a credential store has to be "
		  "named in filesystem.read, too",
		  "this lies in %s, which the jail hides or replaces", hidden);
	return -EINVAL;
}

static int shorter_first(const void *a, const void *b)
{
	size_t m = strlen(*(char *const *)a), n = strlen(*(char *const *)b);

	return m < n ? -1 : m > n;
}

static int find_writes(const struct jail_spec *spec, struct layout *layout, struct error *err)
{
	__attribute__((cleanup(path_list_free))) struct path_list paths = {.n = 0};
	char real[PATH_MAX];
	int r = expand(&spec->write_paths, layout, 1, &paths, err);

	qsort(paths.items, paths.n, sizeof(paths.items[0]), shorter_first);
	for (size_t i = 0; !r && i < paths.n; i++) {
		r = resolve(layout, paths.items[i], true, real);
		if (path_list_add(&layout->named, paths.items[i]))
			return say_failed(paths.items[i], -E2BIG, err);
		if (is_absent(r)) {
			r = 0;
			continue;
		}
		if (!r)
			r = path_list_add(&layout->writes, real);
		if (!r)
			r = path_list_add(&layout->named, real);
		if (r)
			say_failed(paths.items[i], r, err);
	}
	return r;
}

/* What is to be read is known by now: in a store nothing else is written. */
static int add_writes(struct layout *layout, struct error *err)
{
	int r = 0;

	for (size_t i = 0; !r && i < layout->writes.n; i++) {
		const char *path = layout->writes.items[i];

		r = check_kind(path, err);
		if (!r)
			r = check_own_files(layout, path, err);
		if (!r)
			r = check_hidden(layout, path, err);
		if (!r)
			r = layout_add_tree(layout, path, true, err);
		if (!r && layout_add_policy_root(layout, path))
			r = say_failed(path, -E2BIG, err);
	}
	return r;
}

/* --- what is shown ------------------------------------------------------------------------ */

static int add_read(struct layout *layout, char *path, struct error *err)
{
	char real[PATH_MAX], hidden[PATH_MAX];
	int r = resolve(layout, path, false, real);

	if (is_absent(r))
		return 0;
	if (!r)
		r = path_list_add(&layout->reads, path);
	if (!r)
		r = path_list_add(&layout->reads, real);
	if (r)
		return say_failed(path, r, err);
	if (layout_find_hidden(layout, real, hidden)) {
		error_set(err, path, "take it out of the policy's filesystem.read",
			  "this lies in %s, which is never shown in the jail", hidden);
		return -EINVAL;
	}
	return layout_is_in_scratch(real) ? layout_add_tree(layout, real, false, err) : 0;
}

static int add_reads(const struct jail_spec *spec, struct layout *layout, struct error *err)
{
	__attribute__((cleanup(path_list_free))) struct path_list paths = {.n = 0};
	int r = expand(&spec->read_paths, layout, LAYOUT_HOMES_MAX, &paths, err);

	for (size_t i = 0; !r && i < paths.n; i++)
		r = add_read(layout, paths.items[i], err);
	return r;
}

/* --- sockets ------------------------------------------------------------------------------ */

static int show_socket(struct layout *layout, const char *path, const char *real)
{
	struct layout_socket *socket = &layout->sockets[layout->n_sockets];

	/* Of /dev, /proc and /sys the jail has its own, which hold none. */
	if (!layout_is_in_scratch(path) && !path_is_within(path, "/run"))
		return 0;
	if (layout->n_sockets == LAYOUT_SOCKETS_MAX)
		return -E2BIG;
	*socket = (struct layout_socket){strdup(path), strdup(real)};
	layout->n_sockets++;
	return socket->path && socket->real ? 0 : -ENOMEM;
}

/* One that lies in a store is shown there like a file. */
static int add_socket(struct layout *layout, char *path, struct error *err)
{
	char real[PATH_MAX], hidden[PATH_MAX];
	struct stat st;
	int r = resolve(layout, path, false, real);

	if (is_absent(r) || (!r && (lstat(real, &st) < 0 || !S_ISSOCK(st.st_mode))))
		return 0;
	if (!r && layout_is_replaced(real)) {
		r = show_socket(layout, real, real);
		if (!r && strcmp(path, real) && layout_is_replaced(path))
			r = show_socket(layout, path, real);
	} else if (!r && layout_find_hidden(layout, real, hidden)) {
		r = path_list_add(&layout->reads, path);
		if (!r)
			r = path_list_add(&layout->reads, real);
	}
	return r ? say_failed(path, r, err) : 0;
}

static int add_sockets(const struct jail_spec *spec, struct layout *layout, struct error *err)
{
	__attribute__((cleanup(path_list_free))) struct path_list paths = {.n = 0};
	int r = expand(&spec->sockets, layout, 1, &paths, err);

	for (size_t i = 0; !r && i < paths.n; i++)
		r = add_socket(layout, paths.items[i], err);
	return r;
}

/* --- what is hidden ----------------------------------------------------------------------- */

static int add_hide(struct layout *layout, char *path, struct error *err)
{
	autofree char *real = NULL;
	int r;

	cut_slash(path);
	real = realpath(path, NULL);
	/* A link that leads nowhere hides nothing; what the jail replaces is hidden already. */
	if (!real || (layout_is_replaced(real) && !layout_is_in_scratch(real)))
		return 0;
	if (path_is_within(layout->cwd, real)) {
		error_set(err, path, "start mcpjail elsewhere, or hide less",
			  "the working directory lies in what is to be hidden");
		return -EINVAL;
	}
	r = path_list_add(&layout->hides, path);
	return r ? say_failed(path, r, err) : 0;
}

/* What the caller cannot write takes no commands: BASH_ENV may be a file of the system's. */
static bool takes_commands(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, W_OK) == 0;
}

static int add_hides(const struct jail_spec *spec, struct layout *layout, struct error *err)
{
	__attribute__((cleanup(path_list_free))) struct path_list paths = {.n = 0};
	const char *commands[PATHS_COMMANDS_MAX];
	size_t n = env_command_files(environ, commands, ARRAY_SIZE(commands));
	int r = expand(&spec->hide_paths, layout, LAYOUT_HOMES_MAX, &paths, err);

	for (size_t i = 0; !r && i < n; i++) {
		r = takes_commands(commands[i]) ? path_list_add(&paths, commands[i]) : 0;
		if (r)
			say_failed(commands[i], r, err);
	}
	for (size_t i = 0; !r && i < paths.n; i++)
		r = add_hide(layout, paths.items[i], err);
	return r;
}

/* --- the policy in force ------------------------------------------------------------------ */

/*
 * Its own name is kept read-only, wherever it lies; by a hard link that an earlier agent made
 * of it, when it was a file like others, the next run's policy could be written yet.
 */
static int check_policy_names(const struct layout *layout, struct error *err)
{
	const char *path = layout->policy_path;
	struct stat st;

	if (!path || stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink < 2 ||
	    access(path, W_OK) < 0)
		return 0;
	error_set(err, path, "put a copy in its place, by cp and mv",
		  "the policy has a second name (a hard link), by which an agent may write it");
	return -EMLINK;
}

int layout_add_paths(const struct jail_spec *spec, struct layout *layout, struct error *err)
{
	int r = check_policy_names(layout, err);

	if (!r)
		r = find_writes(spec, layout, err);
	if (!r)
		r = add_reads(spec, layout, err);
	if (!r)
		r = add_writes(layout, err);
	if (!r)
		r = add_sockets(spec, layout, err);
	return r ? r : add_hides(spec, layout, err);
}
