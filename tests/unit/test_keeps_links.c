// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/keeps/keeps_links.h"

static const struct {
	const char *name;
	const char *links[4][2]; /* from, to: below the directory */
	int many;                /* files with a name elsewhere, each */
	const char *found;       /* below it; NULL: none */
	mode_t mode;             /* of the file */
} scenes[] = {
	{"every name of its own", {{NULL}}, 0, NULL, 0600},
	{"a second name beside it", {{"in/a", "in/b"}}, 0, NULL, 0600},
	{"three names, of which one is elsewhere",
	 {{"in/a", "in/b"}, {"in/a", "x"}},
	 0,
	 "in/",
	 0600},
	{"a name elsewhere", {{"in/a", "x"}}, 0, "in/a", 0600},
	{"of a file that its owner may make writable", {{"in/a", "x"}}, 0, "in/a", 0444},
	{"of one that is a program", {{"in/a", "x"}}, 0, "in/a", 0555},
	{"a read-only one's beside it", {{"in/a", "in/b"}}, 0, NULL, 0444},
	{"a name in a directory below", {{"in/a", "in/sub/x"}}, 0, "in/a", 0600},
	{"more than are told apart", {{NULL}}, KEEPS_LINKED_MAX + 1, "in/", 0600},
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void make_file(const char *path, mode_t mode)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	assert_true(fd >= 0);
}

static void make_many(int n)
{
	char from[32], to[32];

	for (int i = 0; i < n; i++) {
		snprintf(from, sizeof(from), "in/%d", i);
		snprintf(to, sizeof(to), "out-%d", i);
		make_file(from, 0600);
		assert_int_equal(link(from, to), 0);
	}
}

static void test_names_elsewhere_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		char base[] = "/tmp/mcpjail-links-XXXXXX", path[PATH_MAX] = "in";
		struct stat st;
		bool is_linked;

		assert_non_null(mkdtemp(base));
		assert_int_equal(chdir(base), 0);
		assert_int_equal(mkdir("in", 0700) | mkdir("in/sub", 0700), 0);
		make_file("in/a", scenes[i].mode);
		for (size_t k = 0; scenes[i].links[k][0]; k++)
			assert_int_equal(link(scenes[i].links[k][0], scenes[i].links[k][1]), 0);
		make_many(scenes[i].many);
		assert_int_equal(lstat("in", &st), 0);
		is_linked = keeps_has_hard_link(path, &st);
		if (is_linked != !!scenes[i].found || (is_linked && !strstr(path, scenes[i].found)))
			fail_msg("%s: %s", scenes[i].name, path);
		assert_int_equal(nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	}
}

static void test_a_file_is_asked_about_itself(void **state)
{
	static const mode_t modes[] = {0600, 0444, 0555, 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		char base[] = "/tmp/mcpjail-links-XXXXXX", path[PATH_MAX] = "a";
		struct stat st;

		assert_non_null(mkdtemp(base));
		assert_int_equal(chdir(base), 0);
		make_file("a", modes[i]);
		assert_int_equal(lstat("a", &st), 0);
		assert_false(keeps_has_hard_link(path, &st));
		assert_int_equal(link("a", "b") | lstat("a", &st), 0);
		assert_true(keeps_has_hard_link(path, &st));
		assert_string_equal(path, "a");
		assert_int_equal(nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_elsewhere_are_found),
		cmocka_unit_test(test_a_file_is_asked_about_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
