// SPDX-License-Identifier: Apache-2.0
/* What is read of git's configuration is what git itself reads of it. */
#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "jail/keeps/keeps_git_internal.h"

#define LIST_MAX 1024

static int add(void *context, const char *section, const char *key, char *value)
{
	char *list = context;
	size_t used = strlen(list);

	snprintf(list + used, LIST_MAX - used, "%s.%s=%s|", section, key, value);
	return !strcmp(key, "stop") ? -7 : 0;
}

static const struct {
	const char *text, *settings;
} files[] = {
	{"", ""},
	{"[core]\n\tbare = false\n", "core.bare=false|"},
	{"\xef\xbb\xbf[core]\n\tbare = false\n", "core.bare=false|"},
	{"\n\xef\xbb\xbf[core]\n\tbare = false\n", ""},
	{"[core] bare\n[Core]HooksPath=x", "core.bare=|core.hookspath=x|"},
	{"[filter \"a]b\\\"c\"] clean = x y ; z\n", "filter.clean=x y|"},
	{"[branch.main]\r\nmerge=a\r\n", "branch.merge=a|"},
	{"# [a]\n; b = c\n[d]\ne = f # g\n", "d.e=f|"},
	{"[a]\nb = \" c ; \\\"d\\\" \" ;e\n", "a.b= c ; \"d\" |"},
	{"[a]\nb = c\\\n  d\ne = f\n", "a.b=c  d|a.e=f|"},
	{"[a]\nb = c\\\\\nd=\\t\"\"\n", "a.b=c\\|a.d=\t|"},
	{"[a]\nb =\nc = d", "a.b=|a.c=d|"},
	{"[includeIf \"gitdir:~/x/\"]\n\tpath = ../shared\n", "includeif.path=../shared|"},
	{"[a\nb = c\n", ""},
	{"[a]\nb = c\n=d\n[e]\nf = g\n", "a.b=c|"},
	{"[a]\nstop = 1\nb = c\n", "a.stop=1|"},
};

static void test_settings_are_those_of_git(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		autofree char *text = strdup(files[i].text);
		char list[LIST_MAX] = "";

		assert_non_null(text);
		assert_int_equal(keeps_git_each(text, add, list),
				 strstr(files[i].text, "stop") ? -7 : 0);
		assert_string_equal(list, files[i].settings);
	}
}

/* To open a device is to do something to it; a FIFO tells of it as well. */
static void test_what_is_no_file_is_not_opened(void **state)
{
	autoclose int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char dir[] = "/tmp/mcpjail-git-config-XXXXXX", path[64], text[16];
	struct inotify_event event;
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/config", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
	assert_false(keeps_git_read(dir, "config", text, sizeof(text)));
	assert_int_equal(read(watch, &event, sizeof(event)), -1);
	assert_int_equal(errno, EAGAIN);
	unlink(path);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs("[a]", file);
	fclose(file);
	assert_true(keeps_git_read("/", path, text, sizeof(text)));
	assert_string_equal(text, "[a]");
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_are_those_of_git),
		cmocka_unit_test(test_what_is_no_file_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
