/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_grants.h - `grants`
 */
#ifndef MCPJAIL_POLICY_LOAD_GRANTS_H
#define MCPJAIL_POLICY_LOAD_GRANTS_H

#include "policy/load/load.h"

/** load_grants() - A map of grants; @into is the policy */
void load_grants(struct load *l, const json_t *value, void *into);

/** load_check_grants() - That they name servers and tools which the policy has */
void load_check_grants(struct load *l);

#endif
