/* SPDX-License-Identifier: Apache-2.0 */
/**
 * control.h - the run's control socket: what a person's other commands ask of a run
 *
 * A SOCK_SEQPACKET at RUN/control, 0600, with the messages that the protocol's table has for
 * ROLE_CONTROL. Only the run's user, and root, are listened to, and nobody whom this process is an
 * ancestor of: the jail reaches neither the directory nor, if it did, an answer.
 *
 * A reload is all or nothing. The file is read and judged here; then the keeper, the dialer and
 * the proxy take it one after the other, the proxy last: from its word on calls are judged by the
 * new policy. Whatever fails before leaves the one in force, and the ledger says so.
 *
 *	NONE → KEEPER → DIALER → PROXY → NONE   the keeper has recorded that it is in force
 *	  │       │       │        └→ BACK ─┐    the dialer takes back the one in force
 *	  └───────┴───────┴───────→ FAILING → NONE   the keeper has recorded that it is not
 */
#ifndef MCPJAIL_ROLES_CONTROL_H
#define MCPJAIL_ROLES_CONTROL_H

#include <poll.h>
#include <stdbool.h>

#include "ipc/channel.h"
#include "roles/control_socket.h"

#define CONTROL_CLIENTS 8                     /* at once; more wait in the backlog */
#define CONTROL_FDS     (1 + CONTROL_CLIENTS) /* that are polled */
#define CONTROL_BACKLOG 8

struct supervision;

enum reload_stage {
	RELOAD_NONE = 0,
	RELOAD_KEEPER,
	RELOAD_DIALER,
	RELOAD_PROXY,
	RELOAD_BACK,
	RELOAD_FAILING,
};

struct control {
	int listener; /* -1: there is no socket */
	struct channel clients[CONTROL_CLIENTS];
	size_t asker; /* whose reload it is */
	enum reload_stage stage;
	int next_fd, in_force_fd; /* memfds of policies; -1: none, and the plan's */
	unsigned n_reloads;
	char why[IPC_TEXT_MAX]; /* in BACK and FAILING: why */
};

/** control_none() - Without a socket. What a supervision begins with */
struct control control_none(void);

/** control_open() - Once the agent runs. Without a socket the run goes on */
void control_open(struct supervision *s);

/** control_poll() - Fill in CONTROL_FDS entries */
void control_poll(const struct control *c, struct pollfd *fds);

/** control_move() - Act on what poll(2) told of them */
void control_move(struct supervision *s, const struct pollfd *fds);

/** control_on_taken() - A role has taken a policy, or not. Return: 0; -EPROTO */
int control_on_taken(struct supervision *s, struct message *m);

/** control_close() - Take the socket away. Harmless to repeat */
void control_close(struct supervision *s);

/**
 * control_peer_may() - Whether the process that connected may ask for anything
 *
 * Refused are other users but root, descendants of this process, and processes of another pid
 * namespace or that cannot be looked at.
 */
bool control_peer_may(int fd);

#endif
