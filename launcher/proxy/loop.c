// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop.h"

#include <errno.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/clock.h"

int loop_init(struct loop *loop)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		return -errno;
	*loop = (struct loop){.epoll = epoll, .now_ms = clock_mono_ms()};
	loop->last_again = &loop->again;
	return 0;
}

/* One that stands in the queue of loop_again() stays until that has come to it. */
static void free_buried(struct loop *loop)
{
	struct source **at = &loop->buried;

	while (*at) {
		struct source *source = *at;

		if (source->is_again) {
			at = &source->next_buried;
			continue;
		}
		*at = source->next_buried;
		source->free(source);
	}
}

static struct source *take_again(struct loop *loop)
{
	struct source *source = loop->again;

	loop->again = source->next_again;
	if (!loop->again)
		loop->last_again = &loop->again;
	source->is_again = false;
	loop->n_again--;
	return source;
}

void loop_close(struct loop *loop)
{
	while (loop->again)
		take_again(loop);
	free_buried(loop);
	fd_close(&loop->epoll);
}

int loop_add(struct loop *loop, int fd, struct source *source, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = source};

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

void loop_remove(struct loop *loop, int fd)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL);
}

void loop_again(struct loop *loop, struct source *source)
{
	if (!source->on_ready || source->is_again)
		return;
	source->is_again = true;
	source->next_again = NULL;
	*loop->last_again = source;
	loop->last_again = &source->next_again;
	loop->n_again++;
}

/* Those of the round before. Who asks once more stands behind them, for the next round. */
static void run_again(struct loop *loop)
{
	for (size_t n = loop->n_again; n; n--) {
		struct source *source = take_again(loop);

		if (source->on_ready && !loop->stop)
			source->on_ready(source, 0);
	}
}

void loop_bury(struct loop *loop, struct source *source)
{
	source->on_ready = NULL;
	source->next_buried = loop->buried;
	loop->buried = source;
}

/* How long to wait for events. -1: for as long as it takes */
static int patience_ms(const struct loop *loop)
{
	int wait_ms = loop->on_idle ? LOOP_IDLE_MS : loop->ticking ? LOOP_TICK_MS : -1;
	uint64_t now_ms;

	if (loop->again)
		return 0;
	if (!loop->alarm_ms)
		return wait_ms;
	now_ms = clock_mono_ms();
	if (loop->alarm_ms <= now_ms)
		return 0;
	if (wait_ms < 0 || loop->alarm_ms - now_ms < (uint64_t)wait_ms)
		wait_ms = (int)(loop->alarm_ms - now_ms);
	return wait_ms;
}

static void ring(struct loop *loop)
{
	if (!loop->alarm_ms || loop->alarm_ms > loop->now_ms)
		return;
	loop->alarm_ms = 0;
	loop->on_alarm(loop->arg);
}

static void run_idle(struct loop *loop)
{
	void (*on_idle)(void *arg) = loop->on_idle;

	loop->on_idle = NULL;
	on_idle(loop->arg);
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[LOOP_EVENTS_MAX];
	uint64_t next_tick = loop->now_ms + LOOP_TICK_MS;

	while (!loop->stop) {
		bool is_waiting = !loop->again && !loop->alarm_ms;
		int n = epoll_wait(loop->epoll, events, LOOP_EVENTS_MAX, patience_ms(loop));

		if (n < 0 && errno != EINTR)
			return -errno;
		loop->now_ms = clock_mono_ms();
		if (!n && is_waiting && loop->on_idle)
			run_idle(loop);
		run_again(loop);
		for (int i = 0; i < n && !loop->stop; i++) {
			struct source *source = events[i].data.ptr;

			if (source->on_ready)
				source->on_ready(source, events[i].events);
		}
		ring(loop);
		if (loop->ticking && loop->now_ms >= next_tick) {
			next_tick = loop->now_ms + LOOP_TICK_MS;
			loop->on_tick(loop->arg);
		}
		loop->on_round(loop->arg);
		free_buried(loop);
	}
	return 0;
}
