// SPDX-License-Identifier: Apache-2.0
/*
 * The file tree of tier B. Landlock walks from a file up to the root of its mounts and
 * permits what any rule on the way permits. So nothing is said of a directory that holds
 * something hidden; each of its entries but that one has a rule instead. Rules go by inode:
 * a hidden directory is left out under each name that another mount gives it, too.
 *
 * Two domains lie in each other. Broker, init and agent share the outer one, without which the
 * broker would bind unix sockets, and init write, where the agent may not. The inner one is the
 * agent's alone: it also takes TCP and the files that init writes, and keeps its signals from the
 * others.
 */
#include "jail/tier_b/tier_b_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/files/aliases.h"
#include "jail/files/mount_ops.h"
#include "sandbox/landlock.h"

#define READS       LANDLOCK_DENY_READS
#define WRITES      (LANDLOCK_DENY_WRITES | LANDLOCK_DENY_TRUNCATE)
#define RULES_DEPTH 64 /* directories in each other that hold something hidden */

/* As in tier A they hold nothing for the agent, but for what has rules of its own. */
static const char *const closed_dirs[] = {"/tmp", "/var/tmp", "/dev", "/run", "/var/run", "/sys"};

static const char *const devices[] = {"/dev/null",   "/dev/zero",    "/dev/full",
				      "/dev/random", "/dev/urandom", "/dev/tty"};

/* Other programs' names for these may lead into a closed directory. */
static const char *const system_files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/hostname",
					   "/etc/localtime"};

struct rules {
	int ruleset;
	struct path_list hidden;
};

static void rules_free(struct rules *rules)
{
	fd_close(&rules->ruleset);
	path_list_free(&rules->hidden);
}

#define autorules __attribute__((cleanup(rules_free)))

/* What is not there, or out of reach for us, is so for the agent. */
static int permit(const struct rules *rules, const char *path, unsigned denials)
{
	autoclose int fd = mount_open(path);

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES || fd == -ELOOP)
		return 0;
	return fd < 0 ? fd : landlock_permit(rules->ruleset, fd, denials);
}

static int permit_target(const struct rules *rules, const char *path, unsigned denials)
{
	autofree char *real = realpath(path, NULL);

	return real ? permit(rules, real, denials) : 0;
}

/* --- what is hidden ------------------------------------------------------------ */

static int hide(struct rules *rules, const struct aliases *aliases, const char *path)
{
	autofree char *real = realpath(path, NULL);
	int r = real ? path_list_add(&rules->hidden, real) : 0;

	return r || !real ? r : aliases_find(aliases, real, &rules->hidden);
}

static int hide_stores(struct rules *rules, const struct aliases *aliases,
		       const struct layout *layout)
{
	const char *const *stores = layout_credentials();
	char path[PATH_MAX];
	int r = 0;

	for (size_t home = 0; home < LAYOUT_HOMES_MAX; home++)
		for (size_t i = 0; !r && layout->homes[home] && stores[i]; i++) {
			snprintf(path, sizeof(path), "%s/%s", layout->homes[home], stores[i]);
			if (!layout_is_read(layout, path))
				r = hide(rules, aliases, path);
		}
	return r;
}

static int hide_all(struct rules *rules, const struct layout *layout)
{
	__attribute__((cleanup(aliases_free))) struct aliases aliases = {.n = 0};
	int r = aliases_load(&aliases);

	if (!r)
		r = hide(rules, &aliases, layout->run_dir);
	if (!r)
		r = hide(rules, &aliases, layout->state_dir);
	for (size_t i = 0; !r && i < ARRAY_SIZE(closed_dirs); i++)
		r = hide(rules, &aliases, closed_dirs[i]);
	for (size_t i = 0; !r && i < layout->hides.n; i++)
		r = hide(rules, &aliases, layout->hides.items[i]);
	return r ? r : hide_stores(rules, &aliases, layout);
}

static bool is_hidden(const struct rules *rules, const char *path)
{
	for (size_t i = 0; i < rules->hidden.n; i++)
		if (path_is_within(path, rules->hidden.items[i]))
			return true;
	return false;
}

static bool holds_hidden(const struct rules *rules, const char *path)
{
	for (size_t i = 0; i < rules->hidden.n; i++)
		if (path_is_within(rules->hidden.items[i], path))
			return true;
	return false;
}

/* --- what is shown ---------------------------------------------------------------- */

static int permit_around(const struct rules *rules, const char *path, unsigned depth);

/* A link is no file; what it leads to has its own place. */
static int permit_entry(const struct rules *rules, const char *dir, const struct dirent *entry,
			unsigned depth)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", strcmp(dir, "/") ? dir : "", entry->d_name);

	if (n >= (int)sizeof(path) || entry->d_type == DT_LNK || !strcmp(entry->d_name, ".") ||
	    !strcmp(entry->d_name, ".."))
		return 0;
	return permit_around(rules, path, depth);
}

