// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mcp/message.h"

#define MODERN "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\""

static void parse(const char *body, struct mcp_message *ret)
{
	struct mcp_refusal refusal;

	if (mcp_message_parse(span_of(body), ret, &refusal))
		fail_msg("%s: %s", body, refusal.text);
}

static void test_method_route_passes_by_list(void **state)
{
	static const struct {
		const char *method;
		enum mcp_route route;
	} cases[] = {
		{"initialize", MCP_PASS},
		{"server/discover", MCP_PASS},
		{"ping", MCP_PASS},
		{"tools/list", MCP_FILTER_LIST},
		{"notifications/initialized", MCP_PASS},
		{"notifications/cancelled", MCP_PASS},
		{"notifications/progress", MCP_PASS},
		{"notifications/roots/list_changed", MCP_PASS},
		{"notifications/message", MCP_DENY},
		{"notifications/tasks/status", MCP_DENY},
		{"notifications/initialized ", MCP_DENY},
		{"Tools/Call", MCP_DENY},
		{"tools/call ", MCP_DENY},
		{"tools/callx", MCP_DENY},
		{"tools/CALL", MCP_DENY},
		{"logging/setLevel", MCP_DENY},
		{"resources/list", MCP_DENY},
		{"resources/read", MCP_DENY},
		{"resources/subscribe", MCP_DENY},
		{"resources/templates/list", MCP_DENY},
		{"prompts/list", MCP_DENY},
		{"prompts/get", MCP_DENY},
		{"completion/complete", MCP_DENY},
		{"subscriptions/listen", MCP_DENY},
		{"tasks/get", MCP_DENY},
		{"tasks/result", MCP_DENY},
		{"tasks/list", MCP_DENY},
		{"tasks/cancel", MCP_DENY},
		{"tasks/update", MCP_DENY},
		{"sampling/createMessage", MCP_DENY},
		{"elicitation/create", MCP_DENY},
		{"roots/list", MCP_DENY},
		{"rpc.discover", MCP_DENY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool is_notification = !strncmp(cases[i].method, "notifications/", 14);
		automessage struct mcp_message m = {0};
		char body[256];

		snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\"%s,\"method\":\"%s\"}",
			 is_notification ? "" : ",\"id\":1", cases[i].method);
		parse(body, &m);
		if (mcp_method_route(&m) != cases[i].route)
			fail_msg("%s: expected %d", cases[i].method, cases[i].route);
	}
}

static void test_method_route_judges_calls(void **state)
{
	automessage struct mcp_message m = {0};

	(void)state;
	parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
	      "call\",\"params\":{\"name\":\"e\"}}",
	      &m);
	assert_int_equal(mcp_method_route(&m), MCP_JUDGE);
}

static void test_strip_capabilities_leaves_none(void **state)
{
	static const struct {
		const char *body, *stripped;
	} cases[] = {
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
		 "\"protocolVersion\":"
		 "\"2025-11-25\",\"capabilities\":{\"roots\":{\"listChanged\":true},\"sampling\":{}"
		 ","
		 "\"elicitation\":{\"url\":{}},\"tasks\":{},\"experimental\":{\"leak\":{}}}}}",
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
		 "\"protocolVersion\":"
		 "\"2025-11-25\",\"capabilities\":{}}}"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		 "list\",\"params\":{\"_meta\":{" MODERN
		 ",\"io.modelcontextprotocol/clientCapabilities\":{\"sampling\":{},\"extensions\":{"
		 "\"io.modelcontextprotocol/tasks\":{}}}}}}",
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		 "list\",\"params\":{\"_meta\":{" MODERN
		 ",\"io.modelcontextprotocol/clientCapabilities\":{}}}}"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		 "call\",\"params\":{\"name\":\"e\","
		 "\"arguments\":{\"capabilities\":{\"roots\":1}}}}",
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		 "call\",\"params\":{\"name\":\"e\","
		 "\"arguments\":{\"capabilities\":{\"roots\":1}}}}"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf b = BUF_INIT(4096);
		automessage struct mcp_message m = {0};

		parse(cases[i].body, &m);
		mcp_message_strip_capabilities(&m);
		assert_int_equal(mcp_message_serialise(&m, &b), 0);
		buf_append(&b, "", 1);
		assert_string_equal((char *)b.data, cases[i].stripped);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_method_route_passes_by_list),
		cmocka_unit_test(test_method_route_judges_calls),
		cmocka_unit_test(test_strip_capabilities_leaves_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
