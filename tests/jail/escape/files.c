// SPDX-License-Identifier: Apache-2.0
/*
 * Files that are not the agent's: to be changed by every call and every name that could reach
 * them, and secrets to be read. Outside, what was changed is put back.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "escape.h"
#include "files.h"
#include "tables.h"

#define KEPT_BYTES 4096

/* What a file held, to be put back. */
struct kept {
	char bytes[KEPT_BYTES];
	ssize_t n;
	struct stat st;
};

static struct kept keep(const char *path)
{
	struct kept k = {.n = 0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &k.st))
		stopped("look");
	k.n = read(fd, k.bytes, sizeof(k.bytes));
	close(fd);
	return k;
}

static void put_back(const char *path, const struct kept *k)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, k->st.st_mode & 07777);

	if (write(fd, k->bytes, (size_t)k->n) < 0)
		stopped("put back");
	close(fd);
}

void make_temporary(void)
{
	int fd = open(TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		stopped("temporary");
	close(fd);
}

/* --- one file, by its name -------------------------------------------------------------- */

static void try_write(const struct probe *probe)
{
	stopped_unless(open(target(probe, 0), O_WRONLY | O_CLOEXEC), "open");
}

static void try_append(const struct probe *probe)
{
	stopped_unless(open(target(probe, 0), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644),
		       "open");
}

static void try_truncate(const struct probe *probe)
{
	struct kept k = keep(target(probe, 0));

	stopped_unless(truncate(target(probe, 0), k.st.st_size), "truncate");
}

static void try_chmod(const struct probe *probe)
{
	struct kept k = keep(target(probe, 0));

	stopped_unless(chmod(target(probe, 0), k.st.st_mode & 07777), "chmod");
}

static void try_chown(const struct probe *probe)
{
	struct kept k = keep(target(probe, 0));

	stopped_unless(chown(target(probe, 0), k.st.st_uid, k.st.st_gid), "chown");
}

static void try_xattr(const struct probe *probe)
{
	if (setxattr(target(probe, 0), "user.mcpjail", "x", 1, 0))
		stopped("setxattr");
	removexattr(target(probe, 0), "user.mcpjail");
	reached("an attribute");
}

static void try_utimes(const struct probe *probe)
{
	stopped_unless(utimensat(AT_FDCWD, target(probe, 0), NULL, 0), "utimensat");
}

static void try_unlink(const struct probe *probe)
{
	const char *path = target(probe, 0);
	struct kept k = keep(path);

	if (unlink(path))
		stopped("unlink");
	put_back(path, &k);
	reached("removed");
}

static void try_rename_over(const struct probe *probe)
{
	const char *path = target(probe, 0);
	struct kept k = keep(path);

	make_temporary();
	if (rename(TEMPORARY, path))
		stopped("rename");
	put_back(path, &k);
	reached("replaced");
}

static void try_exchange(const struct probe *probe)
{
	const char *path = target(probe, 0);

	make_temporary();
	if (renameat2(AT_FDCWD, TEMPORARY, AT_FDCWD, path, RENAME_EXCHANGE))
		stopped("rename");
	renameat2(AT_FDCWD, TEMPORARY, AT_FDCWD, path, RENAME_EXCHANGE);
	reached("exchanged");
}

/* The file or, for what lies in it, a directory above it. */
static void try_move(const struct probe *probe)
{
	const char *path = target(probe, 0);
	char moved[PATH_MAX];

	snprintf(moved, sizeof(moved), "%s-moved", path);
	if (rename(path, moved))
		stopped("rename");
	rename(moved, path);
	reached("moved");
}

/* --- by another name ---------------------------------------------------------------------- */

static void try_write_by_symlink(const struct probe *probe)
{
	unlink("symlink");
	if (symlink(target(probe, 0), "symlink"))
		stopped("symlink");
	stopped_unless(open("symlink", O_WRONLY | O_CREAT | O_CLOEXEC, 0644), "open");
}

static void try_write_by_hard_link(const struct probe *probe)
{
	int fd;

	unlink("hard-link");
	if (link(target(probe, 0), "hard-link"))
		stopped("link");
	fd = open("hard-link", O_WRONLY | O_CLOEXEC);
	unlink("hard-link");
	stopped_unless(fd, "open");
}

static void try_reopen(const struct probe *probe)
{
	char self[64];
	int fd = open(target(probe, 0), O_PATH | O_CLOEXEC);

	if (fd < 0)
		stopped("pin");
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	stopped_unless(open(self, O_WRONLY | O_CLOEXEC), "open");
}

/* Whoever opens the file for writing is made to wait until it is given up, or taken away. */
static void try_lease(const struct probe *probe)
{
	int fd = open(target(probe, 0), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		stopped("open");
	stopped_unless(fcntl(fd, F_SETLEASE, F_RDLCK), "fcntl");
}

/* --- secrets ---------------------------------------------------------------------------------- */

static void try_read(const struct probe *probe)
{
	char bytes[64];
	int fd = open(target(probe, 0), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		stopped("open");
	if (read(fd, bytes, sizeof(bytes)) <= 0)
		stopped_by("read", "EMPTY");
	reached("%s", target(probe, 0));
}

static void try_list(const struct probe *probe)
{
	DIR *dir = opendir(target(probe, 0));
	const struct dirent *entry;

	if (!dir)
		stopped("open");
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			reached("%s", entry->d_name);
	stopped_by("read", "EMPTY");
}

const struct probe probes_files[] = {
	/* Anything of the host's. */
	{"write", "open a file for writing", UNCHANGED, try_write, "{host}/file"},
	{"truncate", "truncate one", UNCHANGED, try_truncate, "{host}/file"},
	{"chmod", "change its mode", UNCHANGED, try_chmod, "{host}/file", .held_b = MODES},
	{"chown", "change its owner", UNCHANGED, try_chown, "{host}/file", .held_b = MODES},
	{"xattr", "give it an attribute", UNCHANGED, try_xattr, "{host}/file", .held_b = MODES},
	{"utimes", "change its times", UNCHANGED, try_utimes, "{host}/file", .held_b = MODES},
	{"unlink", "remove it", UNCHANGED, try_unlink, "{host}/file"},
	{"rename-over", "replace it", UNCHANGED, try_rename_over, "{host}/file"},
	{"exchange", "exchange it with one of one's own", UNCHANGED, try_exchange, "{host}/file"},
	{"move", "move it", UNCHANGED, try_move, "{host}/file"},
	{"write-by-symlink", "write by a symbolic link", UNCHANGED, try_write_by_symlink,
	 "{host}/file"},
	{"write-by-hard-link", "write by a hard link", UNCHANGED, try_write_by_hard_link,
	 "{host}/file"},
	{"write-by-descriptor", "open a pinned file anew by /proc/self/fd", UNCHANGED, try_reopen,
	 "{host}/file"},
	{"write-by-proc-root", "write by /proc/self/root", UNCHANGED, try_write,
	 "/proc/self/root{host}/file"},
	{"write-by-init-root", "write by /proc/1/root", UNCHANGED, try_write,
	 "/proc/1/root{host}/file"},
	{"write-by-dots", "write by /proc/self/cwd and ..", UNCHANGED, try_write,
	 "/proc/self/cwd/../../host/file"},
	{"lease", "have who writes it wait, by a lease", "fcntl:EINVAL", try_lease, "{host}/file"},

	/* Places that the host and the jail both have. */
	{"tmp", "a file of the host's in /tmp", UNSEEN, try_read, "/tmp/mcpjail-escape-{key}"},
	{"var-tmp", "… in /var/tmp", UNSEEN, try_read, "/var/tmp/mcpjail-escape-{key}"},
	{"dev-shm", "… in /dev/shm", UNSEEN, try_read, "/dev/shm/mcpjail-escape-{key}",
	 .held_b = "!without mounts /dev/shm is the machine's"},
	{"run", "… in /run", UNSEEN, try_read, "/run/mcpjail-escape-{key}"},
	{"sys", "the machine's devices in /sys", UNSEEN, try_list, "/sys", .held_b = NAMES},
	{"preload", "/etc/ld.so.preload", UNCHANGED, try_append, "/etc/ld.so.preload"},
	{"passwd", "/etc/passwd", UNCHANGED, try_write, "/etc/passwd"},

	/* mcpjail's own. */
	{"policy-write", "write the policy in force", UNCHANGED, try_write, "{policy}"},
	{"policy-unlink", "remove it", UNCHANGED, try_unlink, "{policy}"},
	{"policy-rename", "replace it", UNCHANGED, try_rename_over, "{policy}"},
	{"policy-exchange", "exchange it", UNCHANGED, try_exchange, "{policy}"},
	{"policy-hard-link", "write it by a hard link", UNCHANGED, try_write_by_hard_link,
	 "{policy}"},
	{"policy-symlink", "write it by a symbolic link", UNCHANGED, try_write_by_symlink,
	 "{policy}"},
	{"policy-directory", "move the directory that it lies in", UNCHANGED, try_move,
	 "{project}"},
	{"default-policy-directory", "move the directory of policies away", UNCHANGED, try_move,
	 "{home}/.config/mcpjail"},
	{"run-directory", "see the run's records", UNSEEN, try_list, "{run}", .held_b = NAMES},
	{"ledger-read", "read the ledger", UNSEEN, try_read, "{run}/ledger.jsonl"},
	{"ledger", "write the ledger", UNSEEN " " UNCHANGED, try_append, "{run}/ledger.jsonl"},
	{"run-directory-move", "move the run's records away", UNCHANGED, try_move, "{run}"},
	{"state", "see mcpjail's state", UNSEEN, try_list, "{state}/mcpjail", .held_b = NAMES},
	{"state-read", "read of it", UNSEEN, try_read, "{state}/mcpjail/hmac.key"},
	{"state-move", "move it away", UNCHANGED, try_move, "{state}"},
	{"program", "change the program's mode", UNCHANGED, try_chmod, "{program}",
	 .held_b = MODES},
	{"program-replace", "replace the program", UNCHANGED, try_exchange, "{program}"},

	/* Run later, outside, by git, an agent host or a shell. */
	{"git-hook-write", "a git hook that is there", UNCHANGED, try_write,
	 "{project}/.git/hooks/pre-commit", .held_b = LATER},
	{"git-hooks-move", "other git hooks in the place of these", UNCHANGED, try_move,
	 "{project}/.git/hooks", .held_b = LATER},
	{"git-move", "another .git in the place of this", UNCHANGED, try_move, "{project}/.git",
	 .held_b = LATER},
	{"git-config", "git's configuration", UNCHANGED, try_write, "{project}/.git/config",
	 .held_b = LATER},
	{"git-config-rename", "… as git itself writes it", UNCHANGED, try_rename_over,
	 "{project}/.git/config", .held_b = LATER},
	{"git-config-home", "the user's git configuration", KEPT, try_append, "{home}/.gitconfig"},
	{"mcp-json", ".mcp.json", UNCHANGED, try_write, "{project}/.mcp.json", .held_b = LATER},
	{"mcp-json-replace", ".mcp.json by rename", UNCHANGED, try_rename_over,
	 "{project}/.mcp.json", .held_b = LATER},
	{"claude-hooks", "~/.claude/settings.json", KEPT, try_append,
	 "{home}/.claude/settings.json"},
	{"codex-config-home", "~/.codex/config.toml", KEPT, try_append,
	 "{home}/.codex/config.toml"},
	{"bashrc", "~/.bashrc", UNCHANGED, try_write, "{home}/.bashrc"},
	{"bashrc-replace", "~/.bashrc by rename", UNCHANGED, try_rename_over, "{home}/.bashrc"},

	/* Secrets. */
	{"ssh-key", "~/.ssh", UNSEEN, try_read, "{home}/.ssh/id_ed25519"},
	{"ssh-authorized", "~/.ssh/authorized_keys", UNSEEN " " UNCHANGED, try_append,
	 "{home}/.ssh/authorized_keys"},
	{"aws-key", "~/.aws", UNSEEN, try_read, "{home}/.aws/credentials"},
	{"netrc", "~/.netrc", UNSEEN, try_read, "{home}/.netrc"},
	{"store-move", "a store moved to where it is not hidden", UNCHANGED, try_move,
	 "{home}/.aws"},
	{"secret-by-proc-root", "a store by /proc/self/root", UNSEEN, try_read,
	 "/proc/self/root{home}/.ssh/id_ed25519"},
	{"secret-by-init-root", "a store by /proc/1/root", UNSEEN, try_read,
	 "/proc/1/root{home}/.ssh/id_ed25519"},
	{.name = NULL},
};
