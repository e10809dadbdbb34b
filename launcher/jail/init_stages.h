/* SPDX-License-Identifier: Apache-2.0 */
/**
 * jail/init_stages.h - init's state, for the files that make it work (private to jail/)
 *
 *	init.c          tier A, and what both tiers have in common
 *	init_beside.c   what of tier A is made by a second thread
 *	tier_b_init.c   tier B
 */
#ifndef MCPJAIL_JAIL_INIT_STAGES_H
#define MCPJAIL_JAIL_INIT_STAGES_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "ipc/channel.h"
#include "jail/files/devices.h"
#include "jail/init.h"
#include "jail/files/mounts.h"
#include "jail/files/trust_files.h"
#include "jail/net/netns.h"

#define INIT_NAMESPACES 3

struct init {
	const struct init_plan *plan;
	struct channel channel;
	struct netns net;
	struct devices devices;
	struct mounts mounts;
	struct trust_system trust;
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

/**
 * struct beside - What a second thread makes, while the first one mounts: the network, and what
 * the system's certificates are turned into. It names no file.
 */
struct beside {
	pthread_t thread;
	struct init *init;
	int bundle_fd;
	int r; /* of both; -errno with @err filled */
	struct error err;
};

/** beside_start() - Return: 0; -errno with @err filled, and nothing was started */
int beside_start(struct beside *beside, struct init *init, struct error *err);

/** beside_join() - Once. Return: 0: the network is made and tested; -errno with @err filled */
int beside_join(struct beside *beside, struct error *err);

/** init_make_tier_b() - Make what there is of a jail in tier B. Return: 0; -errno */
int init_make_tier_b(struct init *init, struct error *err);

#endif
