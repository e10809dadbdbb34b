// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "proxy/http1.h"

static void assert_written(struct buf *out, const char *expected)
{
	assert_int_equal(buf_append(out, "", 1), 0);
	assert_string_equal((char *)out->data, expected);
	buf_clear(out);
}

static void read_head_of(struct http1_head *h, const char *text)
{
	struct http1_refusal refusal = {0, NULL};
	autobuf struct buf in = BUF_INIT(HTTP1_HEAD_MAX);

	buf_puts(&in, text);
	assert_true(http1_read_request(h, &in, &refusal) > 0);
}

#define AGENT_HEAD                                                                                 \
	"POST /mcp HTTP/1.1\r\nHost: evil.example\r\nAccept: application/json\r\n"                 \
	"Authorization: Bearer stolen\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\n"    \
	"Keep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: h2c\r\n"                          \
	"Proxy-Authorization: Basic x\r\nProxy-Connection: keep-alive\r\n"                         \
	"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\nX-Tag: data\r\n\r\n"

static void test_request_head_relays_what_is_allowed(void **state)
{
	static const char *const allowed[] = {
		"accept",    "authorization", "host",    "Transfer-Encoding",
		"x-private", "expect",        "Upgrade", NULL};
	struct http1_pair ours[] = {{"AUTHORIZATION", {"Bearer ours", 11}}};
	struct http1_head h = {0};
	struct http1_out o = {
		.relayed = &h,
		.allowed = allowed,
		.fields = ours,
		.n_fields = 1,
		.framing = HTTP1_FRAMING_LENGTH,
		.content_length = 250,
	};
	autobuf struct buf out = BUF_INIT(4096);

	(void)state;
	read_head_of(&h, AGENT_HEAD);
	assert_int_equal(http1_write_request_head(&out, "POST", "/mcp", "promptfax.app", &o), 0);
	assert_written(&out,
		       "POST /mcp HTTP/1.1\r\nHost: promptfax.app\r\nAUTHORIZATION: Bearer ours\r\n"
		       "Accept: application/json\r\nContent-Length: 250\r\n\r\n");
	http1_head_free(&h);
}

static void test_request_head_drops_a_field_however_it_is_spelt(void **state)
{
	static const char *const dropped[] = {"x-rewrite-url", NULL};
	struct http1_head h = {0};
	struct http1_out o = {.relayed = &h, .dropped = dropped};
	autobuf struct buf out = BUF_INIT(4096);

	(void)state;
	read_head_of(&h, "GET / HTTP/1.1\r\nHost: a\r\nX-Rewrite-URL: /1\r\nx_rewrite_url: /2\r\n"
			 "X-Rewrite_Url: /3\r\nX-Rewrite-Urls: /4\r\n\r\n");
	assert_int_equal(http1_write_request_head(&out, "GET", "/", "a", &o), 0);
	assert_written(&out, "GET / HTTP/1.1\r\nHost: a\r\nX-Rewrite-Urls: /4\r\n\r\n");
	http1_head_free(&h);
}

static void test_request_head_never_relays_hop_by_hop_fields(void **state)
{
	struct http1_head h = {0};
	struct http1_out o = {.relayed = &h, .framing = HTTP1_FRAMING_CHUNKED};
	autobuf struct buf out = BUF_INIT(4096);

	(void)state;
	read_head_of(&h, AGENT_HEAD);
	assert_int_equal(http1_write_request_head(&out, "POST", "/mcp", "promptfax.app", &o), 0);
	assert_written(&out,
		       "POST /mcp HTTP/1.1\r\nHost: promptfax.app\r\nAccept: application/json\r\n"
		       "Authorization: Bearer stolen\r\nX-Tag: data\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n");
	http1_head_free(&h);
}

static void test_head_refuses_what_would_split_it(void **state)
{
	static const struct {
		const char *method, *target, *host, *name;
		struct span value;
	} cases[] = {
		{"PO ST", "/", "h", "X", {"v", 1}},
		{"", "/", "h", "X", {"v", 1}},
		{"POST", "/a b", "h", "X", {"v", 1}},
		{"POST", "", "h", "X", {"v", 1}},
		{"POST", "/\r\nX: y", "h", "X", {"v", 1}},
		{"POST", "/", "h\r\nX: y", "X", {"v", 1}},
		{"POST", "/", "h", "X:", {"v", 1}},
		{"POST", "/", "h", "", {"v", 1}},
		{"POST", "/", "h", "X", {"a\r\nb", 4}},
		{"POST", "/", "h", "X", {"a\nb", 3}},
		{"POST", "/", "h", "X", {"a\0b", 3}},
		{"POST", "/", "h", "X", {"a\rb", 3}},
	};
	autobuf struct buf out = BUF_INIT(4096);

	(void)state;
	buf_puts(&out, "before");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http1_pair field = {cases[i].name, cases[i].value};
		struct http1_out o = {.fields = &field, .n_fields = 1};

		assert_int_equal(http1_write_request_head(&out, cases[i].method, cases[i].target,
							  cases[i].host, &o),
				 -EINVAL);
		assert_int_equal(out.len, 6);
	}
}

