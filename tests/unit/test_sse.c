// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/cleanup.h"
#include "cmocka_all.h"
#include "guard.h"
#include "proxy/sse.h"

#define EVENT_MAX 64u

/*
 * What a stream decodes to: each event as "[id=… event=… retry=… data=…]", each
 * comment as "(…)", "!" where it is given up.
 */
struct test_case {
	const char *name;
	const char *bytes;
	size_t n;
	const char *events;
};

#define CASE(name, bytes, events)                                                                  \
	{                                                                                          \
		(name), (bytes), sizeof(bytes) - 1, (events)                                       \
	}
#define D60 "012345678901234567890123456789012345678901234567890123456789"

static const struct test_case cases[] = {
	CASE("one event", "data: {}\n\n", "[data={}]"),
	CASE("no space", "data:{}\n\n", "[data={}]"),
	CASE("one space only is dropped", "data:  x\n\n", "[data= x]"),
	CASE("CR LF", "event: message\r\ndata: {}\r\n\r\n", "[event=message data={}]"),
	CASE("CR", "event: message\rdata: {}\r\rdata: 2\r\r", "[event=message data={}][data=2]"),
	CASE("mixed ends", "data: 1\r\n\ndata: 2\n\rdata: 3\r\r\n", "[data=1][data=2][data=3]"),
	CASE("CR LF is one end", "data: 1\r\ndata: 2\r\n\r\n", "[data=1\n2]"),
	CASE("BOM",
	     "\xef\xbb\xbf"
	     "data: x\n\n",
	     "[data=x]"),
	CASE("BOM only at the start",
	     "data: x\n\n\xef\xbb\xbf"
	     "data: y\n\n",
	     "[data=x]"),
	CASE("BOM only once",
	     "\xef\xbb\xbf\xef\xbb\xbf"
	     "data: x\n\n",
	     ""),
	CASE("BOM before an empty line", "\xef\xbb\xbf\ndata: x\n\n", "[data=x]"),
	CASE("lines are joined", "data: a\ndata: b\ndata:\ndata: c\n\n", "[data=a\nb\n\nc]"),
	CASE("empty data", "data:\n\n", "[data=]"),
	CASE("field without colon", "data\n\n", "[data=]"),
	CASE("two empty data lines", "data\ndata\n\n", "[data=\n]"),
	CASE("id, event and retry", "id: 7\nevent: e\nretry: 3000\ndata: x\n\n",
	     "[id=7 event=e retry=3000 data=x]"),
	CASE("polling: id and retry without data", "id: 7\nretry: 10\n\n", "[id=7 retry=10]"),
	CASE("empty id", "id\ndata: x\n\n", "[id= data=x]"),
	CASE("last id and event win", "id: 1\nid: 2\nevent: a\nevent: b\ndata: x\n\n",
	     "[id=2 event=b data=x]"),
	CASE("id with NUL is ignored", "id: a\0b\ndata: x\n\n", "[data=x]"),
	CASE("retry that is no number", "retry: 1s\nretry: -1\nretry:\ndata: x\n\n", "[data=x]"),
	CASE("nothing carries over", "id: 1\nevent: e\nretry: 1\ndata: x\n\ndata: y\n\n",
	     "[id=1 event=e retry=1 data=x][data=y]"),
	CASE("event without data", "event: e\n\ndata: x\n\n", "[data=x]"),
	CASE("comment", ": ka\n\n", "(ka)"),
	CASE("comment within an event", "data: a\n:\ndata: b\n\n", "()[data=a\nb]"),
	CASE("unknown fields", "foo: bar\nDATA: x\n data: y\ndata : z\n\n", ""),
	CASE("empty lines", "\n\n\r\n\r\r\n", ""),
	CASE("colon in data", "data: a:b: c\n\n", "[data=a:b: c]"),
	CASE("unterminated event is dropped", "data: x\n\ndata: y\n", "[data=x]"),
	CASE("unterminated line is dropped", "data: x\n\ndat", "[data=x]"),
	CASE("CR at the end is whole", "data: x\r\r", "[data=x]"),
	CASE("data at its bound", "data:" D60 "0123\n\n", "[data=" D60 "0123]"),
	CASE("data past its bound", "data:" D60 "01234\n\n", "!"),
	CASE("joined data past its bound", "data:" D60 "\ndata: 0123\n\n", "!"),
	CASE("unknown line at its bound", D60 "01234567890123456789\n", ""),
	CASE("unknown line past its bound", D60 "012345678901234567890\n", "!"),
	CASE("endless line", D60 D60, "!"),
};

static void print_event(const struct sse_event *e, char *out)
{
	strcat(out, "[");
	if (e->has_id)
		sprintf(out + strlen(out), "id=%.*s ", (int)e->id.n, e->id.n ? e->id.p : "");
	if (e->type.n)
		sprintf(out + strlen(out), "event=%.*s ", (int)e->type.n, e->type.p);
	if (e->has_retry)
		sprintf(out + strlen(out), "retry=%llu ", (unsigned long long)e->retry_ms);
	if (e->has_data)
		sprintf(out + strlen(out), "data=%.*s ", (int)e->data.n,
			e->data.n ? e->data.p : "");
	out[strlen(out) - 1] = ']';
}

