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

#define TEXT(literal) literal, sizeof(literal) - 1
#define ID_128                                                                                     \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                         \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define MODERN "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\""
#define CALL(params)                                                                               \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":" params "}"

/* What is forwarded for each body that is let through; NULL: the body itself. */
static void test_message_forwards_only_what_was_judged(void **state)
{
	static const struct {
		const char *body, *forwarded;
	} cases[] = {
		{CALL("{\"name\":\"echo\",\"arguments\":{\"text\":\"hi\"}}"), NULL},
		{CALL("{\"name\":\"echo\"}"), CALL("{\"name\":\"echo\",\"arguments\":{}}")},
		{CALL("{\"name\":\"\\u0065cho\",\"arguments\":{}}"),
		 CALL("{\"name\":\"echo\",\"arguments\":{}}")},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools\\/"
		 "call\",\"params\":{\"name\":\"echo\","
		 "\"arguments\":{}}}",
		 CALL("{\"name\":\"echo\",\"arguments\":{}}")},
		{" {\n\"id\" : 1, \"method\":\"ping\",\t\"jsonrpc\":\"2.0\" } ",
		 "{\"id\":1,\"method\":\"ping\",\"jsonrpc\":\"2.0\"}"},
		{CALL("{\"name\":\"echo\",\"arguments\":{\"a\":0.1,\"b\":9007199254740993,\"c\":"
		      "1e2}}"),
		 CALL("{\"name\":\"echo\",\"arguments\":{\"a\":0.1,\"b\":9007199254740993,\"c\":"
		      "100.0}}")},
		/* arguments are the policy's: no key of theirs is one of the protocol's */
		{CALL("{\"name\":\"echo\",\"arguments\":{\"a\":1,\"b\":{\"task\":1,\"_meta\":{"
		      "\"x\":1}}}}"),
		 NULL},
		/* members that the protocol does not give to the method stay behind */
		{CALL("{\"name\":\"echo\",\"arguments\":{},\"leak\":\"x\"}"),
		 CALL("{\"name\":\"echo\",\"arguments\":{}}")},
		{CALL("{\"name\":\"echo\",\"arguments\":{},\"_meta\":{\"progressToken\":\"t\","
		      "\"leak\":1,"
		      "\"claudecode/toolUseId\":\"x\"}}"),
		 CALL("{\"name\":\"echo\",\"arguments\":{},\"_meta\":{\"progressToken\":\"t\"}}")},
		{CALL("{\"name\":\"echo\",\"arguments\":{},\"_meta\":{" MODERN ",\"leak\":1,"
		      "\"io.modelcontextprotocol/leak\":1,"
		      "\"io.modelcontextprotocol/"
		      "clientInfo\":{\"name\":\"c\",\"version\":\"1\",\"leak\":1}}}"),
		 CALL("{\"name\":\"echo\",\"arguments\":{},\"_meta\":{" MODERN ","
		      "\"io.modelcontextprotocol/"
		      "clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}")},
		/* without its version the modern _meta is the agent's own */
		{CALL("{\"name\":\"echo\",\"arguments\":{},\"_meta\":{"
		      "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"leak\"}}}"),
		 CALL("{\"name\":\"echo\",\"arguments\":{},\"_meta\":{}}")},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
		 "\"protocolVersion\":"
		 "\"2025-11-25\",\"capabilities\":{\"roots\":{}},\"clientInfo\":{\"name\":\"c\","
		 "\"title\":\"C\","
		 "\"version\":\"1\",\"websiteUrl\":\"leak\",\"icons\":[]},\"leak\":1}}",
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
		 "\"protocolVersion\":"
		 "\"2025-11-25\",\"capabilities\":{\"roots\":{}},\"clientInfo\":{\"name\":\"c\","
		 "\"title\":\"C\","
		 "\"version\":\"1\"}}}"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		 "list\",\"params\":{\"cursor\":\"c\",\"x\":1}}",
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		 "list\",\"params\":{\"cursor\":\"c\"}}"},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", NULL},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		 "cancelled\",\"params\":{\"requestId\":3,"
		 "\"reason\":\"leak\"}}",
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		 "cancelled\",\"params\":{\"requestId\":3}}"},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		 "progress\",\"params\":{\"progressToken\":"
		 "\"t\",\"progress\":1,\"total\":2.5,\"message\":\"leak\"}}",
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		 "progress\",\"params\":{\"progressToken\":"
		 "\"t\",\"progress\":1,\"total\":2.5}}"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf b = BUF_INIT(4096);
		automessage struct mcp_message m = {0};
		struct mcp_refusal refusal;

		if (mcp_message_parse(span_of(cases[i].body), &m, &refusal))
			fail_msg("%s: %s", cases[i].body, refusal.text);
		assert_int_equal(mcp_message_serialise(&m, &b), 0);
		buf_append(&b, "", 1);
		assert_string_equal((char *)b.data,
				    cases[i].forwarded ? cases[i].forwarded : cases[i].body);
	}
}

