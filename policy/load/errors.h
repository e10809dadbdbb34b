/* SPDX-License-Identifier: Apache-2.0 */
/**
 * errors.h - the list of a load's errors, as the loader fills it
 */
#ifndef MCPJAIL_POLICY_ERRORS_H
#define MCPJAIL_POLICY_ERRORS_H

#include "base/span.h"
#include "policy/policy.h"

struct policy_error {
	struct error error;
	size_t line, column;
	char *pointer;
};

/**
 * policy_errors_add() - Put an error into its place in the order of the text
 * @name: What the text is called; cut at its front where the whole place would not fit
 *
 * Beyond POLICY_ERRORS_MAX only counted.
 *
 * Return: 0; -ENOMEM
 */
int policy_errors_add(struct policy_errors *errors, const char *name,
		      const struct policy_place *place, const char *what, const char *mend);

#endif
