/* SPDX-License-Identifier: Apache-2.0 */
/**
 * egress_match.h - whether an entry of `egress` is about a request
 */
#ifndef MCPJAIL_POLICY_EGRESS_MATCH_H
#define MCPJAIL_POLICY_EGRESS_MATCH_H

#include "policy/judge/egress_entry.h"

/* Where an entry and a request part; what comes later is nearer to a match. */
enum egress_match {
	EGRESS_OTHER_HOST = 0, /* or port */
	EGRESS_OTHER_METHOD,
	EGRESS_OTHER_PATH,
	EGRESS_OTHER_HEADER, /* the field is told */
	EGRESS_NO_WEBSOCKET,
	EGRESS_MATCHES,
};

bool egress_is_for(const struct policy_egress *entry, const char *host, uint16_t port);

/**
 * egress_match() - Whether an entry allows a request, for all that its head says
 * @ret_header: For EGRESS_OTHER_HEADER; may be NULL
 *
 * A path in which `/` is escaped is allowed only if it is in both readings, as it stands and
 * with the escape taken for a `/`: some servers decode before they look, some do not.
 */
enum egress_match egress_match(const struct policy_egress *entry,
			       const struct policy_egress_request *request,
			       const struct egress_header **ret_header);

/**
 * egress_restricts() - Whether an entry's `deny_body` applies to a request
 *
 * Wider than egress_match(): servers exist that take "post" for POST, and "/V1/messages",
 * "/v1/messages/" or "/v1%2Fmessages" for /v1/messages, and as many spellings of a field's value.
 * So what could be evaded by one applies to it, should another entry allow it; headers are not
 * looked at, nor the method of what asks for a WebSocket, which is GET whatever it then sends.
 */
bool egress_restricts(const struct policy_egress *entry,
		      const struct policy_egress_request *request);

#endif
