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
		const struct mcp_headers headers = {
			.protocol_version = span_of(cases[i].version),
			.method = span_of(cases[i].method),
			.name = span_of(cases[i].name),
		};
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

/* A modern tools/call with all that a Mcp-Param-* could repeat. */
static const char param_call[] =
	"{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
	"call\",\"params\":{\"name\":\"e\",\"arguments\":{"
	"\"region\":\"us-west1\",\"n\":42,\"yes\":true,\"x\":{\"y\":\"deep\"},\"l\":[1],\"name\":"
	"\"H\xc3\xa4\",\"f\":1.5,\"empty\":\"\",\"q\":\"=?base64?YQ==?=\",\"b c\":1,"
	"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1,"
	"\"h\xc3\xa4\":1}," META "}}";

static void test_params_must_repeat_the_argument_they_are_named_after(void **state)
{
	static const struct {
		const char *name, *value;
		const char *key; /* NULL: it repeats none */
	} cases[] = {
		{"region", "us-west1", "region"},
		{"Region", "us-west1", "region"},
		{"REGION", "=?base64?dXMtd2VzdDE=?=", "region"},
		{"n", "42", "n"},
		{"Yes", "true", "yes"},
		{"f", "1.5", "f"},
		{"name", "=?base64?SMOk?=", "name"},
		{"empty", "", "empty"},
		{"q", "=?base64?PT9iYXNlNjQ/WVE9PT89?=", "q"},
		/* the value of another argument, of one within, of none */
		{"n", "us-west1", NULL},
		{"y", "deep", NULL},
		{"x", "deep", NULL},
		{"l", "1", NULL},
		{"leak", "us-west1", NULL},
		{"q", "=?base64?YQ==?=", NULL},
		{"region", "us-west", NULL},
		{"region", "us-west1 ", NULL},
		{"region", "region", NULL},
		{"region", "=?base64?dXMtd2VzdDE?=", NULL},
		{"n", "42.0", NULL},
		{"n", "=?base64?NDI=?=", NULL},
		{"yes", "false", NULL},
		/* no name of a field, though one of an argument */
		{"", "us-west1", NULL},
		{"b c", "1", NULL},
		{"h\xc3\xa4", "1", NULL},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1",
		 NULL},
	};
	automessage struct mcp_message m = {0};

	(void)state;
	parse(param_call, &m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct mcp_param param = {span_of(cases[i].name), span_of(cases[i].value)};
		const char *key = mcp_message_param_key(&m, &param);

		if (!key != !cases[i].key || (key && strcmp(key, cases[i].key)))
			fail_msg("%s: %s: got %s", cases[i].name, cases[i].value, key);
	}
}

static void test_params_have_nothing_to_repeat_without_a_call(void **state)
{
	const struct mcp_param param = {span_of("id"), span_of("1")};
	automessage struct mcp_message m = {0};

	(void)state;
	parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", &m);
	assert_null(mcp_message_param_key(&m, &param));
}

static void test_headers_refuse_params_that_say_more_than_the_body(void **state)
{
	static struct mcp_param good = {.name = {"Region", 6}, .value = {"us-west1", 8}};
	static const struct {
		struct mcp_param params[2];
		size_t n;
		const char *wrong;
	} cases[] = {
		{{{{"Region", 6}, {"us-west1", 8}}, {{"N", 1}, {"42", 2}}}, 2, NULL},
		{{{{"Region", 6}, {"leak", 4}}}, 1, "Mcp-Param-* does not repeat"},
		{{{{"Leak", 4}, {"us-west1", 8}}}, 1, "Mcp-Param-* does not repeat"},
		{{{{"n", 1}, {"42", 2}}, {{"N", 1}, {"42", 2}}}, 2, "twice"},
	};
	struct mcp_param many[MCP_PARAMS_MAX + 1];
	struct mcp_headers headers = {
		.protocol_version = span_of("2026-07-28"),
		.method = span_of("tools/call"),
		.name = span_of("e"),
	};
	automessage struct mcp_message m = {0}, legacy = {0};
	struct mcp_refusal refusal = {0};

	(void)state;
	parse(param_call, &m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		headers.params = cases[i].params;
		headers.n_params = cases[i].n;
		assert_int_equal(mcp_message_check_headers(&m, &headers, &refusal),
				 cases[i].wrong ? -EBADMSG : 0);
		if (!cases[i].wrong)
			continue;
		if (!strstr(refusal.text, cases[i].wrong))
			fail_msg("case %zu: %s", i, refusal.text);
		assert_int_equal(refusal.http_status, 400);
		assert_int_equal(refusal.code, -32020);
	}
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = good;
	headers.params = many;
	headers.n_params = ARRAY_SIZE(many);
	assert_int_equal(mcp_message_check_headers(&m, &headers, &refusal), -EBADMSG);
	assert_non_null(strstr(refusal.text, "too often"));
	/* legacy servers know no such field: it is left behind, not refused */
	parse(legacy_call, &legacy);
	headers = (struct mcp_headers){.params = cases[1].params, .n_params = 1};
	assert_int_equal(mcp_message_check_headers(&legacy, &headers, &refusal), 0);
}

static void test_versions_are_known_or_not(void **state)
{
	static const char *const known[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25",
					    "2026-07-28"};
	static const char *const unknown[] = {"",          "2025-11-26", "2026-07-28 ",
					      "2026-07-2", "leak",       "2027-01-01"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		assert_string_equal(mcp_known_version(span_of(known[i])), known[i]);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_null(mcp_known_version(span_of(unknown[i])));
	assert_null(mcp_known_version((struct span){NULL, 0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers_must_agree_with_the_body),
		cmocka_unit_test(test_params_must_repeat_the_argument_they_are_named_after),
		cmocka_unit_test(test_params_have_nothing_to_repeat_without_a_call),
		cmocka_unit_test(test_headers_refuse_params_that_say_more_than_the_body),
		cmocka_unit_test(test_versions_are_known_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
