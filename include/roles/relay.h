/* SPDX-License-Identifier: Apache-2.0 */
/**
 * roles/relay.h - the supervisor's copying of bytes between the person and the agent
 *
 * A pump copies one direction between two descriptors, for one poll(2) loop. What the
 * agent's descriptors become is decided per stream:
 *   terminal     the jail's own pty, pumped
 *   directory    refused: it would be a door into the host's file tree
 *   all else     a pipe of our own, pumped: the agent never holds a descriptor of the host's,
 *                which /proc/self/fd would open anew with other rights. Of a pipe it is given
 *                to read, it could else write to the other readers: a shell, for one
 */
#ifndef MCPJAIL_ROLES_RELAY_H
#define MCPJAIL_ROLES_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define PUMP_BYTES      65536
#define RELAY_PUMPS_MAX 5

struct pump {
	int from, to;            /* -1 once that side has ended */
	bool owns_from, owns_to; /* close that side at its end */
	uint8_t watched;         /* a byte to look out for; 0: none */
	bool has_seen;           /* it has come; the caller resets this */
	bool pauses;             /* do not read now: a terminal whose foreground is not ours */
	bool inert;              /* copying to it never matters for the end of the run: input */
	uint8_t *bytes;
	size_t off, len;
};

struct relay {
	struct pump pumps[RELAY_PUMPS_MAX];
	size_t n;
};

/** relay_add() - Copy from @from to @to from now on. Return: the pump; NULL without memory or room
 */
struct pump *relay_add(struct relay *relay, int from, int to);

/** relay_poll() - Fill in two entries per pump; @fds holds 2 × RELAY_PUMPS_MAX. Return: how many */
size_t relay_poll(const struct relay *relay, struct pollfd *fds);

/** relay_move() - Copy what can be copied without blocking. @fds as relay_poll() filled them */
void relay_move(struct relay *relay, const struct pollfd *fds);

/** relay_is_drained() - Whether all output of the agent has been copied */
bool relay_is_drained(const struct relay *relay);
void relay_free(struct relay *relay);

/* What the agent gets as 0, 1 and 2, and the pumps that stand behind it. */
struct stdio_plan {
	int agent[3]; /* -1: the jail's pty. Owned where owns[i] */
	bool owns[3];
	bool wants_pty;
	int terminal_in;  /* the person's terminal for input; -1: none. Not owned */
	int terminal_out; /* for output, non-blocking; -1: none. Owned */
};

/**
 * stdio_plan() - Decide by what descriptors 0, 1 and 2 are, and set up the pumps
 *
 * Return: 0; -errno with @err filled
 */
int stdio_plan(struct stdio_plan *ret, struct relay *relay, struct error *err);

/** stdio_close_agent_side() - After the jail has been started: close what only it needs */
void stdio_close_agent_side(struct stdio_plan *plan);
void stdio_plan_free(struct stdio_plan *plan);

#endif
