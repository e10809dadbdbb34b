/* SPDX-License-Identifier: Apache-2.0 */
/* In place of policy/presets.c: the presets are the array `presets` of who includes this. */
#ifndef MCPJAIL_TESTS_PRESET_WORLD_H
#define MCPJAIL_TESTS_PRESET_WORLD_H

#include <string.h>

#include "base/cleanup.h"
#include "policy/presets.h"

size_t policy_preset_count(void)
{
	return ARRAY_SIZE(presets);
}

const struct policy_preset *policy_preset_at(size_t i)
{
	return i < ARRAY_SIZE(presets) ? &presets[i] : NULL;
}

const struct policy_preset *policy_preset_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		if (!strcmp(presets[i].name, name))
			return &presets[i];
	return NULL;
}

#endif
