/* SPDX-License-Identifier: Apache-2.0 */
/* fake/lib/methods.h - the JSON-RPC methods of the stand-in; private to fake/lib/mcp.c */
#ifndef MCPJAIL_TESTS_FAKE_METHODS_H
#define MCPJAIL_TESTS_FAKE_METHODS_H

#include "mcp.h"

#define MODERN "2026-07-28"
#define META   "io.modelcontextprotocol/"

/* One JSON-RPC message on its way through. */
struct exchange {
	struct mcp *mcp;
	const struct http_request *http;
	struct http_reply *reply;
	const json_t *root;   /* borrowed */
	const json_t *params; /* borrowed; may be NULL */
	json_t *id;           /* borrowed; NULL: a notification or a response */
	const char *method;   /* NULL: a response */
	bool is_modern;
};

/** legacy_version_is_known() - Whether a version of the legacy era is served */
bool legacy_version_is_known(const char *version);

/** method_run() - Carry out x->method of a request and fill x->reply */
void method_run(struct exchange *x);

/** reply_error() - A JSON-RPC error, and the HTTP status beside it */
void reply_error(struct exchange *x, unsigned status, int code, const char *text);

/** reply_error_data() - The same with error.data; @data is taken, or NULL */
void reply_error_data(struct exchange *x, unsigned status, int code, const char *text,
		      json_t *data);

/** reply_text() - A plain text in place of JSON-RPC */
void reply_text(struct http_reply *reply, unsigned status, const char *text);

#endif
