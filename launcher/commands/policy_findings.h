/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy_findings.h - what `mcpjail policy diff` finds: sentences, each with its effect
 *
 * Compared is what the texts say, key by key, and not what was loaded from them: what no
 * part here knows is still found, and told as a change.
 */
#ifndef MCPJAIL_COMMANDS_POLICY_FINDINGS_H
#define MCPJAIL_COMMANDS_POLICY_FINDINGS_H

#include <stdbool.h>

#include <jansson.h>

enum effect {
	EFFECT_ALLOWED = 0, /* what was denied passes now, or is asked about */
	EFFECT_DENIED,      /* what passed is denied now, or asked about */
	EFFECT_WIDER,       /* more of what is allowed passes */
	EFFECT_NARROWER,    /* less of it does */
	EFFECT_OTHER,
	EFFECTS,
};

struct findings {
	json_t *list;        /* {effect, tool, rule, text}; owned */
	bool is_incomplete;  /* out of memory */
	const char *context; /* what sentences begin with; "" */
};

/**
 * finding_add() - Note one
 * @tool: NULL: it is about no tool
 * @rule: JSON pointer, in the new policy if it is there
 */
void finding_add(struct findings *f, enum effect effect, const char *tool, const char *rule,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* A policy's part that has tools: the policy itself, or an entry of `servers`. */
struct tool_scope {
	const json_t *root;  /* of the whole policy: for `default` */
	const json_t *scope; /* NULL: it is not there */
	const char *pointer; /* of the part; "" for the policy itself */
};

/** diff_tools() - What becomes of each tool, and of those that are not listed */
void diff_tools(struct findings *f, const struct tool_scope *old, const struct tool_scope *new);

/** diff_other_keys() - All that is not about tools */
void diff_other_keys(struct findings *f, const json_t *old, const json_t *new);

/** diff_rule_map() - Rules by name that are no tools': resources, prompts; @what: "the resource" */
void diff_rule_map(struct findings *f, const char *what, const char *pointer, const json_t *old,
		   const json_t *new);

/** json_text() - A value on one line, to be freed; "?" if memory is short */
char *json_text(const json_t *value);

#endif
