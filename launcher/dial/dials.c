// SPDX-License-Identifier: Apache-2.0
/*
 * A dial is in one of these states; a slot goes from any of them to FREE once it has been
 * answered, but for one whose query c-ares still holds (it cannot take back one of many):
 *
 *	FREE ──► RESOLVING ──► CONNECTING ──► FREE
 *	  │           └─► ABANDONED (answered; the query still runs) ──► FREE
 *	  └─────────────► CONNECTING (literals, /etc/hosts)
 *
 * Sockets of c-ares and of connects sit in one epoll set, told apart by their tag.
 */
#include "dial/dials.h"

#include <ares.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define QUERY_MS    2000 /* c-ares: first try; it doubles from there */
#define QUERY_TRIES 2
#define EVENTS_MAX  32

#define TAG_QUERY   (UINT64_C(1) << 32) /* with the descriptor in the lower half */
#define TAG_CONNECT (UINT64_C(2) << 32) /* with the slot in the lower half */

enum dial_state { DIAL_FREE = 0, DIAL_RESOLVING, DIAL_ABANDONED, DIAL_CONNECTING };

struct dial {
	enum dial_state state;
	struct dials *dials;
	uint64_t id;
	char host[IPC_HOST_MAX + 1]; /* as asked for */
	uint16_t port;
	struct target target;
	union address addresses[TARGET_ADDRESSES_MAX];
	size_t n_addresses, next;
	int fd; /* being connected; -1: none */
	int last_error;
	uint64_t until_ms, attempt_until_ms;
};

struct dials {
	void (*done)(void *owner, const struct dial_result *);
	void *owner;
	ares_channel resolver;
	bool has_resolver;
	int epoll_fd;
	char *hosts;
	size_t hosts_bytes;
	struct dial slots[DIALS_MAX];
};

static void answer(struct dial *dial, enum dial_status status, int fd, const char *reason)
{
	char address[ADDRESS_TEXT_MAX] = "";
	struct dial_result result = {dial->id, status, fd, address, reason};

	if (dial->next)
		address_format(&dial->addresses[dial->next - 1].any, address);
	dial->dials->done(dial->dials->owner, &result);
}

static void end_dial(struct dial *dial, enum dial_status status, const char *reason)
{
	fd_close(&dial->fd);
	answer(dial, status, -1, reason);
	dial->state = dial->state == DIAL_RESOLVING ? DIAL_ABANDONED : DIAL_FREE;
}

static void succeed(struct dial *dial)
{
	autoclose int fd = fd_take(&dial->fd);

	/* Whom it is handed to polls it by other rules. */
	epoll_ctl(dial->dials->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	answer(dial, DIAL_OK, fd, "");
	dial->state = DIAL_FREE;
}

/* 1 if it is connected, 0 if it is under way, else -errno. */
static int begin_attempt(struct dial *dial, const union address *to)
{
	struct epoll_event event = {.events = EPOLLOUT,
				    .data.u64 =
					    TAG_CONNECT | (uint64_t)(dial - dial->dials->slots)};
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

static void end_unreachable(struct dial *dial)
{
	bool late = dial->last_error == ETIMEDOUT;
	char reason[DIAL_REASON_BYTES];

	snprintf(reason, sizeof(reason), "cannot connect to %s port %u: %s", dial->target.host,
		 dial->target.port, late ? "no answer in time" : strerror(dial->last_error));
	end_dial(dial, late ? DIAL_TIMEOUT : DIAL_UNREACHABLE, reason);
}

static void try_next(struct dial *dial)
{
	dial->state = DIAL_CONNECTING;
	fd_close(&dial->fd);
	while (dial->next < dial->n_addresses) {
		int r = begin_attempt(dial, &dial->addresses[dial->next++]);

		if (r == 1)
			succeed(dial);
		if (r >= 0)
			return;
		dial->last_error = -r;
	}
	end_unreachable(dial);
}

/*
 * One special address refuses the name: an answer that mixes public and private addresses
 * is how rebinding looks.
 */
static void check_and_connect(struct dial *dial)
{
	dial->state = DIAL_CONNECTING;
	for (size_t i = 0; i < dial->n_addresses && !dial->target.is_chosen; i++) {
		const char *what = address_refusal(&dial->addresses[i].any);
		char text[ADDRESS_TEXT_MAX], reason[DIAL_REASON_BYTES];
		bool v6 = dial->addresses[i].any.sa_family == AF_INET6;

		if (!what)
			continue;
		address_format(&dial->addresses[i].any, text);
		snprintf(reason, sizeof(reason),
			 "%s is at %s, %s; if that is meant, start mcpjail with "
			 "--connect-to %s:%u:%s%s%s:%u",
			 dial->host, text, what, dial->host, dial->port, v6 ? "[" : "", text,
			 v6 ? "]" : "", dial->target.port);
		dial->next = i + 1;
		end_dial(dial, DIAL_REFUSED, reason);
		return;
	}
	try_next(dial);
}

static void take_addresses(struct dial *dial, const struct ares_addrinfo *found)
{
	const struct ares_addrinfo_node *node = found->nodes;

	for (; node && dial->n_addresses < TARGET_ADDRESSES_MAX; node = node->ai_next) {
		union address *to = &dial->addresses[dial->n_addresses];

		if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) ||
		    node->ai_addrlen > sizeof(*to))
			continue;
		memset(to, 0, sizeof(*to));
		memcpy(to, node->ai_addr, (size_t)node->ai_addrlen);
		if (node->ai_family == AF_INET)
			to->v4.sin_port = htons(dial->target.port);
		else
			to->v6.sin6_port = htons(dial->target.port);
		dial->n_addresses++;
	}
}

