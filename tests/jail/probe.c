// SPDX-License-Identifier: Apache-2.0
/*
 * probe ATTEMPT [ADDRESS PORT | PATH] - one attempt to get out, as hostile code would make it
 *
 * Prints "reached ANSWER" and exits 0 if something outside answered (or, for attempts that
 * have no answer, if the kernel let them pass); prints "stopped STEP: ERRNO" and exits 1
 * otherwise. The same program is the positive control outside the jail.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/vm_sockets.h>
#include <net/ethernet.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 700

struct target {
	struct sockaddr_storage address;
	socklen_t size;
	const char *path;
};

static int stopped(const char *step)
{
	printf("stopped %s: %s\n", step, strerrorname_np(errno));
	return 1;
}

/* Waits for a line from the peer, which proves who it is. */
static int await_answer(int fd, const char *question)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char answer[512];
	ssize_t n;

	/* A peer that has said its line and closed (EPIPE) has still answered. */
	if (question && send(fd, question, strlen(question), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return stopped("send");
	if (poll(&pfd, 1, WAIT_MS) != 1) {
		errno = ETIMEDOUT;
		return stopped("answer");
	}
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n <= 0)
		return stopped("answer");
	answer[n] = '\0';
	answer[strcspn(answer, "\r\n")] = '\0';
	printf("reached %s\n", answer);
	return 0;
}

static int connect_with(const struct target *t, int type, int protocol)
{
	int fd = socket(t->address.ss_family, type, protocol);

	if (fd < 0)
		return stopped("socket");
	if (connect(fd, (const struct sockaddr *)&t->address, t->size))
		return stopped("connect");
	return await_answer(fd, "hello\n");
}

static int try_tcp(const struct target *t)
{
	return connect_with(t, SOCK_STREAM, 0);
}

static int try_mptcp(const struct target *t)
{
	return connect_with(t, SOCK_STREAM, IPPROTO_MPTCP);
}

static int try_sctp(const struct target *t)
{
	return connect_with(t, SOCK_STREAM, IPPROTO_SCTP);
}

static int try_udp(const struct target *t)
{
	return connect_with(t, SOCK_DGRAM, 0);
}

static int try_udplite(const struct target *t)
{
	return connect_with(t, SOCK_DGRAM, IPPROTO_UDPLITE);
}

/* A query for a name that only the small internet's server knows, answered with 192.0.2.53. */
static int try_dns(const struct target *t)
{
	static const uint8_t query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				       "\x06secret\x04"
				       "data\x07"
				       "example\x00\x00\x01\x00\x01";
	static const uint8_t known[] = {192, 0, 2, 53};
	struct pollfd pfd = {.events = POLLIN};
	uint8_t answer[512];
	ssize_t n;

	pfd.fd = socket(t->address.ss_family, SOCK_DGRAM, 0);
	if (pfd.fd < 0)
		return stopped("socket");
	if (sendto(pfd.fd, query, sizeof(query) - 1, 0, (const struct sockaddr *)&t->address,
		   t->size) < 0)
		return stopped("sendto");
	if (poll(&pfd, 1, WAIT_MS) != 1) {
		errno = ETIMEDOUT;
		return stopped("answer");
	}
	n = recv(pfd.fd, answer, sizeof(answer), 0);
	if (n < 4 || memcmp(answer + n - 4, known, 4)) {
		printf("stopped answer: of another server\n");
		return 1;
	}
	printf("reached 192.0.2.53\n");
	return 0;
}

static int try_fastopen(const struct target *t)
{
	int fd = socket(t->address.ss_family, SOCK_STREAM, 0);

	if (fd < 0)
		return stopped("socket");
	if (sendto(fd, "hello\n", 6, MSG_FASTOPEN, (const struct sockaddr *)&t->address, t->size) <
	    0)
		return stopped("sendto");
	return await_answer(fd, NULL);
}

static int try_fastopen_sendmsg(const struct target *t)
{
	struct iovec iov = {(char[]){"hello\n"}, 6};
	struct sockaddr_storage to = t->address;
	struct msghdr msg = {
		.msg_name = &to, .msg_namelen = t->size, .msg_iov = &iov, .msg_iovlen = 1};
	int fd = socket(t->address.ss_family, SOCK_STREAM, 0);

	if (fd < 0)
		return stopped("socket");
	if (sendmsg(fd, &msg, MSG_FASTOPEN) < 0)
		return stopped("sendmsg");
	return await_answer(fd, NULL);
}

static int echo_request(const struct target *t, int type)
{
	struct icmphdr icmp = {.type = ICMP_ECHO, .un.echo.sequence = htons(1)};
	struct pollfd pfd = {.events = POLLIN};
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	uint8_t answer[512];

	pfd.fd = socket(AF_INET, type, IPPROTO_ICMP);
	if (pfd.fd < 0)
		return stopped("socket");
	icmp.checksum = htons((uint16_t) ~((ICMP_ECHO << 8) + 1));
	if (sendto(pfd.fd, &icmp, sizeof(icmp), 0, (const struct sockaddr *)&t->address, t->size) <
	    0)
		return stopped("sendto");
	if (poll(&pfd, 1, WAIT_MS) != 1) {
		errno = ETIMEDOUT;
		return stopped("answer");
	}
	if (recvfrom(pfd.fd, answer, sizeof(answer), 0, (struct sockaddr *)&from, &size) < 0)
		return stopped("answer");
	printf("reached %s\n", inet_ntoa(from.sin_addr));
	return 0;
}

