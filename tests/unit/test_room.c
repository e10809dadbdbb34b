// SPDX-License-Identifier: Apache-2.0
/*
 * Rooms are made and entered in children, which say what they find there by their exit status.
 */
#include "cmocka_all.h"

#include "sandbox/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *const names[] = {"user", "mnt", "ipc", "uts", "net"};

#define NAMES   ARRAY_SIZE(names)
#define NETWORK (NAMES - 1)

/* Of a process, by its directory in /proc: that is still to be had where there is no /proc. */
static void read_namespaces(int proc_fd, ino_t ret[NAMES])
{
	for (size_t i = 0; i < NAMES; i++) {
		char name[16];
		struct stat st = {.st_ino = 0};

		snprintf(name, sizeof(name), "ns/%s", names[i]);
		fstatat(proc_fd, name, &st, 0);
		ret[i] = st.st_ino;
	}
}

static bool is_empty(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	bool found = false;

	while (dir && (entry = readdir(dir)))
		found |= strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	if (dir)
		closedir(dir);
	return dir && !found;
}

static bool has_capabilities(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};

	return !syscall(SYS_capget, &head, data) && (data[0].effective & (1u << CAP_SYS_ADMIN));
}

static bool has_loopback(void)
{
	autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *all = if_nameindex();
	size_t n = 0;

	while (fd >= 0 && all && all[n].if_index)
		n++;
	if_freenameindex(all);
	return n == 1;
}

/* What a room has to be. Each line its own status, so that the failing one is told. */
static int look_around(int proc_fd, const ino_t *before, bool has_network, uid_t uid, gid_t gid)
{
	ino_t now[NAMES];

	read_namespaces(proc_fd, now);
	for (size_t i = 0; i < NAMES; i++)
		if ((now[i] == before[i]) != (i == NETWORK && has_network))
			return 10 + (int)i;
	if (!has_network && !has_loopback())
		return 20;
	if (!is_empty("/") || !is_empty("."))
		return 21;
	if (mkdir("/x", 0700) == 0 || errno != EROFS)
		return 22;
	if (access("/proc/self", F_OK) == 0 || access("..//etc", F_OK) == 0)
		return 23;
	if (geteuid() != uid || getegid() != gid)
		return 24;
	return has_capabilities() ? 0 : 25;
}

static int make_and_look(bool has_network)
{
	struct error err = {"", "", ""};
	uid_t uid = geteuid();
	gid_t gid = getegid();
	autoclose int proc_fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ino_t before[NAMES];

	read_namespaces(proc_fd, before);
	if (room_make(has_network, &err)) {
		dprintf(STDERR_FILENO, "%s: %s (%s)\n", err.where, err.what, err.mend);
		return 1;
	}
	return look_around(proc_fd, before, has_network, uid, gid);
}

static int status_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void test_a_room_for_oneself_is_empty(void **state)
{
	(void)state;
	for (int has_network = 0; has_network < 2; has_network++) {
		pid_t pid = fork();

		if (!pid)
			_exit(make_and_look(has_network));
		assert_int_equal(status_of(pid), 0);
	}
}

/* --- one for others ------------------------------------------------------------------------ */

enum { FINE = 0, NO_ERROR = 40, HALF_ENTERED, STILL_OPEN, OUTLIVES_ITS_PARENT };

static int enter_and_look(struct room *room, bool has_network, bool fails)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	autoclose int proc_fd = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ino_t before[NAMES], now[NAMES];
	int r, signal = 0;

	read_namespaces(proc_fd, before);
	r = room_enter(room, has_network);
	if (room && (room->pidfd >= 0 || room->ready_fd >= 0))
		return STILL_OPEN;
	read_namespaces(proc_fd, now);
	if (fails)
		return !r ? NO_ERROR : memcmp(now, before, sizeof(now)) ? HALF_ENTERED : FINE;
	prctl(PR_GET_PDEATHSIG, &signal);
	if (signal != SIGKILL)
		return OUTLIVES_ITS_PARENT;
	return look_around(proc_fd, before, has_network, uid, gid);
}

/* Its maker hands it over as roles get it: by inheritance, before it is made. */
static _Noreturn void open_and_keep(int answer, bool has_network, bool is_broken)
{
	struct room room;
	int made_fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	room_open(&room, &made_fd);
	if (!fork()) {
		int status;

		close(made_fd);
		status = enter_and_look(&room, has_network, is_broken);
		_exit(write(answer, &status, sizeof(status)) < 0);
	}
	if (is_broken)
		_exit(0);
	room_keep(made_fd);
}

static int status_in_room(bool has_network, bool is_broken)
{
	int answer[2], status = -1;
	pid_t pid;

	assert_int_equal(pipe2(answer, O_CLOEXEC), 0);
	pid = fork();
	if (!pid)
		open_and_keep(answer[1], has_network, is_broken);
	close(answer[1]);
	if (read(answer[0], &status, sizeof(status)) != sizeof(status))
		status = -1;
	close(answer[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return status;
}

static void test_a_room_of_another_is_the_same(void **state)
{
	(void)state;
	assert_int_equal(status_in_room(false, false), FINE);
	assert_int_equal(status_in_room(true, false), FINE);
}

static void test_who_makes_none_keeps_out_those_who_wait(void **state)
{
	(void)state;
	assert_int_equal(status_in_room(false, true), FINE);
}

static void test_no_room_is_not_entered(void **state)
{
	struct room none = {-1, -1};

	(void)state;
	assert_int_equal(room_enter(NULL, false), -ENOENT);
	assert_int_equal(room_enter(&none, false), -ENOENT);
	room_close(NULL);
	room_close(&none);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
}

/* A terminal least of all: the maker stands in nobody's way once its caller is gone. */
static void test_who_keeps_it_holds_nothing_else(void **state)
{
	int held[2], status, made_fd;
	struct room room;
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(held, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		room_open(&room, &made_fd);
		room_keep(made_fd);
	}
	close(held[1]);
	/* Its end of the pipe is closed while it lives. */
	assert_int_equal(read(held[0], &byte, 1), 0);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	close(held[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_room_for_oneself_is_empty),
		cmocka_unit_test(test_a_room_of_another_is_the_same),
		cmocka_unit_test(test_who_makes_none_keeps_out_those_who_wait),
		cmocka_unit_test(test_no_room_is_not_entered),
		cmocka_unit_test(test_who_keeps_it_holds_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
