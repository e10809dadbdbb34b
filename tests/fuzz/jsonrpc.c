// SPDX-License-Identifier: Apache-2.0
/*
 * A message of the agent: "Name: value" header lines, an empty line, then the body. What
 * must hold of a message that passes:
 *   - what is forwarded reads as the same message, and forwarding that changes no byte;
 *   - two other readers of JSON (jansson alone; the ledger's scanner, which builds no tree)
 *     accept what is forwarded and find the same method and tool in it;
 *   - nothing was added: each member that is forwarded stands in the body with that value;
 *   - headers that agree say, read by another decoder, what the body says, and still agree
 *     with the message as it is forwarded;
 *   - a call has a valid tool and an object of arguments; everything else is not judged as
 *     a call.
 */
#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <strings.h>

#include "fuzz.h"
#include "ledger/scan.h"
#include "mcp/json.h"
#include "mcp/message.h"
#include "mcp/reply.h"

#define PARAMS_MAX (MCP_PARAMS_MAX + 2)

struct headers {
	struct mcp_param params[PARAMS_MAX];
	struct mcp_headers all;
};

static bool name_is(struct span name, const char *text)
{
	return name.n == strlen(text) && !strncasecmp(name.p, text, name.n);
}

static void read_header(struct span line, struct headers *ret)
{
	static const char prefix[] = MCP_PARAM_PREFIX;
	struct span name, value;

	if (!fuzz_split(line, ": ", &name, &value))
		return;
	if (!value.p)
		value.p = "";
	if (name_is(name, "MCP-Protocol-Version"))
		ret->all.protocol_version = value;
	else if (name_is(name, "Mcp-Method"))
		ret->all.method = value;
	else if (name_is(name, "Mcp-Name"))
		ret->all.name = value;
	else if (name.n >= strlen(prefix) && !strncasecmp(name.p, prefix, strlen(prefix)) &&
		 ret->all.n_params < PARAMS_MAX)
		ret->params[ret->all.n_params++] = (struct mcp_param){
			span_bytes(name.p + strlen(prefix), name.n - strlen(prefix)), value};
}

/* Return: the body, behind the header lines; all of the input if there are none. */
static struct span read_input(struct span input, struct headers *ret)
{
	struct span head, body, line, rest;

	*ret = (struct headers){.all = {.params = ret->params}};
	if (!fuzz_split(input, "\n\n", &head, &body))
		return input;
	while (head.n) {
		fuzz_split(head, "\n", &line, &rest);
		read_header(line, ret);
		head = rest;
	}
	return body;
}

/* What =?base64?…?= stands for, by OpenSSL's decoder; other values stand for themselves. */
static bool header_says(struct span value, const char *text)
{
	static const char open[] = "=?base64?", close[] = "?=";
	unsigned char decoded[4096];
	size_t n = value.n - strlen(open) - strlen(close), padding = 0;
	int got;

	if (value.n < strlen(open) + strlen(close) || strncmp(value.p, open, strlen(open)) != 0)
		return span_equals(value, text);
	must(!memcmp(value.p + value.n - strlen(close), close, strlen(close)));
	must(n / 4 * 3 <= sizeof(decoded));
	got = EVP_DecodeBlock(decoded, (const unsigned char *)value.p + strlen(open), (int)n);
	must(got >= 0);
	for (size_t i = n; i && value.p[strlen(open) + i - 1] == '='; i--)
		padding++;
	return span_equals(span_bytes(decoded, (size_t)got - padding), text);
}

static void check_headers(const struct mcp_message *m, const struct headers *h,
			  const struct mcp_message *forwarded)
{
	struct mcp_refusal refusal = {0};

	if (mcp_message_check_headers(m, &h->all, &refusal)) {
		must(refusal.http_status == 400 && refusal.code == MCP_CODE_HEADER_MISMATCH);
		return;
	}
	must(!mcp_message_check_headers(forwarded, &h->all, &refusal));
	if (m->era != ERA_MODERN)
		return;
	must(header_says(h->all.protocol_version, m->version));
	must(header_says(h->all.method, m->method) || mcp_method_route(m) == MCP_DENY);
	must(!m->tool || header_says(h->all.name, m->tool));
	for (size_t i = 0; i < h->all.n_params; i++) {
		const char *key = mcp_message_param_key(m, &h->params[i]);
		const json_t *value;

		must(key && json_object_get(m->arguments, key));
		value = json_object_get(m->arguments, key);
		must(!json_is_object(value) && !json_is_array(value));
		if (json_is_string(value) &&
		    !memchr(json_string_value(value), '\0', json_string_length(value)))
			must(header_says(h->params[i].value, json_string_value(value)));
	}
}

static void scanned_is(struct span object, const char *key, const char *expected)
{
	autobuf struct buf text = BUF_INIT(FUZZ_BUF_MAX);

	must(!scan_string(scan_find(object, key), &text));
	must(span_equals(span_bytes(text.data, text.len), expected));
}

