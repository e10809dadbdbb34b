/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy_call.h - one call that a person asks about, judged as the proxy would judge it
 *
 * {"tool", "arguments", "server", "grant", "session", "earlier": [{"tool", "result"}]}; all but
 * the tool may be left out. Limits are judged as if nothing had been charged.
 */
#ifndef MCPJAIL_COMMANDS_POLICY_CALL_H
#define MCPJAIL_COMMANDS_POLICY_CALL_H

#include <jansson.h>

#include "base/error.h"
#include "mcp/message.h"
#include "policy/explain.h"

struct asked_call {
	struct mcp_message message; /* as the proxy would read it; zeroed if it refuses to */
	struct mcp_refusal refusal; /* why, if it does: .http_status is set */
	struct policy_earlier *earlier;
	size_t n_earlier;
	const char *tool;   /* as it was written; borrowed, as what follows and the results */
	const char *server; /* as it was named; NULL: not at all */
	const char *grant;
};

void asked_call_free(struct asked_call *call);

#define autocall __attribute__((cleanup(asked_call_free)))

/**
 * asked_call_read() - Take a call from the object that describes it, which must outlive it
 *
 * Return: 0; -EINVAL with @err filled if it is no such object; -ENOMEM
 */
int asked_call_read(const json_t *object, struct asked_call *ret, struct error *err);

struct judged_call {
	struct policy_decision decision;
	struct policy_trace trace; /* nothing is reached of a call that is refused */
	const char *refusal;       /* NULL: none. Borrowed from the call */
	enum verdict verdict;
};

/** asked_call_judge() - Return: 0; -EINVAL with @err filled if the call does not say which server
 */
int asked_call_judge(const struct asked_call *call, const struct policy *policy,
		     struct judged_call *ret, struct error *err);

const char *judged_rule(const struct judged_call *judged);
const char *judged_reason(const struct judged_call *judged);

/** verdict_word() - "allow", "deny", "ask" */
const char *verdict_word(enum verdict verdict);

/** judged_call_report() - {verdict, rule, reason, stages}, to be released; NULL: no memory */
json_t *judged_call_report(const struct judged_call *judged);

#endif
