// SPDX-License-Identifier: Apache-2.0
/*
 * What a server sends: the first byte of the input says what was asked and whether the
 * rest is an event stream or one JSON body. What must hold of whatever is relayed:
 *   - it is one line that a strict reader accepts, and filtering it again changes nothing;
 *   - it is the answer to what was asked, under its id, or one of the notifications;
 *   - a list holds only tools that are visible, each once;
 *   - as an event of ours it decodes to itself, so that no event hides in another.
 */
#include <errno.h>

#include "fuzz.h"
#include "ledger/scan.h"
#include "mcp/json.h"
#include "mcp/response.h"
#include "proxy/sse.h"

#define EVENT_MAX 65536

static const char *const asked[] = {
	"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/"
	"call\",\"params\":{\"name\":\"get_status\","
	"\"_meta\":{\"progressToken\":9}}}",
	"{\"jsonrpc\":\"2.0\",\"id\":\"4\",\"method\":\"tools/list\"}",
	"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
	"\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}",
	NULL, /* a stream opened by GET */
};

static bool is_visible(void *arg, const char *tool)
{
	(void)arg;
	return strcmp(tool, "send_fax") != 0;
}

static void check_tools(const json_t *tools)
{
	const json_t *tool, *other;
	size_t i, j;

	json_array_foreach (tools, i, tool) {
		const char *name = json_string_value(json_object_get(tool, "name"));

		must(name && mcp_tool_name_is_valid(name, strlen(name)) && is_visible(NULL, name));
		json_array_foreach (tools, j, other)
			must(i == j ||
			     strcmp(name, json_string_value(json_object_get(other, "name"))) != 0);
	}
}

static void check_answer(const json_t *root, const struct mcp_message *request,
			 const struct mcp_response_info *info, const struct buf *out)
{
	must(request && request->kind == MCP_REQUEST);
	must(!json_object_get(root, "method"));
	must(json_equal(json_object_get(root, "id"), request->id));
	must(json_object_size(root) == 3);
	must(!json_object_get(root, "result") != !json_object_get(root, "error"));
	if (info->replaced)
		must(info->is_error &&
		     (json_object_get(root, "error") ||
		      json_is_true(json_object_get(json_object_get(root, "result"), "isError"))));
	else
		must(scan_is_value(span_bytes(out->data + info->result_at, info->result_bytes)));
	if (mcp_method_route(request) == MCP_FILTER_LIST)
		check_tools(json_object_get(json_object_get(root, "result"), "tools"));
}

static void check_notification(const json_t *root, const struct mcp_message *request)
{
	static const char *const known[] = {"notifications/progress", "notifications/message",
					    "notifications/tools/list_changed"};
	const json_t *method = json_object_get(root, "method");
	bool is_known = false;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		is_known = is_known || mcp_json_is_text(method, known[i]);
	must(is_known && !json_object_get(root, "id") && !json_object_get(root, "result"));
	if (mcp_json_is_text(method, known[0]))
		must(request &&
		     json_equal(json_object_get(json_object_get(root, "params"), "progressToken"),
				request->progress_token));
}

/* What is relayed in an event stream comes out of it as it went in. */
static void check_event(struct span line)
{
	autobuf struct buf stream = BUF_INIT(FUZZ_BUF_MAX);
	struct sse_event event = {.data = line, .has_data = true}, again;
	struct sse_decoder d;
	struct span in;

	must(!sse_encode(&stream, &event));
	sse_decoder_init(&d, FUZZ_BUF_MAX);
	in = span_bytes(stream.data, stream.len);
	must(sse_decode(&d, &in, &again) == SSE_EVENT && !in.n);
	must(again.data.n == line.n && !memcmp(again.data.p, line.p, line.n));
	must(sse_decode(&d, &in, &again) == SSE_MORE);
	sse_decoder_free(&d);
}

static void filter(const struct mcp_response_rules *rules, struct span text, struct buf *ret_again)
{
	autobuf struct buf out = BUF_INIT(FUZZ_BUF_MAX), answer = BUF_INIT(FUZZ_BUF_MAX);
	struct mcp_response_info info;
	json_auto_t *root = NULL;
	int r = mcp_response_filter(rules, text, &out, &answer, &info, NULL);

	must(!r || r == -EBADMSG || r == -EMSGSIZE);
	must(r || !answer.len || fuzz_is_one_line(&answer));
	must(r || !answer.len || !info.relay);
	if (r || !info.relay) {
		must(r || !out.len);
		return;
	}
	must(fuzz_is_one_line(&out));
	must(!mcp_json_parse(span_bytes(out.data, out.len), &mcp_response_limits, &root, NULL));
	must(info.result_at + info.result_bytes <= out.len);
	must(info.tools_at + info.tools_bytes <= out.len);
	if (info.is_answer)
		check_answer(root, rules->request, &info, &out);
	else
		check_notification(root, rules->request);
	check_event(span_bytes(out.data, out.len));
	must(!buf_append(ret_again, out.data, out.len));
}

static void filter_twice(const struct mcp_response_rules *rules, struct span text)
{
	autobuf struct buf once = BUF_INIT(FUZZ_BUF_MAX), twice = BUF_INIT(FUZZ_BUF_MAX);

	filter(rules, text, &once);
	if (!once.len)
		return;
	filter(rules, span_bytes(once.data, once.len), &twice);
	if (!fuzz_same(&once, &twice)) {
		fuzz_show("once", &once);
		fuzz_show("twice", &twice);
	}
	must(fuzz_same(&once, &twice));
}

static void filter_stream(const struct mcp_response_rules *rules, struct span stream)
{
	struct sse_event event = {0};
	struct sse_decoder d;
	enum sse_step step;

	sse_decoder_init(&d, EVENT_MAX);
	do {
		step = sse_decode(&d, &stream, &event);
		if (step == SSE_EVENT && event.has_data)
			filter_twice(rules, event.data);
	} while (step == SSE_EVENT || step == SSE_COMMENT);
	sse_decoder_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char *copy = fuzz_copy(data, n);
	struct mcp_response_rules rules = {.tool_is_visible = is_visible};
	automessage struct mcp_message request = {0};
	struct mcp_refusal refusal;
	const char *question;

	if (!n)
		return 0;
	question = asked[(uint8_t)copy[0] % ARRAY_SIZE(asked)];
	if (question) {
		must(!mcp_message_parse(span_of(question), &request, &refusal));
		rules.request = &request;
	}
	if (copy[0] & 4)
		filter_stream(&rules, span_bytes(copy + 1, n - 1));
	else
		filter_twice(&rules, span_bytes(copy + 1, n - 1));
	return 0;
}
