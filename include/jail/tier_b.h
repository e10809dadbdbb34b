/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/tier_b.h - tier B: what holds the agent where namespaces are not to be had
 *
 * The tier is chosen by doing it: jail_start() says -EOPNOTSUPP where the system gives no
 * namespaces, or none with the rights over them, and what follows is tried instead.
 *
 *	supervisor ── the broker-to-be ── init ── agent
 *	                  │                 │       └ the same once more, without ways out over TCP,
 *	                  │                 │         towards init and broker, and init's own files
 *	                  │                 └ as in tier A, but for mounts and the network
 *	                  └ tier_b_enter(): no capability, a Landlock domain around files, signals
 *	                    and abstract unix sockets; then forks init, and becomes the broker
 *
 * The broker reads the memory of the agent's processes, which Yama and Landlock let only an
 * ancestor in the same domain do; what outlives its parents becomes its child, for it to end.
 */
#ifndef MCPJAIL_JAIL_TIER_B_H
#define MCPJAIL_JAIL_TIER_B_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "jail/jail.h"

#define TIER_B_TEXT_MAX 1600 /* bytes of what tier_b_tell() writes */

struct tier_b;

/**
 * tier_b_check_outer() - Whether somebody answers system calls of this process already
 *
 * There can be only one who does: another mcpjail, or a container's engine. Nothing is tried
 * where no filter is in force.
 *
 * Return: 0; -EBUSY with @err filled
 */
int tier_b_check_outer(struct error *err);

/**
 * tier_b_prepare() - Settle what is to be shown and written; make a directory of the run's own
 * @spec: As for jail_start()
 * @ret:  To be given to tier_b_free(); untouched on failure
 *
 * Refused is what only mounts could keep: a run directory, a state directory, a policy or this
 * program within what the agent may write.
 *
 * Return: 0; -errno with @err filled
 */
int tier_b_prepare(const struct jail_spec *spec, struct tier_b **ret, struct error *err);

/** tier_b_free() - Remove the directory as well: nobody uses it any more */
void tier_b_free(struct tier_b *b);

/** tier_b_close() - Close what only the jail needs, once it has been started */
void tier_b_close(struct tier_b *b);

/**
 * tier_b_enter() - Confine this process, and fork the jail's init below it
 * @init_channel_fd: init's end of its channel, closed here
 *
 * To be called in a child of the supervisor's, with one thread, that becomes the broker
 * next. A failure is told over init's channel (MSG_JAIL_FAILED).
 *
 * Return: 0; -errno: the process has to exit
 */
int tier_b_enter(const struct tier_b *b, const struct jail_spec *spec, int init_channel_fd);

/**
 * tier_b_tell() - In one line, what this tier cannot give, and what it needs
 * @why:    That there are no namespaces; NULL: tier B was asked for
 * @layers: In force
 */
void tier_b_tell(const struct error *why, const char *layers, char ret[TIER_B_TEXT_MAX]);

#endif
