/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dials_internal.h - one dial and its states, for the files that carry it on
 *
 * A dial is in one of these states; a slot goes from any of them to FREE once it has been
 * answered, but for one whose look-up is still out (it cannot be taken back):
 *
 *	FREE ──► RESOLVING ──► CHECKING ──► CONNECTING ──► ASKING ──► FREE
 *	              │        a tunnel     addresses      what a proxy
 *	              │        waits for    are tried      answers
 *	              │        servers'
 *	              │        addresses
 *	              └──► ABANDONED (answered; the look-up still runs) ──► FREE
 *
 * What a dial does not need it passes over. By a proxy, the name that is resolved and the
 * addresses that are tried are the proxy's; it is the caller's own, and may be anywhere.
 *
 *	dials.c        the pool, deadlines, connecting
 *	dials_check.c  which addresses will do
 *	dials_proxy.c  what a proxy is asked and answers
 */
#ifndef MCPJAIL_DIAL_DIALS_INTERNAL_H
#define MCPJAIL_DIAL_DIALS_INTERNAL_H

#include "dial/dials.h"
#include "dial/http_connect.h"
#include "dial/resolver.h"
#include "dial/server_addresses.h"

enum dial_state {
	DIAL_FREE = 0,
	DIAL_RESOLVING,
	DIAL_ABANDONED,
	DIAL_CHECKING,
	DIAL_CONNECTING, /* from here on with whom is connected to */
	DIAL_ASKING,
};

struct dial {
	enum dial_state state;
	struct dials *dials;
	uint64_t id;
	char host[IPC_HOST_MAX + 1]; /* as asked for */
	uint16_t port;
	struct route route;
	union address addresses[TARGET_ADDRESSES_MAX];
	size_t n_addresses, next;
	int fd; /* being connected, or connected to a proxy; -1: none */
	int last_error;
	size_t sent; /* bytes of what a proxy is asked */
	struct http_connect_answer answer;
	uint64_t until_ms, attempt_until_ms;
};

struct dials {
	void (*done)(void *owner, const struct dial_result *);
	void *owner;
	const struct routes *routes;
	struct resolver *resolver;
	struct server_addresses *servers;
	struct server_addresses *former[DIALS_RENEWED_MAX]; /* look-ups may be on their way */
	size_t n_former;
	int epoll_fd;
	struct dial slots[DIALS_MAX];
};

/** dial_end() - Answer with a failure, and free the slot as soon as that can be */
void dial_end(struct dial *dial, enum dial_status status, const char *reason);

/** dial_succeed() - Hand the connected socket out */
void dial_succeed(struct dial *dial);

/** dial_watch() - Wait for other events of its socket. Return: 0; -errno */
int dial_watch(struct dial *dial, uint32_t events);

/** dial_try_next() - Connect to the next address, or end */
void dial_try_next(struct dial *dial);

/** dial_check() - Judge the addresses that were found, and connect to those that will do */
void dial_check(struct dial *dial);

/** dial_carry_on_checks() - More is known about the servers' addresses */
void dial_carry_on_checks(struct dials *dials);

/** dial_end_unchecked() - Answer that the servers' addresses did not come in time */
void dial_end_unchecked(struct dial *dial);

/** dial_needs_servers() - Whether the check will want to know the servers' addresses */
bool dial_needs_servers(const struct dial *dial);

/**
 * dial_literal_is_within_reach() - Whether the target may be named to a proxy
 *
 * A literal address that would not be dialled is not asked for either. Return: false if the
 * dial has ended by that
 */
bool dial_literal_is_within_reach(struct dial *dial);

/** dial_ask_proxy() - Connected to the proxy, or room to send more: go on with the request */
void dial_ask_proxy(struct dial *dial);

/** dial_end_by_proxy() - Answer with a failure of the proxy: what it did, "closed …" */
void dial_end_by_proxy(struct dial *dial, enum dial_status status, const char *what);

/** dial_hear_proxy() - The proxy has said something */
void dial_hear_proxy(struct dial *dial);

#endif
