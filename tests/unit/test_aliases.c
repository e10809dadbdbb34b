// SPDX-License-Identifier: Apache-2.0
#include "jail/files/aliases.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmocka_all.h"

#define MOUNT(path, root, device)                                                                  \
	{                                                                                          \
		(char[]){path}, (char[]){root}, device, false                                      \
	}

/* A root with a home of its own, which is bound elsewhere, and a view of both. */
static struct alias_mount mounts[] = {
	MOUNT("/", "/@", 1),           MOUNT("/home", "/home", 1),
	MOUNT("/proc", "/", 2),        MOUNT("/mnt/all", "/", 1),
	MOUNT("/srv/u", "/home/u", 1), MOUNT("/key", "/home/u/.ssh/id", 1),
	MOUNT("/data", "/", 3),        MOUNT("/data", "/home", 1),
};
static const struct aliases aliases = {mounts, ARRAY_SIZE(mounts)};

static const struct {
	const char *path, *names;
} cases[] = {
	{"/home/u/.ssh", "/mnt/all/home/u/.ssh /srv/u/.ssh /data/u/.ssh "},
	{"/home/u/.ssh/id", "/mnt/all/home/u/.ssh/id /srv/u/.ssh/id /key /data/u/.ssh/id "},
	{"/srv/u", "/home/u /mnt/all/home/u /data/u "},
	{"/key", "/home/u/.ssh/id /mnt/all/home/u/.ssh/id /srv/u/.ssh/id /data/u/.ssh/id "},
	{"/etc/x", "/mnt/all/@/etc/x "},
	{"/mnt/all/@/etc/x", "/etc/x "},
	{"/", "/mnt/all/@ "},
	{"/mnt/all", ""},
	{"/proc/1", ""},
	/* Either of two that lie on each other may be the upper one. */
	{"/data/u/x", "/home/u/x /mnt/all/home/u/x /srv/u/x "},
};

static void test_find_names_what_other_mounts_show(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct path_list names = {.n = 0};
		char joined[1024] = "";

		assert_int_equal(aliases_find(&aliases, cases[i].path, &names), 0);
		for (size_t j = 0; j < names.n; j++)
			strcat(strcat(joined, names.items[j]), " ");
		assert_string_equal(joined, cases[i].names);
		path_list_free(&names);
	}
}

static void test_find_refuses_what_is_too_long(void **state)
{
	char path[PATH_MAX] = "/";
	struct path_list names = {.n = 0};

	(void)state;
	memset(path + 1, 'x', sizeof(path) - 3);
	assert_int_equal(aliases_find(&aliases, path, &names), -ENAMETOOLONG);
	path_list_free(&names);
}

static void test_load_knows_the_root(void **state)
{
	struct aliases loaded;
	bool has_root = false;

	(void)state;
	assert_int_equal(aliases_load(&loaded), 0);
	for (size_t i = 0; i < loaded.n; i++)
		has_root |= !strcmp(loaded.mounts[i].path, "/");
	assert_true(has_root);
	aliases_free(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_names_what_other_mounts_show),
		cmocka_unit_test(test_find_refuses_what_is_too_long),
		cmocka_unit_test(test_load_knows_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
