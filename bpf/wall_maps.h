/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs of the second wall share with wall.c and owners.c. Compiled for the
 * kernel's machine and for ours: only types of a fixed size, no padding.
 */
#ifndef MCPJAIL_BPF_WALL_MAPS_H
#define MCPJAIL_BPF_WALL_MAPS_H

#include <linux/types.h>

#define WALL_OWNER_SLOTS 4096 /* a power of two */
#define WALL_COMM_BYTES  16

enum wall_hook {
	WALL_HOOK_SOCKET = 0, /* the making of a socket */
	WALL_HOOK_CONNECT,
	WALL_HOOK_SENDMSG,
	WALL_HOOK_BIND,
	WALL_HOOK_UNIX, /* connect and sendmsg of AF_UNIX */
	WALL_HOOKS
};

/* The one element of the map "wall". */
struct wall_state {
	__u64 jail_netns;          /* its cookie; 0: the jail has no network of its own */
	__u64 host_netns;          /* the caller's: never allowed, unless it is the jail's */
	__u32 allows_own_networks; /* nested sandboxes: loopback of other networks */
	__u32 unused;
	__u64 stopped[WALL_HOOKS];
};

/* Who connected a socket: slot cookie % WALL_OWNER_SLOTS. */
struct wall_slot {
	__u64 sequence; /* odd: being written */
	__u64 cookie;   /* of the socket; 0: empty */
	__u64 at_ns;    /* CLOCK_BOOTTIME of the connect */
	__u32 pid, tid; /* as the machine numbers them */
	char comm[WALL_COMM_BYTES];
};

/* The one element of the map "owners", which can be mapped into memory. */
struct wall_owners_map {
	struct wall_slot slots[WALL_OWNER_SLOTS];
};

#endif
