// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

/* The bytes of policy/promptfax.json: what ships is what is built in. */
static const unsigned char builtin_text[] = {
#include "builtin_policy.inc"
};

const char *policy_builtin(size_t *ret_n)
{
	*ret_n = sizeof(builtin_text);
	return (const char *)builtin_text;
}
