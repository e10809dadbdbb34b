// SPDX-License-Identifier: Apache-2.0
/*
 * A process gets a capability from its sets, from a file that it executes, or by being uid 0. Each
 * is closed, and in this order, because closing the second and third needs CAP_SETPCAP:
 *
 *	bounding set	nothing that a file has is taken on
 *	securebits	uid 0 means nothing, and cannot be made to again
 *	the other sets	what there is now; from here on nothing can be put back
 *	no_new_privs	whoever could not do the first two is stopped by this one
 */
#include "jail/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PRIVILEGES_BITS                                                                            \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                           \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |   \
	 SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)
#define PRIVILEGES_CAP_MAX 63

/* EINVAL: the kernel's last capability is behind us. */
static int drop_bounding(void)
{
	for (unsigned long cap = 0; cap <= PRIVILEGES_CAP_MAX; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return errno == EINVAL ? 0 : -errno;
	return 0;
}

static bool read_sets(struct __user_cap_data_struct ret[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return !syscall(SYS_capget, &header, ret);
}

static int drop_sets(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* Whether what an exec could bring may be given up by us: always, in a user namespace. */
static bool may_drop_bounding(void)
{
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = {0};

	return read_sets(has) && (has[0].effective & 1u << CAP_SETPCAP);
}

int privileges_drop(struct error *err)
{
	bool may_drop = may_drop_bounding();
	int r = may_drop ? drop_bounding() : 0;

	if (!r && may_drop && prctl(PR_SET_SECUREBITS, PRIVILEGES_BITS, 0, 0, 0) < 0)
		r = -errno;
	if (!r && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		r = -errno;
	if (!r)
		r = drop_sets();
	if (!r && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r < 0)
		error_set(err, "privileges of the jail", NULL, "cannot be dropped: %s",
			  strerror(-r));
	return r;
}

bool privileges_are_out_of_reach(void)
{
	struct __user_cap_data_struct has[_LINUX_CAPABILITY_U32S_3] = {0};

	if (!read_sets(has) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (has[i].effective | has[i].permitted | has[i].inheritable)
			return false;
	return true;
}

bool privileges_are_gone(void)
{
	if (!privileges_are_out_of_reach())
		return false;
	for (unsigned long cap = 0; cap <= PRIVILEGES_CAP_MAX; cap++) {
		int r = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (r)
			return r < 0;
	}
	return true;
}
