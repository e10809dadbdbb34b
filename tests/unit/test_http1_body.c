// SPDX-License-Identifier: Apache-2.0
/* How bodies are handed out. Which bytes are a body is tested with the heads, in test_http1.c. */
#include <errno.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "proxy/http1.h"

static struct http1_head head_of(enum http1_framing framing, uint64_t length, bool is_response)
{
	return (struct http1_head){
		.framing = framing, .content_length = length, .is_response = is_response};
}

static void test_body_hands_out_payload_piece_by_piece(void **state)
{
	struct http1_head h = head_of(HTTP1_FRAMING_CHUNKED, 0, false);
	autobuf struct buf in = BUF_INIT(1000);
	struct http1_refusal refusal;
	struct http1_body b;
	size_t n = 0;

	(void)state;
	assert_int_equal(http1_body_begin(&b, &h, 100, &refusal), 0);
	buf_puts(&in, "6\r\nabcdef\r\n3\r\ngh");
	/* Asking again changes nothing. */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_DATA);
		assert_int_equal(n, 6);
		assert_memory_equal(in.data, "abcdef", 6);
	}
	http1_body_take(&b, &in, 2);
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_DATA);
	assert_int_equal(n, 4);
	http1_body_take(&b, &in, 4);
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_DATA);
	assert_int_equal(n, 2);
	assert_memory_equal(in.data, "gh", 2);
	http1_body_take(&b, &in, 2);
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_MORE);
	buf_puts(&in, "i\r\n0\r\n\r\nNEXT");
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_DATA);
	http1_body_take(&b, &in, n);
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_END);
	assert_int_equal(b.taken, 9);
	assert_int_equal(in.len, 4);
	assert_int_equal(http1_body_close(&b), 0);
}

static void test_body_length_leaves_the_next_message(void **state)
{
	struct http1_head h = head_of(HTTP1_FRAMING_LENGTH, 3, false);
	autobuf struct buf in = BUF_INIT(1000);
	struct http1_refusal refusal;
	struct http1_body b;
	size_t n = 0;

	(void)state;
	assert_int_equal(http1_body_begin(&b, &h, 3, &refusal), 0);
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_MORE);
	assert_int_equal(http1_body_close(&b), -EPROTO);
	buf_puts(&in, "abcdef");
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_DATA);
	assert_int_equal(n, 3);
	http1_body_take(&b, &in, 3);
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_END);
	assert_int_equal(in.len, 3);
}

static void test_body_bounds(void **state)
{
	struct http1_head length = head_of(HTTP1_FRAMING_LENGTH, 4, false);
	struct http1_head until_close = head_of(HTTP1_FRAMING_CLOSE, 0, true);
	autobuf struct buf in = BUF_INIT(1000);
	struct http1_refusal refusal;
	struct http1_body b;
	size_t n = 0;

	(void)state;
	assert_int_equal(http1_body_begin(&b, &length, 3, &refusal), -EMSGSIZE);
	assert_int_equal(refusal.status, 413);
	length.is_response = true;
	assert_int_equal(http1_body_begin(&b, &length, 3, &refusal), -EMSGSIZE);
	assert_int_equal(refusal.status, 502);
	assert_int_equal(http1_body_begin(&b, &until_close, 3, &refusal), 0);
	buf_puts(&in, "abcd");
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_DATA);
	assert_int_equal(n, 3);
	http1_body_take(&b, &in, 3);
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_BAD);
	assert_int_equal(refusal.status, 502);
}

static void test_body_until_close_ends_by_closing(void **state)
{
	struct http1_head h = head_of(HTTP1_FRAMING_CLOSE, 0, true);
	autobuf struct buf in = BUF_INIT(1000);
	struct http1_refusal refusal;
	struct http1_body b;
	size_t n = 0;

	(void)state;
	assert_int_equal(http1_body_begin(&b, &h, UINT64_MAX, &refusal), 0);
	buf_puts(&in, "abc");
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_DATA);
	http1_body_take(&b, &in, n);
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_MORE);
	assert_int_equal(http1_body_close(&b), 0);
	assert_int_equal(http1_body_next(&b, &in, &n, &refusal), HTTP1_BODY_END);
}

static void test_body_bounds_a_responses_trailers_and_extensions(void **state)
{
	struct http1_head h = head_of(HTTP1_FRAMING_CHUNKED, 0, true);
	struct http1_refusal refusal;
	struct http1_body b;
	size_t n = 0;

	(void)state;
	for (int extension = 0; extension < 2; extension++) {
		autobuf struct buf in = BUF_INIT(65536);
		enum http1_body_step step = HTTP1_BODY_MORE;
		size_t fed = 0;

		assert_int_equal(http1_body_begin(&b, &h, 10, &refusal), 0);
		buf_puts(&in, extension ? "0;" : "0\r\n");
		for (; step == HTTP1_BODY_MORE && fed < 60000; fed += 8) {
			buf_puts(&in, extension ? "aaaaaaaa" : "X: 123\r\n");
			step = http1_body_next(&b, &in, &n, &refusal);
		}
		assert_int_equal(step, HTTP1_BODY_BAD);
		assert_in_range(fed, HTTP1_CHUNK_LINE_MAX - 8, HTTP1_TRAILER_MAX + 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_hands_out_payload_piece_by_piece),
		cmocka_unit_test(test_body_length_leaves_the_next_message),
		cmocka_unit_test(test_body_bounds),
		cmocka_unit_test(test_body_until_close_ends_by_closing),
		cmocka_unit_test(test_body_bounds_a_responses_trailers_and_extensions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
