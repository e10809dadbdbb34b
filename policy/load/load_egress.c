// SPDX-License-Identifier: Apache-2.0
#include "policy/load/load_egress.h"

#include <string.h>

#include "base/cleanup.h"
#include "policy/load/load_predicates.h"
#include "policy/load/load_presets.h"
#include "policy/load/load_requests.h"

static const struct load_word modes[] = {
	{"inspect", EGRESS_INSPECT},
	{"tunnel", EGRESS_TUNNEL},
};

/* --- where to --------------------------------------------------------------- */

static void load_host(struct load *l, const json_t *value, void *into)
{
	struct policy_egress *entry = into;
	const char *text, *host;

	if (!load_string(l, value, &text))
		return;
	host = load_host_text(l, text);
	if (!host)
		return;
	/* Who lists a suffix thinks of no port of their own machine. */
	if (host[0] == '*' && egress_host_covers(host + 1, true, POLICY_FORWARD_HOST)) {
		load_error(l, "leave it out, or write " POLICY_FORWARD_HOST,
			   "%s takes in " POLICY_FORWARD_HOST
			   ", which is reached by its own name only",
			   host);
		return;
	}
	entry->is_wildcard = host[0] == '*';
	entry->host = host + entry->is_wildcard;
}

static void load_port(struct load *l, const json_t *value, struct policy_egress *entry)
{
	uint64_t port;

	if (!load_count(l, value, 1, &port))
		return;
	if (port > UINT16_MAX)
		load_error(l, NULL, "a port is a number from 1 to 65535");
	else if (!egress_has_port(entry, (uint16_t)port))
		entry->ports[entry->n_ports++] = (uint16_t)port;
}

static void load_ports(struct load *l, const json_t *value, void *into)
{
	struct policy_egress *entry = into;
	size_t n = json_array_size(value);

	if (!load_is_array(l, value, "[443]"))
		return;
	if (n < 1 || n > POLICY_PORTS_MAX) {
		load_error(l, "[443]", "%zu ports; 1 to %d", n, POLICY_PORTS_MAX);
		return;
	}
	entry->n_ports = 0;
	for (size_t i = 0; i < n; i++) {
		size_t mark = load_enter_index(l, i);

		load_port(l, json_array_get(value, i), entry);
		load_leave(l, mark);
	}
}

static void load_mode(struct load *l, const json_t *value, void *into)
{
	struct policy_egress *entry = into;
	int mode;

	if (load_word(l, value, LOAD_WORDS(modes), &mode))
		entry->mode = (enum egress_mode)mode;
}

static void load_private(struct load *l, const json_t *value, void *into)
{
	struct policy_egress *entry = into;

	load_boolean(l, value, &entry->may_be_private);
}

static void load_websocket(struct load *l, const json_t *value, void *into)
{
	struct policy_egress *entry = into;

	load_boolean(l, value, &entry->allows_websocket);
}

static void load_deny_body(struct load *l, const json_t *value, void *into)
{
	struct policy_egress *entry = into;
	struct predicate_list list = {.n = 0};

	load_predicates(l, value, PATH_BODY, POLICY_DENY_BODY_MAX, &list);
	entry->deny_body = list.items;
	entry->n_deny_body = list.n;
}

/* --- entries ---------------------------------------------------------------- */

/* An entry that is a preset's. Return: false if it is none. */
static bool load_preset_entry(struct load *l, const json_t *value, size_t index)
{
	const json_t *preset = json_object_get(value, "preset");
	size_t mark = load_enter(l, "preset");

	if (preset && json_object_size(value) > 1)
		load_error_key(l, "give it an entry of its own", "`preset` stands alone");
	else if (preset)
		load_preset_use(l, preset, index);
	load_leave(l, mark);
	return preset;
}

static const struct load_key entry_keys[] = {
	{"host", load_host, true},
	{"ports", load_ports, false},
	{"mode", load_mode, false},
	{"methods", load_methods, false},
	{"paths", load_paths, false},
	{"headers", load_headers, false},
	{"deny_body", load_deny_body, false},
	{"websocket", load_websocket, false},
	{"private_addresses", load_private, false},
	{"preset", NULL, false}, /* for suggestions: load_preset_entry() has it */
};

static const struct load_keys entry_table = {
	.owner = "an entry of `egress`",
	.write = "{\"host\":\"api.example.com\"} or {\"preset\":\"github\"}",
	.keys = entry_keys,
	.n = ARRAY_SIZE(entry_keys),
};

/* Of what goes through a tunnel nothing but the name is seen. */
static void check_tunnel(struct load *l, const json_t *value)
{
	static const char *const unseen[] = {"methods", "paths", "headers", "deny_body",
					     "websocket"};

	for (size_t i = 0; i < ARRAY_SIZE(unseen); i++) {
		size_t mark = load_enter(l, unseen[i]);

		if (json_object_get(value, unseen[i]))
			load_error_key(l, "\"mode\":\"inspect\", or leave it out",
				       "requests in a tunnel are not seen");
		load_leave(l, mark);
	}
}

