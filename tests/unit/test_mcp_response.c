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
#include "mcp/response.h"

#define TEXT(literal)   literal, sizeof(literal) - 1
#define OK_RESULT       "{\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}"
#define RESULT(id, res) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" res "}"
#define ERROR(id, err)  "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":" err "}"

static const char call_4[] = "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/"
			     "call\",\"params\":{\"name\":\"get_status\","
			     "\"arguments\":{},\"_meta\":{\"progressToken\":9}}}";
static const char call_text_4[] = "{\"jsonrpc\":\"2.0\",\"id\":\"4\",\"method\":\"tools/"
				  "call\",\"params\":{\"name\":\"get_status\","
				  "\"arguments\":{},\"_meta\":{\"progressToken\":\"9\"}}}";
static const char modern_call_4[] =
	"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/"
	"call\",\"params\":{\"name\":\"get_status\","
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}}}";
static const char list_4[] = "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\"}";
static const char ping_4[] = "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ping\"}";
static const char initialized[] = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

static bool is_visible(void *arg, const char *tool)
{
	(void)arg;
	return !strcmp(tool, "get_status") || !strcmp(tool, "start_session");
}

struct outcome {
	int r;
	struct mcp_response_info info;
	char out[4096], answer[4096];
	struct error err;
};

/* @request: NULL for a stream of its own */
static void filter(const char *request, const char *text, size_t n, struct outcome *ret)
{
	autobuf struct buf out = BUF_INIT(sizeof(ret->out) - 1);
	autobuf struct buf answer = BUF_INIT(sizeof(ret->answer) - 1);
	automessage struct mcp_message m = {0};
	struct mcp_response_rules rules = {.tool_is_visible = is_visible};
	struct mcp_refusal refusal;

	memset(ret, 0, sizeof(*ret));
	if (request) {
		if (mcp_message_parse(span_of(request), &m, &refusal))
			fail_msg("%s: %s", request, refusal.text);
		rules.request = &m;
	}
	ret->r = mcp_response_filter(&rules, span_bytes(text, n), &out, &answer, &ret->info,
				     &ret->err);
	if (!ret->r) {
		span_copy(span_bytes(out.data, out.len), ret->out, sizeof(ret->out));
		span_copy(span_bytes(answer.data, answer.len), ret->answer, sizeof(ret->answer));
	}
}

