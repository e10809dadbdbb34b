/* SPDX-License-Identifier: Apache-2.0 */
/**
 * env_rules.h - what is wrong with a variable of the caller's
 */
#ifndef MCPJAIL_JAIL_ENV_RULES_H
#define MCPJAIL_JAIL_ENV_RULES_H

#include <stdbool.h>

#include "base/span.h"

enum env_kind {
	ENV_SECRET = 0, /* looks like a credential */
	ENV_REACHING,   /* leads out of the jail, or brings code into it */
	ENV_PLAIN,
};

/** env_kind_of() - Judge a variable by its name, then by its value */
enum env_kind env_kind_of(struct span name, const char *value);

/** env_takes_commands() - Whether it names a file that a CI runner takes commands from */
bool env_takes_commands(struct span name);

#endif
