// SPDX-License-Identifier: Apache-2.0
#include "commands/run_lookup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "state/places.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Run ids begin with the time of their start. */
static int find_last(int runs_fd, char *ret_name, size_t size)
{
	int fd = openat(runs_fd, ".", DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	char last[NAME_MAX + 1] = "";

	if (!dir) {
		fd_close(&fd);
		return -errno;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' &&
		    strcmp(entry->d_name, last) > 0)
			snprintf(last, sizeof(last), "%s", entry->d_name);
	closedir(dir);
	if (!last[0] || strlen(last) >= size)
		return -ENOENT;
	snprintf(ret_name, size, "%s", last);
	return 0;
}

static int look_below_state(const char *run, char *ret_path, int *ret_fd, struct error *err)
{
	char name[NAME_MAX + 1];
	struct place state;
	autoclose int runs_fd = -1;
	int fd, r = places_state_dir(&state, err);

	if (r)
		return r;
	runs_fd = openat(state.fd, "runs", DIRECTORY);
	fd_close(&state.fd);
	r = runs_fd < 0 ? -errno : 0;
	if (!r && !run)
		r = find_last(runs_fd, name, sizeof(name));
	if (r) {
		error_set(err, state.path, "give the directory of the run",
			  "there are no runs here");
		return r;
	}
	fd = openat(runs_fd, run ? run : name, DIRECTORY | O_NOFOLLOW);
	if (fd < 0) {
		r = -errno;
		error_set(err, run, "give a directory or the id of a run", "is no run: %s",
			  strerror(-r));
		return r;
	}
	if (snprintf(ret_path, PATH_MAX, "%s/runs/%s", state.path, run ? run : name) >= PATH_MAX)
		ret_path[0] = '\0';
	*ret_fd = fd;
	return 0;
}

int run_lookup(const char *run, char *ret_path, int *ret_fd, struct error *err)
{
	int fd;

	/*
	 * An id means the run of that id, whatever lies in the working directory: that is an
	 * agent's to write, and the agent knows its run's id.
	 */
	if (!run || (!strchr(run, '/') && !look_below_state(run, ret_path, ret_fd, err)))
		return run ? 0 : look_below_state(NULL, ret_path, ret_fd, err);
	fd = open(run, DIRECTORY);
	if (fd < 0) {
		int r = -errno;

		error_set(err, run, "give the directory of the run", "cannot be opened: %s",
			  strerror(-r));
		return r;
	}
	snprintf(ret_path, PATH_MAX, "%s", run);
	*ret_fd = fd;
	return 0;
}
