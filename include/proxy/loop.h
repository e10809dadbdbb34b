/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/loop.h - one epoll loop: who is told when a descriptor may be ready
 *
 * Sockets of strangers are registered once and edge-triggered: whoever is told tries
 * until -EAGAIN, or says with loop_again() that it stopped before that, so that the others
 * get their turn. What a source belongs to may go away while events for it are still in
 * hand, so it is given to loop_bury() and freed when the round is over.
 */
#ifndef MCPJAIL_PROXY_LOOP_H
#define MCPJAIL_PROXY_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_EVENTS_MAX 64   /* taken from the kernel in one round */
#define LOOP_TICK_MS    1000 /* between two looks at deadlines, while there are any */
#define LOOP_IDLE_MS    30   /* before what can wait is done */

/* Embedded first in what it belongs to. */
struct source {
	void (*on_ready)(struct source *source, uint32_t events); /* NULL: buried */
	void (*free)(struct source *source);                      /* for loop_bury() */
	struct source *next_buried;
	struct source *next_again;
	bool is_again; /* in the list of loop_again() */
};

struct loop {
	int epoll; /* owned */
	struct source *buried;
	struct source *again, **last_again; /* queue */
	size_t n_again;
	uint64_t now_ms; /* monotonic; set when a round begins */
	bool stop;
	bool ticking;               /* somebody has a deadline: on_tick is to be called */
	uint64_t alarm_ms;          /* of now_ms: on_alarm is to be called then, once; 0: not */
	void (*on_idle)(void *arg); /* once, when nothing happened for LOOP_IDLE_MS; NULL: none */
	void (*on_tick)(void *arg);
	void (*on_alarm)(void *arg);
	void (*on_round)(void *arg); /* everything that was ready has been served */
	void *arg;
};

/** loop_init() - Return: 0; -errno */
int loop_init(struct loop *loop);
void loop_close(struct loop *loop);

#define LOOP_STREAM (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define LOOP_LEVEL  EPOLLIN

/** loop_add() - Watch a descriptor; closing it ends that. Return: 0; -errno */
int loop_add(struct loop *loop, int fd, struct source *source, uint32_t events);

/** loop_remove() - Stop watching a descriptor that stays open */
void loop_remove(struct loop *loop, int fd);

/** loop_again() - Call @source's on_ready() in the next round too, with no event if there is none
 */
void loop_again(struct loop *loop, struct source *source);

/** loop_bury() - No more events for @source; its free() is called when the round is over */
void loop_bury(struct loop *loop, struct source *source);

/** loop_run() - Serve until loop.stop. Return: 0; -errno of epoll_wait() */
int loop_run(struct loop *loop);

#endif
