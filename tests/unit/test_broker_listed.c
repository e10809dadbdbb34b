// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "broker/listed.h"

struct place {
	char path[64];
	struct listed listed;
};

static int enter_directory(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	snprintf(p->path, sizeof(p->path), "/tmp/mcpjail-listed-XXXXXX");
	if (!mkdtemp(p->path) || chdir(p->path))
		return -1;
	*state = p;
	return 0;
}

static int leave_directory(void **state)
{
	struct place *p = *state;
	char command[128];
	int r;

	listed_close(&p->listed);
	snprintf(command, sizeof(command), "rm -rf %s", p->path);
	r = chdir("/") || system(command);
	free(p);
	return r;
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void list(struct place *p, const char *const *items, size_t n)
{
	const struct policy_names names = {items, n};
	const struct listed_places places = {p->path, p->path};

	assert_int_equal(listed_open(&names, &places, &p->listed), 0);
}

static bool is_listed(const struct place *p, const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return listed_has(&p->listed, &st);
}

static void test_paths_are_expanded(void **state)
{
	static const char *const items[] = {"~/a", "$PWD/d/b", "~other/c", "$PWDx/c", "c"};
	struct place *p = *state;

	mkdir("d", 0755);
	make_socket("a");
	make_socket("d/b");
	make_socket("c");
	list(p, items, ARRAY_SIZE(items));
	assert_true(is_listed(p, "a"));
	assert_true(is_listed(p, "d/b"));
	assert_false(is_listed(p, "c"));
}

static void test_without_a_home_its_sockets_are_not_listed(void **state)
{
	static const char *const items[] = {"~/a"};
	const struct listed_places places = {"", ""};
	const struct policy_names names = {items, 1};
	struct place *p = *state;

	make_socket("a");
	assert_int_equal(listed_open(&names, &places, &p->listed), 0);
	assert_false(is_listed(p, "a"));
}

static void test_one_that_is_made_later_is_listed(void **state)
{
	static const char *const items[] = {"~/later", "~/new/dir/later"};
	struct place *p = *state;

	list(p, items, ARRAY_SIZE(items));
	make_socket("later");
	mkdir("new", 0755);
	mkdir("new/dir", 0755);
	make_socket("new/dir/later");
	assert_true(is_listed(p, "later"));
	assert_true(is_listed(p, "new/dir/later"));
	/* As when a service is started again. */
	unlink("later");
	make_socket("other");
	make_socket("later");
	assert_true(is_listed(p, "later"));
	assert_false(is_listed(p, "other"));
}

static void test_a_link_of_the_beginning_is_followed(void **state)
{
	static const char *const items[] = {"~/link", "~/linked/b"};
	struct place *p = *state;

	mkdir("d", 0755);
	make_socket("a");
	make_socket("d/b");
	assert_int_equal(symlink("a", "link"), 0);
	assert_int_equal(symlink("d", "linked"), 0);
	list(p, items, ARRAY_SIZE(items));
	assert_true(is_listed(p, "a"));
	assert_true(is_listed(p, "d/b"));
}

static void test_a_link_of_later_leads_nowhere(void **state)
{
	static const char *const items[] = {"~/a", "~/d/b", "~/none"};
	struct place *p = *state;

	mkdir("d", 0755);
	mkdir("e", 0755);
	make_socket("a");
	make_socket("d/b");
	make_socket("e/b");
	make_socket("forbidden");
	list(p, items, ARRAY_SIZE(items));
	assert_int_equal(rename("a", "moved"), 0);
	assert_int_equal(symlink("forbidden", "a"), 0);
	assert_int_equal(symlink("forbidden", "none"), 0);
	assert_int_equal(rename("d", "away"), 0);
	assert_int_equal(symlink("e", "d"), 0);
	assert_false(is_listed(p, "forbidden"));
	assert_false(is_listed(p, "e/b"));
	/* The directory that was meant, wherever it lies now. */
	assert_true(is_listed(p, "away/b"));
	assert_false(is_listed(p, "moved"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)
		IN_DIRECTORY(test_paths_are_expanded),
		IN_DIRECTORY(test_without_a_home_its_sockets_are_not_listed),
		IN_DIRECTORY(test_one_that_is_made_later_is_listed),
		IN_DIRECTORY(test_a_link_of_the_beginning_is_followed),
		IN_DIRECTORY(test_a_link_of_later_leads_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
