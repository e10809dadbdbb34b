/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_presets.h - the presets that a policy takes in
 */
#ifndef MCPJAIL_POLICY_LOAD_PRESETS_H
#define MCPJAIL_POLICY_LOAD_PRESETS_H

#include "policy/load/load.h"

/** load_preset_use() - An entry's `preset`: @index is the entry's in the policy's `egress` */
void load_preset_use(struct load *l, const json_t *value, size_t index);

/**
 * load_presets() - Load what was met, into what the policy itself says
 *
 * To be called after the policy's own text, which wins over presets where both set a variable.
 */
void load_presets(struct load *l);

#endif
