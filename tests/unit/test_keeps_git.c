// SPDX-License-Identifier: Apache-2.0
/* Longer than most: each scene is a repository of its own, made by one fixture. */
/*
 * Repositories as git makes them, laid out by hand below a writable tree, and what is kept of
 * each: all of it, in order of its names.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/remove_tree.h"
#include "jail/keeps/keeps_git_internal.h"

#define TEXT_MAX   8192
#define NAMES_MAX  24
#define MANY_TREES 65 /* worktrees: more than are kept one by one */

struct fixture {
	char base[PATH_MAX], state[PATH_MAX + 8], tree[PATH_MAX + 8];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char template[] = "/tmp/mcpjail-keeps-git-XXXXXX";

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

	assert_int_equal(remove_tree(f->base), 0);
	free(f);
	return 0;
}

/* --- laying out ------------------------------------------------------------------------ */

static void make_parents(char *path, size_t from)
{
	for (char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* "dir/", "file=its text" or "link>where it leads", below the base. */
static void make_one(const struct fixture *f, const char *entry)
{
	size_t n = strcspn(entry, "=>");
	char path[2 * PATH_MAX];

	snprintf(path, sizeof(path), "%s/%.*s", f->base, (int)n, entry);
	make_parents(path, strlen(f->base) + 1);
	if (entry[n] == '>')
		assert_int_equal(symlink(entry + n + 1, path), 0);
	else if (entry[n] == '=')
		write_file(path, entry + n + 1);
}

#define REPOSITORY(at) at "/HEAD=ref: refs/heads/main\n", at "/objects/", at "/refs/"
#define GIT            REPOSITORY("tree/.git")

/* --- what was kept --------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct keep *)a)->path, ((const struct keep *)b)->path);
}

/* A line for each: how, and its path below the base. */
static void list(const struct fixture *f, struct keeps *keeps, char ret[TEXT_MAX])
{
	static const char *const hows[] = {
		[KEEP_SEALED] = "sealed", [KEEP_IN_PLACE] = "fixed", [KEEP_WRITABLE] = "writable"};
	size_t at = 0;

	ret[0] = '\0';
	qsort(keeps->items, keeps->n, sizeof(*keeps->items), by_path);
	for (size_t i = 0; i < keeps->n; i++)
		at += (size_t)snprintf(ret + at, TEXT_MAX - at, "%s %s\n",
				       hows[keeps->items[i].how],
				       keeps->items[i].path + strlen(f->base) + 1);
}

static size_t entries;

static int count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)type;
	(void)ftw;
	entries++;
	return 0;
}

static size_t count(const char *path)
{
	entries = 0;
	nftw(path, count_one, 8, FTW_PHYS);
	return entries;
}

/* What is kept at @below in the tree; @named: in it, opened by --write. Both may be NULL. */
static int try_find(const struct fixture *f, const char *below, const char *named,
		    char ret[TEXT_MAX], struct error *err)
{
	struct layout layout = {.trees = {{(char *)(uintptr_t)f->tree, true, false}}, .n_trees = 1};
	struct placeholders held = PLACEHOLDERS_NONE;
	struct keeps keeps = {.n = 0};
	struct keep_search search = {&layout, &held, &keeps, err};
	size_t before = count(f->tree);
	char path[2 * PATH_MAX], root[2 * PATH_MAX];
	int r;

	layout.homes[0] = (char *)(uintptr_t)f->tree;
	snprintf(path, sizeof(path), "%s/%s", f->tree, named ? named : "");
	if (named)
		assert_int_equal(path_list_add(&layout.named, path), 0);
	assert_int_equal(placeholders_open(f->state, &held), 0);
	assert_int_equal(placeholders_share(&held, f->tree), 0);
	snprintf(root, sizeof(root), "%s%s%s", f->tree, below ? "/" : "", below ? below : "");
	r = keeps_add_git(&search, root);
	list(f, &keeps, ret);
	keeps_free(&keeps);
	path_list_free(&layout.named);
	placeholders_remove(&held);
	assert_int_equal(count(f->tree), before);
	return r;
}

