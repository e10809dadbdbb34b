/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy/egress.h - hosts that are no MCP servers: which may be reached, and how
 *
 * An entry of `egress` matches by host, port, method, path and headers. A request is
 * allowed if one entry matches it, and denied if a `deny_body` of any that applies to it
 * does: the order of entries means nothing, and an entry added later never lifts what
 * another one forbids. A `deny_body` applies to more than its entry allows: whatever the
 * headers, and also to other spellings of method and path that a server may take for the
 * same (case, a slash at the end, %2F for a slash). A WebSocket is refused where one applies,
 * as what it carries is not judged. For one host and port all entries have one mode; loading
 * refuses others, and refuses hosts that belong to a server of the policy.
 */
#ifndef MCPJAIL_POLICY_EGRESS_H
#define MCPJAIL_POLICY_EGRESS_H

#include <jansson.h>

#include "base/span.h"
#include "policy/policy.h"

#define POLICY_EGRESS_MAX    256 /* entries, those of presets included */
#define POLICY_PORTS_MAX     16  /* of one entry */
#define POLICY_PATTERN_MAX   512 /* bytes of a path's pattern */
#define POLICY_DENY_BODY_MAX 64  /* predicates of one entry */

/* The host's own loopback, as `--forward-host` makes it reachable; always a tunnel, no wildcard. */
#define POLICY_FORWARD_HOST "host.mcpjail.internal"

enum egress_mode {
	EGRESS_INSPECT = 0, /* TLS ends in the proxy, requests are judged one by one */
	EGRESS_TUNNEL,      /* TLS passes through; only the name in the ClientHello is judged */
};

struct policy_egress;

/**
 * policy_egress_find() - How connections to a host and port are treated
 * @host: Lower case, normalised; a name or an address literal
 *
 * Return: an entry for it, borrowed, if any matches by host and port; else NULL
 */
const struct policy_egress *policy_egress_find(const struct policy *policy, const char *host,
					       uint16_t port);

enum egress_mode policy_egress_mode(const struct policy_egress *entry);

/** policy_egress_rule() - JSON pointer of the entry, "/egress/0"; borrowed */
const char *policy_egress_rule(const struct policy_egress *entry);

/** policy_egress_may_be_private() - Whether a private or loopback address will do for the host */
bool policy_egress_may_be_private(const struct policy_egress *entry);

/**
 * struct policy_egress_request - A request's head, for the judge
 * @header: The @i-th value of a field (@name in lower case); false past the last
 */
struct policy_egress_request {
	const char *host; /* as for policy_egress_find() */
	uint16_t port;
	struct span method; /* byte-exact */
	const char *path;   /* without query; as http1_request_path() yields it. One that has %2F
			     * must be allowed as it stands and with a slash in its place */
	bool websocket;     /* asks to become one (RFC 6455 §4.1) */
	bool (*header)(void *arg, const char *name, size_t i, struct span *ret);
	void *arg;
};

struct policy_egress_decision {
	enum verdict verdict; /* VERDICT_ALLOW or VERDICT_DENY */
	bool judges_body; /* allowed so far: ask policy_egress_decide_body() before a byte leaves */
	char rule[512];   /* JSON pointer of the rule that decided */
	char reason[1024]; /* for a denial: what, why, and what may be done instead */
};

/** policy_egress_decide() - Judge a request's head. Cannot fail */
void policy_egress_decide(const struct policy *policy, const struct policy_egress_request *request,
			  struct policy_egress_decision *ret);

/**
 * policy_egress_decide_body() - Judge the body of a request whose head was allowed
 * @body: The request's JSON, any value; NULL if it has no body at all, which is allowed
 *
 * Members are found without regard to the case of ASCII letters, and with U+017F and U+212A
 * for s and k; the values of all that are found are judged. What cannot be judged, because a
 * value is of the wrong kind, is denied. Cannot fail.
 */
void policy_egress_decide_body(const struct policy *policy,
			       const struct policy_egress_request *request, const json_t *body,
			       struct policy_egress_decision *ret);

/* What a refused host is known for, by the presets in force. */
enum host_kind { HOST_UNKNOWN = 0, HOST_TELEMETRY, HOST_LOGIN };

/**
 * policy_host_kind() - Whether a preset of the policy knows a host that it does not allow
 *
 * HOST_TELEMETRY: the program's reports home, left out on purpose. HOST_LOGIN: where a
 * person logs in with a browser, which is to be done outside of the jail.
 */
enum host_kind policy_host_kind(const struct policy *policy, const char *host);

#endif
