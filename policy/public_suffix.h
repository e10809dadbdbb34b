/* SPDX-License-Identifier: Apache-2.0 */
/**
 * public_suffix.h - names under which anyone can have a name: com, co.uk, github.io
 */
#ifndef MCPJAIL_POLICY_PUBLIC_SUFFIX_H
#define MCPJAIL_POLICY_PUBLIC_SUFFIX_H

#include <stdbool.h>

/**
 * public_suffix_is() - Whether a name is a public suffix, of registries or of hosters
 * @name: In lower case, international labels in their xn-- form
 *
 * Names of one label are, listed or not. So is what a rule `*.NAME` of the list is about.
 */
bool public_suffix_is(const char *name);

#endif
