/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy/limits.h - a limit as the policy states it
 *
 * The policy only names limits; counting them is the keeper's work (state/limits.h).
 */
#ifndef MCPJAIL_POLICY_LIMITS_H
#define MCPJAIL_POLICY_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/messages.h"

#define POLICY_WINDOW_SECONDS_MAX 31622400 /* 366 days */
#define POLICY_VALUES_MAX         10000    /* different values that one limit tells apart */
#define POLICY_COUNT_MAX                                                                           \
	(UINT64_C(1) << 53) /* of max and increment: exact in every JSON reader                    \
			     */

struct policy_value_path; /* to an argument; private to the policy */

/**
 * struct policy_limit - At most @max of @counter in any span of @window_ms
 *
 * Or in windows of the calendar, or out of a bucket of @max (state/limits.h).
 *
 * What is counted is (scope, the scope's value, server, counter). In one call a counter is
 * charged once, with @amount, and checked against each limit that names it: loading refuses
 * a policy where two limits of one call disagree on the amount.
 */
struct policy_limit {
	const char
		*counter; /* at most POLICY_COUNTER_MAX bytes; "rate_limit:TOOL" for a rate_limit,
			   * "rate_limit:*" for the one of all_tools, which all tools share */
	enum limit_scope scope;
	enum limit_algorithm algorithm;
	uint64_t window_ms; /* or IPC_WINDOW_LIFETIME */
	uint64_t keep_ms;   /* the longest window of all limits on the counter that end */
	bool keep_for_ever; /* one of them has no end */
	uint64_t max;
	uint64_t amount;                           /* what one call charges; may be 0 */
	const struct policy_value_path *increment; /* the argument that is charged; NULL: @amount */
	const struct policy_value_path *distinct;  /* the argument whose different values are
						    * counted,  each once; NULL: calls are */
	const char *rule;        /* JSON pointer: "/tools/start_session/limits/0" */
	const char *window_text; /* for a sentence: "minute", "90 seconds" */
};

/**
 * policy_limit_denial() - The sentence that a model reads when a limit is used up
 * @retry_after_ms: Until the same call could pass; rounded up to whole seconds, at least one.
 *                  UINT64_MAX: it never could
 * @ret:            Holds @size bytes; 1024 hold every sentence
 *
 * Names the counter, what it allows, the rule and the seconds to wait. Where the limit could
 * never let the call through, also because @max is below @amount, says so instead of a time.
 */
void policy_limit_denial(const struct policy_limit *limit, uint64_t retry_after_ms, char *ret,
			 size_t size);

/** policy_once_denial() - The same for a call whose key was forwarded within the window before */
void policy_once_denial(const char *rule, const char *window_text, uint64_t retry_after_ms,
			char *ret, size_t size);

#endif
