// SPDX-License-Identifier: Apache-2.0
/* The jail's processes and their descriptors, over a directory that looks like /proc. */
#include "broker/owner_internal.h"

#include <errno.h>

#include "base/clock.h"
#include "fake_proc.h"

#define INIT 10

static void make(struct fake_proc *proc, int pid, int parent, const char *children)
{
	fake_process(proc, &(struct fake_process){.pid = pid, .parent = parent, .start = 1});
	fake_children(proc, pid, pid, children);
}

static struct owner_walk *walk_new(struct fake_proc *proc)
{
	struct owner_walk *w = calloc(1, sizeof(*w));

	w->proc_fd = proc->fd;
	w->until_ns = clock_ns(CLOCK_MONOTONIC) + 5000000000u;
	return w;
}

static void expect(const struct owner_walk *w, const char *expected)
{
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < w->n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%d ", w->pids[i]);
	assert_string_equal(text, expected);
}

static void test_descendants_are_found(void **state)
{
	struct owner_walk *w = walk_new(*state);

	make(*state, INIT, 9, "20 21 ");
	make(*state, 20, INIT, "30 ");
	make(*state, 21, INIT, "");
	make(*state, 30, 20, "40 ");
	make(*state, 40, 30, "");
	make(*state, 50, 9, ""); /* a stranger */
	for (int again = 0; again < 2; again++) {
		owner_walk_begin(w, INIT);
		owner_walk_on(w, INIT, false);
		expect(w, "20 21 30 40 ");
		assert_false(w->is_cut);
	}
	free(w);
}

static void test_children_of_any_thread_are_found_at_the_second_look(void **state)
{
	struct owner_walk *w = walk_new(*state);

	make(*state, INIT, 9, "20 ");
	make(*state, 20, INIT, "");
	fake_children(*state, 20, 25, "30 ");
	make(*state, 30, 20, "31 ");
	make(*state, 31, 30, "");
	owner_walk_begin(w, INIT);
	owner_walk_on(w, INIT, false);
	expect(w, "20 ");
	owner_walk_on(w, INIT, true);
	expect(w, "20 30 31 ");
	free(w);
}

static void test_a_kernel_without_lists_of_children_is_asked_otherwise(void **state)
{
	struct fake_proc *proc = *state;
	struct owner_walk *w = walk_new(proc);

	fake_process(proc, &(struct fake_process){.pid = INIT, .parent = 9, .start = 1});
	fake_process(proc, &(struct fake_process){.pid = 20, .parent = INIT, .start = 1});
	fake_process(proc, &(struct fake_process){.pid = 30, .parent = 20, .start = 1});
	fake_process(proc, &(struct fake_process){.pid = 50, .parent = 9, .start = 1});
	/* One whose parents are a circle, as no kernel says. */
	fake_process(proc, &(struct fake_process){.pid = 60, .parent = 61, .start = 1});
	fake_process(proc, &(struct fake_process){.pid = 61, .parent = 60, .start = 1});
	owner_walk_begin(w, INIT);
	assert_int_equal(w->n, 2);
	assert_int_equal(w->pids[0] + w->pids[1], 50);
	free(w);
}

static void test_more_processes_than_are_looked_at_are_told(void **state)
{
	struct owner_walk *w = walk_new(*state);
	char *children = calloc(OWNER_PROCESSES_MAX + 10, 8);
	size_t used = 0;

	for (int i = 0; i < OWNER_PROCESSES_MAX; i++)
		used += (size_t)sprintf(children + used, "%d ", 1000 + i);
	make(*state, INIT, 9, children);
	owner_walk_begin(w, INIT);
	assert_int_equal(w->n, OWNER_PROCESSES_MAX);
	assert_int_equal(w->pids[OWNER_PROCESSES_MAX - 1], 1000 + OWNER_PROCESSES_MAX - 1);
	assert_false(w->is_cut);
	sprintf(children + used, "%d ", 999999);
	fake_children(*state, INIT, INIT, children);
	owner_walk_begin(w, INIT);
	assert_int_equal(w->n, OWNER_PROCESSES_MAX);
	assert_true(w->is_cut);
	free(children);
	free(w);
}

static void test_no_time_is_no_walk(void **state)
{
	struct owner_walk *w = walk_new(*state);
	struct owner_held held[OWNER_HELD_MAX] = {{0}};

	make(*state, INIT, 9, "20 ");
	make(*state, 20, INIT, "");
	for (int fd = 0; fd < 200; fd++)
		fake_fd(*state, 20, fd, "/dev/null");
	fake_fd(*state, 20, 200, "socket:[77]");
	w->until_ns = 1;
	assert_int_equal(owner_scan_process(w, 20, 77, held), -EAGAIN);
	owner_walk_begin(w, INIT);
	owner_walk_on(w, INIT, true);
	assert_int_equal(w->n, 0);
	assert_true(w->is_cut);
	free(w);
}

static void test_the_descriptor_is_found_and_others_remembered(void **state)
{
	struct fake_proc *proc = *state;
	struct owner_walk *w = walk_new(proc);
	struct owner_held held[OWNER_HELD_MAX] = {{0}};
	int fd;

	make(proc, 20, INIT, "");
	fake_fd(proc, 20, 0, "/dev/null");
	fake_fd(proc, 20, 1, "pipe:[77]");
	fake_fd(proc, 20, 2, "/home/x/socket:[77]");
	fake_fd(proc, 20, 3, "socket:[78]");
	fake_fd(proc, 20, 4, "socket:[7]");
	assert_int_equal(owner_scan_process(w, 20, 77, held), -ENOENT);
	assert_int_equal(held[78].inode, 78);
	assert_int_equal(held[78].pid, 20);
	assert_int_equal(held[78].fd, 3);
	fake_fd(proc, 20, 1001, "socket:[77]");
	assert_int_equal(owner_scan_process(w, 20, 77, held), 1001);
	assert_int_equal(owner_scan_process(w, 99, 77, held), -ESRCH);
	fd = owner_open_process(proc->fd, 20);
	assert_true(owner_holds(fd, 1001, 77));
	assert_false(owner_holds(fd, 1, 77));
	assert_false(owner_holds(fd, 5, 77));
	close(fd);
	free(w);
}

#define WITH_PROC(test) cmocka_unit_test_setup_teardown(test, fake_proc_new, fake_proc_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROC(test_descendants_are_found),
		WITH_PROC(test_children_of_any_thread_are_found_at_the_second_look),
		WITH_PROC(test_a_kernel_without_lists_of_children_is_asked_otherwise),
		WITH_PROC(test_more_processes_than_are_looked_at_are_told),
		WITH_PROC(test_no_time_is_no_walk),
		WITH_PROC(test_the_descriptor_is_found_and_others_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
