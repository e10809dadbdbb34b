// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mcp/json.h"

static void test_json_writes_what_was_read(void **state)
{
	static const struct {
		const char *text;
		enum mcp_json_order order;
		const char *written; /* NULL: as read */
	} cases[] = {
		{"{}", MCP_JSON_AS_READ, NULL},
		{"[[],{},[null,true,false]]", MCP_JSON_AS_READ, NULL},
		{"{\"b\":1,\"a\":{\"d\":2,\"c\":3}}", MCP_JSON_AS_READ, NULL},
		{"{\"b\":1,\"a\":{\"d\":2,\"c\":3}}", MCP_JSON_SORTED,
		 "{\"a\":{\"c\":3,\"d\":2},\"b\":1}"},
		{"{ \"a\" : [ 1 , 2 ] }", MCP_JSON_AS_READ, "{\"a\":[1,2]}"},
		{"[0.1,1.0,1e2,1e22,-2.50,9007199254740993]", MCP_JSON_AS_READ,
		 "[0.1,1.0,100.0,1e+22,-2.5,9007199254740993]"},
		{"[9223372036854775807,-9223372036854775808]", MCP_JSON_AS_READ, NULL},
		{"[\"\\u0065cho\",\"tools\\/call\"]", MCP_JSON_AS_READ,
		 "[\"echo\",\"tools/call\"]"},
		{"[\"\\\"\\\\\"]", MCP_JSON_AS_READ, NULL},
		{"[\"a\\nb\\tc\\rd\\u0000e\\u001f\"]", MCP_JSON_AS_READ,
		 "[\"a\\nb\\tc\\u000dd\\u0000e\\u001f\"]"},
		{"[\"\xc3\xa9 \xf0\x9f\x98\x80 \xc2\x84 \xe2\x80\xa7\"]", MCP_JSON_AS_READ, NULL},
		{"[\"\x7f\"]", MCP_JSON_AS_READ, "[\"\\u007f\"]"},
		{"[\"x\xc2\x85y\xe2\x80\xa8z\xe2\x80\xa9\"]", MCP_JSON_AS_READ,
		 "[\"x\\u0085y\\u2028z\\u2029\"]"},
		{"{\"k\\n\\u2028\":1}", MCP_JSON_AS_READ, NULL},
		{"[\"\\ud83d\\ude00\"]", MCP_JSON_AS_READ, "[\"\xf0\x9f\x98\x80\"]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *expected = cases[i].written ? cases[i].written : cases[i].text;
		autobuf struct buf b = BUF_INIT(4096);
		json_auto_t *root = NULL;

		assert_int_equal(
			mcp_json_parse(span_of(cases[i].text), &mcp_response_limits, &root, NULL),
			0);
		assert_int_equal(mcp_json_append(&b, root, cases[i].order), 0);
		buf_append(&b, "", 1);
		assert_string_equal((char *)b.data, expected);
	}
}

static void test_json_write_keeps_to_the_buffers_bound(void **state)
{
	static const char text[] = "{\"a\":[1,2.5,\"x\\ny\",null]}";
	json_auto_t *root = json_loads(text, 0, NULL);

	(void)state;
	for (size_t max = 0; max <= strlen(text); max++) {
		autobuf struct buf b = BUF_INIT(max);

		assert_int_equal(mcp_json_append(&b, root, MCP_JSON_AS_READ),
				 max == strlen(text) ? 0 : -EMSGSIZE);
		assert_true(b.len <= max);
	}
}

static void test_json_write_bounds_depth(void **state)
{
	autobuf struct buf b = BUF_INIT(65536);
	json_t *root = json_array();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		json_t *outer = json_array();

		json_array_append_new(outer, root);
		root = outer;
	}
	assert_int_equal(mcp_json_append(&b, root, MCP_JSON_AS_READ), -EMSGSIZE);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_writes_what_was_read),
		cmocka_unit_test(test_json_write_keeps_to_the_buffers_bound),
		cmocka_unit_test(test_json_write_bounds_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
