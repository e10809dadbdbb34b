// SPDX-License-Identifier: Apache-2.0
/*
 * Where a body ends, RFC 9112 §6 and §7. Framing is read where it lies and dropped;
 * payload is only pointed at. A request's chunks may carry nothing but their size:
 * extensions and trailers are where readers differ. A response's are skipped, since
 * the response is framed anew before the agent sees it.
 */
#include "proxy/http1_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { STAGE_SIZE = 0, STAGE_DATA, STAGE_DATA_END, STAGE_TRAILER, STAGE_END };

#define SIZE_DIGITS_MAX                                                                            \
	15 /* hexadecimal digits of a chunk size: below 2^60, so no sum overflows                  \
	    */
#define STRICT_LINE_MAX (SIZE_DIGITS_MAX + 2)

static enum http1_body_step bad(const struct http1_body *b, unsigned int status, const char *text,
				struct http1_refusal *ret)
{
	http1_refuse(ret, b->is_response ? 502 : status, text);
	return HTTP1_BODY_BAD;
}

int http1_body_begin(struct http1_body *b, const struct http1_head *h, uint64_t max_bytes,
		     struct http1_refusal *ret_refusal)
{
	bool has_length = h->framing == HTTP1_FRAMING_LENGTH;

	if (has_length && h->content_length > max_bytes) {
		http1_refuse(ret_refusal, h->is_response ? 502 : 413, "the body is too large");
		return -EMSGSIZE;
	}
	*b = (struct http1_body){
		.framing = h->framing,
		.is_response = h->is_response,
		.max = max_bytes,
		.left = has_length ? h->content_length : 0,
		.stage = STAGE_DATA,
	};
	if (h->framing == HTTP1_FRAMING_CHUNKED)
		b->stage = STAGE_SIZE;
	else if (h->framing == HTTP1_FRAMING_NONE || (has_length && !b->left))
		b->stage = STAGE_END;
	else if (h->framing == HTTP1_FRAMING_CLOSE)
		b->left = UINT64_MAX;
	return 0;
}

/*
 * A whole line at the front of @in, without CR LF. Return: its bytes with them; 0 if
 * its end has not come; -EPROTO if it is past @max or not ended by CR LF.
 */
static ssize_t peek_line(const struct buf *in, size_t max, struct span *ret_line)
{
	size_t limit = in->len < max ? in->len : max;
	const uint8_t *lf = limit ? memchr(in->data, '\n', limit) : NULL;
	size_t n;

	if (!lf)
		return in->len < max ? 0 : -EPROTO;
	n = (size_t)(lf - in->data);
	if (!n || in->data[n - 1] != '\r')
		return -EPROTO;
	*ret_line = span_bytes(in->data, n - 1);
	return (ssize_t)n + 1;
}

/* chunk-size [ chunk-ext ], RFC 9112 §7.1 */
static const char *read_size(struct span line, bool allows_extension, uint64_t *ret_size)
{
	uint64_t v = 0;
	size_t n = 0;

	for (; n < line.n && http1_is(line.p[n], HTTP1_C_HEX); n++) {
		if (n == SIZE_DIGITS_MAX)
			return "a chunk size that is too large";
		v = v << 4 | http1_hex_value(line.p[n]);
	}
	if (!n)
		return "a chunk without a size";
	*ret_size = v;
	if (n == line.n)
		return NULL;
	if (!allows_extension)
		return "something behind a chunk's size";
	line = http1_span_trim(span_bytes(line.p + n, line.n - n));
	if (line.n && (line.p[0] != ';' || !http1_span_is_text(line)))
		return "a malformed chunk extension";
	return NULL;
}

static enum http1_body_step next_size(struct http1_body *b, struct buf *in,
				      struct http1_refusal *ret)
{
	size_t max = b->is_response ? HTTP1_CHUNK_LINE_MAX : STRICT_LINE_MAX;
	struct span line = {NULL, 0};
	ssize_t n = peek_line(in, max, &line);
	uint64_t size = 0;
	const char *why;

