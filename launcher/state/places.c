// SPDX-License-Identifier: Apache-2.0
#include "state/places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/text.h"

#define POLICY_OF_MACHINE "/etc/mcpjail/policy.json"

static const struct passwd *find_user(FILE *passwd, uid_t uid)
{
	const struct passwd *pw = NULL;

	while (passwd && (pw = fgetpwent(passwd)) && pw->pw_uid != uid)
		continue;
	return pw;
}

/*
 * Not getpwuid(): in a program that libc is part of, it would load the system's modules. Who is
 * not in the file is in a directory service, and getent knows those.
 */
static const struct passwd *own_entry(void)
{
	uid_t uid = geteuid();
	char command[64];
	FILE *passwd = fopen("/etc/passwd", "re");
	const struct passwd *pw = find_user(passwd, uid);

	if (passwd)
		fclose(passwd);
	if (pw)
		return pw;
	snprintf(command, sizeof(command), "PATH=/usr/bin:/bin:$PATH getent passwd %u", uid);
	passwd = popen(command, "re");
	pw = find_user(passwd, uid);
	if (passwd)
		pclose(passwd);
	return pw;
}

const char *places_passwd_home(void)
{
	const struct passwd *pw = own_entry();

	return pw && pw->pw_dir && pw->pw_dir[0] == '/' ? pw->pw_dir : NULL;
}

const char *places_home(void)
{
	const char *home = getenv("HOME");

	return home && home[0] == '/' ? home : places_passwd_home();
}

/* $VARIABLE/mcpjail, or ~/FALLBACK/mcpjail. */
static int xdg_dir(const char *variable, const char *fallback, char *ret_path, struct error *err)
{
	const char *base = getenv(variable), *home = places_home();
	int n;

	if (base && base[0] == '/')
		n = snprintf(ret_path, PATH_MAX, "%s/mcpjail", base);
	else if (home)
		n = snprintf(ret_path, PATH_MAX, "%s/%s/mcpjail", home, fallback);
	else
		n = -1;
	if (n > 0 && n < PATH_MAX)
		return 0;
	error_set(err, variable, "set HOME or the variable to an absolute path",
		  "there is no home directory to keep state in");
	return -ENOENT;
}

int places_config_dir(char *ret_path, struct error *err)
{
	return xdg_dir("XDG_CONFIG_HOME", ".config", ret_path, err);
}

int places_make_dir(const char *path)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0700) && errno != EEXIST && errno != EROFS && errno != EACCES)
			return -errno;
		*slash = '/';
	}
	return mkdir(part, 0700) && errno != EEXIST ? -errno : 0;
}

static int open_own_dir(int at, const char *path, int *ret_fd, struct error *err)
{
	autoclose int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st)) {
		r = -errno;
		error_set(err, path, NULL, "cannot be opened: %s", strerror(-r));
		return r;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 022)) {
		error_set(err, path, "make it yours and chmod 700 it, or name another directory",
			  "belongs to another user, or others may write to it");
		return -EPERM;
	}
	*ret_fd = fd_take(&fd);
	return 0;
}

int places_state_dir(struct place *ret, struct error *err)
{
	int r = xdg_dir("XDG_STATE_HOME", ".local/state", ret->path, err);

	if (r)
		return r;
	r = places_make_dir(ret->path);
	if (r) {
		error_set(err, ret->path, "set XDG_STATE_HOME to a directory that you may write",
			  "cannot be made: %s", strerror(-r));
		return r;
	}
	return open_own_dir(AT_FDCWD, ret->path, &ret->fd, err);
}

void places_new_run_id(char ret[PLACES_RUN_ID_BYTES])
{
	uint64_t now_ns = clock_ns(CLOCK_REALTIME);
	time_t now = (time_t)(now_ns / 1000000000u);
	uint8_t chance[2] = {0};
	char hex[2 * sizeof(chance) + 1], second[16];
	struct tm tm;

	gmtime_r(&now, &tm);
	/* A short read cannot happen for so few bytes (getrandom(2)). */
	if (getrandom(chance, sizeof(chance), 0) != sizeof(chance))
		abort();
	text_hex(chance, sizeof(chance), hex);
	strftime(second, sizeof(second), "%Y%m%dT%H%M%S", &tm);
	snprintf(ret, PLACES_RUN_ID_BYTES, "%s.%06u-%s", second,
		 (unsigned)(now_ns % 1000000000u / 1000u), hex);
}

static bool dir_is_empty(int fd)
{
	DIR *dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	const struct dirent *entry;
	bool empty = true;

	if (!dir)
		return false;
	while (empty && (entry = readdir(dir)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(dir);
	return empty;
}

/* The path as the kernel knows it, so that what is masked is what was opened. */
static int path_of_fd(int fd, char *ret_path)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, ret_path, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	ret_path[n] = '\0';
	return 0;
}

int places_run_dir(const char *wanted, int state_fd, const char *run_id, struct place *ret,
		   struct error *err)
{
	char below[PLACES_RUN_ID_BYTES + 8];
	autoclose int fd = -1;
	int r, at = wanted ? AT_FDCWD : state_fd;

	snprintf(below, sizeof(below), "runs/%s", run_id);
	if (!wanted && mkdirat(state_fd, "runs", 0700) && errno != EEXIST)
		r = -errno;
	else
		r = mkdirat(at, wanted ? wanted : below, 0700) && errno != EEXIST ? -errno : 0;
	if (r) {
		error_set(err, wanted ? wanted : "runs", "name another place with --run-dir",
			  "the directory for this run's records cannot be made: %s", strerror(-r));
		return r;
	}
	r = open_own_dir(at, wanted ? wanted : below, &fd, err);
	if (r)
		return r;
	if (!dir_is_empty(fd)) {
		error_set(err, wanted ? wanted : below, "name a new or an empty directory",
			  "is not empty, and records of runs are never mixed");
		return -ENOTEMPTY;
	}
	r = path_of_fd(fd, ret->path);
	if (r) {
		error_set(err, wanted ? wanted : below, NULL, "has no path: %s", strerror(-r));
		return r;
	}
	ret->fd = fd_take(&fd);
	return 0;
}

/* Return: 1 if there is such a file and it was read; 0 if there is none; -errno */
static int read_policy(const char *path, char *ret_path, struct buf *ret_text, struct error *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	int r = 0;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st))
		r = -errno;
	else if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (!r) {
		ret_text->max = PLACES_POLICY_MAX;
		r = io_read_to_end(fd, ret_text);
	}
	if (!r)
		r = path_of_fd(fd, ret_path);
	if (!r)
		return 1;
	error_set(err, path, NULL, "the policy cannot be read: %s", strerror(-r));
	return r;
}

int places_policy(const char *wanted, char *ret_path, struct buf *ret_text, struct error *err)
{
	char own[PATH_MAX];
	int r;

	if (wanted) {
		r = read_policy(wanted, ret_path, ret_text, err);
		if (!r)
			error_set(err, wanted, "name a policy file, or leave -p out",
				  "there is no such policy file");
		return r < 0 ? r : r ? 0 : -ENOENT;
	}
	ret_path[0] = '\0';
	r = places_config_dir(own, NULL) ? 0 : 1;
	if (r && strlen(own) + sizeof("/policy.json") <= sizeof(own)) {
		strcat(own, "/policy.json");
		r = read_policy(own, ret_path, ret_text, err);
		if (r)
			return r < 0 ? r : 0;
	}
	r = read_policy(POLICY_OF_MACHINE, ret_path, ret_text, err);
	return r < 0 ? r : 0;
}
