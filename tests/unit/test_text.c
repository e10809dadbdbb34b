// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static void test_utf8_accepts_only_rfc3629(void **state)
{
	static const struct {
		const char *bytes;
		bool is_utf8;
	} rows[] = {
		{"", true},
		{"plain", true},
		{"\xc3\xa9", true},
		{"\xe2\x82\xac", true},
		{"\xf0\x9f\x93\xa0", true},
		{"\x80", false},
		{"\xc0\xaf", false},
		{"\xc1\xbf", false},
		{"\xe0\x80\xaf", false},
		{"\xed\xa0\x80", false},
		{"\xf0\x80\x80\xaf", false},
		{"\xf4\x90\x80\x80", false},
		{"\xf5\x80\x80\x80", false},
		{"\xc3", false},
		{"\xe2\x82", false},
		{"\xff", false},
		{"a\xc3(", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(text_is_utf8(rows[i].bytes, strlen(rows[i].bytes)),
				 rows[i].is_utf8);
}

static void test_json_string_is_always_one_valid_line(void **state)
{
	static const struct {
		const char *bytes, *json;
	} rows[] = {
		{"", "\"\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"\n\t\x01\x7f", "\"\\u000a\\u0009\\u0001\\u007f\""},
		{"\xc3\xa9", "\"\xc3\xa9\""},
		{"a\xff"
		 "b",
		 "\"a\\ufffdb\""},
		{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autobuf struct buf b = BUF_INIT(4096);

		assert_int_equal(text_append_json_string(&b, rows[i].bytes, strlen(rows[i].bytes)),
				 0);
		assert_int_equal(b.len, strlen(rows[i].json));
		assert_memory_equal(b.data, rows[i].json, b.len);
	}
}

static void test_json_string_that_does_not_fit_leaves_nothing(void **state)
{
	autobuf struct buf b = BUF_INIT(8);

	(void)state;
	assert_int_equal(buf_puts(&b, "ab"), 0);
	assert_int_equal(text_append_json_string(&b, "123456", 6), -EMSGSIZE);
	assert_int_equal(b.len, 2);
}

static void test_terminal_text_shows_what_would_act_or_hide(void **state)
{
	static const struct {
		const char *bytes, *shown;
	} rows[] = {
		{"plain \xc3\xa9", "plain \xc3\xa9"},
		{"\x1b[2J", "\\x1b[2J"},
		{"a\nb", "a\\x0ab"},
		{"back\\slash", "back\\\\slash"},
		{"\xc2\x9b"
		 "2J",
		 "\\u{9b}2J"},
		{"\xe2\x80\xae"
		 "gpj",
		 "\\u{202e}gpj"},
		{"\xe2\x80\x8b", "\\u{200b}"},
		{"\xf3\xa0\x81\x81", "\\u{e0041}"},
		{"\xe2\x80\xa8", "\\u{2028}"},
		{"\xfe", "\\xfe"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char shown[128];

		text_escape_terminal(rows[i].bytes, strlen(rows[i].bytes), shown, sizeof(shown));
		assert_string_equal(shown, rows[i].shown);
	}
}

static void test_terminal_text_is_cut_at_a_whole_escape(void **state)
{
	char shown[7];

	(void)state;
	text_escape_terminal("ab\x1b\x1b", 4, shown, sizeof(shown));
	assert_string_equal(shown, "ab\\x1b");
}

static void test_unhex_takes_exactly_the_digits_asked_for(void **state)
{
	uint8_t bytes[2] = {9, 9};

	(void)state;
	assert_int_equal(text_unhex("00fF", bytes, 2), 0);
	assert_int_equal(bytes[1], 255);
	assert_int_equal(text_unhex("00f", bytes, 2), -EINVAL);
	assert_int_equal(text_unhex("00fg", bytes, 2), -EINVAL);
	assert_int_equal(text_unhex("00ff0", bytes, 2), -EINVAL);
	assert_int_equal(bytes[1], 255);
}

static void test_buf_never_grows_past_its_bound(void **state)
{
	autobuf struct buf b = BUF_INIT(1000);

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(buf_printf(&b, "%0100d", i), 0);
	assert_int_equal(b.len, 1000);
	assert_int_equal(buf_append(&b, "x", 1), -EMSGSIZE);
	assert_int_equal(buf_printf(&b, "x"), -EMSGSIZE);
	assert_null(buf_reserve(&b, 1));
	buf_consume(&b, 900);
	assert_int_equal(buf_append(&b, "tail", 4), 0);
	assert_memory_equal(b.data + 100, "tail", 4);
	assert_int_equal(b.data[99], '9');
}

static void test_lists_have_whole_words_only(void **state)
{
	static const struct {
		const char *list, *word;
		bool has;
	} rows[] = {
		{"mounts,seccomp,signals", "mounts", true},
		{"mounts,seccomp,signals", "seccomp", true},
		{"mounts,seccomp,signals", "signals", true},
		{"signals2,signals", "signals", true},
		{"nosignals,signals", "signals", true},
		{"mounts,seccomp", "comp", false},
		{"mounts,seccomp", "secc", false},
		{"mounts,seccomp", "mounts,seccomp", false},
		{"mounts", "seccomp", false},
		{"mounts", "", false},
		{"", "mounts", false},
		{",,mounts", "mounts", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(text_list_has(rows[i].list, span_of(rows[i].word)), rows[i].has);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8_accepts_only_rfc3629),
		cmocka_unit_test(test_json_string_is_always_one_valid_line),
		cmocka_unit_test(test_json_string_that_does_not_fit_leaves_nothing),
		cmocka_unit_test(test_terminal_text_shows_what_would_act_or_hide),
		cmocka_unit_test(test_terminal_text_is_cut_at_a_whole_escape),
		cmocka_unit_test(test_unhex_takes_exactly_the_digits_asked_for),
		cmocka_unit_test(test_lists_have_whole_words_only),
		cmocka_unit_test(test_buf_never_grows_past_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
