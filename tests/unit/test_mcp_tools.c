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
#include "mcp/tools.h"

static bool is_visible(void *arg, const char *tool)
{
	*(unsigned *)arg += 1;
	return strcmp(tool, "send_fax") != 0;
}

static void test_tools_shows_those_that_are_visible_valid_and_named_once(void **state)
{
	static const struct {
		const char *tools, *shown;
		unsigned hidden;
	} cases[] = {
		{"[]", "[]", 0},
		{"[{\"name\":\"a\",\"inputSchema\":{\"x\":1,\"X\":2}},{\"name\":\"send_fax\"}]",
		 "[{\"name\":\"a\",\"inputSchema\":{\"x\":1,\"X\":2}}]", 1},
		{"[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"\\u0061\",\"description\":\"d\"}]",
		 "[{\"name\":\"b\"}]", 2},
		{"[{\"name\":\"a\"},{\"name\":\"a\"},{\"name\":\"a\"}]", "[]", 3},
		{"[{\"name\":\"a\"},{\"name\":\"a\",\"Name\":\"x\"}]", "[]", 2},
		{"[{\"name\":\"a\"},{\"name\":\"A\"}]", "[{\"name\":\"a\"},{\"name\":\"A\"}]", 0},
		{"[{\"name\":\"a\",\"Name\":\"b\"}]", "[]", 1},
		{"[{\"name\":\"a\",\"de\xc5\xbf"
		 "cription\":\"x\",\"description\":\"y\"}]",
		 "[]", 1},
		{"[{\"name\":\"a \"},{\"name\":\"a\\u0000\"},{\"name\":\"weird "
		 "tool/\xe5\x90\x8d\"}]",
		 "[]", 3},
		{"[{\"name\":\"\"},{\"name\":7},{\"name\":null},{},7,[],null,\"a\"]", "[]", 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf b = BUF_INIT(4096);
		json_auto_t *tools = NULL, *shown = NULL;
		unsigned asked = 0, hidden = 99;
		const struct mcp_response_rules rules = {.tool_is_visible = is_visible,
							 .arg = &asked};

		assert_int_equal(
			mcp_json_parse(span_of(cases[i].tools), &mcp_response_limits, &tools, NULL),
			0);
		assert_int_equal(tools_filter(tools, &rules, &shown, &hidden), 0);
		assert_int_equal(mcp_json_append(&b, shown, MCP_JSON_AS_READ), 0);
		buf_append(&b, "", 1);
		assert_string_equal((char *)b.data, cases[i].shown);
		assert_int_equal(hidden, cases[i].hidden);
	}
}

static void test_tools_shows_none_without_a_say(void **state)
{
	const struct mcp_response_rules rules = {.tool_is_visible = NULL};
	json_auto_t *tools = json_pack("[{s:s}]", "name", "a"), *shown = NULL;
	unsigned hidden;

	(void)state;
	assert_int_equal(tools_filter(tools, &rules, &shown, &hidden), 0);
	assert_int_equal(json_array_size(shown), 0);
	assert_int_equal(hidden, 1);
}

static void test_tools_refuses_what_is_no_array(void **state)
{
	const struct mcp_response_rules rules = {.tool_is_visible = NULL};
	json_auto_t *object = json_object();
	json_t *shown = NULL;
	unsigned hidden;

	(void)state;
	assert_int_equal(tools_filter(NULL, &rules, &shown, &hidden), -EINVAL);
	assert_int_equal(tools_filter(object, &rules, &shown, &hidden), -EINVAL);
	assert_null(shown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tools_shows_those_that_are_visible_valid_and_named_once),
		cmocka_unit_test(test_tools_shows_none_without_a_say),
		cmocka_unit_test(test_tools_refuses_what_is_no_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
