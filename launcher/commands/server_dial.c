// SPDX-License-Identifier: Apache-2.0
#include "server_dial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "jail/jail.h"
#include "sandbox/landlock.h"

#define DIALER_WAIT_S 20 /* more than the dialer gives a dial */

static int policy_memfd(const struct buf *policy)
{
	autoclose int fd = memfd_create("mcpjail-policy", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : io_write_all(fd, policy->data, policy->len);

	return r ? r : fd_take(&fd);
}

static int await(struct channel *channel, enum message_type type, struct message *ret)
{
	int r = channel_receive(channel, ret);

	if (r != 1)
		return !r ? -EPIPE : r == -EAGAIN ? -ETIMEDOUT : r;
	if (ret->type == type)
		return 0;
	message_free(ret);
	return -EPROTO;
}

static int bound_waiting(const struct channel *channel)
{
	const struct timeval limit = {DIALER_WAIT_S, 0};

	return setsockopt(channel->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ? -errno : 0;
}

/* @line: both ends of what is the proxy's channel in a run. */
static int configure(struct server_dialer *d, const struct buf *policy,
		     const struct msg_dialer_config *config, int line[2])
{
	struct msg_dialer_config mine = *config;
	autoclose int policy_fd = policy_memfd(policy);
	int fds[] = {policy_fd, line[0]};
	struct message m;
	int r = policy_fd < 0 ? policy_fd : 0;

	/* Without a jail there is no tier: what there is of Landlock, or else of namespaces. */
	mine.tier = landlock_abi() ? JAIL_TIER_B : JAIL_TIER_A;
	if (!r)
		r = channel_send_fds(&d->supervisor, MSG_DIALER_CONFIG, &mine, fds,
				     ARRAY_SIZE(fds));
	if (!r)
		r = bound_waiting(&d->supervisor);
	if (!r)
		r = await(&d->supervisor, MSG_DIALER_READY, &m);
	if (r)
		return r;
	message_free(&m);
	r = channel_open(&d->proxy, line[1], ROLE_PROXY, ROLE_DIALER);
	if (r)
		return r;
	line[1] = -1;
	return bound_waiting(&d->proxy);
}

int server_dialer_start(const struct buf *policy, const struct msg_dialer_config *config,
			struct server_dialer *ret, struct error *err)
{
	static const enum role role = ROLE_DIALER;
	int line[2] = {-1, -1}, r;

	*ret = SERVER_DIALER_NONE;
	r = nursery_start(&role, 1, &ret->supervisor, &ret->nursery, err);
	if (r)
		return r;
	r = nursery_await(&ret->nursery, &ret->pid, 1);
	if (!r)
		r = channel_pair(line);
	if (!r)
		r = configure(ret, policy, config, line);
	fd_close(&line[0]);
	fd_close(&line[1]);
	nursery_end(&ret->nursery);
	if (r)
		error_set(err, "dialer", NULL, "cannot be started: %s", strerror(-r));
	return r;
}

void server_dialer_stop(struct server_dialer *d)
{
	nursery_end(&d->nursery);
	channel_close(&d->proxy);
	channel_close(&d->supervisor);
	if (d->pid > 0) {
		kill(d->pid, SIGKILL);
		waitpid(d->pid, NULL, 0);
	}
	d->pid = 0;
}

int server_dial(struct server_dialer *d, const struct policy_server *server, struct error *err)
{
	const struct msg_dial dial = {++d->last_id, span_of(server->host), server->port};
	struct msg_dialed dialed = {.status = DIAL_REFUSED};
	struct message m;
	int r = channel_send(&d->proxy, MSG_DIAL, &dial), fd = -1;

	if (!r)
		r = await(&d->proxy, MSG_DIALED, &m);
	if (!r) {
		r = message_decode(&m, &dialed);
		if (!r && dialed.status == DIAL_OK)
			fd = message_take_fd(&m, 0);
		if (!r && fd < 0)
			error_set(err, server->url, NULL, "cannot be reached: %.*s",
				  (int)dialed.reason.n, dialed.reason.p);
		message_free(&m);
	}
	if (r)
		error_set(err, server->url, NULL, "cannot be reached: %s", strerror(-r));
	return r ? r : fd < 0 ? -EHOSTUNREACH : fd;
}
