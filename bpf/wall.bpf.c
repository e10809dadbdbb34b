// SPDX-License-Identifier: Apache-2.0
/*
 * The second wall: programs at the agent's cgroup, of other kernel code than the first one.
 * They see every socket that a process of the cgroup has made since it is in it, whichever
 * system call acts on the socket.
 *
 *	connect, sendmsg, bind
 *	         In the jail's own network everything, since every way leads to the proxy
 *	         there; nothing in another one. Where the jail has no network of its own, the
 *	         broker makes the sockets, and it is in no such cgroup: nothing at all.
 *	socket   What is neither TCP nor UDP passes the other hooks by: it is not made. Others
 *	         of a network that is not allowed are bound to an interface that does not exist,
 *	         so that what has no hook, as listen() without bind(), is no good on them.
 *	unix     Nothing: the broker connects in the agent's place.
 *
 * connect also notes who it was, for the records. A slot that another processor is just
 * writing is left to it: who connected is then found by /proc alone.
 *
 * Plain <linux/bpf.h>, no BTF of the kernel's: loads in less than a millisecond.
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/in.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "wall_maps.h"

#define NO_INTERFACE  0x7fffffff
#define SOCKET_STREAM 1
#define SOCKET_DGRAM  2
#define PROTO_MPTCP   262

#define STOP 0
#define PASS 1

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wall_state);
} wall SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct wall_owners_map);
} owners SEC(".maps");

/* Linux 5.18: a hook may say what the caller's errno is. EPERM else. */
const volatile __u32 chooses_errno = 0;

static __always_inline struct wall_state *state(void)
{
	const __u32 first = 0;

	return bpf_map_lookup_elem(&wall, &first);
}

static __always_inline int stop(struct wall_state *w, enum wall_hook hook, int error)
{
	__sync_fetch_and_add(&w->stopped[hook], 1);
	if (chooses_errno)
		bpf_set_retval(-error);
	return STOP;
}

static __always_inline int is_loopback(const struct bpf_sock_addr *ctx, int is_v4)
{
	__u32 last = is_v4 ? ctx->user_ip4 : ctx->user_ip6[3];

	if (is_v4)
		return (bpf_ntohl(last) >> 24) == 127;
	if (ctx->user_ip6[0] || ctx->user_ip6[1])
		return 0;
	if (ctx->user_ip6[2] == bpf_htonl(0xffff))
		return (bpf_ntohl(last) >> 24) == 127;
	return !ctx->user_ip6[2] && last == bpf_htonl(1);
}

enum network { FOREIGN = 0, OWN, NESTED };

/* @netns is 0 nowhere: without a network of the jail's own, all are foreign. */
static __always_inline enum network network_of(const struct wall_state *w, __u64 netns)
{
	if (netns == w->jail_netns)
		return OWN;
	return w->allows_own_networks && netns != w->host_netns ? NESTED : FOREIGN;
}

static __always_inline int may(const struct wall_state *w, struct bpf_sock_addr *ctx, int is_v4)
{
	enum network network = network_of(w, bpf_get_netns_cookie(ctx));

	return network == OWN || (network == NESTED && is_loopback(ctx, is_v4));
}

static __always_inline void note_owner(struct bpf_sock_addr *ctx)
{
	const __u32 first = 0;
	struct wall_owners_map *map = bpf_map_lookup_elem(&owners, &first);
	__u64 cookie = bpf_get_socket_cookie(ctx), id = bpf_get_current_pid_tgid();
	struct wall_slot *slot;
	__u64 before;

	if (!map)
		return;
	slot = &map->slots[cookie & (WALL_OWNER_SLOTS - 1)];
	before = *(volatile __u64 *)&slot->sequence;
	if ((before & 1) || !__sync_bool_compare_and_swap(&slot->sequence, before, before + 1))
		return;
	slot->cookie = cookie;
	slot->at_ns = bpf_ktime_get_boot_ns();
	slot->pid = (__u32)(id >> 32);
	slot->tid = (__u32)id;
	bpf_get_current_comm(slot->comm, sizeof(slot->comm));
	/* Nobody else writes it now. Unlike an addition, this is a barrier on every machine. */
	__sync_val_compare_and_swap(&slot->sequence, before + 1, before + 2);
}

static __always_inline int judge(struct bpf_sock_addr *ctx, int is_v4, enum wall_hook hook)
{
	struct wall_state *w = state();

	if (!w)
		return STOP;
	if (!may(w, ctx, is_v4))
		return stop(w, hook, ECONNREFUSED);
	if (hook == WALL_HOOK_CONNECT)
		note_owner(ctx);
	return PASS;
}

SEC("cgroup/connect4")
int wall_connect4(struct bpf_sock_addr *ctx)
{
	return judge(ctx, 1, WALL_HOOK_CONNECT);
}

SEC("cgroup/connect6")
int wall_connect6(struct bpf_sock_addr *ctx)
{
	return judge(ctx, 0, WALL_HOOK_CONNECT);
}

SEC("cgroup/sendmsg4")
int wall_sendmsg4(struct bpf_sock_addr *ctx)
{
	return judge(ctx, 1, WALL_HOOK_SENDMSG);
}

SEC("cgroup/sendmsg6")
int wall_sendmsg6(struct bpf_sock_addr *ctx)
{
	return judge(ctx, 0, WALL_HOOK_SENDMSG);
}

SEC("cgroup/bind4")
int wall_bind4(struct bpf_sock_addr *ctx)
{
	return judge(ctx, 1, WALL_HOOK_BIND);
}

SEC("cgroup/bind6")
int wall_bind6(struct bpf_sock_addr *ctx)
{
	return judge(ctx, 0, WALL_HOOK_BIND);
}

static __always_inline int has_hooks(const struct bpf_sock *sk)
{
	if (sk->type == SOCKET_STREAM)
		return sk->protocol == IPPROTO_TCP || sk->protocol == PROTO_MPTCP;
	return sk->type == SOCKET_DGRAM && sk->protocol == IPPROTO_UDP;
}

SEC("cgroup/sock_create")
int wall_socket(struct bpf_sock *sk)
{
	struct wall_state *w = state();

	if (!w)
		return STOP;
	if (!has_hooks(sk))
		return stop(w, WALL_HOOK_SOCKET, EPERM);
	if (network_of(w, bpf_get_netns_cookie(sk)) == FOREIGN)
		sk->bound_dev_if = NO_INTERFACE;
	return PASS;
}

static __always_inline int refuse_unix(void)
{
	struct wall_state *w = state();

	return w ? stop(w, WALL_HOOK_UNIX, EACCES) : STOP;
}

/* Of attach types that libbpf may not know (Linux 6.7): wall.c sets them. */
SEC("?cgroup/connect4")
int wall_unix_connect(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return refuse_unix();
}

SEC("?cgroup/sendmsg4")
int wall_unix_sendmsg(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return refuse_unix();
}

/* No helper that is used here asks for the GPL. */
char wall_license[] SEC("license") = "Apache-2.0";