static void test_response_relays_the_answer_to_the_request(void **state)
{
	static const struct {
		const char *request, *text;
		const char *out; /* NULL: as it came */
		bool is_error;
	} cases[] = {
		{call_4, RESULT("4", OK_RESULT), NULL, false},
		{call_text_4, RESULT("\"4\"", OK_RESULT), NULL, false},
		{call_text_4, RESULT("\"\\u0034\"", OK_RESULT), RESULT("\"4\"", OK_RESULT), false},
		{modern_call_4, RESULT("4", "{\"resultType\":\"complete\",\"content\":[]}"), NULL,
		 false},
		{ping_4, RESULT("4", "{}"), NULL, false},
		{call_4, RESULT("4", "{\"content\":[],\"isError\":true}"), NULL, true},
		{call_4, RESULT("4", "{\"content\":[],\"isError\":false}"), NULL, false},
		{call_4, RESULT("4", "{\"content\":[],\"task\":{\"taskId\":\"x\"}}"), NULL, false},
		{call_4, ERROR("4", "{\"code\":-32602,\"message\":\"m\"}"), NULL, true},
		{call_4, ERROR("4", "{\"code\":-32602,\"message\":\"m\",\"data\":{\"x\":[1]}}"),
		 NULL, true},
		{call_4, ERROR("4", "{\"data\":1,\"leak\":2,\"message\":\"m\",\"code\":1}"),
		 ERROR("4", "{\"code\":1,\"message\":\"m\",\"data\":1}"), true},
		{call_4, ERROR("null", "{\"code\":-32700,\"message\":\"m\"}"),
		 ERROR("4", "{\"code\":-32700,\"message\":\"m\"}"), true},
		{call_4, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,\"message\":\"m\"}}",
		 ERROR("4", "{\"code\":-32700,\"message\":\"m\"}"), true},
		{call_4,
		 "{\"extra\":1,\"result\" : " OK_RESULT " ,\"id\":4,\n\"jsonrpc\":\"2.0\"}\n",
		 RESULT("4", OK_RESULT), false},
		{call_4,
		 RESULT("4", "{\"content\":[{\"type\":\"text\",\"text\":\"a\\u0000\xe2\x80\xa8\"}],"
			     "\"structuredContent\":{\"x\":0.1,\"X\":1E5}}"),
		 RESULT("4", "{\"content\":[{\"type\":\"text\",\"text\":\"a\\u0000\\u2028\"}],"
			     "\"structuredContent\":{\"x\":0.1,\"X\":100000.0}}"),
		 false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *expected = cases[i].out ? cases[i].out : cases[i].text;
		struct outcome o;

		filter(cases[i].request, cases[i].text, strlen(cases[i].text), &o);
		if (o.r)
			fail_msg("%s: %d %s", cases[i].text, o.r, o.err.what);
		assert_string_equal(o.out, expected);
		assert_true(o.info.relay && o.info.is_answer && !o.info.replaced);
		assert_int_equal(o.info.kind, MCP_RESPONSE);
		assert_int_equal(o.info.is_error, cases[i].is_error);
		assert_string_equal(o.answer, "");
		assert_string_equal(o.info.note, "");
	}
}

static void test_response_drops_what_does_not_answer_the_request(void **state)
{
	static const struct {
		const char *request, *text;
	} cases[] = {
		{call_4, RESULT("\"4\"", OK_RESULT)},
		{call_4, RESULT("4.0", OK_RESULT)},
		{call_4, RESULT("4e0", OK_RESULT)},
		{call_4, RESULT("5", OK_RESULT)},
		{call_4, RESULT("-4", OK_RESULT)},
		{call_4, RESULT("\"4 \"", OK_RESULT)},
		{call_4, RESULT("\"04\"", OK_RESULT)},
		{call_4, RESULT("[4]", OK_RESULT)},
		{call_4, RESULT("null", OK_RESULT)},
		{call_4, RESULT("true", OK_RESULT)},
		{call_4, "{\"jsonrpc\":\"2.0\",\"result\":" OK_RESULT "}"},
		{call_text_4, RESULT("4", OK_RESULT)},
		{call_text_4, RESULT("\"4\\u0000\"", OK_RESULT)},
		{call_4, ERROR("5", "{\"code\":1,\"message\":\"m\"}")},
		{call_4, ERROR("\"4\"", "{\"code\":1,\"message\":\"m\"}")},
		{initialized, RESULT("4", OK_RESULT)},
		{initialized, ERROR("null", "{\"code\":1,\"message\":\"m\"}")},
		{NULL, RESULT("4", OK_RESULT)},
		{NULL, ERROR("null", "{\"code\":1,\"message\":\"m\"}")},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome o;

		filter(cases[i].request, cases[i].text, strlen(cases[i].text), &o);
		if (o.r || o.info.relay || o.info.is_answer || o.out[0] || o.answer[0])
			fail_msg("%s: %d %s", cases[i].text, o.r, o.out);
		assert_int_equal(o.info.kind, MCP_RESPONSE);
		assert_string_not_equal(o.info.note, "");
	}
}

static void test_response_refuses_what_clients_read_differently(void **state)
{
	static const struct {
		const char *text;
		size_t n;
	} cases[] = {
		{TEXT("")},
		{TEXT("hello")},
		{TEXT("null")},
		{TEXT("{}")},
		{TEXT("[]")},
		{TEXT("[" RESULT("4", OK_RESULT) "]")},
		{TEXT("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roots/list\"}," RESULT(
			"4", OK_RESULT) "]")},
		{TEXT("\xef\xbb\xbf" RESULT("4", OK_RESULT))},
		{TEXT(RESULT("4", OK_RESULT) RESULT("4", OK_RESULT))},
		{TEXT(RESULT("4", "{\"content\":[{\"type\":\"text\",\"text\":\"\xff\"}]}"))},
		{TEXT(RESULT("4", "{\"content\":[{\"type\":\"text\",\"text\":\"\\ud800\"}]}"))},
		{TEXT("{\"jsonrpc\":\"2.0\",\"id\":5,\"id\":4,\"result\":{}}")},
		{TEXT("{\"jsonrpc\":\"2.0\",\"id\":4,\"ID\":5,\"result\":{}}")},
		{TEXT("{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{},\"re\xc5\xbfult\":{}}")},
		{TEXT("{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{},\"result\":{}}")},
		{TEXT("{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{},\"error\":{\"code\":1,"
		      "\"message\":\"\"}}")},
		{TEXT("{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{},\"method\":\"roots/list\"}")},
		{TEXT("{\"jsonrpc\":\"2.0\\u0000\",\"id\":4,\"result\":{}}")},
		{TEXT("{\"jsonrpc\":\"1.0\",\"id\":4,\"result\":{}}")},
		{TEXT("{\"id\":4,\"result\":{}}")},
		{TEXT("{\"jsonrpc\":\"2.0\",\"id\":4}")},
		{TEXT("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":7}")},
		{TEXT("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\\u0000x\"}")},
		{TEXT(RESULT("4", "[]"))},
		{TEXT(RESULT("4", "null"))},
		{TEXT(RESULT("4", "\"ok\""))},
		{TEXT(RESULT("4", "{\"content\":[],\"Content\":[]}"))},
		{TEXT(RESULT("4", "{\"resultType\":\"complete\",\"ResultType\":\"task\"}"))},
		{TEXT(RESULT("4", "{\"content\":[],\"x\":-0}"))},
		{TEXT(RESULT("4", "{\"content\":[],\"x\":1e999}"))},
		{TEXT(RESULT("4", "{\"content\":[],\"x\":18446744073709551615}"))},
		{TEXT(ERROR("4", "null"))},
		{TEXT(ERROR("4", "\"m\""))},
		{TEXT(ERROR("4", "{}"))},
		{TEXT(ERROR("4", "{\"code\":\"1\",\"message\":\"m\"}"))},
		{TEXT(ERROR("4", "{\"code\":1.5,\"message\":\"m\"}"))},
		{TEXT(ERROR("4", "{\"code\":1}"))},
		{TEXT(ERROR("4", "{\"code\":1,\"message\":\"m\",\"Message\":\"n\"}"))},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome o;

		filter(call_4, cases[i].text, cases[i].n, &o);
		if (o.r != -EBADMSG)
			fail_msg("%s: %d %s", cases[i].text, o.r, o.out);
		assert_false(o.info.relay);
		assert_string_not_equal(o.err.what, "");
	}
}

static void test_response_says_that_batches_are_refused(void **state)
{
	struct outcome o;

	(void)state;
	filter(call_4, TEXT("[" RESULT("4", OK_RESULT) "]"), &o);
	assert_int_equal(o.r, -EBADMSG);
	assert_non_null(strstr(o.err.what, "batch"));
}

static void test_response_drops_and_answers_requests_of_the_server(void **state)
{
	static const struct {
		const char *text, *answer;
	} cases[] = {
		{"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"roots/list\"}", "\"id\":0,\"error\""},
		{"{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":\"sampling/"
		 "createMessage\",\"params\":{}}",
		 "\"id\":\"s\",\"error\":{\"code\":-32601"},
		{"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"elicitation/create\",\"params\":{}}",
		 "\"id\":4,\"error\""},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tasks/get\"}", "\"error\""},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"notifications/message\"}",
		 "\"error\""},
		{"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}",
		 "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}"},
		{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"roots/list\"}", NULL},
		{"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"roots/list\"}", NULL},
	};
	static const char *const requests[] = {call_4, modern_call_4, list_4, NULL};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * ARRAY_SIZE(requests); i++) {
		const char *text = cases[i / ARRAY_SIZE(requests)].text;
		const char *answer = cases[i / ARRAY_SIZE(requests)].answer;
		struct outcome o;

		filter(requests[i % ARRAY_SIZE(requests)], text, strlen(text), &o);
		assert_int_equal(o.r, 0);
		assert_false(o.info.relay);
		assert_int_equal(o.info.kind, MCP_REQUEST);
		assert_string_equal(o.out, "");
		if (answer && !strstr(o.answer, answer))
			fail_msg("%s: %s", text, o.answer);
		if (!answer)
			assert_string_equal(o.answer, "");
		assert_non_null(strstr(o.info.note, "dropped"));
	}
}

