// SPDX-License-Identifier: Apache-2.0
/*
 * The resolver's descriptor and those of connects sit in one epoll set, told apart by their
 * tag.
 */
#include "dials_internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define EVENTS_MAX   32
#define VIA_HOST_MAX 52         /* "via HOST:65535" fits into ADDRESS_TEXT_MAX */
#define TAG_RESOLVER UINT64_MAX /* others: the slot */

/* --- outcomes --------------------------------------------------------------- */

static bool is_v6(const union address *address)
{
	return address->any.sa_family == AF_INET6;
}

/* By a proxy its name, if there is room for it, says more than its address. */
static void name_peer(const struct dial *dial, char ret[ADDRESS_TEXT_MAX])
{
	const union address *address = &dial->addresses[dial->next ? dial->next - 1 : 0];
	const struct dial_proxy *proxy = dial->route.proxy;
	char text[ADDRESS_TEXT_MAX];

	ret[0] = '\0';
	if (!dial->next)
		return;
	address_format(&address->any, text);
	if (!proxy || dial->state < DIAL_CONNECTING)
		memcpy(ret, text, sizeof(text));
	else if (strlen(proxy->host) <= VIA_HOST_MAX)
		snprintf(ret, ADDRESS_TEXT_MAX, "via %.52s:%u", proxy->host, proxy->port);
	else
		snprintf(ret, ADDRESS_TEXT_MAX, is_v6(address) ? "via [%.45s]:%u" : "via %.45s:%u",
			 text, proxy->port);
}

static void answer(struct dial *dial, enum dial_status status, int fd, const char *reason)
{
	char address[ADDRESS_TEXT_MAX];
	struct dial_result result = {dial->id, status, fd, address, reason};

	name_peer(dial, address);
	dial->dials->done(dial->dials->owner, &result);
}

void dial_end(struct dial *dial, enum dial_status status, const char *reason)
{
	fd_close(&dial->fd);
	answer(dial, status, -1, reason);
	dial->state = dial->state == DIAL_RESOLVING ? DIAL_ABANDONED : DIAL_FREE;
}

