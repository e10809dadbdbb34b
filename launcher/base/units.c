// SPDX-License-Identifier: Apache-2.0
#include "base/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct unit {
	const char *suffix;
	uint64_t factor;
};

static int parse(const char *text, const struct unit *units, size_t n_units, uint64_t *ret)
{
	char *end = NULL;
	unsigned long long n = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;

	for (size_t i = 0; n && i < n_units; i++) {
		if (!strcasecmp(end, units[i].suffix) && n <= UNITS_MAX / units[i].factor) {
			*ret = n * units[i].factor;
			return 0;
		}
	}
	return -EINVAL;
}

int units_duration(const char *text, uint64_t *ret_ms)
{
	static const struct unit units[] = {
		{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000},
	};

	return parse(text, units, ARRAY_SIZE(units), ret_ms);
}

int units_bytes(const char *text, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{"", 1},         {"K", 1u << 10},          {"M", 1u << 20},
		{"G", 1u << 30}, {"T", UINT64_C(1) << 40},
	};

	return parse(text, units, ARRAY_SIZE(units), ret_bytes);
}
