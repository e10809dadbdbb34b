/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/init_stages.h - init's state, for the files that make it work (private to jail/)
 *
 *	init.c          tier A, and what both tiers have in common
 *	tier_b_init.c   tier B
 */
#ifndef MCPJAIL_JAIL_INIT_STAGES_H
#define MCPJAIL_JAIL_INIT_STAGES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "ipc/channel.h"
#include "jail/files/devices.h"
#include "jail/init.h"
#include "jail/files/mounts.h"
#include "jail/net/netns.h"

#define INIT_NAMESPACES 3

struct init {
	const struct init_plan *plan;
	struct channel channel;
	struct netns net;
	struct devices devices;
	struct mounts mounts;
	struct buf java; /* what is ready of the key store for Java */
	mode_t umask;    /* the caller's */
	bool has_netlog; /* what no listener takes is logged */
	bool bounds_processes;
	int null_fd;
	int signal_fd; /* SIGCHLD */
	int namespaces[INIT_NAMESPACES];
	pid_t agent; /* 0: not started */
	char layers[sizeof(JAIL_LAYERS)];
};

/** init_enter() - A session of its own, no descriptors but the plan's, not dumpable */
int init_enter(struct init *init, struct error *err);

/** init_expect() - The next message, which has to be of one type; else the process ends */
void init_expect(struct init *init, enum message_type type, struct message *ret);

/** init_say_failed() - Fill @err for a channel that failed with @r. Return: @r */
int init_say_failed(struct error *err, int r);

/** init_java_store() - Where the key store for Java is made; NULL: none is wanted */
struct buf *init_java_store(struct init *init);

/** init_make_tier_b() - Make what there is of a jail in tier B. Return: 0; -errno */
int init_make_tier_b(struct init *init, struct error *err);

#endif
