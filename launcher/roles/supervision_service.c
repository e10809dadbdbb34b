// SPDX-License-Identifier: Apache-2.0
/*
 * What serves the agent: dialer and proxy its connections, the broker its unix sockets. A command
 * that asks for none of them is not made to wait for their start, nor for their end: in tier A
 * they are started when the agent first asks, or a moment after its exec. Until then its requests
 * wait where the kernel keeps them, in the backlogs of the listeners and with its filter.
 *
 * In tier B the broker is there before the agent, and tells the proxy of connections before they
 * are made: all of them are started with the jail.
 */
#include "roles/supervision.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "roles/spawn.h"

/* --- before ------------------------------------------------------------------------ */

int supervision_open_lines(struct supervision *s, int *ret_keeper_proxy, int *ret_keeper_broker)
{
	int proxy[2] = {-1, -1}, broker[2] = {-1, -1};
	int r = channel_pair(proxy);

	if (!r)
		r = channel_pair(broker);
	*ret_keeper_proxy = proxy[0];
	*ret_keeper_broker = broker[0];
	s->service.proxy_line = proxy[1];
	s->service.broker_line = broker[1];
	return r;
}

int supervision_keep_listeners(struct supervision *s, struct message *m, size_t n, bool has_log)
{
	struct service *service = &s->service;

	/* Once: who sends them is the jail's. */
	if (service->n_listeners || n + has_log > SERVICE_LISTENERS)
		return -EPROTO;
	for (size_t i = 0; i < n; i++)
		service->listeners[service->n_listeners++] = message_take_fd(m, i);
	if (has_log)
		service->listeners[service->n_listeners++] = message_take_fd(m, m->n_fds - 1);
	return 0;
}

int supervision_keep_calls(struct supervision *s, struct message *m)
{
	struct service *service = &s->service;

	if (service->n_jail || m->n_fds > ARRAY_SIZE(service->jail))
		return -EPROTO;
	for (size_t i = 0; i < m->n_fds; i++)
		service->jail[service->n_jail++] = message_take_fd(m, i);
	return 0;
}

void supervision_drop_calls(struct supervision *s)
{
	for (size_t i = 0; i < s->service.n_jail; i++)
		fd_close(&s->service.jail[i]);
	s->service.n_jail = 0;
	s->service.at_ms = 0;
}

static void drop_listeners(struct service *service)
{
	for (size_t i = 0; i < service->n_listeners; i++)
		fd_close(&service->listeners[i]);
	service->n_listeners = 0;
}

void supervision_end_service(struct supervision *s)
{
	nursery_end(&s->service.nursery);
	drop_listeners(&s->service);
	fd_close(&s->service.proxy_line);
	fd_close(&s->service.broker_line);
	fd_close(&s->service.broker_proxy);
}

/* --- whether somebody asks ------------------------------------------------------------ */

size_t supervision_poll_service(const struct supervision *s, struct pollfd *ret)
{
	const struct service *service = &s->service;
	size_t n = 0;

	if (service->is_started)
		return 0;
	for (size_t i = 0; i < service->n_listeners; i++)
		ret[n++] = (struct pollfd){.fd = service->listeners[i], .events = POLLIN};
	if (service->n_jail && s->stage == STAGE_RUNNING)
		ret[n++] = (struct pollfd){.fd = service->jail[0], .events = POLLIN};
	return n;
}

bool supervision_is_asked(const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents & POLLIN)
			return true;
	return false;
}

void supervision_serve_the_last(struct supervision *s)
{
	struct pollfd fds[SERVICE_POLLS];
	size_t n = supervision_poll_service(s, fds);

	if (n && poll(fds, n, 0) > 0 && supervision_is_asked(fds, n))
		supervision_start_service(s);
}

/* --- the start -------------------------------------------------------------------------- */

static int configure_dialer(struct supervision *s, int proxy_end)
{
	struct msg_dialer_config config = *s->plan->dialer;
	int fds[] = {s->plan->policy_fd, proxy_end};

	config.tier = (uint8_t)s->jail.tier;
	return channel_send_fds(&s->parts[PART_DIALER].channel, MSG_DIALER_CONFIG, &config, fds,
				ARRAY_SIZE(fds));
}

static int configure_proxy(struct supervision *s, int dialer_end, int broker_end)
{
	const struct supervisor_plan *p = s->plan;
	struct msg_proxy_config config = {.grant = span_of(p->grant),
					  .tier = (uint8_t)s->jail.tier,
					  .log_level = (uint8_t)log_get_level()};
	int fds[4 + IPC_ROOTS_MAX] = {p->policy_fd, s->service.proxy_line, dialer_end, broker_end};
	size_t n = 4;

	for (size_t i = 0; i < IPC_ROOTS_MAX; i++)
		if (p->root_fds[i] >= 0)
			fds[n++] = p->root_fds[i];
	return channel_send_fds(&s->parts[PART_PROXY].channel, MSG_PROXY_CONFIG, &config, fds, n);
}

