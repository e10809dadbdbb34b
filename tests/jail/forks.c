// SPDX-License-Identifier: Apache-2.0
/*
 * forks MAX [MEGABYTES] - how many processes may there be?
 *
 * Makes children that only wait, until one cannot be made or there are MAX; says how many
 * there are, and why no more. With MEGABYTES each fills that much memory and keeps it; then
 * the outcome is how many live with theirs, when the others are dead.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN_MAX 100000
#define WAIT_US      20000
#define WAITS        3000

/* Shared with the children, who say that they are full. */
struct child {
	pid_t pid; /* 0: dead */
	volatile char is_full;
};

static _Noreturn void live(size_t megabytes, struct child *self)
{
	size_t n = megabytes << 20;
	char *bytes = n ? malloc(n) : NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (n) {
		if (!bytes)
			_exit(1);
		memset(bytes, 'x', n);
		self->is_full = bytes[n - 1] == 'x';
	}
	for (;;)
		pause();
}

static size_t count_full(struct child *children, size_t n)
{
	for (int i = 0; i < WAITS; i++) {
		size_t full = 0, undecided = 0;

		for (size_t at = 0; at < n; at++) {
			struct child *c = &children[at];

			if (c->pid && waitpid(c->pid, NULL, WNOHANG) > 0)
				c->pid = 0;
			full += c->pid && c->is_full;
			undecided += c->pid && !c->is_full;
		}
		if (!undecided)
			return full;
		usleep(WAIT_US);
	}
	return 0;
}

int main(int argc, char **argv)
{
	size_t max = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, n = 0;
	size_t megabytes = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	struct child *children = mmap(NULL, CHILDREN_MAX * sizeof(*children),
				      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int error = 0;

	if (!max || max > CHILDREN_MAX || children == MAP_FAILED)
		return 2;
	for (; n < max; n++) {
		pid_t pid = fork();

		if (pid < 0) {
			error = errno;
			break;
		}
		if (!pid)
			live(megabytes, &children[n]);
		children[n].pid = pid;
	}
	if (megabytes)
		printf("%zu full\n", count_full(children, n));
	else
		printf("%zu %s\n", n, error ? strerrorname_np(error) : "0");
	return 0;
}
