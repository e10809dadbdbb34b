// SPDX-License-Identifier: Apache-2.0
#include "keeps_links.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

struct linked {
	dev_t dev; /* a name may be a mount's */
	ino_t ino;
	nlink_t missing; /* names that were not found yet */
	char name[NAME_MAX + 1];
};

struct search {
	int fd;
	struct linked files[KEEPS_LINKED_MAX];
	size_t n;
};

/* An agent has our user: what that owns it may make writable first, by chmod(2). */
static bool has_other_names(int dir, const char *name, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink > 1 &&
	       (st->st_uid == geteuid() || faccessat(dir, name, W_OK, 0) == 0);
}

/* Return: false if there is no room for it */
static bool count(struct search *s, const char *name)
{
	struct stat st;

	if (fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !has_other_names(s->fd, name, &st))
		return true;
	for (size_t i = 0; i < s->n; i++)
		if (s->files[i].dev == st.st_dev && s->files[i].ino == st.st_ino) {
			s->files[i].missing--;
			return true;
		}
	if (s->n == KEEPS_LINKED_MAX)
		return false;
	s->files[s->n] =
		(struct linked){.dev = st.st_dev, .ino = st.st_ino, .missing = st.st_nlink - 1};
	snprintf(s->files[s->n++].name, sizeof(s->files[0].name), "%s", name);
	return true;
}

/* The name of a file that has another one elsewhere, or NULL. */
static const char *find(struct search *s, DIR *dir)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)))
		if (!count(s, entry->d_name))
			return s->files[0].name;
	for (size_t i = 0; i < s->n; i++)
		if (s->files[i].missing)
			return s->files[i].name;
	return NULL;
}

bool keeps_has_hard_link(char path[PATH_MAX], const struct stat *st)
{
	struct search s = {.n = 0};
	const char *found = NULL;
	size_t used = strlen(path);
	DIR *dir;

	if (!S_ISDIR(st->st_mode))
		return has_other_names(AT_FDCWD, path, st);
	dir = opendir(path);
	if (!dir)
		return false;
	s.fd = dirfd(dir);
	found = find(&s, dir);
	closedir(dir);
	if (found)
		snprintf(path + used, PATH_MAX - used, "/%s", found);
	return found;
}
