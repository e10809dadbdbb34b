// SPDX-License-Identifier: Apache-2.0
#include "broker/unix_diag.h"

#include <errno.h>
#include <linux/unix_diag.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "broker/diag.h"

#define KERNEL_MINOR 20 /* bits of a device's minor number as the kernel keeps it */

int unix_diag_id_of(int socket, struct unix_diag_id *ret)
{
	struct unix_diag_id id;
	socklen_t size = sizeof(id.cookie);
	struct stat st;

	if (fstat(socket, &st) < 0 || getsockopt(socket, SOL_SOCKET, SO_COOKIE, &id.cookie, &size))
		return -errno;
	id.inode = (uint32_t)st.st_ino;
	*ret = id;
	return 0;
}

static int ask(int diag, const struct unix_diag_id *id, uint32_t show, union diag_answer *ret)
{
	const struct unix_diag_req request = {
		.sdiag_family = AF_UNIX,
		.udiag_states = ~0u,
		.udiag_ino = id->inode,
		.udiag_show = show,
		.udiag_cookie = {(uint32_t)id->cookie, (uint32_t)(id->cookie >> 32)}};

	return diag_ask(diag, &request, sizeof(request), sizeof(struct unix_diag_msg), ret);
}

static int read_file(const struct nlmsghdr *head, struct unix_diag_file *ret)
{
	const char *at = NLMSG_DATA(head), *end = (const char *)head + head->nlmsg_len;

	for (at += NLMSG_ALIGN(sizeof(struct unix_diag_msg)); at + sizeof(struct nlattr) <= end;) {
		struct unix_diag_vfs vfs;
		struct nlattr attr;

		memcpy(&attr, at, sizeof(attr));
		if (attr.nla_len < sizeof(attr) || attr.nla_len > end - at)
			break;
		if (attr.nla_type == UNIX_DIAG_VFS && attr.nla_len >= sizeof(attr) + sizeof(vfs)) {
			memcpy(&vfs, at + sizeof(attr), sizeof(vfs));
			ret->inode = vfs.udiag_vfs_ino;
			ret->dev = makedev(vfs.udiag_vfs_dev >> KERNEL_MINOR,
					   vfs.udiag_vfs_dev & ((1u << KERNEL_MINOR) - 1));
			return 0;
		}
		at += NLMSG_ALIGN(attr.nla_len);
	}
	return -ENOENT;
}

int unix_diag_file(int diag, const struct unix_diag_id *id, struct unix_diag_file *ret)
{
	union diag_answer answer;
	int r = ask(diag, id, UDIAG_SHOW_VFS, &answer);

	return r ? r : read_file(&answer.head, ret);
}

bool unix_diag_exists(int diag, const struct unix_diag_id *id)
{
	union diag_answer answer;

	return !ask(diag, id, 0, &answer);
}
