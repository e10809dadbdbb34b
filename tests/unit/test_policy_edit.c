// SPDX-License-Identifier: Apache-2.0
/*
 * Edits of a policy's text: the layout of people's files, by examples; and for many texts in
 * any layout, that the outcome is the same JSON as an edit of the tree would give.
 */
#include "cmocka_all.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "policy/edit.h"

#define TEXT_MAX (1u << 16)

enum edit_kind { APPEND = 0, PUT, REMOVE };

struct edit_case {
	const char *before;
	enum edit_kind kind;
	const char *pointer, *value;
	const char *after;
	int r;
};

static int edit(enum edit_kind kind, const char *text, const char *pointer, const char *value,
		struct buf *ret, struct error *err)
{
	/* A copy of exact size, so that a sanitizer sees what looks past its end. */
	size_t n = strlen(text);
	autofree char *copy = malloc(n ? n : 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	switch (kind) {
	case APPEND:
		return edit_append(copy, n, pointer, value, ret, err);
	case PUT:
		return edit_put(copy, n, pointer, value, ret, err);
	case REMOVE:
		return edit_remove(copy, n, pointer, ret, err);
	}
	return -EINVAL;
}

static void assert_cases(const struct edit_case *cases, size_t n)
{
	size_t hold = 0;

	for (size_t i = 0; i < n; i++) {
		autobuf struct buf ret = BUF_INIT(TEXT_MAX);
		struct error err = {.what = ""};
		int r = edit(cases[i].kind, cases[i].before, cases[i].pointer, cases[i].value, &ret,
			     &err);
		const char *after = cases[i].after ? cases[i].after : "";

		if (r == cases[i].r && ret.len == strlen(after) &&
		    (!ret.len || !memcmp(ret.data, after, ret.len)) &&
		    (r != -EINVAL || err.what[0]))
			hold++;
		else
			print_error("case %zu: %d %s\n%.*s\n", i, r, err.what, (int)ret.len,
				    (const char *)ret.data);
	}
	assert_int_equal(hold, n);
}

#define HOST "{\"host\":\"b.org\"}"

static void test_append_copies_the_layout_of_the_neighbours(void **state)
{
	static const struct edit_case cases[] = {
		/* one line stays one line, and is spaced as it was */
		{"{\"egress\": [{\"host\": \"a.org\"}]}\n", APPEND, "/egress", HOST,
		 "{\"egress\": [{\"host\": \"a.org\"}, {\"host\": \"b.org\"}]}\n", 0},
		{"{\"egress\":[{\"host\":\"a.org\"}]}", APPEND, "/egress", HOST,
		 "{\"egress\":[{\"host\":\"a.org\"},{\"host\":\"b.org\"}]}", 0},
		{"{\"x\": [1,2]}", APPEND, "/x", "3", "{\"x\": [1,2,3]}", 0},
		{"{\"x\": [ 1 ]}", APPEND, "/x", "3", "{\"x\": [ 1, 3 ]}", 0},
		{"{\"x\": [1 ,2 ] }", APPEND, "/x", "3", "{\"x\": [1 ,2,3 ] }", 0},
		/* one a line stays one a line, with spaces or tabs, LF or CRLF */
		{"{\n\t\"x\": [\n\t\t1,\n\t\t2\n\t]\n}\n", APPEND, "/x", "3",
		 "{\n\t\"x\": [\n\t\t1,\n\t\t2,\n\t\t3\n\t]\n}\n", 0},
		{"{\r\n  \"x\": [\r\n    1\r\n  ]\r\n}\r\n", APPEND, "/x", "3",
		 "{\r\n  \"x\": [\r\n    1,\r\n    3\r\n  ]\r\n}\r\n", 0},
		{"{\"x\":[\n 1,\n\n\n 2]}", APPEND, "/x", "3", "{\"x\":[\n 1,\n\n\n 2,\n 3]}", 0},
		{"{\"x\": [1,\n      2]}", APPEND, "/x", "3", "{\"x\": [1,\n      2,\n      3]}",
		 0},
		/* empty ones */
		{"{\"x\": []}", APPEND, "/x", "3", "{\"x\": [3]}", 0},
		{"{\"x\": [  ]}", APPEND, "/x", "3", "{\"x\": [3]}", 0},
		{"{\n    \"x\": [\n    ]\n}", APPEND, "/x", "3",
		 "{\n    \"x\": [\n        3\n    ]\n}", 0},
		/* what is missing is made */
		{"{}", APPEND, "/egress", HOST, "{\"egress\": [{\"host\": \"b.org\"}]}", 0},
		{"{\n}\n", APPEND, "/x", "3", "{\n  \"x\": [3]\n}\n", 0},
		{"{\"a\":1}", APPEND, "/environment/pass", "\"N\"",
		 "{\"a\":1,\"environment\":{\"pass\":[\"N\"]}}", 0},
		{"{\n  \"a\": 1\n}\n", APPEND, "/egress", HOST,
		 "{\n  \"a\": 1,\n  \"egress\": [\n    {\"host\": \"b.org\"}\n  ]\n}\n", 0},
		{"{\r\n\t\"a\": 1\r\n}", APPEND, "/egress", HOST,
		 "{\r\n\t\"a\": 1,\r\n\t\"egress\": [\r\n\t\t{\"host\": "
		 "\"b.org\"}\r\n\t]\r\n}",
		 0},
		{"{\n  \"environment\": {\n    \"set\": {}\n  }\n}", APPEND, "/environment/pass",
		 "\"N\"",
		 "{\n  \"environment\": {\n    \"set\": {},\n    \"pass\": [\"N\"]\n  }\n}", 0},
		/* brackets, commas and quotation marks within strings are none */
		{"{\"x\": [\"]\\\"},[\\\\\"]}", APPEND, "/x", "3", "{\"x\": [\"]\\\"},[\\\\\", 3]}",
		 0},
		{"{\"]:,\": 1, \"x\" : [\"a:,b\"]}", APPEND, "/x", "\"a:,c\"",
		 "{\"]:,\": 1, \"x\" : [\"a:,b\", \"a:,c\"]}", 0},
		/* equal, in whatever spelling */
		{"{\"egress\": [{ \"host\" :\"b\\u002eorg\"}]}", APPEND, "/egress", HOST,
		 "{\"egress\": [{ \"host\" :\"b\\u002eorg\"}]}", -EEXIST},
	};

	(void)state;
	assert_cases(cases, ARRAY_SIZE(cases));
}

static void test_put_adds_a_member_once(void **state)
{
	static const struct edit_case cases[] = {
		{"{\n  \"tools\": {\n    \"a\": {}\n  }\n}\n", PUT, "/tools/b", "{}",
		 "{\n  \"tools\": {\n    \"a\": {},\n    \"b\": {}\n  }\n}\n", 0},
		{"{\"tools\":{}}", PUT, "/tools/b", "{}", "{\"tools\":{\"b\":{}}}", 0},
		{"{}", PUT, "/tools/a~1b~0", "{}", "{\"tools\": {\"a/b~\": {}}}", 0},
		{"{\"tools\":{\"b\":{\"action\":\"deny\"}}}", PUT, "/tools/b", "{}",
		 "{\"tools\":{\"b\":{\"action\":\"deny\"}}}", -EEXIST},
		{"{\"tools\":[]}", PUT, "/tools/b", "{}", NULL, -EINVAL},
	};

	(void)state;
	assert_cases(cases, ARRAY_SIZE(cases));
}

static void test_remove_takes_the_comma_and_the_line_along(void **state)
{
	static const struct edit_case cases[] = {
		{"[1, 2, 3]", REMOVE, "/0", NULL, "[2, 3]", 0},
		{"[1, 2, 3]", REMOVE, "/1", NULL, "[1, 3]", 0},
		{"[1, 2, 3 ]", REMOVE, "/2", NULL, "[1, 2 ]", 0},
		{"[ 1 ]", REMOVE, "/0", NULL, "[]", 0},
		{"{\"x\": [\n    1,\n    2\n  ]}", REMOVE, "/x/0", NULL, "{\"x\": [\n    2\n  ]}",
		 0},
		{"{\"x\": [\n    1,\n    2\n  ]}", REMOVE, "/x/1", NULL, "{\"x\": [\n    1\n  ]}",
		 0},
		{"{\"x\": [\r\n\t1\r\n]}", REMOVE, "/x/0", NULL, "{\"x\": []}", 0},
		{"{\"a\": {\"b\": 1}, \"c\": 2}", REMOVE, "/a", NULL, "{\"c\": 2}", 0},
		{"{\"a\": {\"b\": 1}, \"c\": 2}", REMOVE, "/c", NULL, "{\"a\": {\"b\": 1}}", 0},
		{"{\"a\": {\"b\": 1}}", REMOVE, "/a/b", NULL, "{\"a\": {}}", 0},
		{"{\"a\": 1}", REMOVE, "/b", NULL, NULL, -ENOENT},
		{"[1]", REMOVE, "/1", NULL, NULL, -ENOENT},
		{"[1]", REMOVE, "/0x", NULL, NULL, -ENOENT},
		{"[1]", REMOVE, "", NULL, NULL, -EINVAL},
		/* One value has one pointer (RFC 6901 §3, §4). */
		{"[1, 2]", REMOVE, "/01", NULL, NULL, -ENOENT},
		{"{\"x\": [1, 2]}", REMOVE, "/x/00", NULL, NULL, -ENOENT},
		{"[1]", REMOVE, "/18446744073709551616", NULL, NULL, -ENOENT},
		{"{\"a~x\": 1, \"b\": 2}", REMOVE, "/a~0x", NULL, "{\"b\": 2}", 0},
		{"{\"a~x\": 1, \"b\": 2}", REMOVE, "/a~x", NULL, NULL, -EINVAL},
		{"{\"a~\": 1, \"b\": 2}", REMOVE, "/a~", NULL, NULL, -EINVAL},
	};

	(void)state;
	assert_cases(cases, ARRAY_SIZE(cases));
}

static void test_what_cannot_be_edited_is_refused(void **state)
{
	static const struct edit_case cases[] = {
		{"", APPEND, "/x", "1", NULL, -EINVAL},
		{"{\"x\": [1,]}", APPEND, "/x", "1", NULL, -EINVAL},
		{"{\"x\": 1, \"x\": 2}", APPEND, "/x", "1", NULL, -EINVAL},
		{"{\"x\": {}}", APPEND, "/x", "1", NULL, -EINVAL},
		{"{\"x\": \"s\"}", APPEND, "/x/y", "1", NULL, -EINVAL},
		{"{\"x\": [[]]}", APPEND, "/x/y", "1", NULL, -EINVAL},
		{"7", APPEND, "/x", "1", NULL, -EINVAL},
		{"{}", APPEND, "x", "1", NULL, -EINVAL},
	};

	(void)state;
	assert_cases(cases, ARRAY_SIZE(cases));
}

/* --- any layout ---------------------------------------------------------------- */

/* A value of chance: keys and strings hold what must not be taken for structure. */
static json_t *make_value(unsigned depth)
{
	static const char *const strings[] = {"a", "]", "},{", "\"", "\\", "\\\"", ": ,", "\n", ""};
	json_t *value = rand() % 2 ? json_object() : json_array();

	if (!depth || rand() % 4 == 0) {
		json_decref(value);
		switch (rand() % 4) {
		case 0:
			return json_integer(rand() - rand());
		case 1:
			return json_true();
		case 2:
			return json_real(0.5 * rand());
		default:
			return json_string(strings[(size_t)rand() % ARRAY_SIZE(strings)]);
		}
	}
	for (int i = rand() % 4; i; i--) {
		if (json_is_array(value))
			json_array_append_new(value, make_value(depth - 1));
		else
			json_object_set_new(value, strings[(size_t)rand() % ARRAY_SIZE(strings)],
					    make_value(depth - 1));
	}
	return value;
}

/* Between any two tokens: nothing, spaces, a line's end and an indentation, blank lines. */
static void put_spaces(struct buf *b)
{
	static const char *const spaces[] = {"",   "",     "",         " ",   "  ",
					     "\n", "\n\t", "\r\n    ", "\n\n"};

	assert_int_equal(buf_puts(b, spaces[(size_t)rand() % ARRAY_SIZE(spaces)]), 0);
}

static void put_in_any_layout(struct buf *b, const json_t *value)
{
	autofree char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	bool in_string = false;

	assert_non_null(dumped);
	put_spaces(b);
	for (const char *c = dumped; *c; c++) {
		bool is_token = !in_string && strchr("{}[],:", *c);

		if (is_token)
			put_spaces(b);
		buf_append(b, c, 1);
		if (in_string && *c == '\\')
			buf_append(b, ++c, 1);
		else if (*c == '"')
			in_string = !in_string;
		if (is_token)
			put_spaces(b);
	}
	put_spaces(b);
}

static void assert_same_json(const struct buf *text, const json_t *wanted, const struct buf *was)
{
	json_error_t error;
	json_t *got =
		json_loadb((const char *)text->data, text->len, JSON_REJECT_DUPLICATES, &error);

	if (!got || !json_equal(got, wanted))
		print_error("%s\nwas: %.*s\nis: %.*s\n", got ? "" : error.text, (int)was->len,
			    (const char *)was->data, (int)text->len, (const char *)text->data);
	assert_true(got && json_equal(got, wanted));
	json_decref(got);
}

static void change_one(unsigned round)
{
	autobuf struct buf before = BUF_INIT(TEXT_MAX), after = BUF_INIT(TEXT_MAX);
	json_t *root = json_object(), *list = json_array();
	struct error err;
	size_t n = (size_t)rand() % 5, which = (size_t)rand() % (n + 1);
	char pointer[32];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, make_value(3));
	for (int i = rand() % 3; i; i--)
		json_object_set_new(root, i == 1 ? "p" : "q", make_value(3));
	if (n || rand() % 2)
		json_object_set(root, "list", list);
	put_in_any_layout(&before, root);
	if (round % 2) {
		json_array_append_new(list, json_string("a new, one: []"));
		json_object_set(root, "list", list);
		assert_int_equal(edit_append((const char *)before.data, before.len, "/list",
					     "\"a new, one: []\"", &after, &err),
				 0);
	} else {
		snprintf(pointer, sizeof(pointer), "/list/%zu", which);
		assert_int_equal(
			edit_remove((const char *)before.data, before.len, pointer, &after, &err),
			which < n ? 0 : -ENOENT);
		json_array_remove(list, which);
	}
	if (after.len)
		assert_same_json(&after, root, &before);
	json_decref(list);
	json_decref(root);
}

