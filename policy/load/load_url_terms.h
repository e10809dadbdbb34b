/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_url_terms.h - the operand of `url` and `not_url`
 */
#ifndef MCPJAIL_POLICY_LOAD_URL_TERMS_H
#define MCPJAIL_POLICY_LOAD_URL_TERMS_H

#include "policy/judge/url_terms.h"
#include "policy/load/load.h"

/** load_url_terms() - An object of terms; @ret is the policy's. At least one term must be there */
bool load_url_terms(struct load *l, const json_t *value, const struct url_terms **ret);

#endif
