// SPDX-License-Identifier: Apache-2.0
/*
 * Reading what a process is costs many times what it costs to see that it is still the same:
 * a stat file that stays open, whose addresses tell one image from another, and the link to
 * its program, for a process that chooses its own addresses. What can be stale by up to
 * OWNER_KNOWN_MS are only the arguments, which it may rewrite at any time, and its parents'
 * programs.
 */
#include "owner_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define IMAGE_TRIES 3 /* a process that goes on executing others is told as it is not */

void owner_known_close(struct owner_known *k)
{
	fd_close(&k->process_fd);
	fd_close(&k->stat_fd);
	buf_free(&k->text);
	k->pid = 0;
}

void owner_known_close_all(struct owner_known known[OWNER_RECENT_MAX])
{
	for (size_t i = 0; i < OWNER_RECENT_MAX && known[i].pid; i++)
		owner_known_close(&known[i]);
}

int owner_known_open(struct owner_known *k, int proc_fd, pid_t pid)
{
	*k = (struct owner_known){.pid = pid,
				  .process_fd = owner_open_process(proc_fd, pid),
				  .stat_fd = -1,
				  .text = BUF_INIT(IPC_EXEC_MAX)};
	if (k->process_fd >= 0)
		k->stat_fd = openat(k->process_fd, "stat", O_RDONLY | O_CLOEXEC);
	if (k->stat_fd >= 0)
		return 0;
	owner_known_close(k);
	return -ESRCH;
}

static bool is_same(const struct owner_known *k, const struct owner_stat *now)
{
	char exe[OWNER_EXE_KEPT];
	ssize_t n;

	if (!k->text.len || now->image != k->stat.image || now->parent != k->stat.parent)
		return false;
	n = owner_exe_read(k->process_fd, exe, sizeof(exe));
	/* Of one that fills the room, the end is not known. */
	return n >= 0 && (size_t)n < sizeof(exe) && (size_t)n == k->exe_n &&
	       !memcmp(exe, k->exe, k->exe_n);
}

static int read_anew(struct owner_known *k, const struct owner_sources *sources)
{
	ssize_t n = owner_exe_read(k->process_fd, k->exe, sizeof(k->exe));
	int r;

	buf_clear(&k->text);
	r = n < 0 ? (int)n : owner_process_write(sources, k->process_fd, k->pid, &k->text);
	if (r)
		return r;
	k->exe_n = (size_t)n;
	k->until_ns = clock_ns(CLOCK_MONOTONIC) + OWNER_KNOWN_MS * 1000000ull;
	return 0;
}

int owner_known_write(struct owner_known *k, const struct owner_sources *sources, struct buf *b)
{
	struct owner_stat now;
	int r = owner_stat_read_again(k->stat_fd, &now);

	if (!r && now.is_ended)
		r = -ESRCH;
	if (!r && (clock_ns(CLOCK_MONOTONIC) >= k->until_ns || !is_same(k, &now))) {
		k->stat = now;
		r = read_anew(k, sources);
	}
	return r ? r : buf_append(b, k->text.data, k->text.len);
}

/* --- those that were told last ---------------------------------------------------------- */

struct owner_known *owner_known_find(struct owner_known known[OWNER_RECENT_MAX], pid_t pid)
{
	for (size_t i = 0; i < OWNER_RECENT_MAX && known[i].pid; i++)
		if (known[i].pid == pid)
			return &known[i];
	return NULL;
}

void owner_known_forget(struct owner_known known[OWNER_RECENT_MAX], size_t i)
{
	owner_known_close(&known[i]);
	memmove(known + i, known + i + 1, (OWNER_RECENT_MAX - 1 - i) * sizeof(*known));
	known[OWNER_RECENT_MAX - 1].pid = 0;
}

/* The first of them from now on; of others the one that was not asked for the longest goes. */
static struct owner_known *make_known(struct owner_known known[OWNER_RECENT_MAX], int proc_fd,
				      pid_t pid)
{
	struct owner_known *last = &known[OWNER_RECENT_MAX - 1], *k = owner_known_find(known, pid);
	struct owner_known first;

	if (k)
		first = *k;
	else if (owner_known_open(&first, proc_fd, pid))
		return NULL;
	if (!k && last->pid)
		owner_known_close(last);
	memmove(known + 1, known, (size_t)((k ? k : last) - known) * sizeof(first));
	known[0] = first;
	return &known[0];
}

static int write_steadily(struct owner_known *k, const struct owner_sources *sources, struct buf *b)
{
	int r = k ? -EAGAIN : -ESRCH;

	for (int i = 0; r == -EAGAIN && i < IMAGE_TRIES; i++)
		r = owner_known_write(k, sources, b);
	return r;
}

int owner_known_tell(struct owner_known known[OWNER_RECENT_MAX],
		     const struct owner_sources *sources, pid_t pid, struct owner_known **ret_known,
		     struct buf *b)
{
	struct owner_known *k = make_known(known, sources->proc_fd, pid);
	int r = write_steadily(k, sources, b);

	/* What was known by that number has ended, and another process may have it. */
	if (k && r == -ESRCH) {
		owner_known_forget(known, 0);
		k = make_known(known, sources->proc_fd, pid);
		r = write_steadily(k, sources, b);
	}
	*ret_known = k;
	return r;
}
