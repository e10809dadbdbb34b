// SPDX-License-Identifier: Apache-2.0
#include "roles/relay.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

struct pump *relay_add(struct relay *relay, int from, int to)
{
	struct pump *pump;
	uint8_t *bytes;

	if (relay->n == RELAY_PUMPS_MAX)
		return NULL;
	bytes = malloc(PUMP_BYTES);
	if (!bytes)
		return NULL;
	pump = &relay->pumps[relay->n++];
	*pump = (struct pump){.from = from, .to = to, .bytes = bytes};
	return pump;
}

size_t relay_poll(const struct relay *relay, struct pollfd *fds)
{
	for (size_t i = 0; i < relay->n; i++) {
		const struct pump *p = &relay->pumps[i];
		bool reads = !p->len && !p->pauses;

		fds[2 * i] = (struct pollfd){.fd = reads ? p->from : -1, .events = POLLIN};
		/* A reader that has gone away shows as POLLERR even with nothing to write. */
		fds[2 * i + 1] = (struct pollfd){.fd = p->len ? p->to : -1, .events = POLLOUT};
	}
	return 2 * relay->n;
}

static void end_side(int *fd, bool owned)
{
	if (owned)
		fd_close(fd);
	*fd = -1;
}

static void end_pump(struct pump *p)
{
	end_side(&p->from, p->owns_from);
	end_side(&p->to, p->owns_to);
	p->len = 0;
}

/* read(2) works on everything; a pty's master says EIO when its last slave has closed. */
static void pump_read(struct pump *p)
{
	ssize_t n = read(p->from, p->bytes, PUMP_BYTES);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_pump(p);
		return;
	}
	p->off = 0;
	p->len = (size_t)n;
	if (p->watched && memchr(p->bytes, p->watched, p->len))
		p->has_seen = true;
}

static void pump_write(struct pump *p)
{
	/*
	 * What the person gave us must not become non-blocking for those who share it; a pipe
	 * that poll(2) calls writable takes PIPE_BUF bytes without waiting (pipe(7)).
	 */
	ssize_t n = send(p->to, p->bytes + p->off, p->len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK)
		n = write(p->to, p->bytes + p->off, p->len < PIPE_BUF ? p->len : PIPE_BUF);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		end_pump(p);
		return;
	}
	p->off += (size_t)n;
	p->len -= (size_t)n;
}

void relay_move(struct relay *relay, const struct pollfd *fds)
{
	for (size_t i = 0; i < relay->n; i++) {
		struct pump *p = &relay->pumps[i];

		if (p->from >= 0 && fds[2 * i].revents)
			pump_read(p);
		/* Right after a read too: most of the time it can be written at once. */
		if (p->to >= 0 && p->len && (fds[2 * i].revents || fds[2 * i + 1].revents))
			pump_write(p);
	}
}

bool relay_is_drained(const struct relay *relay)
{
	for (size_t i = 0; i < relay->n; i++)
		if (!relay->pumps[i].inert && relay->pumps[i].from >= 0)
			return false;
	return true;
}

void relay_free(struct relay *relay)
{
	for (size_t i = 0; i < relay->n; i++) {
		end_pump(&relay->pumps[i]);
		free(relay->pumps[i].bytes);
	}
	relay->n = 0;
}
