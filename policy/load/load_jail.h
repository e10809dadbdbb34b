/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_jail.h - `jail`: what the agent may do inside, and how much
 *
 * @into is the struct policy. A preset says `nested_sandbox` only: for a program that is a sandbox.
 */
#ifndef MCPJAIL_POLICY_LOAD_JAIL_H
#define MCPJAIL_POLICY_LOAD_JAIL_H

#include "policy/load/load.h"

void load_jail(struct load *l, const json_t *value, void *into);
void load_preset_jail(struct load *l, const json_t *value, void *into);

#endif
