// SPDX-License-Identifier: Apache-2.0
/*
 * All that is read here the agent may have written.
 *
 *	index		its bytes are searched for what an entry of a submodule has in it; if it is
 *			there, a child reads the entries (git_index.c). The child has the file, a
 *			pipe, and of system calls read, write and exit
 *	paths		what the child wrote: at most PATHS_BYTES, each followed name by name,
 *			without links, as git does
 *	.git		a directory or a link: told. A file: where it leads to, as at the start of a
 *			run (keeps_git.c); what is no repository of the common one's modules is told
 *	modules		what was there at the start was kept; what is newer is told. Each is entered
 *			in its turn, for git does so too
 */
#include "jail/submodules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "git_index.h"
#include "keeps_git_internal.h"
#include "sandbox/seccomp.h"

#define PATHS_BYTES      65536 /* of all that a child says of one index */
#define REPOSITORIES_MAX 64    /* entered */
#define WALKS_MAX        256   /* through modules, and modules of modules */
#define SCAN_BYTES       65536

struct search {
	const char *modules; /* of the common repository */
	const struct timespec *since;
	struct submodules *found;
	unsigned n_entered, n_walks;
	uint64_t until_ms; /* CLOCK_MONOTONIC: the agent can make this long */
};

static void tell(struct search *s, const char *dir, const char *name)
{
	struct submodules *found = s->found;
	char path[PATH_MAX];

	if (keeps_git_join(path, dir, name))
		return;
	if (found->n == SUBMODULES_MAX)
		found->has_more = true;
	else if ((found->configs[found->n] = strdup(path)))
		found->n++;
}

/* --- an index ---------------------------------------------------------------------------- */

static const struct seccomp_row child_rows[] = {
	{SYS_read, SECCOMP_RET_ALLOW, 1, "the index", {{0}}},
	{SYS_write, SECCOMP_RET_ALLOW, 1, "what was found", {{0}}},
	{SYS_exit_group, SECCOMP_RET_ALLOW, 1, "the end", {{0}}},
};

static const struct seccomp_table child_table = {
	child_rows, ARRAY_SIZE(child_rows), SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_PROCESS, 0,
};

/* In the child: kind, text, NUL. */
static int write_found(void *context, enum git_index_found what, const char *text)
{
	char line[1 + GIT_INDEX_PATH_MAX];
	size_t n = strlen(text);

	(void)context;
	line[0] = (char)what;
	memcpy(line + 1, text, n + 1);
	return write(STDOUT_FILENO, line, n + 2) == (ssize_t)(n + 2) ? 0 : -EIO;
}

_Noreturn static void read_as_child(int index, int out, size_t hash_bytes)
{
	/* Away from the numbers that they are to have. */
	int from = fcntl(index, F_DUPFD, 10), to = fcntl(out, F_DUPFD, 10);

	if (from < 0 || to < 0 || dup2(from, STDIN_FILENO) < 0 || dup2(to, STDOUT_FILENO) < 0 ||
	    syscall(SYS_close_range, STDERR_FILENO, ~0u, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    seccomp_install(&child_table, 1, NULL))
		_exit(EXIT_FAILURE);
	_exit(git_index_read(STDIN_FILENO, hash_bytes, write_found, NULL) ? EXIT_FAILURE
									  : EXIT_SUCCESS);
}

/* All that it writes, in the time that it has. Return: bytes; -errno */
static ssize_t collect(int in, char *ret, size_t size)
{
	uint64_t until = clock_mono_ms() + SUBMODULES_INDEX_MS, now;
	size_t n = 0;

	while ((now = clock_mono_ms()) < until) {
		struct pollfd pending = {.fd = in, .events = POLLIN};
		ssize_t part;

		if (poll(&pending, 1, (int)(until - now)) <= 0)
			continue;
		part = read(in, ret + n, size - n);
		if (part <= 0)
			return part || n == size ? -EFBIG : (ssize_t)n;
		n += (size_t)part;
	}
	return -ETIMEDOUT;
}

/* Return: bytes of @ret; -errno if it could not be read to its end */
static ssize_t parse(int index, size_t hash_bytes, char *ret, size_t size)
{
	int out[2], status = -1;
	ssize_t n;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		read_as_child(index, out[1], hash_bytes);
	close(out[1]);
	n = pid < 0 ? -errno : collect(out[0], ret, size);
	close(out[0]);
	if (pid < 0)
		return n;
	if (n < 0)
		kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || status)
		return n < 0 ? n : -EBADMSG;
	return n;
}

