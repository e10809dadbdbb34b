// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include "jail/placeholders.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

struct fixture {
	char base[PATH_MAX], state[PATH_MAX + 8], tree[PATH_MAX + 8];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char template[] = "/tmp/mcpjail-placeholders-XXXXXX";

	assert_non_null(f);
	assert_non_null(mkdtemp(template));
	assert_non_null(realpath(template, f->base));
	snprintf(f->state, sizeof(f->state), "%s/state", f->base);
	snprintf(f->tree, sizeof(f->tree), "%s/tree", f->base);
	assert_int_equal(mkdir(f->state, 0700), 0);
	assert_int_equal(mkdir(f->tree, 0700), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/" PLACEHOLDERS_LOCKS, f->state);
	unlink(path);
	assert_int_equal(rmdir(f->state), 0);
	/* Fails unless nothing is left. */
	assert_int_equal(rmdir(f->tree), 0);
	assert_int_equal(rmdir(f->base), 0);
	free(f);
	return 0;
}

static void begin(const struct fixture *f, struct placeholders *ret)
{
	assert_int_equal(placeholders_open(f->state, ret), 0);
	assert_int_equal(placeholders_share(ret, f->tree), 0);
}

static const struct {
	const char *name;
	enum placeholder_form form;
} forms[] = {
	{"dir", PLACEHOLDER_DIR},
	{"link", PLACEHOLDER_LINK},
	{"dot", PLACEHOLDER_DOT},
};

static const char *path_of(const struct fixture *f, const char *name)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", f->tree, name);
	return path;
}

static void make_all(const struct fixture *f, struct placeholders *held)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *path = path_of(f, forms[i].name);
		struct stat st;

		assert_int_equal(placeholders_make(held, path, forms[i].form), 0);
		assert_int_equal(lstat(path, &st), 0);
		assert_int_equal(placeholders_hold(held, path, &st), 0);
	}
}

static size_t adopt_all(const struct fixture *f, struct placeholders *held)
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *path = path_of(f, forms[i].name);
		struct stat st;

		if (lstat(path, &st) == 0)
			n += (size_t)placeholders_adopt(held, path, &st);
	}
	return n;
}

static bool is_there(const struct fixture *f, const char *name)
{
	struct stat st;

	return lstat(path_of(f, name), &st) == 0;
}

static void test_what_was_made_is_removed(void **state)
{
	const struct fixture *f = *state;
	struct placeholders held;

	begin(f, &held);
	make_all(f, &held);
	assert_int_equal(placeholders_make(&held, path_of(f, "dir"), PLACEHOLDER_DIR), -EEXIST);
	/* Whoever opens it is told that it does not exist. */
	assert_int_equal(open(path_of(f, "link"), O_RDONLY | O_CREAT, 0600), -1);
	assert_int_equal(errno, ENOENT);
	placeholders_begin_removal(&held);
	placeholders_remove(&held);
}

static void test_what_a_killed_run_left_is_known(void **state)
{
	const struct fixture *f = *state;
	struct placeholders killed, next;

	begin(f, &killed);
	make_all(f, &killed);
	/* It never gets to removing them. */
	while (killed.n)
		free(killed.items[--killed.n].path);
	placeholders_remove(&killed);
	begin(f, &next);
	assert_int_equal(adopt_all(f, &next), ARRAY_SIZE(forms));
	placeholders_remove(&next);
}

static void test_others_of_the_same_name_are_not(void **state)
{
	const struct fixture *f = *state;
	struct placeholders held;

	assert_int_equal(mkdir(path_of(f, "dir"), 0755), 0);
	assert_int_equal(symlink("elsewhere", path_of(f, "link")), 0);
	close(open(path_of(f, "dot"), O_WRONLY | O_CREAT, 0444));
	begin(f, &held);
	assert_int_equal(adopt_all(f, &held), 0);
	placeholders_remove(&held);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		assert_true(is_there(f, forms[i].name));
	rmdir(path_of(f, "dir"));
	unlink(path_of(f, "link"));
	unlink(path_of(f, "dot"));
}

static void test_the_last_of_two_runs_removes(void **state)
{
	const struct fixture *f = *state;
	struct placeholders first, second;

	begin(f, &first);
	make_all(f, &first);
	begin(f, &second);
	assert_int_equal(adopt_all(f, &second), ARRAY_SIZE(forms));
	placeholders_remove(&first);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		assert_true(is_there(f, forms[i].name));
	placeholders_remove(&second);
}

static void test_what_was_filled_or_replaced_stays(void **state)
{
	const struct fixture *f = *state;
	struct placeholders held;
	struct stat st;

	begin(f, &held);
	make_all(f, &held);
	assert_int_equal(mkdir(path_of(f, "dir/theirs"), 0700), 0);
	assert_int_equal(unlink(path_of(f, "link")), 0);
	close(open(path_of(f, "link"), O_WRONLY | O_CREAT, 0600));
	placeholders_remove(&held);
	assert_true(is_there(f, "dir/theirs"));
	assert_true(is_there(f, "link"));
	assert_false(is_there(f, "dot"));
	/* It is a directory like others from then on. */
	assert_int_equal(stat(path_of(f, "dir"), &st), 0);
	assert_int_equal(st.st_mode & S_ISVTX, 0);
	rmdir(path_of(f, "dir/theirs"));
	rmdir(path_of(f, "dir"));
	unlink(path_of(f, "link"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_was_made_is_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_a_killed_run_left_is_known, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_others_of_the_same_name_are_not, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_the_last_of_two_runs_removes, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_what_was_filled_or_replaced_stays, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
