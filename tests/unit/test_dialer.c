// SPDX-License-Identifier: Apache-2.0
/*
 * The whole role, confined, over its two channels. It runs in namespaces of the test's own,
 * with a resolver and listeners on addresses that exist only there: no packet leaves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
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
#include "base/clock.h"
#include "base/log.h"
#include "dial/dials.h"
#include "ipc/channel.h"
#include "roles/roles.h"

#define PUBLIC_V4   "9.9.9.9" /* on the loopback device of the test's network namespace */
#define PUBLIC_V6   "2620:fe::fe"
#define PATIENCE_MS 15000

static bool has_world;

/* --- a resolver ----------------------------------------------------------- */

static const struct {
	const char *name;
	const char *v4, *v6;
} zone[] = {
	{"public.example", PUBLIC_V4, NULL},          {"six.example", NULL, PUBLIC_V6},
	{"both.example", PUBLIC_V4, PUBLIC_V6},       {"private.example", "10.1.2.3", NULL},
	{"mixed.example", PUBLIC_V4, "fc00::1"},      {"metadata.example", "169.254.169.254", NULL},
	{"mapped.example", NULL, "::ffff:127.0.0.1"},
};

static size_t read_name(const uint8_t *query, size_t n, char *ret)
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

static size_t answer_query(uint8_t *packet, size_t n)
{
	char name[256];
	size_t end = read_name(packet, n, name);
	bool v6 = packet[end - 3] == 28, is_known = false;

	packet[2] |= 0x80;
	packet[3] = 0;
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
static int bind_dns(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) ? -1 : fd;
}

static _Noreturn void serve_dns(int fd)
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

static int write_text(const char *path, const char *text)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static int cover_file(const char *path, const char *text)
{
	char over[] = "/tmp/test-dialer-XXXXXX";
	autoclose int fd = mkstemp(over);
	int r = fd < 0 ? -1 : write_text(over, text);

	if (!r)
		r = mount(over, path, NULL, MS_BIND, NULL);
	unlink(over);
	return r;
}

static int make_world(void)
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
		      "ip addr add " PUBLIC_V6 "/128 dev lo nodad");
}

/* Listening on every address; its port. */
static uint16_t listen_everywhere(int *ret_fd)
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

static int policy_memfd(const char *host, uint16_t port)
{
	char text[512];
	int fd = memfd_create("policy", MFD_CLOEXEC);
	int n = snprintf(text, sizeof(text),
			 "{\"version\": \"1\", \"default\": \"deny\", "
			 "\"server\": {\"url\": \"https://%s:%u/mcp\"}}",
			 host, port);

	assert_int_equal(write(fd, text, (size_t)n), n);
	return fd;
}

