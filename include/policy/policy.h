/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy/policy.h - the policy: loaded once, then asked about every call
 *
 * A policy is one JSON text. Loading reports every problem it finds, with its place; a text
 * with any problem yields no policy. What this version does not carry out is refused, never
 * ignored. A loaded policy never changes; nothing here does I/O.
 */
#ifndef MCPJAIL_POLICY_POLICY_H
#define MCPJAIL_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "policy/limits.h"

#define POLICY_BYTES_MAX   (4u << 20) /* of a policy's text */
#define POLICY_DEPTH_MAX   32         /* nesting of its JSON */
#define POLICY_ERRORS_MAX  64         /* kept of one load; the rest is counted */
#define POLICY_LIMITS_MAX  16         /* of one call: the tool's and all_tools' together */
#define POLICY_COUNTER_MAX 128        /* bytes of a counter's name */
#define POLICY_TOOL_MAX    64         /* bytes of a tool's name */
#define POLICY_REASON_MAX  512        /* bytes of a reason the policy gives */
#define POLICY_BINDS_MAX   32 /* values of one call that earlier results must have returned */
#define POLICY_ONCE_MAX    8  /* values that make the key of one `once` */

_Static_assert(POLICY_LIMITS_MAX + 1 <= IPC_CHARGES_MAX, "a call's limits fit into one message");

enum verdict { VERDICT_DENY = 0, VERDICT_ALLOW, VERDICT_ASK };

struct policy;

/* --- errors of a load ------------------------------------------------------- */

struct policy_errors {
	struct policy_error *items; /* private */
	size_t n;
	size_t omitted; /* found beyond POLICY_ERRORS_MAX */
};

/** policy_errors_free() - Release the list's contents; it is empty and usable afterwards */
void policy_errors_free(struct policy_errors *errors);

#define autopolicyerrors __attribute__((cleanup(policy_errors_free)))

size_t policy_errors_count(const struct policy_errors *errors);

/**
 * policy_errors_at() - The @i-th error, in the order of the text
 *
 * Its @where reads "policy.json:3:14 /tools/x": line and column count from 1, the column in
 * characters; then the JSON pointer (RFC 6901), absent for the whole document.
 *
 * Return: borrowed; NULL past the end
 */
const struct error *policy_errors_at(const struct policy_errors *errors, size_t i);

/** struct policy_place - Where in the text an error is */
struct policy_place {
	size_t line, column; /* from 1 */
	const char *pointer; /* borrowed from the list; "" for the whole document */
};

/** policy_errors_place() - Place of the @i-th error; @i must be below the count */
struct policy_place policy_errors_place(const struct policy_errors *errors, size_t i);

/* --- loading ---------------------------------------------------------------- */

/**
 * policy_parse() - Load a policy from its text
 * @text:   @n bytes, not retained
 * @name:   What errors call the text: the file's path
 * @errors: Filled on -EINVAL; zero-initialised by the caller, freed by policy_errors_free().
 *          May be NULL
 *
 * Return: 0; -EINVAL with at least one error; -ENOMEM
 */
int policy_parse(const char *text, size_t n, const char *name, struct policy **ret,
		 struct policy_errors *errors);

/** policy_free() - NULL is fine */
void policy_free(struct policy *policy);

static inline void policy_cleanup(struct policy **policy)
{
	policy_free(*policy);
}

#define autopolicy __attribute__((cleanup(policy_cleanup)))

#define POLICY_BUILTIN_NAME "the built-in PromptFax policy" /* what messages call it */

/** policy_builtin() - Text of the built-in policy, which always loads; static, no NUL behind it */
const char *policy_builtin(size_t *ret_n);

/* --- what it says ----------------------------------------------------------- */

/**
 * struct policy_server - An MCP server that the policy governs
 *
 * Reached by https only. @url is normalised (scheme and host in lower case, default port
 * left out), so it can name the server in counters and records.
 */
struct policy_server {
	const char *name; /* in `servers`; NULL for the one of `server` */
	const char *url;
	const char *host; /* lower-case DNS name, IPv4 or IPv6 literal without brackets */
	uint16_t port;
	const char *path; /* exact, "/" at least; free of "%", "..", "//" */
};

size_t policy_server_count(const struct policy *policy);

/** policy_server_at() - Borrowed from the policy; @i must be below the count */
const struct policy_server *policy_server_at(const struct policy *policy, size_t i);

/**
 * policy_server_find() - The server at a host and port
 * @host: Lower case, compared exactly
 *
 * Return: borrowed; NULL if the policy governs none there
 */
const struct policy_server *policy_server_find(const struct policy *policy, const char *host,
					       uint16_t port);

/**
 * policy_server_beside() - The server at the same host and port that has a path
 * @path: Normalised, compared exactly
 *
 * Return: borrowed; @server itself if there is none
 */
const struct policy_server *policy_server_beside(const struct policy *policy,
						 const struct policy_server *server,
						 const char *path);

/** policy_sha256() - 32 bytes: of the text that was loaded */
const uint8_t *policy_sha256(const struct policy *policy);

/** policy_tool_count() - Tools that the policy lists by name */
size_t policy_tool_count(const struct policy *policy);

/** policy_grant_is_known() - Whether a run may have this grant: any, where the policy has no
 * `grants` */
bool policy_grant_is_known(const struct policy *policy, const char *grant);

/** policy_grant_has() - Whether a grant is for that server and tool, expired or not */
bool policy_grant_has(const struct policy *policy, const char *grant,
		      const struct policy_server *server, const char *tool);

