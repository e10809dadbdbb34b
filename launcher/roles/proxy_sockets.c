// SPDX-License-Identifier: Apache-2.0
#include "proxy_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "jail/netlog.h"

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage storage;
};

/* --- DNS asked of somebody else --------------------------------------------------- */

/* The resolver of the jail's own resolv.conf, and 127/8 and ::1, are where queries should go. */
static bool is_own_resolver(const union address *to)
{
	const uint8_t *v4 = (const uint8_t *)&to->in.sin_addr;

	if (to->sa.sa_family == AF_INET6) {
		if (IN6_IS_ADDR_LOOPBACK(&to->in6.sin6_addr))
			return true;
		if (!IN6_IS_ADDR_V4MAPPED(&to->in6.sin6_addr))
			return false;
		v4 = to->in6.sin6_addr.s6_addr + 12;
	}
	return v4[0] == 127 || !memcmp(v4, (const uint8_t[]){198, 18, 0, 1}, 4);
}

static void address_text(const union address *to, char ret[INET6_ADDRSTRLEN])
{
	if (to->sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &to->in.sin_addr, ret, INET6_ADDRSTRLEN);
	else if (IN6_IS_ADDR_V4MAPPED(&to->in6.sin6_addr))
		inet_ntop(AF_INET, to->in6.sin6_addr.s6_addr + 12, ret, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &to->in6.sin6_addr, ret, INET6_ADDRSTRLEN);
}

/* It is answered, by us; that somebody else was asked is worth a record, and what for. */
static void record_foreign(struct proxy_sockets *s, const char *address, const char *name)
{
	recorder_event(s->recorder,
		       &(struct msg_event){
			       .kind = EVENT_NET_DENIED,
			       .protocol = span_of("dns"),
			       .address = span_of(address),
			       .port = 53,
			       .rule = span_of("/default"),
			       .reason = span_of("answered by the jail's own DNS; no query leaves"),
			       .detail = span_of(name),
		       });
}

static void record_foreign_query(struct proxy_sockets *s, const union address *to, const char *name)
{
	char address[INET6_ADDRSTRLEN];

	address_text(to, address);
	record_foreign(s, address, name);
}

/* Text of the question in a reply of ours, so well-formed; for people, escaped where it is shown.
 */
static void question_text(const char *reply, size_t n, char *ret, size_t size)
{
	size_t at = 12, used = 0;

	while (at < n && reply[at]) {
		size_t label = (uint8_t)reply[at++];

		if (label > n - at || used + label + 2 > size)
			break;
		memcpy(ret + used, reply + at, label);
		used += label;
		ret[used++] = '.';
		at += label;
	}
	ret[used ? used - 1 : 0] = '\0';
}

static void on_foreign_question(void *arg, const char *address, const char *reply, size_t n)
{
	char name[512];

	question_text(reply, n, name, sizeof(name));
	record_foreign(arg, address, name);
}

/* --- connections ---------------------------------------------------------------- */

static void pause_listener(struct proxy_listener *l)
{
	if (l->watched)
		loop_remove(l->sockets->loop, l->fd);
	l->watched = false;
}

static void resume_listener(struct proxy_listener *l)
{
	if (!l->watched && l->fd >= 0)
		l->watched = !loop_add(l->sockets->loop, l->fd, &l->source, LOOP_LEVEL);
}

void proxy_sockets_on_room(struct proxy_sockets *s)
{
	if (s->conns->n >= s->conns_max)
		return;
	resume_listener(&s->tcp);
	resume_listener(&s->tcp6);
	resume_listener(&s->dns_tcp);
}

static uint16_t port_of(const union address *a)
{
	return ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
}

static void record_loop(struct proxy_listener *l)
{
	recorder_event(l->sockets->recorder,
		       &(struct msg_event){
			       .kind = EVENT_NET_DENIED,
			       .protocol = span_of("tcp"),
			       .port = l->port,
			       .rule = span_of("/default"),
			       .reason = span_of("a connection to the proxy's own port would loop"),
		       });
}

/*
 * In tier B the broker has said where before it connected, but its message may be read after
 * this. Who was not announced is no process of the jail.
 */
