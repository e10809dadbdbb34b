// SPDX-License-Identifier: Apache-2.0
#include "jail/files/mountinfo.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "cmocka_all.h"

static const struct {
	const char *line, *root, *path, *type;
	bool is_read_only;
} good[] = {
	{"36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw\n", "/", "/mnt", "ext3", false},
	{"36 35 98:0 / / ro - tmpfs none rw\n", "/", "/", "tmpfs", true},
	{"36 35 98:0 /a /b ro,nosuid shared:1 master:2 - fuse.lxcfs l ro\n", "/a", "/b",
	 "fuse.lxcfs", true},
	{"36 35 98:0 /r\\040 /a\\040b\\134\\011 rw - proc p rw\n", "/r ", "/a b\\\t", "proc",
	 false},
	{"36 35 98:0 / /x roo - proc p rw\n", "/", "/x", "proc", false},
};

static void test_parse_reads_what_is_mounted_where_and_how(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct mountinfo_entry entry;
		char line[256];

		memcpy(line, good[i].line, strlen(good[i].line) + 1);
		assert_int_equal(mountinfo_parse(line, &entry), 0);
		assert_string_equal(entry.path, good[i].path);
		assert_string_equal(entry.root, good[i].root);
		assert_true(entry.device == makedev(98, 0));
		assert_string_equal(entry.type, good[i].type);
		assert_int_equal(entry.is_read_only, good[i].is_read_only);
	}
}

static void test_parse_refuses_what_is_incomplete(void **state)
{
	static const char *const bad[] = {"",
					  "\n",
					  "36 35 98:0 / /mnt rw",
					  "36 35 / - ext3 x",
					  "36 35 98:0 / /mnt rw - ",
					  "36 35 x / /mnt rw - ext3 x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mountinfo_entry entry;
		char line[256];

		memcpy(line, bad[i], strlen(bad[i]) + 1);
		assert_int_equal(mountinfo_parse(line, &entry), -EBADMSG);
	}
}

static void test_next_reads_this_machine(void **state)
{
	struct mountinfo info;
	struct mountinfo_entry entry;
	bool has_root = false;
	int r;

	(void)state;
	assert_int_equal(mountinfo_open(&info), 0);
	while ((r = mountinfo_next(&info, &entry)) > 0)
		has_root |= !strcmp(entry.path, "/");
	mountinfo_close(&info);
	assert_int_equal(r, 0);
	assert_true(has_root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_reads_what_is_mounted_where_and_how),
		cmocka_unit_test(test_parse_refuses_what_is_incomplete),
		cmocka_unit_test(test_next_reads_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
