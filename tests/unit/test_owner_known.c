// SPDX-License-Identifier: Apache-2.0
/* What is told of a process again, and what is read anew, over what looks like /proc. */
#include "broker/owner_internal.h"

#include <errno.h>

#include "fake_proc.h"

#define INIT 10

static void replace_link(struct fake_proc *proc, const char *name, const char *to)
{
	unlinkat(proc->fd, name, 0);
	assert_int_equal(symlinkat(to, proc->fd, name), 0);
}

static int write_known(struct owner_known *k, struct fake_proc *proc, char *ret, size_t size)
{
	const struct owner_sources sources = {
		.proc_fd = proc->fd, .diag_fd = -1, .root_fd = -1, .init = INIT};
	autobuf struct buf b = BUF_INIT(IPC_EXEC_MAX);
	int r = owner_known_write(k, &sources, &b);

	snprintf(ret, size, "%.*s", (int)b.len, b.len ? (char *)b.data : "");
	return r;
}

/* One change after the other, each of which is told or not. */
static void test_what_another_image_is_is_read_anew(void **state)
{
	struct fake_proc *proc = *state;
	struct fake_process p = {40, 20, NULL, "/bin/c", "old", 4, 5, 1, 0};
	char json[IPC_EXEC_MAX + 1];
	struct owner_known k;

	fake_process(proc, &(struct fake_process){20, INIT, NULL, "/bin/p", NULL, 0, 1, 1, 0});
	fake_process(proc, &(struct fake_process){30, INIT, NULL, "/bin/r", NULL, 0, 1, 1, 0});
	fake_process(proc, &p);
	assert_int_equal(owner_known_open(&k, proc->fd, 40), 0);
	assert_int_equal(write_known(&k, proc, json, sizeof(json)), 0);
	assert_non_null(strstr(json, "\"argv\":[\"old\"]"));
	assert_non_null(strstr(json, "\"exe\":\"/bin/p\"}]}"));

	/* Rewritten by itself: the same image. */
	fake_write(proc, 40, "cmdline", "new", 4);
	replace_link(proc, "20/exe", "/bin/q");
	assert_int_equal(write_known(&k, proc, json, sizeof(json)), 0);
	assert_non_null(strstr(json, "\"argv\":[\"old\"]"));
	assert_non_null(strstr(json, "\"exe\":\"/bin/p\"}]}"));

	/* Its time is over. */
	k.until_ns = 1;
	assert_int_equal(write_known(&k, proc, json, sizeof(json)), 0);
	assert_non_null(strstr(json, "\"argv\":[\"new\"]"));
	assert_non_null(strstr(json, "\"exe\":\"/bin/q\"}]}"));

	/* Other addresses: it executed something, maybe the same program. */
	p.image = 2;
	fake_stat(proc, &p);
	fake_write(proc, 40, "cmdline", "other", 6);
	assert_int_equal(write_known(&k, proc, json, sizeof(json)), 0);
	assert_non_null(strstr(json, "\"argv\":[\"other\"]"));

	/* Another program at the same addresses, as without their randomization. */
	replace_link(proc, "40/exe", "/bin/d");
	assert_int_equal(write_known(&k, proc, json, sizeof(json)), 0);
	assert_non_null(strstr(json, "\"exe\":\"/bin/d\",\"argv\""));

	/* Its parent ended. */
	p.parent = 30;
	fake_stat(proc, &p);
	assert_int_equal(write_known(&k, proc, json, sizeof(json)), 0);
	assert_non_null(strstr(json, "\"parents\":[{\"pid\":30,"));

	p.state = 'Z';
	fake_stat(proc, &p);
	assert_int_equal(write_known(&k, proc, json, sizeof(json)), -ESRCH);
	assert_string_equal(json, "");
	owner_known_close(&k);
}

static void test_a_long_path_is_never_taken_for_the_same(void **state)
{
	struct fake_proc *proc = *state;
	char path[OWNER_EXE_KEPT + 20] = "/", json[IPC_EXEC_MAX + 1];
	struct owner_known k;

	memset(path + 1, 'e', sizeof(path) - 2);
	fake_process(proc, &(struct fake_process){40, INIT, NULL, path, "old", 4, 5, 1, 0});
	assert_int_equal(owner_known_open(&k, proc->fd, 40), 0);
	assert_int_equal(write_known(&k, proc, json, sizeof(json)), 0);
	path[sizeof(path) - 2] = 'f';
	replace_link(proc, "40/exe", path);
	assert_int_equal(write_known(&k, proc, json, sizeof(json)), 0);
	assert_non_null(strstr(json, "ef\",\"argv\""));
	owner_known_close(&k);
}

static void test_none_is_opened_of_one_that_is_not_there(void **state)
{
	struct fake_proc *proc = *state;
	struct owner_known k;

	assert_int_equal(owner_known_open(&k, proc->fd, 40), -ESRCH);
	assert_int_equal(k.pid, 0);
}

#define WITH_PROC(test) cmocka_unit_test_setup_teardown(test, fake_proc_new, fake_proc_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PROC(test_what_another_image_is_is_read_anew),
		WITH_PROC(test_a_long_path_is_never_taken_for_the_same),
		WITH_PROC(test_none_is_opened_of_one_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
