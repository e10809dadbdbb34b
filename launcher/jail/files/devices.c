// SPDX-License-Identifier: Apache-2.0
#include "jail/files/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/files/mount_ops.h"

static const char *const device_names[DEVICES_MAX] = {"null",   "zero",    "full",
						      "random", "urandom", "tty"};

static const struct {
	const char *name, *target;
} device_links[] = {
	{"ptmx", "pts/ptmx"},          {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
};

static int open_pty(const struct winsize *winsize, struct devices *devices)
{
	const int unlocked = 0;

	devices->pty_master = openat(devices->devpts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (devices->pty_master < 0 || ioctl(devices->pty_master, TIOCSPTLCK, &unlocked) < 0)
		return -errno;
	devices->pty_slave = ioctl(devices->pty_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (devices->pty_slave < 0 || ioctl(devices->pty_master, TIOCSWINSZ, winsize) < 0)
		return -errno;
	return 0;
}

int devices_take(const struct winsize *winsize, struct devices *ret, struct error *err)
{
	static const char *const options[] = {"newinstance", "",     "ptmxmode", "0666",
					      "mode",        "0620", NULL};
	autoclose int dev = mount_open("/dev");
	int r;

	*ret = DEVICES_NONE;
	for (size_t i = 0; i < DEVICES_MAX; i++) {
		/* Read-only is the node, its mode and owner, which are the host's; not the device.
		 */
		r = mount_clone(dev, device_names[i], false,
				MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
		ret->nodes[i] = r < 0 ? -1 : r;
		/* Nearly nothing runs without this one. */
		if (r < 0 && !i)
			return mount_failed(err, "/dev/null", "cloning the device", r);
	}
	ret->devpts = mount_new("devpts", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (ret->devpts < 0)
		return mount_failed(err, "/dev/pts", "new devpts", ret->devpts);
	/* Landlock lets queues be opened if their root can be named: jail/files/landlock.c does. */
	r = mount_new("mqueue", NULL, MOUNT_SAFE | MOUNT_ATTR_NOEXEC);
	ret->mqueue = r < 0 ? -1 : r;
	r = winsize ? open_pty(winsize, ret) : 0;
	return r < 0 ? mount_failed(err, "/dev/pts", "new pseudo-terminal", r) : 0;
}

/* Names for the mounts to lie on, and the customary links. */
static int fill_dev(int dev)
{
	static const char *const dirs[] = {"pts", "shm", "mqueue"};

	for (size_t i = 0; i < DEVICES_MAX; i++)
		if (mknodat(dev, device_names[i], S_IFREG | 0444, 0) < 0)
			return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(device_links); i++)
		if (symlinkat(device_links[i].target, dev, device_links[i].name) < 0)
			return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdirat(dev, dirs[i], 0755) < 0)
			return -errno;
	return 0;
}

static int attach_in(int mount_fd, int dir, const char *name)
{
	return move_mount(mount_fd, "", dir, name, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

static int attach_all(const struct devices *devices, int dev, int shm)
{
	int r = attach_in(shm, dev, "shm");

	if (!r)
		r = attach_in(devices->devpts, dev, "pts");
	if (!r && devices->mqueue >= 0)
		r = attach_in(devices->mqueue, dev, "mqueue");
	for (size_t i = 0; !r && i < DEVICES_MAX; i++)
		if (devices->nodes[i] >= 0)
			r = attach_in(devices->nodes[i], dev, device_names[i]);
	return r;
}

int devices_mount(const struct devices *devices, int scratch_fd, struct error *err)
{
	autoclose int files = -1, dev = -1, shm = -1;
	int r;

	if (mkdirat(scratch_fd, "dev", 0755) < 0 || mkdirat(scratch_fd, "shm", 01777) < 0 ||
	    fchmodat(scratch_fd, "shm", 01777, 0) < 0)
		return mount_failed(err, "/dev", "private directory", -errno);
	files = openat(scratch_fd, "dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = files < 0 ? -errno : fill_dev(files);
	if (r < 0)
		return mount_failed(err, "/dev", "private directory", r);
	dev = mount_clone(scratch_fd, "dev", false, MOUNT_SEALED | MOUNT_ATTR_NOEXEC);
	shm = mount_clone(scratch_fd, "shm", false, MOUNT_SAFE);
	r = dev < 0 ? dev : shm < 0 ? shm : mount_attach_at(dev, "/dev");
	if (!r)
		r = attach_all(devices, dev, shm);
	return r < 0 ? mount_failed(err, "/dev", "private devices", r) : 0;
}

void devices_close(struct devices *devices)
{
	for (size_t i = 0; i < DEVICES_MAX; i++)
		fd_close(&devices->nodes[i]);
	fd_close(&devices->devpts);
	fd_close(&devices->mqueue);
}
