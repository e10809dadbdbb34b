/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_servers.h - `server`, `tools`, `hide`, `all_tools`; or `servers`
 *
 * @into is the policy.
 */
#ifndef MCPJAIL_POLICY_LOAD_SERVERS_H
#define MCPJAIL_POLICY_LOAD_SERVERS_H

#include "policy/load/load.h"

void load_server(struct load *l, const json_t *value, void *into);
void load_tools(struct load *l, const json_t *value, void *into);
void load_hide(struct load *l, const json_t *value, void *into);
void load_all_tools(struct load *l, const json_t *value, void *into);
void load_servers(struct load *l, const json_t *value, void *into);

/** load_check_servers() - Make one list of the servers, with their tools in order */
void load_check_servers(struct load *l);

#endif
