// SPDX-License-Identifier: Apache-2.0
/*
 * Found by the supervisor, on the host, before the jail is cloned, because what is missing is
 * made there, and is to be taken away by who is still there at the end. Mounted by init. If
 * somebody changes the tree in between, the start fails.
 *
 * A name is walked to component by component. Whatever of the way lies in a writable tree gets
 * a mount of its own, because the kernel refuses to rename or remove what something is mounted
 * on: else `mv .git x; mkdir .git` would do. A link on the way is kept by a mount on the link
 * itself, and where it leads to is walked, too.
 */
#include "jail/keeps/keeps.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "jail/files/mount_ops.h"
#include "jail/files/walk.h"
#include "keeps_links.h"

#define KEEPS_STEP       64        /* items that room is made for at once */
#define KEEPS_LONGER_MAX (1 << 20) /* bytes of a file that is copied */

/* One name on its way; the walk's hooks get back to it. */
struct step {
	struct walk walk; /* first */
	struct keep_search *search;
	struct keep_rule rule;
	bool is_made; /* the name that comes next */
};

int keeps_failed(const struct keep_search *search, const char *path, int r)
{
	if (r == -EMLINK)
		error_set(
			search->err, path, "put a copy in its place, by cp and mv",
			"programs outside of the jail run what this file says, and it has a second "
			"name (a hard link), by which an agent may write it");
	else if (r == -E2BIG)
		error_set(search->err, path, "start in a smaller tree",
			  "more than %d names to keep from being written", KEEPS_MAX);
	else
		error_set(search->err, path, NULL, "keeping it from the agent: %s", strerror(-r));
	return r;
}

/* --- the list --------------------------------------------------------------------- */

/* Sealed with what holds it, or in the list itself. A directory on the way may become sealed. */
static bool is_kept(struct keeps *keeps, const char *path, enum keep_how how)
{
	for (size_t i = 0; i < keeps->n; i++) {
		struct keep *keep = &keeps->items[i];
		bool is_same = !strcmp(keep->path, path);

		if (is_same && how == KEEP_SEALED)
			keep->how = KEEP_SEALED;
		if (is_same || ((keep->how == KEEP_SEALED || keep->how == KEEP_PRIVATE) &&
				path_is_within(path, keep->path)))
			return true;
	}
	return false;
}

int keeps_put(struct keeps *keeps, const char *path, enum keep_how how, char *text)
{
	autofree char *owned = text;
	struct keep *items = keeps->items;

	if (keeps->n == KEEPS_MAX)
		return -E2BIG;
	if (keeps->n % KEEPS_STEP == 0) {
		items = reallocarray(items, keeps->n + KEEPS_STEP, sizeof(*items));
		if (!items)
			return -ENOMEM;
		keeps->items = items;
	}
	items[keeps->n] = (struct keep){strdup(path), how, NULL};
	if (!items[keeps->n].path)
		return -ENOMEM;
	items[keeps->n].text = ptr_take(&owned);
	keeps->n++;
	return 0;
}

void keeps_free(struct keeps *keeps)
{
	for (size_t i = 0; i < keeps->n; i++) {
		free(keeps->items[i].path);
		free(keeps->items[i].text);
	}
	free(keeps->items);
	*keeps = (struct keeps){.n = 0};
}

/* --- walking to a name ------------------------------------------------------------ */

static bool is_tree(const struct layout *layout, const char *path)
{
	for (size_t i = 0; i < layout->n_trees; i++)
		if (!strcmp(layout->trees[i].path, path))
			return true;
	return false;
}

