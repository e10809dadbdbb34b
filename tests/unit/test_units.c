// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/units.h"

static void test_units_read_what_people_write(void **state)
{
	static const struct {
		const char *text;
		int (*parse)(const char *text, uint64_t *ret);
		uint64_t value; /* 0: refused */
	} rows[] = {
		{"500ms", units_duration, 500},
		{"90s", units_duration, 90000},
		{"90", units_duration, 90000},
		{"10m", units_duration, 600000},
		{"2h", units_duration, 7200000},
		{"2H", units_duration, 7200000},
		{"0", units_duration, 0},
		{"0s", units_duration, 0},
		{"", units_duration, 0},
		{"s", units_duration, 0},
		{"-1s", units_duration, 0},
		{"+1s", units_duration, 0},
		{" 1s", units_duration, 0},
		{"1 s", units_duration, 0},
		{"1.5h", units_duration, 0},
		{"1d", units_duration, 0},
		{"99999999999999999999", units_duration, 0},
		{"9007199254740992ms", units_duration, UINT64_C(1) << 53},
		{"9007199254740993ms", units_duration, 0},
		{"512M", units_bytes, UINT64_C(512) << 20},
		{"2g", units_bytes, UINT64_C(2) << 30},
		{"64K", units_bytes, 65536},
		{"1T", units_bytes, UINT64_C(1) << 40},
		{"4096", units_bytes, 4096},
		{"2GiB", units_bytes, 0},
		{"9000T", units_bytes, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = 7;
		int r = rows[i].parse(rows[i].text, &value);

		if (r != (rows[i].value ? 0 : -EINVAL) || value != (r ? 7 : rows[i].value))
			fail_msg("'%s': %d, %lu", rows[i].text, r, (unsigned long)value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units_read_what_people_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
