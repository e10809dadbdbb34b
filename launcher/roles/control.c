// SPDX-License-Identifier: Apache-2.0
#include "roles/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "policy/policy.h"
#include "roles/role_policy.h"
#include "roles/supervision.h"

/* --- the socket --------------------------------------------------------------------- */

/* By the directory's descriptor: its path may be longer than an address. */
static int bind_in(int dirfd, int fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" CONTROL_NAME,
		 dirfd);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	/* Nobody can connect before it listens. */
	if (fchmodat(dirfd, CONTROL_NAME, 0600, 0) || listen(fd, CONTROL_BACKLOG))
		return -errno;
	return 0;
}

void control_open(struct supervision *s)
{
	autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : bind_in(s->plan->run_fd, fd);

	if (r)
		log_protocol("no control socket, so no reload: %s", strerror(-r));
	else
		s->control.listener = fd_take(&fd);
}

struct control control_none(void)
{
	struct control c = {.listener = -1, .next_fd = -1, .in_force_fd = -1};

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		c.clients[i] = (struct channel){.fd = -1};
	return c;
}

static size_t free_place(const struct control *c)
{
	size_t i = 0;

	while (i < CONTROL_CLIENTS && c->clients[i].fd >= 0)
		i++;
	return i;
}

/* While a reload goes on, what others ask for waits where the kernel keeps it. */
void control_poll(const struct control *c, struct pollfd *fds)
{
	bool listens = c->stage == RELOAD_NONE;

	fds[0] =
		(struct pollfd){.fd = listens && free_place(c) < CONTROL_CLIENTS ? c->listener : -1,
				.events = POLLIN};
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		fds[1 + i] =
			(struct pollfd){.fd = listens ? c->clients[i].fd : -1, .events = POLLIN};
}

static void drop_client(struct control *c, size_t i)
{
	channel_close(&c->clients[i]);
	c->clients[i] = (struct channel){.fd = -1};
}

void control_close(struct supervision *s)
{
	struct control *c = &s->control;

	if (c->listener >= 0)
		unlinkat(s->plan->run_fd, CONTROL_NAME, 0);
	fd_close(&c->listener);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		drop_client(c, i);
	fd_close(&c->next_fd);
	fd_close(&c->in_force_fd);
	c->stage = RELOAD_NONE;
}

/* --- a reload -------------------------------------------------------------------------- */

static void answer(struct control *c, bool failed, const char *text)
{
	const struct msg_reloaded reloaded = {.failed = failed, .text = span_of(text)};

	/* It may have gone; what it asked for is done all the same. */
	channel_send(&c->clients[c->asker], MSG_RELOADED, &reloaded);
	drop_client(c, c->asker);
}

/* The policy in force stays: the ledger is told, and then who asked. */
static void fail(struct supervision *s, const char *why)
{
	struct control *c = &s->control;
	const struct msg_reload_failed failed = {.reason = span_of(why)};

	fd_close(&c->next_fd);
	c->stage = RELOAD_FAILING;
	if (why != c->why)
		snprintf(c->why, sizeof(c->why), "%s", why);
	if (!channel_send(&s->parts[PART_KEEPER].channel, MSG_RELOAD_FAILED, &failed))
		return;
	c->stage = RELOAD_NONE;
	answer(c, true, why);
}

/* As policy.json is the run's first, policy.2.json is its second. */
static int copy_policy(const struct supervision *s, int fd, const char *name)
{
	autobuf struct buf text = BUF_INIT(0);
	autoclose int copy = -1;
	int r = role_policy_text(fd, &text);

	if (r)
		return r;
	copy = openat(s->plan->run_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		      0600);
	return copy < 0 ? -errno : io_write_all(copy, text.data, text.len);
}

static void begin_reload(struct supervision *s)
{
	struct control *c = &s->control;
	struct error err = {.what = ""};
	char line[ERROR_LINE_BYTES], file[64], path[IPC_PATH_MAX] = "";
	struct msg_keeper_policy policy;
	int r = c->n_reloads < IPC_RELOADS_MAX ? 0 : -ENOSPC;

	if (r)
		error_set(&err, NULL, "start another run", "this run has taken %d policies anew",
			  IPC_RELOADS_MAX);
	if (!r)
		r = s->plan->read_policy(s->plan->read_policy_arg, path, &c->next_fd, &err);
	if (r) {
		error_format(&err, line, sizeof(line));
		fail(s, line);
		return;
	}
	snprintf(file, sizeof(file), "policy.%u.json", ++c->n_reloads + 1);
	r = copy_policy(s, c->next_fd, file);
	policy = (struct msg_keeper_policy){span_of(path), span_of(file)};
	c->stage = RELOAD_KEEPER;
	if (!r)
		r = channel_send_fds(&s->parts[PART_KEEPER].channel, MSG_KEEPER_POLICY, &policy,
				     &c->next_fd, 1);
	if (r)
		fail(s, strerror(-r));
}

