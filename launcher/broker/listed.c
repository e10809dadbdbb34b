// SPDX-License-Identifier: Apache-2.0
#include "broker/listed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Return: false if the path does not begin at a place that is known. */
static bool expand(const char *written, const struct listed_places *places, char *ret)
{
	static const char pwd[] = "$PWD";
	const char *place = "", *rest = written;
	int n;

	if (written[0] == '~') {
		place = places->home;
		rest = written + 1;
	} else if (!strncmp(written, pwd, sizeof(pwd) - 1)) {
		place = places->cwd;
		rest = written + sizeof(pwd) - 1;
	}
	if (rest != written && (!place[0] || (rest[0] && rest[0] != '/')))
		return false;
	n = snprintf(ret, PATH_MAX, "%s%s", place, rest);
	return n > 0 && n < PATH_MAX && ret[0] == '/';
}

/* The nearest directory above @path that exists, and what is below it. */
static int open_above(char *path, struct listed_entry *ret)
{
	for (char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
		*slash = '\0';
		ret->dir_fd = open(slash == path ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (ret->dir_fd >= 0 || errno != ENOENT)
			break;
	}
	return ret->dir_fd < 0 ? -errno : 0;
}

static int open_entry(const char *path, struct listed_entry *ret)
{
	char *above = NULL, *whole;
	autofree char *real = realpath(path, NULL);
	autofree char *copy = NULL;
	int r;

	whole = real ? real : strdup(path);
	copy = real ? NULL : whole;
	above = whole ? strdup(whole) : NULL;
	if (!above)
		return -ENOMEM;
	r = open_above(above, ret);
	if (!r) {
		ret->rest = strdup(whole + strlen(above) + 1);
		r = ret->rest ? 0 : -ENOMEM;
	}
	free(above);
	return r;
}

int listed_open(const struct policy_names *sockets, const struct listed_places *places,
		struct listed *ret)
{
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r != -ENOMEM && i < sockets->n && ret->n < POLICY_NAMES_MAX; i++) {
		struct listed_entry entry = {.dir_fd = -1};

		if (!expand(sockets->items[i], places, path))
			continue;
		r = open_entry(path, &entry);
		if (!r)
			ret->entries[ret->n++] = entry;
		else
			fd_close(&entry.dir_fd);
	}
	return r == -ENOMEM ? r : 0;
}

void listed_close(struct listed *l)
{
	for (size_t i = 0; i < l->n; i++) {
		fd_close(&l->entries[i].dir_fd);
		free(l->entries[i].rest);
	}
	l->n = 0;
}

static bool is_file(const struct listed_entry *entry, const struct stat *file)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	autoclose int fd = (int)syscall(SYS_openat2, entry->dir_fd, entry->rest, &how, sizeof(how));
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == file->st_dev &&
	       st.st_ino == file->st_ino;
}

bool listed_has(const struct listed *l, const struct stat *file)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_file(&l->entries[i], file))
			return true;
	return false;
}
