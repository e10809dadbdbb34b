// SPDX-License-Identifier: Apache-2.0
/*
 * Event streams. What must hold:
 *   - a stream decodes the same all at once and byte by byte;
 *   - a second decoder, written here from the WHATWG rules and without regard to memory or
 *     speed, finds the same events;
 *   - an event that can be encoded decodes to itself.
 */
#include <errno.h>

#include "fuzz.h"
#include "proxy/sse.h"

#define EVENT_MAX 4096 /* no bound is met: inputs are not longer */

static void put_event(struct buf *text, struct span data, struct span id, struct span type,
		      const char *flags)
{
	must(!buf_printf(text, "event %s id '%.*s' type '%.*s' data '", flags, (int)id.n,
			 id.n ? id.p : "", (int)type.n, type.n ? type.p : ""));
	must(!buf_append(text, data.p, data.n));
	must(!buf_puts(text, "'\n"));
}

static void flags_format(bool has_data, bool has_id, bool has_retry, uint64_t retry_ms, char *ret,
			 size_t size)
{
	snprintf(ret, size, "%s%s%s", has_data ? "d" : "", has_id ? "i" : "", has_retry ? "r" : "");
	if (has_retry)
		snprintf(ret + strlen(ret), size - strlen(ret), "%llu",
			 (unsigned long long)retry_ms);
}

static bool is_control(char c)
{
	return c == '\r' || c == '\n';
}

static bool has_line_end(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_control(s.p[i]))
			return true;
	return false;
}

/* Encode what was decoded, data joined by spaces if it has several lines, and decode it. */
static void check_encoding(const struct sse_event *event)
{
	autobuf struct buf data = BUF_INIT(FUZZ_BUF_MAX), out = BUF_INIT(FUZZ_BUF_MAX);
	struct sse_event one = *event, again = {0};
	struct sse_decoder d;
	struct span in;

	must(sse_encode(&out, event) == (has_line_end(event->data) ? -EINVAL : 0));
	must(!has_line_end(event->data) || !out.len);
	must(!buf_append(&data, event->data.p, event->data.n));
	for (size_t i = 0; i < data.len; i++)
		if (is_control((char)data.data[i]))
			data.data[i] = ' ';
	one.data = span_bytes(data.data, data.len);
	buf_clear(&out);
	must(!sse_encode(&out, &one));
	in = span_bytes(out.data, out.len);
	sse_decoder_init(&d, EVENT_MAX);
	must(sse_decode(&d, &in, &again) == SSE_EVENT && !in.n);
	must(again.data.n == data.len && (!data.len || !memcmp(again.data.p, data.data, data.len)));
	must(again.has_data == one.has_data && again.has_id == one.has_id &&
	     again.has_retry == one.has_retry && again.retry_ms == one.retry_ms);
	must(again.id.n == one.id.n && again.type.n == one.type.n);
	must(sse_decode(&d, &in, &again) == SSE_MORE);
	sse_decoder_free(&d);
}

static void decode(struct span stream, size_t step, struct buf *text)
{
	struct sse_event event = {0};
	struct sse_decoder d;
	char flags[40];

	sse_decoder_init(&d, EVENT_MAX);
	while (stream.n) {
		size_t n = step && step < stream.n ? step : stream.n;
		char *copy = fuzz_copy(stream.p, n);
		struct span in = span_bytes(copy, n);
		enum sse_step s;

		while ((s = sse_decode(&d, &in, &event)) == SSE_EVENT || s == SSE_COMMENT) {
			if (s == SSE_COMMENT) {
				must(!has_line_end(event.data));
				continue;
			}
			flags_format(event.has_data, event.has_id, event.has_retry, event.retry_ms,
				     flags, sizeof(flags));
			put_event(text, event.data, event.id, event.type, flags);
			if (!step)
				check_encoding(&event);
		}
		must(s == SSE_MORE && !in.n);
		stream = span_bytes(stream.p + n, stream.n - n);
		free(copy);
	}
	sse_decoder_free(&d);
}

