/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/egress_judge.h - a request to a host of the policy's `egress`, put to the policy
 *
 * What is judged is what the host could understand: the path in each of its readings
 * (proxy/egress_path.h), the method and each method that a field would put in its place, and
 * of the fields those that are relayed, whether spelt with '-' or '_'. Pure.
 */
#ifndef MCPJAIL_PROXY_EGRESS_JUDGE_H
#define MCPJAIL_PROXY_EGRESS_JUDGE_H

#include <jansson.h>

#include "policy/egress.h"
#include "proxy/http1.h"

/* What a request asks for, beside its fields and body. */
struct egress_ask {
	char host[HTTP1_HOST_MAX + 1];
	uint16_t port;
	bool plain;                    /* by http, not https */
	bool websocket;                /* to become a WebSocket, which is relayed if allowed */
	char path[HTTP1_PATH_MAX + 1]; /* as it is sent; without the query */
};

/* Fields that put another URL in place of the request's. They are not relayed. */
extern const char *const egress_dropped_fields[];

/**
 * egress_ask_read() - What a request asks for
 * @to:    Whom it names, normalised
 * @plain: Whether it came by http
 *
 * Return: 0; -EPROTO with 400 if its path has no one meaning
 */
int egress_ask_read(const struct http1_head *head, const struct http1_authority *to, bool plain,
		    struct egress_ask *ret, struct http1_refusal *ret_refusal);

/** egress_judge() - Judge the head. It is denied if it is in any of its readings */
void egress_judge(const struct policy *policy, const struct http1_head *head,
		  const struct egress_ask *ask, struct policy_egress_decision *ret);

/**
 * egress_object_to_body() - Whether a body of the kind that the head names can be judged
 *
 * Return: why not, static, with what to do; NULL if it can
 */
const char *egress_object_to_body(const struct http1_head *head);

/**
 * egress_judge_body() - Judge the body of a request whose head was allowed
 * @body: Bytes as they will be sent; none for no body
 *
 * What is not strict JSON in UTF-8 cannot be judged, and is denied.
 */
void egress_judge_body(const struct policy *policy, const struct http1_head *head,
		       const struct egress_ask *ask, struct span body,
		       struct policy_egress_decision *ret);

#endif
