// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel has no way to wait for room in a listener's backlog but a connect() that
 * blocks, and that would keep a thread for each. Trying costs some microseconds.
 */
#include "broker/parked.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"

/*
 * The kernel's own ERESTARTSYS: the signal is handled or stops the caller, then the call is made
 * again or fails with EINTR, as sigaction() has it.
 */
#define RESTART_CALL 512

struct parked {
	struct parked_hooks hooks;
	pthread_mutex_t lock; /* over the rest, but not while an attempt is tried */
	pthread_cond_t added;
	struct attempt *attempts[PARKED_MAX];
	size_t n;
	bool is_fresh; /* one was added since the last round */
};

void attempt_free(struct attempt *a)
{
	caller_close(&a->caller);
	fd_close(&a->socket);
	fd_close(&a->pin);
}

/* Return: whether it is over. */
static bool try_again(struct parked *p, struct attempt *a)
{
	int r;

	if (!a->must_end && !caller_is_waiting(&a->caller))
		return true;
	r = p->hooks.connect(p->hooks.owner, a);
	if (r == -EAGAIN && a->must_end)
		return false;
	if (r == -EAGAIN && caller_has_signal(&a->caller))
		r = a->has_timeout ? -EINTR : -RESTART_CALL;
	if (r == -EAGAIN && (!a->until_ms || clock_mono_ms() < a->until_ms))
		return false;
	p->hooks.finish(p->hooks.owner, a, r);
	return true;
}

/* Only this thread takes attempts out; others append. */
static void round_of_tries(struct parked *p, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		struct attempt *a = p->attempts[i];

		if (!try_again(p, a))
			continue;
		attempt_free(a);
		free(a);
		pthread_mutex_lock(&p->lock);
		p->attempts[i] = p->attempts[--p->n];
		pthread_mutex_unlock(&p->lock);
	}
}

static void *run(void *arg)
{
	struct parked *p = arg;
	long wait_ms = PARKED_TRY_MS;

	/* The hooks change the working directory. */
	if (!p->hooks.shares_fs && unshare(CLONE_FS))
		abort();
	for (;;) {
		struct timespec pause = {0, 0};
		size_t n;

		pthread_mutex_lock(&p->lock);
		while (!p->n)
			pthread_cond_wait(&p->added, &p->lock);
		wait_ms = p->is_fresh ? PARKED_TRY_MS : wait_ms * 2;
		p->is_fresh = false;
		n = p->n;
		pthread_mutex_unlock(&p->lock);
		if (wait_ms > PARKED_REST_MS)
			wait_ms = PARKED_REST_MS;
		pause.tv_nsec = wait_ms * 1000000;
		nanosleep(&pause, NULL);
		round_of_tries(p, n);
	}
	return NULL;
}

int parked_new(const struct parked_hooks *hooks, struct parked **ret)
{
	struct parked *p = calloc(1, sizeof(*p));
	pthread_t thread;
	int r;

	if (!p)
		return -ENOMEM;
	p->hooks = *hooks;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->added, NULL);
	r = -pthread_create(&thread, NULL, run, p);
	if (r) {
		free(p);
		return r;
	}
	pthread_detach(thread);
	*ret = p;
	return 0;
}

int parked_add(struct parked *p, struct attempt *a)
{
	struct attempt *kept = malloc(sizeof(*kept));
	bool has_room;

	if (!kept)
		return -EAGAIN;
	*kept = *a;
	pthread_mutex_lock(&p->lock);
	has_room = p->n < PARKED_MAX;
	if (has_room) {
		p->attempts[p->n++] = kept;
		p->is_fresh = true;
		pthread_cond_signal(&p->added);
	}
	pthread_mutex_unlock(&p->lock);
	if (!has_room) {
		free(kept);
		return -EAGAIN;
	}
	a->caller.proc_fd = a->socket = a->pin = -1;
	return 0;
}