static void decode(const struct test_case *c, size_t step, char *out)
{
	struct guard g = guard_new();
	struct sse_decoder d;
	bool is_bad = false;

	sse_decoder_init(&d, EVENT_MAX);
	out[0] = '\0';
	for (size_t at = 0; at < c->n && !is_bad;) {
		size_t n = c->n - at < step ? c->n - at : step;
		struct span in = span_bytes(guard_place(&g, c->bytes + at, n), n);
		enum sse_step s = SSE_EVENT;
		struct sse_event e;

		while (s == SSE_EVENT || s == SSE_COMMENT) {
			s = sse_decode(&d, &in, &e);
			if (s == SSE_EVENT)
				print_event(&e, out);
			else if (s == SSE_COMMENT)
				sprintf(out + strlen(out), "(%.*s)", (int)e.data.n, e.data.p);
		}
		is_bad = s == SSE_BAD;
		assert_true(is_bad || !in.n);
		at += n;
	}
	if (is_bad)
		strcpy(out, "!");
	sse_decoder_free(&d);
	sse_decoder_free(&d);
	guard_free(&g);
}

static void test_streams_decode_the_same_however_they_arrive(void **state)
{
	static const size_t steps[] = {1, 2, 3, 5, 11, 1000};

	(void)state;
	assert_true(ARRAY_SIZE(cases) >= 20);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t j = 0; j < ARRAY_SIZE(steps); j++) {
			char out[2048];

			decode(&cases[i], steps[j], out);
			if (strcmp(out, cases[i].events) != 0)
				fail_msg("%s (step %zu): %s, expected %s", cases[i].name, steps[j],
					 out, cases[i].events);
		}
}

static void test_event_is_there_with_its_last_byte(void **state)
{
	struct sse_decoder d;
	struct span in = span_of("data: x\r\n\r");
	struct sse_event e;

	(void)state;
	sse_decoder_init(&d, EVENT_MAX);
	assert_int_equal(sse_decode(&d, &in, &e), SSE_EVENT);
	assert_true(span_equals(e.data, "x"));
	in = span_of("\ndata: y\n\n");
	assert_int_equal(sse_decode(&d, &in, &e), SSE_EVENT);
	assert_true(span_equals(e.data, "y"));
	sse_decoder_free(&d);
}

static void test_encoder_has_one_form(void **state)
{
	static const struct {
		struct sse_event event;
		const char *out;
	} encoded[] = {
		{{.has_data = true, .data = {"{}", 2}}, "data: {}\n\n"},
		{{.has_data = true}, "data: \n\n"},
		{{.has_id = true, .id = {"7", 1}, .has_retry = true, .retry_ms = 10},
		 "id: 7\nretry: 10\n\n"},
		{{.has_id = true, .type = {"e", 1}, .has_data = true, .data = {"x", 1}},
		 "id: \nevent: e\ndata: x\n\n"},
	};
	autobuf struct buf out = BUF_INIT(1000);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(encoded); i++) {
		buf_clear(&out);
		assert_int_equal(sse_encode(&out, &encoded[i].event), 0);
		buf_append(&out, "", 1);
		assert_string_equal((char *)out.data, encoded[i].out);
	}
	buf_clear(&out);
	assert_int_equal(sse_encode_comment(&out, "ka"), 0);
	assert_int_equal(out.len, 6);
	assert_memory_equal(out.data, ": ka\n\n", 6);
}

static void test_encoder_refuses_a_second_line(void **state)
{
	static const struct sse_event bad[] = {
		{.has_data = true, .data = {"a\nb", 3}},
		{.has_data = true, .data = {"0123456789\r", 11}},
		{.has_data = true, .type = {"a\rb", 3}},
		{.has_id = true, .id = {"\n", 1}},
		{.has_id = true, .id = {"a\0b", 3}},
	};
	autobuf struct buf out = BUF_INIT(1000), small = BUF_INIT(8);
	struct sse_event long_event = {.has_data = true, .data = {"0123", 4}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(sse_encode(&out, &bad[i]), -EINVAL);
	assert_int_equal(sse_encode_comment(&out, "a\nb"), -EINVAL);
	assert_int_equal(out.len, 0);
	assert_int_equal(sse_encode(&small, &long_event), -EMSGSIZE);
	assert_int_equal(small.len, 0);
}

/* A tab or another control is no line end, wherever it falls in a word of eight. */
static void test_every_byte_but_cr_and_lf_is_data(void **state)
{
	(void)state;
	for (unsigned int c = 1; c < 256; c++)
		for (size_t at = 0; at < 16; at++) {
			char bytes[5 + 16 + 2], out[100], expected[100];
			struct test_case t = {"byte", bytes, sizeof(bytes), expected};

			if (c == '\n' || c == '\r')
				continue;
			memcpy(bytes, "data:xxxxxxxxxxxxxxxx\n\n", sizeof(bytes));
			bytes[5 + at] = (char)c;
			/* One space behind the colon is dropped. */
			snprintf(expected, sizeof(expected), "[data=%.*s]",
				 c == ' ' && !at ? 15 : 16, bytes + 5 + (c == ' ' && !at));
			decode(&t, 100, out);
			assert_string_equal(out, expected);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams_decode_the_same_however_they_arrive),
		cmocka_unit_test(test_event_is_there_with_its_last_byte),
		cmocka_unit_test(test_encoder_has_one_form),
		cmocka_unit_test(test_encoder_refuses_a_second_line),
		cmocka_unit_test(test_every_byte_but_cr_and_lf_is_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