static void test_writers_write_nothing_where_room_is_short(void **state)
{
	struct http1_out o = {.framing = HTTP1_FRAMING_LENGTH};

	(void)state;
	for (size_t room = 6; room < 44; room++) {
		autobuf struct buf out = BUF_INIT(room);

		buf_puts(&out, "before");
		assert_int_equal(http1_write_request_head(&out, "GET", "/", "h", &o), -EMSGSIZE);
		assert_int_equal(http1_write_response_head(&out, 200, &o), -EMSGSIZE);
		assert_int_equal(http1_write_error(&out, 403, "x", 0), -EMSGSIZE);
		assert_int_equal(
			http1_write_chunk(&out, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 40),
			-EMSGSIZE);
		assert_int_equal(out.len, 6);
		assert_memory_equal(out.data, "before", 6);
	}
}

static void test_response_heads(void **state)
{
	struct http1_pair type = {"Content-Type", span_of("text/event-stream")};
	struct http1_out o = {.fields = &type, .n_fields = 1, .framing = HTTP1_FRAMING_CHUNKED};
	autobuf struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(http1_write_response_head(&out, 200, &o), 0);
	assert_written(&out, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			     "Transfer-Encoding: chunked\r\n\r\n");
	o = (struct http1_out){.framing = HTTP1_FRAMING_CLOSE};
	assert_int_equal(http1_write_response_head(&out, 299, &o), 0);
	assert_written(&out, "HTTP/1.1 299 \r\nConnection: close\r\n\r\n");
	o = (struct http1_out){.framing = HTTP1_FRAMING_NONE, .close = true};
	assert_int_equal(http1_write_response_head(&out, 204, &o), 0);
	assert_written(&out, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
	assert_int_equal(http1_write_response_head(&out, 1000, &o), -EINVAL);
	assert_int_equal(http1_write_continue(&out), 0);
	assert_written(&out, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void test_errors_begin_with_our_name(void **state)
{
	autobuf struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(http1_write_error(&out, 403, "no h\r\nX: y", HTTP1_CLOSE), 0);
	assert_written(&out,
		       "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n"
		       "Content-Length: 20\r\nConnection: close\r\n\r\nmcpjail: no h  X: y\n");
	assert_int_equal(http1_write_error(&out, 421, "no", HTTP1_HEAD_ONLY), 0);
	assert_written(
		&out,
		"HTTP/1.1 421 Misdirected Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
		"Content-Length: 12\r\n\r\n");
	assert_int_equal(http1_write_body(&out, 200, "application/json", span_of("{}"), 0), 0);
	assert_written(&out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			     "Content-Length: 2\r\n\r\n{}");
}

static void test_chunks(void **state)
{
	autobuf struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(http1_write_chunk(&out, "0123456789abcdef", 16), 0);
	assert_int_equal(http1_write_chunk(&out, "", 0), 0);
	assert_int_equal(http1_write_last_chunk(&out), 0);
	assert_written(&out, "10\r\n0123456789abcdef\r\n0\r\n\r\n");
}

/* What we write, we understand. */
static void test_written_request_reads_back(void **state)
{
	struct http1_pair ours[] = {{"X-A", {"1", 1}}, {"X-B", {NULL, 0}}};
	struct http1_out o = {
		.fields = ours, .n_fields = 2, .framing = HTTP1_FRAMING_CHUNKED, .close = true};
	struct http1_head h = {0};
	struct http1_refusal refusal = {0, NULL};
	autobuf struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(http1_write_request_head(&out, "POST", "/mcp?a", "[::1]:99", &o), 0);
	assert_true(http1_read_request(&h, &out, &refusal) > 0);
	assert_int_equal(h.framing, HTTP1_FRAMING_CHUNKED);
	assert_false(h.keep_alive);
	assert_int_equal(h.n_fields, 5);
	http1_head_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_head_relays_what_is_allowed),
		cmocka_unit_test(test_request_head_drops_a_field_however_it_is_spelt),
		cmocka_unit_test(test_request_head_never_relays_hop_by_hop_fields),
		cmocka_unit_test(test_head_refuses_what_would_split_it),
		cmocka_unit_test(test_writers_write_nothing_where_room_is_short),
		cmocka_unit_test(test_response_heads),
		cmocka_unit_test(test_errors_begin_with_our_name),
		cmocka_unit_test(test_chunks),
		cmocka_unit_test(test_written_request_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
