/* SPDX-License-Identifier: Apache-2.0 */
/**
 * load_egress.h - `egress`, and the presets that it takes in
 */
#ifndef MCPJAIL_POLICY_LOAD_EGRESS_H
#define MCPJAIL_POLICY_LOAD_EGRESS_H

#include "policy/load/load_names.h"

/** load_egress() - `egress` of the policy or of a preset; @into is the struct policy */
void load_egress(struct load *l, const json_t *value, void *into);

/**
 * load_host_text() - A host, or "*.suffix", in its normal form
 *
 * Refused: what stands for hosts of more than one owner. Return: as a load_reader.
 */
const char *load_host_text(struct load *l, const char *text);

/**
 * load_check_egress() - What holds between entries, and between them and the server
 *
 * One mode for one host and port, and no host that belongs to the server.
 */
void load_check_egress(struct load *l);

#endif
