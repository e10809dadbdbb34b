// SPDX-License-Identifier: Apache-2.0
#include "jail/files/layout.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/remove_tree.h"
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

	remove_tree(f->base);
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

/* --- the policy's paths ----------------------------------------------------------- */

/* One list of the policy with one path. */
#define ONE(path) ((struct jail_names){(const char *const[]){path}, 1})

static char *in_base(const struct fixture *f, const char *name)
{
	static char paths[8][PATH_MAX + 32];
	static unsigned next;
	char *ret = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(ret, sizeof(paths[0]), "%s/%s", f->base, name);
	return ret;
}

static void link_in_base(const struct fixture *f, const char *target, const char *name)
{
	assert_int_equal(symlink(target, in_base(f, name)), 0);
}

static void test_write_takes_directories_and_files(void **state)
{
	struct fixture *f = *state;
	const char *const paths[] = {"~/dir", "~/f*", "~/missing", "$PWD/x"};
	struct layout layout;

	f->spec.write_paths = (struct jail_names){paths, ARRAY_SIZE(paths)};
	assert_int_equal(mkdir(in_base(f, "dir"), 0700), 0);
	assert_int_equal(mknod(in_base(f, "file"), S_IFREG | 0600, 0), 0);
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	assert_int_equal(layout.writes.n, 2);
	assert_int_equal(layout.n_trees, 3);
	assert_true(layout_is_writable(&layout, in_base(f, "dir/x")));
	assert_true(layout_is_writable(&layout, in_base(f, "file")));
	assert_false(layout_is_writable(&layout, in_base(f, "missing")));
	assert_false(layout_is_writable(&layout, f->base));
	layout_free(&layout);
	assert_int_equal(access(in_base(f, "missing"), F_OK), -1);
}

static void test_write_makes_a_missing_directory(void **state)
{
	struct fixture *f = *state;
	struct layout layout;
	struct stat st;

	f->spec.write_paths = ONE("~/new/below/");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
		assert_int_equal(lstat(in_base(f, "new/below"), &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
		assert_true(layout_is_writable(&layout, in_base(f, "new/below/x")));
		assert_false(layout_is_writable(&layout, in_base(f, "new")));
		layout_free(&layout);
	}
}

static void test_write_refuses_what_protects(void **state)
{
	struct fixture *f = *state;
	const char *const refused[] = {"/",         "/proc/",   "/run",          f->run,
				       f->state,    "~/.ssh/",  "~/policy.json", "~/config/x/",
				       "/etc/../x", "relative", "~/fifo"};

	f->spec.policy_path = in_base(f, "policy.json");
	f->spec.default_policy_dir = in_base(f, "config");
	assert_int_equal(mkdir(f->spec.default_policy_dir, 0700), 0);
	assert_int_equal(mknod(f->spec.policy_path, S_IFREG | 0600, 0), 0);
	assert_int_equal(mkfifo(in_base(f, "fifo"), 0600), 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct layout layout;
		struct error err = {"", "", ""};

		print_message("%s\n", refused[i]);
		f->spec.write_paths = (struct jail_names){&refused[i], 1};
		assert_int_equal(layout_resolve(&f->spec, &layout, &err), -EINVAL);
		assert_string_not_equal(err.where, "");
		assert_string_not_equal(err.what, "");
		layout_free(&layout);
	}
}

/* Left by an earlier agent in what it could write, a link must not widen what is written. */
static const struct {
	const char *link, *target, *path;
	bool is_followed;
} links[] = {
	{"project/out", "../dir", "~/project/out", false},
	{"project/out", "../dir", "$PWD/out/", false},
	{"project/out", "/usr", "~/project/*", false},
	{"project/out", "../dir", "~/project/out/sub/", false},
	{"other/out", "../dir", "~/other/out/", false},
	{"home-link", "dir", "~/home-link/", true},
	{".config/link", "../dir", "~/.config/link", true},
	{".config/dangling", "../nowhere", "~/.config/dangling/", true},
	{".ssh/link", "../dir", "~/.ssh/link", true},
	/* A program's own directory: a preset may have let an agent write it. */
	{".agent/link", "../dir", "~/.agent/link", false},
	{".config/agent/link", "../../dir", "~/.config/agent/link", false},
};

static void make_dirs(const struct fixture *f)
{
	const char *const dirs[] = {"dir", "other", ".config", ".agent", ".config/agent"};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_int_equal(mkdir(in_base(f, dirs[i]), 0700), 0);
}

static void test_paths_follow_only_links_that_no_agent_left(void **state)
{
	struct fixture *f = *state;

	make_dirs(f);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct layout layout;
		struct error err = {"", "", ""};

		print_message("%s -> %s\n", links[i].link, links[i].target);
		link_in_base(f, links[i].target, links[i].link);
		for (int reads = 0; reads < 2; reads++) {
			const struct jail_names names = {&links[i].path, 1};

			f->spec.read_paths = reads ? names : (struct jail_names){NULL, 0};
			f->spec.write_paths = reads ? (struct jail_names){NULL, 0} : names;
			assert_int_equal(layout_resolve(&f->spec, &layout, &err),
					 links[i].is_followed ? 0 : -EMLINK);
			layout_free(&layout);
		}
		unlink(in_base(f, links[i].link));
	}
	/* What a dangling link named was made: it is the person's. */
	assert_int_equal(rmdir(in_base(f, "nowhere")), 0);
}