static const struct refused_body {
	const char *body;
	size_t n;
	int http_status, code;
	const char *id_json, *text; /* text: a part of the refusal's */
} refused[] = {
	/* not strict JSON */
	{TEXT(""), 400, MCP_CODE_PARSE, "null", ""},
	{TEXT("\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"), 400,
	 MCP_CODE_PARSE, "null", "byte order mark"},
	{TEXT("{\0\"\0i\0d\0\"\0:\0\x31\0}\0"), 400, MCP_CODE_PARSE, "null", ""},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\xff\"}"), 400, MCP_CODE_PARSE,
	 "null", "UTF-8"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} {}"), 400, MCP_CODE_PARSE, "null",
	 "after"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"method\":\"tools/call\"}"), 400,
	 MCP_CODE_PARSE, "null", "twice"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"m\\u0065thod\":\"tools/call\"}"),
	 400, MCP_CODE_PARSE, "null", "twice"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}"), 400, MCP_CODE_PARSE,
	 "null", "twice"},
	{TEXT(CALL("{\"name\":\"get_status\",\"name\":\"send_fax\"}")), 400, MCP_CODE_PARSE, "null",
	 "twice"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":{\"a\":{\"b\":1,\"b\":2}}}")), 400,
	 MCP_CODE_PARSE, "null", "twice"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":{\"a\":12345678901234567890}}")), 400,
	 MCP_CODE_PARSE, "null", "exact value"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":{\"a\":1e400}}")), 400, MCP_CODE_PARSE, "null",
	 "exact value"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":{\"a\":-0}}")), 400, MCP_CODE_PARSE, "null",
	 "exact value"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":{\"a\":\"\\ud800\"}}")), 400, MCP_CODE_PARSE,
	 "null", ""},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":{\"a\":\"x\\u0000\"}}")), 400, MCP_CODE_PARSE,
	 "null", "NUL"},
	{TEXT("\"ping\""), 400, MCP_CODE_PARSE, "null", ""},
	/* batches */
	{TEXT("[]"), 400, MCP_CODE_INVALID_REQUEST, "null", "batch"},
	{TEXT("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "batch"},
	/* keys that some reader takes for one */
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"Method\":\"ping\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "case"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{},\"param\xc5\xbf\":{}"
	      "}"),
	 400, MCP_CODE_INVALID_REQUEST, "null", "case"},
	{TEXT(CALL("{\"name\":\"get_status\",\"Name\":\"send_fax\"}")), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "case"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":{\"to\":1,\"To\":2}}")), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "params.arguments are the same but for case"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":{\"a\":[{\"b\":{\"k\":1,\"\\u212a\":2}}]}}")),
	 400, MCP_CODE_INVALID_PARAMS, "1", "params.arguments are the same but for case"},
	{TEXT(CALL("{\"name\":\"get_status\",\"arguments\":{},\"argument\\u017f\":{}}")), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "case"},
	{TEXT(CALL("{\"name\":\"e\",\"_meta\":{\"progressToken\":1,\"progressTo\xe2\x84\xaa"
		   "en\":2}}")),
	 400, MCP_CODE_INVALID_PARAMS, "1", "case"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"Method\":\"tools/call\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "beside"},
	/* members and their types */
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"leak\":1}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "beside"},
	{TEXT("{}"), 400, MCP_CODE_INVALID_REQUEST, "null", "jsonrpc"},
	{TEXT("{\"id\":1,\"method\":\"ping\"}"), 400, MCP_CODE_INVALID_REQUEST, "null", "jsonrpc"},
	{TEXT("{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}"), 400, MCP_CODE_INVALID_REQUEST,
	 "null", "jsonrpc"},
	{TEXT("{\"jsonrpc\":2.0,\"id\":1,\"method\":\"ping\"}"), 400, MCP_CODE_INVALID_REQUEST,
	 "null", "jsonrpc"},
	{TEXT("{\"jsonrpc\":\"2.0 \",\"id\":1,\"method\":\"ping\"}"), 400, MCP_CODE_INVALID_REQUEST,
	 "null", "jsonrpc"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1}"), 400, MCP_CODE_INVALID_REQUEST, "1", "no method"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}"), 400, MCP_CODE_INVALID_REQUEST, "1",
	 "no method"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}"), 400, MCP_CODE_INVALID_REQUEST, "1",
	 "no method"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" ID_128 "\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "1", "longer"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[]}"), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "params"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":null}"), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "params"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"_meta\":[]}}"), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "_meta"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"other\",\"params\":{\"_meta\":[]}}"), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "_meta is not"},
	/* ids */
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "id"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":4.0,\"method\":\"ping\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "id"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":4e0,\"method\":\"ping\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "id"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":9007199254740993,\"method\":\"ping\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "id"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":-9007199254740993,\"method\":\"ping\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "id"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"ping\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "id"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"ping\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "id"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":\"a" ID_128 "\",\"method\":\"ping\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "id"},
	/* requests and notifications */
	{TEXT("{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"}}"),
	 400, MCP_CODE_INVALID_REQUEST, "null", "needs an id"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}"), 400, MCP_CODE_INVALID_REQUEST, "null",
	 "needs an id"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"notifications/initialized\"}"), 400,
	 MCP_CODE_INVALID_REQUEST, "1", "must not"},
	/* responses */
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"roots\":[{\"uri\":\"file:///home\"}]}}"),
	 400, MCP_CODE_DENIED, "null", "response"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"leak\"}}"), 400,
	 MCP_CODE_DENIED, "null", "response"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"result\":{}}"), 400,
	 MCP_CODE_INVALID_REQUEST, "null", "both"},
	/* tools/call */
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}"), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "params.name"},
	{TEXT(CALL("{}")), 400, MCP_CODE_INVALID_PARAMS, "1", "params.name"},
	{TEXT(CALL("{\"name\":7}")), 400, MCP_CODE_INVALID_PARAMS, "1", "params.name"},
	{TEXT(CALL("{\"Name\":\"echo\"}")), 400, MCP_CODE_INVALID_PARAMS, "1", "params.name"},
	{TEXT(CALL("{\"name\":\"\"}")), 200, MCP_CODE_INVALID_PARAMS, "1", "name"},
	{TEXT(CALL("{\"name\":\"send_fax \"}")), 200, MCP_CODE_INVALID_PARAMS, "1", "name"},
	{TEXT(CALL("{\"name\":\"weird tool/\xe5\x90\x8d\"}")), 200, MCP_CODE_INVALID_PARAMS, "1",
	 "name"},
	{TEXT(CALL("{\"name\":\"" ID_128 "\"}")), 200, MCP_CODE_INVALID_PARAMS, "1", "name"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":null}")), 400, MCP_CODE_INVALID_PARAMS, "1",
	 "params.arguments"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":[]}")), 400, MCP_CODE_INVALID_PARAMS, "1",
	 "params.arguments"},
	{TEXT(CALL("{\"name\":\"echo\",\"arguments\":\"{}\"}")), 400, MCP_CODE_INVALID_PARAMS, "1",
	 "params.arguments"},
	{TEXT(CALL("{\"name\":\"echo\",\"task\":{\"ttl\":1}}")), 200, MCP_CODE_DENIED, "1", "task"},
	{TEXT(CALL("{\"name\":\"echo\",\"task\":null}")), 200, MCP_CODE_DENIED, "1", "task"},
	{TEXT(CALL("{\"name\":\"echo\",\"inputResponses\":{},\"_meta\":{" MODERN "}}")), 200,
	 MCP_CODE_DENIED, "1", "inputResponses"},
	{TEXT(CALL("{\"name\":\"echo\",\"requestState\":\"s\",\"_meta\":{" MODERN "}}")), 200,
	 MCP_CODE_DENIED, "1", "requestState"},
	/* lengths and types of what leaves beside the arguments */
	{TEXT(CALL("{\"name\":\"e\",\"_meta\":{\"progressToken\":\"a" ID_128 "\"}}")), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "progressToken"},
	{TEXT(CALL("{\"name\":\"e\",\"_meta\":{\"progressToken\":1.5}}")), 400,
	 MCP_CODE_INVALID_PARAMS, "1", "progressToken"},
	{TEXT(CALL("{\"name\":\"e\",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":1}}")),
	 400, MCP_CODE_INVALID_PARAMS, "1", "version"},
	{TEXT(CALL(
		 "{\"name\":\"e\",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" ID_128
		 "\"}}")),
	 400, MCP_CODE_INVALID_PARAMS, "1", "protocolVersion"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"clientInfo\":{"
	      "\"name\":\"a" ID_128 "\"}}}"),
	 400, MCP_CODE_INVALID_PARAMS, "1", "name"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
	      "\"capabilities\":1}}"),
	 400, MCP_CODE_INVALID_PARAMS, "1", "capabilities"},
	{TEXT("{\"jsonrpc\":\"2.0\",\"id\":\"x\\n\",\"method\":\"tools/"
	      "list\",\"params\":{\"cursor\":1}}"),
	 400, MCP_CODE_INVALID_PARAMS, "\"x\\n\"", "cursor"},
};

