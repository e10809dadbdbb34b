/* SPDX-License-Identifier: Apache-2.0 */
/**
 * broker/owner.h - which process of the jail holds a connection, and what that process is
 *
 * The kernel is asked for the socket by its exact addresses (sock_diag), then the jail's
 * processes for who holds it (/proc/PID/fd). What is told of a process was read through one
 * descriptor of its /proc directory, so that a number used again is never mistaken for it,
 * and read again where it executed something else meanwhile.
 *
 * Every step is bounded: an agent with a hundred thousand descriptors, or processes that
 * come and go, makes a question end without an answer, never late by more than its bound.
 *
 * What a process says of itself, its argv, is its own to write; exe and the pids are the
 * kernel's. An exe that in the jail's own mounts is another file, or none, is said to be. Where
 * several processes hold a socket, one of them is told.
 */
#ifndef MCPJAIL_BROKER_OWNER_H
#define MCPJAIL_BROKER_OWNER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "bpf/wall.h"
#include "ipc/messages.h"

#define OWNER_FIND_MS       20   /* spent on one question */
#define OWNER_PROCESSES_MAX 4096 /* looked at for one question */
#define OWNER_PARENTS_MAX   16   /* told of a process, the nearest first */
#define OWNER_HELD_MAX      256  /* sockets remembered, by inode */
#define OWNER_RECENT_MAX    8    /* processes looked at first */
#define OWNER_ARGV_BYTES    8192 /* read of a command line */

struct owner;
struct owner_cache;

struct owner_sources {
	int proc_fd; /* /proc, as whoever reads the records sees it; borrowed */
	int diag_fd; /* diag_open() in the jail's network; borrowed */
	int root_fd; /* the jail's, where the agent may have mounts of its own; else -1. Borrowed */
	pid_t init;  /* the jail's processes are its descendants; it is none of them */
	struct owner_cache *cache;        /* for owner_describe(); NULL: none. Borrowed */
	const struct wall_owners *owners; /* who connected what, by bpf/wall.h; NULL: not told */
};

/** owner_cache_new() - What owner_describe() told last, to be told again. Return: 0; -ENOMEM */
int owner_cache_new(struct owner_cache **ret);
void owner_cache_free(struct owner_cache *cache);

/** owner_new() - Return: 0; -ENOMEM */
int owner_new(const struct owner_sources *sources, struct owner **ret);
void owner_free(struct owner *o);

/**
 * owner_find() - The process at the agent's end of a connection
 * @ret_exec: Gets what struct msg_process says of .exec; its max is IPC_EXEC_MAX
 *
 * Takes at most about OWNER_FIND_MS. One thread at a time.
 *
 * Return: 0, also if it is not found: the text says why; -ENOMEM
 */
int owner_find(struct owner *o, const struct msg_who *who, struct buf *ret_exec);

/**
 * owner_describe() - What is told of a process that is known
 * @pid:      Or the id of one of its threads
 * @ret_exec: As for owner_find()
 *
 * Any thread may call it. Return: as owner_find()
 */
int owner_describe(const struct owner_sources *sources, pid_t pid, struct buf *ret_exec);

#endif
