/* SPDX-License-Identifier: Apache-2.0 */
/**
 * egress_entry.h - an entry of `egress`, as the loader builds it and the judge reads it
 *
 * All strings and arrays belong to the policy.
 */
#ifndef MCPJAIL_POLICY_EGRESS_ENTRY_H
#define MCPJAIL_POLICY_EGRESS_ENTRY_H

#include "policy/egress.h"
#include "policy/surroundings.h"
#include "policy/judge/predicates.h"

/* What the values of one field of a request's head must be. */
struct egress_header {
	const char *name;           /* in lower case */
	struct policy_names values; /* each value is one of these */
	bool may_be_absent;
};

struct policy_egress {
	const char *rule;   /* pointer of what the policy says: the entry's, or its preset's */
	const char *preset; /* NULL: the policy's own */
	size_t index;       /* in the policy's `egress`, of what @rule names */
	const char *host;   /* in normal form; of a wildcard what follows the `*`: ".example.com" */
	bool is_wildcard;
	uint16_t ports[POLICY_PORTS_MAX];
	size_t n_ports;
	enum egress_mode mode;
	struct policy_names methods; /* none: any */
	struct policy_names paths;   /* patterns; none: any */
	struct egress_header *headers;
	size_t n_headers;
	struct predicate *deny_body;
	size_t n_deny_body;
	bool allows_websocket;
	bool may_be_private;
};

/** egress_host_covers() - Whether a host, or a wildcard's suffix, stands for a name */
bool egress_host_covers(const char *host, bool is_wildcard, const char *name);

bool egress_has_port(const struct policy_egress *entry, uint16_t port);

#endif
