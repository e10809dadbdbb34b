// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "broker/inet_internal.h"
#include "cmocka_all.h"

static struct in6_addr parse(const char *text)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

static void test_addresses_are_told_apart(void **state)
{
	static const struct {
		const char *address;
		bool any, loopback, many;
	} rows[] = {
		{"::", true, false, false},
		{"::ffff:0.0.0.0", true, false, true},
		{"::1", false, true, false},
		{"::ffff:127.0.0.1", false, true, false},
		{"::ffff:127.255.0.1", false, true, false},
		{"::ffff:128.0.0.1", false, false, false},
		{"::127.0.0.1", false, false, false},
		{"::2", false, false, false},
		{"::ffff:0.1.2.3", false, false, true},
		{"::ffff:224.0.0.1", false, false, true},
		{"::ffff:255.255.255.255", false, false, true},
		{"::ffff:223.255.255.255", false, false, false},
		{"ff02::1", false, false, true},
		{"fe80::1", false, false, false},
		{"2001:db8::1", false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct in6_addr address = parse(rows[i].address);

		assert_int_equal(inet_is_any(&address), rows[i].any);
		assert_int_equal(inet_is_loopback(&address), rows[i].loopback);
		assert_int_equal(inet_is_for_many(&address), rows[i].many);
	}
}

static struct caller_address given(int family, size_t n)
{
	struct caller_address address = {.n = (socklen_t)n};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(81)};

	v4.sin_addr.s_addr = htonl(0xc0000201);
	v6.sin6_addr = parse("2001:db8::1");
	if (family == AF_INET)
		memcpy(address.bytes, &v4, sizeof(v4));
	else if (family == AF_INET6)
		memcpy(address.bytes, &v6, sizeof(v6));
	else
		address.head.sa_family = (sa_family_t)family;
	return address;
}

