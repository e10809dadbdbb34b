// SPDX-License-Identifier: Apache-2.0
#include "jail/files/mount_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

int mount_open(const char *path)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				     .resolve = RESOLVE_NO_SYMLINKS};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int mount_clone(int dir_fd, const char *path, bool recursive, uint64_t attributes)
{
	struct mount_attr attr = {.attr_set = attributes, .propagation = MS_PRIVATE};
	const unsigned flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | (recursive ? AT_RECURSIVE : 0);
	autoclose int fd = open_tree(dir_fd, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

	if (fd < 0)
		return -errno;
	if (mount_setattr(fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
			  sizeof(attr)) < 0)
		return -errno;
	return fd_take(&fd);
}

int mount_attach(int mount_fd, int to_fd)
{
	return move_mount(mount_fd, "", to_fd, "",
			  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0
		       ? -errno
		       : 0;
}

int mount_attach_at(int mount_fd, const char *path)
{
	autoclose int to = mount_open(path);

	return to < 0 ? to : mount_attach(mount_fd, to);
}

int mount_onto_itself(const char *path, uint64_t attributes)
{
	autoclose int at = mount_open(path);
	autoclose int fd = at < 0 ? at : mount_clone(at, "", true, attributes);

	return fd < 0 ? fd : mount_attach(fd, at);
}

int mount_new(const char *type, const char *const *options, uint64_t attributes)
{
	autoclose int context = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (context < 0)
		return -errno;
	for (size_t i = 0; options && options[i]; i += 2) {
		bool is_flag = !options[i + 1][0];

		if (fsconfig(context, is_flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, options[i],
			     is_flag ? NULL : options[i + 1], 0) < 0)
			return -errno;
	}
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
	return fd < 0 ? -errno : fd;
}

int mount_seal(const char *path, uint64_t attributes)
{
	struct mount_attr attr = {.attr_set = attributes, .propagation = MS_PRIVATE};

	return mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

bool mount_is_root(const char *path)
{
	struct statx stx;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &stx) == 0 &&
	       (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int mount_failed(struct error *err, const char *path, const char *step, int r)
{
	const char *mend = NULL;

	if (r == -EPERM || r == -EACCES)
		mend = "a container or security module forbids mounts here: run mcpjail outside of "
		       "it";
	else if (r == -ELOOP)
		mend = "a directory was replaced by a symbolic link meanwhile: start again";
	error_set(err, path, mend, "%s: %s", step, strerror(-r));
	return r;
}
