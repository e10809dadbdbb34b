// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/files/devices.h"

enum { FINE = 0, TAKEN = 10, NOT_EMPTY, CLOSED_OTHERS };

/*
 * In a user namespace of its own, whose owner has no say over the mounts, nothing can be
 * cloned: the first device fails.
 */
static int take_without_rights(void)
{
	struct devices devices;
	struct error err = {{0}, {0}, {0}};

	memset(&devices, 0, sizeof(devices));
	if (unshare(CLONE_NEWUSER) < 0 && geteuid() == 0)
		return TAKEN;
	if (devices_take(NULL, &devices, &err) >= 0 || !err.what[0])
		return TAKEN;
	for (size_t i = 0; i < DEVICES_MAX; i++)
		if (devices.nodes[i] != -1)
			return NOT_EMPTY;
	if (devices.devpts != -1 || devices.pty_master != -1 || devices.pty_slave != -1)
		return NOT_EMPTY;
	devices_close(&devices);
	return fcntl(STDIN_FILENO, F_GETFD) < 0 ? CLOSED_OTHERS : FINE;
}

static void test_failed_take_leaves_nothing_to_close(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (!pid)
		_exit(take_without_rights());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), FINE);
}

static void test_none_has_no_descriptor(void **state)
{
	struct devices devices = DEVICES_NONE;

	(void)state;
	devices_close(&devices);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	for (size_t i = 0; i < DEVICES_MAX; i++)
		assert_int_equal(devices.nodes[i], -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failed_take_leaves_nothing_to_close),
		cmocka_unit_test(test_none_has_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
