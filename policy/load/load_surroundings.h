/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_surroundings.h - `environment`, `filesystem` and `sockets`, of the policy and of presets
 *
 * @into is the struct policy. A preset passes and sets variables, and names what is to be
 * writable; it neither takes away nor shows what the jail hides, nor lists a socket.
 */
#ifndef MCPJAIL_POLICY_LOAD_SURROUNDINGS_H
#define MCPJAIL_POLICY_LOAD_SURROUNDINGS_H

#include "policy/load/load.h"

void load_environment(struct load *l, const json_t *value, void *into);
void load_filesystem(struct load *l, const json_t *value, void *into);
void load_sockets(struct load *l, const json_t *value, void *into);

void load_preset_environment(struct load *l, const json_t *value, void *into);
void load_preset_filesystem(struct load *l, const json_t *value, void *into);

#endif
