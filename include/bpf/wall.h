/* SPDX-License-Identifier: Apache-2.0 */
/**
 * bpf/wall.h - the second wall: eBPF programs at the agent's cgroup
 *
 * They stop what a socket made by a process of the cgroup attempts past the first wall, and
 * count it by hook; what they stop shows as ECONNREFUSED, a unix socket as EACCES, where the
 * kernel lets them choose (Linux 5.18), as EPERM else. bpf/wall.bpf.c says what is allowed.
 * They are gone with the process that has attached them.
 *
 * The supervisor loads and attaches; another process may look up who connected a socket: it
 * is given the descriptor of wall_owners_fd() and maps it. That needs no privilege and no
 * bpf(2), only one mmap().
 *
 *	supervisor                         broker
 *	wall_load()
 *	wall_attach()
 *	wall_owners_fd() ----- an fd -----> wall_owners_open()
 *	                                    wall_owner_of(), for each connection
 *	wall_count(), wall_free()           wall_owners_close()
 */
#ifndef MCPJAIL_BPF_WALL_H
#define MCPJAIL_BPF_WALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define WALL_COUNTS   5  /* see wall_count_name() */
#define WALL_NAME_MAX 16 /* bytes of a thread's name, its NUL included */

struct wall;        /* loaded programs */
struct wall_owners; /* a view of who connected which socket */

struct wall_rules {
	uint64_t jail_netns; /* cookie of the jail's network; 0: it has none of its own */
	uint64_t host_netns; /* cookie of the caller's */
	/* Nested sandboxes: loopback of networks that are neither the jail's nor the caller's. */
	bool allows_own_networks;
	bool refuses_unix; /* a broker makes the agent's unix sockets */
};

/* Who connected. The thread may be gone; its process's number may be another's by now. */
struct wall_owner {
	pid_t pid, tid; /* as the machine numbers them */
	/* CLOCK_BOOTTIME: a process of that number that started later is another one. */
	uint64_t at_ns;
	char comm[WALL_NAME_MAX];
};

/**
 * wall_load() - Have the kernel check and keep the programs; nothing is stopped yet
 * @err: Filled on failure, in words that follow "no second wall: "
 *
 * Takes about a millisecond.
 *
 * Return: 0; -EPERM without CAP_BPF and CAP_NET_ADMIN; -errno
 */
int wall_load(struct wall **ret, struct error *err);

/**
 * wall_attach() - Stop and count from now on, at a cgroup and all below it
 * @cgroup_fd: A directory of version 2
 *
 * Sockets that exist already are judged by the cgroup that their maker was in then.
 *
 * Return: 0; -errno with @err filled, and nothing is attached
 */
int wall_attach(struct wall *wall, int cgroup_fd, const struct wall_rules *rules,
		struct error *err);

/** wall_count_name() - "socket", "connect", "sendmsg", "bind", "unix" */
const char *wall_count_name(size_t i);

/** wall_count() - How many attempts each hook has stopped. Return: 0; -errno */
int wall_count(const struct wall *wall, uint64_t ret[WALL_COUNTS]);

/** wall_owners_fd() - For wall_owners_open(); borrowed from the wall */
int wall_owners_fd(const struct wall *wall);

/** wall_free() - Detach, if attached, and unload */
void wall_free(struct wall *wall);

/**
 * wall_netns_cookie() - Of the network that a socket belongs to
 *
 * Return: 0; -ENOPROTOOPT before Linux 5.14; -errno
 */
int wall_netns_cookie(int socket_fd, uint64_t *ret);

/**
 * wall_owners_open() - Map the table into memory
 * @fd: From wall_owners_fd(), by whatever way; may be closed afterwards
 *
 * Return: 0; -errno
 */
int wall_owners_open(int fd, struct wall_owners **ret);

/**
 * wall_owner_of() - Who connected the socket with this SO_COOKIE (idiag_cookie of sock_diag)
 *
 * Call it while the connection is young: the table holds the last few thousand.
 *
 * Return: 0; -ENOENT if it is not known
 */
int wall_owner_of(const struct wall_owners *owners, uint64_t cookie, struct wall_owner *ret);
void wall_owners_close(struct wall_owners *owners);

#endif