/* What follows when a role has taken it. */
static const struct {
	enum message_type taken;
	enum part_index next;
	enum message_type send; /* MSG_NONE: it was the last */
} steps[] = {
	[RELOAD_KEEPER] = {MSG_KEEPER_POLICY_TAKEN, PART_DIALER, MSG_DIALER_POLICY},
	[RELOAD_DIALER] = {MSG_DIALER_POLICY_TAKEN, PART_PROXY, MSG_PROXY_POLICY},
	[RELOAD_PROXY] = {MSG_KEEPER_POLICY_TAKEN, PARTS, MSG_NONE},
	[RELOAD_BACK] = {MSG_DIALER_POLICY_TAKEN, PARTS, MSG_NONE},
	[RELOAD_FAILING] = {MSG_KEEPER_POLICY_TAKEN, PARTS, MSG_NONE},
};

static void succeed(struct supervision *s)
{
	struct control *c = &s->control;

	fd_close(&c->in_force_fd);
	c->in_force_fd = fd_take(&c->next_fd);
	c->stage = RELOAD_NONE;
	log_decision("the policy was taken anew");
	answer(c, false, "");
}

/* The dialer has what the proxy could not take: it is given back the one in force. */
static void go_back(struct supervision *s, const char *why)
{
	struct control *c = &s->control;
	int fd = c->in_force_fd >= 0 ? c->in_force_fd : s->plan->policy_fd;

	snprintf(c->why, sizeof(c->why), "%s", why);
	c->stage = RELOAD_BACK;
	if (channel_send_fds(&s->parts[PART_DIALER].channel, MSG_DIALER_POLICY, NULL, &fd, 1))
		supervision_fail(s, "the dialer cannot be given back the policy in force");
}

static void on_refused(struct supervision *s, const char *why)
{
	switch (s->control.stage) {
	case RELOAD_PROXY:
		go_back(s, why);
		break;
	case RELOAD_BACK:
		supervision_fail(s, "the dialer has lost the policy in force: %s", why);
		break;
	case RELOAD_KEEPER:
	case RELOAD_DIALER:
		fail(s, why);
		break;
	case RELOAD_NONE:
	case RELOAD_FAILING:
		break;
	}
}

static void on_taken(struct supervision *s)
{
	struct control *c = &s->control;
	struct channel *next;

	switch (c->stage) {
	case RELOAD_KEEPER:
	case RELOAD_DIALER:
		next = &s->parts[steps[c->stage].next].channel;
		if (channel_send_fds(next, steps[c->stage++].send, NULL, &c->next_fd, 1))
			on_refused(s, "it has ended");
		break;
	case RELOAD_PROXY:
		succeed(s);
		break;
	case RELOAD_BACK:
		fail(s, c->why);
		break;
	case RELOAD_FAILING:
		c->stage = RELOAD_NONE;
		answer(c, true, c->why);
		break;
	case RELOAD_NONE:
		break;
	}
}

int control_on_taken(struct supervision *s, struct message *m)
{
	struct control *c = &s->control;
	bool is_proxys = m->type == MSG_PROXY_POLICY_REFUSED;
	struct msg_policy_taken taken;
	char why[IPC_TEXT_MAX + 1];
	int r = message_decode(m, &taken);

	/* An answer on the way while the run comes to its end. */
	if (!r && s->stage == STAGE_ENDING)
		return 0;
	if (r || c->stage == RELOAD_NONE ||
	    (is_proxys ? c->stage != RELOAD_PROXY : steps[c->stage].taken != m->type))
		return -EPROTO;
	if (is_proxys || taken.failed) {
		span_copy(taken.reason, why, sizeof(why));
		on_refused(s, why);
	} else {
		on_taken(s);
	}
	return 0;
}

/* --- who asks ----------------------------------------------------------------------------- */

static void accept_client(struct control *c)
{
	autoclose int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	size_t i = free_place(c);

	if (fd < 0)
		return;
	if (!control_peer_may(fd))
		log_error("the control socket was reached by a process that may not ask for "
			  "anything: refused");
	else if (!channel_open(&c->clients[i], fd, ROLE_SUPERVISOR, ROLE_CONTROL))
		fd_take(&fd);
	else
		c->clients[i] = (struct channel){.fd = -1};
}

static void read_client(struct supervision *s, size_t i)
{
	struct control *c = &s->control;
	struct message m;
	int r = channel_receive(&c->clients[i], &m);

	if (r == -EAGAIN)
		return;
	if (r != 1) {
		drop_client(c, i);
		return;
	}
	message_free(&m);
	c->asker = i;
	/* Who is to take the policy is there from the agent's first request on. */
	if (s->stage == STAGE_RUNNING && !s->service.is_started)
		supervision_start_service(s);
	if (s->stage == STAGE_RUNNING)
		begin_reload(s);
	else
		answer(c, true, "the run has come to its end");
}

void control_move(struct supervision *s, const struct pollfd *fds)
{
	struct control *c = &s->control;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		if (c->stage == RELOAD_NONE && fds[1 + i].revents &&
		    c->clients[i].fd == fds[1 + i].fd)
			read_client(s, i);
	if (fds[0].revents && c->listener == fds[0].fd)
		accept_client(c);
}
