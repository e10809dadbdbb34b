/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/broker.h - answers the system calls that the agent's filter hands over
 *
 * The role makes a struct broker, enters the jail, and starts the workers; its own thread
 * then reads the channels. Each worker waits for one call, answers it by its number's
 * entry in the table of launcher/broker/calls.c, and waits again; when all are busy one
 * more is started. So a caller whose memory does not come, or whose path lies on a server
 * that does not answer, keeps one worker, and nobody else waits for it. A connect() that
 * waits for room with a listener keeps none (broker/parked.h).
 */
#ifndef MCPJAIL_BROKER_BROKER_H
#define MCPJAIL_BROKER_BROKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "broker/caller.h"
#include "broker/inet.h"
#include "broker/listed.h"
#include "broker/made.h"
#include "broker/owner.h"
#include "broker/parked.h"
#include "broker/standins.h"
#include "ipc/channel.h"

#define BROKER_WORKERS_FIRST 2   /* started with the rest */
#define BROKER_WORKERS_MAX   256 /* at most, when callers stall them */

/* Everything is set before the workers start; what changes later has a lock of its own. */
struct broker {
	bool has_namespaces;          /* tier A: the network, and with it abstract names, is the
				       * jail's own; tier B: the machine's */
	bool allows_nested_sandbox;   /* the policy does */
	bool is_root;                 /* the agent is; the kernel then allows it none */
	int listener;                 /* yields the agent's calls */
	int proc_fd;                  /* /proc in which the callers have the numbers of those */
	int own_fds;                  /* our own /proc/PID/fd: see broker/unix_connect.c */
	pid_t init;                   /* as that /proc has it */
	struct channel keeper, proxy; /* for sending by any thread */
	struct owner_sources owners;
	struct standins *standins;
	struct made *made;
	struct listed listed;
	struct parked *parked;
	struct epolls *epolls;
	struct inet *inet;       /* of tier B; else NULL */
	bool shares_fs;          /* all threads have one root and working directory: … */
	pthread_mutex_t fs_lock; /* … they take turns */
	pthread_mutex_t lock;    /* over the two below */
	unsigned n_workers, n_idle;
};

/* An answer that is none: the call was answered already, or will be by somebody else. */
#define BROKER_ANSWERED INT64_MAX

/**
 * typedef broker_call - Judge one call
 *
 * On a thread with a file system context of its own, which it may change as it likes.
 *
 * Return: what the call returns; a negative errno that it fails with; BROKER_ANSWERED
 */
typedef int64_t broker_call(struct broker *b, struct caller *c);

struct broker_row {
	int nr;
	broker_call *judge;
};

/** broker_find_call() - What judges the system call @nr; NULL: nothing, it fails */
broker_call *broker_find_call(int nr);

/**
 * broker_start() - Start the workers
 *
 * Return: 0; -errno if not one could be started
 */
int broker_start(struct broker *b);

/* What a record says of a call, as struct msg_event has it; NULL: nothing. */
struct broker_note {
	enum event_kind kind; /* EVENT_NET_DENIED unless set */
	const char *protocol, *detail, *rule, *reason;
	const char *address;
	uint16_t port;
};

/**
 * broker_record() - Have it recorded what became of a call
 *
 * May block until the keeper has taken in what it was sent before.
 */
void broker_record(struct broker *b, const struct caller *c, const struct broker_note *note);

#endif
