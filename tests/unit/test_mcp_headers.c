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
#include "mcp/message.h"

#define META   "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}"
#define ABSENT NULL

static const char modern_call[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
				  "call\",\"params\":{\"name\":\"get_status\"," META "}}";
static const char modern_list[] =
	"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\",\"params\":{" META "}}";
static const char modern_read[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"resources/"
				  "read\",\"params\":{\"uri\":\"a:b\"," META "}}";
static const char legacy_call[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
				  "call\",\"params\":{\"name\":\"get_status\"}}";
static const char notification[] =
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}";

static void parse(const char *body, struct mcp_message *ret)
{
	struct mcp_refusal refusal;

	if (mcp_message_parse(span_of(body), ret, &refusal))
		fail_msg("%s: %s", body, refusal.text);
}

static void test_headers_must_agree_with_the_body(void **state)
{
	static const struct {
		const char *body, *version, *method, *name;
		const char *wrong; /* the field that the refusal names; NULL: they agree */
	} cases[] = {
		{modern_call, "2026-07-28", "tools/call", "get_status", NULL},
		{modern_call, "2026-07-28", "tools/call", "=?base64?Z2V0X3N0YXR1cw==?=", NULL},
		{modern_call, ABSENT, "tools/call", "get_status",
		 "MCP-Protocol-Version is missing"},
		{modern_call, "", "tools/call", "get_status", "MCP-Protocol-Version"},
		{modern_call, "2025-11-25", "tools/call", "get_status", "MCP-Protocol-Version"},
		{modern_call, "2026-07-28 ", "tools/call", "get_status", "MCP-Protocol-Version"},
		{modern_call, "2026-07-2", "tools/call", "get_status", "MCP-Protocol-Version"},
		{modern_call, "2026-07-28", ABSENT, "get_status", "Mcp-Method is missing"},
		{modern_call, "2026-07-28", "ping", "get_status", "Mcp-Method"},
		{modern_call, "2026-07-28", "Tools/Call", "get_status", "Mcp-Method"},
		{modern_call, "2026-07-28", "tools/call", ABSENT, "Mcp-Name is missing"},
		{modern_call, "2026-07-28", "tools/call", "", "Mcp-Name"},
		{modern_call, "2026-07-28", "tools/call", "send_fax", "Mcp-Name"},
		{modern_call, "2026-07-28", "tools/call", "Get_Status", "Mcp-Name"},
		{modern_call, "2026-07-28", "tools/call", "=?base64?c2VuZF9mYXg=?=", "Mcp-Name"},
		{modern_call, "2026-07-28", "tools/call", "=?base64?Z2V0X3N0YXR1cw?=", "Mcp-Name"},
		{modern_call, "2026-07-28", "tools/call", "=?base64?", "Mcp-Name"},
		{modern_list, "2026-07-28", "tools/list", ABSENT, NULL},
		{modern_list, "2026-07-28", "tools/list", "send_fax", "Mcp-Name"},
		{modern_list, "2026-07-28", "tools/call", "send_fax", "Mcp-Method"},
		{modern_read, "2026-07-28", "resources/read", "a:b", NULL},
		{legacy_call, ABSENT, ABSENT, ABSENT, NULL},
		{legacy_call, "2024-11-05", ABSENT, ABSENT, NULL},
		{legacy_call, "2025-11-25", "ping", "send_fax", NULL},
		{legacy_call, "2025", ABSENT, ABSENT, "MCP-Protocol-Version"},
		{legacy_call, "2026-07-28", ABSENT, ABSENT, "MCP-Protocol-Version"},
		{legacy_call, "2027-01-01", ABSENT, ABSENT, "MCP-Protocol-Version"},
		{legacy_call, "DRAFT-2026", ABSENT, ABSENT, "MCP-Protocol-Version"},
		{legacy_call, "", ABSENT, ABSENT, "MCP-Protocol-Version"},
		{legacy_call, "2025-11-25,2026-07-28", ABSENT, ABSENT, "MCP-Protocol-Version"},
		{notification, "2026-07-28", "notifications/cancelled", ABSENT, NULL},
		{notification, "2025-06-18", ABSENT, ABSENT, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct mcp_headers headers = {span_of(cases[i].version),
						    span_of(cases[i].method),
						    span_of(cases[i].name)};
		automessage struct mcp_message m = {0};
		struct mcp_refusal refusal = {0};
		int r;

		parse(cases[i].body, &m);
		r = mcp_message_check_headers(&m, &headers, &refusal);
		if (r != (cases[i].wrong ? -EBADMSG : 0))
			fail_msg("case %zu: got %d %s", i, r, refusal.text);
		if (!cases[i].wrong)
			continue;
		assert_non_null(strstr(refusal.text, cases[i].wrong));
		assert_int_equal(refusal.http_status, 400);
		assert_int_equal(refusal.code, -32020);
		assert_string_equal(refusal.id_json, "7");
		assert_string_equal(refusal.method, m.method);
	}
}

static void test_param_values_must_repeat_an_argument(void **state)
{
	static const char body[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
				   "call\",\"params\":{\"name\":\"e\","
				   "\"arguments\":{\"region\":\"us-west1\",\"n\":42,\"x\":{\"y\":["
				   "true,\"H\xc3\xa4\"]},"
				   "\"f\":1.5,\"e\":\"\",\"q\":\"=?base64?YQ==?=\"}}}";
	static const struct {
		const char *value;
		bool repeats;
	} cases[] = {
		{"us-west1", true},
		{"=?base64?dXMtd2VzdDE=?=", true},
		{"42", true},
		{"true", true},
		{"1.5", true},
		{"=?base64?SMOk?=", true},
		{"", true},
		{"=?base64?PT9iYXNlNjQ/WVE9PT89?=", true},
		{"=?base64?YQ==?=", false},
		{"us-west", false},
		{"us-west1 ", false},
		{"region", false},
		{"42.0", false},
		{"=?base64?NDI=?=", false},
		{"=?base64?dXMtd2VzdDE?=", false},
		{"false", false},
		{"leak", false},
	};
	automessage struct mcp_message m = {0};

	(void)state;
	parse(body, &m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (mcp_message_has_argument_value(&m, span_of(cases[i].value)) != cases[i].repeats)
			fail_msg("%s: expected %d", cases[i].value, cases[i].repeats);
}

static void test_param_values_have_nothing_to_repeat_without_a_call(void **state)
{
	automessage struct mcp_message m = {0};

	(void)state;
	parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", &m);
	assert_false(mcp_message_has_argument_value(&m, span_of("")));
	assert_false(mcp_message_has_argument_value(&m, span_of("1")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_must_agree_with_the_body),
		cmocka_unit_test(test_param_values_must_repeat_an_argument),
		cmocka_unit_test(test_param_values_have_nothing_to_repeat_without_a_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