/* Whether there is anything that is worth a child: an entry's mode, or an extension's name. */
static bool may_have_submodules(int index)
{
	static const char mode[4] = {0, 0, (char)0xe0, 0}, link[4] = "link";
	autofree char *bytes = malloc(SCAN_BYTES);
	off_t at = 0;
	ssize_t n;

	/* The last three bytes are looked at again with what follows. */
	while (bytes && at < GIT_INDEX_BYTES_MAX && (n = pread(index, bytes, SCAN_BYTES, at)) > 3) {
		if (memmem(bytes, (size_t)n, mode, 4) || memmem(bytes, (size_t)n, link, 4))
			return true;
		at += n - 3;
	}
	return !bytes || at >= GIT_INDEX_BYTES_MAX;
}

/* A file, and nothing that does something when it is opened. */
static int open_file(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	autoclose int pin = -1;

	if (keeps_git_join(path, dir, name))
		return -ENAMETOOLONG;
	pin = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (pin < 0 || fstat(pin, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pin);
	pin = open(path, O_RDONLY | O_CLOEXEC);
	return pin < 0 ? -errno : fd_take(&pin);
}

/* --- a path ------------------------------------------------------------------------------- */

/* Whether each name on the way is a directory, none of them a link. */
static bool leads_to_directory(const char *top, const char *path)
{
	autoclose int at = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char name[NAME_MAX + 1];

	for (size_t n; at >= 0 && *path; path += n + (path[n] == '/')) {
		int next;

		n = strcspn(path, "/");
		if (!n || n > NAME_MAX)
			return false;
		memcpy(name, path, n);
		name[n] = '\0';
		if (!strcmp(name, ".") || !strcmp(name, ".."))
			return false;
		next = openat(at, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
		fd_close(&at);
		at = next;
	}
	return at >= 0;
}

static bool lies_in(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && path[n] == '/';
}

/* Whether it is where a run finds the repositories of submodules, to keep them. */
static bool is_kept(const char *gitdir, const char *modules, unsigned depth)
{
	__attribute__((cleanup(keeps_gitdirs_free))) struct keeps_gitdirs dirs = {.n = 0};
	char below[PATH_MAX];

	if (keeps_git_find_dirs(modules, "HEAD", KEEPS_GIT_DEPTH_MAX, &dirs))
		return false;
	for (size_t i = 0; i < dirs.n; i++)
		if (!strcmp(gitdir, dirs.paths[i]) ||
		    (depth && lies_in(gitdir, dirs.paths[i]) &&
		     !keeps_git_join(below, dirs.paths[i], "modules") &&
		     is_kept(gitdir, below, depth - 1)))
			return true;
	return false;
}

static void enter(struct search *s, const char *top, const char *gitdir, const char *common);

static void look_at(struct search *s, const char *top, const char *path)
{
	autofree char *gitdir = NULL, *common = NULL;
	char dir[PATH_MAX], git[PATH_MAX];
	struct stat st;

	if (clock_mono_ms() >= s->until_ms) {
		s->found->is_unknown = true;
		return;
	}
	if (!leads_to_directory(top, path) || keeps_git_join(dir, top, path) ||
	    keeps_git_join(git, dir, ".git") || lstat(git, &st))
		return;
	if (!S_ISREG(st.st_mode)) {
		tell(s, git, "config");
		return;
	}
	gitdir = keeps_git_dir(dir, &common);
	/* To nowhere: git does not enter. */
	if (!gitdir || !common)
		return;
	if (is_kept(common, s->modules, KEEPS_GIT_DEPTH_MAX))
		enter(s, dir, gitdir, common);
	else
		tell(s, common, "config");
}

/* --- a repository ---------------------------------------------------------------------------- */

struct repository {
	const char *top, *gitdir;
	size_t hash_bytes;
};

/* What an index says, and the one that it goes on in, which goes on in none. */
static int read_paths(struct search *s, const struct repository *of, const char *name, bool is_base)
{
	autoclose int fd = open_file(of->gitdir, name);
	size_t digits = 2 * of->hash_bytes;
	autofree char *text = NULL;
	char base[32 + 2 * GIT_SHA256_BYTES];
	ssize_t n;
	int r = 0;

	if (fd == -ENOENT || (fd >= 0 && !may_have_submodules(fd)))
		return 0;
	text = fd < 0 ? NULL : malloc(PATHS_BYTES);
	if (!text)
		return fd < 0 ? fd : -ENOMEM;
	n = parse(fd, of->hash_bytes, text, PATHS_BYTES - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	for (const char *p = text; p < text + n; p += strlen(p) + 1) {
		int failed = 0;

		if (*p == GIT_INDEX_SUBMODULE && p[1])
			look_at(s, of->top, p + 1);
		else if (*p != GIT_INDEX_BASE || is_base || strlen(p + 1) != digits ||
			 strspn(p + 1, "0123456789abcdef") != digits)
			failed = -EBADMSG; /* its name is in the other, at a place that is not told
					    */
		else if (snprintf(base, sizeof(base), "sharedindex.%s", p + 1) > 0)
			failed = read_paths(s, of, base, true);
		r = r ? r : failed;
	}
	return r;
}

static void enter(struct search *s, const char *top, const char *gitdir, const char *common)
{
	autofree char *config = malloc(KEEPS_GIT_FILE_MAX);
	struct repository r = {top, gitdir, GIT_SHA1_BYTES};

	if (!config || s->n_entered++ >= REPOSITORIES_MAX) {
		s->found->is_unknown = true;
		return;
	}
	if (keeps_git_read(common, "config", config, KEEPS_GIT_FILE_MAX) &&
	    strcasestr(config, "sha256"))
		r.hash_bytes = GIT_SHA256_BYTES;
	if (read_paths(s, &r, "index", false))
		s->found->is_unknown = true;
}

static bool has(const char *dir, const char *name)
{
	char path[PATH_MAX];

	return !keeps_git_join(path, dir, name) && !access(path, F_OK);
}

static bool is_since(const struct stat *st, const struct timespec *since)
{
	return st->st_ctim.tv_sec > since->tv_sec ||
	       (st->st_ctim.tv_sec == since->tv_sec && st->st_ctim.tv_nsec >= since->tv_nsec);
}

/* It, or where a link now leads. What is not there counts for nothing, as a placeholder. */
static bool is_newer(const char *gitdir, const char *name, const struct timespec *since)
{
	struct stat link, file;
	char path[PATH_MAX];

	return !keeps_git_join(path, gitdir, name) && !lstat(path, &link) && !stat(path, &file) &&
	       (is_since(&link, since) || is_since(&file, since));
}

/* Also where it is a placeholder of a run's. */
static bool is_own_common_dir(const char *gitdir, const char *name)
{
	char text[4];

	return !strcmp(name, "commondir") && keeps_git_read(gitdir, name, text, sizeof(text)) &&
	       !strcmp(text, ".");
}

/*
 * A run that follows keeps what is a repository then as it is, so that what makes one dangerous
 * is told while it is new, whether or not it is one already.
 */
static void look_at_modules(struct search *s, const char *modules)
{
	static const char *const names[] = {"config", "commondir", "config.worktree"};
	char below[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		__attribute__((cleanup(keeps_gitdirs_free))) struct keeps_gitdirs dirs = {.n = 0};

		if (s->n_walks++ >= WALKS_MAX ||
		    keeps_git_find_dirs(modules, names[i], KEEPS_GIT_DEPTH_MAX, &dirs))
			s->found->is_unknown = true;
		for (size_t j = 0; j < dirs.n; j++) {
			if (is_newer(dirs.paths[j], names[i], s->since) &&
			    !is_own_common_dir(dirs.paths[j], names[i]))
				tell(s, dirs.paths[j], names[i]);
			if (!keeps_git_join(below, dirs.paths[j], "modules") &&
			    !access(below, F_OK) && (!i || !has(dirs.paths[j], names[0])))
				look_at_modules(s, below);
		}
	}
}

void submodules_find(const char *top, const struct timespec *since, struct submodules *ret)
{
	autofree char *common = NULL, *gitdir = NULL;
	char modules[PATH_MAX];
	struct search s = {.modules = modules,
			   .since = since,
			   .found = ret,
			   .until_ms = clock_mono_ms() + SUBMODULES_MS};

	gitdir = keeps_git_dir(top, &common);
	if (!gitdir || !common || keeps_git_join(modules, common, "modules"))
		return;
	look_at_modules(&s, modules);
	enter(&s, top, gitdir, common);
}

void submodules_free(struct submodules *found)
{
	for (size_t i = 0; i < found->n; i++)
		free(found->configs[i]);
	*found = (struct submodules){.n = 0};
}