static void test_response_relays_notifications_by_list(void **state)
{
	static const struct {
		const char *request, *text;
		bool relay;
	} cases[] = {
		{call_4,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":"
		 "\"info\",\"data\":\"x\"}}",
		 true},
		{call_4, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}",
		 true},
		{NULL, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}",
		 true},
		{call_4,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
		 "\"progressToken\":9,\"progress\":1}}",
		 true},
		{call_text_4,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
		 "\"progressToken\":\"9\",\"progress\":1}}",
		 true},
		{NULL,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
		 "\"progressToken\":\"9\",\"progress\":1}}",
		 true},
		{call_4,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
		 "\"progressToken\":\"9\",\"progress\":1}}",
		 false},
		{call_4,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
		 "\"progressToken\":9.0,\"progress\":1}}",
		 false},
		{list_4,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
		 "\"progressToken\":9,\"progress\":1}}",
		 false},
		{call_4, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"}", false},
		{call_4, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":[]}",
		 false},
		{call_4,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"data\":1,"
		 "\"Data\":2}}",
		 false},
		{call_4,
		 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
		 "\"requestId\":4}}",
		 false},
		{call_4, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\"}",
		 false},
		{call_4, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/elicitation/complete\"}",
		 false},
		{call_4, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\"}", false},
		{call_4, "{\"jsonrpc\":\"2.0\",\"method\":\"roots/list\"}", false},
		{call_4, "{\"jsonrpc\":\"2.0\",\"method\":\"\"}", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct outcome o;

		filter(cases[i].request, cases[i].text, strlen(cases[i].text), &o);
		assert_int_equal(o.r, 0);
		assert_int_equal(o.info.kind, MCP_NOTIFICATION);
		assert_false(o.info.is_answer);
		if (o.info.relay != cases[i].relay)
			fail_msg("%s: expected %d", cases[i].text, cases[i].relay);
		assert_string_equal(o.out, cases[i].relay ? cases[i].text : "");
		assert_true((o.info.note[0] == '\0') == cases[i].relay);
	}
}

