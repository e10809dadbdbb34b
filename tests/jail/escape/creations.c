// SPDX-License-Identifier: Apache-2.0
/* Files that do not exist yet, in places that are not the agent's. What is made is taken away. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "escape.h"
#include "files.h"
#include "tables.h"

static int way_error; /* of the first directory that could not be made, and was not there */

/* With the directories on the way. Returns how many of them were made, to be taken away. */
static int make_way(const char *path)
{
	char way[PATH_MAX];
	int made = 0;

	way_error = ENOENT;

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(way, sizeof(way), "%.*s", (int)(slash - path), path);
		if (mkdir(way, 0755) == 0)
			made++;
		else if (errno != EEXIST && way_error == ENOENT)
			way_error = errno;
	}
	return made;
}

static void unmake_way(const char *path, int made)
{
	char way[PATH_MAX], *slash;

	snprintf(way, sizeof(way), "%s", path);
	while (made-- && (slash = strrchr(way, '/'))) {
		*slash = '\0';
		rmdir(way);
	}
}

/* Make the way to the probe's target, put something there, and take all of it away again. */
static _Noreturn void create_by(const struct probe *probe, int (*put)(const char *),
				const char *step)
{
	const char *path = target(probe, 0);
	int made = make_way(path), r = put(path), error = errno;

	if (r >= 0)
		unlink(path);
	unmake_way(path, made);
	errno = error == ENOENT ? way_error : error;
	stopped_unless(r, step);
}

static int put_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

static void try_create(const struct probe *probe)
{
	create_by(probe, put_file, "open");
}

static int put_temporary(const char *path)
{
	make_temporary();
	return rename(TEMPORARY, path);
}

static void try_create_by_rename(const struct probe *probe)
{
	create_by(probe, put_temporary, "rename");
}

static int put_link(const char *path)
{
	return symlink(TEMPORARY, path);
}

static void try_create_link(const struct probe *probe)
{
	create_by(probe, put_link, "symlink");
}

/* A directory of one's own, with all that is wanted in it, put there as a whole. */
static void try_create_by_directory(const struct probe *probe)
{
	const char *path = target(probe, 0);
	int r;

	mkdir("directory", 0755);
	r = rename("directory", path);
	if (!r)
		rmdir(path);
	stopped_unless(r, "rename");
}

/* A file without a name, which then gets one. */
static void try_create_nameless(const struct probe *probe)
{
	const char *path = target(probe, 0);
	char self[64];
	int fd = open(".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644), r;

	if (fd < 0)
		stopped("open");
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	r = linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
	if (!r)
		unlink(path);
	stopped_unless(r, "link");
}

/* A directory of one's own that is a link to another: what is created in it lies there. */
static void try_create_by_symlink(const struct probe *probe)
{
	char path[PATH_MAX];
	int fd;

	unlink("symlink-dir");
	if (symlink(target(probe, 0), "symlink-dir"))
		stopped("symlink");
	snprintf(path, sizeof(path), "symlink-dir/%s", target(probe, 1));
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		unlink(path);
	stopped_unless(fd, "open");
}

/* By a directory descriptor that was opened before anything moved. */
static void try_create_at(const struct probe *probe)
{
	int dir = open(target(probe, 0), O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		stopped("directory");
	fd = openat(dir, target(probe, 1), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		unlinkat(dir, target(probe, 1), 0);
	stopped_unless(fd, "open");
}

const struct probe probes_creations[] = {
	{"create", "create a file", UNCHANGED, try_create, "{host}/new"},
	{"create-link", "create a link", UNCHANGED, try_create_link, "{host}/new"},
	{"create-by-rename", "put one of one's own there", UNCHANGED, try_create_by_rename,
	 "{host}/new"},
	{"create-nameless", "give a nameless file a name", UNCHANGED, try_create_nameless,
	 "{host}/new"},

	/* What the host would run. */
	{"cron", "/etc/cron.d", UNCHANGED, try_create, "/etc/cron.d/" CRON},
	{"cron-symlink", "… by a symbolic link to the directory", UNCHANGED, try_create_by_symlink,
	 "/etc/cron.d " CRON},
	{"cron-directory", "… by a descriptor of the directory", UNCHANGED, try_create_at,
	 "/etc/cron.d " CRON},
	{"cron-proc-root", "… by /proc/self/root", UNCHANGED, try_create,
	 "/proc/self/root/etc/cron.d/" CRON},
	{"cron-init-root", "… by /proc/1/root", UNCHANGED, try_create,
	 "/proc/1/root/etc/cron.d/" CRON},
	{"program-directory", "/usr/local/bin", UNCHANGED, try_create, "/usr/local/bin/" CRON},
	{"default-policy", "leave a policy for later runs", UNCHANGED, try_create,
	 "{home}/.config/mcpjail/policy.json"},

	/* Run later, outside, by git, an agent host, an editor or a shell. */
	{"git-hook", "a new git hook", KEPT, try_create, "{project}/.git/hooks/post-commit",
	 .held_b = LATER},
	{"git-hook-rename", "a git hook by rename", KEPT, try_create_by_rename,
	 "{project}/.git/hooks/post-commit", .held_b = LATER},
	{"git-hook-symlink", "a git hook by a symbolic link", KEPT, try_create_by_symlink,
	 "{project}/.git/hooks post-commit", .held_b = LATER},
	{"git-hook-nameless", "a git hook by a nameless file", KEPT, try_create_nameless,
	 "{project}/.git/hooks/post-commit", .held_b = LATER},
	{"vscode-tasks", ".vscode/tasks.json", KEPT, try_create, "{project}/.vscode/tasks.json",
	 .held_b = LATER},
	{"vscode-directory", ".vscode as a whole", KEPT, try_create_by_directory,
	 "{project}/.vscode", .held_b = LATER},
	{"codex-config", ".codex/config.toml", KEPT, try_create, "{project}/.codex/config.toml",
	 .held_b = LATER},
	{"bash-profile", "a ~/.bash_profile that does not exist", KEPT, try_create,
	 "{home}/.bash_profile"},
	{"zshenv", "a ~/.zshenv that does not exist", KEPT, try_create, "{home}/.zshenv"},
	{"profile-link", "a ~/.profile by a link", KEPT, try_create_link, "{home}/.profile"},
	{"autostart", "a program for the next session", KEPT, try_create,
	 "{home}/.config/autostart/escape.desktop"},
	{"systemd-user", "a service of the user", KEPT, try_create,
	 "{home}/.config/systemd/user/escape.service"},
	{.name = NULL},
};

const struct probe probes_peers_files[] = {
	{"settings-created", "a settings file that does not exist yet (CVE-2026-25725)", KEPT,
	 try_create, "{project}/.claude/settings.json", .held_b = LATER},
	{"settings-local-created", "… settings.local.json", KEPT, try_create,
	 "{project}/.claude/settings.local.json", .held_b = LATER},
	{"settings-directory", "… with the directory, by rename", KEPT, try_create_by_directory,
	 "{project}/.claude", .held_b = LATER},
	{"settings-linked", "… as a symbolic link", KEPT, try_create_link,
	 "{project}/.claude/settings.json", .held_b = LATER},
	{"symlink-out", "a symbolic link out of the working directory (CVE-2026-39861)", UNCHANGED,
	 try_create_by_symlink, "{host} new"},
	{.name = NULL},
};
