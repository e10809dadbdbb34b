/* SPDX-License-Identifier: Apache-2.0 */
/**
 * model.h - a loaded policy, as the loader builds it and the judge reads it
 */
#ifndef MCPJAIL_POLICY_MODEL_H
#define MCPJAIL_POLICY_MODEL_H

#include "policy/judge/egress_entry.h"
#include "paths.h"
#include "policy/policy.h"
#include "policy/surroundings.h"

#define POLICY_TOOLS_MAX 4096 /* rules by name */
#define POLICY_HIDE_MAX  4096 /* hidden names */

enum tool_action { ACTION_DENY = 0, ACTION_ALLOW, ACTION_REQUIRE_APPROVAL };
enum tool_class { CLASS_NONE = 0, CLASS_READ, CLASS_WRITE, CLASS_DESTRUCTIVE, CLASS_PAID };
enum choice { CHOICE_NONE = 0, CHOICE_NO, CHOICE_YES };

/* What one tool's object says, or that of all_tools. Strings belong to the policy. */
struct rule {
	const char *name; /* the tool; NULL for all_tools */
	const char *pointer;
	enum tool_action action;
	enum tool_class class;
	enum choice durable;
	const char *reason; /* NULL: none */
	struct policy_limit *limits;
	size_t n_limits;
	struct policy_limit rate_limit;
	bool has_rate_limit;
	struct path *redact;
	size_t n_redact;
};

struct policy {
	uint8_t sha256[32];
	bool default_allows;
	bool hides_all;
	const char **hide;
	size_t n_hide;
	struct policy_server server;
	struct rule all_tools;
	struct rule *tools; /* sorted by name */
	size_t n_tools;
	struct policy_egress *egress; /* POLICY_EGRESS_MAX, once there is any */
	size_t n_egress;
	struct policy_names telemetry, login; /* hosts or "*.suffix", by the presets */
	struct policy_environment environment;
	struct policy_filesystem filesystem;
	struct policy_names sockets;
	struct policy_jail jail;
	bool says_nested_sandbox; /* that of `jail` is not the default */
	void **kept;              /* every string and array that lives as long as the policy */
	size_t n_kept;
};

/** model_keep() - A copy of a string that lives as long as the policy; NULL if memory is short */
const char *model_keep(struct policy *policy, const char *string);

/** model_keep_array() - A zeroed array that does; NULL if memory is short */
void *model_keep_array(struct policy *policy, size_t n, size_t size);

/** model_tool_name_is_sound() - 1 to POLICY_TOOL_MAX of A-Z a-z 0-9 _ . - */
bool model_tool_name_is_sound(const char *name);

/** model_find_tool() - The rule of a tool, or NULL if the policy lists none */
const struct rule *model_find_tool(const struct policy *policy, const char *tool);

#endif
