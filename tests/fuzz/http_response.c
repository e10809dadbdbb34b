// SPDX-License-Identifier: Apache-2.0
/*
 * A server's side of a connection: the first byte of the input says what was asked, the
 * rest is what came. What must hold:
 *   - the bytes read the same all at once and one by one;
 *   - llhttp, where it accepts the response too, finds the same head, body and end. It is
 *     stricter in what we drop before the agent sees it (chunk extensions, trailers, the
 *     reason phrase), so that its refusals say nothing here;
 *   - no body is longer than its bound, and a connection is kept only behind a response
 *     whose end is certain;
 *   - what the agent gets reads as what was read, less hop-by-hop fields.
 */
#include <errno.h>

#include "fuzz.h"
#include "http_text.h"
#include "llhttp_oracle.h"

#define MESSAGES_MAX 8
#define BODY_MAX     65536

static const enum http1_method asked_methods[] = {HTTP1_POST, HTTP1_GET, HTTP1_HEAD, HTTP1_CONNECT};

struct reading {
	struct buf text;       /* of everything */
	struct buf head, body; /* of the last response that was whole */
	size_t at, end;
	bool has_one, keeps_alive;
	uint16_t status;
	enum http1_framing framing;
};

static void reading_free(struct reading *r)
{
	buf_free(&r->text);
	buf_free(&r->head);
	buf_free(&r->body);
}

static void check_rewriting(const struct http1_head *h, enum http1_method asked)
{
	autobuf struct buf once = BUF_INIT(FUZZ_BUF_MAX), twice = BUF_INIT(FUZZ_BUF_MAX);
	struct http1_out out = {
		.relayed = h, .framing = h->framing, .content_length = h->content_length};
	struct http1_refusal refusal = {0};
	struct http1_head again = {0};
	struct http_feed feed;

	must(!http1_write_response_head(&once, h->status, &out));
	if (once.len > HTTP1_HEAD_MAX)
		return;
	http_feed_begin(&feed, span_bytes(once.data, once.len), 0);
	must(http1_read_response(&again, &feed.in, asked, &refusal) == (ssize_t)once.len);
	must(again.status == h->status && again.framing == h->framing);
	must(again.framing != HTTP1_FRAMING_LENGTH || again.content_length == h->content_length);
	out.relayed = &again;
	must(!http1_write_response_head(&twice, h->status, &out));
	must(fuzz_same(&once, &twice));
	http1_head_free(&again);
	buf_free(&feed.in);
}

static void check_head(const struct http1_head *h, enum http1_method asked)
{
	must(h->status >= 100 && h->status < 600 && h->is_response);
	if (h->status < 200 || h->status == 204 || h->status == 304 || asked == HTTP1_HEAD)
		must(h->framing == HTTP1_FRAMING_NONE);
	if (h->framing == HTTP1_FRAMING_CLOSE || h->status == 101)
		must(!h->keep_alive);
	must(!http1_head_has(h, HTTP1_F_CONTENT_LENGTH) ||
	     !http1_head_has(h, HTTP1_F_TRANSFER_ENCODING));
}

static enum http1_body_step read_body(const struct http1_head *h, struct http_feed *feed,
				      struct reading *r)
{
	struct http1_refusal refusal = {0};
	enum http1_body_step end;
	struct http1_body body;

	buf_clear(&r->body);
	if (http1_body_begin(&body, h, BODY_MAX, &refusal)) {
		must(refusal.status == 502);
		return HTTP1_BODY_BAD;
	}
	end = http_feed_body(feed, &body, &r->body, &refusal);
	must(body.taken == r->body.len && body.taken <= BODY_MAX);
	must(end != HTTP1_BODY_BAD || refusal.status == 502);
	if (end == HTTP1_BODY_MORE && !http1_body_close(&body)) {
		must(h->framing == HTTP1_FRAMING_CLOSE);
		end = HTTP1_BODY_END;
	}
	must(!buf_printf(&r->text, "body %.*s\n%d\n", (int)r->body.len, (char *)r->body.data, end));
	return end;
}

static void read_all(struct span bytes, enum http1_method asked, size_t step, struct reading *r)
{
	struct http1_refusal refusal = {0};
	struct http1_head h = {0};
	struct http_feed feed;

	*r = (struct reading){.text = BUF_INIT(FUZZ_BUF_MAX),
			      .head = BUF_INIT(FUZZ_BUF_MAX),
			      .body = BUF_INIT(FUZZ_BUF_MAX)};
	http_feed_begin(&feed, bytes, step);
	for (size_t i = 0; i < MESSAGES_MAX; i++) {
		size_t at = bytes.n - feed.left.n - feed.in.len;
		enum http1_body_step end;
		ssize_t n;

		do {
			n = http1_read_response(&h, &feed.in, asked, &refusal);
		} while (n == PARSE_MORE && http_feed_more(&feed));
		if (n == PARSE_BAD) {
			must(refusal.status == 502 && refusal.text);
			must(!buf_printf(&r->text, "refused %s\n", refusal.text));
		}
		r->has_one = false;
		if (n < 0)
			break;
		check_head(&h, asked);
		if (!step)
			check_rewriting(&h, asked);
		buf_clear(&r->head);
		http_text(&h, &r->head);
		must(!buf_append(&r->text, r->head.data, r->head.len));
		end = read_body(&h, &feed, r);
		r->has_one = end == HTTP1_BODY_END;
		r->at = at;
		r->end = bytes.n - feed.left.n - feed.in.len;
		r->status = h.status;
		r->framing = h.framing;
		r->keeps_alive = h.keep_alive;
		/* Behind an interim response comes another, RFC 9110 §15.2. */
		if (h.status >= 200 || h.status == 101 || end != HTTP1_BODY_END)
			break;
	}
	http1_head_free(&h);
	buf_free(&feed.in);
}

static void compare(struct span bytes, enum http1_method asked, const struct reading *r)
{
	size_t n = bytes.n - r->at;
	char *copy = fuzz_copy(bytes.p + r->at, n);
	struct oracle o;

	oracle_read_response(span_bytes(copy, n), asked == HTTP1_HEAD, &o);
	if (!o.error && o.has_head) {
		bool is_same = fuzz_same(&o.head, &r->head) && fuzz_same(&o.body, &r->body) &&
			       (o.used == r->end - r->at);

		if (!is_same) {
			fprintf(stderr, "ends: %zu and %zu\n", r->end - r->at, o.used);
			fuzz_show("we read", &r->head);
			fuzz_show("body", &r->body);
			fuzz_show("llhttp read", &o.head);
			fuzz_show("body", &o.body);
		}
		must(is_same);
	}
	oracle_free(&o);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct reading whole, stepwise;
	enum http1_method asked;
	struct span bytes;

	if (!n)
		return 0;
	asked = asked_methods[data[0] % ARRAY_SIZE(asked_methods)];
	bytes = span_bytes(data + 1, n - 1);
	read_all(bytes, asked, 0, &whole);
	read_all(bytes, asked, 1, &stepwise);
	must(fuzz_same(&whole.text, &stepwise.text));
	must(whole.keeps_alive == stepwise.keeps_alive && whole.end == stepwise.end);
	/* 2xx to CONNECT, and 101, begin something that is no HTTP: we never go on there. */
	if (whole.has_one && asked != HTTP1_CONNECT && whole.status != 101)
		compare(bytes, asked, &whole);
	reading_free(&whole);
	reading_free(&stepwise);
	return 0;
}