/* Its agent could close a directory to writing, so that it looks like the system's. */
static void test_paths_follow_no_link_in_what_is_the_callers(void **state)
{
	struct fixture *f = *state;
	struct layout layout;

	make_dirs(f);
	link_in_base(f, "../dir", "other/out");
	assert_int_equal(chmod(in_base(f, "other"), 0500), 0);
	f->spec.write_paths = ONE("~/other/out/");
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), -EMLINK);
	layout_free(&layout);
	assert_int_equal(chmod(in_base(f, "other"), 0700), 0);
}

static void test_policy_has_one_name(void **state)
{
	struct fixture *f = *state;
	struct error err = {"", "", ""};
	struct layout layout;

	f->spec.policy_path = in_base(f, "policy.json");
	assert_int_equal(mknod(f->spec.policy_path, S_IFREG | 0600, 0), 0);
	assert_int_equal(layout_resolve(&f->spec, &layout, &err), 0);
	layout_free(&layout);
	assert_int_equal(link(f->spec.policy_path, in_base(f, "project/other")), 0);
	assert_int_equal(layout_resolve(&f->spec, &layout, &err), -EMLINK);
	assert_non_null(strstr(err.what, "hard link"));
	layout_free(&layout);
}

/* Also where the writable tree comes from the same policy, in whatever order. */
static void test_paths_follow_no_link_in_what_this_run_writes(void **state)
{
	struct fixture *f = *state;
	const char *const paths[] = {"~/.config/a/link", "~/.config/a"};
	struct layout layout;

	make_dirs(f);
	assert_int_equal(mkdir(in_base(f, ".config/a"), 0700), 0);
	link_in_base(f, "../../dir", ".config/a/link");
	f->spec.write_paths = (struct jail_names){paths, 2};
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), -EMLINK);
	layout_free(&layout);
	f->spec.write_paths = (struct jail_names){paths + 1, 1};
	f->spec.read_paths = (struct jail_names){paths, 1};
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), -EMLINK);
	layout_free(&layout);
}

static void test_read_shows_what_a_store_hides(void **state)
{
	struct fixture *f = *state;
	const char *const paths[] = {"~/.ssh/known*", "~/.aws"};
	struct layout layout;

	f->spec.read_paths = (struct jail_names){paths, 2};
	assert_int_equal(mknod(in_base(f, ".ssh/known_hosts"), S_IFREG | 0600, 0), 0);
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	assert_true(layout_is_read(&layout, in_base(f, ".ssh/known_hosts")));
	assert_false(layout_is_read(&layout, in_base(f, ".ssh")));
	assert_false(layout_is_read(&layout, in_base(f, ".aws")));
	layout_free(&layout);
	/* Written only if it is read as well. */
	f->spec.write_paths = ONE("~/.ssh/known_hosts");
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	assert_true(layout_is_written(&layout, in_base(f, ".ssh/known_hosts")));
	layout_free(&layout);
	f->spec.read_paths = (struct jail_names){paths + 1, 1};
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), -EINVAL);
	layout_free(&layout);
}