	if (!n)
		return HTTP1_BODY_MORE;
	if (n < 0)
		return bad(b, 400, "a malformed chunk size line", ret);
	why = read_size(line, b->is_response, &size);
	if (why)
		return bad(b, 400, why, ret);
	if (size > b->max - b->taken)
		return bad(b, 413, "the body is too large", ret);
	buf_consume(in, (size_t)n);
	b->left = size;
	b->line_bytes = 0;
	b->stage = size ? STAGE_DATA : STAGE_TRAILER;
	return HTTP1_BODY_DATA;
}

static enum http1_body_step next_data_end(struct http1_body *b, struct buf *in,
					  struct http1_refusal *ret)
{
	if ((in->len >= 1 && in->data[0] != '\r') || (in->len >= 2 && in->data[1] != '\n'))
		return bad(b, 400, "a chunk longer than its size", ret);
	if (in->len < 2)
		return HTTP1_BODY_MORE;
	buf_consume(in, 2);
	b->stage = STAGE_SIZE;
	return HTTP1_BODY_DATA;
}

static enum http1_body_step next_trailer(struct http1_body *b, struct buf *in,
					 struct http1_refusal *ret)
{
	struct span line = {NULL, 0};
	ssize_t n;

	if (!b->is_response && in->len && in->data[0] != '\r')
		return bad(b, 400, "a trailer field", ret);
	n = peek_line(in, b->is_response ? HTTP1_TRAILER_MAX - b->line_bytes : 2, &line);
	if (!n)
		return HTTP1_BODY_MORE;
	if (n < 0 || !http1_span_is_text(line))
		return bad(b, 400, "a malformed end of a chunked body", ret);
	buf_consume(in, (size_t)n);
	b->line_bytes += (size_t)n;
	if (!line.n)
		b->stage = STAGE_END;
	return HTTP1_BODY_DATA;
}

static enum http1_body_step next_data(const struct http1_body *b, const struct buf *in,
				      size_t *ret_bytes, struct http1_refusal *ret)
{
	uint64_t room = b->max - b->taken;
	uint64_t n = in->len < b->left ? in->len : b->left;

	if (!n)
		return HTTP1_BODY_MORE;
	if (!room)
		return bad(b, 413, "the body is too large", ret);
	*ret_bytes = (size_t)(n < room ? n : room);
	return HTTP1_BODY_DATA;
}

enum http1_body_step http1_body_next(struct http1_body *b, struct buf *in, size_t *ret_bytes,
				     struct http1_refusal *ret_refusal)
{
	/* A step over framing says HTTP1_BODY_DATA to be followed by the next. */
	enum http1_body_step step = HTTP1_BODY_DATA;

	while (step == HTTP1_BODY_DATA && b->stage != STAGE_DATA && b->stage != STAGE_END) {
		if (b->stage == STAGE_SIZE)
			step = next_size(b, in, ret_refusal);
		else if (b->stage == STAGE_DATA_END)
			step = next_data_end(b, in, ret_refusal);
		else
			step = next_trailer(b, in, ret_refusal);
	}
	if (step != HTTP1_BODY_DATA)
		return step;
	return b->stage == STAGE_END ? HTTP1_BODY_END : next_data(b, in, ret_bytes, ret_refusal);
}

void http1_body_take(struct http1_body *b, struct buf *in, size_t n)
{
	assert(b->stage == STAGE_DATA && n <= b->left);
	buf_consume(in, n);
	b->taken += n;
	if (b->framing == HTTP1_FRAMING_CLOSE)
		return;
	b->left -= n;
	if (!b->left)
		b->stage = b->framing == HTTP1_FRAMING_CHUNKED ? STAGE_DATA_END : STAGE_END;
}

int http1_body_close(struct http1_body *b)
{
	if (b->framing == HTTP1_FRAMING_CLOSE)
		b->stage = STAGE_END;
	return b->stage == STAGE_END ? 0 : -EPROTO;
}