static void test_message_refuses_what_servers_read_differently(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const struct refused_body *c = &refused[i];
		struct mcp_refusal refusal;
		struct mcp_message m;
		int r = mcp_message_parse(span_bytes(c->body, c->n), &m, &refusal);

		if (r != -EBADMSG)
			fail_msg("%s: got %d", c->body, r);
		assert_null(m.root);
		if (refusal.http_status != c->http_status || refusal.code != c->code ||
		    strcmp(refusal.id_json, c->id_json) != 0 || !strstr(refusal.text, c->text))
			fail_msg("%s: %d %d %s %s", c->body, refusal.http_status, refusal.code,
				 refusal.id_json, refusal.text);
		assert_int_equal(strncmp(refusal.text, "mcpjail: ", 9), 0);
	}
}

static void test_message_refuses_deep_nesting(void **state)
{
	autobuf struct buf b = BUF_INIT(1 << 20);
	struct mcp_refusal refusal;
	struct mcp_message m;

	(void)state;
	buf_puts(&b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
		     "\"echo\",\"arguments\":{\"a\":");
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "[");
	for (int i = 0; i < 100000; i++)
		buf_puts(&b, "]");
	buf_puts(&b, "}}}");
	assert_int_equal(mcp_message_parse(span_bytes(b.data, b.len), &m, &refusal), -EBADMSG);
	assert_int_equal(refusal.http_status, 400);
	assert_non_null(strstr(refusal.text, "nested too deeply"));
}

