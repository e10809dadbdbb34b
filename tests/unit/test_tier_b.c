// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/remove_tree.h"
#include "cmocka_all.h"
#include "jail/tier_b/tier_b_internal.h"
#include "jail/tier_b.h"

/* A home, a project in it, and mcpjail's own places beside. */
static char base[PATH_MAX / 2];

static char *below(const char *name)
{
	static char paths[64][PATH_MAX];
	static size_t next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, PATH_MAX, "%s%s%s", base, *name ? "/" : "", name);
	return path;
}

static void make_file(const char *name)
{
	autoclose int fd = open(below(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, "x", 1), 1);
}

static int set_up(void **state)
{
	static const char *const dirs[] = {"home",
					   "home/project",
					   "home/.ssh",
					   "home/.config",
					   "home/.config/gh",
					   "home/project/sub",
					   "state",
					   "run",
					   "config",
					   "elsewhere"};
	const char *home = getenv("HOME");

	(void)state;
	/* Not in /tmp, nothing of which is shown. */
	snprintf(base, sizeof(base), "%s/mcpjail-tier-b-XXXXXX", home && *home ? home : "/root");
	if (!mkdtemp(base))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdir(below(dirs[i]), 0700))
			return -1;
	make_file("home/.ssh/id");
	make_file("home/.config/gh/hosts.yml");
	make_file("home/.config/other");
	make_file("home/notes");
	make_file("home/secret");
	make_file("home/project/source");
	make_file("state/key");
	make_file("run/ledger");
	make_file("elsewhere/file");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return remove_tree(base);
}

static struct jail_spec spec_of(void)
{
	return (struct jail_spec){.tier = JAIL_TIER_B,
				  .cwd = below("home/project"),
				  .run_dir = below("run"),
				  .state_dir = below("state"),
				  .home = below("home"),
				  .default_policy_dir = below("config/mcpjail"),
				  .cwd_is_writable = true,
				  .stdio = {-1, -1, -1},
				  .run_id = "test"};
}

/* --- what is refused --------------------------------------------------------------- */

static void expect_refusal(const struct jail_spec *spec, const char *what)
{
	struct error err = {.where = ""};
	struct tier_b *b = NULL;
	int r = tier_b_prepare(spec, &b, &err);

	tier_b_free(b);
	if (!what) {
		assert_string_equal(err.what, "");
		assert_int_equal(r, 0);
		return;
	}
	if (r != -EPERM)
		print_error("not refused: %s\n", what);
	assert_int_equal(r, -EPERM);
	assert_non_null(strstr(err.what, what));
	assert_true(err.mend[0]);
}

static void test_tier_b_refuses_what_it_cannot_protect(void **state)
{
	const char *const home[] = {below("home")}, *const all[] = {base};
	const char *const hides[] = {below("home/project/source")};
	struct jail_spec spec = spec_of();

	(void)state;
	expect_refusal(&spec, NULL);
	spec.run_dir = below("home/project/sub");
	expect_refusal(&spec, "the run directory");
	spec = spec_of();
	spec.write_dirs = all;
	spec.n_write_dirs = 1;
	expect_refusal(&spec, "the run directory");
	spec.run_dir = spec.state_dir = "/usr";
	expect_refusal(&spec, "policies");
	spec = spec_of();
	spec.write_dirs = home;
	spec.n_write_dirs = 1;
	expect_refusal(&spec, "a credential store");
	spec = spec_of();
	spec.policy_path = spec.policy_name = below("home/project/source");
	expect_refusal(&spec, "the policy");
	spec.policy_path = below("elsewhere/file");
	assert_int_equal(symlink(below("elsewhere"), below("home/project/link")), 0);
	spec.policy_name = below("home/project/link/file");
	expect_refusal(&spec, "the policy");
	assert_int_equal(unlink(below("home/project/link")), 0);
	spec = spec_of();
	spec.default_policy_dir = below("home/project/missing/mcpjail");
	expect_refusal(&spec, "policies");
	spec = spec_of();
	spec.hide_paths = (struct jail_names){hides, 1};
	expect_refusal(&spec, "what is hidden");
	spec = spec_of();
	spec.cwd = "/tmp";
	expect_refusal(&spec, "private");
}

/* --- what holds ---------------------------------------------------------------------- */

enum use { READS = 0, WRITES, MAKES, CUTS };

static int try_use(enum use use, const char *path)
{
	autoclose int fd = -1;

	if (use == CUTS)
		return truncate(path, 1) ? errno : 0;
	fd = open(path,
		  (use == READS ? O_RDONLY : O_WRONLY | (use == MAKES ? O_CREAT : 0)) | O_CLOEXEC,
		  0600);
	return fd < 0 ? errno : 0;
}

