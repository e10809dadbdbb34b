/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy/explain.h - a decision, stage by stage
 *
 * For a person who asks why. What policy_decide() leaves to who keeps the state is judged here
 * too: as if nothing had been charged or forwarded before, and with the earlier results that are
 * given.
 */
#ifndef MCPJAIL_POLICY_EXPLAIN_H
#define MCPJAIL_POLICY_EXPLAIN_H

#include "policy/policy.h"

/* In the order of judgement. */
enum policy_stage {
	STAGE_SERVER = 0, /* the policy governs a server there */
	STAGE_GRANT,    /* `grants`: the run's is there, still holds, and has the server and tool */
	STAGE_HIDE,     /* `hide` */
	STAGE_DEFAULT,  /* `default`, for a tool that is not listed, and what no tool's name is */
	STAGE_ACTION,   /* `action`: deny */
	STAGE_DENY_IF,  /* `deny_if` */
	STAGE_REQUIRE,  /* `require` */
	STAGE_ARGS,     /* `args` */
	STAGE_BIND,     /* `bind` */
	STAGE_LIMITS,   /* `limits`, `rate_limit` */
	STAGE_ONCE,     /* `once` */
	STAGE_APPROVAL, /* `approval`, and `action`: require_approval */
};

#define POLICY_STAGES (STAGE_APPROVAL + 1)

enum policy_step_verdict {
	STEP_NOT_REACHED = 0, /* an earlier stage denied */
	STEP_PASSES,
	STEP_DENIES,
	STEP_ASKS, /* a person */
};

struct policy_step {
	enum policy_step_verdict verdict;
	char rule[512];    /* JSON pointer; "" unless it denies or asks */
	char reason[1024]; /* likewise */
};

struct policy_trace {
	enum verdict verdict; /* VERDICT_ASK where only a person's approval is missing */
	struct policy_step steps[POLICY_STAGES]; /* by stage */
};

/** policy_stage_name() - "server", "hide", … as a person knows it; static */
const char *policy_stage_name(enum policy_stage stage);

/* What a tool returned before, for `bind`. */
struct policy_earlier {
	const char *tool;
	const json_t *result; /* of tools/call: content, structuredContent */
};

/* What came before a call. */
struct policy_history {
	const struct policy_earlier *earlier; /* borrowed; may be NULL if there are none */
	size_t n;
};

/**
 * policy_explain() - As policy_decide(), with every stage
 * @history: Results of this run; NULL: none
 * @ret:     The decision; differs from policy_decide()'s only where a bound value, or a limit
 *           that never lets such a call through, denies
 */
void policy_explain(const struct policy *policy, const struct policy_call *call,
		    const struct policy_history *history, struct policy_decision *ret,
		    struct policy_trace *ret_trace);

/**
 * policy_result_yields() - Whether a result returned a string
 * @result: Of tools/call
 *
 * A string anywhere in structuredContent, or in a JSON object or array that a text content holds,
 * whole against whole; in a text content that holds none, a whole word: what stands between
 * blanks, quotation marks, brackets and , ; = | without . : ! ? at its end. Never an empty string.
 */
bool policy_result_yields(const json_t *result, const char *string, size_t n);

#endif
