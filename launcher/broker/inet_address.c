// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "inet_internal.h"

#define V6_BYTES_OLD 24 /* RFC 2133, without a scope: the kernel takes it */

static struct in6_addr mapped(struct in_addr v4)
{
	struct in6_addr v6 = IN6ADDR_ANY_INIT;

	v6.s6_addr[10] = v6.s6_addr[11] = 0xff;
	memcpy(v6.s6_addr + 12, &v4, sizeof(v4));
	return v6;
}

int inet_end_of(const struct caller_address *address, int family, struct inet_end *ret)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4;

	if (address->head.sa_family == AF_INET && family == AF_INET) {
		if (address->n < sizeof(v4))
			return -EINVAL;
		memcpy(&v4, address->bytes, sizeof(v4));
		*ret = (struct inet_end){mapped(v4.sin_addr), ntohs(v4.sin_port)};
		return 0;
	}
	if (address->head.sa_family == AF_INET6 && family == AF_INET6) {
		if (address->n < V6_BYTES_OLD)
			return -EINVAL;
		memcpy(&v6, address->bytes, V6_BYTES_OLD);
		*ret = (struct inet_end){v6.sin6_addr, ntohs(v6.sin6_port)};
		return 0;
	}
	return -EAFNOSUPPORT;
}

bool inet_is_ipv4(const struct in6_addr *address)
{
	return IN6_IS_ADDR_V4MAPPED(address);
}

bool inet_is_any(const struct in6_addr *address)
{
	struct in6_addr any4 = mapped((struct in_addr){INADDR_ANY});

	return IN6_IS_ADDR_UNSPECIFIED(address) || !memcmp(address, &any4, sizeof(any4));
}

bool inet_is_loopback(const struct in6_addr *address)
{
	return inet_is_ipv4(address) ? address->s6_addr[12] == 127 : IN6_IS_ADDR_LOOPBACK(address);
}

bool inet_is_for_many(const struct in6_addr *address)
{
	if (inet_is_ipv4(address)) /* 224.0.0.0/3: multicast, reserved, broadcast; 0.0.0.0/8 */
		return address->s6_addr[12] >= 224 || !address->s6_addr[12];
	return IN6_IS_ADDR_MULTICAST(address);
}

struct in6_addr inet_loopback(bool is_ipv4)
{
	return is_ipv4 ? mapped((struct in_addr){htonl(INADDR_LOOPBACK)}) : in6addr_loopback;
}

void inet_text(const struct in6_addr *address, char ret[INET6_ADDRSTRLEN])
{
	if (inet_is_ipv4(address))
		inet_ntop(AF_INET, address->s6_addr + 12, ret, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, address, ret, INET6_ADDRSTRLEN);
}

socklen_t inet_name_of(const struct inet_end *end, int family, union inet_name *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (family == AF_INET6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(end->port);
		ret->v6.sin6_addr = end->address;
		return sizeof(ret->v6);
	}
	if (!inet_is_ipv4(&end->address))
		return 0;
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons(end->port);
	memcpy(&ret->v4.sin_addr, end->address.s6_addr + 12, sizeof(ret->v4.sin_addr));
	return sizeof(ret->v4);
}

int inet_own_name(int fd, struct inet_end *ret)
{
	struct caller_address own = {.n = sizeof(own.room)};

	if (getsockname(fd, &own.head, &own.n))
		return -errno;
	return inet_end_of(&own, own.head.sa_family, ret);
}
