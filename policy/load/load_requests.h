/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_requests.h - `methods`, `paths` and `headers` of an entry of `egress`
 *
 * @into is the struct policy_egress.
 */
#ifndef MCPJAIL_POLICY_LOAD_REQUESTS_H
#define MCPJAIL_POLICY_LOAD_REQUESTS_H

#include "policy/load/load.h"

void load_methods(struct load *l, const json_t *value, void *into);
void load_paths(struct load *l, const json_t *value, void *into);
void load_headers(struct load *l, const json_t *value, void *into);

#endif
