// SPDX-License-Identifier: Apache-2.0
/*
 * Questions about real connections of real processes, over loopback. This process stands for
 * the jail's init, its descendants for the jail.
 */
#include "broker/diag.h"
#include "broker/owner.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../bpf/wall_maps.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cmocka_all.h"
#include "ledger/scan.h"

struct rig {
	struct owner_sources sources;
	struct owner *owner;
	int listener;
	struct sockaddr_storage at;
	socklen_t at_n;
	int release[2]; /* closing [1] lets the children end */
};

static int open_listener(struct rig *rig, int family)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	rig->at_n = family == AF_INET ? sizeof(v4) : sizeof(v6);
	memcpy(&rig->at, family == AF_INET ? (void *)&v4 : (void *)&v6, rig->at_n);
	assert_int_equal(bind(fd, (struct sockaddr *)&rig->at, rig->at_n), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&rig->at, &rig->at_n), 0);
	return fd;
}

static int rig_new(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	/* What is left behind by its parent stays a descendant, as in a jail. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	rig->sources.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	rig->sources.diag_fd = diag_open();
	rig->sources.root_fd = -1;
	rig->sources.init = getpid();
	assert_true(rig->sources.proc_fd >= 0 && rig->sources.diag_fd >= 0);
	assert_int_equal(owner_new(&rig->sources, &rig->owner), 0);
	rig->listener = open_listener(rig, AF_INET);
	assert_int_equal(pipe2(rig->release, O_CLOEXEC), 0);
	*state = rig;
	return 0;
}

static int rig_free(void **state)
{
	struct rig *rig = *state;

	close(rig->release[0]);
	fd_close(&rig->release[1]);
	while (wait(NULL) > 0)
		continue;
	owner_free(rig->owner);
	close(rig->listener);
	close(rig->sources.proc_fd);
	close(rig->sources.diag_fd);
	free(rig);
	return 0;
}

static int dial(const struct rig *rig)
{
	int fd = socket(rig->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&rig->at, rig->at_n))
		_exit(1);
	return fd;
}

/* In a child: until the test is over. */
static _Noreturn void stay(struct rig *rig)
{
	char byte;

	/* Once in a process, whatever its threads do. */
	fd_close(&rig->release[1]);
	if (read(rig->release[0], &byte, 1) < 0)
		_exit(1);
	_exit(0);
}

static void text_of(const struct sockaddr_storage *from, char ret[INET6_ADDRSTRLEN],
		    uint32_t *ret_port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	bool is_v4 = from->ss_family == AF_INET;

	inet_ntop(from->ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, ret,
		  INET6_ADDRSTRLEN);
	*ret_port = ntohs(is_v4 ? v4->sin_port : v6->sin6_port);
}

static void ask(struct rig *rig, const struct sockaddr_storage *agent, char *ret, size_t size)
{
	autobuf struct buf b = BUF_INIT(IPC_EXEC_MAX);
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	struct msg_who who = {.conn = 1};

	text_of(agent, from, &who.agent_port);
	text_of(&rig->at, to, &who.destination_port);
	who.agent = span_of(from);
	who.destination = span_of(to);
	assert_int_equal(owner_find(rig->owner, &who, &b), 0);
	snprintf(ret, size, "%.*s", (int)b.len, (char *)b.data);
	assert_true(scan_is_value(span_of(ret)));
}

/* Take the next connection, and ask who made it. Return: its descriptor */
static int accept_and_ask(struct rig *rig, char *ret, size_t size)
{
	struct sockaddr_storage agent;
	socklen_t n = sizeof(agent);
	int fd = accept4(rig->listener, (struct sockaddr *)&agent, &n, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	ask(rig, &agent, ret, size);
	return fd;
}

static void assert_pid(const char *json, pid_t pid)
{
	char expected[16];

	snprintf(expected, sizeof(expected), "%d", pid);
	assert_true(span_equals(scan_find(span_of(json), "pid"), expected));
}

static void test_the_process_of_a_connection_is_told(void **state)
{
	static const int families[] = {AF_INET, AF_INET6};
	struct rig *rig = *state;
	char json[IPC_EXEC_MAX + 1];

	for (size_t i = 0; i < 2; i++) {
		autoclose int fd = -1;
		pid_t pid;

		close(rig->listener);
		rig->listener = open_listener(rig, families[i]);
		pid = fork();
		if (!pid) {
			dial(rig);
			stay(rig);
		}
		fd = accept_and_ask(rig, json, sizeof(json));
		assert_pid(json, pid);
		assert_non_null(strstr(json, "test_owner"));
		assert_non_null(strstr(json, "\"parents\":[]}"));
	}
}

static void test_the_same_process_is_told_again(void **state)
{
	struct rig *rig = *state;
	char json[IPC_EXEC_MAX + 1];
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < 30; i++)
			dial(rig);
		stay(rig);
	}
	for (int i = 0; i < 30; i++) {
		autoclose int fd = accept_and_ask(rig, json, sizeof(json));

		assert_pid(json, pid);
	}
}

