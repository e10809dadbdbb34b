// SPDX-License-Identifier: Apache-2.0
/*
 * The programs are loaded where the caller may load some: root. Others are told why not, and the
 * rest of the tests work on a table as a program would write it.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "bpf/wall.h"
#include "jail/cgroup.h"

#include "../../bpf/wall_maps.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* --- the table --------------------------------------------------------------------------- */

struct table {
	int fd;
	struct wall_owners_map *map;
	struct wall_owners *view;
};

static void table_make(struct table *t)
{
	t->fd = memfd_create("owners", MFD_CLOEXEC);
	assert_int_equal(ftruncate(t->fd, sizeof(*t->map)), 0);
	t->map = mmap(NULL, sizeof(*t->map), PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	assert_ptr_not_equal(t->map, MAP_FAILED);
	assert_int_equal(wall_owners_open(t->fd, &t->view), 0);
}

static void table_free(struct table *t)
{
	wall_owners_close(t->view);
	munmap(t->map, sizeof(*t->map));
	close(t->fd);
}

static void test_owner_is_found_by_its_cookie_alone(void **state)
{
	struct wall_slot *slot;
	struct wall_owner owner;
	struct table t;

	(void)state;
	table_make(&t);
	assert_int_equal(wall_owner_of(t.view, 0, &owner), -ENOENT);
	assert_int_equal(wall_owner_of(t.view, 5, &owner), -ENOENT);
	slot = &t.map->slots[5];
	*slot = (struct wall_slot){.sequence = 2, .cookie = 5, .at_ns = 77, .pid = 8, .tid = 9};
	memset(slot->comm, 'x', sizeof(slot->comm));
	assert_int_equal(wall_owner_of(t.view, 5, &owner), 0);
	assert_int_equal(owner.pid, 8);
	assert_int_equal(owner.tid, 9);
	assert_int_equal(owner.at_ns, 77);
	assert_int_equal(strlen(owner.comm), WALL_NAME_MAX - 1);
	/* Another socket of the same slot. */
	assert_int_equal(wall_owner_of(t.view, 5 + WALL_OWNER_SLOTS, &owner), -ENOENT);
	/* Half-written. */
	slot->sequence = 3;
	assert_int_equal(wall_owner_of(t.view, 5, &owner), -ENOENT);
	table_free(&t);
}

/* A writer that never rests: what is read is always one of the things it wrote. */
static void test_owner_is_never_a_mixture(void **state)
{
	struct table t;
	pid_t writer;

	(void)state;
	table_make(&t);
	t.map->slots[1] = (struct wall_slot){.cookie = 1};
	writer = fork();
	assert_true(writer >= 0);
	for (uint32_t i = 1; !writer; i++) {
		struct wall_slot *slot = &t.map->slots[1];

		__atomic_add_fetch(&slot->sequence, 1, __ATOMIC_ACQ_REL);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		((volatile struct wall_slot *)slot)->at_ns = i;
		((volatile struct wall_slot *)slot)->pid = i;
		((volatile struct wall_slot *)slot)->tid = i;
		__atomic_add_fetch(&slot->sequence, 1, __ATOMIC_ACQ_REL);
	}
	for (uint64_t until = clock_mono_ms() + 200; clock_mono_ms() < until;) {
		struct wall_owner owner;

		if (wall_owner_of(t.view, 1, &owner))
			continue;
		assert_int_equal(owner.pid, owner.tid);
		assert_int_equal((uint32_t)owner.at_ns, (uint32_t)owner.pid);
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	table_free(&t);
}

static void test_counts_have_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < WALL_COUNTS; i++)
		assert_true(wall_count_name(i)[0]);
	assert_string_equal(wall_count_name(WALL_COUNTS), "");
}

/* --- the programs --------------------------------------------------------------------------- */

/* What a child in the group found; its socket's cookie is looked up while it lives. */
struct attempt {
	int error;
	uint64_t cookie;
	pid_t tid;
};

static int listen_on_loopback(struct sockaddr_in *ret)
{
	socklen_t size = sizeof(*ret);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	assert_int_equal(bind(fd, (struct sockaddr *)ret, size), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &size), 0);
	return fd;
}

static void connect_in_group(const struct cgroup *cgroup, const struct sockaddr_in *to,
			     struct attempt *ret)
{
	int go[2], said[2];
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(said), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct attempt found = {.tid = getpid()};
		socklen_t size = sizeof(found.cookie);
		char byte;
		int fd;

		if (read(go[0], &byte, 1) != 1)
			_exit(1);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
			found.error = errno;
		getsockopt(fd, SOL_SOCKET, SO_COOKIE, &found.cookie, &size);
		_exit(write(said[1], &found, sizeof(found)) != sizeof(found));
	}
	assert_int_equal(cgroup_place(cgroup, pid), 0);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(read(said[0], ret, sizeof(*ret)), sizeof(*ret));
	waitpid(pid, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(said[i]);
	}
}

