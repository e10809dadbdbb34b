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
	const char *what = limit->distinct ? " different values" : "";
	char charge[64] = "";

	if (amount != 1)
		snprintf(charge, sizeof(charge), ", and this call counts %llu", amount);
	if (amount > max || retry_after_ms == UINT64_MAX)
		snprintf(ret, size,
			 "mcpjail denied this call: the limit `%s` allows at most %llu%s per %s "
			 "%s%s "
			 "(rule %s), so no such call can pass. Nothing was sent. Retrying will not "
			 "help; if it is needed, ask the person you work for.",
			 limit->counter, max, what, limit->window_text, scope_text(limit->scope),
			 charge, limit->rule);
	else
		snprintf(ret, size,
			 "mcpjail denied this call: the limit `%s` is used up, at most %llu%s per "
			 "%s %s%s (rule %s). Nothing was sent. Retry in %llu s, not before.",
			 limit->counter, max, what, limit->window_text, scope_text(limit->scope),
			 charge, limit->rule, seconds ? seconds : 1);
}

void policy_once_denial(const char *rule, const char *window_text, uint64_t retry_after_ms,
			char *ret, size_t size)
{
	int n = snprintf(ret, size,
			 "mcpjail denied this call: one with the same key was forwarded already, "
			 "and it passes once per %s (rule %s). Nothing was sent. ",
			 window_text, rule);

	if (n < 0 || (size_t)n >= size)
		return;
	if (retry_after_ms == UINT64_MAX)
		snprintf(ret + n, size - (size_t)n,
			 "Do not retry: look at what became of the first.");
	else
		snprintf(ret + n, size - (size_t)n,
			 "Do not retry before %llu s have passed: look at what became of the "
			 "first.",
			 (unsigned long long)(retry_after_ms / 1000 + 1));
}

void policy_denial(const struct policy_decision *decision, const char *tool, char *ret, size_t size)
{
	char name[POLICY_TOOL_MAX + 1];

	text_escape_terminal(tool, strlen(tool), name, sizeof(name));
	snprintf(ret, size, "mcpjail denied the tool `%s`: %s Nothing was sent. (rule %s)", name,
		 decision->reason, decision->rule);
}