static int permit_around(const struct rules *rules, const char *path, unsigned depth)
{
	struct dirent *entry;
	DIR *dir;
	int r = 0;

	if (is_hidden(rules, path))
		return 0;
	if (!holds_hidden(rules, path))
		return permit(rules, path, READS);
	dir = depth ? opendir(path) : NULL;
	while (dir && !r && (entry = readdir(dir)))
		r = permit_entry(rules, path, entry, depth - 1);
	if (dir)
		closedir(dir);
	return r;
}

static int permit_reads_of_policy(const struct rules *rules, const struct layout *layout)
{
	int r = 0;

	for (size_t i = 0; !r && i < layout->reads.n; i++)
		r = permit_target(rules, layout->reads.items[i], READS);
	for (size_t i = 0; !r && i < layout->n_trees; i++)
		if (tier_b_is_whole(&layout->trees[i]))
			r = permit(rules, layout->trees[i].path, READS);
	return r;
}

static int permit_reads(const struct rules *rules, const struct tier_b *b)
{
	int r = permit_around(rules, "/", RULES_DEPTH);

	if (!r)
		r = permit_reads_of_policy(rules, &b->layout);
	if (!r)
		r = permit(rules, b->dir, READS);
	for (size_t i = 0; !r && i < ARRAY_SIZE(system_files); i++)
		r = permit_target(rules, system_files[i], READS);
	/* The broker is executed from it. */
	return r ? r : permit_target(rules, "/proc/self/exe", READS);
}

/* --- what is written ----------------------------------------------------------------- */

/* The agent's terminal alone: the others in /dev/pts are the person's. */
static int permit_terminal(const struct rules *rules, int slave, unsigned denials)
{
	char name[64];

	return slave < 0 || ttyname_r(slave, name, sizeof(name)) ? 0 : permit(rules, name, denials);
}

static int permit_writes(const struct rules *rules, const struct tier_b *b)
{
	char path[TIER_B_PATH_BYTES];
	int r = permit_terminal(rules, b->pty_slave, WRITES);

	for (size_t i = 0; !r && i < b->layout.n_trees; i++)
		if (b->layout.trees[i].writable)
			r = permit(rules, b->layout.trees[i].path, WRITES);
	for (size_t i = 0; !r && i < ARRAY_SIZE(devices); i++)
		r = permit(rules, devices[i], WRITES);
	/* Shared memory and semaphores have no other place. */
	if (!r)
		r = permit(rules, "/dev/shm", WRITES);
	tier_b_path(b, "tmp", path);
	return r ? r : permit(rules, path, WRITES);
}

/* Devices are read, too. */
static int permit_devices(const struct rules *rules, const struct tier_b *b)
{
	int r = permit_terminal(rules, b->pty_slave, READS);

	for (size_t i = 0; !r && i < ARRAY_SIZE(devices); i++)
		r = permit(rules, devices[i], READS);
	return r ? r : permit(rules, "/dev/shm", READS);
}

/* --- both domains ------------------------------------------------------------------------ */

static int failed(struct error *err, int r)
{
	if (r == -E2BIG)
		error_set(err, "landlock", "hide directories above them",
			  "more than %d places to hide", PATTERNS_PATHS_MAX);
	else
		error_set(err, "landlock", NULL, "the files cannot be confined: %s", strerror(-r));
	return r;
}

int tier_b_confine(const struct tier_b *b, struct error *err)
{
	autorules struct rules rules = {.ruleset = landlock_begin(READS | WRITES | LANDLOCK_SCOPE)};
	char path[TIER_B_PATH_BYTES];
	int r = rules.ruleset < 0 ? rules.ruleset : hide_all(&rules, &b->layout);

	if (!r)
		r = permit_reads(&rules, b);
	if (!r)
		r = permit_devices(&rules, b);
	if (!r)
		r = permit_writes(&rules, b);
	for (size_t i = 0; !r && tier_b_files_of_init[i]; i++) {
		tier_b_path(b, tier_b_files_of_init[i], path);
		r = permit(&rules, path, WRITES);
	}
	if (!r)
		r = landlock_enforce(rules.ruleset);
	return r ? failed(err, r) : 0;
}

int tier_b_confine_agent(const struct tier_b *b, struct error *err)
{
	autorules struct rules rules = {.ruleset = landlock_begin(WRITES | LANDLOCK_SCOPE |
								  LANDLOCK_DENY_TCP_BIND |
								  LANDLOCK_DENY_TCP_CONNECT)};
	int r = rules.ruleset < 0 ? rules.ruleset : permit_writes(&rules, b);

	if (!r)
		r = landlock_enforce(rules.ruleset);
	return r ? failed(err, r) : 0;
}
