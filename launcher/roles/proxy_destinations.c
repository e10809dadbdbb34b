// SPDX-License-Identifier: Apache-2.0
#include "proxy_destinations.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void clear(struct announced *a)
{
	free(a->exec);
	*a = (struct announced){.agent_port = 0};
}

static void map_v4(const struct in_addr *v4, struct in6_addr *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->s6_addr[10] = ret->s6_addr[11] = 0xff;
	memcpy(ret->s6_addr + 12, v4, sizeof(*v4));
}

static bool parse(struct span text, uint32_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	char address[INET6_ADDRSTRLEN];

	if (!port || port > UINT16_MAX || !span_copy(text, address, sizeof(address)))
		return false;
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		memcpy(ret, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
		memcpy(ret, &v6, sizeof(v6));
	else
		return false;
	return true;
}

static bool key_of(const struct sockaddr *from, struct in6_addr *ret, uint16_t *ret_port)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (from->sa_family == AF_INET) {
		memcpy(&v4, from, sizeof(v4));
		map_v4(&v4.sin_addr, ret);
		*ret_port = ntohs(v4.sin_port);
	} else if (from->sa_family == AF_INET6) {
		memcpy(&v6, from, sizeof(v6));
		*ret = v6.sin6_addr;
		*ret_port = ntohs(v6.sin6_port);
	} else {
		return false;
	}
	return *ret_port;
}

int proxy_destinations_add(struct proxy_destinations *d, const struct msg_destination *m,
			   uint64_t now_ms)
{
	struct announced *a = &d->all[d->next];
	struct announced new = {.at_ms = now_ms};
	struct sockaddr_storage from;

	if (!parse(m->agent, m->agent_port, &from) || !parse(m->address, m->port, &new.to) ||
	    !key_of((const struct sockaddr *)&from, &new.agent, &new.agent_port))
		return -EPROTO;
	new.exec = strndup(m->exec.p ? m->exec.p : "", m->exec.n);
	if (!new.exec)
		return -ENOMEM;
	d->next = (d->next + 1) % DESTINATIONS_MAX;
	clear(a);
	*a = new;
	return 0;
}

bool proxy_destinations_take(struct proxy_destinations *d, const struct sockaddr *agent,
			     uint64_t now_ms, struct sockaddr_storage *ret_to, char **ret_exec)
{
	struct in6_addr address;
	uint16_t port;

	if (!key_of(agent, &address, &port))
		return false;
	/* The newest first: an earlier one from there has not come, and never will. */
	for (size_t i = 1; i <= DESTINATIONS_MAX; i++) {
		struct announced *a = &d->all[(d->next + DESTINATIONS_MAX - i) % DESTINATIONS_MAX];

		if (a->agent_port != port || memcmp(&a->agent, &address, sizeof(address)) != 0)
			continue;
		if (now_ms - a->at_ms > DESTINATIONS_MS)
			break;
		*ret_to = a->to;
		*ret_exec = ptr_take(&a->exec);
		clear(a);
		return true;
	}
	return false;
}

void proxy_destinations_free(struct proxy_destinations *d)
{
	for (size_t i = 0; i < DESTINATIONS_MAX; i++)
		clear(&d->all[i]);
}
