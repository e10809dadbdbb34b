/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fake/lib/http.h - HTTP/1.1 as a test server needs it: requests in, replies out
 *
 * Lenient on purpose: the stand-in executes what real servers execute, so that a
 * test sees whether the proxy in front of it let something through.
 */
#ifndef MCPJAIL_TESTS_FAKE_HTTP_H
#define MCPJAIL_TESTS_FAKE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define HTTP_HEAD_MAX   32768
#define HTTP_BODY_MAX   (4 << 20)
#define HTTP_FIELDS_MAX 128

struct http_field {
	const char *name;
	const char *value;
};

struct http_request {
	const char *method;
	const char *target;
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t n_fields;
	const char *body;
	size_t body_bytes;
	const char *sni; /* "" without TLS or without the extension */
	bool close;      /* the client asked for it, or speaks HTTP/1.0 */

	char *head; /* owned: the text that the fields point into */
	struct buf unchunked;
};

enum http_fault {
	HTTP_SOUND = 0,
	HTTP_RESET,            /* TCP reset instead of an answer */
	HTTP_TRUNCATE,         /* half of the body, then the end of the connection */
	HTTP_CLOSE_UNANSWERED, /* the request was read and carried out; then the end */
};

struct http_reply {
	unsigned status;
	const char *type; /* content type; NULL: no body */
	char session[64]; /* Mcp-Session-Id; "": none */
	struct buf early; /* of an event stream: what goes out before the delay */
	struct buf body;  /* of an event stream: the rest of its events */
	unsigned delay_ms;
	bool is_stream; /* chunked, headers at once */
	bool endless;   /* the stream stays open */
	enum http_fault fault;
};

#define HTTP_MORE 0
#define HTTP_BAD  (-1)

/**
 * http_request_take() - The next whole request of a connection's input
 * @ret: Its strings live until http_request_clear()
 *
 * Return: 1, and the request's bytes are consumed; HTTP_MORE; HTTP_BAD
 */
int http_request_take(struct buf *in, struct http_request *ret);
void http_request_clear(struct http_request *request);

/** http_field_find() - Value of the first field of that name, whatever its case; or NULL */
const char *http_field_find(const struct http_request *request, const char *name);

/** http_reply_begin() - Append what of @reply goes out at once: nothing, if a whole body is delayed
 */
int http_reply_begin(const struct http_reply *reply, struct buf *out);

/** http_reply_finish() - Append what goes out after the delay, cut short if the fault says so */
int http_reply_finish(const struct http_reply *reply, struct buf *out);
void http_reply_clear(struct http_reply *reply);

#endif
