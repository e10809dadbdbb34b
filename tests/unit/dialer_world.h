/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialer_world.h - the whole role, confined, over its two channels, in a small world
 *
 * It runs in namespaces of the test's own, with a resolver and listeners on addresses that
 * exist only there: no packet leaves.
 */
#ifndef TESTS_DIALER_WORLD_H
#define TESTS_DIALER_WORLD_H

#include "cmocka_all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "dial/dials.h"
#include "ipc/channel.h"
#include "roles/roles.h"

#define PUBLIC_V4   "9.9.9.9" /* on the loopback device of the test's network namespace */
#define PRIVATE_V4  "10.1.2.3"
#define PUBLIC_V6   "2620:fe::fe"
#define PATIENCE_MS 15000

static bool has_world;

/* --- a resolver ----------------------------------------------------------- */

static const struct {
	const char *name;
	const char *v4, *v6;
} zone[] = {
	{"public.example", PUBLIC_V4, NULL},
	{"six.example", NULL, PUBLIC_V6},
	{"both.example", PUBLIC_V4, PUBLIC_V6},
	{"private.example", PRIVATE_V4, NULL},
	{"mixed.example", PUBLIC_V4, "fc00::1"},
	{"metadata.example", "169.254.169.254", NULL},
	{"mapped.example", NULL, "::ffff:127.0.0.1"},
	{"nowhere.example", "0.0.0.0", NULL},
	{"own.example", NULL, "fd6d:6370:6a61:696c::7"},
	{"a.under.example", PUBLIC_V4, NULL},
};

static inline size_t read_name(const uint8_t *query, size_t n, char *ret)
{
	size_t at = 12, used = 0;

	while (at < n && query[at]) {
		if (used)
			ret[used++] = '.';
		memcpy(ret + used, query + at + 1, query[at]);
		used += query[at];
		at += 1u + query[at];
	}
	ret[used] = '\0';
	return at + 5; /* the root label, type and class */
}

static inline size_t answer_query(uint8_t *packet, size_t n)
{
	char name[256];
	size_t end = read_name(packet, n, name);
	bool v6 = packet[end - 3] == 28, is_known = false;

	packet[2] |= 0x80;
	packet[3] = 0;
	if (strstr(name, "broken")) {
		packet[3] = 2; /* SERVFAIL */
		return end;
	}
	memset(packet + 6, 0, 6);
	for (size_t i = 0; i < ARRAY_SIZE(zone); i++) {
		const char *text = v6 ? zone[i].v6 : zone[i].v4;
		size_t bytes = v6 ? 16 : 4;
		uint8_t head[] = {0xc0, 12, 0, v6 ? 28 : 1, 0, 1, 0, 0, 0, 60, 0, (uint8_t)bytes};

		if (strcmp(name, zone[i].name))
			continue;
		is_known = true;
		if (!text)
			continue;
		memcpy(packet + end, head, sizeof(head));
		inet_pton(v6 ? AF_INET6 : AF_INET, text, packet + end + sizeof(head));
		end += sizeof(head) + bytes;
		packet[7] = 1;
	}
	if (!is_known)
		packet[3] = 3;
	return end;
}

/* Before the resolver's process is there, so that no query comes too early. */
static inline int bind_dns(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) ? -1 : fd;
}

static inline _Noreturn void serve_dns(int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct sockaddr_storage from;
		socklen_t size = sizeof(from);
		uint8_t packet[1024];
		ssize_t n = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&from, &size);

		if (n < 17 || strstr((char *)packet + 12, "silent"))
			continue;
		sendto(fd, packet, answer_query(packet, (size_t)n), 0, (struct sockaddr *)&from,
		       size);
	}
}

/* --- the world it runs in ------------------------------------------------- */

static inline int write_text(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static inline int cover_file(const char *path, const char *text)
{
	char over[] = "/tmp/test-dialer-XXXXXX";
	autoclose int fd = mkstemp(over);
	int r = fd < 0 ? -1 : write_text(over, text);

	if (!r)
		r = mount(over, path, NULL, MS_BIND, NULL);
	unlink(over);
	return r;
}

static inline int make_world(void)
{
	unsigned uid = geteuid(), gid = getegid();
	char uids[64], gids[64];

	/* As root, or ip(8) would lose its capabilities on exec. */
	snprintf(uids, sizeof(uids), "0 %u 1", uid);
	snprintf(gids, sizeof(gids), "0 %u 1", gid);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) ||
	    write_text("/proc/self/uid_map", uids) || write_text("/proc/self/setgroups", "deny") ||
	    write_text("/proc/self/gid_map", gids))
		return -1;
	if (cover_file("/etc/resolv.conf", "nameserver 127.0.0.1\nsearch invalid.example\n") ||
	    cover_file("/etc/hosts",
		       "127.0.0.1 localhost loop.example\n" PUBLIC_V4 " hosts.example\n"))
		return -1;
	return system("PATH=/usr/sbin:/sbin:$PATH; ip link set lo up && "
		      "ip addr add " PUBLIC_V4 "/32 dev lo && "
		      "ip addr add " PRIVATE_V4 "/32 dev lo && "
		      "ip addr add " PUBLIC_V6 "/128 dev lo nodad");
}

