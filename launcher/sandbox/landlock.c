// SPDX-License-Identifier: Apache-2.0
/*
 * The interface is written out here: the headers of Debian 12 know its first version only.
 * Numbers and structs are those of the kernel's Documentation/userspace-api/landlock.rst.
 */
#include "sandbox/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define CREATE_RULESET_VERSION 1u
#define NET_BIND_TCP           UINT64_C(1)
#define NET_CONNECT_TCP        UINT64_C(2)
#define SCOPE_ALL              UINT64_C(3) /* abstract unix sockets, signals */

#define RULE_PATH_BENEATH 1

#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE  (UINT64_C(1) << 2)
#define FS_TRUNCATE   (UINT64_C(1) << 14)
#define FS_OF_FILES   (FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE) /* not of directories alone */

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct ruleset {
	uint64_t handled_fs;
	uint64_t handled_net; /* from ABI 4 on */
	uint64_t scoped;      /* from ABI 6 on */
};

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* Every right over files that an ABI knows: 13, then refer (2), truncate (3), ioctl (5). */
static uint64_t all_fs_rights(int abi)
{
	unsigned n = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;

	return (UINT64_C(1) << n) - 1;
}

/*
 * Writing to files, and in directories REMOVE_DIR (4), REMOVE_FILE, MAKE_CHAR, _DIR, _REG, _SOCK,
 * _FIFO, _BLOCK, _SYM, REFER (13). Not TRUNCATE: a domain that handles it walks the path of every
 * file that is opened, for reading too, to know whether it may be truncated later: an open costs
 * 1.28 times as much, a recursive grep 1.18.
 */
static uint64_t write_rights(void)
{
	return FS_WRITE_FILE | ((UINT64_C(1) << 14) - (UINT64_C(1) << 4));
}

static uint64_t fs_rights(unsigned denials, int abi)
{
	uint64_t rights = 0;

	if (denials & LANDLOCK_DENY_FILES)
		rights = all_fs_rights(abi);
	if ((denials & LANDLOCK_DENY_WRITES) && abi >= LANDLOCK_ABI_WRITES)
		rights |= write_rights();
	if (denials & LANDLOCK_DENY_READS)
		rights |= FS_READ_FILE;
	if ((denials & LANDLOCK_DENY_TRUNCATE) && abi >= LANDLOCK_ABI_TRUNCATE)
		rights |= FS_TRUNCATE;
	return rights;
}

static struct ruleset ruleset_of(unsigned denials, int abi)
{
	struct ruleset rules = {.handled_fs = fs_rights(denials, abi)};

	if ((denials & LANDLOCK_DENY_TCP_BIND) && abi >= LANDLOCK_ABI_TCP)
		rules.handled_net |= NET_BIND_TCP;
	if ((denials & LANDLOCK_DENY_TCP_CONNECT) && abi >= LANDLOCK_ABI_TCP)
		rules.handled_net |= NET_CONNECT_TCP;
	if ((denials & LANDLOCK_SCOPE) && abi >= LANDLOCK_ABI_SCOPE)
		rules.scoped = SCOPE_ALL;
	return rules;
}

/* A right that only directories have is refused with a file. */
static int allow(int ruleset, int fd, uint64_t rights)
{
	struct path_beneath rule = {.allowed = rights, .parent = fd};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= FS_OF_FILES;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
		return errno == EBADFD ? 0 : -errno; /* on no file system */
	return 0;
}

static int begin(unsigned denials, int abi)
{
	struct ruleset rules = ruleset_of(denials, abi);
	size_t size = abi >= LANDLOCK_ABI_SCOPE ? sizeof(rules)
		      : abi >= LANDLOCK_ABI_TCP ? offsetof(struct ruleset, scoped)
						: offsetof(struct ruleset, handled_net);
	int fd;

	if (!(rules.handled_fs | rules.handled_net | rules.scoped))
		return -ENOSYS;
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	return fd < 0 ? -errno : fd;
}

int landlock_begin(unsigned denials)
{
	int abi = landlock_abi();

	return abi ? begin(denials, abi) : -ENOSYS;
}

int landlock_permit(int ruleset, int fd, unsigned denials)
{
	return allow(ruleset, fd, fs_rights(denials, landlock_abi()));
}

int landlock_enforce(int ruleset)
{
	return syscall(SYS_landlock_restrict_self, ruleset, 0) ? -errno : 0;
}

int landlock_restrict_but(unsigned denials, const int *writable, size_t n)
{
	autoclose int fd = landlock_begin(denials);
	uint64_t rights = fs_rights(denials, landlock_abi()) & write_rights();
	int r = 0;

	if (fd < 0)
		return fd == -ENOSYS ? 0 : fd;
	for (size_t i = 0; !r && rights && i < n; i++)
		r = allow(fd, writable[i], rights);
	return r ? r : landlock_enforce(fd);
}

int landlock_restrict(unsigned denials)
{
	return landlock_restrict_but(denials, NULL, 0);
}
