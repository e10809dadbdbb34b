// SPDX-License-Identifier: Apache-2.0
/*
 * Event streams (HTML, "Server-sent events"). Lines are found in the caller's bytes
 * and copied only where an input ends inside one; an event's data is gathered in one
 * buffer. Every byte that is kept counts against a bound.
 */
#include "proxy/sse.h"

#include <errno.h>
#include <string.h>

#define FIELD_NAME_BYTES 16 /* what a line may have beside its value */

void sse_decoder_init(struct sse_decoder *d, size_t event_max)
{
	*d = (struct sse_decoder){
		.line = BUF_INIT(event_max + FIELD_NAME_BYTES),
		.data = BUF_INIT(event_max),
		.id = BUF_INIT(SSE_ID_MAX),
		.type = BUF_INIT(SSE_TYPE_MAX),
	};
}

void sse_decoder_free(struct sse_decoder *d)
{
	buf_free(&d->line);
	buf_free(&d->data);
	buf_free(&d->id);
	buf_free(&d->type);
}

#define WINDOW_FIRST 64u
#define WINDOW_MAX   4096u

/*
 * Bytes up to the first CR or LF, or all of them. In growing windows, so that neither
 * a stream of CRs nor one of LFs makes the search for the other run to the end of the
 * input for each line.
 */
static size_t line_length(const char *p, size_t n)
{
	size_t window = WINDOW_FIRST;

	for (size_t i = 0; i < n;) {
		size_t len = n - i < window ? n - i : window;
		const char *lf = memchr(p + i, '\n', len);
		const char *cr = memchr(p + i, '\r', lf ? (size_t)(lf - p) - i : len);

		if (cr || lf)
			return (size_t)((cr ? cr : lf) - p);
		i += len;
		window = window < WINDOW_MAX ? window * 2 : window;
	}
	return n;
}

static struct span buf_span(const struct buf *b)
{
	return span_bytes(b->len ? b->data : NULL, b->len);
}

static int buf_assign(struct buf *b, struct span value)
{
	buf_clear(b);
	return buf_append(b, value.p, value.n);
}

static void forget_event(struct sse_decoder *d)
{
	buf_clear(&d->data);
	buf_clear(&d->id);
	buf_clear(&d->type);
	d->has_data = false;
	d->has_id = false;
	d->has_retry = false;
}

static enum sse_step end_event(struct sse_decoder *d, struct sse_event *ret)
{
	if (!d->has_data && !d->has_id && !d->has_retry) {
		forget_event(d);
		return SSE_MORE;
	}
	*ret = (struct sse_event){
		.data = buf_span(&d->data),
		.id = buf_span(&d->id),
		.type = buf_span(&d->type),
		.has_data = d->has_data,
		.has_id = d->has_id,
		.has_retry = d->has_retry,
		.retry_ms = d->has_retry ? d->retry_ms : 0,
	};
	d->clear = true;
	return SSE_EVENT;
}

static int on_data(struct sse_decoder *d, struct span value)
{
	int r = d->has_data ? buf_append(&d->data, "\n", 1) : 0;

	d->has_data = true;
	return r ? r : buf_append(&d->data, value.p, value.n);
}

/*
 * Ids and types are relayed as they are. Some clients end lines at more than the
 * specification's three (U+0085, U+2028, VT, …): to them, what follows would be a field of
 * its own, data even. Printable ASCII has none of these.
 */
static bool is_printable(struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < 0x20 || value.p[i] > 0x7e)
			return false;
	return true;
}

static int on_id(struct sse_decoder *d, struct span value)
{
	if (!is_printable(value))
		return 0;
	d->has_id = true;
	return buf_assign(&d->id, value);
}

static int on_type(struct sse_decoder *d, struct span value)
{
	if (!is_printable(value))
		return 0;
	return buf_assign(&d->type, value);
}

static int on_retry(struct sse_decoder *d, struct span value)
{
	uint64_t v = 0;

	if (!value.n || value.n > 15)
		return 0;
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return 0;
		v = v * 10 + (uint64_t)(value.p[i] - '0');
	}
	d->retry_ms = v;
	d->has_retry = true;
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct sse_decoder *d, struct span value);
} fields[] = {{"data", on_data}, {"id", on_id}, {"event", on_type}, {"retry", on_retry}};

