/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dial/server_addresses.h - at which addresses the policy's MCP servers are
 *
 * A tunnel is judged by nothing but its name. Where a server answers at the same address,
 * the agent could ask for the server inside of it; so tunnels avoid these addresses.
 */
#ifndef MCPJAIL_DIAL_SERVER_ADDRESSES_H
#define MCPJAIL_DIAL_SERVER_ADDRESSES_H

#include "dial/addresses.h"
#include "dial/resolver.h"
#include "dial/routes.h"

#define SERVER_ADDRESSES_MS 60000 /* how long what was found is believed */

enum server_knowledge {
	SERVERS_UNSURE = 0, /* some name cannot be looked up */
	SERVERS_ASKED,      /* look-ups are under way */
	SERVERS_KNOWN,
};

struct server_addresses;

/**
 * server_addresses_new() - For the servers of a policy; nothing is looked up yet
 * @routes:     Name the policy, and where --connect-to puts a server beside its own name.
 *              Not retained
 * @resolver:   Must outlive the outcome
 * @on_changed: Called with @owner when a look-up has ended, perhaps from
 *              server_addresses_ask()
 *
 * Return: 0; -ENOMEM
 */
int server_addresses_new(const struct routes *routes, struct resolver *resolver,
			 void (*on_changed)(void *owner), void *owner,
			 struct server_addresses **ret);
void server_addresses_free(struct server_addresses *servers);

/** server_addresses_ask() - Begin to look up what is not known, or was too long ago */
void server_addresses_ask(struct server_addresses *servers);

/**
 * server_addresses_knowledge() - What the last look-ups came to
 * @ret_name: Of the server that is not known; borrowed. Untouched unless SERVERS_UNSURE
 */
enum server_knowledge server_addresses_knowledge(const struct server_addresses *servers,
						 const char **ret_name);

/** server_addresses_find() - Name of the server at an address, borrowed; NULL if none is there */
const char *server_addresses_find(const struct server_addresses *servers,
				  const union address *address);

#endif
