/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy_init.h - `mcpjail policy init`: a policy to begin with, from what a server lists or
 * what a run did
 *
 * What is inferred is a proposal for a person who reads it: nothing here changes a policy that
 * exists.
 */
#ifndef MCPJAIL_COMMANDS_POLICY_INIT_H
#define MCPJAIL_COMMANDS_POLICY_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "commands/options.h"

#define INIT_BECAUSE_BYTES 256

/* --- what a tool does -------------------------------------------------------------- */

/* In the order of what can go wrong, but for the first. */
enum init_class { INIT_UNKNOWN = 0, INIT_READ, INIT_WRITE, INIT_DESTRUCTIVE, INIT_PAID };

/** init_class_name() - As a policy's `class` has it; NULL for INIT_UNKNOWN */
const char *init_class_name(enum init_class class);

/**
 * init_class_infer() - By a tool's name, its server's annotations, and its description
 * @definition:  An element of a tools/list; NULL: not known
 * @ret_because: Why, in words; INIT_BECAUSE_BYTES
 *
 * What a server says of its tools can only make them more dangerous than their names do: a name
 * that says `delete` is not made harmless by a readOnlyHint.
 */
enum init_class init_class_infer(const char *tool, const json_t *definition, char *ret_because);

/* --- what was seen ------------------------------------------------------------------- */

struct init_tool {
	char *server; /* owned, as is all of it */
	char *name;
	json_t *definition; /* NULL: not listed */
	json_t *ranges;     /* of the arguments of forwarded calls, by path (init_ranges_note()) */
	const char *class;  /* that the run's own policy gave it; NULL: none */
	size_t calls, denied;
	char denied_by[512]; /* rule of the last denial */
	uint64_t *times_ns;  /* of forwarded calls, in order */
	size_t n_times;
};

struct init_seen {
	struct init_tool *tools;
	size_t n_tools;
	json_t *policy; /* of the run; NULL: there was none */
	json_t *egress; /* indices of its `egress` that were used, as keys of an object */
	bool is_run;    /* tools that were not called are left out */
};

void init_seen_free(struct init_seen *seen);

#define autoseen __attribute__((cleanup(init_seen_free)))

/** init_seen_tool() - The tool of that name, made if it is not known. Return: NULL: no memory */
struct init_tool *init_seen_tool(struct init_seen *seen, const char *server, const char *name);

/** init_from_run() - What a run's ledger and its files tell. Return: 0; -errno with @err filled */
int init_from_run(const char *run, struct init_seen *ret, struct error *err);

/** init_from_server() - What a server lists. Return: 0; -errno with @err filled */
int init_from_server(const char *url, const struct run_options *options, struct init_seen *ret,
		     struct error *err);

/* --- arguments ------------------------------------------------------------------------- */

/** init_ranges_note() - Take one call's arguments in. Return: 0; -ENOMEM */
int init_ranges_note(json_t *ranges, const json_t *arguments);

/**
 * init_ranges_require() - Predicates that let what was seen pass
 * @calls:      How many calls were noted
 * @definition: The tool's; NULL: not known
 * @redact:     Gets the paths whose values the ledger did not keep
 *
 * Return: a list, to be released; NULL: no memory
 */
json_t *init_ranges_require(const json_t *ranges, size_t calls, const json_t *definition,
			    json_t *redact);

/* --- the policy -------------------------------------------------------------------------- */

/**
 * init_policy() - The policy that is proposed
 * @ret_inferred: A list of {tool, class, because, action, calls, text}, to be released
 *
 * Return: to be released; NULL: no memory
 */
json_t *init_policy(const struct init_seen *seen, json_t **ret_inferred);

#endif
