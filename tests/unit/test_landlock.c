// SPDX-License-Identifier: Apache-2.0
#include "jail/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/remove_tree.h"
#include "cmocka_all.h"
#include "sandbox/landlock.h"

static void test_landlock_scope_keeps_signals_inside(void **state)
{
	int status = -1;
	pid_t outside = getpid(), pid = fork();

	(void)state;
	if (!pid) {
		bool is_applied = false;
		int before = kill(outside, 0);

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    landlock_confine_agent(NULL, 0, &is_applied, NULL))
			_exit(255);
		if (!is_applied)
			_exit(77);
		_exit(!before && kill(outside, 0) && errno == EPERM && !kill(getpid(), 0) ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	if (WEXITSTATUS(status) == 77) {
		print_message("skipped: the kernel's Landlock has no scopes\n");
		skip();
	}
	assert_int_equal(status, 0);
}

/* In a directory of its own: what is outside stays as it was, what is inside is free. */
static int write_behind_the_wall(const char *dir)
{
	const char *const trees[] = {"in", "file", "missing"};
	const char *paths[ARRAY_SIZE(trees)];
	char text[ARRAY_SIZE(trees)][PATH_MAX + 64];
	bool is_applied;

	if (chdir(dir) || mkdir("in", 0700) || mkdir("in/sub", 0700) || mkdir("out", 0700) ||
	    mknod("file", S_IFREG | 0600, 0) || mknod("out/old", S_IFREG | 0600, 0))
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		snprintf(text[i], sizeof(text[i]), "%s/%s", dir, trees[i]);
		paths[i] = text[i];
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    landlock_confine_agent(paths, ARRAY_SIZE(paths), &is_applied, NULL))
		return 2;
	if (open("in/new", O_WRONLY | O_CREAT, 0600) < 0 || rename("in/new", "in/sub/moved") ||
	    link("in/sub/moved", "in/hard") || symlink("x", "in/soft") || unlink("in/hard") ||
	    mkfifo("in/fifo", 0600) || open("file", O_WRONLY | O_TRUNC) < 0)
		return 3;
	if (open("out/old", O_RDONLY) < 0 || open("/dev/null", O_WRONLY) < 0)
		return 4;
	if (open("out/old", O_WRONLY) >= 0 || errno != EACCES)
		return 5;
	if (open("out/new", O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES)
		return 6;
	if (!mkdir("out/dir", 0700) || !unlink("out/old") || !symlink("x", "out/soft"))
		return 7;
	if (!rename("in/sub/moved", "out/moved") || !link("in/sub/moved", "out/moved") ||
	    !rename("out/old", "in/old") || !rename("in", "renamed"))
		return 8;
	return 0;
}

/* Not in /tmp or the like: those are the jail's own there, and free. */
static void test_landlock_keeps_writing_in_the_trees(void **state)
{
	char home[PATH_MAX], dir[PATH_MAX + 32];
	int status = -1;
	pid_t pid;

	(void)state;
	assert_non_null(getenv("HOME"));
	assert_non_null(realpath(getenv("HOME"), home));
	snprintf(dir, sizeof(dir), "%s/mcpjail-landlock-XXXXXX", home);
	assert_non_null(mkdtemp(dir));
	pid = fork();
	if (!pid)
		_exit(landlock_abi() < LANDLOCK_ABI_WRITES ? 77 : write_behind_the_wall(dir));
	waitpid(pid, &status, 0);
	remove_tree(dir);
	if (WEXITSTATUS(status) == 77) {
		print_message("skipped: the kernel's Landlock confines no renames\n");
		skip();
	}
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_landlock_scope_keeps_signals_inside),
		cmocka_unit_test(test_landlock_keeps_writing_in_the_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
