// SPDX-License-Identifier: Apache-2.0
#include "base/remove_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmocka_all.h"

static char base[PATH_MAX / 2];

static int set_up(void **state)
{
	(void)state;
	snprintf(base, sizeof(base), "/tmp/mcpjail-remove-XXXXXX");
	return mkdtemp(base) && !chdir(base) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return chdir("/") || remove_tree(base);
}

static void test_remove_tree_removes_all_but_what_links_lead_to(void **state)
{
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("kept", 0700), 0);
	assert_int_equal(mknod("kept/file", S_IFREG | 0600, 0), 0);
	assert_int_equal(mkdir("gone", 0700), 0);
	assert_int_equal(mkdir("gone/a", 0700), 0);
	assert_int_equal(mkdir("gone/a/b", 0700), 0);
	assert_int_equal(mknod("gone/a/b/file", S_IFREG | 0400, 0), 0);
	assert_int_equal(mkfifo("gone/fifo", 0), 0);
	assert_int_equal(symlink("../kept", "gone/link"), 0);
	assert_int_equal(symlink("/nowhere", "gone/a/dangling"), 0);
	assert_int_equal(chmod("gone/a/b", 0), 0);
	assert_int_equal(chmod("gone/a", 0500), 0);
	snprintf(path, sizeof(path), "%s/gone", base);
	assert_int_equal(remove_tree(path), 0);
	assert_int_equal(lstat("gone", &st), -1);
	assert_int_equal(lstat("kept/file", &st), 0);
}

static void test_remove_tree_of_a_link_leaves_what_it_leads_to(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_equal(symlink("dir", "name"), 0);
	assert_int_equal(remove_tree("name"), -ENOTDIR);
	assert_int_equal(lstat("dir", &st), 0);
}

static void test_remove_tree_ends_where_it_is_too_deep(void **state)
{
	autoclose int at = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (int i = 0; i <= REMOVE_TREE_DEPTH; i++) {
		int next;

		assert_int_equal(mkdirat(at, "d", 0700), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	assert_int_equal(remove_tree("d"), -ELOOP);
	/* From further below it is not too deep. */
	assert_int_equal(remove_tree("d/d"), 0);
	assert_int_equal(remove_tree("missing"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remove_tree_removes_all_but_what_links_lead_to),
		cmocka_unit_test(test_remove_tree_of_a_link_leaves_what_it_leads_to),
		cmocka_unit_test(test_remove_tree_ends_where_it_is_too_deep),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