static void find(const struct fixture *f, const char *below, const char *named, char ret[TEXT_MAX])
{
	struct error err = {"", "", ""};

	assert_int_equal(try_find(f, below, named, ret, &err), 0);
}

static const struct scene {
	const char *name;
	const char *entries[NAMES_MAX];
	const char *named;
	const char *kept;
	const char *root; /* below the tree; NULL: itself */
} scenes[] = {
	{"nothing is a repository yet", {NULL}, NULL, "sealed tree/.git\nsealed tree/HEAD\n", NULL},
	{"what could make it a bare one is blocked",
	 {"tree/objects/", "tree/refs/", NULL},
	 NULL,
	 "sealed tree/.git\nsealed tree/HEAD\n",
	 NULL},
	{"a repository: git itself writes beside what is sealed",
	 {GIT, "tree/.git/config=[core]\n", "tree/.git/hooks/", NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nsealed tree/HEAD\n",
	 NULL},
	{"its configuration and hooks may be missing",
	 {GIT},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nsealed tree/HEAD\n",
	 NULL},
	{"hooks that lie elsewhere: of core, in any spelling",
	 {GIT, "tree/.git/config=[Core]\n\tHooksPath = \"h\" ; mine\n[user]\nhookspath = no\n",
	  "tree/h/", "tree/no/", NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nsealed tree/HEAD\nsealed tree/h\n",
	 NULL},
	{"the last of two is not known to count, nor one on its section's line",
	 {GIT, "tree/.git/config=[core]\nhookspath=a\n[core] hookspath = b\n", "tree/a/", "tree/b/",
	  NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nsealed tree/HEAD\nsealed tree/a\nsealed tree/b\n",
	 NULL},
	{"nor one of a file that is included only elsewhere",
	 {GIT, "tree/.git/config=[core]\nhookspath=a\n[includeIf \"gitdir:/no/\"]\npath=../more\n",
	  "tree/more=[core]\nhookspath=b\n", "tree/a/", "tree/b/", NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nsealed tree/HEAD\nsealed tree/a\nsealed tree/b\n"
	 "sealed tree/more\n",
	 NULL},
	{"an alias is a program's if it says so",
	 {GIT,
	  "tree/.git/config=[alias]\na = \"!f() { ./one; sh ./two; }; f\"\n"
	  "b = log ./three\nc = \"!./four\"\n",
	  "tree/one=", "tree/two=", "tree/three=", NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nsealed tree/HEAD\nsealed tree/four\nsealed tree/one\n"
	 "sealed tree/two\n",
	 NULL},
	{"behind a byte order mark",
	 {GIT, "tree/.git/config=\xef\xbb\xbf[core]\nhookspath=a\n", "tree/a/", NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nsealed tree/HEAD\nsealed tree/a\n",
	 NULL},
	{"hooks in the home, if they are there",
	 {GIT, "tree/.git/config=[core]\n hookspath = ~/mine/hooks\n", "tree/mine/hooks/", NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nsealed tree/HEAD\nfixed tree/mine\nsealed tree/mine/hooks\n",
	 NULL},
	{"the tree itself cannot be sealed for its hooks",
	 {GIT, "tree/.git/config=[core]\n hookspath = .\n", NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nsealed tree/HEAD\n",
	 NULL},
	{"nor what a root lies in",
	 {REPOSITORY("tree/p/.git"), "tree/p/.git/config=[core]\n hookspath = ..\n", NULL},
	 NULL,
	 "fixed tree/p\nfixed tree/p/.git\nsealed tree/p/.git/commondir\n"
	 "sealed tree/p/.git/config\nsealed tree/p/.git/hooks\nsealed tree/p/HEAD\n",
	 "p"},
	{"nor a root in a tree for its own",
	 {REPOSITORY("tree/p/.git"), "tree/p/.git/config=[core]\n hookspath = .\n", NULL},
	 NULL,
	 "fixed tree/p\nfixed tree/p/.git\nsealed tree/p/.git/commondir\n"
	 "sealed tree/p/.git/config\nsealed tree/p/.git/hooks\nsealed tree/p/HEAD\n",
	 "p"},
	{"a worktree's own configuration, and its way to the rest",
	 {GIT, "tree/.git/config=[extensions]\n\tworktreeConfig = true\n",
	  "tree/.git/worktrees/w/commondir=../..\n", NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/config.worktree\nsealed tree/.git/hooks\nfixed tree/.git/worktrees\n"
	 "fixed tree/.git/worktrees/w\nsealed tree/.git/worktrees/w/commondir\n"
	 "sealed tree/.git/worktrees/w/config.worktree\nsealed tree/HEAD\n",
	 NULL},
	{"what a linked worktree's own configuration names",
	 {REPOSITORY("apart/.git"), "apart/.git/config=[core]\nhookspath=a\n",
	  "apart/.git/config.worktree=[core]\nhookspath=no\n",
	  "apart/.git/worktrees/w/commondir=../..\n",
	  "apart/.git/worktrees/w/config.worktree=[core]\nhookspath=b\nfsmonitor=./c\n",
	  "tree/.git=gitdir: ../apart/.git/worktrees/w\n", "tree/a/", "tree/b/", "tree/c=", NULL},
	 NULL,
	 "sealed tree/.git\nsealed tree/HEAD\nsealed tree/a\nsealed tree/b\nsealed tree/c\n",
	 NULL},
	{"what a submodule's configuration names, in its worktree",
	 {GIT, REPOSITORY("tree/.git/modules/lib"),
	  "tree/.git/modules/lib/config=[core]\nworktree=../../../sub\nhookspath=h\n"
	  "fsmonitor=./f\n",
	  "tree/sub/h/", "tree/sub/f=", NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nfixed tree/.git/modules\nfixed tree/.git/modules/lib\n"
	 "sealed tree/.git/modules/lib/commondir\nsealed tree/.git/modules/lib/config\n"
	 "sealed tree/.git/modules/lib/hooks\nsealed tree/HEAD\nfixed tree/sub\n"
	 "sealed tree/sub/f\nsealed tree/sub/h\n",
	 NULL},
	{"a submodule cannot be sealed for its own hooks",
	 {GIT, REPOSITORY("tree/.git/modules/lib"),
	  "tree/.git/modules/lib/config=[core]\nworktree=../../../sub\nhookspath=.\n", "tree/sub/",
	  NULL},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nfixed tree/.git/modules\nfixed tree/.git/modules/lib\n"
	 "sealed tree/.git/modules/lib/commondir\nsealed tree/.git/modules/lib/config\n"
	 "sealed tree/.git/modules/lib/hooks\nsealed tree/HEAD\n",
	 NULL},
	{"submodules, also in directories of their names",
	 {GIT, REPOSITORY("tree/.git/modules/lib/x")},
	 NULL,
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/.git/hooks\nfixed tree/.git/modules\nfixed tree/.git/modules/lib\n"
	 "fixed tree/.git/modules/lib/x\nsealed tree/.git/modules/lib/x/commondir\n"
	 "sealed tree/.git/modules/lib/x/config\nsealed tree/.git/modules/lib/x/hooks\n"
	 "sealed tree/HEAD\n",
	 NULL},
	{"a worktree of a repository that is written, too",
	 {"tree/.git=gitdir: main/.git/worktrees/w\n", REPOSITORY("tree/main/.git"),
	  "tree/main/.git/worktrees/w/commondir=../..\n", NULL},
	 NULL,
	 "sealed tree/.git\nsealed tree/HEAD\nfixed tree/main\nfixed tree/main/.git\n"
	 "sealed tree/main/.git/commondir\nsealed tree/main/.git/config\n"
	 "sealed tree/main/.git/hooks\nfixed tree/main/.git/worktrees\n"
	 "fixed tree/main/.git/worktrees/w\nsealed tree/main/.git/worktrees/w/commondir\n",
	 NULL},
	{"a worktree of a repository outside: that is the mounts'",
	 {"tree/.git=gitdir: ../main/.git/worktrees/w\n", REPOSITORY("main/.git"),
	  "main/.git/worktrees/w/commondir=../..\n", NULL},
	 NULL,
	 "sealed tree/.git\nsealed tree/HEAD\n",
	 NULL},
	{"a .git that is a link: the link, and where it leads",
	 {"tree/.git>real", REPOSITORY("tree/real")},
	 NULL,
	 "sealed tree/.git\nsealed tree/HEAD\nfixed tree/real\nsealed tree/real/commondir\n"
	 "sealed tree/real/config\nsealed tree/real/hooks\n",
	 NULL},
	{"a bare repository",
	 {REPOSITORY("tree")},
	 NULL,
	 "sealed tree/.git\nsealed tree/commondir\nsealed tree/config\nsealed tree/hooks\n",
	 NULL},
	{"a .git that was opened", {GIT}, ".git", "sealed tree/HEAD\n", NULL},
	{"hooks that were opened",
	 {GIT},
	 ".git/hooks",
	 "fixed tree/.git\nsealed tree/.git/commondir\nsealed tree/.git/config\n"
	 "sealed tree/HEAD\n",
	 NULL},
};

static bool is_kept_as_said(const struct fixture *f, const struct scene *scene)
{
	char got[TEXT_MAX];

	for (size_t i = 0; i < NAMES_MAX && scene->entries[i]; i++)
		make_one(f, scene->entries[i]);
	find(f, scene->root, scene->named, got);
	assert_int_equal(remove_tree(f->tree), 0);
	assert_int_equal(mkdir(f->tree, 0700), 0);
	if (!strcmp(got, scene->kept))
		return true;
	print_error("%s\n  expected:\n%s  got:\n%s", scene->name, scene->kept, got);
	return false;
}

static void test_what_git_runs_is_kept(void **state)
{
	size_t right = 0;

	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		right += is_kept_as_said(*state, &scenes[i]);
	assert_int_equal(right, ARRAY_SIZE(scenes));
}

static void test_too_many_worktrees_are_sealed_together(void **state)
{
	static const char *const repository[] = {GIT};
	const struct fixture *f = *state;
	char entry[64], got[TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(repository); i++)
		make_one(f, repository[i]);
	for (int i = 0; i < MANY_TREES; i++) {
		snprintf(entry, sizeof(entry), "tree/.git/worktrees/%d/commondir=../..\n", i);
		make_one(f, entry);
	}
	find(f, NULL, NULL, got);
	assert_non_null(strstr(got, "sealed tree/.git/worktrees\n"));
	assert_null(strstr(got, "tree/.git/worktrees/"));
}

/* --- what cannot be read to its end -------------------------------------------------------- */

static void expect_refusal(const struct fixture *f, int expected, const char *file)
{
	struct error err = {"", "", ""};
	char got[TEXT_MAX], path[2 * PATH_MAX];

	assert_int_equal(try_find(f, NULL, NULL, got, &err), expected);
	snprintf(path, sizeof(path), "%s/%s", f->base, file);
	assert_string_equal(err.where, path);
	assert_true(err.mend[0]);
}

/* Each time ten deep, that would be 3^10 files; git refuses them. */
static void test_files_that_include_themselves_are_not_read_for_ever(void **state)
{
	static const char *const made[] = {
		GIT, "tree/.git/config=[include]\npath=loop\n",
		"tree/.git/loop=[include]\npath=loop\npath=loop\npath=loop\n"};

	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		make_one(*state, made[i]);
	expect_refusal(*state, -ELOOP, "tree/.git/loop");
}

static const struct {
	const char *name;
	size_t size;
	int r;
} sizes[] = {
	{"tree/.git/config", KEEPS_GIT_CONFIG_MAX, 0},
	{"tree/.git/config", KEEPS_GIT_CONFIG_MAX + 1, -EFBIG},
	{"tree/.git/config", KEEPS_GIT_CONFIG_MAX + 2, -EFBIG},
	{"tree/.gitconfig", KEEPS_GIT_CONFIG_MAX, 0},
	{"tree/.gitconfig", 2 * KEEPS_GIT_CONFIG_MAX, -EFBIG},
};

/* A comment that long, and a setting at its end. */
static void make_long(const struct fixture *f, const char *name, size_t size)
{
	static const char end[] = "\n[core]\nhookspath=h\n";
	char path[2 * PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->base, name);
	file = fopen(path, "we");
	assert_non_null(file);
	for (size_t i = strlen(end); i < size; i++)
		fputc('#', file);
	fputs(end, file);
	assert_int_equal(fclose(file), 0);
}

static void test_a_long_configuration_is_read_whole_or_refused(void **state)
{
	static const char *const repository[] = {GIT, "tree/h/"};
	const struct fixture *f = *state;
	char got[TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(repository); k++)
			make_one(f, repository[k]);
		make_long(f, sizes[i].name, sizes[i].size);
		if (sizes[i].r) {
			expect_refusal(f, sizes[i].r, sizes[i].name);
		} else {
			find(f, NULL, NULL, got);
			assert_non_null(strstr(got, "sealed tree/h\n"));
		}
		assert_int_equal(remove_tree(f->tree), 0);
		assert_int_equal(mkdir(f->tree, 0700), 0);
	}
}

/* --- the repository above ----------------------------------------------------------------- */

static const struct {
	const char *dir, *common, *top, *gitdir; /* NULL: none */
} dirs[] = {
	{"own", "own/.git", "own", "own/.git"},
	{"own/a/b", "own/.git", "own", "own/.git"},
	{"linked/a", "own/.git", "linked", "own/.git/worktrees/w"},
	{"own/sub", "own/.git/modules/sub", "own/sub", "own/.git/modules/sub"},
	{"none/a", NULL, NULL, NULL},
	{"broken", NULL, NULL, NULL},
};

static void test_the_repository_above_is_found(void **state)
{
	static const char *const made[] = {
		REPOSITORY("own/.git"),
		"own/a/b/",
		"own/.git/worktrees/w/commondir=../..\n",
		REPOSITORY("own/.git/modules/sub"),
		"own/sub/.git=gitdir: ../.git/modules/sub\n",
		"linked/.git=gitdir: ../own/.git/worktrees/w\n",
		"linked/a/",
		"none/a/",
		"broken/.git=gitdir: ../nowhere\n",
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		make_one(f, made[i]);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		char dir[2 * PATH_MAX], top[PATH_MAX] = "untouched";
		autofree char *found = NULL, *gitdir = NULL;

		snprintf(dir, sizeof(dir), "%s/%s", f->base, dirs[i].dir);
		found = keeps_git_common_dir(dir, top, &gitdir);
		assert_int_equal(!found, !dirs[i].common);
		if (!found) {
			assert_string_equal(top, "untouched");
			assert_null(gitdir);
			continue;
		}
		assert_string_equal(found + strlen(f->base) + 1, dirs[i].common);
		assert_string_equal(top + strlen(f->base) + 1, dirs[i].top);
		assert_string_equal(gitdir + strlen(f->base) + 1, dirs[i].gitdir);
	}
}

int main(void)
{
#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_TREE(test_what_git_runs_is_kept),
		IN_TREE(test_too_many_worktrees_are_sealed_together),
		IN_TREE(test_files_that_include_themselves_are_not_read_for_ever),
		IN_TREE(test_a_long_configuration_is_read_whole_or_refused),
		IN_TREE(test_the_repository_above_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
