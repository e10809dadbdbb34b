/* SPDX-License-Identifier: Apache-2.0 */
/**
 * splice.h - bytes between an agent's connection and an upstream's, both ways, unread
 *
 * No more is read on one side than the other has taken, so memory stays bounded. The end of
 * one direction is passed on and leaves the other one open.
 */
#ifndef MCPJAIL_LAUNCHER_PROXY_SPLICE_H
#define MCPJAIL_LAUNCHER_PROXY_SPLICE_H

#include "proxy/conn.h"

#define SPLICE_IDLE_MS 3600000 /* without a byte in either direction */

/* What conn.out, conn.in and upstream.in hold at the beginning is sent first. */
struct splice {
	struct conn *conn;
	struct upstream *upstream;
	bool agent_ended, upstream_ended; /* that side sends nothing more, and the other knows */
	uint64_t moved_ms;                /* when the last byte was read */
};

void splice_init(struct splice *s, struct conn *conn, struct upstream *upstream);

/**
 * splice_run() - Move what can be moved; to be called whenever either socket is ready
 * Return: -EAGAIN; 0 when both directions have ended in order; -errno when one broke
 */
int splice_run(struct splice *s);

bool splice_is_idle(const struct splice *s);

#endif