static void check_entry(struct load *l, const json_t *value, const struct policy_egress *entry)
{
	size_t mark;

	if (entry->mode == EGRESS_TUNNEL) {
		check_tunnel(l, value);
	} else if (entry->host && !strcmp(entry->host, POLICY_FORWARD_HOST)) {
		load_error(l, "add \"mode\":\"tunnel\"",
			   POLICY_FORWARD_HOST " is reached by tunnel only");
	}
	if (entry->allows_websocket && entry->n_deny_body) {
		mark = load_enter(l, "websocket");
		load_error_key(l, "give it an entry of its own, with its `paths`",
			       "`deny_body` cannot judge what a WebSocket carries");
		load_leave(l, mark);
	}
}

static void load_entry(struct load *l, const json_t *value, size_t index)
{
	const struct preset_use *use = l->preset;
	struct policy_egress *entry;

	if (load_preset_entry(l, value, index))
		return;
	if (l->policy->n_egress == POLICY_EGRESS_MAX) {
		load_error(l, NULL, "more than %d entries, those of presets included",
			   POLICY_EGRESS_MAX);
		return;
	}
	entry = &l->policy->egress[l->policy->n_egress++];
	*entry = (struct policy_egress){
		.rule = use ? use->rule : load_keep(l, l->pointer),
		.preset = use ? use->name : NULL,
		.index = use ? use->index : index,
		.ports = {443},
		.n_ports = 1,
	};
	load_object(l, value, &entry_table, entry);
	check_entry(l, value, entry);
}

void load_egress(struct load *l, const json_t *value, void *into)
{
	struct policy *policy = into;

	if (!load_is_array(l, value, "[{\"host\":\"api.example.com\"}]"))
		return;
	if (!policy->egress)
		policy->egress =
			load_reserve(l, NULL, 0, POLICY_EGRESS_MAX, sizeof(*policy->egress));
	for (size_t i = 0; policy->egress && i < json_array_size(value); i++) {
		size_t mark = load_enter_index(l, i);

		load_entry(l, json_array_get(value, i), i);
		load_leave(l, mark);
	}
}

/* --- between entries -------------------------------------------------------- */

static bool ports_overlap(const struct policy_egress *a, const struct policy_egress *b,
			  uint16_t *ret_port)
{
	for (size_t i = 0; i < a->n_ports; i++) {
		if (!egress_has_port(b, a->ports[i]))
			continue;
		*ret_port = a->ports[i];
		return true;
	}
	return false;
}

/* Two suffixes have names in common if one ends with the other. */
static bool hosts_overlap(const struct policy_egress *a, const struct policy_egress *b)
{
	if (!b->is_wildcard)
		return egress_host_covers(a->host, a->is_wildcard, b->host);
	return egress_host_covers(b->host, true, a->host) ||
	       (a->is_wildcard &&
		(!strcmp(a->host, b->host) || egress_host_covers(a->host, true, b->host)));
}

static const char *const mode_words[] = {
	[EGRESS_INSPECT] = "is inspected",
	[EGRESS_TUNNEL] = "goes through a tunnel",
};

static void check_modes(struct load *l, const struct policy_egress *entry,
			const struct policy_egress *others, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct policy_egress *other = &others[i];
		uint16_t port = 0;

		if (!other->host || entry->mode == other->mode || !hosts_overlap(entry, other) ||
		    !ports_overlap(entry, other, &port))
			continue;
		load_error(l, "give both the same `mode`", "%s%s:%u %s here, and %s by %s",
			   entry->is_wildcard ? "*" : "", entry->host, port,
			   mode_words[entry->mode], mode_words[other->mode], other->rule);
		return;
	}
}

/*
 * The server's calls are judged by `tools`. A tunnel to its host is refused at any port: what
 * answers there may well be the same server.
 */
static void check_server(struct load *l, const struct policy_egress *entry,
			 const struct policy_server *server)
{
	if (!egress_host_covers(entry->host, entry->is_wildcard, server->host) ||
	    (entry->mode == EGRESS_INSPECT && !egress_has_port(entry, server->port)))
		return;
	load_error(l, "leave it out: a server needs no entry in `egress`",
		   "%s%s takes in %s, the host of the MCP server, whose calls `tools` judges",
		   entry->is_wildcard ? "*" : "", entry->host, server->host);
}

void load_check_egress(struct load *l)
{
	const struct policy *policy = l->policy;
	size_t mark = load_enter(l, "egress");

	for (size_t i = 0; i < policy->n_egress; i++) {
		const struct policy_egress *entry = &policy->egress[i];
		size_t within = load_enter_index(l, entry->index);

		if (!entry->preset)
			load_enter(l, "host");
		for (size_t k = 0; k < policy->n_servers; k++)
			if (entry->host && policy->servers[k].server.host)
				check_server(l, entry, &policy->servers[k].server);
		if (entry->host)
			check_modes(l, entry, policy->egress, i);
		load_leave(l, within);
	}
	load_leave(l, mark);
}