static bool find_destination(struct proxy_sockets *s, const union address *from, union address *to,
			     char **ret_exec)
{
	uint64_t now_ms = s->loop->now_ms;

	if (proxy_destinations_take(s->destinations, &from->sa, now_ms, &to->storage, ret_exec))
		return true;
	s->read_announcements(s->arg);
	return proxy_destinations_take(s->destinations, &from->sa, now_ms, &to->storage, ret_exec);
}

static void tell_first(struct proxy_sockets *s)
{
	void (*on_first)(void *arg) = s->on_first;

	s->on_first = NULL;
	if (on_first)
		on_first(s->arg);
}

static void on_accept(struct source *source, uint32_t events)
{
	struct proxy_listener *l = (struct proxy_listener *)source;
	struct conns *conns = l->sockets->conns;

	(void)events;
	for (int i = 0; i < PROXY_ACCEPTS_MAX; i++) {
		union address from = {.storage = {0}}, to = {.storage = {0}};
		socklen_t from_size = sizeof(from), size = sizeof(to);
		autoclose int fd = -1;
		autofree char *exec = NULL;

		if (conns->n >= l->sockets->conns_max) {
			pause_listener(l);
			return;
		}
		fd = accept4(l->fd, &from.sa, &from_size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			/* No descriptor or memory left: the next connection that ends resumes this.
			 */
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM)
				pause_listener(l);
			return;
		}
		tell_first(l->sockets);
		if (l->sockets->is_tier_b ? !find_destination(l->sockets, &from, &to, &exec)
					  : getsockname(fd, &to.sa, &size))
			continue;
		if (port_of(&to) == 53 && !is_own_resolver(&to))
			record_foreign_query(l->sockets, &to, "over TCP");
		if (!l->dns && !l->sockets->is_tier_b && port_of(&to) == l->port)
			record_loop(l);
		else
			conn_accept(conns, fd_take(&fd),
				    &(struct conn_ends){from.storage, to.storage, span_of(exec)},
				    l->dns);
	}
}

/* --- DNS over UDP ----------------------------------------------------------------- */

/* Replies leave from the address that was asked; resolvers drop any other. */
struct packet {
	union {
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
			   CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control;
	union address from;
	char data[DNS_QUERY_MAX];
	struct iovec iov;
	struct msghdr msg;
};

static ssize_t receive_query(int fd, struct packet *p)
{
	p->iov = (struct iovec){p->data, sizeof(p->data)};
	p->msg = (struct msghdr){
		.msg_name = &p->from,
		.msg_namelen = sizeof(p->from),
		.msg_iov = &p->iov,
		.msg_iovlen = 1,
		.msg_control = p->control.bytes,
		.msg_controllen = sizeof(p->control.bytes),
	};
	return recvmsg(fd, &p->msg, MSG_DONTWAIT);
}

/* One control message for the reply: the address, without the interface it came by. */
static bool turn_around(struct packet *p, bool ipv4, union address *ret_asked)
{
	int level = ipv4 ? IPPROTO_IP : IPPROTO_IPV6, type = ipv4 ? IP_PKTINFO : IPV6_PKTINFO;
	struct in6_pktinfo info6;
	struct in_pktinfo info4;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(&p->msg); c; c = CMSG_NXTHDR(&p->msg, c))
		if (c->cmsg_level == level && c->cmsg_type == type)
			break;
	if (!c || c->cmsg_len < CMSG_LEN(ipv4 ? sizeof(info4) : sizeof(info6)))
		return false;
	memcpy(&info6, CMSG_DATA(c), ipv4 ? 0 : sizeof(info6));
	memcpy(&info4, CMSG_DATA(c), ipv4 ? sizeof(info4) : 0);
	memset(&p->control, 0, sizeof(p->control));
	p->msg.msg_controllen = ipv4 ? CMSG_SPACE(sizeof(info4)) : CMSG_SPACE(sizeof(info6));
	c = CMSG_FIRSTHDR(&p->msg);
	c->cmsg_level = level;
	c->cmsg_type = type;
	if (ipv4) {
		struct in_pktinfo reply = {.ipi_spec_dst = info4.ipi_addr};

		ret_asked->in =
			(struct sockaddr_in){.sin_family = AF_INET, .sin_addr = info4.ipi_addr};
		c->cmsg_len = CMSG_LEN(sizeof(reply));
		memcpy(CMSG_DATA(c), &reply, sizeof(reply));
	} else {
		struct in6_pktinfo reply = {.ipi6_addr = info6.ipi6_addr};

		ret_asked->in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
						       .sin6_addr = info6.ipi6_addr};
		c->cmsg_len = CMSG_LEN(sizeof(reply));
		memcpy(CMSG_DATA(c), &reply, sizeof(reply));
	}
	return true;
}

