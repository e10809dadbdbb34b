// SPDX-License-Identifier: Apache-2.0
/*
 * What a model reads when a call was denied: what, by which rule, why, what to do instead.
 * Written for a reader that may only see this one text.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "policy/policy.h"

static const char *scope_text(enum limit_scope scope)
{
	switch (scope) {
	case SCOPE_GRANT:
		return "for this grant";
	case SCOPE_SESSION:
		return "in this session";
	case SCOPE_RUN:
		return "in this run";
	case SCOPE_SERVER:
		return "for this server";
	case SCOPE_GLOBAL:
		return "in all";
	}
	return "";
}

void policy_limit_denial(const struct policy_limit *limit, uint64_t retry_after_ms, char *ret,
			 size_t size)
{
	unsigned long long max = limit->max, amount = limit->amount;
	unsigned long long seconds = retry_after_ms / 1000 + (retry_after_ms % 1000 ? 1 : 0);
	char charge[64] = "";

	if (amount != 1)
		snprintf(charge, sizeof(charge), ", and this call counts %llu", amount);
	if (amount > max || retry_after_ms == UINT64_MAX)
		snprintf(ret, size,
			 "mcpjail denied this call: the limit `%s` allows at most %llu per %s %s%s "
			 "(rule %s), so no such call can pass. Nothing was sent. Retrying will not "
			 "help; if it is needed, ask the person you work for.",
			 limit->counter, max, limit->window_text, scope_text(limit->scope), charge,
			 limit->rule);
	else
		snprintf(ret, size,
			 "mcpjail denied this call: the limit `%s` is used up, at most %llu per %s "
			 "%s%s (rule %s). Nothing was sent. Retry in %llu s, not before.",
			 limit->counter, max, limit->window_text, scope_text(limit->scope), charge,
			 limit->rule, seconds ? seconds : 1);
}

void policy_denial(const struct policy_decision *decision, const char *tool, char *ret, size_t size)
{
	char name[POLICY_TOOL_MAX + 1];

	text_escape_terminal(tool, strlen(tool), name, sizeof(name));
	snprintf(ret, size, "mcpjail denied the tool `%s`: %s Nothing was sent. (rule %s)", name,
		 decision->reason, decision->rule);
}
