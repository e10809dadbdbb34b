// SPDX-License-Identifier: Apache-2.0
#include "broker_world.h"

#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static char host_path[PATH_MAX]; /* of a socket that the test listens on: the host's */

static int listen_as_host(void)
{
	int fd = listen_at(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, "host", 4);
	assert_true(fd >= 0);
	assert_non_null(realpath("host", host_path));
	return fd;
}

static void assert_nobody_came(int host)
{
	assert_int_equal(accept(host, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
}

/* --- made inside ------------------------------------------------------------------------- */

static int talk(int server, int client)
{
	char byte = 'x';
	int peer = accept(server, NULL, NULL);

	CHECK(peer >= 0);
	CHECK(write(client, "a", 1) == 1 && read(peer, &byte, 1) == 1 && byte == 'a');
	CHECK(write(peer, "b", 1) == 1 && read(client, &byte, 1) == 1 && byte == 'b');
	close(peer);
	return 0;
}

static int make_and_use(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_SEQPACKET, SOCK_STREAM | SOCK_CLOEXEC};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int server = listen_at(types[i], "ours", 4), client = socket(AF_UNIX, types[i], 0);

		CHECK(server >= FILTER_BROKERED_FD && client >= FILTER_BROKERED_FD);
		CHECK(connect_to(client, "ours") == 0);
		CHECK(talk(server, client) == 0);
		FAILS(connect_to(client, "ours"), EISCONN);
		FAILS(connect_to(server, "ours"), EINVAL);
		CHECK(fcntl(client, F_GETFD) == (types[i] & SOCK_CLOEXEC ? FD_CLOEXEC : 0));
		close(server);
		close(client);
		unlink("ours");
	}
	return 0;
}

static void test_what_is_made_inside_is_reached(void **state)
{
	world_play(state, make_and_use);
	world_recorded_nothing(*state);
}

static int make_by_name(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0broker-calls"};
	socklen_t n = sizeof(sa_family_t) + sizeof("\0broker-calls") - 1;
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(bind(server, (struct sockaddr *)&name, n) == 0 && listen(server, 1) == 0);
	CHECK(connect(client, (struct sockaddr *)&name, n) == 0);
	CHECK(talk(server, client) == 0);
	close(server);
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(server, (struct sockaddr *)&name, sizeof(sa_family_t)) == 0);
	n = sizeof(name);
	CHECK(getsockname(server, (struct sockaddr *)&name, &n) == 0 && n == 8);
	CHECK(listen(server, 1) == 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(connect(client, (struct sockaddr *)&name, n) == 0);
	return talk(server, client);
}

static void test_abstract_names_are_reached_in_a_network_of_ones_own(void **state)
{
	world_play(state, make_by_name);
}

static void test_abstract_names_made_inside_are_reached_in_the_machines_network(void **state)
{
	((struct world *)*state)->broker.has_namespaces = false;
	world_play(state, make_by_name);
	world_recorded_nothing(*state);
}

static int bind_in_vain(void)
{
	const struct sockaddr_un taken = unix_address("taken");
	const struct sockaddr_un ours = unix_address("/proc/self/cwd/magic");
	const struct sockaddr_un none = unix_address("none/name"), slash = unix_address("name/");
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct rlimit limit;

	/* The broker's own directory, not the caller's. */
	FAILS(bind(fd, (const struct sockaddr *)&ours, sizeof(ours)), ELOOP);
	FAILS(access("magic", F_OK), ENOENT);
	FAILS(bind(fd, (const struct sockaddr *)&none, sizeof(none)), ENOENT);
	FAILS(bind(fd, (const struct sockaddr *)&slash, sizeof(slash)), ENOENT);
	FAILS(access("name", F_OK), ENOENT);
	CHECK(mknod("taken", S_IFREG | 0600, 0) == 0);
	FAILS(bind(fd, (const struct sockaddr *)&taken, sizeof(taken)), EADDRINUSE);
	CHECK(access("taken", F_OK) == 0);
	/* Bound, and then not to be put in the stand-in's place. */
	CHECK(unlink("taken") == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = (rlim_t)fd;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	FAILS(bind(fd, (const struct sockaddr *)&taken, sizeof(taken)), EBADF);
	FAILS(access("taken", F_OK), ENOENT);
	return 0;
}

static void test_a_bind_that_fails_leaves_no_file(void **state)
{
	world_play(state, bind_in_vain);
}

/* --- the host's ------------------------------------------------------------------------------ */

static int try_the_host(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), low;

	FAILS(connect_to(fd, host_path), EACCES);
	CHECK(symlink(host_path, "symlink") == 0 && link(host_path, "link") == 0);
	FAILS(connect_to(fd, "symlink"), EACCES);
	FAILS(connect_to(fd, "link"), EACCES);
	FAILS(connect_to(fd, "/proc/self/root/tmp"), EACCES);
	/* By a number that the filter passes, and a length that it does: the kernel refuses. */
	CHECK(rename("link", "0123456789012") == 0);
	low = dup(fd);
	CHECK(low < FILTER_BROKERED_FD);
	{
		const struct sockaddr_un address = unix_address("0123456789012");

		FAILS(connect(low, (const struct sockaddr *)&address, 16), EISCONN);
		FAILS(connect(fd, (const struct sockaddr *)&address, 16), EACCES);
	}
	return 0;
}

