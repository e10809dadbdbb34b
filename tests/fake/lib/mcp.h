/* SPDX-License-Identifier: Apache-2.0 */
/**
 * fake/lib/mcp.h - MCP over HTTP, both eras, in front of fake/lib/fax.h
 *
 * Legacy (2025-03-26, 2025-06-18, 2025-11-25): initialize opens a session that all
 * further requests name; GET opens an event stream, DELETE ends the session. Modern
 * (2026-07-28): no session, the envelope in params._meta, headers that must agree
 * with the body.
 */
#ifndef MCPJAIL_TESTS_FAKE_MCP_H
#define MCPJAIL_TESTS_FAKE_MCP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fax.h"
#include "http.h"

struct mcp_knobs {
	unsigned delay_ms;     /* of every tools/call */
	bool sse;              /* answer tools/call as an event stream, progress first */
	const char *ask;       /* method of a server request sent before each result; implies sse */
	size_t page_tools;     /* tools on a page of tools/list; 0: all */
	unsigned fault_every;  /* every how many-th tools/call has the fault; 0: none */
	unsigned fault_status; /* an HTTP status as the fault, or */
	enum http_fault fault;
	bool log_headers;
	FILE *log; /* a line for each message that arrived; may be NULL */
};

struct mcp {
	struct mcp_knobs knobs;
	struct fax *fax;
	json_t *sessions; /* legacy session id → true */
	uint64_t n_messages, n_calls, n_asked;
};

/** mcp_answer() - server_config.answer; @service is a struct mcp */
void mcp_answer(void *service, const struct http_request *request, struct http_reply *ret_reply);

#endif
