/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/clock.h - the two clocks mcpjail reads
 */
#ifndef MCPJAIL_BASE_CLOCK_H
#define MCPJAIL_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec ts = {0, 0};

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/** clock_mono_ms() - Milliseconds for timeouts; never steps */
static inline uint64_t clock_mono_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000u;
}

#endif
