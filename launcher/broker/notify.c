// SPDX-License-Identifier: Apache-2.0
#include "broker/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The kernel's structures may have grown since: it writes as much as it says. */
#define NOTIFY_BYTES_MAX 256

/* From Linux 6.6 on; the headers of Debian 12 are older. */
#define NOTIFY_SET_FLAGS    SECCOMP_IOW(4, __u64)
#define NOTIFY_SYNC_WAKE_UP 1ul

union request {
	struct seccomp_notif notif;
	char room[NOTIFY_BYTES_MAX];
};

union response {
	struct seccomp_notif_resp resp;
	char room[NOTIFY_BYTES_MAX];
};

int notify_prepare(int listener)
{
	struct seccomp_notif_sizes sizes;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	if (sizes.seccomp_notif > NOTIFY_BYTES_MAX || sizes.seccomp_notif_resp > NOTIFY_BYTES_MAX)
		return -ENOSYS;
	/* The caller sleeps while we answer: its processor may as well be ours. Else slower. */
	(void)ioctl(listener, NOTIFY_SET_FLAGS, NOTIFY_SYNC_WAKE_UP);
	return 0;
}

/* ENOENT is a caller that was killed before it was received, or, for ever, the end of all. */
static bool is_over(int listener)
{
	struct pollfd fd = {.fd = listener, .events = 0};

	return poll(&fd, 1, 0) == 1 && fd.revents & (POLLHUP | POLLERR | POLLNVAL);
}

int notify_receive(int listener, struct notify_call *ret)
{
	union request request;

	for (;;) {
		/* The kernel refuses one that is not zeroed. */
		memset(&request, 0, sizeof(request));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0)
			break;
		if (errno == ENOENT && is_over(listener))
			return -EPIPE;
		if (errno != ENOENT && errno != EINTR)
			return -errno;
	}
	ret->id = request.notif.id;
	ret->tid = (pid_t)request.notif.pid;
	ret->nr = request.notif.data.nr;
	for (size_t i = 0; i < NOTIFY_ARGS; i++)
		ret->args[i] = request.notif.data.args[i];
	return 0;
}

bool notify_is_pending(int listener, uint64_t id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int notify_answer(int listener, uint64_t id, int64_t value)
{
	union response response;

	memset(&response, 0, sizeof(response));
	response.resp.id = id;
	response.resp.error = value < 0 ? (int)value : 0;
	response.resp.val = value < 0 ? 0 : value;
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) < 0 ? -errno : 0;
}

static int add(int listener, struct seccomp_notif_addfd *request, int number, bool cloexec)
{
	int r;

	if (number != NOTIFY_LOWEST) {
		request->flags |= SECCOMP_ADDFD_FLAG_SETFD;
		request->newfd = (uint32_t)number;
	}
	request->newfd_flags = cloexec ? O_CLOEXEC : 0;
	do
		r = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, request);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

int notify_add_fd(int listener, uint64_t id, int fd, int number, bool cloexec)
{
	struct seccomp_notif_addfd request = {.id = id, .srcfd = (uint32_t)fd};

	return add(listener, &request, number, cloexec);
}

int notify_answer_fd(int listener, uint64_t id, int fd, int number, bool cloexec)
{
	struct seccomp_notif_addfd request = {
		.id = id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)fd};
	int given = add(listener, &request, number, cloexec), r;

	if (given != -EINVAL)
		return given;
	/* Before Linux 5.14. */
	given = notify_add_fd(listener, id, fd, number, cloexec);
	r = given < 0 ? given : notify_answer(listener, id, given);
	return r ? r : given;
}