/* Listening on every address; its port. */
static inline uint16_t listen_everywhere(int *ret_fd)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6};
	socklen_t size = sizeof(at);

	*ret_fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*ret_fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(*ret_fd, 128), 0);
	assert_int_equal(getsockname(*ret_fd, (struct sockaddr *)&at, &size), 0);
	return ntohs(at.sin6_port);
}

/* --- the role ------------------------------------------------------------- */

struct run {
	pid_t pid;
	struct channel supervisor, proxy;
};

static inline int policy_memfd(const char *text)
{
	ssize_t n = (ssize_t)strlen(text);
	int fd = memfd_create("policy", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, (size_t)n), n);
	return fd;
}

static inline void start_role(struct run *run, const char *policy,
			      const struct msg_dialer_config *config)
{
	autoclose int policy_fd = policy_memfd(policy);
	int supervisor[2], proxy[2];
	struct message m;

	assert_int_equal(channel_pair(supervisor), 0);
	assert_int_equal(channel_pair(proxy), 0);
	run->pid = fork();
	if (!run->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(supervisor[0]);
		close(proxy[0]);
		close(proxy[1]);
		_exit(dialer_main(supervisor[1]));
	}
	close(supervisor[1]);
	assert_int_equal(
		channel_open(&run->supervisor, supervisor[0], ROLE_SUPERVISOR, ROLE_DIALER), 0);
	assert_int_equal(channel_open(&run->proxy, proxy[0], ROLE_PROXY, ROLE_DIALER), 0);
	assert_int_equal(channel_send_fds(&run->supervisor, MSG_DIALER_CONFIG, config,
					  (int[]){policy_fd, proxy[1]}, 2),
			 0);
	close(proxy[1]);
	assert_int_equal(channel_receive(&run->supervisor, &m), 1);
	assert_int_equal(m.type, MSG_DIALER_READY);
}

static inline int end_role(struct run *run)
{
	int status = -1;

	channel_close(&run->supervisor);
	waitpid(run->pid, &status, 0);
	channel_close(&run->proxy);
	return status;
}

struct outcome {
	uint64_t dial_id;
	enum dial_status status;
	int fd;
	char address[ADDRESS_TEXT_MAX], reason[IPC_TEXT_MAX + 1];
};

static inline void send_dial(struct run *run, uint64_t id, const char *host, uint32_t port)
{
	struct msg_dial dial = {id, span_of(host), port};

	assert_int_equal(channel_send(&run->proxy, MSG_DIAL, &dial), 0);
}

static inline void receive_outcome(struct run *run, struct outcome *ret)
{
	struct pollfd ready = {run->proxy.fd, POLLIN, 0};
	struct msg_dialed dialed;
	struct message m;

	assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
	assert_int_equal(channel_receive(&run->proxy, &m), 1);
	assert_int_equal(m.type, MSG_DIALED);
	assert_int_equal(message_decode(&m, &dialed), 0);
	*ret = (struct outcome){dialed.dial_id, (enum dial_status)dialed.status,
				message_take_fd(&m, 0), "", ""};
	span_copy(dialed.address, ret->address, sizeof(ret->address));
	span_copy(dialed.reason, ret->reason, sizeof(ret->reason));
	message_free(&m);
}

static inline void need_world(void)
{
	if (!has_world) {
		print_message("skipped: no user namespaces, or no ip(8)\n");
		skip();
	}
}

/* To be a test's main(): the tests need the namespaces, and the resolver's process. */
static inline int run_in_world(int (*run_all)(void))
{
	pid_t resolver = -1;
	int dns_fd = -1, r;

	has_world = !make_world() && (dns_fd = bind_dns()) >= 0;
	if (has_world)
		resolver = fork();
	if (!resolver)
		serve_dns(dns_fd);
	r = run_all();
	if (resolver > 0)
		kill(resolver, SIGKILL);
	return r;
}

#endif
