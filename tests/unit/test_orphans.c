// SPDX-License-Identifier: Apache-2.0
#include "base/orphans.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"

static bool is_spared(void *arg, pid_t pid)
{
	return pid == *(const pid_t *)arg;
}

/* A child with a grandchild each, the latter in a session of its own. */
static pid_t leave_two(void)
{
	pid_t pid = fork();

	if (!pid) {
		if (!fork())
			setsid();
		for (;;)
			pause();
	}
	return pid;
}

static void test_orphans_end_reaches_what_was_left(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		assert_true(leave_two() > 0);
	assert_true(orphans_end(NULL, NULL, 5000));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_orphans_end_spares_who_is_to_live(void **state)
{
	pid_t kept = leave_two();

	(void)state;
	assert_true(kept > 0 && leave_two() > 0);
	assert_true(orphans_end(is_spared, &kept, 5000));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), 0);
	assert_int_equal(kill(kept, 0), 0);
	assert_true(orphans_end(NULL, NULL, 5000));
}

static void test_orphans_end_does_not_wait_for_ever(void **state)
{
	pid_t kept = leave_two();

	(void)state;
	/* Nobody is killed who is spared, and nobody else is there. */
	assert_true(orphans_end(is_spared, &kept, 0));
	assert_true(orphans_end(NULL, NULL, 5000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orphans_end_reaches_what_was_left),
		cmocka_unit_test(test_orphans_end_spares_who_is_to_live),
		cmocka_unit_test(test_orphans_end_does_not_wait_for_ever),
	};

	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
