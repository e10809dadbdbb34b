// SPDX-License-Identifier: Apache-2.0
/*
 * The dialer: the only role with a way to the host's network. It is told names, never
 * addresses; whether a name may be reached at all is the policy's to say, which the dialer
 * reads itself. What it hands out are connected sockets.
 *
 *	before confinement	configuration, policy, resolv.conf, /etc/hosts
 *	after			one loop over the supervisor's and the proxy's channel and the dials
 *
 * A proxy that was taken over can make it connect to the policy's servers and `egress`
 * hosts, and to nothing else. The role ends when either channel does.
 */
#include "roles/roles.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "dial/dials.h"
#include "ipc/channel.h"
#include "policy/policy.h"
#include "roles/role_policy.h"
#include "sandbox/confine.h"

struct dialer {
	struct channel supervisor, proxy;
	struct policy *policy;
	struct routes routes;
	struct dials *dials;
	int failed;   /* -errno of an answer that could not be given */
	bool is_bare; /* tier B: it confines itself without namespaces */
};

static int load_policy(int fd, struct policy **ret, struct error *err)
{
	autopolicyerrors struct policy_errors errors = {0};
	struct span text;
	int r = io_map(fd, POLICY_BYTES_MAX, &text);

	if (r)
		return r;
	r = policy_parse(text.p, text.n, "policy", ret, &errors);
	io_unmap(text);
	if (policy_errors_count(&errors))
		*err = *policy_errors_at(&errors, 0);
	return r;
}

static void reply(struct dialer *dialer, const struct dial_result *result)
{
	struct msg_dialed dialed = {result->dial_id, (uint8_t)result->status,
				    span_of(result->address), span_of(result->reason)};
	int r = channel_send_fds(&dialer->proxy, MSG_DIALED, &dialed, &result->fd,
				 result->fd >= 0 ? 1 : 0);

	if (r)
		dialer->failed = r;
}

static void on_done(void *owner, const struct dial_result *result)
{
	if (result->status == DIAL_OK)
		log_protocol("dialer: connected to %s", result->address);
	else
		log_protocol("dialer: %s", result->reason);
	reply(owner, result);
}

static void refuse(struct dialer *dialer, uint64_t dial_id, const char *reason)
{
	on_done(dialer, &(struct dial_result){dial_id, DIAL_REFUSED, -1, "", reason});
}

static void on_dial(struct dialer *dialer, const struct msg_dial *msg)
{
	char host[IPC_HOST_MAX + 1];
	struct route route;
	struct dial_request request = {.dial_id = msg->dial_id, .host = host, .route = &route};

	if (!span_copy(msg->host, host, sizeof(host)) || strlen(host) != msg->host.n ||
	    target_kind(host) == TARGET_BAD || !msg->port || msg->port > UINT16_MAX) {
		refuse(dialer, msg->dial_id, "the host is neither a name nor an address");
		return;
	}
	request.port = (uint16_t)msg->port;
	log_protocol("dialer: asked for %s:%u", host, request.port);
	if (route_find(&dialer->routes, host, request.port, &route))
		dials_start(dialer->dials, &request);
	else
		refuse(dialer, msg->dial_id, "the policy allows no connection there");
}

static int configure(struct dialer *dialer, struct error *err)
{
	struct msg_dialer_config config;
	autoclose int policy_fd = -1, proxy_fd = -1;
	struct message m;
	int r = channel_receive(&dialer->supervisor, &m);

	if (r <= 0)
		return r ? r : -EPIPE;
	policy_fd = message_take_fd(&m, 0);
	proxy_fd = message_take_fd(&m, 1);
	r = message_decode(&m, &config);
	message_free(&m);
	if (!r)
		r = channel_open(&dialer->proxy, proxy_fd, ROLE_DIALER, ROLE_PROXY);
	if (r)
		return r;
	fd_take(&proxy_fd);
	log_set_level((enum log_level)config.log_level);
	dialer->is_bare = config.tier;
	r = load_policy(policy_fd, &dialer->policy, err);
	if (!r)
		r = routes_load(dialer->policy, &config, &dialer->routes, err);
	return r ? r : dials_new(on_done, dialer, &dialer->routes, &dialer->dials, err);
}

