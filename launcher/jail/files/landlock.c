// SPDX-License-Identifier: Apache-2.0
/*
 * The pid and network namespaces already keep the agent's signals and abstract sockets
 * inside, and the mounts its writing; this is a second wall, of other kernel code, around
 * the agent alone: it keeps init, which shares those namespaces, out of the agent's reach
 * too, and holds where a mount is writable that should not be.
 *
 * Only writing is handled, and not even that where the agent may mount, which the kernel
 * allows nobody whose files Landlock confines: reading goes by mounts alone, so that opening and
 * listing files costs nothing more. Landlock knows files by their inodes, whatever mount shows
 * them: it makes nothing writable, and what lies in a writable tree and is kept read-only or hidden
 * there remains the mounts' to keep.
 */
#include "jail/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/files/mount_ops.h"
#include "sandbox/landlock.h"

/*
 * The jail's own, each a mount that says for itself what of it can be written. Message queues
 * are opened below a mount that has no place: only their root itself is known.
 */
static const char *const own_places[] = {"/tmp", "/var/tmp", "/dev", "/dev/mqueue", "/proc"};

struct writable {
	int fds[LANDLOCK_TREES_MAX + ARRAY_SIZE(own_places) + 3];
	size_t n;
};

static void writable_close(struct writable *w)
{
	for (size_t i = 0; i < w->n; i++)
		fd_close(&w->fds[i]);
}

/* What is not there, or hidden with something above it, needs no rule. */
static int add_path(struct writable *w, const char *path)
{
	int fd = mount_open(path);

	if (fd >= 0)
		w->fds[w->n++] = fd;
	return fd >= 0 || fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES || fd == -ELOOP ? 0 : fd;
}

/* A file that the caller redirected to: /dev/stdout opens it anew, from outside of all trees. */
static int add_stream(struct writable *w, int stream)
{
	struct stat st;
	int fd;

	if (fstat(stream, &st) < 0 || S_ISDIR(st.st_mode))
		return 0;
	fd = fcntl(stream, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	w->fds[w->n++] = fd;
	return 0;
}

static int restrict_to(const char *const *trees, size_t n)
{
	__attribute__((cleanup(writable_close))) struct writable w = {.n = 0};
	int r = n <= LANDLOCK_TREES_MAX ? 0 : -E2BIG;

	for (size_t i = 0; !r && i < n; i++)
		r = add_path(&w, trees[i]);
	for (size_t i = 0; !r && i < ARRAY_SIZE(own_places); i++)
		r = add_path(&w, own_places[i]);
	for (int stream = 0; !r && stream < 3; stream++)
		r = add_stream(&w, stream);
	return r ? r : landlock_restrict_but(LANDLOCK_SCOPE | LANDLOCK_DENY_WRITES, w.fds, w.n);
}

int landlock_confine_agent(const char *const *trees, size_t n, bool *ret_applied, struct error *err)
{
	bool known = landlock_abi() >= LANDLOCK_ABI_SCOPE;
	int r = trees ? restrict_to(trees, n) : landlock_restrict(LANDLOCK_SCOPE);

	if (r) {
		error_set(err, "landlock", NULL, "the kernel refuses to confine the agent: %s",
			  strerror(-r));
		return r;
	}
	*ret_applied = known;
	return 0;
}