static void on_query(struct source *source, uint32_t events)
{
	struct proxy_sockets *s = (struct proxy_sockets *)source;
	char reply[DNS_REPLY_MAX];

	(void)events;
	for (int i = 0; i < PROXY_QUERIES_MAX; i++) {
		struct packet p;
		union address asked = {.storage = {0}};
		char name[512];
		ssize_t n = receive_query(s->dns_udp, &p);
		size_t answer;

		if (n < 0)
			return;
		if ((p.msg.msg_flags & MSG_TRUNC) || !turn_around(&p, s->dns_is_ipv4, &asked))
			continue;
		answer = dns_answer(s->conns->names, p.data, (size_t)n, reply);
		if (!answer)
			continue;
		if (!is_own_resolver(&asked)) {
			question_text(reply, answer, name, sizeof(name));
			record_foreign_query(s, &asked, name);
		}
		p.iov = (struct iovec){reply, answer};
		/* A reply that cannot be sent is a reply lost, as on any network. */
		sendmsg(s->dns_udp, &p.msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		tell_first(s);
	}
}

/* --- what no listener takes ------------------------------------------------------- */

/* Nothing of ours refused it: there is no rule, and no record. */
static void tell_loopback(struct proxy_sockets *s, const char *address, uint16_t port)
{
	recorder_event(s->recorder, &(struct msg_event){
					    .kind = EVENT_LOOPBACK_REFUSED,
					    .protocol = span_of("loopback"),
					    .address = span_of(address),
					    .port = port,
				    });
}

static void record_attempt(struct proxy_sockets *s, const struct netlog_attempt *attempt)
{
	char address[INET6_ADDRSTRLEN];
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = attempt->address};
	const char *protocol = netlog_protocol_name(attempt->protocol);
	char reason[64];

	if (IN6_IS_ADDR_V4MAPPED(&attempt->address))
		inet_ntop(AF_INET, attempt->address.s6_addr + 12, address, sizeof(address));
	else
		inet_ntop(AF_INET6, &attempt->address, address, sizeof(address));
	if (attempt->is_loopback) {
		tell_loopback(s, address, attempt->port);
		return;
	}
	snprintf(reason, sizeof(reason), "%s does not leave the jail", protocol);
	recorder_event(s->recorder, &(struct msg_event){
					    .kind = EVENT_NET_DENIED,
					    .protocol = span_of(protocol),
					    .host = span_of(dns_names_find_address(
						    s->conns->names, (struct sockaddr *)&to)),
					    .address = span_of(address),
					    .port = attempt->port,
					    .rule = span_of("/default"),
					    .reason = span_of(reason),
				    });
}

/* How many packets were lost nobody knows: an overflow is told once, whatever it swallowed. */
static void record_losses(struct proxy_sockets *s)
{
	char reason[128];

	snprintf(reason, sizeof(reason),
		 "some refused packets were not recorded: the log of them overflowed (%u time%s)",
		 s->log_losses, s->log_losses == 1 ? "" : "s");
	s->log_losses = 0;
	s->log_loss_ms = s->loop->now_ms;
	recorder_event(s->recorder, &(struct msg_event){
					    .kind = EVENT_NET_DENIED,
					    .protocol = span_of("ip"),
					    .rule = span_of("/default"),
					    .reason = span_of(reason),
				    });
}

/* One record a second at most: the agent decides how often the log overflows. */
static void record_losses_in_time(struct proxy_sockets *s)
{
	if (!s->log_losses)
		return;
	if (!s->log_loss_ms || s->loop->now_ms - s->log_loss_ms >= PROXY_LOSS_MS)
		record_losses(s);
	else
		s->loop->ticking = true;
}

void proxy_sockets_on_tick(struct proxy_sockets *s)
{
	record_losses_in_time(s);
	proxy_sockets_on_room(s);
}