static void test_an_edit_means_the_same_in_any_layout(void **state)
{
	(void)state;
	srand(20260728);
	for (unsigned round = 0; round < 20000; round++)
		change_one(round);
}

static void test_what_was_appended_is_removed_without_a_trace(void **state)
{
	static const char *const texts[] = {
		"{\n  \"x\": [\n    1,\n    2\n  ]\n}\n",
		"{\"x\":[1,2]}",
		"{\"x\": [1, 2]}\r\n",
		"{\"x\": [\r\n\t1,\r\n\t2\r\n]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		autobuf struct buf more = BUF_INIT(TEXT_MAX), again = BUF_INIT(TEXT_MAX);
		struct error err;

		assert_int_equal(edit(APPEND, texts[i], "/x", "3", &more, &err), 0);
		assert_int_equal(
			edit_remove((const char *)more.data, more.len, "/x/2", &again, &err), 0);
		assert_int_equal(again.len, strlen(texts[i]));
		assert_memory_equal(again.data, texts[i], again.len);
	}
}

static void test_a_text_beyond_the_bound_is_refused_whole(void **state)
{
	autobuf struct buf ret = BUF_INIT(12);
	struct error err;

	(void)state;
	assert_int_equal(edit(APPEND, "{\"x\":[1,2]}", "/x", "3", &ret, &err), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append_copies_the_layout_of_the_neighbours),
		cmocka_unit_test(test_put_adds_a_member_once),
		cmocka_unit_test(test_remove_takes_the_comma_and_the_line_along),
		cmocka_unit_test(test_what_cannot_be_edited_is_refused),
		cmocka_unit_test(test_an_edit_means_the_same_in_any_layout),
		cmocka_unit_test(test_what_was_appended_is_removed_without_a_trace),
		cmocka_unit_test(test_a_text_beyond_the_bound_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
