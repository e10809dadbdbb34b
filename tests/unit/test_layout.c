// SPDX-License-Identifier: Apache-2.0
#include "jail/layout.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmocka_all.h"

static const struct {
	const char *path, *dir;
	bool is_within;
} pairs[] = {
	{"/a/b", "/a", true}, {"/a", "/a", true}, {"/ab", "/a", false}, {"/a", "/a/b", false},
	{"/", "/", true},     {"/x", "/", true},  {"/", "/x", false},   {"/a/bc", "/a/b", false},
};

static void test_within_compares_whole_components(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		assert_int_equal(path_is_within(pairs[i].path, pairs[i].dir), pairs[i].is_within);
}

static const struct {
	const char *path;
	bool in_scratch, replaced;
} places[] = {
	{"/tmp/x", true, true},     {"/var/tmp", true, true},     {"/dev/shm/y", true, true},
	{"/dev/null", false, true}, {"/proc/sys", false, true},   {"/home/u", false, false},
	{"/tmpx", false, false},    {"/run/user/1", false, true},
};

static void test_places_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		assert_int_equal(layout_is_in_scratch(places[i].path), places[i].in_scratch);
		assert_int_equal(layout_is_replaced(places[i].path), places[i].replaced);
	}
}

/* A home with a project, a state directory with a run, and a credential store. */
struct fixture {
	char base[PATH_MAX];
	char project[PATH_MAX + 32], run[PATH_MAX + 32], state[PATH_MAX + 32], ssh[PATH_MAX + 32];
	struct jail_spec spec;
};

static void make(char *ret, size_t size, const struct fixture *f, const char *name)
{
	snprintf(ret, size, "%s/%s", f->base, name);
	assert_int_equal(mkdir(ret, 0700), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char template[] = "/tmp/mcpjail-layout-XXXXXX";

	assert_non_null(f);
	assert_non_null(mkdtemp(template));
	assert_non_null(realpath(template, f->base));
	make(f->project, sizeof(f->project), f, "project");
	make(f->state, sizeof(f->state), f, "state");
	make(f->run, sizeof(f->run), f, "state/run");
	make(f->ssh, sizeof(f->ssh), f, ".ssh");
	f->spec = (struct jail_spec){.cwd = f->project,
				     .run_dir = f->run,
				     .state_dir = f->state,
				     .home = f->base,
				     .cwd_is_writable = true};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char link[PATH_MAX + 32];

	snprintf(link, sizeof(link), "%s/link", f->base);
	unlink(link);
	rmdir(f->ssh);
	rmdir(f->run);
	rmdir(f->state);
	rmdir(f->project);
	rmdir(f->base);
	free(f);
	return 0;
}

static void test_resolve_makes_the_working_directory_writable(void **state)
{
	const struct fixture *f = *state;
	struct layout layout;
	struct error err = {"", "", ""};

	assert_int_equal(layout_resolve(&f->spec, &layout, &err), 0);
	assert_int_equal(layout.n_trees, 1);
	assert_string_equal(layout.trees[0].path, f->project);
	assert_true(layout.trees[0].writable);
	assert_true(layout.trees[0].in_scratch);
	assert_true(layout_is_writable(&layout, f->project));
	assert_false(layout_is_writable(&layout, f->base));
	layout_free(&layout);
}

static void test_resolve_shows_but_protects_a_home(void **state)
{
	struct fixture *f = *state;
	struct layout layout;

	f->spec.cwd = f->base;
	f->spec.cwd_is_writable = false;
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	assert_int_equal(layout.n_trees, 1);
	assert_false(layout_is_writable(&layout, f->base));
	layout_free(&layout);
}

static void test_resolve_refuses_what_the_jail_hides(void **state)
{
	struct fixture *f = *state;
	const char *const hidden[] = {f->ssh, f->run, f->state, "/proc",
				      "/sys", "/run", "/dev",   "/"};

	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		struct layout layout;
		struct error err = {"", "", ""};

		f->spec.write_dirs = &hidden[i];
		f->spec.n_write_dirs = 1;
		print_message("%s\n", hidden[i]);
		assert_int_equal(layout_resolve(&f->spec, &layout, &err), -EINVAL);
		assert_string_equal(err.where, hidden[i]);
		assert_string_not_equal(err.what, "");
		layout_free(&layout);
	}
}

static void test_resolve_follows_links_before_it_judges(void **state)
{
	struct fixture *f = *state;
	char link[PATH_MAX + 32];
	const char *const dirs[] = {link};
	struct layout layout;

	snprintf(link, sizeof(link), "%s/link", f->base);
	assert_int_equal(symlink(f->ssh, link), 0);
	f->spec.write_dirs = dirs;
	f->spec.n_write_dirs = 1;
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), -EINVAL);
	layout_free(&layout);
}