static void on_log(struct source *source, uint32_t events)
{
	struct proxy_sockets *s =
		(struct proxy_sockets *)((char *)source -
					 offsetof(struct proxy_sockets, log_source));

	(void)events;
	for (int i = 0; i < PROXY_LOGS_MAX; i++) {
		_Alignas(8) char bytes[NETLOG_READ_BYTES];
		ssize_t n = recv(s->log, bytes, sizeof(bytes), MSG_DONTWAIT);
		struct netlog_attempt attempt;
		size_t at = 0, step;

		if (n < 0 && errno == ENOBUFS) {
			s->log_losses++;
			record_losses_in_time(s);
			continue;
		}
		if (n <= 0)
			return;
		while ((step = netlog_parse(bytes + at, (size_t)n - at, &attempt))) {
			record_attempt(s, &attempt);
			at += step;
		}
	}
}

/* --- set-up --------------------------------------------------------------------------- */

static int open_listener(struct proxy_sockets *s, struct proxy_listener *l, int fd, bool dns)
{
	union address own = {.storage = {0}};
	socklen_t size = sizeof(own);

	*l = (struct proxy_listener){.sockets = s, .fd = fd, .dns = dns};
	l->source.on_ready = on_accept;
	if (getsockname(fd, &own.sa, &size))
		return -errno;
	l->port = port_of(&own);
	resume_listener(l);
	return l->watched ? 0 : -ENOMEM;
}

static int open_tier_b(struct proxy_sockets *s, const int fds[4])
{
	int r = open_listener(s, &s->tcp, fds[0], false);

	s->dns_udp = s->log = -1;
	s->resolvers = (struct proxy_resolvers){.loop = s->loop,
						.names = s->conns->names,
						.on_foreign = on_foreign_question,
						.arg = s};
	s->destinations = calloc(1, sizeof(*s->destinations));
	if (!s->destinations)
		return -ENOMEM;
	return r || fds[1] < 0 ? r : open_listener(s, &s->tcp6, fds[1], false);
}

int proxy_sockets_open(struct proxy_sockets *s, const int fds[4])
{
	int domain = AF_INET6, r, r2;
	socklen_t size = sizeof(domain);

	if (s->is_tier_b)
		return open_tier_b(s, fds);
	s->dns_udp = fds[1];
	s->log = fds[3];
	s->dns_source.on_ready = on_query;
	s->log_source.on_ready = on_log;
	r = open_listener(s, &s->tcp, fds[0], false);
	r2 = open_listener(s, &s->dns_tcp, fds[2], true);
	if (getsockopt(s->dns_udp, SOL_SOCKET, SO_DOMAIN, &domain, &size))
		return -errno;
	s->dns_is_ipv4 = domain == AF_INET;
	if (!r)
		r = r2 ? r2 : loop_add(s->loop, s->dns_udp, &s->dns_source, LOOP_LEVEL);
	if (!r && s->log >= 0)
		r = loop_add(s->loop, s->log, &s->log_source, LOOP_LEVEL);
	return r;
}

static bool has_something(const struct proxy_sockets *s)
{
	struct pollfd fds[] = {{s->tcp.fd, POLLIN, 0},
			       {s->tcp6.fd, POLLIN, 0},
			       {s->dns_udp, POLLIN, 0},
			       {s->log, POLLIN, 0}};

	return poll(fds, ARRAY_SIZE(fds), 0) > 0;
}

void proxy_sockets_drain(struct proxy_sockets *s)
{
	s->on_first = NULL;
	/* More than a backlog holds: what is left then came after the end. */
	for (int i = 0; i < PROXY_DRAIN_ROUNDS && has_something(s); i++) {
		on_accept(&s->tcp.source, 0);
		if (s->tcp6.fd >= 0)
			on_accept(&s->tcp6.source, 0);
		if (s->dns_udp >= 0)
			on_query(&s->dns_source, 0);
		if (s->log >= 0)
			on_log(&s->log_source, 0);
	}
	if (s->log_losses)
		record_losses(s);
}

void proxy_sockets_close(struct proxy_sockets *s)
{
	if (s->destinations) {
		proxy_resolvers_close(&s->resolvers);
		proxy_destinations_free(s->destinations);
		free(ptr_take(&s->destinations));
	}
	fd_close(&s->tcp.fd);
	fd_close(&s->tcp6.fd);
	fd_close(&s->dns_tcp.fd);
	fd_close(&s->dns_udp);
	fd_close(&s->log);
}