static void test_the_hosts_are_refused_by_every_name(void **state)
{
	autoclose int host = listen_as_host();
	struct world *w = *state;
	struct msg_event event;
	struct message m;

	world_play(state, try_the_host);
	assert_nobody_came(host);
	event = world_recorded(w, &m);
	assert_int_equal(event.kind, EVENT_NET_DENIED);
	assert_true(span_equals(event.protocol, "unix"));
	assert_true(span_equals(event.rule, "/sockets"));
	assert_true(span_equals(event.detail, host_path));
	assert_non_null(memmem(event.reason.p, event.reason.n, host_path, strlen(host_path)));
	assert_non_null(memmem(event.exec.p, event.exec.n, "\"pid\"", 5));
}

static int try_abstract_of_host(void)
{
	const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0broker-host"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	FAILS(connect(fd, (const struct sockaddr *)&name, sizeof(sa_family_t) + 12), EACCES);
	FAILS(connect(fd, (const struct sockaddr *)&name, sizeof(name)), EACCES);
	return 0;
}

static void test_abstract_names_of_the_machine_are_refused(void **state)
{
	const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0broker-host"};
	autoclose int host = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct world *w = *state;
	struct message m;

	assert_int_equal(bind(host, (const struct sockaddr *)&name, sizeof(sa_family_t) + 12), 0);
	assert_int_equal(listen(host, 4), 0);
	w->broker.has_namespaces = false;
	world_play(state, try_abstract_of_host);
	assert_nobody_came(host);
	assert_true(span_equals(world_recorded(w, &m).detail, "@broker-host"));
}

