// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/keeps/guards.h"
#include "jail/files/mount_ops.h"
#include "jail/files/mountinfo.h"
#include "jail/privileges.h"
#include "jail/selftest.h"
#include "jail/files/trust_files.h"

#define SELFTEST_PROBE_FILE "/.mcpjail-selftest"

int selftest_broken(struct error *err, const char *what, const char *where)
{
	error_set(err, "self-test of the jail", NULL, "%s: %s", where, what);
	return -EPERM;
}

static bool is_mounted_read_only(const char *path)
{
	struct statvfs vfs;

	return statvfs(path, &vfs) == 0 && (vfs.f_flag & ST_RDONLY);
}

static bool root_is_read_only(void)
{
	autoclose int fd = open(SELFTEST_PROBE_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		unlink(SELFTEST_PROBE_FILE);
	return fd < 0 && is_mounted_read_only("/");
}

/* A hidden directory is empty, or cannot be seen at all. */
static bool is_hidden(const char *path)
{
	DIR *dir = opendir(path);
	unsigned n = 0;

	if (!dir)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n <= 2; /* . and .. */
}

/* Where the agent may write, beside the layout's trees. */
static bool may_be_writable(const struct layout *layout, const char *path)
{
	return layout_is_writable(layout, path) || layout_is_in_scratch(path) ||
	       !strcmp(path, "/run") || !strcmp(path, "/dev/pts") || !strcmp(path, "/dev/mqueue") ||
	       (!strcmp(path, "/proc") && geteuid());
}

/* What covers a window comes from the tmpfs that lies on /run. */
static bool is_covered(const char *path, dev_t cover)
{
	autoclose int fd = mount_open(path);
	struct stat st;

	return fd < 0 || (fstat(fd, &st) == 0 && st.st_dev == cover);
}

static int check_mount(const struct layout *layout, const struct mountinfo_entry *entry,
		       dev_t cover, struct error *err)
{
	if (guards_is_window(entry) && !is_covered(entry->path, cover))
		return selftest_broken(err, "shows the host's kernel", entry->path);
	if (!entry->is_read_only && !may_be_writable(layout, entry->path))
		return selftest_broken(err, "is writable", entry->path);
	return 0;
}

int selftest_mounts(const struct layout *layout, struct error *err)
{
	__attribute__((cleanup(mountinfo_close))) struct mountinfo info = {.file = NULL};
	struct mountinfo_entry entry;
	struct stat run;
	int r = stat("/run", &run) < 0 ? -errno : mountinfo_open(&info);

	while (!r && (r = mountinfo_next(&info, &entry)) > 0)
		r = check_mount(layout, &entry, run.st_dev, err);
	if (r < 0 && r != -EPERM)
		return selftest_broken(err, strerror(-r), "/proc/self/mountinfo");
	return r;
}

/* What the policy hides is covered by something of the tmpfs that has /run, or out of reach. */
static bool is_blanked(const char *path)
{
	struct stat run, st;

	return stat(path, &st) < 0 || (stat("/run", &run) == 0 && st.st_dev == run.st_dev);
}

int selftest_files(const struct layout *layout, struct error *err)
{
	char self[16] = "";

	if (!privileges_are_gone())
		return selftest_broken(err, "are left", "privileges");
	if (!root_is_read_only())
		return selftest_broken(err, "is writable", "/");
	if (!is_mounted_read_only("/run"))
		return selftest_broken(err, "is writable", "/run");
	if (readlink("/proc/self", self, sizeof(self) - 1) < 0 || strcmp(self, "1"))
		return selftest_broken(err, "is not the jail's own", "/proc");
	if (!is_hidden(layout->run_dir))
		return selftest_broken(err, "can be seen", layout->run_dir);
	if (!is_hidden(layout->state_dir))
		return selftest_broken(err, "can be seen", layout->state_dir);
	for (size_t i = 0; i < layout->hides.n; i++)
		if (!is_blanked(layout->hides.items[i]))
			return selftest_broken(err, "can be seen", layout->hides.items[i]);
	if (access(TRUST_CA_PATH, R_OK) < 0 || access(TRUST_BUNDLE_PATH, R_OK) < 0)
		return selftest_broken(err, "cannot be read", TRUST_BUNDLE_PATH);
	return 0;
}

static bool opens_socket(int family, int type)
{
	autoclose int fd = socket(family, type | SOCK_CLOEXEC, 0);

	return fd >= 0;
}

int selftest_calls(struct error *err)
{
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER)
		return selftest_broken(err, "is not in force", "the agent's seccomp filter");
	if (opens_socket(AF_PACKET, SOCK_RAW))
		return selftest_broken(err, "can be opened by the agent", "a packet socket");
	if (opens_socket(AF_VSOCK, SOCK_STREAM))
		return selftest_broken(err, "can be opened by the agent", "a vsock socket");
	return 0;
}

int selftest_agent(const struct layout *layout, struct error *err)
{
	int r;

	if (!privileges_are_gone())
		return selftest_broken(err, "are left", "the agent's privileges");
	r = selftest_calls(err);
	if (r)
		return r;
	if (!root_is_read_only())
		return selftest_broken(err, "is writable for the agent", "/");
	if (!is_hidden(layout->run_dir) || !is_hidden(layout->state_dir))
		return selftest_broken(err, "can be seen by the agent", layout->state_dir);
	return 0;
}
