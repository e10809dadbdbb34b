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
#include "mcp/reply.h"

static void assert_text(struct buf *b, const char *expected)
{
	assert_int_equal(buf_append(b, "", 1), 0);
	assert_string_equal((char *)b->data, expected);
	buf_clear(b);
}

static void parse(const char *body, struct mcp_message *ret)
{
	struct mcp_refusal refusal;

	if (mcp_message_parse(span_of(body), ret, &refusal))
		fail_msg("%s: %s", body, refusal.text);
}

static void test_reply_denies_a_tool_in_the_form_of_its_era(void **state)
{
	static const struct {
		const char *body, *reply;
	} cases[] = {
		{"{\"jsonrpc\":\"2.0\",\"id\":\"a\\n\",\"method\":\"tools/"
		 "call\",\"params\":{\"name\":\"e\"}}",
		 "{\"jsonrpc\":\"2.0\",\"id\":\"a\\n\",\"result\":{\"content\":[{\"type\":\"text\","
		 "\"text\":"
		 "\"no: \\\"x\\\"\"}],\"isError\":true}}"},
		{"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
		 "call\",\"params\":{\"name\":\"e\",\"_meta\":"
		 "{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}",
		 "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\","
		 "\"content\":[{\"type\":"
		 "\"text\",\"text\":\"no: \\\"x\\\"\"}],\"isError\":true}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf b = BUF_INIT(4096);
		automessage struct mcp_message m = {0};

		parse(cases[i].body, &m);
		assert_int_equal(mcp_reply_tool_denied(&m, "no: \"x\"", &b), 0);
		assert_text(&b, cases[i].reply);
	}
}

static void test_reply_error_carries_the_id(void **state)
{
	json_auto_t *text_id = json_string("4"), *number_id = json_integer(4);
	autobuf struct buf b = BUF_INIT(4096);

	(void)state;
	assert_int_equal(mcp_reply_error(text_id, MCP_CODE_METHOD_NOT_FOUND, "no", &b), 0);
	assert_text(&b, "{\"jsonrpc\":\"2.0\",\"id\":\"4\",\"error\":{\"code\":-32601,\"message\":"
			"\"no\"}}");
	assert_int_equal(mcp_reply_error(number_id, MCP_CODE_DENIED, "no", &b), 0);
	assert_text(
		&b,
		"{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-31001,\"message\":\"no\"}}");
	assert_int_equal(mcp_reply_error(NULL, MCP_CODE_PARSE, "no", &b), 0);
	assert_text(
		&b,
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no\"}}");
}

static void test_reply_refusal_says_what_was_refused(void **state)
{
	autobuf struct buf b = BUF_INIT(4096);
	struct mcp_refusal refusal;
	struct mcp_message m;

	(void)state;
	assert_int_equal(
		mcp_message_parse(span_of("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":3}"), &m,
				  &refusal),
		-EBADMSG);
	assert_int_equal(mcp_reply_refusal(&refusal, &b), 0);
	assert_text(&b, "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"error\":{\"code\":-32600,\"message\":"
			"\"mcpjail: "
			"refused this message: it has no method, or one longer than 64 bytes\"}}");
}

static void test_reply_stays_valid_json_whatever_the_text(void **state)
{
	static const char *const texts[] = {"", "a\nb\r\x01", "\"},\"x\":{", "cut \xe2\x80",
					    "\xff\xfe"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		autobuf struct buf b = BUF_INIT(4096);
		json_t *root;

		assert_int_equal(mcp_reply_error(NULL, MCP_CODE_DENIED, texts[i], &b), 0);
		assert_null(memchr(b.data, '\n', b.len));
		assert_null(memchr(b.data, '\r', b.len));
		root = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(root);
		assert_int_equal(json_object_size(json_object_get(root, "error")), 2);
		json_decref(root);
	}
}

static void test_reply_keeps_to_the_buffers_bound(void **state)
{
	autobuf struct buf b = BUF_INIT(40);

	(void)state;
	assert_int_equal(mcp_reply_error(NULL, MCP_CODE_DENIED, "too long for it", &b), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reply_denies_a_tool_in_the_form_of_its_era),
		cmocka_unit_test(test_reply_error_carries_the_id),
		cmocka_unit_test(test_reply_refusal_says_what_was_refused),
		cmocka_unit_test(test_reply_stays_valid_json_whatever_the_text),
		cmocka_unit_test(test_reply_keeps_to_the_buffers_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
