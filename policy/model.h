/* SPDX-License-Identifier: Apache-2.0 */
/**
 * model.h - a loaded policy, as the loader builds it and the judge reads it
 */
#ifndef MCPJAIL_POLICY_MODEL_H
#define MCPJAIL_POLICY_MODEL_H

#include "policy/judge/egress_entry.h"
#include "policy/judge/predicates.h"
#include "paths.h"
#include "policy/policy.h"
#include "policy/schema.h"
#include "policy/surroundings.h"

#define POLICY_TOOLS_MAX   8192 /* rules by name, of one server */
#define POLICY_SERVERS_MAX 64
#define POLICY_HIDE_MAX    4096 /* hidden names */

#define APPROVAL_TIMEOUT_MS 900000 /* unless the policy says */

enum tool_action { ACTION_DENY = 0, ACTION_ALLOW, ACTION_REQUIRE_APPROVAL };
enum tool_class { CLASS_NONE = 0, CLASS_READ, CLASS_WRITE, CLASS_DESTRUCTIVE, CLASS_PAID };
enum choice { CHOICE_NONE = 0, CHOICE_NO, CHOICE_YES };

/* An argument that an earlier result of @from returned; [*] may name several. */
struct rule_bind {
	struct path path;
	const char *names, *from, *rule;
};

struct rule_once {
	const struct policy_value_path *key[POLICY_ONCE_MAX];
	size_t n;
	uint64_t window_ms;
	const char *window_text, *rule; /* NULL: there is none */
};

struct rule_approval {
	bool is_there, is_required, shows_arguments, is_batch;
	uint64_t timeout_ms;
	const char *rule;
	struct policy_names bound;
};

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
	struct predicate_list deny_if, require;
	struct schema_set args;
	struct rule_bind *bind; /* an array of the policy's */
	size_t n_bind;
	struct rule_once once;
	struct rule_approval approval;
};

/* A server, and what is said of its tools. */
struct governed {
	struct policy_server server; /* its url is NULL while none was read */
	const char *pointer;         /* of what holds `tools`: "", or "/servers/NAME" */
	bool hides_all;
	const char **hide;
	size_t n_hide;
	struct rule all_tools;
	struct rule *tools; /* sorted by name */
	size_t n_tools;
};

/* What an identity may of all that the policy allows. */
struct grant {
	const char *name, *pointer;
	bool lists_tools, lists_servers;
	struct policy_names tools, servers;
	int64_t expires_s; /* since 1970; INT64_MAX: never */
};

struct policy {
	uint8_t sha256[32];
	bool default_allows;
	bool observes;            /* mode */
	struct governed single;   /* what the top level says */
	struct governed *servers; /* that one, or those of `servers` */
	size_t n_servers;
	bool has_grants;
	struct grant *grants; /* the policy's array */
	size_t n_grants;
	struct policy_egress *egress; /* POLICY_EGRESS_MAX, once there is any */
	size_t n_egress;
	struct policy_names telemetry, login; /* hosts or "*.suffix", by the presets */
	struct policy_environment environment;
	struct policy_filesystem filesystem;
	struct policy_names sockets;
	struct policy_jail jail;
	bool says_nested_sandbox;         /* that of `jail` is not the default */
	json_t *no_arguments;             /* {}, for calls that have none */
	struct policy_value_path **paths; /* that limits and `once` refer to */
	size_t n_paths;
	struct model_block *blocks; /* every string and array that lives as long as the policy */
};

/** model_keep() - A copy of a string that lives as long as the policy; NULL if memory is short */
const char *model_keep(struct policy *policy, const char *string);

/** model_keep_array() - A zeroed array that does; NULL if memory is short */
void *model_keep_array(struct policy *policy, size_t n, size_t size);

/** model_tool_name_is_sound() - 1 to POLICY_TOOL_MAX of A-Z a-z 0-9 _ . - */
bool model_tool_name_is_sound(const char *name);

/** model_find_server() - What is said of a server; NULL if it is none of the policy's, or NULL */
const struct governed *model_find_server(const struct policy *policy,
					 const struct policy_server *server);

/** model_find_grant() - NULL if the policy has none of that name, or @name is NULL */
const struct grant *model_find_grant(const struct policy *policy, const char *name);

/** model_find_tool() - The rule of a tool, or NULL if the policy lists none */
const struct rule *model_find_tool(const struct governed *governed, const char *tool);

#endif
