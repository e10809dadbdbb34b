/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that looks like /proc, with as many processes as a test makes. */
#ifndef MCPJAIL_TESTS_FAKE_PROC_H
#define MCPJAIL_TESTS_FAKE_PROC_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmocka_all.h"

struct fake_proc {
	char path[64];
	int fd;
};

struct fake_process {
	int pid, parent;
	const char *comm; /* NULL: "name" */
	const char *exe;  /* NULL: cannot be read */
	const void *argv; /* strings with a NUL behind each */
	size_t argv_n;
	unsigned long long start;
	unsigned long image; /* where its stack begins */
	char state;          /* 0: it sleeps */
};

static inline void fake_write(struct fake_proc *proc, int pid, const char *name, const void *bytes,
			      size_t n)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%d/%s", pid, name);
	fd = openat(proc->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static inline void fake_stat(struct fake_proc *proc, const struct fake_process *p)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "%d (%s) %c %d 7 7 0 -1 4194560 1 0 0 0 3 4 0 0 20 0 1 0 %llu 1000 20 "
			 "184467 4096 8192 %lu 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 1 2 3 99 100 101 "
			 "102 0\n",
			 p->pid, p->comm ? p->comm : "name", p->state ? p->state : 'S', p->parent,
			 p->start, p->image);

	fake_write(proc, p->pid, "stat", text, (size_t)n);
}

static inline void fake_children(struct fake_proc *proc, int pid, int thread, const char *children)
{
	char name[64];

	snprintf(name, sizeof(name), "%d/task/%d", pid, thread);
	mkdirat(proc->fd, name, 0700);
	snprintf(name, sizeof(name), "task/%d/children", thread);
	fake_write(proc, pid, name, children, strlen(children));
}

static inline void fake_fd(struct fake_proc *proc, int pid, int fd, const char *what)
{
	char name[64];

	snprintf(name, sizeof(name), "%d/fd/%d", pid, fd);
	assert_int_equal(symlinkat(what, proc->fd, name), 0);
}

static inline void fake_process(struct fake_proc *proc, const struct fake_process *p)
{
	static const char *const dirs[] = {"", "/task", "/fd"};
	char name[64], status[256];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(name, sizeof(name), "%d%s", p->pid, dirs[i]);
		assert_int_equal(mkdirat(proc->fd, name, 0700), 0);
	}
	fake_stat(proc, p);
	snprintf(status, sizeof(status), "Name:\t%s\nUmask:\t0022\nTgid:\t%d\nPid:\t%d\n",
		 p->comm ? p->comm : "name", p->pid, p->pid);
	fake_write(proc, p->pid, "status", status, strlen(status));
	fake_write(proc, p->pid, "cmdline", p->argv ? p->argv : "", p->argv_n);
	snprintf(name, sizeof(name), "%d/exe", p->pid);
	if (p->exe)
		assert_int_equal(symlinkat(p->exe, proc->fd, name), 0);
}

static inline int fake_proc_new(void **state)
{
	struct fake_proc *proc = calloc(1, sizeof(*proc));

	snprintf(proc->path, sizeof(proc->path), "/tmp/mcpjail-proc.XXXXXX");
	assert_non_null(mkdtemp(proc->path));
	proc->fd = open(proc->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(proc->fd >= 0);
	*state = proc;
	return 0;
}

static inline int fake_proc_free(void **state)
{
	struct fake_proc *proc = *state;
	char command[128];

	close(proc->fd);
	snprintf(command, sizeof(command), "rm -rf %s", proc->path);
	assert_int_equal(system(command), 0);
	free(proc);
	return 0;
}

#endif
