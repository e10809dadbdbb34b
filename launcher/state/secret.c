// SPDX-License-Identifier: Apache-2.0
#include "state/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int make_secret(int fd)
{
	uint8_t fresh[SECRET_BYTES];
	ssize_t n;

	if (getrandom(fresh, sizeof(fresh), 0) != sizeof(fresh))
		return -EIO;
	n = pwrite(fd, fresh, sizeof(fresh), 0);
	explicit_bzero(fresh, sizeof(fresh));
	return n == SECRET_BYTES ? 0 : n < 0 ? -errno : -ENOSPC;
}

int secret_load(int state_dirfd, const char *name, uint8_t ret[SECRET_BYTES])
{
	autoclose int fd =
		openat(state_dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st;
	int r = 0;

	/* The lock: who finds the file shorter than a secret is the first, or follows one who died.
	 */
	if (fd < 0 || flock(fd, LOCK_EX) || fstat(fd, &st))
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return -EPERM;
	if (st.st_size < SECRET_BYTES)
		r = make_secret(fd);
	if (r)
		return r;
	return pread(fd, ret, SECRET_BYTES, 0) == SECRET_BYTES ? 0 : -EIO;
}