/* --- asking it -------------------------------------------------------------- */

struct policy_call {
	const struct policy_server *server;
	const char *tool;        /* byte-exact, decoded */
	const json_t *arguments; /* an object; NULL if the call had none */
	const char *grant;       /* the run's; NULL: none is known */
	int64_t now_s;           /* since 1970, for grants that expire */
};

/* A value that an earlier result of a tool must have returned in this run. */
struct policy_bound {
	const json_t *value; /* a string of the call's arguments */
	const char *from;    /* the tool */
	const char *path;    /* as it is written: "args.sendIntentId" */
	const char *rule;    /* JSON pointer: "/tools/send_fax/bind/0" */
};

/* The same key is forwarded once in any span of the window. */
struct policy_once {
	const char *rule; /* JSON pointer; NULL: the call has no such rule */
	uint64_t window_ms;
	const char *window_text;            /* for a sentence: "day" */
	const json_t *key[POLICY_ONCE_MAX]; /* of the call's arguments */
	size_t n;
};

/* What a person is asked before the call leaves. */
struct policy_approval {
	bool is_required;
	const char *reason; /* the policy's; NULL: none */
	uint64_t timeout_ms;
	bool shows_arguments;
	const char *const
		*shows_bound; /* tools whose results that yielded a bound value are shown */
	size_t n_shows_bound;
	bool is_batch; /* one answer may be given for several calls that wait */
};

/*
 * What a call must still pass, if it is allowed or a person may allow it (`approval.is_required`;
 * until that can be carried out, the verdict is to deny it), is listed in `limits`, `bound` and
 * `once`. All of it is borrowed, from the policy and from the call's arguments.
 */
struct policy_decision {
	enum verdict verdict;
	char rule[512];    /* JSON pointer of the rule that decided */
	char reason[1024]; /* why not, in sentences for a person or a model; "" if allowed */
	const struct policy_limit *limits[POLICY_LIMITS_MAX]; /* to be charged */
	uint64_t amounts[POLICY_LIMITS_MAX];                  /* of each: what this call charges */
	const json_t *distinct[POLICY_LIMITS_MAX]; /* of each: the value it counts; NULL: calls */
	size_t n_limits;
	struct policy_bound bound[POLICY_BINDS_MAX];
	size_t n_bound;
	struct policy_once once;
	struct policy_approval approval;
	bool is_observed; /* policy_observe(): it leaves, whatever its limits say */
	bool durable;     /* the record must be on disk before the call leaves */
};

/**
 * policy_decide() - Judge a tools/call, up to its limits
 *
 * The stages are those of policy/explain.h; the first that denies names the rule. In each the
 * tool's own rule is asked first, then all_tools'. A call that passes them is allowed if its
 * limits are; they are listed the tool's own first, then its rate_limit, then all_tools'. What
 * is not understood is denied. Cannot fail.
 *
 * No two keys of an object in the arguments may fold to one (mcp_json_keys_are_distinct()), and
 * their numbers must have survived (mcp_json_parse()).
 *
 * A call is durable if the tool's rule or all_tools' says `durable`, or, where neither does,
 * if its class is `paid` or `destructive`.
 */
void policy_decide(const struct policy *policy, const struct policy_call *call,
		   struct policy_decision *ret);

/** policy_observes() - Whether the policy's `mode` is observe */
bool policy_observes(const struct policy *policy);

/**
 * policy_observe() - What mode observe makes of a decision; in mode enforce, nothing
 * @call:     That was judged
 * @decision: policy_decide()'s
 *
 * A call of a tool whose own rule has the class read or write is allowed, unless the policy hides
 * the tool; what the policy says of it is in the reason. Every other call is denied.
 */
void policy_observe(const struct policy *policy, const struct policy_call *call,
		    struct policy_decision *decision);

/**
 * policy_values_digest() - 32 bytes that tell values apart, as `once` and `distinct` do
 * @ret: SHA-256; of guessable values anyone can make it, so what is kept is to be keyed anew
 *
 * Of @n values in their order; equal for values that are equal to the policy: 1 and 1.0, objects
 * whatever the order of their members.
 *
 * Return: 0; -ENOMEM
 */
int policy_values_digest(const json_t *const *values, size_t n, uint8_t ret[32]);

/**
 * policy_denial() - The text that a model reads for a decision that denies
 * @ret: Holds @size bytes; 1800 hold every text
 *
 * "mcpjail denied TOOL: REASON (rule POINTER)", with the tool's name escaped.
 */
void policy_denial(const struct policy_decision *decision, const char *tool, char *ret,
		   size_t size);

/**
 * policy_tool_is_visible() - Whether tools/list may show a tool
 *
 * Tools that need a person's approval are shown; tools that no call can reach are not.
 */
bool policy_tool_is_visible(const struct policy *policy, const struct policy_server *server,
			    const char *tool);

/**
 * policy_redact_arguments() - A call's arguments as the ledger may keep them
 * @ret_redacted: Owned by the caller; {} if the call has no arguments
 *
 * A copy in which every value that a `redact` path of the tool or of all_tools names is
 * "[redacted]". Where the path steps into a value of the wrong kind, that value is redacted
 * whole: a secret does not show because it came in another form than expected.
 *
 * Return: 0; -ENOMEM
 */
int policy_redact_arguments(const struct policy *policy, const struct policy_call *call,
			    json_t **ret_redacted);

#endif