static void on_resolved(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct dial *dial = arg;
	char reason[DIAL_REASON_BYTES];

	(void)timeouts;
	if (dial->state == DIAL_RESOLVING && status == ARES_SUCCESS && found)
		take_addresses(dial, found);
	if (found)
		ares_freeaddrinfo(found);
	if (dial->state == DIAL_ABANDONED) {
		dial->state = DIAL_FREE;
		return;
	}
	dial->state = DIAL_CONNECTING;
	if (dial->n_addresses) {
		check_and_connect(dial);
		return;
	}
	snprintf(reason, sizeof(reason), "cannot resolve %s: %s", dial->target.host,
		 status == ARES_SUCCESS ? "it has no address" : ares_strerror(status));
	end_dial(dial, DIAL_UNRESOLVED, reason);
}

/* Called by c-ares for each of its sockets, and with neither wish before it closes one. */
static void on_query_socket(void *arg, ares_socket_t fd, int wants_read, int wants_write)
{
	struct dials *dials = arg;
	struct epoll_event event = {.events = (wants_read ? EPOLLIN : 0u) |
					      (wants_write ? EPOLLOUT : 0u),
				    .data.u64 = TAG_QUERY | (uint64_t)(uint32_t)fd};

	if (!event.events)
		epoll_ctl(dials->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(dials->epoll_fd, EPOLL_CTL_MOD, fd, &event))
		epoll_ctl(dials->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static struct dial *free_slot(struct dials *dials)
{
	for (size_t i = 0; i < DIALS_MAX; i++) {
		if (dials->slots[i].state == DIAL_FREE)
			return &dials->slots[i];
	}
	return NULL;
}

/* /etc/hosts comes first, as in nsswitch.conf everywhere. */
static void resolve(struct dial *dial)
{
	const struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NUMERICSERV,
						  .ai_family = AF_UNSPEC,
						  .ai_socktype = SOCK_STREAM};
	struct dials *dials = dial->dials;

	if (address_parse(dial->target.host, dial->target.port, &dial->addresses[0]))
		dial->n_addresses = 1;
	else
		dial->n_addresses = hosts_find(dials->hosts, dials->hosts_bytes, dial->target.host,
					       dial->target.port, dial->addresses);
	if (dial->n_addresses) {
		check_and_connect(dial);
		return;
	}
	dial->state = DIAL_RESOLVING;
	ares_getaddrinfo(dials->resolver, dial->target.host, NULL, &hints, on_resolved, dial);
}

void dials_start(struct dials *dials, const struct dial_request *request)
{
	struct dial refused = {.dials = dials, .id = request->dial_id, .fd = -1};
	struct dial *dial = free_slot(dials);
	char reason[DIAL_REASON_BYTES];

	if (!dial) {
		snprintf(reason, sizeof(reason), "%d connections are being made at once",
			 DIALS_MAX);
		answer(&refused, DIAL_REFUSED, -1, reason);
		return;
	}
	if (target_kind(request->target.host) == TARGET_BAD) {
		snprintf(reason, sizeof(reason), "\"%s\" is neither a name nor an address",
			 request->target.host);
		answer(&refused, DIAL_REFUSED, -1, reason);
		return;
	}
	*dial = (struct dial){.dials = dials,
			      .id = request->dial_id,
			      .port = request->port,
			      .target = request->target,
			      .fd = -1,
			      .last_error = EHOSTUNREACH,
			      .until_ms = clock_mono_ms() + DIAL_WHOLE_MS};
	span_copy(span_of(request->host), dial->host, sizeof(dial->host));
	resolve(dial);
}

static void on_connect_event(struct dial *dial)
{
	int error = 0;
	socklen_t size = sizeof(error);

	if (dial->state != DIAL_CONNECTING || dial->fd < 0)
		return;
	if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &error, &size))
		error = errno;
	if (!error) {
		succeed(dial);
		return;
	}
	dial->last_error = error;
	try_next(dial);
}

