// SPDX-License-Identifier: Apache-2.0
/*
 * Reads what wall.bpf.c writes. Each slot is guarded by its sequence: it is odd while a
 * program writes, and a reader that has seen it change has read a mixture.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "bpf/wall.h"
#include "wall_maps.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#define READ_TRIES 16 /* a writer that was interrupted half-way is not waited for */

_Static_assert(WALL_COUNTS == WALL_HOOKS, "a count for each hook");
_Static_assert(WALL_NAME_MAX == WALL_COMM_BYTES, "a thread's name");

int wall_netns_cookie(int socket_fd, uint64_t *ret)
{
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	if (getsockopt(socket_fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
		return -errno;
	*ret = cookie;
	return 0;
}

const char *wall_count_name(size_t i)
{
	static const char *const names[WALL_HOOKS] = {
		[WALL_HOOK_SOCKET] = "socket",   [WALL_HOOK_CONNECT] = "connect",
		[WALL_HOOK_SENDMSG] = "sendmsg", [WALL_HOOK_BIND] = "bind",
		[WALL_HOOK_UNIX] = "unix",
	};

	return i < WALL_HOOKS ? names[i] : "";
}

/* A map's memory is given out whole: its bounds are the kernel's to check. */
int wall_owners_open(int fd, struct wall_owners **ret)
{
	void *at = mmap(NULL, sizeof(struct wall_owners_map), PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	*ret = at;
	return 0;
}

void wall_owners_close(struct wall_owners *owners)
{
	if (owners)
		munmap(owners, sizeof(struct wall_owners_map));
}

/* Return: whether @ret is what the slot held at one time */
static bool read_slot(const struct wall_slot *slot, struct wall_slot *ret)
{
	for (int i = 0; i < READ_TRIES; i++) {
		__u64 before = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);

		*ret = *(const volatile struct wall_slot *)slot;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(before & 1) && __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED) == before)
			return true;
	}
	return false;
}

int wall_owner_of(const struct wall_owners *owners, uint64_t cookie, struct wall_owner *ret)
{
	const struct wall_owners_map *map = (const struct wall_owners_map *)owners;
	struct wall_slot slot;

	if (!cookie || !read_slot(&map->slots[cookie & (WALL_OWNER_SLOTS - 1)], &slot) ||
	    slot.cookie != cookie)
		return -ENOENT;
	*ret = (struct wall_owner){
		.pid = (pid_t)slot.pid, .tid = (pid_t)slot.tid, .at_ns = slot.at_ns};
	memcpy(ret->comm, slot.comm, sizeof(ret->comm));
	ret->comm[sizeof(ret->comm) - 1] = '\0';
	return 0;
}
