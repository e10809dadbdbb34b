// SPDX-License-Identifier: Apache-2.0
#include "owner_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "broker/diag.h"

/*
 * A network's only device when it was made, and the jail's only one. Sockets that are bound
 * to a device, as any process may bind its own, are found by that only.
 */
#define LOOPBACK_INDEX 1

static int read_address(struct span text, uint8_t *ret_family, __be32 ret[4])
{
	char copy[INET6_ADDRSTRLEN];

	if (!span_copy(text, copy, sizeof(copy)))
		return -EINVAL;
	*ret_family = strchr(copy, ':') ? AF_INET6 : AF_INET;
	return inet_pton(*ret_family, copy, ret) == 1 ? 0 : -EINVAL;
}

/* The agent's end: its own address is the source. */
static int make_request(const struct msg_who *who, struct inet_diag_req_v2 *ret)
{
	struct inet_diag_sockid *id = &ret->id;
	uint8_t family = AF_UNSPEC;
	int r;

	*ret = (struct inet_diag_req_v2){.sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u};
	r = read_address(who->agent, &ret->sdiag_family, id->idiag_src);
	if (!r)
		r = read_address(who->destination, &family, id->idiag_dst);
	if (r || family != ret->sdiag_family || who->agent_port > UINT16_MAX ||
	    who->destination_port > UINT16_MAX)
		return -EINVAL;
	id->idiag_sport = htons((uint16_t)who->agent_port);
	id->idiag_dport = htons((uint16_t)who->destination_port);
	id->idiag_if = LOOPBACK_INDEX;
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return 0;
}

/* For want of a connection the kernel tells of one who listens at the same port. */
static bool is_same(const struct inet_diag_sockid *asked, const struct inet_diag_msg *told)
{
	return told->id.idiag_sport == asked->idiag_sport &&
	       told->id.idiag_dport == asked->idiag_dport;
}

int owner_socket_find(int diag_fd, const struct msg_who *who, struct owner_socket *ret)
{
	struct inet_diag_req_v2 request;
	const struct inet_diag_msg *told;
	union diag_answer answer;
	int r = make_request(who, &request);

	if (!r)
		r = diag_ask(diag_fd, &request, sizeof(request), sizeof(*told), &answer);
	if (r)
		return r;
	told = NLMSG_DATA(&answer.head);
	if (!is_same(&request.id, told))
		return -ENOENT;
	ret->inode = told->idiag_inode;
	ret->cookie = (uint64_t)told->id.idiag_cookie[1] << 32 | told->id.idiag_cookie[0];
	return 0;
}