void dial_succeed(struct dial *dial)
{
	autoclose int fd = fd_take(&dial->fd);

	/* Whom it is handed to polls it by other rules. */
	epoll_ctl(dial->dials->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	answer(dial, DIAL_OK, fd, "");
	dial->state = DIAL_FREE;
}

static const char *peer_host(const struct dial *dial)
{
	if (dial->route.way == ROUTE_LOOPBACK)
		return "the host's loopback";
	return dial->route.proxy ? dial->route.proxy->host : dial->route.target.host;
}

static uint16_t peer_port(const struct dial *dial)
{
	return dial->route.proxy ? dial->route.proxy->port : dial->route.target.port;
}

/*
 * " to HOST port N", as messages call whom is connected to; nothing for what was asked for,
 * which whoever passes the message on names.
 */
static void name_aim(const struct dial *dial, char *ret, size_t size)
{
	const char *host = peer_host(dial);
	uint16_t port = peer_port(dial);

	ret[0] = '\0';
	if (dial->route.proxy || port != dial->port || strcmp(host, dial->host) != 0)
		snprintf(ret, size, " to %s%s port %u", dial->route.proxy ? "the proxy " : "", host,
			 port);
}

static void end_unresolved(struct dial *dial, enum dial_status status, const char *why)
{
	char reason[DIAL_REASON_BYTES];

	if (dial->route.proxy)
		snprintf(reason, sizeof(reason), "the name of the proxy %s cannot be resolved: %s",
			 dial->route.proxy->host, why);
	else
		snprintf(reason, sizeof(reason), "%s cannot be resolved: %s",
			 strcmp(peer_host(dial), dial->host) ? peer_host(dial) : "the name", why);
	dial_end(dial, status, reason);
}

static void end_unreachable(struct dial *dial)
{
	bool late = dial->last_error == ETIMEDOUT;
	char reason[DIAL_REASON_BYTES], aim[IPC_HOST_MAX + 32];

	name_aim(dial, aim, sizeof(aim));
	snprintf(reason, sizeof(reason), "cannot connect%s: %s", aim,
		 late ? "no answer in time" : strerror(dial->last_error));
	dial_end(dial, late ? DIAL_TIMEOUT : DIAL_UNREACHABLE, reason);
}

int dial_watch(struct dial *dial, uint32_t events)
{
	struct epoll_event event = {.events = events,
				    .data.u64 = (uint64_t)(dial - dial->dials->slots)};

	return epoll_ctl(dial->dials->epoll_fd, EPOLL_CTL_MOD, dial->fd, &event) ? -errno : 0;
}

/* --- connecting ------------------------------------------------------------- */

static void on_connected(struct dial *dial)
{
	if (!dial->route.proxy) {
		dial_succeed(dial);
		return;
	}
	dial->state = DIAL_ASKING;
	dial_ask_proxy(dial);
}

/* 1 if it is connected, 0 if it is under way, else -errno. */
static int begin_attempt(struct dial *dial, const union address *to)
{
	struct epoll_event event = {.events = EPOLLOUT,
				    .data.u64 = (uint64_t)(dial - dial->dials->slots)};
	const int on = 1;
	autoclose int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	r = connect(fd, &to->any, address_size(to)) ? -errno : 1;
	if (r < 0 && r != -EINPROGRESS)
		return r;
	if (epoll_ctl(dial->dials->epoll_fd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	dial->fd = fd_take(&fd);
	dial->attempt_until_ms = clock_mono_ms() + DIAL_ATTEMPT_MS;
	return r == 1;
}

void dial_try_next(struct dial *dial)
{
	dial->state = DIAL_CONNECTING;
	fd_close(&dial->fd);
	while (dial->next < dial->n_addresses) {
		int r = begin_attempt(dial, &dial->addresses[dial->next++]);

		if (r == 1)
			on_connected(dial);
		if (r >= 0)
			return;
		dial->last_error = -r;
	}
	end_unreachable(dial);
}

/* --- resolving -------------------------------------------------------------- */

static void on_resolved(void *arg, const struct resolved *found)
{
	struct dial *dial = arg;

	if (dial->state == DIAL_ABANDONED) {
		dial->state = DIAL_FREE;
		return;
	}
	dial->n_addresses = found->n < TARGET_ADDRESSES_MAX ? found->n : TARGET_ADDRESSES_MAX;
	memcpy(dial->addresses, found->addresses, dial->n_addresses * sizeof(dial->addresses[0]));
	if (dial->n_addresses) {
		dial_check(dial);
		return;
	}
	dial->state = DIAL_CHECKING;
	end_unresolved(dial, DIAL_UNRESOLVED, found->why);
}

static void go_to_loopback(struct dial *dial)
{
	address_parse("127.0.0.1", dial->route.target.port, &dial->addresses[0]);
	address_parse("::1", dial->route.target.port, &dial->addresses[1]);
	dial->n_addresses = 2;
	dial_try_next(dial);
}

static void begin(struct dial *dial)
{
	if (dial->route.way == ROUTE_LOOPBACK) {
		go_to_loopback(dial);
		return;
	}
	if (dial->route.proxy && !dial_literal_is_within_reach(dial))
		return;
	dial->state = DIAL_RESOLVING;
	if (dial_needs_servers(dial))
		server_addresses_ask(dial->dials->servers);
	resolver_find(dial->dials->resolver, peer_host(dial), peer_port(dial), on_resolved, dial);
}

/* --- the pool --------------------------------------------------------------- */

static struct dial *free_slot(struct dials *dials)
{
	for (size_t i = 0; i < DIALS_MAX; i++) {
		if (dials->slots[i].state == DIAL_FREE)
			return &dials->slots[i];
	}
	return NULL;
}

static void refuse(struct dials *dials, const struct dial_request *request, const char *reason)
{
	struct dial refused = {.dials = dials, .id = request->dial_id, .fd = -1};

	answer(&refused, DIAL_REFUSED, -1, reason);
}

void dials_start(struct dials *dials, const struct dial_request *request)
{
	const struct route *route = request->route;
	struct dial *dial = free_slot(dials);
	char reason[DIAL_REASON_BYTES];

	if (!dial) {
		snprintf(reason, sizeof(reason), "%d connections are being made at once",
			 DIALS_MAX);
		refuse(dials, request, reason);
		return;
	}
	if (target_kind(route->target.host) == TARGET_BAD) {
		snprintf(reason, sizeof(reason), "\"%s\" is neither a name nor an address",
			 route->target.host);
		refuse(dials, request, reason);
		return;
	}
	*dial = (struct dial){.dials = dials,
			      .id = request->dial_id,
			      .port = request->port,
			      .route = *route,
			      .fd = -1,
			      .last_error = EHOSTUNREACH,
			      .until_ms = clock_mono_ms() + DIAL_WHOLE_MS};
	span_copy(span_of(request->host), dial->host, sizeof(dial->host));
	begin(dial);
}

static void on_connect_event(struct dial *dial)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &size))
		error = errno;
	if (!error) {
		on_connected(dial);
		return;
	}
	dial->last_error = error;
	dial_try_next(dial);
}

