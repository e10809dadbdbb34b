// SPDX-License-Identifier: Apache-2.0
/* What stands in the way, over a directory that looks like /proc/sys. */
#include "sandbox/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"

struct tree {
	char path[64];
	int sys_fd;
};

static int tree_new(void **state)
{
	static const char *const dirs[] = {"sys", "self", "self/attr"};
	struct tree *t = calloc(1, sizeof(*t));
	char path[128];

	snprintf(t->path, sizeof(t->path), "/tmp/mcpjail-sys.XXXXXX");
	assert_non_null(mkdtemp(t->path));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", t->path, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(path, sizeof(path), "%s/sys", t->path);
	t->sys_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = t;
	return 0;
}

static int tree_free(void **state)
{
	struct tree *t = *state;
	char command[128];

	close(t->sys_fd);
	snprintf(command, sizeof(command), "rm -rf %s", t->path);
	assert_int_equal(system(command), 0);
	free(t);
	return 0;
}

static void put(const struct tree *t, const char *name, const char *value)
{
	char path[256], *slash;
	size_t root;
	int fd;

	snprintf(path, sizeof(path), "%s/", t->path);
	root = strlen(path);
	snprintf(path + root, sizeof(path) - root, "%s", name);
	for (slash = path + root; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

static const struct setting *find(const char *name)
{
	size_t n;
	const struct setting *table = settings_table(&n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	fail_msg("%s is in no table", name);
	return NULL;
}

static void test_each_value_stands_in_the_way_or_not(void **state)
{
	static const struct {
		const char *name, *file, *value;
		enum setting_state user, root;
		const char *mend;
	} cases[] = {
		{"user.max_user_namespaces", "sys/user/max_user_namespaces", "0\n", SETTING_REFUSES,
		 SETTING_REFUSES, "user.max_user_namespaces="},
		{"user.max_user_namespaces", "sys/user/max_user_namespaces", "15000\n",
		 SETTING_FINE, SETTING_FINE, ""},
		{"user.max_net_namespaces", "sys/user/max_net_namespaces", "0\n", SETTING_REFUSES,
		 SETTING_REFUSES, "user.max_net_namespaces="},
		{"kernel.unprivileged_userns_clone", "sys/kernel/unprivileged_userns_clone", "0\n",
		 SETTING_REFUSES, SETTING_FINE, "kernel.unprivileged_userns_clone=1"},
		{"kernel.unprivileged_userns_clone", "sys/kernel/unprivileged_userns_clone", "1\n",
		 SETTING_FINE, SETTING_FINE, ""},
		{"kernel.apparmor_restrict_unprivileged_userns",
		 "sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", SETTING_REFUSES,
		 SETTING_FINE, "apparmor_parser -r /etc/apparmor.d/mcpjail"},
		{"kernel.apparmor_restrict_unprivileged_userns",
		 "sys/kernel/apparmor_restrict_unprivileged_userns", "0\n", SETTING_FINE,
		 SETTING_FINE, ""},
		{"kernel.yama.ptrace_scope", "sys/kernel/yama/ptrace_scope", "0\n", SETTING_FINE,
		 SETTING_FINE, ""},
		{"kernel.yama.ptrace_scope", "sys/kernel/yama/ptrace_scope", "1\n", SETTING_FINE,
		 SETTING_FINE, ""},
		{"kernel.yama.ptrace_scope", "sys/kernel/yama/ptrace_scope", "2\n", SETTING_REFUSES,
		 SETTING_REFUSES, "kernel.yama.ptrace_scope=1"},
		{"kernel.yama.ptrace_scope", "sys/kernel/yama/ptrace_scope", "3\n", SETTING_REFUSES,
		 SETTING_REFUSES, "kernel.yama.ptrace_scope=1"},
		{"kernel.seccomp.actions_avail", "sys/kernel/seccomp/actions_avail",
		 "kill_process trap errno user_notif trace log allow\n", SETTING_FINE, SETTING_FINE,
		 ""},
		{"kernel.seccomp.actions_avail", "sys/kernel/seccomp/actions_avail",
		 "kill trap errno user_notifier trace log allow\n", SETTING_REFUSES,
		 SETTING_REFUSES, "kernel"},
	};
	char value[SETTING_VALUE_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct setting *s = find(cases[i].name);
		struct tree *t = *state;

		print_message("%s: %s", cases[i].name, cases[i].value);
		put(t, cases[i].file, cases[i].value);
		assert_int_equal(setting_read(s, t->sys_fd, false, value), cases[i].user);
		assert_int_equal(setting_read(s, t->sys_fd, true, value), cases[i].root);
		assert_int_equal(strlen(value), strlen(cases[i].value) - 1);
		assert_non_null(strstr(s->mend, cases[i].mend));
	}
}

static void test_what_the_kernel_does_not_have_refuses_nothing(void **state)
{
	struct tree *t = *state;
	char value[SETTING_VALUE_MAX];
	size_t n;
	const struct setting *table = settings_table(&n);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(setting_read(&table[i], t->sys_fd, false, value), SETTING_ABSENT);
}

static void test_a_profile_of_its_own_spares_the_program(void **state)
{
	const struct setting *s = find("kernel.apparmor_restrict_unprivileged_userns");
	struct tree *t = *state;
	char value[SETTING_VALUE_MAX];

	put(t, "sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
	put(t, "self/attr/current", "unconfined\n");
	assert_int_equal(setting_read(s, t->sys_fd, false, value), SETTING_REFUSES);
	put(t, "self/attr/current", "mcpjail (unconfined)\n");
	assert_int_equal(setting_read(s, t->sys_fd, false, value), SETTING_FINE);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, tree_new, tree_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TREE(test_each_value_stands_in_the_way_or_not),
		WITH_TREE(test_what_the_kernel_does_not_have_refuses_nothing),
		WITH_TREE(test_a_profile_of_its_own_spares_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