static void test_response_drops_members_beside_a_notifications_own(void **state)
{
	static const char text[] = "{\"x\":1,\"params\":{},\"method\":\"notifications/message\","
				   "\"jsonrpc\":\"2.0\"}";
	struct outcome o;

	(void)state;
	filter(call_4, TEXT(text), &o);
	assert_string_equal(
		o.out, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}");
}

static void test_response_lists_only_tools_that_may_be_seen(void **state)
{
	static const struct {
		const char *result, *out, *tools;
		unsigned hidden;
	} cases[] = {
		{"{\"tools\":[]}", "{\"tools\":[]}", "[]", 0},
		{"{\"tools\":[{\"name\":\"get_status\",\"inputSchema\":{}},{\"name\":\"send_fax\"}]"
		 "}",
		 "{\"tools\":[{\"name\":\"get_status\",\"inputSchema\":{}}]}",
		 "[{\"name\":\"get_status\",\"inputSchema\":{}}]", 1},
		{"{\"resultType\":\"complete\",\"nextCursor\":\"c\",\"tools\":[{\"name\":\"send_"
		 "fax\"},"
		 "{\"name\":\"start_session\"}],\"_meta\":{\"a\":1}}",
		 "{\"tools\":[{\"name\":\"start_session\"}],\"resultType\":\"complete\","
		 "\"nextCursor\":\"c\","
		 "\"_meta\":{\"a\":1}}",
		 "[{\"name\":\"start_session\"}]", 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[1024], expected[1024];
		struct outcome o;

		snprintf(text, sizeof(text), RESULT("4", "%s"), cases[i].result);
		snprintf(expected, sizeof(expected), RESULT("4", "%s"), cases[i].out);
		filter(list_4, text, strlen(text), &o);
		assert_int_equal(o.r, 0);
		assert_string_equal(o.out, expected);
		assert_int_equal(o.info.tools_hidden, cases[i].hidden);
		assert_int_equal(o.info.tools_bytes, strlen(cases[i].tools));
		assert_memory_equal(o.out + o.info.tools_at, cases[i].tools, o.info.tools_bytes);
		assert_true(o.info.is_answer && !o.info.is_error);
	}
}

static void test_response_refuses_a_list_of_another_form(void **state)
{
	static const char *const results[] = {
		"{}",
		"{\"tools\":{}}",
		"{\"tools\":null}",
		"{\"tools\":[],\"Tools\":[{\"name\":\"send_fax\"}]}",
		"{\"tools\":[],\"nextCursor\":7}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
		char text[256];
		struct outcome o;

		snprintf(text, sizeof(text), RESULT("4", "%s"), results[i]);
		filter(list_4, text, strlen(text), &o);
		if (o.r != -EBADMSG)
			fail_msg("%s: %d", text, o.r);
	}
}

static void test_response_replaces_offers_that_are_not_supported(void **state)
{
	static const char *const results[] = {
		"{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":{\"method\":\"roots/"
		"list\"}}}",
		"{\"resultType\":\"input_required\",\"requestState\":\"s\"}",
		"{\"inputRequests\":{}}",
		"{\"resultType\":\"complete\",\"content\":[],\"inputRequests\":{}}",
		"{\"resultType\":\"task\",\"taskId\":\"t\"}",
		"{\"task\":{\"taskId\":\"t\",\"status\":\"working\"}}",
		"{\"resultType\":\"Complete\"}",
		"{\"resultType\":\"complete\\u0000\"}",
		"{\"resultType\":null}",
		"{\"resultType\":7}",
	};
	static const char *const requests[] = {call_4, modern_call_4, list_4};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(results) * ARRAY_SIZE(requests); i++) {
		const char *request = requests[i % ARRAY_SIZE(requests)];
		char text[256];
		struct outcome o;

		snprintf(text, sizeof(text), RESULT("4", "%s"), results[i / ARRAY_SIZE(requests)]);
		filter(request, text, strlen(text), &o);
		if (o.r || !o.info.relay || !o.info.is_answer || !o.info.is_error ||
		    !o.info.replaced)
			fail_msg("%s: %d %s", text, o.r, o.out);
		assert_non_null(strstr(o.out, "mcpjail: the server answered with a"));
		assert_non_null(
			strstr(o.out, request == list_4 ? "\"error\"" : "\"isError\":true"));
		assert_true((strstr(o.out, "\"resultType\":\"complete\"") != NULL) ==
			    (request == modern_call_4));
		assert_null(strstr(o.out, "roots/list"));
		assert_int_equal(o.info.result_bytes, 0);
	}
}

static void test_response_tells_where_the_result_is(void **state)
{
	static const struct {
		const char *text, *result;
	} cases[] = {
		{RESULT("4", OK_RESULT), OK_RESULT},
		{RESULT("4", "{ \"b\" : 1 }"), "{\"b\":1}"},
		{ERROR("4", "{\"code\":1,\"message\":\"m\"}"), "{\"code\":1,\"message\":\"m\"}"},
	};
	automessage struct mcp_message m = {0};
	struct mcp_response_rules rules = {.request = &m};
	autobuf struct buf out = BUF_INIT(4096);
	struct mcp_refusal refusal;

	(void)state;
	assert_int_equal(mcp_message_parse(span_of(call_4), &m, &refusal), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mcp_response_info info;
		size_t start = out.len;

		assert_int_equal(mcp_response_filter(&rules, span_of(cases[i].text), &out, NULL,
						     &info, NULL),
				 0);
		assert_int_equal(info.result_bytes, strlen(cases[i].result));
		assert_memory_equal(out.data + start + info.result_at, cases[i].result,
				    info.result_bytes);
	}
}

static void test_response_of_four_mebibytes_passes_and_more_does_not(void **state)
{
	static const char head[] =
		"{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"content\":[],\"x\":\"";
	static const char tail[] = "\"}}";
	automessage struct mcp_message m = {0};
	struct mcp_response_rules rules = {.request = &m};
	autobuf struct buf text = BUF_INIT(MCP_RESPONSE_MAX + 1), out = BUF_INIT(MCP_RESPONSE_MAX);
	struct mcp_response_info info;
	struct mcp_refusal refusal;
	struct error err = {0};

	(void)state;
	assert_int_equal(mcp_message_parse(span_of(call_4), &m, &refusal), 0);
	buf_puts(&text, head);
	memset(buf_reserve(&text, MCP_RESPONSE_MAX - text.len - strlen(tail)), 'a',
	       MCP_RESPONSE_MAX - text.len - strlen(tail));
	buf_commit(&text, MCP_RESPONSE_MAX - text.len - strlen(tail));
	buf_puts(&text, tail);
	assert_int_equal(text.len, MCP_RESPONSE_MAX);
	assert_int_equal(mcp_response_filter(&rules, span_bytes(text.data, text.len), &out, NULL,
					     &info, &err),
			 0);
	assert_int_equal(out.len, MCP_RESPONSE_MAX);
	assert_memory_equal(out.data, text.data, out.len);
	buf_clear(&out);
	buf_puts(&text, " ");
	assert_int_equal(mcp_response_filter(&rules, span_bytes(text.data, text.len), &out, NULL,
					     &info, &err),
			 -EMSGSIZE);
	assert_false(info.relay);
	assert_non_null(strstr(err.what, "too long"));
}

static void test_response_keeps_to_the_buffers_bound(void **state)
{
	static const char text[] = RESULT("4", "{\"tools\":[{\"name\":\"get_status\"}],\"a\":1}");
	automessage struct mcp_message m = {0};
	struct mcp_response_rules rules = {.request = &m, .tool_is_visible = is_visible};
	struct mcp_refusal refusal;

	(void)state;
	assert_int_equal(mcp_message_parse(span_of(list_4), &m, &refusal), 0);
	for (size_t max = 0; max <= strlen(text); max++) {
		autobuf struct buf out = BUF_INIT(max);
		struct mcp_response_info info;
		int r = mcp_response_filter(&rules, span_of(text), &out, NULL, &info, NULL);

		assert_int_equal(r, max == strlen(text) ? 0 : -EMSGSIZE);
		assert_int_equal(info.relay, max == strlen(text));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response_relays_the_answer_to_the_request),
		cmocka_unit_test(test_response_drops_what_does_not_answer_the_request),
		cmocka_unit_test(test_response_refuses_what_clients_read_differently),
		cmocka_unit_test(test_response_says_that_batches_are_refused),
		cmocka_unit_test(test_response_drops_and_answers_requests_of_the_server),
		cmocka_unit_test(test_response_relays_notifications_by_list),
		cmocka_unit_test(test_response_drops_members_beside_a_notifications_own),
		cmocka_unit_test(test_response_lists_only_tools_that_may_be_seen),
		cmocka_unit_test(test_response_refuses_a_list_of_another_form),
		cmocka_unit_test(test_response_replaces_offers_that_are_not_supported),
		cmocka_unit_test(test_response_tells_where_the_result_is),
		cmocka_unit_test(test_response_of_four_mebibytes_passes_and_more_does_not),
		cmocka_unit_test(test_response_keeps_to_the_buffers_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