static void on_socket_event(struct dial *dial, uint32_t events)
{
	if (dial->fd < 0)
		return;
	if (dial->state == DIAL_CONNECTING)
		on_connect_event(dial);
	else if (dial->state == DIAL_ASKING && events & EPOLLOUT)
		dial_ask_proxy(dial);
	else if (dial->state == DIAL_ASKING)
		dial_hear_proxy(dial);
}

static void end_late(struct dial *dial)
{
	if (dial->state == DIAL_CONNECTING) {
		dial->last_error = ETIMEDOUT;
		end_unreachable(dial);
	} else if (dial->state == DIAL_CHECKING) {
		dial_end_unchecked(dial);
	} else if (dial->state == DIAL_ASKING) {
		dial_end_by_proxy(dial, DIAL_TIMEOUT, "did not answer in time");
	} else {
		end_unresolved(dial, DIAL_TIMEOUT, "no answer in time");
	}
}

static bool is_waiting(const struct dial *dial)
{
	return dial->state != DIAL_FREE && dial->state != DIAL_ABANDONED;
}

static void check_deadline(struct dial *dial, uint64_t now_ms)
{
	if (is_waiting(dial) && now_ms >= dial->until_ms) {
		end_late(dial);
	} else if (dial->state == DIAL_CONNECTING && now_ms >= dial->attempt_until_ms) {
		dial->last_error = ETIMEDOUT;
		dial_try_next(dial);
	}
}

void dials_run(struct dials *dials)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(dials->epoll_fd, events, EVENTS_MAX, 0);
	uint64_t now_ms;

	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 != TAG_RESOLVER)
			on_socket_event(&dials->slots[events[i].data.u64], events[i].events);
	}
	resolver_run(dials->resolver);
	now_ms = clock_mono_ms();
	for (size_t i = 0; i < DIALS_MAX; i++)
		check_deadline(&dials->slots[i], now_ms);
}

int dials_fd(const struct dials *dials)
{
	return dials->epoll_fd;
}

int dials_timeout_ms(const struct dials *dials)
{
	uint64_t now_ms = clock_mono_ms(), due_ms = resolver_due_ms(dials->resolver, now_ms);

	for (size_t i = 0; i < DIALS_MAX; i++) {
		const struct dial *dial = &dials->slots[i];

		if (!is_waiting(dial))
			continue;
		if (dial->until_ms < due_ms)
			due_ms = dial->until_ms;
		if (dial->state == DIAL_CONNECTING && dial->attempt_until_ms < due_ms)
			due_ms = dial->attempt_until_ms;
	}
	if (due_ms == UINT64_MAX)
		return -1;
	return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

static void on_servers_changed(void *owner)
{
	dial_carry_on_checks(owner);
}

static int open_parts(struct dials *dials, struct error *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = TAG_RESOLVER};
	int r = resolver_new(&dials->resolver, err);

	if (r)
		return r;
	dials->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (dials->epoll_fd < 0 ||
	    epoll_ctl(dials->epoll_fd, EPOLL_CTL_ADD, resolver_fd(dials->resolver), &event))
		return -errno;
	return server_addresses_new(dials->routes, dials->resolver, on_servers_changed, dials,
				    &dials->servers);
}

int dials_new(void (*done)(void *owner, const struct dial_result *), void *owner,
	      const struct routes *routes, struct dials **ret, struct error *err)
{
	struct dials *dials = calloc(1, sizeof(*dials));
	int r;

	if (!dials)
		return -ENOMEM;
	dials->done = done;
	dials->owner = owner;
	dials->routes = routes;
	dials->epoll_fd = -1;
	r = open_parts(dials, err);
	if (r) {
		dials_free(dials);
		return r;
	}
	*ret = dials;
	return 0;
}

int dials_renew(struct dials *dials)
{
	struct server_addresses *servers;
	int r;

	if (dials->n_former == DIALS_RENEWED_MAX)
		return -ENOSPC;
	r = server_addresses_new(dials->routes, dials->resolver, on_servers_changed, dials,
				 &servers);
	if (r)
		return r;
	dials->former[dials->n_former++] = dials->servers;
	dials->servers = servers;
	for (size_t i = 0; i < DIALS_MAX; i++) {
		if (dials->slots[i].state != DIAL_CHECKING)
			continue;
		server_addresses_ask(servers);
		break;
	}
	dial_carry_on_checks(dials);
	return 0;
}

void dials_free(struct dials *dials)
{
	if (!dials)
		return;
	for (size_t i = 0; i < DIALS_MAX; i++) {
		if (is_waiting(&dials->slots[i]))
			fd_close(&dials->slots[i].fd);
	}
	resolver_free(dials->resolver);
	server_addresses_free(dials->servers);
	for (size_t i = 0; i < dials->n_former; i++)
		server_addresses_free(dials->former[i]);
	fd_close(&dials->epoll_fd);
	free(dials);
}
