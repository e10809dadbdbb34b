// SPDX-License-Identifier: Apache-2.0
#include "broker/unix_diag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define ANSWER_BYTES 4096
#define KERNEL_MINOR 20 /* bits of a device's minor number as the kernel keeps it */

struct request {
	struct nlmsghdr head;
	struct unix_diag_req ask;
};

int unix_diag_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	return fd < 0 ? -errno : fd;
}

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

static int ask(int diag, const struct unix_diag_id *id, uint32_t show)
{
	const struct request request = {
		.head = {.nlmsg_len = sizeof(request),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST},
		.ask = {.sdiag_family = AF_UNIX,
			.udiag_states = ~0u,
			.udiag_ino = id->inode,
			.udiag_show = show,
			.udiag_cookie = {(uint32_t)id->cookie, (uint32_t)(id->cookie >> 32)}},
	};

	return send(diag, &request, sizeof(request), 0) < 0 ? -errno : 0;
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

static int answer(int diag, struct unix_diag_file *ret)
{
	union {
		struct nlmsghdr head;
		char bytes[ANSWER_BYTES];
	} message;
	const struct nlmsgerr *error;
	ssize_t n;

	do
		n = recv(diag, &message, sizeof(message), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(message.head) || message.head.nlmsg_len > (size_t)n)
		return -EBADMSG;
	if (message.head.nlmsg_type == NLMSG_ERROR) {
		error = NLMSG_DATA(&message.head);
		return message.head.nlmsg_len < NLMSG_LENGTH(sizeof(*error)) || error->error >= 0
			       ? -EBADMSG
			       : error->error;
	}
	if (message.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return -EBADMSG;
	return ret ? read_file(&message.head, ret) : 0;
}

int unix_diag_file(int diag, const struct unix_diag_id *id, struct unix_diag_file *ret)
{
	int r = ask(diag, id, UDIAG_SHOW_VFS);

	return r ? r : answer(diag, ret);
}

bool unix_diag_exists(int diag, const struct unix_diag_id *id)
{
	return !ask(diag, id, 0) && !answer(diag, NULL);
}
