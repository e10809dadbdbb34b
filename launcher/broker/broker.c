// SPDX-License-Identifier: Apache-2.0
#include "broker/broker.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "epolls.h"
#include "unix_calls.h"

#define WORKER_STACK (256 * 1024)

static void serve_call(struct broker *b, const struct notify_call *call)
{
	__attribute__((cleanup(caller_close))) struct caller c = {.proc_fd = -1};
	broker_call *judge = broker_find_call(call->nr);
	int64_t answer = caller_open(b->listener, b->proc_fd, call, &c);

	/* A caller that is gone needs no answer. */
	if (answer == -ESRCH)
		return;
	if (!answer)
		answer = judge ? judge(b, &c) : -ENOSYS;
	if (answer != BROKER_ANSWERED)
		(void)notify_answer(b->listener, call->id, answer);
}

static int start_worker(struct broker *b);

static void *work(void *arg)
{
	struct broker *b = arg;
	struct notify_call call;

	/* The others would follow their paths from where this one is. */
	if (!b->shares_fs && unshare(CLONE_FS))
		abort();
	while (!notify_receive(b->listener, &call)) {
		bool is_last;

		pthread_mutex_lock(&b->lock);
		is_last = --b->n_idle == 0 && b->n_workers < BROKER_WORKERS_MAX;
		pthread_mutex_unlock(&b->lock);
		/* Without another one callers wait longer, and that is all. */
		if (is_last)
			(void)start_worker(b);
		serve_call(b, &call);
		pthread_mutex_lock(&b->lock);
		b->n_idle++;
		pthread_mutex_unlock(&b->lock);
	}
	return NULL;
}

static int start_worker(struct broker *b)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_mutex_lock(&b->lock);
	b->n_workers++;
	b->n_idle++;
	pthread_mutex_unlock(&b->lock);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = -pthread_create(&thread, &attr, work, b);
	pthread_attr_destroy(&attr);
	if (!r)
		return 0;
	pthread_mutex_lock(&b->lock);
	b->n_workers--;
	b->n_idle--;
	pthread_mutex_unlock(&b->lock);
	return r;
}

static bool is_unix(const struct attempt *a)
{
	return a->name.head.sa_family == AF_UNIX;
}

static int attempt_connect(void *owner, const struct attempt *a)
{
	return is_unix(a) ? unix_attempt_connect(owner, a) : inet_attempt_connect(a);
}

static void attempt_finish(void *owner, struct attempt *a, int r)
{
	if (is_unix(a))
		unix_attempt_finish(owner, a, r);
	else
		inet_attempt_finish(owner, a, r);
}

int broker_start(struct broker *b)
{
	struct parked_hooks hooks = {attempt_connect, attempt_finish, b, false};
	int r;

	/* Containers refuse even this. Then paths are followed one after the other. */
	b->shares_fs = hooks.shares_fs = !b->has_namespaces && unshare(CLONE_FS);
	b->epolls = epolls_new();
	r = b->epolls ? parked_new(&hooks, &b->parked) : -ENOMEM;
	for (int i = 0; !r && i < BROKER_WORKERS_FIRST; i++)
		r = start_worker(b);
	return r;
}

/* How many refusals are recorded singly is the keeper's to bound. */
void broker_record(struct broker *b, const struct caller *c, const struct broker_note *note)
{
	autobuf struct buf exec = BUF_INIT(IPC_EXEC_MAX);
	struct msg_event event = {
		.kind = (uint8_t)note->kind,
		.protocol = span_of(note->protocol),
		.address = span_of(note->address),
		.port = note->port,
		.rule = span_of(note->rule),
		.reason = span_of(note->reason),
		.detail = span_of(note->detail),
	};

	if (!owner_describe(&b->owners, c->call.tid, &exec))
		event.exec = span_bytes(exec.data, exec.len);
	/* A keeper that is gone ends the run; the call has its answer all the same. */
	(void)channel_send(&b->keeper, MSG_BROKER_EVENT, &event);
}