static void test_parents_are_told_up_to_the_jails_init(void **state)
{
	struct rig *rig = *state;
	char json[IPC_EXEC_MAX + 1], parents[64];
	autoclose int fd = -1;
	pid_t pid = fork();

	if (!pid) {
		if (!fork()) {
			dial(rig);
			stay(rig);
		}
		stay(rig);
	}
	fd = accept_and_ask(rig, json, sizeof(json));
	snprintf(parents, sizeof(parents), "\"parents\":[{\"pid\":%d,\"exe\":\"/", pid);
	assert_non_null(strstr(json, parents));
	assert_null(strstr(strstr(json, parents) + 20, "\"pid\""));
}

static void *start_child(void *arg)
{
	struct rig *rig = arg;

	if (!fork()) {
		dial(rig);
		stay(rig);
	}
	/* It stays: its children would become the first thread's otherwise. */
	pause();
	return NULL;
}

static void test_children_of_threads_are_found(void **state)
{
	struct rig *rig = *state;
	char json[IPC_EXEC_MAX + 1];
	autoclose int fd = -1;
	pid_t pid = fork();
	pthread_t thread;

	if (!pid) {
		pthread_create(&thread, NULL, start_child, rig);
		stay(rig);
	}
	fd = accept_and_ask(rig, json, sizeof(json));
	assert_null(strstr(json, "unknown"));
	assert_non_null(strstr(json, "\"parents\":[{\"pid\":"));
}

static void send_fd(int to, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = ""};
	struct iovec iov = {(char[]){"x"}, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(to, &msg, 0) != 1)
		_exit(1);
}

static void test_who_was_given_the_socket_is_told(void **state)
{
	struct rig *rig = *state;
	char json[IPC_EXEC_MAX + 1], byte;
	int pair[2], ready[2], status;
	autoclose int fd = -1;
	pid_t maker, user;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(ready), 0);
	user = fork();
	if (!user) {
		union {
			char bytes[CMSG_SPACE(sizeof(int))];
			struct cmsghdr align;
		} control;
		struct iovec iov = {&byte, 1};
		struct msghdr msg = {.msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control.bytes,
				     .msg_controllen = sizeof(control.bytes)};

		if (recvmsg(pair[1], &msg, 0) != 1 || write(ready[1], "x", 1) != 1)
			_exit(1);
		stay(rig);
	}
	maker = fork();
	if (!maker) {
		send_fd(pair[0], dial(rig));
		_exit(0);
	}
	assert_int_equal(waitpid(maker, &status, 0), maker);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	fd = accept_and_ask(rig, json, sizeof(json));
	assert_pid(json, user);
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(ready[i]);
	}
}