static void test_message_tells_kind_era_and_call(void **state)
{
	static const struct {
		const char *body;
		enum mcp_kind kind;
		enum mcp_era era;
		const char *id_json, *tool, *version;
		size_t arguments;
		bool has_token;
	} cases[] = {
		{"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"ping\"}", MCP_REQUEST, ERA_LEGACY,
		 "\"a\"", NULL, NULL, 0, false},
		{"{\"jsonrpc\":\"2.0\",\"id\":9007199254740992,\"method\":\"ping\",\"params\":{}}",
		 MCP_REQUEST, ERA_LEGACY, "9007199254740992", NULL, NULL, 0, false},
		{"{\"jsonrpc\":\"2.0\",\"id\":-9007199254740992,\"method\":\"ping\"}", MCP_REQUEST,
		 ERA_LEGACY, "-9007199254740992", NULL, NULL, 0, false},
		{"{\"jsonrpc\":\"2.0\",\"id\":\"\",\"method\":\"ping\"}", MCP_REQUEST, ERA_LEGACY,
		 "\"\"", NULL, NULL, 0, false},
		{"{\"jsonrpc\":\"2.0\",\"id\":\"" ID_128 "\",\"method\":\"ping\"}", MCP_REQUEST,
		 ERA_LEGACY, "\"" ID_128 "\"", NULL, NULL, 0, false},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}", MCP_NOTIFICATION,
		 ERA_LEGACY, "", NULL, NULL, 0, false},
		{CALL("{\"name\":\"a-B_c.9\",\"arguments\":{\"x\":1,\"y\":2}}"), MCP_REQUEST,
		 ERA_LEGACY, "1", "a-B_c.9", NULL, 2, false},
		{CALL("{\"name\":\"e\",\"_meta\":{\"progressToken\":0}}"), MCP_REQUEST, ERA_LEGACY,
		 "1", "e", NULL, 0, true},
		{CALL("{\"name\":\"e\",\"_meta\":{" MODERN "}}"), MCP_REQUEST, ERA_MODERN, "1", "e",
		 "2026-07-28", 0, false},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/"
		 "discover\",\"params\":{\"_meta\":{" MODERN "}}}",
		 MCP_REQUEST, ERA_MODERN, "1", NULL, "2026-07-28", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		automessage struct mcp_message m = {0};
		struct mcp_refusal refusal;

		if (mcp_message_parse(span_of(cases[i].body), &m, &refusal))
			fail_msg("%s: %s", cases[i].body, refusal.text);
		assert_int_equal(m.kind, cases[i].kind);
		assert_int_equal(m.era, cases[i].era);
		assert_string_equal(m.id_json, cases[i].id_json);
		assert_true((m.id != NULL) == (m.kind == MCP_REQUEST));
		assert_true((m.tool != NULL) == (cases[i].tool != NULL));
		assert_true((m.arguments != NULL) == (cases[i].tool != NULL));
		if (m.tool)
			assert_string_equal(m.tool, cases[i].tool);
		assert_int_equal(json_object_size(m.arguments), cases[i].arguments);
		assert_true((m.version != NULL) == (cases[i].version != NULL));
		if (m.version)
			assert_string_equal(m.version, cases[i].version);
		assert_true((m.progress_token != NULL) == cases[i].has_token);
	}
}