/* --- the second decoder: HTML, "Interpreting an event stream" --------------------- */

struct reference {
	struct buf data, id, type;
	bool has_data, has_id, has_retry;
	uint64_t retry_ms;
};

static bool is_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* Stricter than the rules in one thing: ids and types are printable ASCII or ignored. */
static void reference_field(struct reference *r, struct span name, struct span value)
{
	if (span_equals(name, "data")) {
		buf_append(&r->data, value.p, value.n);
		buf_puts(&r->data, "\n");
		r->has_data = true;
	} else if (span_equals(name, "id") && is_printable(value)) {
		buf_clear(&r->id);
		buf_append(&r->id, value.p, value.n);
		r->has_id = true;
	} else if (span_equals(name, "event") && is_printable(value)) {
		buf_clear(&r->type);
		buf_append(&r->type, value.p, value.n);
	} else if (span_equals(name, "retry") && value.n && value.n < 16) {
		uint64_t ms = 0;

		for (size_t i = 0; i < value.n; i++) {
			if (value.p[i] < '0' || value.p[i] > '9')
				return;
			ms = ms * 10 + (uint64_t)(value.p[i] - '0');
		}
		r->retry_ms = ms;
		r->has_retry = true;
	}
}

static void reference_line(struct reference *r, struct span line, struct buf *text)
{
	struct span name, value;
	char flags[40];

	if (!line.n) {
		size_t n = r->data.len ? r->data.len - 1 : 0; /* less the last LF */

		flags_format(r->has_data, r->has_id, r->has_retry, r->retry_ms, flags,
			     sizeof(flags));
		if (flags[0])
			put_event(text, span_bytes(r->data.data, n),
				  span_bytes(r->id.data, r->id.len),
				  span_bytes(r->type.data, r->type.len), flags);
		buf_clear(&r->data);
		buf_clear(&r->id);
		buf_clear(&r->type);
		r->has_data = r->has_id = r->has_retry = false;
		return;
	}
	fuzz_split(line, ":", &name, &value);
	if (value.n && value.p[0] == ' ')
		value = span_bytes(value.p + 1, value.n - 1);
	if (name.n)
		reference_field(r, name, value);
}

static void reference_decode(struct span stream, struct buf *text)
{
	struct reference r = {.data = BUF_INIT(FUZZ_BUF_MAX),
			      .id = BUF_INIT(FUZZ_BUF_MAX),
			      .type = BUF_INIT(FUZZ_BUF_MAX)};
	size_t from = 0;

	if (stream.n >= 3 && !memcmp(stream.p, "\xef\xbb\xbf", 3))
		from = 3;
	for (size_t i = from; i < stream.n; i++) {
		if (!is_control(stream.p[i]))
			continue;
		reference_line(&r, span_bytes(stream.p + from, i - from), text);
		if (stream.p[i] == '\r' && i + 1 < stream.n && stream.p[i + 1] == '\n')
			i++;
		from = i + 1;
	}
	buf_free(&r.data);
	buf_free(&r.id);
	buf_free(&r.type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autobuf struct buf whole = BUF_INIT(FUZZ_BUF_MAX), bytewise = BUF_INIT(FUZZ_BUF_MAX);
	autobuf struct buf reference = BUF_INIT(FUZZ_BUF_MAX);
	struct span stream = span_bytes(data, n);

	/* Ids and types have bounds of their own, past which a stream is given up. */
	if (n > SSE_TYPE_MAX)
		n = stream.n = SSE_TYPE_MAX;
	decode(stream, 0, &whole);
	decode(stream, 1, &bytewise);
	reference_decode(stream, &reference);
	if (!fuzz_same(&whole, &bytewise) || !fuzz_same(&whole, &reference)) {
		fuzz_show("at once", &whole);
		fuzz_show("byte by byte", &bytewise);
		fuzz_show("reference", &reference);
	}
	must(fuzz_same(&whole, &bytewise));
	must(fuzz_same(&whole, &reference));
	return 0;
}