/* Another policy, or again the one before; a failure leaves the one in force. */
static int on_policy(struct dialer *dialer, struct message *m)
{
	autoclose int fd = message_take_fd(m, 0);
	struct error err = {.what = ""};
	struct policy *policy = NULL;
	int r = role_policy_load(fd, &policy, &err);

	if (!r) {
		dialer->routes.policy = policy;
		r = dials_renew(dialer->dials);
	}
	if (r) {
		dialer->routes.policy = dialer->policy;
		policy_free(policy);
	} else {
		policy_free(dialer->policy);
		dialer->policy = policy;
	}
	return role_policy_answer(&dialer->supervisor, MSG_DIALER_POLICY_TAKEN, r, &err);
}

/* 1 to go on, 0 at the peer's end, -errno */
static int on_supervisor(struct dialer *dialer)
{
	struct message m;
	int r = channel_receive(&dialer->supervisor, &m);

	if (r != 1)
		return r;
	r = m.type == MSG_DIALER_POLICY ? on_policy(dialer, &m) : -EPROTO;
	message_free(&m);
	return r ? r : 1;
}

static int on_proxy(struct dialer *dialer)
{
	struct msg_dial dial;
	struct message m;
	int r = channel_receive(&dialer->proxy, &m);

	if (r != 1)
		return r;
	r = m.type == MSG_DIAL ? message_decode(&m, &dial) : -EPROTO;
	if (!r)
		on_dial(dialer, &dial);
	message_free(&m);
	return r ? r : 1;
}

static int serve(struct dialer *dialer)
{
	struct pollfd fds[] = {{dialer->supervisor.fd, POLLIN, 0},
			       {dialer->proxy.fd, POLLIN, 0},
			       {dials_fd(dialer->dials), POLLIN, 0}};
	int r = 1;

	while (r == 1 || r == -EAGAIN) {
		int n = poll(fds, ARRAY_SIZE(fds), dials_timeout_ms(dialer->dials));

		if (n < 0 && errno != EINTR)
			return -errno;
		r = 1;
		if (n > 0 && fds[0].revents)
			r = on_supervisor(dialer);
		if (r == 1 && n > 0 && fds[1].revents)
			r = on_proxy(dialer);
		if (r == 1)
			dials_run(dialer->dials);
		if (r == 1 && dialer->failed)
			r = dialer->failed;
	}
	return r;
}

static void report(int r, const struct error *err)
{
	char line[ERROR_LINE_BYTES];

	error_format(err, line, sizeof(line));
	log_error("dialer: %s", err->what[0] ? line : strerror(-r));
}

static int run(struct dialer *dialer, struct error *err)
{
	int r = configure(dialer, err);

	if (!r)
		r = dialer->is_bare ? confine_role_bare(CONFINE_DIALER, &ROLE_ROOM, err)
				    : confine_role(CONFINE_DIALER, &ROLE_ROOM, err);
	if (!r)
		r = channel_send(&dialer->supervisor, MSG_DIALER_READY, NULL);
	return r ? r : serve(dialer);
}

int dialer_main(int supervisor_fd)
{
	struct dialer dialer = {.supervisor = {.fd = -1}, .proxy = {.fd = -1}};
	struct error err = {{0}, {0}, {0}};
	int r = channel_open(&dialer.supervisor, supervisor_fd, ROLE_DIALER, ROLE_SUPERVISOR);

	if (!r)
		r = run(&dialer, &err);
	/* A channel that ended is the run's end, not an error of this role. */
	if (r && r != -EPIPE)
		report(r, &err);
	dials_free(dialer.dials);
	policy_free(dialer.policy);
	channel_close(&dialer.proxy);
	channel_close(&dialer.supervisor);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
