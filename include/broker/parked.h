/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/parked.h - calls of connect() that wait for room with a listener, unix or TCP
 *
 * One thread tries all of them again and again, none of them for long.
 */
#ifndef MCPJAIL_BROKER_PARKED_H
#define MCPJAIL_BROKER_PARKED_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/caller.h"

#define PARKED_MAX     1024
#define PARKED_TRY_MS  1  /* between tries, at first */
#define PARKED_REST_MS 20 /* and at last */

/* A connect() of ours on the agent's behalf. */
struct attempt {
	struct caller caller;
	int caller_fd;         /* its number of the stand-in; of unix sockets only */
	struct caller_fd info; /* of the stand-in, or the caller's socket */
	int socket;            /* that connects; owned. Unix: non-blocking; TCP: has begun */
	int pin;               /* the listener's file; -1: the address is no path; owned */
	struct caller_address name;
	bool has_timeout;  /* of the caller's own: a signal then ends the call (EINTR) */
	uint64_t until_ms; /* clock_mono_ms(), 0: for ever */
	bool must_end;     /* its tries alone end it: no signal, no time, no caller that is gone */
};

struct parked;

/* What finishes an attempt. Both run on the thread that the attempt is tried by. */
struct parked_hooks {
	/* One try, which does not block. Return: 0; -EAGAIN if there was no room; -errno */
	int (*connect)(void *owner, const struct attempt *a);
	/* Answer: @r is what the tries came to. Owns nothing of @a */
	void (*finish)(void *owner, struct attempt *a, int r);
	void *owner;
	bool shares_fs; /* the system gives the thread no working directory of its own */
};

/** parked_new() - Return: 0; -errno */
int parked_new(const struct parked_hooks *hooks, struct parked **ret);

/**
 * parked_add() - Try until there is room, the caller is gone, or its time is over; of what
 * must_end, until a try has ended it
 * @a: Taken over, on success
 *
 * Return: 0; -EAGAIN when too many wait already
 */
int parked_add(struct parked *p, struct attempt *a);

/** attempt_free() - Close what it holds */
void attempt_free(struct attempt *a);

#endif
