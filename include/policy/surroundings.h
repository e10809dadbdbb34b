/* SPDX-License-Identifier: Apache-2.0 */
/**
 * policy/surroundings.h - what the policy says about the agent's environment and files
 *
 * Only what was written, those of presets included; what it means on this machine is
 * found out when the jail is made (jail/env.h, jail/files/layout.h).
 */
#ifndef MCPJAIL_POLICY_SURROUNDINGS_H
#define MCPJAIL_POLICY_SURROUNDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

#define POLICY_NAMES_MAX 256 /* of one list */

/* A list of strings that belong to the policy. */
struct policy_names {
	const char *const *items;
	size_t n;
};

struct policy_variable {
	const char *name, *value;
	bool is_of_preset; /* where the policy itself sets the variable, its own word counts */
};

/* Names are [A-Za-z_][A-Za-z0-9_]*; in pass and unset a `*` stands for any run of characters. */
struct policy_environment {
	struct policy_names pass;          /* though they look like credentials */
	struct policy_names unset;         /* wins over pass */
	const struct policy_variable *set; /* whatever the caller's environment says */
	size_t n_set;
};

/*
 * Paths begin with `/`, `~` (the home) or `$PWD`. In the last components `*` and `?` may
 * stand for characters other than `/`. A path that ends in `/` names a directory, which
 * is made if it is to be written and does not exist.
 */
struct policy_filesystem {
	struct policy_names read;  /* shown though the jail would hide them */
	struct policy_names write; /* writable */
	struct policy_names hide;  /* hidden beside what always is */
};

/* What the policy's `jail` says; 0: nothing. */
struct policy_jail {
	bool nested_sandbox, ptrace;
	uint64_t processes, memory, open_files; /* memory in bytes */
	uint64_t cpu_milli;                     /* `cpu`, processors, in thousandths */
	uint64_t run_time_ms;                   /* as --timeout, which wins */
};

/** policy_sockets() - Host unix sockets that may be connected to, as written; never NULL */
const struct policy_names *policy_sockets(const struct policy *policy);

/** policy_jail() - Borrowed from the policy; never NULL */
const struct policy_jail *policy_jail(const struct policy *policy);

/** policy_environment() - Borrowed from the policy; never NULL */
const struct policy_environment *policy_environment(const struct policy *policy);

/** policy_filesystem() - Borrowed from the policy; never NULL */
const struct policy_filesystem *policy_filesystem(const struct policy *policy);

#endif
