// SPDX-License-Identifier: Apache-2.0
/*
 * A name that does not exist has no addresses, and is known. One whose resolvers cannot
 * tell leaves everything open, so no tunnel is opened then.
 *
 * Names in front of many machines get other addresses with every look-up: those that were
 * found before are kept beside the new ones as long as there is room.
 */
#include "dial/server_addresses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct server_name {
	struct server_addresses *servers;
	char name[IPC_HOST_MAX + 1];
	enum server_knowledge knowledge;
	uint64_t until_ms; /* of that knowledge */
	bool is_due;       /* to be asked for now */
	union address addresses[RESOLVED_MAX];
	size_t n;
};

struct server_addresses {
	struct resolver *resolver;
	void (*on_changed)(void *owner);
	void *owner;
	size_t n;
	struct server_name names[];
};

static void add_name(struct server_addresses *servers, const char *name)
{
	struct server_name *new = &servers->names[servers->n];

	for (size_t i = 0; i < servers->n; i++) {
		if (!strcmp(servers->names[i].name, name))
			return;
	}
	new->servers = servers;
	span_copy(span_of(name), new->name, sizeof(new->name));
	servers->n++;
}

int server_addresses_new(const struct routes *routes, struct resolver *resolver,
			 void (*on_changed)(void *owner), void *owner,
			 struct server_addresses **ret)
{
	size_t n = policy_server_count(routes->policy);
	struct server_addresses *servers =
		calloc(1, sizeof(*servers) + 2 * n * sizeof(servers->names[0]));

	if (!servers)
		return -ENOMEM;
	servers->resolver = resolver;
	servers->on_changed = on_changed;
	servers->owner = owner;
	for (size_t i = 0; i < n; i++) {
		const struct policy_server *server = policy_server_at(routes->policy, i);
		struct target target;

		connect_to_find(&routes->connect_to, server->host, server->port, &target);
		add_name(servers, server->host);
		add_name(servers, target.host);
	}
	*ret = servers;
	return 0;
}

void server_addresses_free(struct server_addresses *servers)
{
	free(servers);
}

static bool has_address(const struct server_name *name, const union address *address)
{
	for (size_t i = 0; i < name->n; i++) {
		if (address_equals(&name->addresses[i], address))
			return true;
	}
	return false;
}

static void on_resolved(void *arg, const struct resolved *found)
{
	struct server_name *name = arg;

	name->knowledge = found->is_certain ? SERVERS_KNOWN : SERVERS_UNSURE;
	/* What is not known is asked for again with the next tunnel. */
	name->until_ms = found->is_certain ? clock_mono_ms() + SERVER_ADDRESSES_MS : 0;
	if (name->n + found->n > RESOLVED_MAX)
		name->n = 0;
	for (size_t i = 0; i < found->n; i++) {
		if (!has_address(name, &found->addresses[i]))
			name->addresses[name->n++] = found->addresses[i];
	}
	name->servers->on_changed(name->servers->owner);
}

/* All are marked before the first is asked for, whose answer may come at once. */
void server_addresses_ask(struct server_addresses *servers)
{
	uint64_t now_ms = clock_mono_ms();

	for (size_t i = 0; i < servers->n; i++) {
		struct server_name *name = &servers->names[i];

		name->is_due = name->knowledge != SERVERS_ASKED && now_ms >= name->until_ms;
		if (name->is_due)
			name->knowledge = SERVERS_ASKED;
	}
	for (size_t i = 0; i < servers->n; i++) {
		struct server_name *name = &servers->names[i];

		if (name->is_due)
			resolver_find(servers->resolver, name->name, 0, on_resolved, name);
	}
}

enum server_knowledge server_addresses_knowledge(const struct server_addresses *servers,
						 const char **ret_name)
{
	enum server_knowledge knowledge = SERVERS_KNOWN;

	for (size_t i = 0; i < servers->n; i++) {
		const struct server_name *name = &servers->names[i];

		if (name->knowledge == SERVERS_UNSURE) {
			*ret_name = name->name;
			return SERVERS_UNSURE;
		}
		if (name->knowledge == SERVERS_ASKED)
			knowledge = SERVERS_ASKED;
	}
	return knowledge;
}

const char *server_addresses_find(const struct server_addresses *servers,
				  const union address *address)
{
	for (size_t i = 0; i < servers->n; i++) {
		if (has_address(&servers->names[i], address))
			return servers->names[i].name;
	}
	return NULL;
}
