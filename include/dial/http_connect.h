/* SPDX-License-Identifier: Apache-2.0 */
/**
 * dial/http_connect.h - asking an HTTP proxy for a tunnel (RFC 9110 §9.3.6)
 *
 * Texts only: who calls sends and receives them. Nothing here does I/O.
 */
#ifndef MCPJAIL_DIAL_HTTP_CONNECT_H
#define MCPJAIL_DIAL_HTTP_CONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

#define HTTP_CONNECT_USERINFO_MAX    512 /* bytes of "user:password" */
#define HTTP_CONNECT_CREDENTIALS_MAX 700 /* bytes of them in base64, NUL included */
#define HTTP_CONNECT_REQUEST_MAX     2048
#define HTTP_CONNECT_HEAD_MAX        16384 /* of all heads of an answer together */
#define HTTP_CONNECT_LINE_MAX        96    /* of a status line, as it is kept */

/**
 * http_connect_credentials() - The token of Basic authentication (RFC 7617)
 * @ret: Holds HTTP_CONNECT_CREDENTIALS_MAX bytes; "" if there is no userinfo
 *
 * Return: 0; -EMSGSIZE beyond HTTP_CONNECT_USERINFO_MAX
 */
int http_connect_credentials(struct span userinfo, char *ret);

/**
 * http_connect_request() - The request for a tunnel to a host and port
 * @host:        As target_kind() passes it
 * @credentials: By http_connect_credentials()
 * @ret:         Holds HTTP_CONNECT_REQUEST_MAX bytes, which is enough for every request
 *
 * Return: its length
 */
size_t http_connect_request(const char *host, uint16_t port, const char *credentials, char *ret);

/* An answer, so far; begins as all zeros. */
struct http_connect_answer {
	bool is_whole;                              /* its head has been read */
	unsigned status;                            /* of the last status line */
	char line[HTTP_CONNECT_LINE_MAX];           /* that line behind its version: "407 No" */
	size_t line_bytes, head_bytes, field_bytes; /* private */
};

/**
 * http_connect_answer_take() - Read on in the answer's head
 *
 * Takes all bytes up to and with the empty line behind the head, and none behind that: they
 * belong to the tunnel. Interim answers (1xx) are passed over. Fields mean nothing here:
 * an answer of 2xx has no body, whatever they say.
 *
 * Return: how many of the @n bytes were taken; -EPROTO if this is no HTTP/1 answer; -EMSGSIZE
 */
ssize_t http_connect_answer_take(struct http_connect_answer *answer, const char *bytes, size_t n);

#endif