static void test_resolve_orders_parents_first(void **state)
{
	struct fixture *f = *state;
	const char *const dirs[] = {f->project, f->base, "/tmp"};
	struct layout layout;

	f->spec.write_dirs = dirs;
	f->spec.n_write_dirs = ARRAY_SIZE(dirs);
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	/* /tmp itself is private anyway, and the wider one shows the narrower. */
	assert_int_equal(layout.n_trees, 1);
	assert_string_equal(layout.trees[0].path, f->base);
	layout_free(&layout);
	f->spec.cwd_is_writable = false;
	f->spec.cwd = f->base;
	f->spec.n_write_dirs = 1;
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	assert_int_equal(layout.n_trees, 2);
	assert_string_equal(layout.trees[0].path, f->base);
	assert_string_equal(layout.trees[1].path, f->project);
	assert_false(layout_is_writable(&layout, f->base));
	assert_true(layout_is_writable(&layout, f->project));
	layout_free(&layout);
}

/* A home as working directory is not writable by itself; asked for, it is. */
static void test_resolve_lets_what_was_asked_for_win(void **state)
{
	struct fixture *f = *state;
	const char *const dirs[] = {f->base};
	struct layout layout;

	f->spec.cwd = f->base;
	f->spec.cwd_is_writable = false;
	f->spec.write_dirs = dirs;
	f->spec.n_write_dirs = 1;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
		assert_int_equal(layout.n_trees, 1);
		assert_true(layout.trees[0].writable);
		assert_string_equal(layout.trees[0].path, f->base);
		layout_free(&layout);
		/* And so for a working directory in it. */
		f->spec.cwd = f->project;
	}
}

/* /var/tmp comes over a writable /var: its tree has to be shown by itself. */
static void test_resolve_keeps_trees_in_private_places(void **state)
{
	struct fixture *f = *state;
	char in_scratch[] = "/var/tmp/mcpjail-layout-XXXXXX";
	const char *const dirs[] = {in_scratch, "/var", "/var"};
	struct layout layout;

	assert_non_null(mkdtemp(in_scratch));
	f->spec.write_dirs = dirs;
	f->spec.n_write_dirs = ARRAY_SIZE(dirs);
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	rmdir(in_scratch);
	assert_int_equal(layout.n_trees, 3);
	assert_string_equal(layout.trees[0].path, "/var");
	layout_free(&layout);
}

static void test_resolve_knows_stores_of_both_homes(void **state)
{
	struct fixture *f = *state;
	const char *const dirs[] = {f->ssh};
	struct layout layout;

	f->spec.passwd_home = f->base;
	f->spec.home = f->project;
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	assert_non_null(layout.homes[1]);
	layout_free(&layout);
	f->spec.write_dirs = dirs;
	f->spec.n_write_dirs = 1;
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), -EINVAL);
	layout_free(&layout);
	f->spec.n_write_dirs = 0;
	f->spec.home = f->base;
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	assert_null(layout.homes[1]);
	layout_free(&layout);
}

static void test_resolve_names_a_missing_directory(void **state)
{
	struct fixture *f = *state;
	struct error err = {"", "", ""};
	struct layout layout;

	f->spec.cwd = "/nonexistent/mcpjail";
	assert_int_equal(layout_resolve(&f->spec, &layout, &err), -ENOENT);
	assert_string_equal(err.where, f->spec.cwd);
	layout_free(&layout);
}

static void test_resolve_says_when_there_are_too_many(void **state)
{
	const char *dirs[LAYOUT_TREES_MAX + 1];
	struct fixture *f = *state;
	struct layout layout;
	struct error err = {"", "", ""};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		dirs[i] = f->project;
	f->spec.write_dirs = dirs;
	f->spec.n_write_dirs = JAIL_WRITE_DIRS_MAX;
	assert_int_equal(layout_resolve(&f->spec, &layout, &err), 0);
	layout_free(&layout);
	f->spec.n_write_dirs = ARRAY_SIZE(dirs);
	assert_int_equal(layout_resolve(&f->spec, &layout, &err), -E2BIG);
	assert_string_equal(err.where, f->project);
	assert_non_null(strstr(err.what, "64"));
	layout_free(&layout);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within_compares_whole_components),
		cmocka_unit_test(test_places_are_told_apart),
		cmocka_unit_test_setup_teardown(test_resolve_makes_the_working_directory_writable,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_resolve_shows_but_protects_a_home, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_resolve_refuses_what_the_jail_hides, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_resolve_follows_links_before_it_judges, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_resolve_orders_parents_first, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_resolve_lets_what_was_asked_for_win, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_resolve_keeps_trees_in_private_places, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_resolve_knows_stores_of_both_homes, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_resolve_says_when_there_are_too_many, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_resolve_names_a_missing_directory, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
