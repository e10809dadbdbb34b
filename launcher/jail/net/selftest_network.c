// SPDX-License-Identifier: Apache-2.0
/*
 * The addresses are of documentation ranges (RFC 5737, RFC 3849): in this namespace they
 * cannot be anybody's, since nothing leaves it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "jail/netlog.h"
#include "jail/selftest.h"

#define SELFTEST_TIMEOUT_MS 2000

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct probe {
	const char *name;
	union address to;
	socklen_t n;
	struct in6_addr mapped; /* as the proxy will see it */
};

static int failed(struct error *err, const char *what, const struct probe *probe, int r)
{
	error_set(err, "self-test of the jail's network", NULL, "%s %s: %s", what, probe->name,
		  strerror(-r));
	return r;
}

static struct probe probe_to(const char *name, uint16_t port)
{
	struct probe p = {.name = name};

	if (strchr(name, ':')) {
		p.to.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
		inet_pton(AF_INET6, name, &p.to.in6.sin6_addr);
		p.mapped = p.to.in6.sin6_addr;
		p.n = sizeof(p.to.in6);
		return p;
	}
	p.to.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	inet_pton(AF_INET, name, &p.to.in.sin_addr);
	p.mapped.s6_addr[10] = 0xff;
	p.mapped.s6_addr[11] = 0xff;
	memcpy(p.mapped.s6_addr + 12, &p.to.in.sin_addr, 4);
	p.n = sizeof(p.to.in);
	return p;
}

/* A connected socket that blocks no longer than the timeout. */
static int connect_probe(const struct probe *probe, int type)
{
	const struct timeval limit = {.tv_sec = SELFTEST_TIMEOUT_MS / 1000};
	autoclose int fd = socket(probe->to.sa.sa_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, &probe->to.sa, probe->n) < 0)
		return -errno;
	return fd_take(&fd);
}

static int await_input(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r = poll(&p, 1, SELFTEST_TIMEOUT_MS);

	return r < 0 ? -errno : r ? 0 : -ETIMEDOUT;
}

static bool is_target(const union address *a, const struct probe *probe)
{
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == probe->to.in.sin_port &&
		       !memcmp(&a->in.sin_addr, &probe->to.in.sin_addr, sizeof(a->in.sin_addr));
	return a->in6.sin6_port == probe->to.in6.sin6_port &&
	       IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &probe->mapped);
}

static int try_tcp(int listener, const struct probe *probe)
{
	union address a = {.in6 = {0}};
	const struct linger reset = {.l_onoff = 1};
	socklen_t n = sizeof(a);
	autoclose int client = connect_probe(probe, SOCK_STREAM);
	autoclose int server = -1;
	int r = client < 0 ? client : await_input(listener);

	if (r < 0)
		return r;
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	/* Reset at the end: a farewell of four packets would take as long as the greeting. */
	if (server < 0 || setsockopt(server, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0 ||
	    getsockname(server, &a.sa, &n) < 0)
		return -errno;
	return is_target(&a, probe) ? 0 : -EADDRNOTAVAIL;
}

/* The address that a datagram was sent to, mapped for IPv4. */
static bool destination(struct msghdr *m, struct in6_addr *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		struct in6_pktinfo in6;
		struct in_pktinfo in;

		if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&in6, CMSG_DATA(c), sizeof(in6));
			*ret = in6.ipi6_addr;
			return true;
		}
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&in, CMSG_DATA(c), sizeof(in));
			*ret = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
			memcpy(ret->s6_addr + 12, &in.ipi_addr, 4);
			return true;
		}
	}
	return false;
}

static int try_dns(int dns, const struct probe *probe)
{
	_Alignas(struct cmsghdr) char control[256];
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct in6_addr to = {0};
	autoclose int client = connect_probe(probe, SOCK_DGRAM);
	int r = client < 0 ? client : 0;

	if (!r && send(client, "?", 1, 0) < 0)
		r = -errno;
	if (!r)
		r = await_input(dns);
	if (!r && recvmsg(dns, &m, 0) < 0)
		r = -errno;
	if (!r && (!destination(&m, &to) || !IN6_ARE_ADDR_EQUAL(&to, &probe->mapped)))
		r = -EADDRNOTAVAIL;
	return r;
}

static int try_datagram(const struct probe *probe)
{
	char byte;
	autoclose int client = connect_probe(probe, SOCK_DGRAM);

	if (client < 0)
		return client;
	if (send(client, "?", 1, 0) < 0)
		return errno == ECONNREFUSED ? 0 : -errno;
	if (recv(client, &byte, 1, 0) >= 0)
		return -EISCONN;
	return errno == ECONNREFUSED ? 0 : -errno;
}

static void drain(int fd)
{
	char bytes[NETLOG_READ_BYTES];

	if (fd < 0)
		return;
	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0 || errno == EINTR)
		;
}

static int try_all(const struct netns *net, const char *address, struct error *err)
{
	struct probe tcp = probe_to(address, 443), dns = probe_to(address, 53);
	int r = try_tcp(net->tcp, &tcp);

	if (r < 0)
		return failed(err, "TCP to", &tcp, r);
	r = try_dns(net->dns_udp, &dns);
	if (r < 0)
		return failed(err, "DNS query to", &dns, r);
	r = try_tcp(net->dns_tcp, &dns);
	if (r < 0)
		return failed(err, "DNS over TCP to", &dns, r);
	r = try_datagram(&tcp);
	return r < 0 ? failed(err, "datagram that was not refused, to", &tcp, r) : 0;
}

int selftest_network(const struct netns *net, struct error *err)
{
	int r = try_all(net, "198.51.100.7", err);

	if (!r && net->has_ipv6)
		r = try_all(net, "2001:db8::7", err);
	drain(net->log);
	return r;
}
