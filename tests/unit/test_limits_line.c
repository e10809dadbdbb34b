// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "state/limits_line.h"

#define KEY                                                                                        \
	{                                                                                          \
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255                              \
	}
#define KEY_HEX "000102030405060708090a0b0c0d0eff"

static const struct {
	struct line_item item;
	const char *text;
} rows[] = {
	{{.kind = LINE_CLOCK}, "clock"},
	{{.kind = LINE_NAME, .key = KEY, .name = {"grant ci c", 10}},
	 "name " KEY_HEX " grant ci c"},
	{{.kind = LINE_CHARGE, .key = KEY, .amount = 1, .keep_ms = 60000},
	 "charge " KEY_HEX " 1 60000"},
	{{.kind = LINE_CHARGE, .key = KEY, .amount = UINT64_MAX, .keep_ms = 1, .for_ever = true},
	 "charge " KEY_HEX " 18446744073709551615 1+"},
	{{.kind = LINE_CHARGE, .key = KEY, .has_value = true, .value = KEY, .amount = 1},
	 "charge " KEY_HEX "/" KEY_HEX " 1 0"},
	{{.kind = LINE_REFUND, .key = KEY, .amount = 450, .at_ms = -5, .wall_ms = 1700000000000},
	 "refund " KEY_HEX " 450 -5 2023-11-14T22:13:20.000Z"},
	{{.kind = LINE_BEFORE, .key = KEY, .amount = 7, .keep_ms = 9, .for_ever = true},
	 "before " KEY_HEX " 7 9+"},
	{{.kind = LINE_BUCKET, .key = KEY, .amount = 3, .part = 59999, .keep_ms = 60000},
	 "bucket " KEY_HEX " 3+59999/60000"},
	{{.kind = LINE_TOKEN, .key = KEY, .keep_ms = 900000}, "token " KEY_HEX " 900000"},
	{{.kind = LINE_TAKE, .key = KEY}, "take " KEY_HEX},
};

static void expect_item(const struct line_item *got, const struct line_item *expected)
{
	assert_int_equal(got->kind, expected->kind);
	assert_memory_equal(got->key, expected->key, LIMITS_KEY_BYTES);
	assert_memory_equal(got->value, expected->value, LIMITS_KEY_BYTES);
	assert_int_equal(got->has_value, expected->has_value);
	assert_true(got->amount == expected->amount && got->part == expected->part);
	assert_int_equal(got->keep_ms, expected->keep_ms);
	assert_int_equal(got->for_ever, expected->for_ever);
	assert_int_equal(got->at_ms, expected->at_ms);
	assert_int_equal(got->wall_ms, expected->wall_ms);
	assert_int_equal(got->name.n, expected->name.n);
	assert_memory_equal(got->name.n ? got->name.p : "",
			    expected->name.n ? expected->name.p : "", got->name.n);
}

static struct span without_break(const char *line, size_t n)
{
	assert_true(n > 1 && line[n - 1] == '\n');
	return span_bytes(line, n - 1);
}

static void test_every_item_is_read_as_it_was_written(void **state)
{
	const struct line_time time = {0xfedcba9876543210u, -1, 1700000000123}, *t = &time;
	struct line_item items[ARRAY_SIZE(rows)], item;
	char line[LINE_MAX_BYTES];
	struct line_time got;
	struct span text, rest;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		items[i] = rows[i].item;
	text = without_break(line, line_write(t, items, ARRAY_SIZE(items), line));
	assert_true(line_is_sound(text));
	assert_true(line_read(text, &got, &rest));
	assert_true(got.boot == time.boot && got.at_ms == -1 && got.wall_ms == time.wall_ms);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_non_null(memmem(text.p, text.n, rows[i].text, strlen(rows[i].text)));
		assert_int_equal(line_next(&rest, &item), 1);
		expect_item(&item, &rows[i].item);
	}
	assert_int_equal(line_next(&rest, &item), 0);
}

static void test_every_changed_byte_is_noticed(void **state)
{
	const struct line_time time = {1, 2, 3};
	char line[LINE_MAX_BYTES];
	size_t n = line_write(&time, &rows[2].item, 1, line);

	(void)state;
	for (size_t i = 0; i + 1 < n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			line[i] = (char)(line[i] ^ 1 << bit);
			assert_false(line_is_sound(span_bytes(line, n - 1)));
			line[i] = (char)(line[i] ^ 1 << bit);
		}
		assert_false(line_is_sound(span_bytes(line, i)));
	}
	assert_true(line_is_sound(span_bytes(line, n - 1)));
}

static void test_a_whole_call_fits_and_more_does_not(void **state)
{
	const struct line_time time = {UINT64_MAX, INT64_MAX, INT64_MAX};
	struct line_item items[2 * LIMITS_CHARGES_MAX + 40];
	char name[LIMITS_LABEL_MAX + 50], line[LINE_MAX_BYTES];

	(void)state;
	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < ARRAY_SIZE(items); i += 2) {
		items[i] = (struct line_item){.kind = LINE_NAME, .name = {name, sizeof(name)}};
		items[i + 1] = (struct line_item){.kind = LINE_CHARGE,
						  .has_value = true,
						  .amount = UINT64_MAX,
						  .keep_ms = UINT64_MAX,
						  .for_ever = true};
	}
	assert_true(line_write(&time, items, 2 * (size_t)LIMITS_CHARGES_MAX, line) > 0);
	assert_int_equal(line_write(&time, items, ARRAY_SIZE(items), line), 0);
}

static void test_names_cannot_end_an_item_or_a_line(void **state)
{
	const struct line_item item = {.kind = LINE_NAME, .name = {"a\n; take\x1b\xff", 10}};
	const struct line_time time = {1, 2, 3};
	char line[LINE_MAX_BYTES];
	struct line_time got_time;
	struct line_item got;
	struct span rest;

	(void)state;
	assert_true(line_read(without_break(line, line_write(&time, &item, 1, line)), &got_time,
			      &rest));
	assert_int_equal(line_next(&rest, &got), 1);
	assert_int_equal(got.kind, LINE_NAME);
	assert_memory_equal(got.name.p, "a?? take??", 10);
	assert_int_equal(line_next(&rest, &got), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_item_is_read_as_it_was_written),
		cmocka_unit_test(test_every_changed_byte_is_noticed),
		cmocka_unit_test(test_a_whole_call_fits_and_more_does_not),
		cmocka_unit_test(test_names_cannot_end_an_item_or_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
