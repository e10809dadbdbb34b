// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/peek.h"
#include "sandbox/seccomp.h"

#define PAGE 4096

static const char at_start[] = "of the target", later[] = "of the tester";
static char word[sizeof(at_start)];
static char *pages; /* two, of which the second cannot be read */

static int set_up(void **state)
{
	(void)state;
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return pages == MAP_FAILED || munmap(pages + PAGE, PAGE);
}

static pid_t start_target(void)
{
	pid_t pid;

	memcpy(word, at_start, sizeof(word));
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	memcpy(word, later, sizeof(word));
	return pid;
}

static int peek_at(pid_t pid, int thread_fd, const void *at, size_t n, char *ret)
{
	return peek(pid, thread_fd, (uintptr_t)at, ret, n);
}

/* Return: 0; the line where something was not as it should be */
static int look_at(pid_t pid, int thread_fd)
{
	char got[2 * sizeof(word)] = "";

	if (peek_at(pid, thread_fd, word, sizeof(word), got) || strcmp(got, at_start) != 0)
		return __LINE__;
	if (peek_at(pid, thread_fd, NULL, 0, got))
		return __LINE__;
	if (peek_at(pid, thread_fd, NULL, 1, got) != -EFAULT)
		return __LINE__;
	if (peek_at(pid, thread_fd, pages + PAGE - 8, 8, got))
		return __LINE__;
	return peek_at(pid, thread_fd, pages + PAGE - 8, 9, got) == -EFAULT ? 0 : __LINE__;
}

static int look_in_both_ways(pid_t pid)
{
	char path[32];
	autoclose int thread_fd = -1;
	int at = look_at(pid, -1);

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	thread_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	at = at ? at : look_at(pid, thread_fd);
	kill(pid, SIGKILL);
	return at;
}

static int look_behind_filter(unsigned action)
{
	const struct seccomp_row rows[] = {
		{SCMP_SYS(process_vm_readv), action, 1, "", {{SECCOMP_NO_TEST}}}};
	const struct seccomp_table table = {.rows = rows,
					    .n_rows = 1,
					    .otherwise = SECCOMP_RET_ALLOW,
					    .foreign_abi = SECCOMP_RET_ALLOW};
	struct error err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || seccomp_install(&table, 1, &err))
		return __LINE__;
	return look_in_both_ways(start_target());
}

static void test_memory_is_read_with_and_without_the_call_for_it(void **state)
{
	static const unsigned actions[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM,
					   SECCOMP_RET_ERRNO | ENOSYS};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		pid_t pid = fork();
		int status = -1;

		/* A filter stays. */
		if (!pid)
			_exit(look_behind_filter(actions[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void test_who_is_gone_has_no_memory(void **state)
{
	pid_t pid = start_target();
	char byte;

	(void)state;
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(peek_at(pid, -1, word, 1, &byte), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_read_with_and_without_the_call_for_it),
		cmocka_unit_test(test_who_is_gone_has_no_memory),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
