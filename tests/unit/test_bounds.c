// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/bounds.h"

#define PID_MAX "/proc/sys/kernel/pid_max"

static struct bounds bounds_of(struct jail_limits asked)
{
	struct bounds bounds = {.asked = asked,
				.kept = asked,
				.pid_max_fd = -1,
				.cgroup = {.fd = -1, .parent_fd = -1}};

	for (int i = 0; i < CGROUP_LIMITS; i++)
		bounds.cgroup.v1[i] = bounds.cgroup.v1_parents[i] = -1;
	return bounds;
}

static void test_layers_name_what_groups_keep(void **state)
{
	struct bounds bounds = bounds_of((struct jail_limits){0});
	char layers[64] = "mounts,processes", few[12] = "mounts";

	(void)state;
	bounds_layers(&bounds, layers, sizeof(layers));
	assert_string_equal(layers, "mounts,processes");
	bounds.cgroup.fd = STDIN_FILENO;
	bounds.cgroup.has[CGROUP_PROCESSES] = bounds.cgroup.has[CGROUP_CPU] = true;
	bounds_layers(&bounds, layers, sizeof(layers));
	assert_string_equal(layers, "mounts,processes,cgroup,cpu");
	/* Cut, never past its end. */
	bounds_layers(&bounds, few, sizeof(few));
	assert_int_equal(strlen(few), sizeof(few) - 1);
}

static void test_what_is_not_kept_is_said(void **state)
{
	static const struct {
		struct jail_limits asked;
		const char *layers, *says; /* NULL: nothing */
	} cases[] = {
		{{0}, "processes", NULL},
		{{0}, "process", "nothing bounds the number of processes"},
		{{.processes = 5}, "", "jail.processes is not in force"},
		{{.processes = 5}, "cgroup,processes", NULL},
		{{.memory = 1}, "processes", "jail.memory bounds each process"},
		{{.memory = 1}, "processes,memory", NULL},
		{{.cpu_milli = 1}, "processes,memory", "jail.cpu is not in force"},
		{{.open_files = 1}, "processes", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bounds bounds = bounds_of(cases[i].asked);
		char said[BOUNDS_TEXT_MAX];
		bool is_unkept = bounds_unkept(&bounds, cases[i].layers, said);

		assert_int_equal(is_unkept, cases[i].says != NULL);
		if (cases[i].says)
			assert_ptr_equal(strstr(said, cases[i].says), said);
		else
			assert_string_equal(said, "");
	}
}

/* In a child: limits cannot be raised again. */
static int bind_and_look(const struct bounds *bounds, int resource, rlim_t *ret)
{
	struct error err = {.where = ""};
	struct rlimit now;
	int said[2], status = -1;
	pid_t pid;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (bounds_bind_agent(bounds, &err) ||
		    getrlimit((__rlimit_resource_t)resource, &now))
			_exit(1);
		_exit(write(said[1], &now, sizeof(now)) != sizeof(now));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(said[0], &now, sizeof(now)), sizeof(now));
	close(said[0]);
	close(said[1]);
	*ret = now.rlim_max;
	return now.rlim_cur <= now.rlim_max ? 0 : -1;
}

static void test_agent_gets_the_limits_that_were_asked_for(void **state)
{
	struct bounds bounds = bounds_of((struct jail_limits){.memory = 1 << 30, .open_files = 33});
	struct rlimit own;
	rlim_t value;

	(void)state;
	assert_int_equal(bind_and_look(&bounds, RLIMIT_NOFILE, &value), 0);
	assert_int_equal(value, 33);
	assert_int_equal(bind_and_look(&bounds, RLIMIT_DATA, &value), 0);
	assert_int_equal(value, 1 << 30);
	getrlimit(RLIMIT_NPROC, &own);
	assert_int_equal(bind_and_look(&bounds, RLIMIT_NPROC, &value), 0);
	assert_int_equal(value, own.rlim_max);
	bounds.nproc = 77;
	assert_int_equal(bind_and_look(&bounds, RLIMIT_NPROC, &value), 0);
	assert_int_equal(value, own.rlim_max < 77 ? own.rlim_max : 77);
	/* Where a group keeps it, each process may have what it can get. */
	getrlimit(RLIMIT_DATA, &own);
	bounds.cgroup.has[CGROUP_MEMORY] = true;
	assert_int_equal(bind_and_look(&bounds, RLIMIT_DATA, &value), 0);
	assert_int_equal(value, own.rlim_max);
	/* More than the caller itself has is not to be had. */
	getrlimit(RLIMIT_NOFILE, &own);
	bounds.asked.open_files = (uint64_t)own.rlim_max + 5;
	assert_int_equal(bind_and_look(&bounds, RLIMIT_NOFILE, &value), 0);
	assert_int_equal(value, own.rlim_max);
}

static void read_pid_max(char ret[32])
{
	autoclose int fd = open(PID_MAX, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, ret, 31);

	assert_true(n > 0);
	ret[n] = '\0';
}

/* A failure of this test must not be one of the machine. */
static void restore_pid_max(const char *before)
{
	autoclose int fd = open(PID_MAX, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, before, strlen(before));
}

/* Without a pid namespace of one's own it is the machine's, which root could write. */
static void test_pid_max_of_the_machine_is_not_written(void **state)
{
	struct bounds bounds = bounds_of((struct jail_limits){.processes = 100000});
	char before[32], after[32];
	pid_t pid;
	int status = -1;

	(void)state;
	read_pid_max(before);
	bounds.pid_max_fd = open(PID_MAX, O_RDONLY | O_CLOEXEC);
	assert_true(bounds.pid_max_fd >= 0);
	/* In a child, whose oom_score_adj it also sets. */
	pid = fork();
	if (!pid)
		_exit(bounds_bind_jail(&bounds) ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	read_pid_max(after);
	close(bounds.pid_max_fd);
	restore_pid_max(before);
	assert_string_equal(after, before);
}

static void test_processes_are_bounded_without_being_asked_for(void **state)
{
	const struct jail_spec spec = {.run_id = "unit-bounds"};
	struct bounds bounds;

	(void)state;
	bounds_prepare(&spec, &bounds);
	assert_int_equal(bounds.kept.processes, BOUNDS_PROCESSES);
	assert_true(bounds.kept.memory > 0);
	assert_int_equal(bounds.asked.memory, 0);
	/* By one way or another; that of a jail of its own needs no privilege. */
	assert_true(bounds.cgroup.has[CGROUP_PROCESSES] || bounds.pid_max_fd >= 0 || bounds.nproc);
	assert_int_equal(bounds_end(&bounds, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layers_name_what_groups_keep),
		cmocka_unit_test(test_what_is_not_kept_is_said),
		cmocka_unit_test(test_agent_gets_the_limits_that_were_asked_for),
		cmocka_unit_test(test_pid_max_of_the_machine_is_not_written),
		cmocka_unit_test(test_processes_are_bounded_without_being_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
