// SPDX-License-Identifier: Apache-2.0
#include "dial/resolver.h"

#include <ares.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "dial/targets.h"

#define QUERY_MS    2000 /* c-ares: first try; it doubles from there */
#define QUERY_TRIES 2
#define EVENTS_MAX  32

struct resolver {
	ares_channel channel;
	bool has_channel, is_ending;
	int epoll_fd;
	char *hosts;
	size_t hosts_bytes;
};

/* c-ares cannot take back one query of many, so that each lives until it is called back. */
struct query {
	struct resolver *resolver;
	uint16_t port;
	void (*done)(void *arg, const struct resolved *);
	void *arg;
};

static size_t take_addresses(const struct ares_addrinfo_node *node, uint16_t port,
			     union address ret[RESOLVED_MAX])
{
	size_t n = 0;

	for (; node && n < RESOLVED_MAX; node = node->ai_next) {
		union address *to = &ret[n];

		if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) ||
		    node->ai_addrlen > sizeof(*to))
			continue;
		memset(to, 0, sizeof(*to));
		memcpy(to, node->ai_addr, (size_t)node->ai_addrlen);
		if (node->ai_family == AF_INET)
			to->v4.sin_port = htons(port);
		else
			to->v6.sin6_port = htons(port);
		n++;
	}
	return n;
}

/* That there is no such name, or no address of it, is an answer like any other. */
static bool is_answer(int status)
{
	return status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA;
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	autofree struct query *query = arg;
	union address addresses[RESOLVED_MAX];
	struct resolved resolved = {.addresses = addresses};

	(void)timeouts;
	if (status == ARES_SUCCESS && found)
		resolved.n = take_addresses(found->nodes, query->port, addresses);
	if (found)
		ares_freeaddrinfo(found);
	if (query->resolver->is_ending)
		return;
	resolved.is_certain = is_answer(status) && resolved.n < RESOLVED_MAX;
	resolved.why = status == ARES_SUCCESS ? "it has no address" : ares_strerror(status);
	query->done(query->arg, &resolved);
}

static void ask(struct resolver *resolver, const char *name, const struct query *query)
{
	const struct ares_addrinfo_hints hints = {.ai_flags = ARES_AI_NUMERICSERV,
						  .ai_family = AF_UNSPEC,
						  .ai_socktype = SOCK_STREAM};
	struct query *copy = malloc(sizeof(*copy));

	if (!copy) {
		query->done(query->arg, &(struct resolved){.why = "out of memory"});
		return;
	}
	*copy = *query;
	ares_getaddrinfo(resolver->channel, name, NULL, &hints, on_answer, copy);
}

/* /etc/hosts comes first, as in nsswitch.conf everywhere. */
void resolver_find(struct resolver *resolver, const char *name, uint16_t port,
		   void (*done)(void *arg, const struct resolved *), void *arg)
{
	union address addresses[TARGET_ADDRESSES_MAX];
	struct resolved resolved = {.addresses = addresses, .why = ""};

	if (address_parse(name, port, &addresses[0]))
		resolved.n = 1;
	else
		resolved.n =
			hosts_find(resolver->hosts, resolver->hosts_bytes, name, port, addresses);
	resolved.is_certain = resolved.n < TARGET_ADDRESSES_MAX;
	if (resolved.n)
		done(arg, &resolved);
	else
		ask(resolver, name, &(struct query){resolver, port, done, arg});
}

void resolver_run(struct resolver *resolver)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(resolver->epoll_fd, events, EVENTS_MAX, 0);

	for (int i = 0; i < n; i++) {
		ares_socket_t fd = events[i].data.fd;

		ares_process_fd(resolver->channel,
				events[i].events & ~(uint32_t)EPOLLOUT ? fd : ARES_SOCKET_BAD,
				events[i].events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	}
	ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

int resolver_fd(const struct resolver *resolver)
{
	return resolver->epoll_fd;
}

uint64_t resolver_due_ms(const struct resolver *resolver, uint64_t now_ms)
{
	struct timeval left;

	if (!ares_timeout(resolver->channel, NULL, &left))
		return UINT64_MAX;
	return now_ms + (uint64_t)left.tv_sec * 1000u + (uint64_t)left.tv_usec / 1000u + 1;
}

/* Called by c-ares for each of its sockets, and with neither wish before it closes one. */
static void on_query_socket(void *arg, ares_socket_t fd, int wants_read, int wants_write)
{
	struct resolver *resolver = arg;
	struct epoll_event event = {.events = (wants_read ? EPOLLIN : 0u) |
					      (wants_write ? EPOLLOUT : 0u),
				    .data.fd = fd};

	if (!event.events)
		epoll_ctl(resolver->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(resolver->epoll_fd, EPOLL_CTL_MOD, fd, &event))
		epoll_ctl(resolver->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static int open_channel(struct resolver *resolver, struct error *err)
{
	char dns_only[] = "b";
	struct ares_options options = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
				       .timeout = QUERY_MS,
				       .tries = QUERY_TRIES,
				       .lookups = dns_only,
				       .sock_state_cb = on_query_socket,
				       .sock_state_cb_data = resolver};
	int r = ares_library_init(ARES_LIB_INIT_ALL);

	if (r == ARES_SUCCESS)
		r = ares_init_options(&resolver->channel, &options,
				      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					      ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
	if (r != ARES_SUCCESS) {
		error_set(err, "/etc/resolv.conf", NULL, "the resolver cannot be set up: %s",
			  ares_strerror(r));
		return -EINVAL;
	}
	resolver->has_channel = true;
	return 0;
}

/* A system without the file has no such names; one with too long a file loses its end. */
static int read_hosts(struct resolver *resolver)
{
	autoclose int fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (fd < 0)
		return 0;
	resolver->hosts = malloc(HOSTS_BYTES_MAX);
	if (!resolver->hosts)
		return -ENOMEM;
	while (n > 0 && resolver->hosts_bytes < HOSTS_BYTES_MAX) {
		n = read(fd, resolver->hosts + resolver->hosts_bytes,
			 HOSTS_BYTES_MAX - resolver->hosts_bytes);
		if (n > 0)
			resolver->hosts_bytes += (size_t)n;
	}
	return 0;
}

int resolver_new(struct resolver **ret, struct error *err)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	int r;

	if (!resolver) {
		error_set(err, "resolver", NULL, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	resolver->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r = resolver->epoll_fd < 0 ? -errno : read_hosts(resolver);
	if (r)
		error_set(err, "resolver", NULL, "%s", strerror(-r));
	else
		r = open_channel(resolver, err);
	if (r) {
		resolver_free(resolver);
		return r;
	}
	*ret = resolver;
	return 0;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	resolver->is_ending = true;
	if (resolver->has_channel)
		ares_destroy(resolver->channel);
	fd_close(&resolver->epoll_fd);
	free(resolver->hosts);
	free(resolver);
}
