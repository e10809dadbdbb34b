// SPDX-License-Identifier: Apache-2.0
#include "commands/run_lookup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "state/places.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static bool is_meant(const char *name, const char *end)
{
	const char *tail = strrchr(name, '-');

	return name[0] >= '0' && name[0] <= '9' && (!end || (tail && !strcmp(tail + 1, end)));
}

/*
 * The last run, as run ids begin with the time of their start; or the one whose id's last part is
 * @end.
 *
 * Return: 0; -ENOENT; -ENOTUNIQ; -errno
 */
static int find_run(int runs_fd, const char *end, char *ret_name, size_t size)
{
	int fd = openat(runs_fd, ".", DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	char last[NAME_MAX + 1] = "";
	size_t n = 0;

	if (!dir) {
		fd_close(&fd);
		return -errno;
	}
	while ((entry = readdir(dir))) {
		if (!is_meant(entry->d_name, end))
			continue;
		n++;
		if (strcmp(entry->d_name, last) > 0)
			snprintf(last, sizeof(last), "%s", entry->d_name);
	}
	closedir(dir);
	if (!last[0] || strlen(last) >= size)
		return -ENOENT;
	if (end && n > 1)
		return -ENOTUNIQ;
	snprintf(ret_name, size, "%s", last);
	return 0;
}

/* The run of that id, or of an id that ends so; NULL: the last one. Return: 0; -errno */
static int open_run(int runs_fd, const char *run, char ret_name[NAME_MAX + 1], int *ret_fd)
{
	int r = 0;

	if (!run || (faccessat(runs_fd, run, F_OK, AT_SYMLINK_NOFOLLOW) && errno == ENOENT))
		r = find_run(runs_fd, run, ret_name, NAME_MAX + 1);
	else if (strlen(run) > NAME_MAX)
		r = -ENAMETOOLONG;
	else
		strcpy(ret_name, run);
	if (r)
		return r;
	*ret_fd = openat(runs_fd, ret_name, DIRECTORY | O_NOFOLLOW);
	return *ret_fd < 0 ? -errno : 0;
}

static int look_below_state(const char *run, char *ret_path, int *ret_fd, struct error *err)
{
	char name[NAME_MAX + 1];
	struct place state;
	autoclose int runs_fd = -1;
	int r = places_state_dir(&state, err);

	if (r)
		return r;
	runs_fd = openat(state.fd, "runs", DIRECTORY);
	fd_close(&state.fd);
	r = runs_fd < 0 ? -errno : open_run(runs_fd, run, name, ret_fd);
	if (r == -ENOTUNIQ)
		error_set(err, run, "give the whole id", "several runs have an id that ends so");
	else if (r)
		error_set(err, state.path, "give the directory of the run",
			  "there are no runs here");
	else if (snprintf(ret_path, PATH_MAX, "%s/runs/%s", state.path, name) >= PATH_MAX)
		ret_path[0] = '\0';
	return r;
}

int run_lookup(const char *run, char *ret_path, int *ret_fd, struct error *err)
{
	int fd, r;

	/*
	 * An id means the run of that id, whatever lies in the working directory: that is an
	 * agent's to write, and the agent knows its run's id.
	 */
	r = run && strchr(run, '/') ? -ENOENT : look_below_state(run, ret_path, ret_fd, err);
	if (!r || !run || r == -ENOTUNIQ)
		return r;
	fd = open(run, DIRECTORY);
	if (fd < 0) {
		r = -errno;
		error_set(err, run,
			  "give the directory of the run, its id, or the id's part behind the -",
			  "%s", r == -ENOENT ? "is no run" : strerror(-r));
		return r;
	}
	snprintf(ret_path, PATH_MAX, "%s", run);
	*ret_fd = fd;
	return 0;
}