static int try_ping(const struct target *t)
{
	return echo_request(t, SOCK_DGRAM);
}

static int try_raw(const struct target *t)
{
	return echo_request(t, SOCK_RAW);
}

static int opened(int fd, const char *what)
{
	if (fd < 0)
		return stopped("socket");
	printf("reached %s\n", what);
	return 0;
}

static int try_packet(const struct target *t)
{
	(void)t;
	return opened(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), "packet socket");
}

/* The kernel takes 32 bits of the family; a filter that compares 64 is passed by. */
static int try_packet_truncated(const struct target *t)
{
	(void)t;
	return opened((int)syscall(SYS_socket, AF_PACKET | 1ul << 32, SOCK_RAW, htons(ETH_P_ALL)),
		      "packet socket");
}

static int try_vsock(const struct target *t)
{
	(void)t;
	return opened(socket(AF_VSOCK, SOCK_STREAM, 0), "vsock socket");
}

static int try_alg(const struct target *t)
{
	(void)t;
	return opened(socket(AF_ALG, SOCK_SEQPACKET, 0), "alg socket");
}

static int try_unix(const struct target *t)
{
	return connect_with(t, SOCK_STREAM, 0);
}

static int try_unix_datagram(const struct target *t)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
		return stopped("socketpair");
	if (sendto(pair[0], "hello\n", 6, 0, (const struct sockaddr *)&t->address, t->size) < 0)
		return stopped("sendto");
	printf("reached datagram sent\n");
	return 0;
}

static int try_abstract(const struct target *t)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct target abstract = {.path = t->path};

	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "%s", t->path);
	memcpy(&abstract.address, &un, sizeof(un));
	abstract.size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(t->path));
	return connect_with(&abstract, SOCK_STREAM, 0);
}

/* A connect made by the kernel's own thread: no connect(2) is ever called. */
static int try_io_uring(const struct target *t)
{
	struct io_uring_params p = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p), fd;
	struct io_uring_sqe *sqe;
	const struct io_uring_cqe *cqe;
	uint8_t *sq, *cq;
	uint32_t cq_head;

	if (ring < 0)
		return stopped("io_uring_setup");
	fd = socket(t->address.ss_family, SOCK_STREAM, 0);
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqe), PROT_READ | PROT_WRITE,
		  MAP_SHARED, ring, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (fd < 0 || sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		return stopped("mmap");
	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
				     .fd = fd,
				     .addr = (uint64_t)(uintptr_t)&t->address,
				     .off = t->size};
	*(uint32_t *)(void *)(sq + p.sq_off.tail) += 1;
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return stopped("io_uring_enter");
	cq_head = *(uint32_t *)(void *)(cq + p.cq_off.head);
	cqe = (const struct io_uring_cqe *)(const void *)(cq + p.cq_off.cqes) +
	      (cq_head & (p.cq_entries - 1));
	errno = -cqe->res;
	return cqe->res ? stopped("connect") : await_answer(fd, "hello\n");
}

static const struct {
	const char *name;
	int (*run)(const struct target *);
} attempts[] = {
	{"tcp", try_tcp},           {"mptcp", try_mptcp},
	{"sctp", try_sctp},         {"udp", try_udp},
	{"udplite", try_udplite},   {"dns", try_dns},
	{"fastopen", try_fastopen}, {"fastopen-sendmsg", try_fastopen_sendmsg},
	{"ping", try_ping},         {"raw", try_raw},
	{"packet", try_packet},     {"packet-truncated", try_packet_truncated},
	{"vsock", try_vsock},       {"alg", try_alg},
	{"unix", try_unix},         {"unix-datagram", try_unix_datagram},
	{"abstract", try_abstract}, {"io_uring", try_io_uring},
};

static void read_target(char **argv, struct target *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->address;
	struct sockaddr_un *un = (struct sockaddr_un *)&ret->address;

	if (!argv[0])
		return;
	ret->path = argv[0];
	if (argv[1] && inet_pton(AF_INET, argv[0], &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)atoi(argv[1]));
		ret->size = sizeof(*v4);
	} else if (argv[1] && inet_pton(AF_INET6, argv[0], &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)atoi(argv[1]));
		ret->size = sizeof(*v6);
	} else {
		un->sun_family = AF_UNIX;
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", argv[0]);
		ret->size = sizeof(*un);
	}
}

int main(int argc, char **argv)
{
	struct target target;

	memset(&target, 0, sizeof(target));
	if (argc >= 2) {
		read_target(argv + 2, &target);
		for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
			if (!strcmp(argv[1], attempts[i].name))
				return attempts[i].run(&target);
	}
	fprintf(stderr, "usage: probe ATTEMPT [ADDRESS PORT | PATH]\n");
	return 2;
}
