/* SPDX-License-Identifier: Apache-2.0 */
/**
 * http_text.h - a head as our parser read it, as text to compare
 */
#ifndef MCPJAIL_HTTP_TEXT_H
#define MCPJAIL_HTTP_TEXT_H

#include "fuzz.h"
#include "proxy/http1.h"

static inline void http_text_fields(const struct http1_head *h, struct buf *ret)
{
	for (size_t i = 0; i < h->n_fields; i++) {
		struct span name = http1_head_name(h, i), value = http1_head_value(h, i);

		must(!buf_append(ret, name.p, name.n));
		must(!buf_puts(ret, ": "));
		must(!buf_append(ret, value.p, value.n));
		must(!buf_puts(ret, "\n"));
	}
}

/** http_text() - First line, fields, framing: as llhttp_oracle.h has them */
static inline void http_text(const struct http1_head *h, struct buf *ret)
{
	struct span method = http1_head_span(h, h->method_text);
	struct span target = http1_head_span(h, h->target);

	if (h->is_response)
		must(!buf_printf(ret, "%u 1.%u\n", h->status, h->minor));
	else
		must(!buf_printf(ret, "%.*s %.*s 1.%u\n", (int)method.n, method.p, (int)target.n,
				 target.p, h->minor));
	http_text_fields(h, ret);
	if (http1_head_has(h, HTTP1_F_TRANSFER_ENCODING))
		must(!buf_puts(ret, "chunked\n"));
	else if (http1_head_has(h, HTTP1_F_CONTENT_LENGTH))
		must(!buf_printf(ret, "%llu bytes\n", (unsigned long long)h->content_length));
	else
		must(!buf_puts(ret, "no framing\n"));
}

/* Bytes on their way to the parser: all at once, or step by step. */
struct http_feed {
	struct buf in;
	struct span left;
	size_t step; /* 0: all at once */
};

static inline void http_feed_begin(struct http_feed *f, struct span bytes, size_t step)
{
	*f = (struct http_feed){.in = BUF_INIT(FUZZ_BUF_MAX), .left = bytes, .step = step};
	if (!step) {
		f->in = fuzz_buf(bytes.p, bytes.n);
		f->left.n = 0;
	}
}

/** http_feed_more() - Return: false if there is no more */
static inline bool http_feed_more(struct http_feed *f)
{
	size_t n = f->left.n < f->step ? f->left.n : f->step;

	must(!buf_append(&f->in, f->left.p, n));
	f->left.p += n;
	f->left.n -= n;
	return n > 0;
}

/** http_feed_body() - Read a body into @ret. Return: how it ended; HTTP1_BODY_MORE: cut short */
static inline enum http1_body_step http_feed_body(struct http_feed *f, struct http1_body *body,
						  struct buf *ret, struct http1_refusal *refusal)
{
	for (;;) {
		size_t n = 0;
		enum http1_body_step step = http1_body_next(body, &f->in, &n, refusal);

		if (step == HTTP1_BODY_MORE && http_feed_more(f))
			continue;
		if (step != HTTP1_BODY_DATA)
			return step;
		must(n >= 1 && n <= f->in.len);
		/* Some of it, so that the rest is told again. */
		n = n > 3 ? n / 2 : n;
		must(!buf_append(ret, f->in.data, n));
		http1_body_take(body, &f->in, n);
	}
}

#endif
