// SPDX-License-Identifier: Apache-2.0
/*
 * Which of a host's addresses will do. The policy names hosts, the agent's side asks for
 * names; what a name resolves to is in the hands of whoever answers for it, and is judged here,
 * once, on the very addresses that are then connected to: there is no second look-up
 * between check and connect that could answer otherwise.
 *
 *	1. no address beyond the route's reach (private, loopback, metadata, …), unless the
 *	   policy or --connect-to says so; one of these refuses the name
 *	2. for a tunnel, none at which an MCP server of the policy is: behind a shared front the
 *	   agent could ask for the server in there, unjudged. As long as it is not known where
 *	   the servers are, no tunnel is opened
 *
 * What goes by the caller's proxy is resolved there, so only literal addresses are judged.
 */
#include "dials_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void end_at_server(struct dial *dial, const union address *at, const char *server)
{
	char reason[DIAL_REASON_BYTES], text[ADDRESS_TEXT_MAX];

	address_format(&at->any, text);
	snprintf(
		reason, sizeof(reason),
		"it is at %s, where the policy's MCP server %s is too; through a tunnel the server "
		"could be called unjudged. Use \"mode\": \"inspect\" for %s",
		text, server, dial->host);
	dial->addresses[0] = *at;
	dial->next = 1;
	dial_end(dial, DIAL_REFUSED, reason);
}

/* Leaves out addresses that are a server's too. Return: one such server; NULL without any */
static const char *drop_servers(struct dial *dial, union address *ret_at)
{
	const char *server = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < dial->n_addresses; i++) {
		const union address *address = &dial->addresses[i];
		const char *name = server_addresses_find(dial->dials->servers, address);

		if (name) {
			server = name;
			*ret_at = *address;
		} else {
			dial->addresses[kept++] = *address;
		}
	}
	dial->n_addresses = kept;
	return server;
}

static void end_unsure(struct dial *dial, const char *server)
{
	char reason[DIAL_REASON_BYTES];

	snprintf(reason, sizeof(reason),
		 "no tunnel can be opened now: it may not lead to an address of the policy's MCP "
		 "server, and %s cannot be looked up",
		 server);
	dial_end(dial, DIAL_REFUSED, reason);
}

void dial_end_unchecked(struct dial *dial)
{
	dial_end(dial, DIAL_TIMEOUT,
		 "no tunnel can be opened now: it may not lead to an address of the policy's MCP "
		 "server, and where that is was not found out in time");
}

static void avoid_servers(struct dial *dial)
{
	const char *server = "";
	union address at = dial->addresses[0];

	switch (server_addresses_knowledge(dial->dials->servers, &server)) {
	case SERVERS_ASKED:
		return;
	case SERVERS_UNSURE:
		end_unsure(dial, server);
		return;
	case SERVERS_KNOWN:
		break;
	}
	server = drop_servers(dial, &at);
	if (dial->n_addresses)
		dial_try_next(dial);
	else
		end_at_server(dial, &at, server);
}

void dial_carry_on_checks(struct dials *dials)
{
	for (size_t i = 0; i < DIALS_MAX; i++) {
		if (dials->slots[i].state == DIAL_CHECKING)
			avoid_servers(&dials->slots[i]);
	}
}

static void refuse_address(struct dial *dial, const union address *address, const char *what)
{
	char text[ADDRESS_TEXT_MAX], place[ADDRESS_TEXT_MAX + 8] = "", reason[DIAL_REASON_BYTES];
	bool v6 = address->any.sa_family == AF_INET6;
	const char *open = v6 ? "[" : "", *close = v6 ? "]" : "";

	address_format(&address->any, text);
	if (strcmp(text, dial->host))
		snprintf(place, sizeof(place), "at %s, ", text);
	snprintf(reason, sizeof(reason),
		 "it is %s%s; if that is meant, %sstart mcpjail with "
		 "--connect-to %s:%u:%s%s%s:%u",
		 place, what,
		 dial->route.is_egress && dial->route.reach == REACH_PUBLIC
			 ? "write \"private_addresses\": true into its egress entry, or "
			 : "",
		 dial->host, dial->port, open, text, close, dial->route.target.port);
	dial_end(dial, DIAL_REFUSED, reason);
}

/*
 * One special address refuses the name: an answer that mixes public and private addresses
 * is how rebinding looks.
 */
static bool are_within_reach(struct dial *dial)
{
	for (size_t i = 0; i < dial->n_addresses; i++) {
		const char *what = address_refusal(&dial->addresses[i].any, dial->route.reach);

		if (!what)
			continue;
		dial->next = i + 1;
		refuse_address(dial, &dial->addresses[i], what);
		return false;
	}
	return true;
}

/*
 * An address that --connect-to gives is the caller's word, and nothing is looked up for it;
 * only the very place that it gives for a server as well is no place for a tunnel.
 */
static const char *server_given_there(const struct dial *dial)
{
	const struct routes *routes = dial->dials->routes;
	const struct target *own = &dial->route.target;

	for (size_t i = 0; i < policy_server_count(routes->policy); i++) {
		const struct policy_server *server = policy_server_at(routes->policy, i);
		struct target target;

		connect_to_find(&routes->connect_to, server->host, server->port, &target);
		if (target.port == own->port && !strcmp(target.host, own->host))
			return server->host;
	}
	return NULL;
}

static bool is_given_address(const struct target *target)
{
	return target->is_chosen && target_kind(target->host) == TARGET_LITERAL;
}

bool dial_needs_servers(const struct dial *dial)
{
	return dial->route.avoids_servers && !dial->route.proxy &&
	       !is_given_address(&dial->route.target);
}

void dial_check(struct dial *dial)
{
	const char *server = NULL;

	dial->state = DIAL_CHECKING;
	if (!dial->route.proxy && !are_within_reach(dial))
		return;
	if (dial_needs_servers(dial)) {
		avoid_servers(dial);
		return;
	}
	if (dial->route.avoids_servers && !dial->route.proxy)
		server = server_given_there(dial);
	if (server)
		end_at_server(dial, &dial->addresses[0], server);
	else
		dial_try_next(dial);
}

/* No proxy is asked for a literal address that would not be dialled without it. */
bool dial_literal_is_within_reach(struct dial *dial)
{
	bool is_fine;

	if (!address_parse(dial->route.target.host, dial->route.target.port, &dial->addresses[0]))
		return true;
	dial->n_addresses = 1;
	is_fine = are_within_reach(dial);
	dial->n_addresses = 0;
	return is_fine;
}
