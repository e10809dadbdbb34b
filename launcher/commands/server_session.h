/* SPDX-License-Identifier: Apache-2.0 */
/**
 * server_session.h - ask an MCP server something, outside of any run
 *
 * The server is reached as a run reaches it: a confined dialer of our own resolves, checks and
 * connects, its certificate is verified against the system's roots, and what it answers is
 * read by the proxy's parsers. Calls wait, each for a bounded time.
 */
#ifndef MCPJAIL_COMMANDS_SERVER_SESSION_H
#define MCPJAIL_COMMANDS_SERVER_SESSION_H

#include <limits.h>

#include <jansson.h>

#include "base/error.h"
#include "commands/options.h"

#define SERVER_ANSWER_MS 30000 /* for one request, its connection included */
#define SERVER_PAGES_MAX 64    /* of one tools/list */
#define SERVER_TOOLS_MAX 5000

/* What a server lists. */
struct server_tools {
	char url[PATH_MAX]; /* as a policy normalises it */
	json_t *list;       /* definitions, of all pages */
};

/**
 * server_list_tools() - What a server lists
 * @url:       https; as a policy's `server` has it
 * @options:   --connect-to and --upstream-ca count
 * @ret:       To be released by the caller: its list; untouched on failure
 *
 * Return: 0; -EINVAL if the URL is none that a policy could name; -EPROTO; -errno; with @err
 * filled
 */
int server_list_tools(const char *url, const struct run_options *options, struct server_tools *ret,
		      struct error *err);

#endif
