/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/sse.h - server-sent events, read as browsers do and written in one form
 *
 * The decoder follows the WHATWG event stream rules: LF, CRLF and CR end lines, a
 * leading BOM is dropped, data lines are joined by LF, an event that its empty
 * line does not end is dropped. The encoder writes one data line an event, LF only.
 */
#ifndef MCPJAIL_PROXY_SSE_H
#define MCPJAIL_PROXY_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define SSE_ID_MAX   1024 /* bytes of an id; MCP's are tens of bytes */
#define SSE_TYPE_MAX 256  /* bytes of an event type */

struct sse_event {
	struct span data; /* joined lines, without the last LF */
	struct span id;
	struct span type; /* empty for the default, "message" */
	bool has_data;    /* without data a browser sees nothing, but id and retry count */
	bool has_id;      /* this event set it; an empty id resets the client's */
	bool has_retry;
	uint64_t retry_ms;
};

enum sse_step {
	SSE_BAD = 0, /* a line or an event past its bound, or no memory: give the stream up */
	SSE_MORE,    /* all input was taken */
	SSE_EVENT,   /* *ret_event is filled, valid until the next call */
	SSE_COMMENT, /* ret_event->data is the comment's text; servers use them to keep alive */
};

/* All fields private. */
struct sse_decoder {
	struct buf line; /* beginning of a line whose end has not arrived */
	struct buf data;
	struct buf id, type;
	bool has_data, has_id, has_retry;
	bool skip_lf;   /* the last line ended in CR: an LF now belongs to it */
	bool started;   /* past the place where a BOM may stand */
	bool clear;     /* an event was handed out; forget it first */
	bool line_used; /* the line was handed out; forget it first */
	uint64_t retry_ms;
};

/** sse_decoder_init() - @event_max bounds a line and an event's data, in bytes */
void sse_decoder_init(struct sse_decoder *d, size_t event_max);

/** sse_decoder_free() - Accepts one that was only zeroed, and one freed before */
void sse_decoder_free(struct sse_decoder *d);

/**
 * sse_decode() - Take input up to the end of the next event
 * @in: Advanced past what was taken; empty after SSE_MORE
 *
 * Call until SSE_MORE, then again with the next bytes of the stream.
 */
enum sse_step sse_decode(struct sse_decoder *d, struct span *in, struct sse_event *ret_event);

/**
 * sse_encode() - Append one event: id, event, retry, data, empty line
 *
 * Return: 0; -EINVAL if a value holds CR or LF, or the id NUL; -EMSGSIZE; -ENOMEM.
 * Nothing is written on failure
 */
int sse_encode(struct buf *out, const struct sse_event *event);

/** sse_encode_comment() - Append ": text" and an empty line, which keeps a stream alive */
int sse_encode_comment(struct buf *out, const char *text);

#endif
