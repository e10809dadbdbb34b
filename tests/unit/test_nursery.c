// SPDX-License-Identifier: Apache-2.0
/*
 * What the nursery starts is /proc/self/exe: this program, which then tells by its channel what it
 * was given.
 */
#include "cmocka_all.h"

#include "roles/nursery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "roles/roles.h"
#include "sandbox/room.h"

#define PATIENCE_MS 10000

extern char **environ;

struct report {
	char role[16];
	pid_t pid, parent, session;
	unsigned open_fds; /* a bit each; the highest: one of 31 and above */
	int death_signal;
	bool has_environment, has_null;
	int room; /* room_enter()'s word */
};

/* --- in the role ------------------------------------------------------------------------ */

static unsigned find_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	unsigned found = 0;

	while (dir && (entry = readdir(dir))) {
		long fd = strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && fd != dirfd(dir))
			found |= 1u << (fd > 31 ? 31 : fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

static bool is_null(int fd)
{
	struct stat st, null;

	return !fstat(fd, &st) && !stat("/dev/null", &null) && st.st_rdev == null.st_rdev;
}

static int be_role(const char *name)
{
	struct report report = {.pid = getpid(),
				.parent = getppid(),
				.session = getsid(0),
				.open_fds = find_open(),
				.has_environment = environ[0] != NULL,
				.has_null = is_null(STDIN_FILENO) && is_null(STDOUT_FILENO)};
	struct room room = ROLE_ROOM;
	char byte;

	snprintf(report.role, sizeof(report.role), "%s", name);
	prctl(PR_GET_PDEATHSIG, &report.death_signal);
	/* The last is told to come too late. */
	if (!strcmp(name, "proxy") && recv(ROLE_CHANNEL_FD, &byte, 1, 0) != 1)
		return 1;
	report.room = room_enter(&room, false);
	if (send(ROLE_CHANNEL_FD, &report, sizeof(report), 0) != sizeof(report))
		return 1;
	return recv(ROLE_CHANNEL_FD, &byte, 1, 0) != 0;
}

/* --- in the supervisor -------------------------------------------------------------------- */

static const enum role roles[] = {ROLE_KEEPER, ROLE_DIALER, ROLE_PROXY};

#define N ARRAY_SIZE(roles)

static void await(struct channel *channel, struct report *ret)
{
	struct pollfd fd = {.fd = channel->fd, .events = POLLIN};

	assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(channel->fd, ret, sizeof(*ret), 0), sizeof(*ret));
}

static void check(const struct report *report, enum role role, pid_t pid)
{
	assert_string_equal(report->role, role_name(role));
	assert_int_equal(report->pid, pid);
	assert_int_equal(report->parent, getpid());
	assert_int_equal(report->session, pid);
	assert_int_equal(report->death_signal, SIGKILL);
	assert_false(report->has_environment);
	assert_true(report->has_null);
	/* The standard three, the channel, and the room's two. */
	assert_int_equal(report->open_fds, 0x3f);
}

static void test_roles_are_the_callers_own_and_hold_nothing_else(void **state)
{
	struct channel channels[N];
	struct nursery nursery = NURSERY_NONE;
	struct error err = {"", "", ""};
	pid_t pids[N], nurse;
	/* Not CLOEXEC, as one that the caller has from its own. */
	int stray = dup(STDERR_FILENO), status;

	(void)state;
	assert_int_equal(nursery_start(roles, N, channels, &nursery, &err), 0);
	nurse = nursery.pid;
	assert_int_equal(nursery_await(&nursery, pids, N), 0);
	assert_int_equal(nursery.pids_fd, -1);
	for (size_t i = 0; i < N; i++) {
		struct report report;

		if (roles[i] == ROLE_PROXY) {
			/* Who has not entered until now is kept out. */
			nursery_end(&nursery);
			nursery_end(&nursery);
			assert_int_equal(waitpid(nurse, &status, 0), nurse);
			assert_int_equal(send(channels[i].fd, "x", 1, 0), 1);
		}
		await(&channels[i], &report);
		check(&report, roles[i], pids[i]);
		assert_int_equal(report.room != 0, roles[i] == ROLE_PROXY);
	}
	for (size_t i = 0; i < N; i++) {
		channel_close(&channels[i]);
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	close(stray);
}

static void test_too_many_are_not_started(void **state)
{
	static const enum role many[NURSERY_ROLES_MAX + 1] = {ROLE_KEEPER};
	struct channel channels[NURSERY_ROLES_MAX + 1];
	struct nursery nursery = NURSERY_NONE;
	struct error err = {"", "", ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(channels); i++)
		channels[i] = (struct channel){.fd = -1};
	assert_int_equal(nursery_start(many, ARRAY_SIZE(many), channels, &nursery, &err), -E2BIG);
	assert_string_equal(err.where, "roles");
	assert_int_equal(nursery.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The pids come by a pipe: what is missing at its end was not started. */
static void test_those_that_were_not_started_are_told(void **state)
{
	static const struct {
		pid_t told[N];
		size_t n;
		int r;
		pid_t ret[N];
	} cases[] = {
		{{11, 12, 13}, 3, 0, {11, 12, 13}},
		{{11, -1, 13}, 3, -ECHILD, {11, 0, 13}},
		{{11, 12}, 2, -ECHILD, {11, 12, 0}},
		{{0}, 0, -ECHILD, {0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nursery nursery = NURSERY_NONE;
		pid_t pids[N];
		int pipe[2];

		assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
		assert_true(write(pipe[1], cases[i].told, cases[i].n * sizeof(pid_t)) >= 0);
		close(pipe[1]);
		nursery.pids_fd = pipe[0];
		assert_int_equal(nursery_await(&nursery, pids, N), cases[i].r);
		assert_memory_equal(pids, cases[i].ret, sizeof(pids));
		nursery_end(&nursery);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles_are_the_callers_own_and_hold_nothing_else),
		cmocka_unit_test(test_too_many_are_not_started),
		cmocka_unit_test(test_those_that_were_not_started_are_told),
	};

	/* At once: a sanitizer's last look needs a /proc. */
	if (argc == 2 && !strncmp(argv[1], "--role=", 7))
		_exit(be_role(argv[1] + 7));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