static void test_one_that_ended_is_unknown(void **state)
{
	struct rig *rig = *state;
	char json[IPC_EXEC_MAX + 1];
	autoclose int fd = -1;
	int status;
	pid_t pid = fork();

	if (!pid) {
		dial(rig);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fd = accept_and_ask(rig, json, sizeof(json));
	assert_string_equal(
		json, "{\"unknown\":\"it had closed its end before it could be asked about\"}");
}

static void test_addresses_that_nobody_has_are_unknown(void **state)
{
	struct rig *rig = *state;
	static const struct {
		const char *agent, *destination, *expected;
		uint32_t agent_port;
	} cases[] = {
		{"127.0.0.1", "127.0.0.1", "closed its end", 1},
		{"::1", "127.0.0.1", "does not tell", 1},
		{"127.0.0.1.1", "127.0.0.1", "does not tell", 1},
		{"127.0.0.1", "", "does not tell", 1},
		{"127.0.0.1", "127.0.0.1", "does not tell", 65536},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf b = BUF_INIT(IPC_EXEC_MAX);
		struct msg_who who = {.conn = 1,
				      .agent = span_of(cases[i].agent),
				      .agent_port = cases[i].agent_port,
				      .destination = span_of(cases[i].destination),
				      .destination_port = 9};

		assert_int_equal(owner_find(rig->owner, &who, &b), 0);
		buf_append(&b, "", 1);
		assert_non_null(strstr((char *)b.data, "{\"unknown\":\""));
		assert_non_null(strstr((char *)b.data, cases[i].expected));
	}
}

/* The listener of the same port is no connection, and its process not the one that is meant. */
static void test_a_listener_is_not_taken_for_a_connection(void **state)
{
	struct rig *rig = *state;
	char json[IPC_EXEC_MAX + 1], at[INET6_ADDRSTRLEN];
	autobuf struct buf b = BUF_INIT(IPC_EXEC_MAX);
	struct msg_who who = {
		.conn = 1, .destination = span_of("127.0.0.1"), .destination_port = 7};

	text_of(&rig->at, at, &who.agent_port);
	who.agent = span_of(at);
	assert_int_equal(owner_find(rig->owner, &who, &b), 0);
	snprintf(json, sizeof(json), "%.*s", (int)b.len, (char *)b.data);
	assert_non_null(strstr(json, "unknown"));
}

/* Any process may bind its socket to the device. */
static void test_a_socket_bound_to_the_device_is_found(void **state)
{
	struct rig *rig = *state;
	char json[IPC_EXEC_MAX + 1];
	autoclose int fd = -1;
	pid_t pid = fork();

	if (!pid) {
		int s = socket(AF_INET, SOCK_STREAM, 0);

		if (setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) ||
		    connect(s, (struct sockaddr *)&rig->at, rig->at_n))
			_exit(1);
		stay(rig);
	}
	fd = accept_and_ask(rig, json, sizeof(json));
	assert_pid(json, pid);
}

static void test_a_hundred_thousand_descriptors_cost_a_bounded_time(void **state)
{
	struct rig *rig = *state;
	char json[IPC_EXEC_MAX + 1];
	autoclose int fd = -1;
	uint64_t before_ms;
	pid_t pid = fork();

	if (!pid) {
		struct rlimit limit = {0, 0};

		getrlimit(RLIMIT_NOFILE, &limit);
		if (limit.rlim_max > 100000)
			limit.rlim_max = 100000;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		while (dup(0) >= 0 && errno != EMFILE)
			continue;
		close(5);
		close(4);
		dial(rig);
		stay(rig);
	}
	fd = accept4(rig->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	close(fd_take(&fd));
	/* A second child, found only past all of the first one's descriptors. */
	if (!fork()) {
		dial(rig);
		stay(rig);
	}
	before_ms = clock_mono_ms();
	fd = accept_and_ask(rig, json, sizeof(json));
	assert_true(clock_mono_ms() - before_ms < 40 * OWNER_FIND_MS);
	kill(pid, SIGKILL);
}

/* --- by number ------------------------------------------------------------------------- */

struct describer {
	struct rig *rig;
	pid_t pid;
	bool is_right;
};

static void *describe_often(void *arg)
{
	struct describer *d = arg;
	char start[32];
	int n = snprintf(start, sizeof(start), "{\"id\":\"%d-", d->pid);

	d->is_right = true;
	for (int i = 0; i < 500; i++) {
		autobuf struct buf b = BUF_INIT(IPC_EXEC_MAX);

		if (owner_describe(&d->rig->sources, d->pid, &b) ||
		    memcmp(b.data, start, (size_t)n))
			d->is_right = false;
	}
	return NULL;
}

static void test_threads_describe_processes_side_by_side(void **state)
{
	enum { DESCRIBERS = 12 };
	struct describer describers[DESCRIBERS];
	struct rig *rig = *state;
	pthread_t threads[DESCRIBERS];

	assert_int_equal(owner_cache_new(&rig->sources.cache), 0);
	for (int i = 0; i < DESCRIBERS; i++) {
		describers[i] = (struct describer){rig, fork(), false};
		if (!describers[i].pid)
			stay(rig);
	}
	for (int i = 0; i < DESCRIBERS; i++)
		pthread_create(&threads[i], NULL, describe_often, &describers[i]);
	for (int i = 0; i < DESCRIBERS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(describers[i].is_right);
	}
	owner_cache_free(rig->sources.cache);
}

/* --- who connected, as the second wall tells ------------------------------------------- */

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t n = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &n), 0);
	return cookie;
}

