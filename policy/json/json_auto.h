/* SPDX-License-Identifier: Apache-2.0 */
/**
 * json_auto.h - scope-bound ownership of jansson values
 */
#ifndef MCPJAIL_POLICY_JSON_AUTO_H
#define MCPJAIL_POLICY_JSON_AUTO_H

#include <jansson.h>

static inline void json_auto_decref(json_t **value)
{
	json_decref(*value);
}

#define autojson __attribute__((cleanup(json_auto_decref)))

#endif
