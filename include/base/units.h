/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/units.h - durations and sizes as people write them
 *
 * A number without a sign, and a unit behind it at once. 0 is none of either.
 */
#ifndef MCPJAIL_BASE_UNITS_H
#define MCPJAIL_BASE_UNITS_H

#include <stdint.h>

#define UNITS_MAX (UINT64_C(1) << 53) /* milliseconds, or bytes */

/** units_duration() - "500ms", "90s", "10m", "2h", or seconds. Return: 0; -EINVAL */
int units_duration(const char *text, uint64_t *ret_ms);

/** units_bytes() - "64K", "512M", "2G", "1T", in powers of 1024, or bytes. Return: 0; -EINVAL */
int units_bytes(const char *text, uint64_t *ret_bytes);

#endif
