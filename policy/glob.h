/* SPDX-License-Identifier: Apache-2.0 */
/**
 * glob.h - patterns of paths: `*` is any run but of `/`, `**` any run at all
 */
#ifndef MCPJAIL_POLICY_GLOB_H
#define MCPJAIL_POLICY_GLOB_H

#include <stdbool.h>

#include "base/span.h"

#define GLOB_MAX 512 /* bytes of a pattern */

enum glob_case { GLOB_CASE_EXACT = 0, GLOB_CASE_FOLDED /* of ASCII letters */ };

/**
 * glob_matches() - Whether a pattern matches the whole of a text
 * @pattern: At most GLOB_MAX bytes; a longer one matches nothing
 *
 * Takes at most pattern × text steps, whatever they are.
 */
bool glob_matches(const char *pattern, struct span text, enum glob_case letters);

#endif
