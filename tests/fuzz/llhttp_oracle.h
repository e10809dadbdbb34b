/* SPDX-License-Identifier: Apache-2.0 */
/**
 * llhttp_oracle.h - one HTTP message as Node's parser reads it
 *
 * The head becomes text that http_text.h makes of our own reading too: first line, one
 * "name: value" a field, framing.
 */
#ifndef MCPJAIL_LLHTTP_ORACLE_H
#define MCPJAIL_LLHTTP_ORACLE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/span.h"

struct oracle {
	struct buf head, body;
	bool has_head, is_whole;
	size_t used;        /* bytes of the message, if it is whole */
	const char *error;  /* "HPE_INVALID_METHOD", …; NULL: none */
	const char *reason; /* in llhttp's words */
};

/** oracle_read_request() - Read the message at the front of @in; to be released by oracle_free() */
void oracle_read_request(struct span in, struct oracle *ret);

/** oracle_read_response() - The same of a response; @has_no_body: it answers HEAD */
void oracle_read_response(struct span in, bool has_no_body, struct oracle *ret);

void oracle_free(struct oracle *o);

/** oracle_knows_method() - Whether llhttp has a request method in its list at all */
bool oracle_knows_method(struct span method);

#endif
