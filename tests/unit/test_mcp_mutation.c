// SPDX-License-Identifier: Apache-2.0
/*
 * Random changes of valid messages, and what must hold of whatever is let through. The
 * seed is fixed unless MCP_MUTATION_SEED is set; MCP_MUTATION_MS is how long to go on.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "mcp/json.h"
#include "mcp/reply.h"
#include "mcp/response.h"

#define TEXT_MAX   4096
#define DEFAULT_MS 1000

static uint64_t seed;

static uint32_t random_below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % n;
}

static const char *const requests[] = {
	"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/"
	"call\",\"params\":{\"name\":\"get_status\","
	"\"arguments\":{\"a\":[0.1,1e3,-5,null,true],\"b\":{\"c\":\"\\u00e9\\ud83d\\ude00\"}},"
	"\"_meta\":{\"progressToken\":9,\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
	"\"io.modelcontextprotocol/clientCapabilities\":{\"roots\":{}}}}}",
	"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"initialize\",\"params\":{"
	"\"protocolVersion\":"
	"\"2025-11-25\",\"capabilities\":{\"roots\":{}},\"clientInfo\":{\"name\":\"c\",\"version\":"
	"\"1\"}}}",
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}",
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"abc\"}}",
};

static const char *const responses[] = {
	"{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"content\":[{\"type\":\"text\",\"text\":"
	"\"h\\u0000i\"}],"
	"\"isError\":false,\"structuredContent\":{\"x\":[1.5,2e-3,\"\xe2\x80\xa8\"]}}}",
	"{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32601,\"message\":\"m\",\"data\":[1]}}",
	"{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"tools\":[{\"name\":\"get_status\","
	"\"inputSchema\":{}},"
	"{\"name\":\"send_fax\"}],\"nextCursor\":\"x\"}}",
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
	"progress\",\"params\":{\"progressToken\":9}}",
	"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"roots/list\"}",
	"{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"resultType\":\"input_required\"}}",
};

/* Pieces that matter to parsers; a mutation puts one somewhere. */
static const char *const pieces[] = {
	"{",
	"}",
	"[",
	"]",
	",",
	":",
	"\"",
	"\\",
	"\\u0000",
	"\\u0065",
	"\\ud800",
	"\\u017f",
	"\xc5\xbf",
	"\xe2\x84\xaa",
	"\xef\xbb\xbf",
	"\xff",
	"0",
	"-0",
	"1e400",
	"4.0",
	"\"4\"",
	"null",
	"true",
	"\"id\":4,",
	"\"Id\":5,",
	"\"method\":\"tools/call\",",
	"\"Method\":\"ping\",",
	"\"params\":{},",
	"\"result\":{},",
	"\"error\":{},",
	"\"name\":\"send_fax\",",
	"\"Name\":\"x\",",
	"\"task\":{},",
	"\"_meta\":{},",
	"\"resultType\":\"task\",",
	"\"tools\":[],",
	"12345678901234567890",
	"\n",
	"\r",
};

struct text {
	char bytes[TEXT_MAX];
	size_t n;
};

static void replace(struct text *t, size_t at, size_t cut, const char *with, size_t n)
{
	if (t->n - cut + n > TEXT_MAX)
		return;
	memmove(t->bytes + at + n, t->bytes + at + cut, t->n - at - cut);
	memcpy(t->bytes + at, with, n);
	t->n += n - cut;
}

static void mutate(struct text *t)
{
	uint32_t at = random_below((uint32_t)t->n + 1);
	uint32_t left = (uint32_t)t->n - at;
	const char *piece = pieces[random_below(ARRAY_SIZE(pieces))];
	char copy[64];
	uint32_t n;

	switch (random_below(5)) {
	case 0: /* one byte changed */
		if (left)
			t->bytes[at] = (char)(t->bytes[at] ^ (1 << random_below(8)));
		break;
	case 1:
		replace(t, at, 0, piece, strlen(piece));
		break;
	case 2: /* cut */
		n = random_below(32);
		replace(t, at, n < left ? n : left, "", 0);
		break;
	case 3: /* a stretch copied elsewhere */
		n = random_below(sizeof(copy));
		n = n < left ? n : left;
		memcpy(copy, t->bytes + at, n);
		replace(t, random_below((uint32_t)t->n + 1), 0, copy, n);
		break;
	default: /* after a comma or brace, where members are */
		while (left && !strchr("{,[", t->bytes[at])) {
			at++;
			left--;
		}
		replace(t, left ? at + 1 : at, 0, piece, strlen(piece));
	}
}

static void mutate_one_of(const char *const *from, size_t n, struct text *ret)
{
	const char *origin = from[random_below((uint32_t)n)];

	ret->n = strlen(origin);
	memcpy(ret->bytes, origin, ret->n);
	for (uint32_t times = random_below(4); times-- > 0;)
		mutate(ret);
}

static bool is_one_line(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] < 0x20)
			return false;
	return b->len > 0;
}

