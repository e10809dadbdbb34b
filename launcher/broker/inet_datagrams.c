// SPDX-License-Identifier: Apache-2.0
/*
 * No datagram of the agent's goes anywhere. Its UDP sockets are shut down for writing, for good:
 * connect() to AF_UNSPEC, which undoes a connection, does not undo that. So what write() or
 * sendmsg() would send without a word to us the kernel refuses (EPIPE).
 *
 * Port 53 is the exception. A socket that is connected there is replaced by an end of a
 * socketpair: on a SOCK_SEQPACKET the kernel ignores addresses, so that whatever is sent goes to
 * the other end, which is the proxy's DNS. Its answers come from no internet address: musl and
 * c-ares, which compare it, do not take them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "inet_internal.h"

#define QUESTION_MAX  4096
#define RESOLV_CONF   "/etc/resolv.conf"
#define RESOLV_PREFIX "nameserver"

/* --- whether it holds ------------------------------------------------------------------- */

int inet_try_datagrams(struct error *err)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const struct sockaddr none = {.sa_family = AF_UNSPEC};
	const struct sockaddr *head = (const struct sockaddr *)&to;
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool holds = fd >= 0;

	if (holds)
		(void)shutdown(fd, SHUT_WR);
	holds = holds && !connect(fd, &none, sizeof(none));
	holds = holds && sendto(fd, "", 1, MSG_NOSIGNAL, head, sizeof(to)) < 0 && errno == EPIPE;
	holds = holds && !connect(fd, head, sizeof(to));
	holds = holds && send(fd, "", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE;
	if (holds)
		return 0;
	error_set(err, "tier b", NULL,
		  "the kernel sends datagrams from a socket that is shut down for writing");
	return -EPERM;
}

/* --- whose resolver it is ------------------------------------------------------------------ */

static void add_resolver(struct inet *inet, const char *text)
{
	struct in6_addr address = IN6ADDR_ANY_INIT;

	if (inet->n_resolvers == INET_RESOLVERS_MAX)
		return;
	if (inet_pton(AF_INET, text, address.s6_addr + 12) == 1)
		address.s6_addr[10] = address.s6_addr[11] = 0xff;
	else if (inet_pton(AF_INET6, text, &address) != 1)
		return;
	inet->resolvers[inet->n_resolvers++] = address;
}

void inet_read_resolvers(struct inet *inet)
{
	FILE *f = fopen(RESOLV_CONF, "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		char *rest = line + strspn(line, " \t");

		if (strncmp(rest, RESOLV_PREFIX, strlen(RESOLV_PREFIX)) != 0)
			continue;
		rest += strlen(RESOLV_PREFIX);
		rest += strspn(rest, " \t");
		rest[strcspn(rest, " \t\r\n#;%")] = '\0';
		add_resolver(inet, rest);
	}
	if (f)
		fclose(f);
}

static bool is_foreign(const struct inet *inet, const struct in6_addr *address)
{
	for (size_t i = 0; i < inet->n_resolvers; i++)
		if (!memcmp(&inet->resolvers[i], address, sizeof(*address)))
			return false;
	return !inet_is_loopback(address) && !inet_is_any(address);
}

struct in6_addr inet_resolver_of(const struct inet *inet, const struct in6_addr *address)
{
	return is_foreign(inet, address) ? *address : inet_loopback(true);
}

/* --- the way to the DNS --------------------------------------------------------------------- */

static int give_to_proxy(struct broker *b, int fd, const struct inet_end *to)
{
	char address[INET6_ADDRSTRLEN];
	struct msg_resolver m = {.is_foreign = is_foreign(b->inet, &to->address)};

	inet_text(&to->address, address);
	m.address = span_of(address);
	return channel_send_fds(&b->proxy, MSG_RESOLVER, &m, &fd, 1);
}

/* Nothing of the caller's may have come there since. */
static int replace(struct caller *c, const struct caller_fd *was, int fd)
{
	int number = (int)(uint32_t)c->call.args[0], r;
	struct caller_fd now;

	r = caller_fd_info(c, number, &now);
	if (r || now.inode != was->inode)
		return -EBADF;
	if (fcntl(fd, F_SETFL, now.flags & O_NONBLOCK))
		return -errno;
	r = notify_add_fd(c->listener, c->call.id, fd, number, now.flags & O_CLOEXEC);
	return r < 0 ? r : 0;
}