static void test_addresses_are_read_as_the_kernel_reads_them(void **state)
{
	static const struct {
		int family;
		size_t n;
		int socket, r;
		const char *text;
		uint16_t port;
	} rows[] = {
		{AF_INET, 16, AF_INET, 0, "192.0.2.1", 80},
		{AF_INET, 128, AF_INET, 0, "192.0.2.1", 80},
		{AF_INET, 15, AF_INET, -EINVAL, NULL, 0},
		{AF_INET6, 28, AF_INET6, 0, "2001:db8::1", 81},
		{AF_INET6, 24, AF_INET6, 0, "2001:db8::1", 81},
		{AF_INET6, 23, AF_INET6, -EINVAL, NULL, 0},
		{AF_INET6, 28, AF_INET, -EAFNOSUPPORT, NULL, 0},
		{AF_INET, 16, AF_INET6, -EAFNOSUPPORT, NULL, 0},
		{AF_UNIX, 110, AF_INET, -EAFNOSUPPORT, NULL, 0},
		{AF_UNSPEC, 16, AF_INET, -EAFNOSUPPORT, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct caller_address address = given(rows[i].family, rows[i].n);
		struct inet_end end = {.port = 7};
		char text[INET6_ADDRSTRLEN];

		assert_int_equal(inet_end_of(&address, rows[i].socket, &end), rows[i].r);
		assert_int_equal(end.port, rows[i].r ? 7 : rows[i].port);
		if (rows[i].r)
			continue;
		inet_text(&end.address, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void test_addresses_become_names_of_sockets(void **state)
{
	const struct inet_end v4 = {inet_loopback(true), 4000}, v6 = {inet_loopback(false), 4001};
	union inet_name name;

	(void)state;
	assert_int_equal(inet_name_of(&v4, AF_INET, &name), sizeof(struct sockaddr_in));
	assert_int_equal(ntohl(name.v4.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(ntohs(name.v4.sin_port), 4000);
	assert_int_equal(inet_name_of(&v4, AF_INET6, &name), sizeof(struct sockaddr_in6));
	assert_true(IN6_IS_ADDR_V4MAPPED(&name.v6.sin6_addr));
	assert_int_equal(inet_name_of(&v6, AF_INET6, &name), sizeof(struct sockaddr_in6));
	assert_true(IN6_IS_ADDR_LOOPBACK(&name.v6.sin6_addr));
	assert_int_equal(inet_name_of(&v6, AF_INET, &name), 0);
}

static void test_datagrams_are_held_by_the_kernel(void **state)
{
	struct error err = {.what = ""};

	(void)state;
	assert_int_equal(inet_try_datagrams(&err), 0);
	assert_string_equal(err.what, "");
}

/* Sockets are known by inode, also once the other end has gone; the table is emptied of those. */
static void test_sockets_are_kept_until_nobody_has_them(void **state)
{
	const struct inet_facts facts = {.proxy_port = 1, .proc_fd = -1};
	struct inet *inet = NULL;
	struct inet_socket s;
	struct error err;
	uint64_t inode = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(inet_new(&facts, &inet, &err), 0);
	assert_false(inet_has(inet, 0));
	assert_int_equal(inet_add(inet, fd, AF_INET, SOCK_STREAM, &inode), 0);
	assert_true(inet_has(inet, inode));
	/* One that was not given to the agent yet is nowhere open but here, and stays. */
	inet_collect(inet);
	assert_true(inet_has(inet, inode));
	inet_gave(inet, inode);
	assert_int_equal(inet_hold(inet, inode, &s), 0);
	assert_int_equal(s.type, SOCK_STREAM);
	close(s.fd);
	inet_collect(inet);
	assert_false(inet_has(inet, inode));
	assert_int_equal(inet_hold(inet, inode, &s), -ENOENT);
	inet_free(inet);
}

struct holder {
	struct inet *inet;
	uint64_t inode;
	atomic_int outcome;
};

static void *hold(void *arg)
{
	struct holder *h = arg;
	struct inet_socket s;
	int r = inet_hold(h->inet, h->inode, &s);

	if (!r)
		close(s.fd);
	atomic_store(&h->outcome, r);
	return NULL;
}

/*
 * The agent may be quicker than what gives it a socket: its next call waits, so that nothing of
 * ours keeps what it closes then. One that was never given is nobody's.
 */
static void test_calls_wait_until_their_socket_is_given(void **state)
{
	static const struct {
		void (*settle)(struct inet *inet, uint64_t inode);
		int outcome;
	} rows[] = {{inet_gave, 0}, {inet_drop, -ENOENT}};
	const struct inet_facts facts = {.proxy_port = 1, .proc_fd = -1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct holder h = {.outcome = 1};
		struct error err;
		pthread_t thread;

		assert_int_equal(inet_new(&facts, &h.inet, &err), 0);
		assert_int_equal(inet_add(h.inet, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
					  AF_INET, SOCK_STREAM, &h.inode),
				 0);
		assert_int_equal(pthread_create(&thread, NULL, hold, &h), 0);
		usleep(50000);
		assert_int_equal(atomic_load(&h.outcome), 1);
		rows[i].settle(h.inet, h.inode);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_int_equal(atomic_load(&h.outcome), rows[i].outcome);
		inet_free(h.inet);
	}
}

static void test_more_sockets_than_there_is_room_for_are_refused(void **state)
{
	const struct inet_facts facts = {.proxy_port = 1, .proc_fd = -1};
	struct inet *inet = NULL;
	struct error err;
	uint64_t inode;
	int r = 0, n = 0;

	(void)state;
	assert_int_equal(inet_new(&facts, &inet, &err), 0);
	while (!r && n <= INET_SOCKETS_MAX) {
		autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		r = inet_add(inet, fd, AF_INET, SOCK_STREAM, &inode);
		n += !r;
		if (!r)
			fd_take(&fd);
	}
	assert_int_equal(r, -ENFILE);
	assert_int_equal(n, INET_SOCKETS_MAX);
	inet_free(inet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_are_told_apart),
		cmocka_unit_test(test_addresses_are_read_as_the_kernel_reads_them),
		cmocka_unit_test(test_addresses_become_names_of_sockets),
		cmocka_unit_test(test_datagrams_are_held_by_the_kernel),
		cmocka_unit_test(test_sockets_are_kept_until_nobody_has_them),
		cmocka_unit_test(test_calls_wait_until_their_socket_is_given),
		cmocka_unit_test(test_more_sockets_than_there_is_room_for_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
