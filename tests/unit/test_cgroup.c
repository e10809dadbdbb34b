// SPDX-License-Identifier: Apache-2.0
/*
 * Groups are made for real where the caller may make some; who may not gets none, and no error.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/cgroup.h"
#include "jail/bounds/cgroup_find.h"

static const char hybrid[] =
	"9:name=systemd:/\n4:memory:/a b/c:d\n1:cpu,cpuacct:/x\n0::/user.slice\n";

static void test_path_finds_each_hierarchy(void **state)
{
	static const struct {
		const char *text, *controller;
		int result;
		const char *list, *path;
	} cases[] = {
		{hybrid, "", 0, "", "/user.slice"},
		{hybrid, "memory", 0, "memory", "/a b/c:d"},
		{hybrid, "cpu", 0, "cpu,cpuacct", "/x"},
		{hybrid, "cpuacct", 0, "cpu,cpuacct", "/x"},
		{hybrid, "systemd", -ENOENT, NULL, NULL},
		{hybrid, "pids", -ENOENT, NULL, NULL},
		{"0::/", "", 0, "", "/"},
		{"4:memory:/x\n", "", -ENOENT, NULL, NULL},
		{"", "", -ENOENT, NULL, NULL},
		{"nonsense\n\n:\n0:\n0::\n", "memory", -ENOENT, NULL, NULL},
		{"nonsense\n\n:\n0:\n0::\n", "", 0, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char list[64] = "?", path[64] = "?";

		assert_int_equal(
			cgroup_path(cases[i].text, cases[i].controller, list, path, sizeof(list)),
			cases[i].result);
		assert_string_equal(list, cases[i].list ? cases[i].list : "?");
		assert_string_equal(path, cases[i].path ? cases[i].path : "?");
	}
}

static void test_path_is_never_cut(void **state)
{
	char list[8], path[8];

	(void)state;
	assert_int_equal(cgroup_path("0::/1234567\n", "", list, path, 8), -ENAMETOOLONG);
	assert_int_equal(cgroup_path("0::/123456\n", "", list, path, 8), 0);
	assert_int_equal(cgroup_path("1:pids,long:/\n", "pids", list, path, 8), -ENAMETOOLONG);
}

/* A child that forks until it cannot, once it is let go. */
static pid_t start_forker(int *ret_go, int *ret_count)
{
	int go[2], count[2];
	pid_t pid;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(count), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		unsigned char n = 0;

		/* A failure of the test must not leave it behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		if (read(go[0], &n, 1) == 1)
			for (n = 0; n < 50; n++) {
				pid_t child = fork();

				if (child < 0)
					break;
				if (!child) {
					prctl(PR_SET_PDEATHSIG, SIGKILL);
					pause();
					_exit(0);
				}
			}
		if (write(count[1], &n, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(go[0]);
	close(count[1]);
	*ret_go = go[1];
	*ret_count = count[0];
	return pid;
}

static void test_group_bounds_and_ends_what_is_placed_in_it(void **state)
{
	const struct cgroup_wish wish = {.values = {[CGROUP_PROCESSES] = 10},
					 .in_v1 = {[CGROUP_PROCESSES] = true}};
	struct cgroup cgroup;
	unsigned char n = 0;
	int go, count, status = 0;
	pid_t pid;

	(void)state;
	cgroup_make("unit-test", &wish, &cgroup);
	if (cgroup.fd < 0) {
		/* Who may not make groups is told by their absence, and ends nothing. */
		assert_false(cgroup.has[CGROUP_PROCESSES]);
		assert_int_equal(cgroup_end(&cgroup, 0), 0);
		return;
	}
	pid = start_forker(&go, &count);
	assert_int_equal(cgroup_place(&cgroup, pid), 0);
	assert_true(cgroup_lists(cgroup.fd, pid));
	assert_int_equal(cgroup_place(&cgroup, pid), 0);
	assert_int_equal(write(go, "", 1), 1);
	assert_int_equal(read(count, &n, 1), 1);
	if (cgroup.has[CGROUP_PROCESSES])
		assert_int_equal(n, 9);
	else
		assert_int_equal(n, 50);
	assert_int_equal(cgroup_end(&cgroup, 3000), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* Harmless to repeat. */
	cgroup_kill(&cgroup);
	assert_int_equal(cgroup_end(&cgroup, 0), 0);
	close(go);
	close(count);
}

/* One that is in use stays; one that its run has left behind is taken away by the next. */
static void test_making_removes_what_was_left(void **state)
{
	const struct cgroup_wish none = {.values = {0}};
	struct cgroup used, left, next;
	int parent;

	(void)state;
	cgroup_make("unit-used", &none, &used);
	cgroup_make("unit-left", &none, &left);
	if (left.fd < 0)
		return;
	close(left.fd);
	parent = left.parent_fd;
	cgroup_make("unit-next", &none, &next);
	assert_int_equal(faccessat(parent, "mcpjail-unit-left", F_OK, 0), -1);
	assert_int_equal(faccessat(parent, "mcpjail-unit-used", F_OK, 0), 0);
	assert_int_equal(cgroup_end(&next, 0), 0);
	assert_int_equal(cgroup_end(&used, 0), 0);
	assert_int_equal(faccessat(parent, "mcpjail-unit-used", F_OK, 0), -1);
	close(parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_finds_each_hierarchy),
		cmocka_unit_test(test_path_is_never_cut),
		cmocka_unit_test(test_group_bounds_and_ends_what_is_placed_in_it),
		cmocka_unit_test(test_making_removes_what_was_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
