// SPDX-License-Identifier: Apache-2.0
/*
 * Names and the addresses they were given. A name's place in the table is its
 * address in both families, so the way back from an address is an index. Entries
 * stay for the whole run: an address that meant one host must never mean another.
 *
 * The agent chooses the names, so it can make them collide in the hash; with at most
 * DNS_NAMES_MAX of them that costs it some of its own time and nobody else's.
 */
#include "proxy/dns_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define V4_BASE     0xc6120000u /* 198.18.0.0/15, RFC 2544: no host on earth has it */
#define V4_MASK     0xfffe0000u
#define FIRST_HOST  1u /* the network's own address is left out */
#define FIRST_SLOTS 256u

/* fd, then "mcpjail" as the random part of a unique local prefix (RFC 4193). */
static const uint8_t v6_prefix[8] = {0xfd, 'm', 'c', 'p', 'j', 'a', 'i', 'l'};

struct dns_names {
	char **names;    /* by index */
	uint32_t *slots; /* 1 + index, 0 if free; open addressing, at most half full */
	size_t n, max, n_slots;
};

int dns_names_new(size_t max, struct dns_names **ret_names)
{
	struct dns_names *t;

	if (!max || max > DNS_NAMES_MAX)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->max = max;
	t->n_slots = FIRST_SLOTS;
	t->slots = calloc(t->n_slots, sizeof(*t->slots));
	t->names = calloc(t->n_slots / 2, sizeof(*t->names));
	if (!t->slots || !t->names) {
		dns_names_free(t);
		return -ENOMEM;
	}
	*ret_names = t;
	return 0;
}

void dns_names_free(struct dns_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; names->names && i < names->n; i++)
		free(names->names[i]);
	free(names->names);
	free(names->slots);
	free(names);
}

/* FNV-1a, 64 bits */
static uint64_t name_hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return h;
}

/* The slot that holds @name, or the free one where it would go. */
static size_t find_slot(const struct dns_names *t, const char *name)
{
	size_t i = (size_t)name_hash(name) & (t->n_slots - 1);

	while (t->slots[i] && strcmp(t->names[t->slots[i] - 1], name) != 0)
		i = (i + 1) & (t->n_slots - 1);
	return i;
}

static int grow(struct dns_names *t)
{
	size_t n_slots = t->n_slots * 2;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));
	char **names = reallocarray(t->names, n_slots / 2, sizeof(*names));

	if (names)
		t->names = names;
	if (!names || !slots) {
		free(slots);
		return -ENOMEM;
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = n_slots;
	for (size_t i = 0; i < t->n; i++)
		t->slots[find_slot(t, t->names[i])] = (uint32_t)i + 1;
	return 0;
}

int dns_names_intern(struct dns_names *t, const char *name, uint32_t *ret_index)
{
	size_t slot = find_slot(t, name);
	char *copy;

	if (t->slots[slot]) {
		*ret_index = t->slots[slot] - 1;
		return 0;
	}
	if (t->n == t->max)
		return -ENOSPC;
	if (t->n == t->n_slots / 2) {
		if (grow(t))
			return -ENOMEM;
		slot = find_slot(t, name);
	}
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	t->names[t->n] = copy;
	*ret_index = (uint32_t)t->n++;
	t->slots[slot] = *ret_index + 1;
	return 0;
}

static void put_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void dns_index_to_v4(uint32_t index, uint8_t ret_address[4])
{
	put_be32(ret_address, V4_BASE + FIRST_HOST + index);
}

void dns_index_to_v6(uint32_t index, uint8_t ret_address[16])
{
	memcpy(ret_address, v6_prefix, sizeof(v6_prefix));
	memset(ret_address + 8, 0, 4);
	put_be32(ret_address + 12, FIRST_HOST + index);
}

static const char *name_at(const struct dns_names *t, uint32_t host)
{
	return host >= FIRST_HOST && host - FIRST_HOST < t->n ? t->names[host - FIRST_HOST] : NULL;
}

const char *dns_names_find_v4(const struct dns_names *t, const uint8_t address[4])
{
	uint32_t v = get_be32(address);

	return (v & V4_MASK) == V4_BASE ? name_at(t, v - V4_BASE) : NULL;
}

const char *dns_names_find_v6(const struct dns_names *t, const uint8_t address[16])
{
	if (memcmp(address, v6_prefix, sizeof(v6_prefix)) != 0 || get_be32(address + 8))
		return NULL;
	return name_at(t, get_be32(address + 12));
}

static const uint8_t *v4_in_v6(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a) ? a->s6_addr + 12 : NULL;
}

const char *dns_names_find_address(const struct dns_names *names, const struct sockaddr *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	/* Copies, since the caller's storage may be aligned for sockaddr only. */
	if (address->sa_family == AF_INET) {
		memcpy(&in, address, sizeof(in));
		return dns_names_find_v4(names, (const uint8_t *)&in.sin_addr);
	}
	if (address->sa_family != AF_INET6)
		return NULL;
	memcpy(&in6, address, sizeof(in6));
	if (v4_in_v6(&in6.sin6_addr))
		return dns_names_find_v4(names, v4_in_v6(&in6.sin6_addr));
	return dns_names_find_v6(names, in6.sin6_addr.s6_addr);
}
