// SPDX-License-Identifier: Apache-2.0
#include "jail/files/aliases.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "jail/keeps/guards.h"
#include "jail/files/layout.h"
#include "jail/files/mountinfo.h"

#define ALIASES_STEP 64 /* mounts that room is made for at once */

static int add_mount(struct aliases *aliases, const struct mountinfo_entry *entry)
{
	struct alias_mount *m;

	if (aliases->n % ALIASES_STEP == 0) {
		m = realloc(aliases->mounts, (aliases->n + ALIASES_STEP) * sizeof(*m));
		if (!m)
			return -ENOMEM;
		aliases->mounts = m;
	}
	m = &aliases->mounts[aliases->n++];
	*m = (struct alias_mount){strdup(entry->path), strdup(entry->root), entry->device,
				  guards_is_window(entry)};
	return m->path && m->root ? 0 : -ENOMEM;
}

int aliases_load(struct aliases *ret)
{
	__attribute__((cleanup(mountinfo_close))) struct mountinfo info = {.file = NULL};
	struct mountinfo_entry entry;
	int r;

	*ret = (struct aliases){.n = 0};
	r = mountinfo_open(&info);
	while (!r && (r = mountinfo_next(&info, &entry)) > 0)
		r = add_mount(ret, &entry);
	return r;
}

void aliases_free(struct aliases *aliases)
{
	for (size_t i = 0; i < aliases->n; i++) {
		free(aliases->mounts[i].path);
		free(aliases->mounts[i].root);
	}
	free(aliases->mounts);
	*aliases = (struct aliases){.n = 0};
}

/* @path with @from, which it lies in, replaced by @to. */
static int rebase(const char *path, const char *from, const char *to, char ret[PATH_MAX])
{
	const char *rest = path + (strcmp(from, "/") ? strlen(from) : 0);
	int n;

	if (!strcmp(rest, "/"))
		rest = "";
	n = snprintf(ret, PATH_MAX, "%s%s", strcmp(to, "/") || !*rest ? to : "", rest);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The names of what @holder shows as @path in all mounts of the same file system. */
static int find_by(const struct aliases *aliases, const struct alias_mount *holder,
		   const char *path, struct path_list *ret)
{
	char inner[PATH_MAX], name[PATH_MAX];
	int r = rebase(path, holder->path, holder->root, inner);

	for (size_t i = 0; !r && i < aliases->n; i++) {
		const struct alias_mount *m = &aliases->mounts[i];

		if (m->device != holder->device || !path_is_within(inner, m->root))
			continue;
		r = rebase(inner, m->root, m->path, name);
		if (!r && strcmp(name, path))
			r = path_list_add(ret, name);
	}
	return r;
}

int aliases_find(const struct aliases *aliases, const char *path, struct path_list *ret)
{
	size_t longest = 0;
	int r = 0;

	for (size_t i = 0; i < aliases->n; i++) {
		const char *at = aliases->mounts[i].path;

		if (path_is_within(path, at) && strlen(at) > longest)
			longest = strlen(at);
	}
	/* Several may lie on each other at one place: each is taken for what shows it. */
	for (size_t i = 0; !r && i < aliases->n; i++) {
		const struct alias_mount *m = &aliases->mounts[i];

		if (path_is_within(path, m->path) && strlen(m->path) == longest)
			r = find_by(aliases, m, path, ret);
	}
	return r;
}
