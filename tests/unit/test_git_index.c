// SPDX-License-Identifier: Apache-2.0
/* Indexes that git itself writes, of each version, and what is none. */
#include "jail/keeps/git_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"

struct found {
	char text[1024];
};

static int note(void *context, enum git_index_found what, const char *text)
{
	struct found *f = context;
	size_t used = strlen(f->text);

	if (used + 8 < sizeof(f->text))
		snprintf(f->text + used, sizeof(f->text) - used, "%c%s ", what,
			 what == GIT_INDEX_BASE ? "" : text);
	return 0;
}

static int make_place(void **state)
{
	char *dir = strdup("/tmp/mcpjail-index.XXXXXX");

	assert_non_null(mkdtemp(dir));
	*state = dir;
	return 0;
}

static int remove_place(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", (char *)*state);
	free(*state);
	return system(command);
}

static int read_index(const char *dir, size_t hash_bytes, struct found *ret)
{
	char path[128];
	int fd, r;

	snprintf(path, sizeof(path), "%s/.git/index", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	*ret = (struct found){{0}};
	r = git_index_read(fd, hash_bytes, note, ret);
	close(fd);
	return r;
}

static void git(const char *dir, const char *command)
{
	char line[2048];

	snprintf(line, sizeof(line),
		 "cd %s && HOME=$PWD GIT_CONFIG_NOSYSTEM=1 && export HOME GIT_CONFIG_NOSYSTEM && { "
		 "%s; } >/dev/null 2>&1",
		 dir, command);
	assert_int_equal(system(line), 0);
}

#define SHA1             "1234567890123456789012345678901234567890"
#define SHA256           "1234567890123456789012345678901234567890123456789012345678901234"
#define FILES            "touch a z dir-1 dir-2 && git add . && "
#define LINK(name, hash) "git update-index --add --cacheinfo 160000," hash "," name " && "

static void test_submodules_are_found_in_each_version(void **state)
{
	static const struct {
		const char *commands;
		size_t hash_bytes;
		const char *found;
	} rows[] = {
		{"git init && " FILES "true", GIT_SHA1_BYTES, ""},
		{"git init && " FILES LINK("sub", SHA1) "true", GIT_SHA1_BYTES, "Ssub "},
		{"git init && " FILES LINK("dir/eight7", SHA1) LINK("dir/eight78", SHA1)
			 LINK("k", SHA1) "true",
		 GIT_SHA1_BYTES, "Sdir/eight7 Sdir/eight78 Sk "},
		/* Version 3: an entry with flags of the second kind. */
		{"git init && " FILES LINK("m", SHA1) "git update-index --skip-worktree a dir-1",
		 GIT_SHA1_BYTES, "Sm "},
		{"git init && " FILES LINK("dir-1x", SHA1) LINK("dir-3/y", SHA1)
			 LINK("s", SHA1) "git update-index --index-version 4",
		 GIT_SHA1_BYTES, "Sdir-1x Sdir-3/y Ss "},
		{"git init --object-format=sha256 && " FILES LINK("sub", SHA256) "true",
		 GIT_SHA256_BYTES, "Ssub "},
		{"git init && " FILES LINK("sub", SHA1) "git update-index --split-index",
		 GIT_SHA1_BYTES, "B "},
	};
	struct found found;
	char command[1024];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(command, sizeof(command), "rm -rf .git a z dir*; %s", rows[i].commands);
		git(*state, command);
		assert_int_equal(read_index(*state, rows[i].hash_bytes, &found), 0);
		assert_string_equal(found.text, rows[i].found);
	}
}

/* Cut anywhere, with any byte another: no more is promised than that it ends. */
static void test_what_is_no_index_ends_as_one(void **state)
{
	static uint8_t bytes[4096];
	struct found found;
	char path[128];
	ssize_t n;
	int fd;

	git(*state, "git init && " FILES LINK("dir-1x", SHA1)
			    LINK("s", SHA1) "git update-index --index-version 4");
	snprintf(path, sizeof(path), "%s/.git/index", (char *)*state);
	fd = open(path, O_RDWR | O_CLOEXEC);
	n = read(fd, bytes, sizeof(bytes));
	assert_true(n > 100 && n < (ssize_t)sizeof(bytes));
	for (ssize_t at = 0; at < n; at++) {
		uint8_t changed = bytes[at] ^ 0xff;

		assert_int_equal(pwrite(fd, &changed, 1, at), 1);
		(void)read_index(*state, GIT_SHA1_BYTES, &found);
		(void)read_index(*state, GIT_SHA256_BYTES, &found);
		assert_int_equal(pwrite(fd, &bytes[at], 1, at), 1);
	}
	for (ssize_t at = n - 1; at >= 0; at--) {
		assert_int_equal(ftruncate(fd, at), 0);
		(void)read_index(*state, GIT_SHA1_BYTES, &found);
	}
	assert_int_equal(read_index(*state, GIT_SHA1_BYTES, &found), -EBADMSG);
	close(fd);
}

static void test_a_path_beyond_all_bounds_is_refused(void **state)
{
	static uint8_t bytes[12 + 62 + 2 * GIT_INDEX_PATH_MAX];
	struct found found;
	char path[128];
	int fd;

	git(*state, "git init && touch a && git add a");
	snprintf(path, sizeof(path), "%s/.git/index", (char *)*state);
	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "DIRC\0\0\0\2\0\0\0\1", 12);
	memcpy(bytes + 12 + 24, "\0\0\xe0\0", 4);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	assert_int_equal(read_index(*state, GIT_SHA1_BYTES, &found), -EBADMSG);
	assert_string_equal(found.text, "");
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PLACE(test_submodules_are_found_in_each_version),
		WITH_PLACE(test_what_is_no_index_ends_as_one),
		WITH_PLACE(test_a_path_beyond_all_bounds_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