static int on_name(struct walk *walk, const struct stat *st)
{
	struct step *step = (struct step *)walk;
	struct keep_search *search = step->search;
	bool is_end = walk_is_last(walk) && !S_ISLNK(st->st_mode);
	enum keep_how how = S_ISDIR(st->st_mode) ? KEEP_IN_PLACE : KEEP_SEALED;
	bool is_made = step->is_made, is_ours, is_over;
	int r;

	/* A tree was asked for itself, and is a mount of its own already. */
	if (!layout_is_writable(search->layout, walk->done) || is_tree(search->layout, walk->done))
		return 0;
	if (is_end)
		how = S_ISDIR(st->st_mode) ? step->rule.end : KEEP_SEALED;
	r = is_made ? placeholders_hold(search->held, walk->done, st)
		    : placeholders_adopt(search->held, walk->done, st);
	if (r < 0)
		return r;
	is_ours = is_made || r > 0;
	is_over = S_ISLNK(st->st_mode) && is_ours;
	if (is_ours && is_end && S_ISDIR(st->st_mode) && search->layout->nests)
		how = KEEP_PRIVATE;
	step->is_made = false;
	if (!is_made && how == KEEP_SEALED && keeps_has_hard_link(walk->done, st))
		return -EMLINK;
	r = is_kept(search->keeps, walk->done, how)
		    ? 0
		    : keeps_put(search->keeps, walk->done, how, NULL);
	/* Such a link leads nowhere. */
	return r || !is_over ? r : -ENOENT;
}

static int on_missing(struct walk *walk)
{
	struct step *step = (struct step *)walk;
	enum keep_missing missing = step->rule.missing;
	int r;

	if (missing == MISSING_IS_IGNORED ||
	    (missing == MISSING_END_IS_BLOCKED && !walk_is_last(walk)) ||
	    !layout_is_writable(step->search->layout, walk->done))
		return -ENOENT;
	r = placeholders_make(step->search->held, walk->done,
			      walk_is_last(walk) ? step->rule.form : PLACEHOLDER_PARENT);
	/* What we may not make the agent may not either. */
	if (r == -EROFS || r == -EACCES || r == -EPERM)
		return -ENOENT;
	step->is_made = !r;
	return r == -EEXIST ? 0 : r;
}

/* Not there, or not to be reached: by the agent neither. */
static bool is_out_of_reach(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES || r == -ELOOP;
}

int keeps_add(struct keep_search *search, const char *base, const char *name, struct keep_rule rule)
{
	struct step step = {
		.walk = {.layout = search->layout, .on_name = on_name, .on_missing = on_missing},
		.search = search,
		.rule = rule};
	int r = walk_from(&step.walk, base, name);

	if (!r || is_out_of_reach(r))
		return 0;
	return keeps_failed(search, step.walk.done, r);
}

/* To a file, or to nothing yet. A directory that is shown twice is worked in by its other name. */
static bool is_link_to_file(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path) ||
	    lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		return false;
	return stat(path, &st) < 0 || S_ISREG(st.st_mode);
}

int keeps_add_symlinked(struct keep_search *search, const char *base, const char *name)
{
	static const struct keep_rule rule = {PLACEHOLDER_LINK, MISSING_IS_BLOCKED, KEEP_SEALED};
	char path[PATH_MAX], link[PATH_MAX];
	const struct dirent *entry;
	DIR *dir;
	int r = 0;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", base, name) >= sizeof(path))
		return 0;
	dir = opendir(path);
	while (dir && !r && (entry = readdir(dir))) {
		if (!is_link_to_file(path, entry->d_name) ||
		    (size_t)snprintf(link, sizeof(link), "%s/%s", name, entry->d_name) >=
			    sizeof(link))
			continue;
		r = keeps_add(search, base, link, rule);
	}
	if (dir)
		closedir(dir);
	return r;
}

/* --- what was named ------------------------------------------------------------------ */

bool keeps_is_opened(const struct layout *layout, const char *path)
{
	for (size_t i = 0; i < layout->named.n; i++) {
		const char *name = layout->named.items[i];
		bool is_root = false;

		for (size_t k = 0; k < layout->roots.n; k++)
			is_root |= !strcmp(layout->roots.items[k], name);
		if (!is_root && path_is_within(path, name))
			return true;
	}
	return false;
}

static bool is_sealed(const struct keeps *keeps, const char *path)
{
	for (size_t i = 0; i < keeps->n; i++)
		if (keeps->items[i].how == KEEP_SEALED &&
		    path_is_within(path, keeps->items[i].path))
			return true;
	return false;
}

/* What was named in a sealed directory comes over it, and is writable. */
static int add_named(const struct keep_search *search)
{
	const struct path_list *const lists[] = {&search->layout->named, &search->layout->roots};

	for (size_t list = 0; list < ARRAY_SIZE(lists); list++)
		for (size_t i = 0; i < lists[list]->n; i++) {
			const char *path = lists[list]->items[i];
			int r = is_sealed(search->keeps, path)
					? keeps_put(search->keeps, path, KEEP_WRITABLE, NULL)
					: 0;

			if (r < 0)
				return keeps_failed(search, path, r);
		}
	return 0;
}