/* What was let through says the same when it is read again, and only what may leave. */
static void check_message(const struct mcp_message *m)
{
	autobuf struct buf once = BUF_INIT(1 << 20), twice = BUF_INIT(1 << 20);
	automessage struct mcp_message again = {0};
	struct mcp_refusal refusal;

	assert_int_equal(mcp_message_serialise(m, &once), 0);
	assert_true(is_one_line(&once));
	if (mcp_message_parse(span_bytes(once.data, once.len), &again, &refusal))
		fail_msg("%.*s: %s", (int)once.len, (char *)once.data, refusal.text);
	assert_true(json_equal(m->root, again.root));
	assert_int_equal(mcp_message_serialise(&again, &twice), 0);
	assert_int_equal(once.len, twice.len);
	assert_memory_equal(once.data, twice.data, once.len);
	assert_true(json_object_size(m->root) <= 4);
	assert_true(m->kind == MCP_REQUEST ? m->id != NULL : m->kind == MCP_NOTIFICATION && !m->id);
	assert_true((mcp_method_route(m) == MCP_JUDGE) == (m->tool != NULL));
	assert_true(!m->tool || mcp_tool_name_is_valid(m->tool, strlen(m->tool)));
	assert_true(!m->tool || json_object_size(m->params) <= 3);
}

static void check_refusal(const struct mcp_refusal *refusal)
{
	autobuf struct buf b = BUF_INIT(1 << 20);
	json_auto_t *root = NULL;

	assert_true(refusal->http_status == 400 || refusal->http_status == 200);
	assert_int_equal(mcp_reply_refusal(refusal, &b), 0);
	assert_true(is_one_line(&b));
	root = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json_object_get(root, "error"));
}

static uint64_t deadline_ms(void)
{
	const char *ms = getenv("MCP_MUTATION_MS"), *start = getenv("MCP_MUTATION_SEED");

	seed = start ? strtoull(start, NULL, 0) | 1 : 88172645463325252u;
	return clock_mono_ms() + (ms ? strtoull(ms, NULL, 0) : DEFAULT_MS);
}

static void test_mutated_requests_pass_unambiguous_or_not_at_all(void **state)
{
	uint64_t end = deadline_ms();
	unsigned passed = 0, refused = 0;

	(void)state;
	while (clock_mono_ms() < end) {
		struct mcp_refusal refusal;
		struct mcp_message m;
		struct text t;

		mutate_one_of(requests, ARRAY_SIZE(requests), &t);
		if (mcp_message_parse(span_bytes(t.bytes, t.n), &m, &refusal)) {
			check_refusal(&refusal);
			refused++;
		} else {
			check_message(&m);
			mcp_message_free(&m);
			passed++;
		}
	}
	/* Else the mutations are too mild or too wild to say anything. */
	assert_true(passed > 100 && refused > 100);
}

static bool is_visible(void *arg, const char *tool)
{
	(void)arg;
	return !strcmp(tool, "get_status");
}

/* Whatever the server sent, what the client gets is its answer or one of three notifications. */
static void check_relayed(const struct buf *out, const struct mcp_message *request,
			  const struct mcp_response_info *info)
{
	json_auto_t *root = NULL;
	const json_t *tool;
	size_t i;

	assert_true(is_one_line(out));
	assert_int_equal(
		mcp_json_parse(span_bytes(out->data, out->len), &mcp_response_limits, &root, NULL),
		0);
	assert_true(info->result_at + info->result_bytes <= out->len);
	assert_true(info->tools_at + info->tools_bytes <= out->len);
	if (!info->is_answer) {
		assert_null(json_object_get(root, "id"));
		assert_true(json_is_string(json_object_get(root, "method")));
		return;
	}
	assert_null(json_object_get(root, "method"));
	assert_true(json_equal(json_object_get(root, "id"), request->id));
	assert_int_equal(json_object_size(root), 3);
	if (mcp_method_route(request) != MCP_FILTER_LIST)
		return;
	json_array_foreach (json_object_get(json_object_get(root, "result"), "tools"), i, tool)
		assert_string_equal(json_string_value(json_object_get(tool, "name")), "get_status");
}

static void test_mutated_responses_relay_only_what_was_asked_for(void **state)
{
	static const char list[] = "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"tools/list\"}";
	automessage struct mcp_message call = {0}, listing = {0};
	uint64_t end = deadline_ms();
	unsigned relayed = 0, dropped = 0, refused = 0;
	struct mcp_refusal refusal;

	(void)state;
	assert_int_equal(mcp_message_parse(span_of(requests[0]), &call, &refusal), 0);
	assert_int_equal(mcp_message_parse(span_of(list), &listing, &refusal), 0);
	while (clock_mono_ms() < end) {
		autobuf struct buf out = BUF_INIT(1 << 20), answer = BUF_INIT(1 << 20);
		const struct mcp_response_rules rules = {
			.request = random_below(2) ? &call : &listing,
			.tool_is_visible = is_visible,
		};
		struct mcp_response_info info;
		struct text t;
		int r;

		mutate_one_of(responses, ARRAY_SIZE(responses), &t);
		r = mcp_response_filter(&rules, span_bytes(t.bytes, t.n), &out, &answer, &info,
					NULL);
		assert_true(!r || r == -EBADMSG);
		assert_true(!answer.len || is_one_line(&answer));
		if (!r && info.relay)
			check_relayed(&out, rules.request, &info);
		else if (!r)
			assert_int_equal(out.len, 0);
		*(r ? &refused : info.relay ? &relayed : &dropped) += 1;
	}
	assert_true(relayed > 100 && dropped > 100 && refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutated_requests_pass_unambiguous_or_not_at_all),
		cmocka_unit_test(test_mutated_responses_relay_only_what_was_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