static int configure_broker(struct supervision *s)
{
	const struct jail_spec *jail = &s->jail;
	struct msg_broker_config config = {
		.tier = (uint8_t)jail->tier,
		.home = span_of(jail->home),
		.cwd = span_of(jail->cwd),
		.log_level = (uint8_t)log_get_level(),
	};
	int fds[] = {s->plan->policy_fd, s->service.broker_line, s->service.broker_proxy};

	return channel_send_fds(&s->parts[PART_BROKER].channel, MSG_BROKER_CONFIG, &config, fds,
				ARRAY_SIZE(fds));
}

static int configure_both(struct supervision *s)
{
	int dialer[2] = {-1, -1}, broker[2] = {-1, -1};
	int r = channel_pair(dialer);

	if (!r)
		r = channel_pair(broker);
	if (!r)
		r = configure_dialer(s, dialer[0]);
	if (!r)
		r = configure_proxy(s, dialer[1], broker[0]);
	s->service.broker_proxy = fd_take(&broker[1]);
	fd_close(&broker[0]);
	fd_close(&dialer[0]);
	fd_close(&dialer[1]);
	return r;
}

static int start_both(struct supervision *s, struct error *err)
{
	static const enum role roles[] = {ROLE_DIALER, ROLE_PROXY};
	struct service *service = &s->service;
	struct channel channels[ARRAY_SIZE(roles)];
	pid_t pids[ARRAY_SIZE(roles)];
	int r = nursery_start(roles, ARRAY_SIZE(roles), channels, &service->nursery, err);

	if (r)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		s->parts[PART_DIALER + i].channel = channels[i];
		s->parts[PART_DIALER + i].is_ready = false;
	}
	r = configure_both(s);
	if (!r && service->n_listeners)
		r = channel_send_fds(&s->parts[PART_PROXY].channel, MSG_LISTENERS, NULL,
				     service->listeners, service->n_listeners);
	if (nursery_await(&service->nursery, pids, ARRAY_SIZE(roles)) && !r)
		r = -ECHILD;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		s->parts[PART_DIALER + i].pid = pids[i];
		if (pids[i])
			supervision_protect(pids[i]);
	}
	return r;
}

int supervision_send_jail(struct supervision *s, const int *fds, size_t n)
{
	const struct msg_broker_jail jail = {(uint32_t)s->parts[PART_INIT].pid, s->proxy_ports[0],
					     s->proxy_ports[1], s->wall_is_up};
	int all[CHANNEL_FDS_MAX];

	if (n == CHANNEL_FDS_MAX)
		return -E2BIG;
	memcpy(all, fds, n * sizeof(all[0]));
	if (s->wall_is_up)
		all[n++] = wall_owners_fd(s->wall);
	return channel_send_fds(&s->parts[PART_BROKER].channel, MSG_BROKER_JAIL, &jail, all, n);
}

/* Without the agent's calls, which an ended jail takes along, there is nothing to be a broker of.
 */
static int start_broker(struct supervision *s, struct error *err)
{
	struct part *broker = &s->parts[PART_BROKER];
	int r = 0;

	if (s->jail.tier == JAIL_TIER_B)
		return configure_broker(s);
	if (!s->service.n_jail)
		return 0;
	r = spawn_role(ROLE_BROKER, &broker->channel, &broker->pid, err);
	if (!r) {
		supervision_protect(broker->pid);
		r = configure_broker(s);
	}
	return r ? r : supervision_send_jail(s, s->service.jail, s->service.n_jail);
}

void supervision_start_service(struct supervision *s)
{
	struct service *service = &s->service;
	struct error err = {.where = ""};
	char line[ERROR_LINE_BYTES];
	int r = start_both(s, &err);

	service->is_started = true;
	if (!r)
		r = start_broker(s, &err);
	supervision_drop_calls(s);
	drop_listeners(service);
	fd_close(&service->proxy_line);
	/* Without a broker its ends hold off the ends of keeper and proxy. */
	if (s->parts[PART_BROKER].pid) {
		fd_close(&service->broker_line);
		fd_close(&service->broker_proxy);
	}
	if (!r)
		return;
	if (!err.what[0])
		error_set(&err, "proxy, dialer and broker", NULL, "cannot be configured: %s",
			  strerror(-r));
	error_format(&err, line, sizeof(line));
	if (s->stage == STAGE_ENDING)
		supervision_note_loss(s, line);
	else
		supervision_fail(s, "%s", line);
}
