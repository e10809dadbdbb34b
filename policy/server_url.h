/* SPDX-License-Identifier: Apache-2.0 */
/**
 * server_url.h - the URL of an MCP server, taken apart and normalised
 */
#ifndef MCPJAIL_POLICY_SERVER_URL_H
#define MCPJAIL_POLICY_SERVER_URL_H

#include <stdint.h>

#include "host.h"

#define SERVER_PATH_MAX 1024
#define SERVER_URL_MAX  (SERVER_PATH_MAX + HOST_MAX + 32)

struct server_url {
	char url[SERVER_URL_MAX];
	char host[HOST_MAX + 1]; /* an IPv6 literal without brackets */
	uint16_t port;
	char path[SERVER_PATH_MAX + 1];
};

/**
 * server_url_parse() - Read https://HOST[:PORT][/PATH]
 * @ret_what: On -EINVAL, what is wrong with it; static
 * @ret_mend: On -EINVAL, what would be right; static, may be NULL
 *
 * Strict rather than lenient: what two parsers might read in two ways is refused.
 *
 * Return: 0; -EINVAL
 */
int server_url_parse(const char *text, struct server_url *ret, const char **ret_what,
		     const char **ret_mend);

#endif