/* The ledger's scanner and jansson on its own, over what leaves. */
static void check_other_readers(const struct mcp_message *m, struct span text)
{
	json_auto_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	struct span params;

	must(root && json_equal(root, m->root));
	must(scan_is_value(text));
	scanned_is(text, "method", m->method);
	scanned_is(text, "jsonrpc", "2.0");
	must((scan_find(text, "id").n != 0) == (m->kind == MCP_REQUEST));
	if (m->id)
		must(span_equals(scan_find(text, "id"), m->id_json));
	params = scan_find(text, "params");
	must((params.n != 0) == (m->params != NULL));
	if (m->tool)
		scanned_is(params, "name", m->tool);
}

/* Whether @part is @whole less some members of objects; an absent "arguments" became {}. */
static bool is_part_of(const json_t *part, const json_t *whole, size_t depth)
{
	const char *key;
	json_t *value;

	if (!json_is_object(part) || !json_is_object(whole) || depth == 0)
		return json_equal((json_t *)(uintptr_t)part, (json_t *)(uintptr_t)whole);
	json_object_foreach ((json_t *)(uintptr_t)part, key, value) {
		const json_t *other = json_object_get(whole, key);

		if (!other && !strcmp(key, "arguments") && json_is_object(value) &&
		    !json_object_size(value))
			continue;
		if (!other || !is_part_of(value, other, depth - 1))
			return false;
	}
	return true;
}

static void check_canonical_arguments(const struct mcp_message *m)
{
	autobuf struct buf once = BUF_INIT(FUZZ_BUF_MAX), twice = BUF_INIT(FUZZ_BUF_MAX);
	json_auto_t *again = NULL;

	must(!mcp_arguments_canonical(m->arguments, &once));
	must(fuzz_is_one_line(&once));
	must(!mcp_json_parse(span_bytes(once.data, once.len), &mcp_request_limits, &again, NULL));
	must(json_equal(again, m->arguments));
	must(!mcp_arguments_canonical(again, &twice));
	must(fuzz_same(&once, &twice));
}

static void check_message(struct mcp_message *m, struct span body, const struct headers *h)
{
	autobuf struct buf once = BUF_INIT(FUZZ_BUF_MAX), twice = BUF_INIT(FUZZ_BUF_MAX);
	json_auto_t *original = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	automessage struct mcp_message again = {0};
	struct mcp_refusal refusal = {0};

	must(original && is_part_of(m->root, original, 3));
	must(m->kind == MCP_REQUEST ? m->id != NULL : m->kind == MCP_NOTIFICATION && !m->id);
	must((mcp_method_route(m) == MCP_JUDGE) == (m->tool != NULL));
	must(!m->tool ||
	     (mcp_tool_name_is_valid(m->tool, strlen(m->tool)) && json_is_object(m->arguments) &&
	      mcp_json_all_keys_are_distinct(m->arguments)));
	must((m->era == ERA_MODERN) == (m->version != NULL));
	must(!mcp_message_serialise(m, &once) && fuzz_is_one_line(&once));
	if (mcp_message_parse(span_bytes(once.data, once.len), &again, &refusal)) {
		fuzz_show(refusal.text, &once);
		must(!"what is forwarded is a message");
	}
	must(json_equal(m->root, again.root) && !mcp_message_serialise(&again, &twice));
	must(fuzz_same(&once, &twice));
	check_other_readers(m, span_bytes(once.data, once.len));
	check_headers(m, h, &again);
	if (m->tool)
		check_canonical_arguments(m);
	/* Twice is the same as once, and leaves a message. */
	mcp_message_strip_capabilities(m);
	buf_clear(&once);
	buf_clear(&twice);
	must(!mcp_message_serialise(m, &once));
	mcp_message_strip_capabilities(m);
	must(!mcp_message_serialise(m, &twice) && fuzz_same(&once, &twice));
	mcp_message_free(&again);
	must(!mcp_message_parse(span_bytes(once.data, once.len), &again, &refusal));
}

static void check_refusal(const struct mcp_refusal *refusal)
{
	autobuf struct buf b = BUF_INIT(FUZZ_BUF_MAX);
	json_auto_t *root = NULL;

	must(refusal->http_status == 400 || refusal->http_status == 200);
	must(!mcp_reply_refusal(refusal, &b) && fuzz_is_one_line(&b));
	root = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	must(json_is_string(json_object_get(json_object_get(root, "error"), "message")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char *copy = fuzz_copy(data, n);
	struct mcp_refusal refusal = {0};
	struct headers headers;
	struct span body = read_input(span_bytes(copy, n), &headers);
	struct mcp_message m;
	int r = mcp_message_parse(body, &m, &refusal);

	must(!r || r == -EBADMSG);
	if (r)
		check_refusal(&refusal);
	else
		check_message(&m, body, &headers);
	mcp_message_free(&m);
	return 0;
}