static void test_read_never_shows_what_is_mcpjails(void **state)
{
	struct fixture *f = *state;
	const char *const refused[] = {f->run, f->state, "/proc/1", "/dev/kmsg"};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct layout layout;

		if (access(refused[i], F_OK))
			continue;
		print_message("%s\n", refused[i]);
		f->spec.read_paths = (struct jail_names){&refused[i], 1};
		assert_int_equal(layout_resolve(&f->spec, &layout, NULL), -EINVAL);
		layout_free(&layout);
	}
}

static void test_hide_takes_what_is_there(void **state)
{
	struct fixture *f = *state;
	const char *const paths[] = {"~/dir/", "~/project/*", "~/missing", "/proc/sys"};
	struct layout layout;

	make_dirs(f);
	assert_int_equal(mknod(in_base(f, "project/.env"), S_IFREG | 0600, 0), 0);
	link_in_base(f, "nowhere", "project/dangling");
	f->spec.hide_paths = (struct jail_names){paths, ARRAY_SIZE(paths)};
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	assert_int_equal(layout.hides.n, 2);
	assert_string_equal(layout.hides.items[0], in_base(f, "dir"));
	assert_string_equal(layout.hides.items[1], in_base(f, "project/.env"));
	layout_free(&layout);
}

static void test_hide_refuses_the_working_directory(void **state)
{
	struct fixture *f = *state;
	const char *const refused[] = {"$PWD", "$PWD/", "~", "/", "~/l"};

	link_in_base(f, "project", "l");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct layout layout;
		struct error err = {"", "", ""};

		print_message("%s\n", refused[i]);
		f->spec.hide_paths = (struct jail_names){&refused[i], 1};
		assert_int_equal(layout_resolve(&f->spec, &layout, &err), -EINVAL);
		assert_non_null(strstr(err.what, "working directory"));
		layout_free(&layout);
	}
}

static void test_hide_takes_the_files_of_a_runners_commands(void **state)
{
	struct fixture *f = *state;
	char *file = in_base(f, "project/set_env");
	struct layout layout;

	assert_int_equal(mknod(file, S_IFREG | 0600, 0), 0);
	assert_int_equal(setenv("GITHUB_ENV", file, 1), 0);
	assert_int_equal(setenv("GITHUB_OUTPUT", "/nonexistent/x", 1), 0);
	assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
	unsetenv("GITHUB_ENV");
	unsetenv("GITHUB_OUTPUT");
	assert_int_equal(layout.hides.n, 1);
	assert_string_equal(layout.hides.items[0], file);
	layout_free(&layout);
}

/* As a start-up file of shells that the system has, or what is no file. */
static void test_hide_leaves_what_takes_no_commands(void **state)
{
	struct fixture *f = *state;
	const char *const files[] = {f->base, "/proc/version"};
	struct layout layout;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(setenv("BASH_ENV", files[i], 1), 0);
		assert_int_equal(layout_resolve(&f->spec, &layout, NULL), 0);
		assert_int_equal(layout.hides.n, 0);
		layout_free(&layout);
	}
	unsetenv("BASH_ENV");
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
		cmocka_unit_test_setup_teardown(test_write_takes_directories_and_files, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_write_makes_a_missing_directory, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_write_refuses_what_protects, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_paths_follow_only_links_that_no_agent_left,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_paths_follow_no_link_in_what_is_the_callers,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_policy_has_one_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hide_leaves_what_takes_no_commands, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_paths_follow_no_link_in_what_this_run_writes,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_read_shows_what_a_store_hides, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_read_never_shows_what_is_mcpjails, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_hide_takes_what_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hide_refuses_the_working_directory, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_hide_takes_the_files_of_a_runners_commands,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