static enum sse_step read_field(struct sse_decoder *d, struct span name, struct span value)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (span_equals(name, fields[i].name))
			return fields[i].take(d, value) ? SSE_BAD : SSE_MORE;
	return SSE_MORE;
}

static enum sse_step read_line(struct sse_decoder *d, struct span line, struct sse_event *ret)
{
	struct span value = {NULL, 0};
	const char *colon;

	if (!d->started && line.n >= 3 && !memcmp(line.p, "\xef\xbb\xbf", 3))
		line = (struct span){line.p + 3, line.n - 3};
	d->started = true;
	if (!line.n)
		return end_event(d, ret);
	colon = memchr(line.p, ':', line.n);
	if (colon) {
		value = (struct span){colon + 1, line.n - (size_t)(colon - line.p) - 1};
		line.n = (size_t)(colon - line.p);
	}
	if (value.n && value.p[0] == ' ')
		value = (struct span){value.p + 1, value.n - 1};
	if (colon && !line.n) {
		*ret = (struct sse_event){.data = value};
		return SSE_COMMENT;
	}
	return read_field(d, line, value);
}

/* One line from @in, or what there is of it. Sets *ret_line only if it is whole. */
static enum sse_step take_line(struct sse_decoder *d, struct span *in, struct span *ret_line)
{
	size_t n = line_length(in->p, in->n);
	bool is_whole = n < in->n;

	/* The bound is the same however the stream was cut into pieces. */
	if (n > d->line.max - d->line.len)
		return SSE_BAD;
	*ret_line = (struct span){in->p, n};
	if (!is_whole || d->line.len) {
		if (buf_append(&d->line, in->p, n))
			return SSE_BAD;
		*ret_line = buf_span(&d->line);
	}
	if (is_whole)
		d->skip_lf = in->p[n++] == '\r';
	in->p += n;
	in->n -= n;
	return is_whole ? SSE_EVENT : SSE_MORE;
}

enum sse_step sse_decode(struct sse_decoder *d, struct span *in, struct sse_event *ret_event)
{
	if (d->clear) {
		forget_event(d);
		d->clear = false;
	}
	if (d->line_used) {
		buf_clear(&d->line);
		d->line_used = false;
	}
	while (in->n) {
		struct span line;
		enum sse_step step;

		if (d->skip_lf) {
			d->skip_lf = false;
			if (in->p[0] == '\n') {
				in->p++;
				in->n--;
				continue;
			}
		}
		step = take_line(d, in, &line);
		if (step != SSE_EVENT)
			return step;
		step = read_line(d, line, ret_event);
		if (step != SSE_MORE) {
			d->line_used = true;
			return step;
		}
		buf_clear(&d->line);
	}
	return SSE_MORE;
}

static bool is_one_line(struct span s)
{
	return line_length(s.p, s.n) == s.n;
}

static int put_field(struct buf *out, const char *name, struct span value)
{
	int r = buf_puts(out, name);

	if (!r)
		r = buf_append(out, value.p, value.n);
	return r ? r : buf_append(out, "\n", 1);
}

int sse_encode(struct buf *out, const struct sse_event *event)
{
	size_t before = out->len;
	int r = 0;

	if (!is_one_line(event->data) || !is_one_line(event->id) || !is_one_line(event->type) ||
	    (event->id.n && memchr(event->id.p, '\0', event->id.n)))
		return -EINVAL;
	if (event->has_id)
		r = put_field(out, "id: ", event->id);
	if (!r && event->type.n)
		r = put_field(out, "event: ", event->type);
	if (!r && event->has_retry)
		r = buf_printf(out, "retry: %llu\n", (unsigned long long)event->retry_ms);
	if (!r && event->has_data)
		r = put_field(out, "data: ", event->data);
	if (!r)
		r = buf_append(out, "\n", 1);
	if (r)
		out->len = before;
	return r;
}

int sse_encode_comment(struct buf *out, const char *text)
{
	size_t before = out->len;
	int r;

	if (!is_one_line(span_of(text)))
		return -EINVAL;
	r = put_field(out, ": ", span_of(text));
	if (!r)
		r = buf_append(out, "\n", 1);
	if (r)
		out->len = before;
	return r;
}
