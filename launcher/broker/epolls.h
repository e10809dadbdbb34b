/* SPDX-License-Identifier: Apache-2.0 */
/**
 * epolls.h - where the caller watches a socket that is about to be replaced (private to broker/)
 *
 * Some libraries hand a socket to their loop as soon as they have it, and connect or bind it
 * then (Netty, Boost.Asio, nginx). epoll(7) watches the open file, not the number, so the
 * new one has to be added where the stand-in was.
 */
#ifndef MCPJAIL_BROKER_EPOLLS_H
#define MCPJAIL_BROKER_EPOLLS_H

#include <stddef.h>
#include <stdint.h>

#include "broker/caller.h"

#define EPOLLS_MAX     8   /* that one socket is in; more are left out */
#define EPOLLS_FDS_MAX 512 /* of the caller's that are looked at */

struct epolls;

struct epolls_found {
	struct {
		int fd; /* the caller's number of the instance */
		uint32_t events;
		uint64_t data;
	} list[EPOLLS_MAX];
	size_t n;
};

/** epolls_new() - NULL without memory */
struct epolls *epolls_new(void);

/** epolls_find() - Which of the caller's instances watch its descriptor @fd */
void epolls_find(const struct caller *c, int fd, struct epolls_found *ret);

/**
 * epolls_add() - Have them watch what the caller has at @fd now
 *
 * One caller at a time. Where the system does not let us have the instances, it is watched no
 * more.
 */
void epolls_add(struct epolls *e, const struct caller *c, int fd, const struct epolls_found *found);

#endif