int keeps_find(const struct layout *layout, struct placeholders *held, struct keeps *ret,
	       struct error *err)
{
	struct keep_search search = {.layout = layout, .held = held, .keeps = ret, .err = err};
	int r;

	*ret = (struct keeps){.n = 0};
	r = keeps_add_rows(&search);
	return r ? r : add_named(&search);
}

/* --- mounting ------------------------------------------------------------------------ */

/* What is to stay writable is cloned before what holds it is sealed. -1 for what is not there. */
static int clone_writable(const struct keeps *keeps, int *mounts, struct error *err)
{
	for (size_t i = 0; i < keeps->n; i++) {
		const struct keep *keep = &keeps->items[i];
		autoclose int at = -1;

		mounts[i] = -1;
		if (keep->how != KEEP_WRITABLE)
			continue;
		at = mount_open(keep->path);
		mounts[i] = at < 0 ? at : mount_clone(at, "", true, MOUNT_SAFE);
		if (mounts[i] < 0 && mounts[i] != -ENOENT)
			return mount_failed(err, keep->path, "keeping it writable", mounts[i]);
	}
	return 0;
}

/* A copy of what is there, longer by the text, over it. */
static int mount_longer(const struct keep *keep, size_t index, int scratch_fd)
{
	autoclose int at = mount_open(keep->path);
	autoclose int from =
		at < 0 ? -1 : open(keep->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	autoclose int to = -1, fd = -1;
	char name[32];
	int r;

	if (from < 0)
		return at < 0 ? at : -errno;
	snprintf(name, sizeof(name), "keep-%zu", index);
	to = openat(scratch_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (to < 0 || sendfile(to, from, NULL, KEEPS_LONGER_MAX) < 0)
		return -errno;
	r = io_write_all(to, keep->text, strlen(keep->text));
	if (r < 0)
		return r;
	fd = mount_clone(scratch_fd, name, false, MOUNT_SEALED);
	return fd < 0 ? fd : mount_attach(fd, at);
}

static int mount_private(const struct keep *keep, size_t index, int scratch_fd)
{
	autoclose int fd = -1;
	char name[32];

	snprintf(name, sizeof(name), "keep-%zu", index);
	if (mkdirat(scratch_fd, name, 0755) < 0)
		return -errno;
	fd = mount_clone(scratch_fd, name, false, MOUNT_SAFE);
	return fd < 0 ? fd : mount_attach_at(fd, keep->path);
}

static int mount_one(const struct keep *keep, size_t index, int mount_fd, int scratch_fd)
{
	switch (keep->how) {
	case KEEP_SEALED:
		return mount_onto_itself(keep->path, MOUNT_SEALED);
	case KEEP_IN_PLACE:
		return mount_onto_itself(keep->path, MOUNT_SAFE);
	case KEEP_WRITABLE:
		return mount_fd < 0 ? 0 : mount_attach_at(mount_fd, keep->path);
	case KEEP_LONGER:
		/* What is only for convenience fails nobody. */
		(void)mount_longer(keep, index, scratch_fd);
		return 0;
	case KEEP_PRIVATE:
		return mount_private(keep, index, scratch_fd);
	}
	return 0;
}

static int keep_it(const struct keep *keep, size_t index, int mount_fd, int scratch_fd,
		   struct error *err)
{
	int r = mount_one(keep, index, mount_fd, scratch_fd);

	if (r == -ENOENT) {
		error_set(err, keep->path, "start again", "it was moved away meanwhile");
		return -ESTALE;
	}
	return r < 0 ? mount_failed(err, keep->path, "keeping it as it is", r) : 0;
}

int keeps_mount(const struct keeps *keeps, int scratch_fd, struct error *err)
{
	autofree int *mounts = calloc(keeps->n + 1, sizeof(*mounts));
	int r = mounts ? clone_writable(keeps, mounts, err) : -ENOMEM;

	for (size_t i = 0; mounts && i < keeps->n; i++) {
		if (!r)
			r = keep_it(&keeps->items[i], i, mounts[i], scratch_fd, err);
		fd_close(&mounts[i]);
	}
	return r;
}