static int connect_to_host(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(connect_to(fd, host_path) == 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	FAILS(connect_to(fd, host_path), EPROTOTYPE);
	return 0;
}

static void test_what_the_policy_lists_is_reached_and_recorded(void **state)
{
	const char *const items[] = {"~/host"};
	autoclose int host = listen_as_host();
	struct world *w = *state;
	const struct listed_places places = {w->path, ""};
	struct msg_event event;
	struct message m;

	assert_int_equal(listed_open(&(struct policy_names){items, 1}, &places, &w->broker.listed),
			 0);
	world_play(state, connect_to_host);
	assert_true(accept(host, NULL, NULL) >= 0);
	event = world_recorded(w, &m);
	assert_int_equal(event.kind, EVENT_EGRESS_ALLOWED);
	assert_true(span_equals(event.detail, host_path));
	world_recorded_nothing(w);
}

static int connect_to_nobody(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	FAILS(connect_to(fd, "host"), ECONNREFUSED);
	FAILS(connect_to(fd, "none"), ENOENT);
	FAILS(connect_to(fd, "."), ECONNREFUSED);
	return 0;
}

static void test_where_nobody_listens_nothing_is_refused(void **state)
{
	int host = listen_as_host();

	close(host);
	world_play(state, connect_to_nobody);
	world_recorded_nothing(*state);
}

/* --- numbers ------------------------------------------------------------------------------------
 */

static int few_numbers(void)
{
	const struct rlimit limit = {16, 16};
	int server, client;

	CHECK(close_range(3, ~0u, 0) == 0 && setrlimit(RLIMIT_NOFILE, &limit) == 0);
	server = listen_at(SOCK_STREAM, "ours", 1);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(server >= 0 && server < 16 && client >= 0 && client < 16);
	CHECK(connect_to(client, "ours") == 0);
	while (client >= 0)
		client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(errno == EMFILE);
	return 0;
}

static void test_a_low_limit_gets_low_numbers(void **state)
{
	world_play(state, few_numbers);
}

static int others_sockets(void)
{
	struct sockaddr_un path = unix_address("ours");
	int pair[2], high = FILTER_BROKERED_FD + 100;

	FAILS(connect_to(-1, "ours"), EBADF);
	FAILS(connect_to(high, "ours"), EBADF);
	CHECK(dup2(0, high) == high);
	FAILS(connect_to(high, "ours"), ENOTSOCK);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	FAILS(connect_to(pair[0], "ours"), EISCONN);
	FAILS(bind(pair[0], (struct sockaddr *)&path, sizeof(path)), EINVAL);
	FAILS(connect(pair[0], (struct sockaddr *)8, 110), EFAULT);
	FAILS(connect(pair[0], (struct sockaddr *)&path, 129), EINVAL);
	FAILS(connect(pair[0], (struct sockaddr *)&path, (socklen_t)-1), EINVAL);
	return 0;
}

static void test_what_is_no_standin_is_no_way_either(void **state)
{
	world_play(state, others_sockets);
}

/* --- waiting
 * -------------------------------------------------------------------------------------- */

static int wait_for_room(void)
{
	int server = listen_at(SOCK_STREAM, "ours", 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	const struct timeval short_time = {0, 100000};

	CHECK(server >= 0 && connect_to(client, "ours") == 0 && write(client, ".", 1) == 1);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	FAILS(connect_to(client, "ours"), EAGAIN);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &short_time, sizeof(short_time)) == 0);
	FAILS(connect_to(client, "ours"), EAGAIN);
	if (!fork()) {
		client = socket(AF_UNIX, SOCK_STREAM, 0);
		_exit(connect_to(client, "ours") || write(client, "!", 1) != 1);
	}
	usleep(100000);
	for (const char *expected = ".!"; *expected; expected++) {
		int peer = accept(server, NULL, NULL);
		char byte = 0;

		CHECK(peer >= 0 && read(peer, &byte, 1) == 1 && byte == *expected);
	}
	return 0;
}

static void test_a_full_backlog_is_waited_for_as_the_caller_asked(void **state)
{
	world_play(state, wait_for_room);
}

static int die_waiting(void)
{
	int server = listen_at(SOCK_STREAM, "ours", 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pids[20];

	CHECK(server >= 0 && connect_to(client, "ours") == 0);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i]) {
			client = socket(AF_UNIX, SOCK_STREAM, 0);
			_exit(connect_to(client, "ours") ? 1 : 2);
		}
	}
	usleep(100000);
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		int status;

		CHECK(kill(pids[i], SIGKILL) == 0);
		CHECK(waitpid(pids[i], &status, 0) == pids[i] && WIFSIGNALED(status));
	}
	CHECK(talk(server, client) == 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(connect_to(client, "ours") == 0);
	return talk(server, client);
}

static void test_who_waits_can_be_killed(void **state)
{
	world_play(state, die_waiting);
}

static int be_refused(void)
{
	for (;;) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (fd >= 0)
			close(fd);
		else if (errno != EMFILE)
			return errno == ENFILE ? 0 : __LINE__;
	}
}

/* Without a descriptor of our own for looking at the caller there is an answer all the same. */
static void test_who_cannot_be_looked_at_is_answered(void **state)
{
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	world_begin(*state, be_refused);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	world_end(*state);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		IN_WORLD(test_what_is_made_inside_is_reached),
		IN_WORLD(test_abstract_names_are_reached_in_a_network_of_ones_own),
		IN_WORLD(test_abstract_names_made_inside_are_reached_in_the_machines_network),
		IN_WORLD(test_a_bind_that_fails_leaves_no_file),
		IN_WORLD(test_the_hosts_are_refused_by_every_name),
		IN_WORLD(test_abstract_names_of_the_machine_are_refused),
		IN_WORLD(test_what_the_policy_lists_is_reached_and_recorded),
		IN_WORLD(test_where_nobody_listens_nothing_is_refused),
		IN_WORLD(test_a_low_limit_gets_low_numbers),
		IN_WORLD(test_what_is_no_standin_is_no_way_either),
		IN_WORLD(test_a_full_backlog_is_waited_for_as_the_caller_asked),
		IN_WORLD(test_who_waits_can_be_killed),
		IN_WORLD(test_who_cannot_be_looked_at_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