static void check_rules(struct wall *wall, const struct cgroup *cgroup)
{
	autoclose int server = -1;
	struct wall_rules rules = {.refuses_unix = true};
	struct error err = {.where = ""};
	struct wall_owners *owners;
	struct wall_owner owner;
	struct sockaddr_in address;
	struct attempt attempt;
	uint64_t counts[WALL_COUNTS];

	server = listen_on_loopback(&address);
	assert_int_equal(wall_netns_cookie(server, &rules.jail_netns), 0);
	rules.host_netns = rules.jail_netns;
	assert_int_equal(wall_owners_open(wall_owners_fd(wall), &owners), 0);

	/* This network as the jail's: allowed, and its owner is known. */
	assert_int_equal(wall_attach(wall, cgroup->fd, &rules, &err), 0);
	connect_in_group(cgroup, &address, &attempt);
	assert_int_equal(attempt.error, 0);
	assert_int_equal(wall_owner_of(owners, attempt.cookie, &owner), 0);
	assert_int_equal(owner.pid, attempt.tid);
	assert_int_equal(owner.tid, attempt.tid);
	assert_true(owner.at_ns <= clock_ns(CLOCK_BOOTTIME));
	assert_true(owner.at_ns + 60000000000u > clock_ns(CLOCK_BOOTTIME));
	assert_string_equal(owner.comm, "test_wall");
	assert_int_equal(wall_count(wall, counts), 0);
	assert_int_equal(counts[WALL_HOOK_CONNECT], 0);
	wall_owners_close(owners);
}

static void check_other_network(struct wall *wall, const struct cgroup *cgroup)
{
	autoclose int server = -1;
	struct wall_rules rules = {.jail_netns = 1};
	struct error err = {.where = ""};
	struct sockaddr_in address;
	struct attempt attempt;
	uint64_t counts[WALL_COUNTS];

	server = listen_on_loopback(&address);
	assert_int_equal(wall_netns_cookie(server, &rules.host_netns), 0);
	rules.jail_netns = rules.host_netns + 1;
	rules.allows_own_networks = true;
	assert_int_equal(wall_attach(wall, cgroup->fd, &rules, &err), 0);
	connect_in_group(cgroup, &address, &attempt);
	assert_int_not_equal(attempt.error, 0);
	assert_int_equal(wall_count(wall, counts), 0);
	assert_int_equal(counts[WALL_HOOK_CONNECT], 1);
}

/* As in a nested sandbox: a network that is neither the jail's nor the host's. */
static void check_nested_network(struct wall *wall, const struct cgroup *cgroup)
{
	autoclose int server = -1;
	struct wall_rules rules = {.allows_own_networks = true};
	struct error err = {.where = ""};
	struct sockaddr_in address, elsewhere;
	struct attempt attempt;

	server = listen_on_loopback(&address);
	assert_int_equal(wall_netns_cookie(server, &rules.host_netns), 0);
	rules.jail_netns = rules.host_netns + 1;
	rules.host_netns += 2;
	assert_int_equal(wall_attach(wall, cgroup->fd, &rules, &err), 0);
	connect_in_group(cgroup, &address, &attempt);
	assert_int_equal(attempt.error, 0);
	/* No way leads there, of which this is not the error. */
	elsewhere = (struct sockaddr_in){.sin_family = AF_INET,
					 .sin_addr = {htonl(INADDR_BROADCAST)},
					 .sin_port = address.sin_port};
	connect_in_group(cgroup, &elsewhere, &attempt);
	assert_true(attempt.error == ECONNREFUSED || attempt.error == EPERM);
}

static void test_wall_stops_and_tells_by_network(void **state)
{
	static void (*const checks[])(struct wall *, const struct cgroup *) = {
		check_rules, check_other_network, check_nested_network};
	const struct cgroup_wish none = {.values = {0}};
	struct cgroup cgroup;

	(void)state;
	cgroup_make("unit-wall", &none, &cgroup);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct wall *wall = NULL;
		struct error err = {.where = ""};
		int r = wall_load(&wall, &err);

		if (geteuid()) {
			assert_true(r == -EPERM || r == -EACCES);
			assert_non_null(strstr(err.mend, "root"));
		} else {
			assert_int_equal(r, 0);
			checks[i](wall, &cgroup);
		}
		wall_free(wall);
	}
	assert_int_equal(cgroup_end(&cgroup, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner_is_found_by_its_cookie_alone),
		cmocka_unit_test(test_owner_is_never_a_mixture),
		cmocka_unit_test(test_counts_have_names),
		cmocka_unit_test(test_wall_stops_and_tells_by_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