static void test_who_connected_is_told_before_who_holds(void **state)
{
	struct rig *rig = *state;
	struct wall_owners_map *map = calloc(1, sizeof(*map));
	char json[IPC_EXEC_MAX + 1];
	int mine = dial(rig), fd, ready[2];
	uint64_t cookie = cookie_of(mine);
	struct wall_slot *slot = &map->slots[cookie % WALL_OWNER_SLOTS];
	char link[64] = "";
	struct sockaddr_storage agent;
	socklen_t n = sizeof(agent);
	pid_t holder, maker;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	holder = fork();
	if (!holder) {
		close(ready[1]);
		stay(rig);
	}
	maker = fork();
	if (!maker) {
		close(mine);
		close(ready[1]);
		stay(rig);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], link, 1), 0);
	close(ready[0]);
	owner_free(rig->owner);
	rig->sources.owners = (struct wall_owners *)map;
	assert_int_equal(owner_new(&rig->sources, &rig->owner), 0);
	*slot = (struct wall_slot){.sequence = 2,
				   .cookie = cookie,
				   .at_ns = clock_ns(CLOCK_BOOTTIME),
				   .pid = (uint32_t)maker,
				   .comm = "maker"};
	assert_int_equal(getsockname(mine, (struct sockaddr *)&agent, &n), 0);
	close(mine);
	fd = accept4(rig->listener, NULL, NULL, SOCK_CLOEXEC);
	ask(rig, &agent, json, sizeof(json));
	/* Where numbers are a container's own, the table is of no use. */
	assert_true(readlink("/proc/self/ns/pid", link, sizeof(link) - 1) > 0);
	assert_pid(json, strcmp(link, "pid:[4026531836]") ? holder : maker);

	/* Of a number that another process has by now, nothing is told but that. */
	slot->at_ns = 1;
	ask(rig, &agent, json, sizeof(json));
	assert_pid(json, holder);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	ask(rig, &agent, json, sizeof(json));
	if (!strcmp(link, "pid:[4026531836]"))
		assert_non_null(strstr(json, "{\"unknown\":\"maker, process "));
	close(fd);
	free(map);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_new, rig_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_the_process_of_a_connection_is_told),
		WITH_RIG(test_the_same_process_is_told_again),
		WITH_RIG(test_parents_are_told_up_to_the_jails_init),
		WITH_RIG(test_children_of_threads_are_found),
		WITH_RIG(test_who_was_given_the_socket_is_told),
		WITH_RIG(test_one_that_ended_is_unknown),
		WITH_RIG(test_addresses_that_nobody_has_are_unknown),
		WITH_RIG(test_a_listener_is_not_taken_for_a_connection),
		WITH_RIG(test_a_socket_bound_to_the_device_is_found),
		WITH_RIG(test_a_hundred_thousand_descriptors_cost_a_bounded_time),
		WITH_RIG(test_threads_describe_processes_side_by_side),
		WITH_RIG(test_who_connected_is_told_before_who_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
