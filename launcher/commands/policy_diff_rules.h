/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy_diff_rules.h - two rules for the same thing, compared
 */
#ifndef MCPJAIL_COMMANDS_POLICY_DIFF_RULES_H
#define MCPJAIL_COMMANDS_POLICY_DIFF_RULES_H

#include "policy_findings.h"

struct rule_place {
	const char *what; /* "tool" */
	const char *name; /* of the tool; NULL: none */
	const char *pointer;
};

/** diff_rule() - What the new rule lets through more or less; NULL is a rule that says nothing */
void diff_rule(struct findings *f, const struct rule_place *place, const json_t *old,
	       const json_t *new);

/** diff_conditions() - What bounds the calls that a rule allows, in one line to be freed; may be ""
 */
char *diff_conditions(const json_t *rule);

/** diff_pointer() - "@before/@key/@name", the name escaped (RFC 6901 §3) */
void diff_pointer(const char *before, const char *key, const char *name, char *ret, size_t size);

#endif