static void start_role(struct run *run, const char *host, uint16_t port,
		       const struct msg_dialer_config *config)
{
	autoclose int policy_fd = policy_memfd(host, port);
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

static int end_role(struct run *run)
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

static void send_dial(struct run *run, uint64_t id, const char *host, uint32_t port)
{
	struct msg_dial dial = {id, span_of(host), port};

	assert_int_equal(channel_send(&run->proxy, MSG_DIAL, &dial), 0);
}

static void receive_outcome(struct run *run, struct outcome *ret)
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

static void need_world(void)
{
	if (!has_world) {
		print_message("skipped: no user namespaces, or no ip(8)\n");
		skip();
	}
}

/* --- tests ---------------------------------------------------------------- */

#define LISTENER 0 /* in a row: the test's listener's port */
#define CLOSED   1 /* a port where nobody listens */

static const struct msg_dial_to to_loopback = {{"public.example", 14}, 0, {"127.0.0.1", 9}, 0};
static const struct msg_dial_to to_name = {{"", 0}, 0, {"private.example", 15}, 0};
static const struct msg_dial_to to_same = {{"", 0}, 0, {"", 0}, 0};

static const struct {
	const char *server; /* the policy's */
	const struct msg_dial_to *connect_to;
	const char *host; /* asked for */
	uint16_t port;
	enum dial_status status;
	const char *address;
	const char *reason; /* part of it */
} dial_rows[] = {
	/* Resolved, checked, connected: the positive control of what is refused below. */
	{"public.example", NULL, "public.example", LISTENER, DIAL_OK, PUBLIC_V4, ""},
	{"six.example", NULL, "six.example", LISTENER, DIAL_OK, PUBLIC_V6, ""},
	{"hosts.example", NULL, "hosts.example", LISTENER, DIAL_OK, PUBLIC_V4, ""},
	{PUBLIC_V4, NULL, PUBLIC_V4, LISTENER, DIAL_OK, PUBLIC_V4, ""},
	{"public.example", &to_loopback, "public.example", LISTENER, DIAL_OK, "127.0.0.1", ""},
	{"nobody.example", &to_name, "nobody.example", CLOSED, DIAL_UNREACHABLE, "10.1.2.3",
	 "cannot connect to private.example"},
	/* Not the policy's. */
	{"public.example", NULL, "six.example", LISTENER, DIAL_REFUSED, "",
	 "policy names no server"},
	{"public.example", NULL, PUBLIC_V4, LISTENER, DIAL_REFUSED, "", "policy names no server"},
	{"public.example", NULL, "public.example", CLOSED, DIAL_REFUSED, "",
	 "policy names no server"},
	{"public.example", &to_loopback, "127.0.0.1", LISTENER, DIAL_REFUSED, "",
	 "policy names no server"},
	{"public.example", NULL, "PUBLIC.example", LISTENER, DIAL_REFUSED, "",
	 "policy names no server"},
	{"public.example", NULL, "0x7f.1", LISTENER, DIAL_REFUSED, "", "neither a name nor"},
	{"public.example", NULL, "public.example\n", LISTENER, DIAL_REFUSED, "",
	 "neither a name nor"},
	/* Special addresses. */
	{"private.example", NULL, "private.example", LISTENER, DIAL_REFUSED, "10.1.2.3",
	 "private.example is at 10.1.2.3, a private address (RFC 1918)"},
	{"private.example", &to_same, "private.example", LISTENER, DIAL_REFUSED, "10.1.2.3",
	 "--connect-to private.example:"},
	{"mixed.example", NULL, "mixed.example", LISTENER, DIAL_REFUSED, "fc00::1", "unique local"},
	{"metadata.example", NULL, "metadata.example", LISTENER, DIAL_REFUSED, "169.254.169.254",
	 "metadata"},
	{"mapped.example", NULL, "mapped.example", LISTENER, DIAL_REFUSED, "::ffff:127.0.0.1",
	 "IPv4-mapped"},
	{"loop.example", NULL, "loop.example", LISTENER, DIAL_REFUSED, "127.0.0.1", "loopback"},
	{"localhost", NULL, "localhost", LISTENER, DIAL_REFUSED, "127.0.0.1", "loopback"},
	{"127.0.0.1", NULL, "127.0.0.1", LISTENER, DIAL_REFUSED, "127.0.0.1", "loopback"},
	/* Nobody there. */
	{"nobody.example", NULL, "nobody.example", LISTENER, DIAL_UNRESOLVED, "", "cannot resolve"},
	{"public.example", &to_loopback, "public.example", CLOSED, DIAL_UNREACHABLE, "127.0.0.1",
	 "refused"},
};

static void check_row(size_t row, uint16_t listener)
{
	uint16_t asked = dial_rows[row].port == LISTENER ? listener : 9;
	/* Rows of a closed port mean the policy's own, but where the policy is to refuse it. */
	uint16_t served = dial_rows[row].status == DIAL_REFUSED ? listener : asked;
	struct msg_dialer_config config = {.log_level = LOG_ERROR};
	struct outcome outcome;
	struct run run;

	if (dial_rows[row].connect_to)
		config.dial_to[config.n_dial_to++] = *dial_rows[row].connect_to;
	start_role(&run, dial_rows[row].server, served, &config);
	send_dial(&run, row + 1, dial_rows[row].host, asked);
	receive_outcome(&run, &outcome);
	if (outcome.status != dial_rows[row].status || outcome.dial_id != row + 1 ||
	    strcmp(outcome.address, dial_rows[row].address) ||
	    !strstr(outcome.reason, dial_rows[row].reason) ||
	    (outcome.fd >= 0) != (outcome.status == DIAL_OK))
		fail_msg("row %zu, %s: status %d, address \"%s\", reason \"%s\"", row,
			 dial_rows[row].host, outcome.status, outcome.address, outcome.reason);
	fd_close(&outcome.fd);
	assert_int_equal(end_role(&run), 0);
}

static void test_dialer_connects_where_the_policy_leads(void **state)
{
	autoclose int listener = -1;
	uint16_t port;

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	for (size_t i = 0; i < ARRAY_SIZE(dial_rows); i++)
		check_row(i, port);
}

static void test_dialer_hands_out_a_usable_socket(void **state)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	autoclose int listener = -1, accepted = -1;
	struct outcome outcome;
	struct run run;
	uint16_t port;
	char byte = 0;
	int on = 0;
	socklen_t size = sizeof(on);

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	start_role(&run, "public.example", port, &config);
	send_dial(&run, 7, "public.example", port);
	receive_outcome(&run, &outcome);
	assert_int_equal(outcome.status, DIAL_OK);
	accepted = accept(listener, NULL, NULL);
	assert_int_equal(write(outcome.fd, "x", 1), 1);
	assert_int_equal(read(accepted, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_true(fcntl(outcome.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(outcome.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(outcome.fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
	assert_true(on);
	/* It keeps no copy: our close is the connection's end. */
	fd_close(&outcome.fd);
	assert_int_equal(read(accepted, &byte, 1), 0);
	assert_int_equal(end_role(&run), 0);
}

static void test_dialer_dials_many_at_once_and_refuses_more(void **state)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	size_t counts[DIAL_TIMEOUT + 1] = {0};
	uint64_t seen = 0;
	struct run run;

	(void)state;
	need_world();
	start_role(&run, "silent.example", 443, &config);
	for (uint64_t id = 0; id < DIALS_MAX + 2; id++)
		send_dial(&run, id, "silent.example", 443);
	for (size_t i = 0; i < DIALS_MAX + 2; i++) {
		struct outcome outcome;

		receive_outcome(&run, &outcome);
		counts[outcome.status]++;
		if (outcome.dial_id < DIALS_MAX)
			seen |= UINT64_C(1) << outcome.dial_id;
	}
	assert_int_equal(counts[DIAL_REFUSED], 2);
	assert_int_equal(counts[DIAL_TIMEOUT] + counts[DIAL_UNRESOLVED], DIALS_MAX);
	assert_true(seen == UINT64_MAX);
	assert_int_equal(end_role(&run), 0);
}

/* A resolver's silence is c-ares' to time out; a listener whose queue is full is ours. */
static void test_dialer_gives_up_on_an_address_in_time(void **state)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	autoclose int listener = -1, first = -1, second = -1;
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct outcome outcome;
	uint64_t began_ms, took_ms;
	struct run run;
	uint16_t port;

	(void)state;
	need_world();
	port = listen_everywhere(&listener);
	assert_int_equal(listen(listener, 0), 0);
	inet_pton(AF_INET, PUBLIC_V4, &at.sin_addr);
	at.sin_port = htons(port);
	first = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	second = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(first, (struct sockaddr *)&at, sizeof(at));
	connect(second, (struct sockaddr *)&at, sizeof(at));
	start_role(&run, "public.example", port, &config);
	began_ms = clock_mono_ms();
	send_dial(&run, 1, "public.example", port);
	receive_outcome(&run, &outcome);
	took_ms = clock_mono_ms() - began_ms;
	assert_int_equal(outcome.status, DIAL_TIMEOUT);
	assert_in_range(took_ms, DIAL_ATTEMPT_MS, DIAL_ATTEMPT_MS + 1500);
	assert_int_equal(end_role(&run), 0);
}

static void test_dialer_ends_when_the_proxy_does(void **state)
{
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};
	struct run run;
	int status = -1;

	(void)state;
	need_world();
	start_role(&run, "public.example", 443, &config);
	channel_close(&run.proxy);
	assert_int_equal(waitpid(run.pid, &status, 0), run.pid);
	assert_int_equal(status, 0);
	channel_close(&run.supervisor);
}

static void test_dialer_ends_on_a_message_that_breaks_the_table(void **state)
{
	static const char *const messages[] = {"", "\1", "\377\377", "\21\0xxx"};
	const struct msg_dialer_config config = {.log_level = LOG_ERROR};

	(void)state;
	need_world();
	/* What it says about that is expected here. */
	fflush(stderr);
	autoclose int stderr_fd = dup(STDERR_FILENO), null_fd = open("/dev/null", O_WRONLY);

	dup2(null_fd, STDERR_FILENO);
	for (size_t i = 1; i < ARRAY_SIZE(messages); i++) {
		struct run run;
		int status = 0;

		start_role(&run, "public.example", 443, &config);
		assert_true(send(run.proxy.fd, messages[i], i == 3 ? 5 : i, 0) > 0);
		assert_int_equal(waitpid(run.pid, &status, 0), run.pid);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status));
		channel_close(&run.proxy);
		channel_close(&run.supervisor);
	}
	dup2(stderr_fd, STDERR_FILENO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialer_connects_where_the_policy_leads),
		cmocka_unit_test(test_dialer_hands_out_a_usable_socket),
		cmocka_unit_test(test_dialer_dials_many_at_once_and_refuses_more),
		cmocka_unit_test(test_dialer_gives_up_on_an_address_in_time),
		cmocka_unit_test(test_dialer_ends_when_the_proxy_does),
		cmocka_unit_test(test_dialer_ends_on_a_message_that_breaks_the_table),
	};
	pid_t resolver = -1;
	int dns_fd = -1, r;

	has_world = !make_world() && (dns_fd = bind_dns()) >= 0;
	if (has_world)
		resolver = fork();
	if (!resolver)
		serve_dns(dns_fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	if (resolver > 0)
		kill(resolver, SIGKILL);
	return r;
}
