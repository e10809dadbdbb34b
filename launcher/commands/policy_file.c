// SPDX-License-Identifier: Apache-2.0
/*
 * The new text goes into a file beside the old one, to the disk, and takes its name: a run that
 * starts meanwhile, or a power cut, finds one of them whole. The directory is locked, not the
 * file, which is another one afterwards.
 */
#include "policy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "policy/policy.h"
#include "state/places.h"

#define NEW_FILE_MODE 0644

static int fail(struct error *err, const char *where, const char *mend, int r)
{
	error_set(err, where, mend, "%s", strerror(-r));
	return r;
}

/* The user's own file. Return: 1 if it is there; 0 if it is to be made; -errno */
static int find_own(struct policy_file *f, struct error *err)
{
	char dir[PATH_MAX], name[PATH_MAX + 16];
	struct stat st;
	int r = places_config_dir(dir, err);

	if (r)
		return r;
	snprintf(name, sizeof(name), "%s/policy.json", dir);
	if (realpath(name, f->path))
		return 1;
	if (errno != ENOENT)
		return fail(err, name, NULL, -errno);
	if (!lstat(name, &st))
		return fail(err, name, "it is a link to nothing: remove it", -ENOENT);
	r = places_make_dir(dir);
	if (r)
		return fail(err, dir, NULL, r);
	if (strlen(name) >= sizeof(f->path))
		return fail(err, name, NULL, -ENAMETOOLONG);
	strcpy(f->path, name);
	return 0;
}

static int lock_directory(struct policy_file *f, struct error *err)
{
	char path[PATH_MAX];

	strcpy(path, f->path);
	f->dir_fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0)
		return fail(err, f->path, NULL, -errno);
	/* Where a file system has no locks, two changes at once are the person's to avoid. */
	flock(f->dir_fd, LOCK_EX);
	return 0;
}

static int read_existing(struct policy_file *f, struct error *err)
{
	autoclose int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0 || fstat(fd, &f->st))
		return fail(err, f->path, NULL, -errno);
	if (!S_ISREG(f->st.st_mode))
		return fail(err, f->path, "name a regular file", -EINVAL);
	/* Its directory may be the user's, though the file is not to be changed. */
	if (faccessat(AT_FDCWD, f->path, W_OK, AT_EACCESS))
		return fail(err, f->path, "it may not be changed", -errno);
	f->text.max = PLACES_POLICY_MAX;
	r = io_read_to_end(fd, &f->text);
	return r ? fail(err, f->path, NULL, r) : 0;
}

/* A first policy of the user's own says what would have been in force without it. */
static int copy_in_force(struct policy_file *f, struct error *err)
{
	const char *builtin;
	size_t n;
	int r = places_policy(NULL, f->made_from, &f->text, err);

	if (r || f->made_from[0])
		return r;
	strcpy(f->made_from, POLICY_BUILTIN_NAME);
	builtin = policy_builtin(&n);
	f->text.max = PLACES_POLICY_MAX;
	r = buf_append(&f->text, builtin, n);
	return r ? fail(err, f->path, NULL, r) : 0;
}

int policy_file_open(const char *wanted, struct policy_file *ret, struct error *err)
{
	int r, exists;

	*ret = (struct policy_file){.dir_fd = -1, .text = BUF_INIT(PLACES_POLICY_MAX)};
	if (!wanted)
		exists = find_own(ret, err);
	else if (realpath(wanted, ret->path))
		exists = 1;
	else
		exists = fail(err, wanted, "name a policy file, or leave -p out for your own",
			      -errno);
	if (exists < 0)
		return exists;
	r = lock_directory(ret, err);
	if (r)
		return r;
	return exists ? read_existing(ret, err) : copy_in_force(ret, err);
}

/* Return: 0; -errno, and the file is as incomplete as it is */
static int fill(int fd, const struct policy_file *file, const struct buf *text)
{
	mode_t mode = file->made_from[0] ? NEW_FILE_MODE : file->st.st_mode & 07777;
	int r;

	/* Only root can give a file away; for others it is theirs already, or becomes so. */
	if (!file->made_from[0] && fchown(fd, file->st.st_uid, file->st.st_gid) && errno != EPERM)
		return -errno;
	if (fchmod(fd, mode))
		return -errno;
	r = io_write_all(fd, text->data, text->len);
	return r ? r : fsync(fd) ? -errno : 0;
}

int policy_file_write(const struct policy_file *file, const struct buf *text, struct error *err)
{
	char path[PATH_MAX], temporary[PATH_MAX + 32];
	autoclose int fd = -1;
	int r;

	strcpy(path, file->path);
	snprintf(temporary, sizeof(temporary), "%s/.policy.json.XXXXXX", dirname(path));
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(err, file->path, "its directory must be one that you may write",
			    -errno);
	r = fill(fd, file, text);
	if (!r && rename(temporary, file->path))
		r = -errno;
	if (r) {
		unlink(temporary);
		return fail(err, file->path, "it is as it was", r);
	}
	fsync(file->dir_fd);
	return 0;
}

void policy_file_close(struct policy_file *file)
{
	fd_close(&file->dir_fd);
	buf_free(&file->text);
}
