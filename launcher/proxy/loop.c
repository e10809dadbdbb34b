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
	return 0;
}

static void free_buried(struct loop *loop)
{
	while (loop->buried) {
		struct source *source = loop->buried;

		loop->buried = source->next_buried;
		source->free(source);
	}
}

void loop_close(struct loop *loop)
{
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

void loop_bury(struct loop *loop, struct source *source)
{
	source->on_ready = NULL;
	source->next_buried = loop->buried;
	loop->buried = source;
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[LOOP_EVENTS_MAX];
	uint64_t next_tick = loop->now_ms + LOOP_TICK_MS;

	while (!loop->stop) {
		int n = epoll_wait(loop->epoll, events, LOOP_EVENTS_MAX,
				   loop->ticking ? LOOP_TICK_MS : -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		loop->now_ms = clock_mono_ms();
		for (int i = 0; i < n && !loop->stop; i++) {
			struct source *source = events[i].data.ptr;

			if (source->on_ready)
				source->on_ready(source, events[i].events);
		}
		if (loop->ticking && loop->now_ms >= next_tick) {
			next_tick = loop->now_ms + LOOP_TICK_MS;
			loop->on_tick(loop->arg);
		}
		loop->on_round(loop->arg);
		free_buried(loop);
	}
	return 0;
}
