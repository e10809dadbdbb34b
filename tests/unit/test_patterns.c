// SPDX-License-Identifier: Apache-2.0
#include "jail/files/patterns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/remove_tree.h"
#include "cmocka_all.h"

static const struct {
	const char *pattern, *text;
	bool matches, in_any_case;
} pairs[] = {
	{"", "", true, true},
	{"", "a", false, false},
	{"*", "", true, true},
	{"*", "abc", true, true},
	{"a*", "a", true, true},
	{"a*c", "abcbc", true, true},
	{"a*c", "abcb", false, false},
	{"*_KEY", "X_KEY", true, true},
	{"*_KEY", "_KEY_", false, false},
	{"*_key", "X_KEY", false, true},
	{"**a**", "bab", true, true},
	{"?", "a", true, true},
	{"?", "", false, false},
	{"a?c*e", "abcde", true, true},
	{"[a]", "a", false, false},
	{"[a]", "[a]", true, true},
	{"\\*", "\\x", true, true},
};

static void test_matches_whole_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct span text = span_of(pairs[i].text);

		print_message("%s %s\n", pairs[i].pattern, pairs[i].text);
		assert_int_equal(pattern_matches(pairs[i].pattern, text, PATTERN_EXACT_CASE),
				 pairs[i].matches);
		assert_int_equal(pattern_matches(pairs[i].pattern, text, PATTERN_ANY_CASE),
				 pairs[i].in_any_case);
	}
}

/* Exponential matchers do not return from this. */
static void test_matches_in_bounded_time(void **state)
{
	char pattern[256], text[4096];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*a", 2);
	memcpy(pattern + sizeof(pattern) - 2, "b", 2);
	memset(text, 'a', sizeof(text));
	assert_false(pattern_matches(pattern, span_bytes(text, sizeof(text)), PATTERN_ANY_CASE));
}

/* a/{one.pem,two.pem,.hidden.pem,sub/}, b/one.pem, link -> a */
static char base[64];

static int make_tree(void **state)
{
	static const char *const dirs[] = {"a", "a/sub", "b", "x*y"};
	static const char *const files[] = {"a/one.pem", "a/two.pem", "a/.hidden.pem", "b/one.pem",
					    "x*y/one.pem"};
	char path[PATH_MAX];

	(void)state;
	snprintf(base, sizeof(base), "/tmp/mcpjail-patterns-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", base, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", base, files[i]);
		assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
	}
	snprintf(path, sizeof(path), "%s/link", base);
	return symlink("a", path);
}

static int tear_down(void **state)
{
	(void)state;
	return remove_tree(base);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const struct {
	const char *pattern, *found; /* relative to the base, which is home and $PWD */
} expansions[] = {
	{"~/a", "a"},
	{"$PWD/a", "a"},
	{"~/nowhere", "nowhere"},
	{"~/nowhere/", "nowhere/"},
	{"~//a/./sub//", "a/sub/"},
	{"~/a/*.pem", "a/.hidden.pem a/one.pem a/two.pem"},
	{"~/a/?ne.pem", "a/one.pem"},
	{"~/?/one.pem", "a/one.pem b/one.pem"},
	{"~/*/o*", "a/one.pem b/one.pem link/one.pem x*y/one.pem"},
	{"~/a/*/", "a/sub/"},
	{"~/l*", "link"},
	{"~/l*/", "link/"},
	{"~/nowhere/*", ""},
	{"~/a/one.pem/*", ""},
	{"~/a/*none", ""},
	{"~/[a]", "[a]"},
	{"~x/a", NULL},
	{"$PWDX/a", NULL},
	{"$HOME/a", NULL},
	{"a", NULL},
	{"", NULL},
	{"~/a/../b", NULL},
	{"~/..", NULL},
	{"/*/*/*/*/*/*/*/*/*", NULL},
};

static void check_found(struct path_list *list, const char *found)
{
	char text[1024] = "", *to = text;

	qsort(list->items, list->n, sizeof(list->items[0]), by_name);
	for (size_t i = 0; i < list->n; i++) {
		assert_int_equal(strncmp(list->items[i], base, strlen(base)), 0);
		to += sprintf(to, "%s%s", i ? " " : "", list->items[i] + strlen(base) + 1);
	}
	assert_string_equal(text, found);
}

static void test_expand_finds_what_is_there(void **state)
{
	const struct path_places places = {.home = base, .cwd = base};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expansions); i++) {
		struct path_list list = {.n = 0};
		struct error err = {"", "", ""};
		int r = patterns_expand(expansions[i].pattern, &places, &list, &err);

		print_message("%s\n", expansions[i].pattern);
		assert_int_equal(r, expansions[i].found ? 0 : -EINVAL);
		if (expansions[i].found)
			check_found(&list, expansions[i].found);
		else
			assert_string_equal(err.where, expansions[i].pattern);
		path_list_free(&list);
	}
}

/* A `*` in the name of the home is no wildcard. */
static void test_expand_takes_places_literally(void **state)
{
	char home[128];
	const struct path_places places = {.home = home};
	struct path_list list = {.n = 0};

	(void)state;
	snprintf(home, sizeof(home), "%s/x*y", base);
	assert_int_equal(patterns_expand("~/*.pem", &places, &list, NULL), 0);
	assert_int_equal(patterns_expand("~/one.pem", &places, &list, NULL), 0);
	check_found(&list, "x*y/one.pem");
	path_list_free(&list);
}

static void test_expand_skips_places_that_are_not(void **state)
{
	const struct path_places places = {.cwd = "/"};
	struct path_list list = {.n = 0};

	(void)state;
	assert_int_equal(patterns_expand("~/x", &places, &list, NULL), 0);
	assert_int_equal(list.n, 0);
	assert_int_equal(patterns_expand("$PWD/x", &places, &list, NULL), 0);
	assert_int_equal(patterns_expand("$PWD/", &places, &list, NULL), 0);
	assert_int_equal(patterns_expand("/", &places, &list, NULL), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.items[0], "/x");
	assert_string_equal(list.items[1], "/");
	path_list_free(&list);
}

static void test_expand_bounds_what_it_finds(void **state)
{
	const struct path_places places = {.home = base};
	struct path_list list = {.n = 0};
	struct error err = {"", "", ""};
	char path[PATH_MAX];

	(void)state;
	for (int i = 0; i <= PATTERNS_PATHS_MAX; i++) {
		snprintf(path, sizeof(path), "%s/b/%d", base, i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	assert_int_equal(patterns_expand("~/b/*", &places, &list, &err), -E2BIG);
	assert_string_equal(err.where, "~/b/*");
	assert_string_not_equal(err.what, "");
	path_list_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches_whole_texts),
		cmocka_unit_test(test_matches_in_bounded_time),
		cmocka_unit_test(test_expand_finds_what_is_there),
		cmocka_unit_test(test_expand_takes_places_literally),
		cmocka_unit_test(test_expand_skips_places_that_are_not),
		cmocka_unit_test(test_expand_bounds_what_it_finds),
	};

	return cmocka_run_group_tests(tests, make_tree, tear_down);
}
