// SPDX-License-Identifier: Apache-2.0
#include "policy/load/unwired.h"

#include <string.h>

#include "base/cleanup.h"

/* Who carries one out takes its row away. */
static const struct {
	const char *owner, *key;
} unwired[] = {
	{"a tool's rule", "bind"},
	{"a tool's rule", "approval"},
};

bool unwired_has(const char *owner, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(unwired); i++)
		if (!strcmp(unwired[i].owner, owner) && !strcmp(unwired[i].key, key))
			return true;
	return false;
}