static void test_message_id_of_control_characters_fits(void **state)
{
	autobuf struct buf b = BUF_INIT(4096);
	automessage struct mcp_message m = {0};
	struct mcp_refusal refusal;

	(void)state;
	buf_puts(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"id\":\"");
	for (int i = 0; i < MCP_ID_MAX; i++)
		buf_puts(&b, "\\u0001");
	buf_puts(&b, "\"}");
	assert_int_equal(mcp_message_parse(span_bytes(b.data, b.len), &m, &refusal), 0);
	assert_int_equal(strlen(m.id_json), 2 + 6 * MCP_ID_MAX);
}

static void test_message_names_the_tool_of_a_refused_call(void **state)
{
	struct mcp_refusal refusal;
	struct mcp_message m;

	(void)state;
	assert_int_equal(mcp_message_parse(span_of(CALL("{\"name\":\"send_fax\",\"task\":{}}")), &m,
					   &refusal),
			 -EBADMSG);
	assert_string_equal(refusal.method, "tools/call");
	assert_string_equal(refusal.tool, "send_fax");
}

static void test_arguments_canonical_does_not_depend_on_order(void **state)
{
	static const char *const texts[] = {
		CALL("{\"name\":\"e\",\"arguments\":{\"b\":[{\"y\":1,\"x\":2}],\"a\":\"\\u0041\"}"
		     "}"),
		CALL("{\"name\":\"e\",\"arguments\": {\"a\":\"A\",\"b\":[{\"x\":2,\"y\":1}]}}"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		autobuf struct buf b = BUF_INIT(4096);
		automessage struct mcp_message m = {0};
		struct mcp_refusal refusal;

		assert_int_equal(mcp_message_parse(span_of(texts[i]), &m, &refusal), 0);
		assert_int_equal(mcp_arguments_canonical(m.arguments, &b), 0);
		buf_append(&b, "", 1);
		assert_string_equal((char *)b.data, "{\"a\":\"A\",\"b\":[{\"x\":2,\"y\":1}]}");
	}
}

static void test_arguments_canonical_of_none_is_an_empty_object(void **state)
{
	autobuf struct buf b = BUF_INIT(16);

	(void)state;
	assert_int_equal(mcp_arguments_canonical(NULL, &b), 0);
	assert_int_equal(b.len, 2);
	assert_memory_equal(b.data, "{}", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_forwards_only_what_was_judged),
		cmocka_unit_test(test_message_refuses_what_servers_read_differently),
		cmocka_unit_test(test_message_refuses_deep_nesting),
		cmocka_unit_test(test_message_tells_kind_era_and_call),
		cmocka_unit_test(test_message_id_of_control_characters_fits),
		cmocka_unit_test(test_message_names_the_tool_of_a_refused_call),
		cmocka_unit_test(test_arguments_canonical_does_not_depend_on_order),
		cmocka_unit_test(test_arguments_canonical_of_none_is_an_empty_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
