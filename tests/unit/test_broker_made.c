// SPDX-License-Identifier: Apache-2.0
/* Real sockets, in a directory of their own: the kernel is the one that is asked. */
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "broker/made.h"

static int open_bound(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static int pin_of(const char *path)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int add(struct made *m, int socket, const char *path)
{
	struct timespec before = {0, 0};
	autoclose int pin = pin_of(path);

	clock_gettime(CLOCK_REALTIME_COARSE, &before);
	return made_add(m, socket, pin, &before);
}

static bool has(struct made *m, const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return made_has(m, &st);
}

static int enter_directory(void **state)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/mcpjail-made-XXXXXX");
	if (!mkdtemp(path) || chdir(path))
		return -1;
	*state = path;
	return 0;
}

static int leave_directory(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", (char *)*state);
	return chdir("/") || system(command);
}

static void test_what_was_bound_is_made_inside_by_any_name(void **state)
{
	autoclose int socket = open_bound("ours"), other = open_bound("others");
	struct made *m = NULL;

	(void)state;
	assert_int_equal(made_new(&m), 0);
	assert_false(has(m, "ours"));
	assert_int_equal(add(m, socket, "ours"), 0);
	assert_int_equal(link("ours", "linked"), 0);
	assert_int_equal(rename("ours", "renamed"), 0);
	assert_true(has(m, "linked"));
	assert_true(has(m, "renamed"));
	assert_false(has(m, "others"));
	assert_false(has(m, "."));
	made_free(m);
}

static void test_a_file_of_anothers_at_the_name_is_not_taken_for_it(void **state)
{
	autoclose int theirs = open_bound("theirs"), ours = open_bound("ours");
	struct made *m = NULL;

	(void)state;
	assert_int_equal(made_new(&m), 0);
	assert_int_equal(link("theirs", "cover"), 0);
	assert_int_equal(rename("cover", "ours"), 0);
	assert_int_equal(add(m, ours, "ours"), -EACCES);
	assert_false(has(m, "ours"));
	assert_false(has(m, "theirs"));
	/* Nor a file that is none of a socket, nor a link. */
	assert_int_equal(symlink("theirs", "link"), 0);
	assert_int_equal(add(m, ours, "link"), -EACCES);
	assert_int_equal(add(m, ours, "."), -EACCES);
	made_free(m);
}

/* /dev/shm gives inode numbers of its own: here and there they may well be the same. */
static void test_files_of_other_file_systems_are_others(void **state)
{
	autoclose int ours = open_bound("ours"), theirs = -1;
	char path[64];
	struct made *m = NULL;

	(void)state;
	snprintf(path, sizeof(path), "/dev/shm/mcpjail-made-%d", getpid());
	theirs = open_bound(path);
	assert_int_equal(made_new(&m), 0);
	assert_int_equal(add(m, ours, path), -EACCES);
	assert_int_equal(add(m, ours, "ours"), 0);
	assert_false(has(m, path));
	made_free(m);
	unlink(path);
}

static void test_a_socket_that_is_not_bound_has_no_file(void **state)
{
	autoclose int unbound = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	autoclose int inet = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	autoclose int other = open_bound("others");
	struct made *m = NULL;

	(void)state;
	assert_int_equal(made_new(&m), 0);
	assert_int_equal(add(m, unbound, "others"), -ENOENT);
	assert_int_not_equal(add(m, inet, "others"), 0);
	made_free(m);
}

static void test_it_counts_only_while_the_socket_exists(void **state)
{
	autoclose int socket = open_bound("ours"), duplicate = -1;
	struct made *m = NULL;

	(void)state;
	assert_int_equal(made_new(&m), 0);
	assert_int_equal(add(m, socket, "ours"), 0);
	duplicate = fcntl(socket, F_DUPFD_CLOEXEC, 0);
	fd_close(&socket);
	assert_true(has(m, "ours"));
	fd_close(&duplicate);
	assert_false(has(m, "ours"));
	made_free(m);
}

static void test_those_that_are_gone_leave_room(void **state)
{
	struct made *m = NULL;

	(void)state;
	assert_int_equal(made_new(&m), 0);
	for (int i = 0; i < MADE_MAX + 100; i++) {
		autoclose int socket = open_bound("turn");

		assert_int_equal(add(m, socket, "turn"), 0);
		assert_true(has(m, "turn"));
		unlink("turn");
	}
	made_free(m);
}

static struct caller_address abstract(const char *name, size_t n)
{
	struct caller_address address = {.n = (socklen_t)(sizeof(sa_family_t) + n)};

	address.head.sa_family = AF_UNIX;
	memcpy(address.bytes + sizeof(sa_family_t), name, n);
	return address;
}

static void test_abstract_names_count_by_all_their_bytes(void **state)
{
	const struct caller_address ours = abstract("\0made\0one", 9);
	const struct caller_address others[] = {abstract("\0made\0on", 8),
						abstract("\0made\0onf", 9),
						abstract("\0made\0one\0", 10), abstract("", 0)};
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct made *m = NULL;

	(void)state;
	assert_int_equal(bind(fd, &ours.head, ours.n), 0);
	assert_int_equal(made_new(&m), 0);
	assert_false(made_has_name(m, &ours));
	assert_int_equal(made_add_name(m, fd, &ours), 0);
	assert_true(made_has_name(m, &ours));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_false(made_has_name(m, &others[i]));
	assert_int_equal(made_add_name(m, fd, &others[3]), -EINVAL);
	fd_close(&fd);
	assert_false(made_has_name(m, &ours));
	made_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)
		IN_DIRECTORY(test_what_was_bound_is_made_inside_by_any_name),
		IN_DIRECTORY(test_a_file_of_anothers_at_the_name_is_not_taken_for_it),
		IN_DIRECTORY(test_files_of_other_file_systems_are_others),
		IN_DIRECTORY(test_a_socket_that_is_not_bound_has_no_file),
		IN_DIRECTORY(test_it_counts_only_while_the_socket_exists),
		IN_DIRECTORY(test_those_that_are_gone_leave_room),
		cmocka_unit_test(test_abstract_names_count_by_all_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