/* @question: Sent before anything else; NULL: nothing is */
static int lead_to_dns(struct broker *b, struct caller *c, const struct caller_fd *fd,
		       const struct inet_end *to, const struct span *question)
{
	autoclose int ours = -1, theirs = -1;
	uint64_t inode = 0;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = give_to_proxy(b, ours, to);
	if (!r && question && send(theirs, question->p, question->n, MSG_NOSIGNAL) < 0)
		r = -errno;
	if (!r)
		r = replace(c, fd, theirs);
	if (r)
		return r;
	inet_drop(b->inet, fd->inode);
	/* More by sendto() will follow; without room they are lost, as on any network. */
	if (question && !inet_add(b->inet, theirs, AF_UNIX, SOCK_SEQPACKET, &inode)) {
		fd_take(&theirs);
		inet_gave(b->inet, inode);
	}
	return 0;
}

/* What is no question of DNS is made as it was meant, so that the agent learns what it would. */
int64_t inet_connect_datagrams(struct broker *b, struct caller *c, const struct caller_fd *fd,
			       const struct inet_socket *s, const struct inet_end *to)
{
	union inet_name name;
	socklen_t n = inet_name_of(to, s->family, &name);

	if (to->port == INET_DNS_PORT)
		return lead_to_dns(b, c, fd, to, NULL);
	return connect(s->fd, &name.head, n) ? -errno : 0;
}

/* --- sendto() ----------------------------------------------------------------------------------
 */

static void record(struct broker *b, const struct caller *c, const struct inet_end *to)
{
	char address[INET6_ADDRSTRLEN];

	inet_text(&to->address, address);
	broker_record(b, c,
		      &(struct broker_note){.protocol = "udp",
					    .address = address,
					    .port = to->port,
					    .rule = "/default",
					    .reason = "udp does not leave the jail"});
}

/* @way: Of an earlier question; AF_INET, AF_INET6: there is none yet */
static int64_t ask_dns(struct broker *b, struct caller *c, const struct caller_fd *fd,
		       const struct inet_socket *way, const struct inet_end *to)
{
	char bytes[QUESTION_MAX];
	uint64_t n = c->call.args[2];
	struct span question = {bytes, (size_t)n};
	int r = n > sizeof(bytes) ? -EMSGSIZE : caller_read(c, c->call.args[1], bytes, (size_t)n);

	if (!r && way->family == AF_UNIX)
		r = send(way->fd, bytes, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
	else if (!r)
		r = lead_to_dns(b, c, fd, to, &question);
	return r ? r : (int64_t)n;
}

static int64_t send_to(struct broker *b, struct caller *c, const struct caller_fd *fd,
		       const struct inet_socket *s, const struct caller_address *address)
{
	int family = s->family == AF_UNIX ? address->head.sa_family : s->family;
	struct inet_end to;
	bool is_for_datagrams = s->family == AF_UNIX || s->type == SOCK_DGRAM;
	int r = is_for_datagrams ? inet_end_of(address, family, &to) : -EPIPE;

	if (r)
		return r;
	if (to.port == INET_DNS_PORT)
		return ask_dns(b, c, fd, s, &to);
	record(b, c, &to);
	return -ECONNREFUSED;
}

int64_t inet_sendto(struct broker *b, struct caller *c)
{
	struct inet_socket s = {.fd = -1};
	struct caller_address address;
	struct caller_fd fd;
	int64_t r = caller_fd_info(c, (int)(uint32_t)c->call.args[0], &fd);

	if (!r)
		r = caller_read_address(c, c->call.args[4], c->call.args[5], &address);
	if (!r)
		r = inet_hold(b->inet, fd.inode, &s);
	/* It is connected: a stream, or unix. */
	if (r)
		return r == -ENOENT ? -EISCONN : r;
	r = send_to(b, c, &fd, &s, &address);
	fd_close(&s.fd);
	return r;
}