static void check_deadline(struct dial *dial, uint64_t now_ms)
{
	char reason[DIAL_REASON_BYTES];

	if (dial->state == DIAL_RESOLVING && now_ms >= dial->until_ms) {
		snprintf(reason, sizeof(reason), "cannot resolve %s: no answer in time",
			 dial->target.host);
		end_dial(dial, DIAL_TIMEOUT, reason);
	} else if (dial->state == DIAL_CONNECTING && now_ms >= dial->until_ms) {
		dial->last_error = ETIMEDOUT;
		end_unreachable(dial);
	} else if (dial->state == DIAL_CONNECTING && now_ms >= dial->attempt_until_ms) {
		dial->last_error = ETIMEDOUT;
		try_next(dial);
	}
}

void dials_run(struct dials *dials)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(dials->epoll_fd, events, EVENTS_MAX, 0);
	uint64_t now_ms;

	for (int i = 0; i < n; i++) {
		uint64_t tag = events[i].data.u64;
		ares_socket_t fd = (ares_socket_t)(uint32_t)tag;

		if (tag & TAG_CONNECT) {
			on_connect_event(&dials->slots[(uint32_t)tag]);
			continue;
		}
		ares_process_fd(dials->resolver,
				events[i].events & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
				events[i].events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(dials->resolver, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
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
	uint64_t now_ms = clock_mono_ms(), due_ms = UINT64_MAX;
	struct timeval query;

	if (ares_timeout(dials->resolver, NULL, &query))
		due_ms = now_ms + (uint64_t)query.tv_sec * 1000u + (uint64_t)query.tv_usec / 1000u +
			 1;
	for (size_t i = 0; i < DIALS_MAX; i++) {
		const struct dial *dial = &dials->slots[i];

		if (dial->state != DIAL_RESOLVING && dial->state != DIAL_CONNECTING)
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

static int open_resolver(struct dials *dials, struct error *err)
{
	char dns_only[] = "b";
	struct ares_options options = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
				       .timeout = QUERY_MS,
				       .tries = QUERY_TRIES,
				       .lookups = dns_only,
				       .sock_state_cb = on_query_socket,
				       .sock_state_cb_data = dials};
	int r = ares_library_init(ARES_LIB_INIT_ALL);

	if (r == ARES_SUCCESS)
		r = ares_init_options(&dials->resolver, &options,
				      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					      ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
	if (r != ARES_SUCCESS) {
		error_set(err, "/etc/resolv.conf", NULL, "the resolver cannot be set up: %s",
			  ares_strerror(r));
		return -EINVAL;
	}
	dials->has_resolver = true;
	return 0;
}

/* A system without the file has no such names; one with too long a file loses its end. */
static int read_hosts(struct dials *dials)
{
	autoclose int fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return 0;
	dials->hosts = malloc(HOSTS_BYTES_MAX);
	if (!dials->hosts)
		return -ENOMEM;
	while (n > 0 && dials->hosts_bytes < HOSTS_BYTES_MAX) {
		n = read(fd, dials->hosts + dials->hosts_bytes,
			 HOSTS_BYTES_MAX - dials->hosts_bytes);
		if (n > 0)
			dials->hosts_bytes += (size_t)n;
	}
	return 0;
}

int dials_new(void (*done)(void *owner, const struct dial_result *), void *owner,
	      struct dials **ret, struct error *err)
{
	struct dials *dials = calloc(1, sizeof(*dials));
	int r;

	if (!dials)
		return -ENOMEM;
	dials->done = done;
	dials->owner = owner;
	dials->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r = dials->epoll_fd < 0 ? -errno : read_hosts(dials);
	if (!r)
		r = open_resolver(dials, err);
	if (r) {
		dials_free(dials);
		return r;
	}
	*ret = dials;
	return 0;
}

void dials_free(struct dials *dials)
{
	if (!dials)
		return;
	/* Ends the queries, whose callbacks must find no dial to answer. */
	for (size_t i = 0; i < DIALS_MAX; i++) {
		struct dial *dial = &dials->slots[i];

		if (dial->state == DIAL_RESOLVING)
			dial->state = DIAL_ABANDONED;
		else if (dial->state == DIAL_CONNECTING)
			fd_close(&dial->fd);
	}
	if (dials->has_resolver)
		ares_destroy(dials->resolver);
	fd_close(&dials->epoll_fd);
	free(dials->hosts);
	free(dials);
}