static const struct {
	enum use use;
	const char *name; /* below base, unless it begins with a slash */
	int broker, agent;
} uses[] = {
	{READS, "home/project/source", 0, 0},
	{WRITES, "home/project/source", 0, 0},
	{CUTS, "home/project/source", 0, 0},
	{MAKES, "home/project/new", 0, 0},
	{READS, "home/notes", 0, 0},
	{WRITES, "home/notes", EACCES, EACCES},
	{CUTS, "home/notes", EACCES, EACCES},
	{MAKES, "home/new", EACCES, EACCES},
	{READS, "home/.config/other", 0, 0},
	{READS, "home/.ssh/id", EACCES, EACCES},
	{READS, "home/.config/gh/hosts.yml", EACCES, EACCES},
	{READS, "home/secret", EACCES, EACCES},
	{READS, "elsewhere/file", 0, 0},
	{WRITES, "elsewhere/file", EACCES, EACCES},
	{READS, "state/key", EACCES, EACCES},
	{MAKES, "state/new", EACCES, EACCES},
	{READS, "run/ledger", EACCES, EACCES},
	{MAKES, "/tmp/mcpjail-tier-b-test", EACCES, EACCES},
	{READS, "/proc/self/status", 0, 0},
	{WRITES, "/proc/self/oom_score_adj", EACCES, EACCES},
	{READS, "/sys/kernel/uevent_seqnum", EACCES, EACCES},
	{WRITES, "/dev/null", 0, 0},
	{READS, "/dev/urandom", 0, 0},
	{READS, "/dev/ptmx", EACCES, EACCES},
	{READS, "/etc/passwd", 0, 0},
	{MAKES, "/etc/mcpjail-tier-b-test", EACCES, EACCES},
};

static int try_all(bool is_agent)
{
	for (size_t i = 0; i < ARRAY_SIZE(uses); i++) {
		const char *path = uses[i].name[0] == '/' ? uses[i].name : below(uses[i].name);
		int wanted = is_agent ? uses[i].agent : uses[i].broker;
		int got = try_use(uses[i].use, path);

		/* What is not there on this machine, or not for us, is as good as refused. */
		if (got != wanted && !(wanted && (got == ENOENT || got == EPERM))) {
			print_error("%s, use %d: %d, not %d\n", path, (int)uses[i].use, got,
				    wanted);
			return 1;
		}
	}
	return 0;
}

/* No name can be added to the run's own files, be it a socket's, nor one taken away. */
static bool can_only_fill(const struct tier_b *b)
{
	static const char *const dirs[] = {"", "run/", "run/mcpjail/"};
	char name[TIER_B_DIR_BYTES], path[TIER_B_PATH_BYTES];

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		snprintf(name, sizeof(name), "%sname", dirs[i]);
		tier_b_path(b, name, path);
		memcpy(address.sun_path, path, strlen(path));
		if (try_use(MAKES, path) != EACCES ||
		    !bind(fd, (const struct sockaddr *)&address, sizeof(address)) ||
		    errno != EACCES)
			return false;
	}
	tier_b_path(b, TIER_B_CA, path);
	return unlink(path) && errno == EACCES;
}

static int confine_and_try(const struct tier_b *b)
{
	char path[TIER_B_PATH_BYTES];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || tier_b_confine(b, NULL) || try_all(false))
		return 1;
	/* What init does, and nobody else is to do by the broker's leave. */
	tier_b_path(b, TIER_B_CA, path);
	if (try_use(MAKES, path) || try_use(CUTS, path) || !can_only_fill(b))
		return 2;
	if (tier_b_confine_agent(b, NULL) || try_all(true))
		return 3;
	if (try_use(READS, path) || try_use(WRITES, path) != EACCES)
		return 4;
	tier_b_path(b, TIER_B_WGETRC, path);
	if (try_use(READS, path))
		return 5;
	tier_b_path(b, "tmp/file", path);
	return try_use(MAKES, path) ? 6 : 0;
}

static void test_tier_b_holds_files(void **state)
{
	const char *const hides[] = {below("home/secret")};
	struct jail_spec spec = spec_of();
	struct error err = {.where = ""};
	struct tier_b *b = NULL;
	char dir[TIER_B_DIR_BYTES];
	int status = -1;
	struct stat st;
	pid_t pid;

	(void)state;
	spec.hide_paths = (struct jail_names){hides, 1};
	assert_int_equal(tier_b_prepare(&spec, &b, &err), 0);
	memcpy(dir, b->dir, sizeof(dir));
	pid = fork();
	if (!pid)
		_exit(confine_and_try(b));
	waitpid(pid, &status, 0);
	tier_b_free(b);
	assert_int_equal(status, 0);
	assert_int_equal(lstat(dir, &st), -1);
}

/* --- what is said -------------------------------------------------------------------------- */

static void test_tier_b_tell_in_one_line(void **state)
{
	const struct error why = {"namespaces", "Operation not permitted", "do something"};
	char line[TIER_B_TEXT_MAX];

	(void)state;
	tier_b_tell(NULL, "seccomp,broker,landlock,ports,signals", line);
	assert_null(strstr(line, "signals"));
	assert_null(strstr(line, "for tier a"));
	tier_b_tell(&why, "seccomp,broker,landlock", line);
	assert_non_null(strstr(line, "(Operation not permitted)"));
	assert_non_null(strstr(line, "can send them signals"));
	assert_non_null(strstr(line, "; for tier a: do something"));
	assert_null(strchr(line, '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tier_b_refuses_what_it_cannot_protect),
		cmocka_unit_test(test_tier_b_holds_files),
		cmocka_unit_test(test_tier_b_tell_in_one_line),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
