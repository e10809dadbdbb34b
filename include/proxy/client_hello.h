/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/client_hello.h - what a TLS client says before anything is encrypted
 *
 * For connections that are passed through unread: the name in the ClientHello is all that
 * can be judged of them. Pure, without OpenSSL; it reads one message (RFC 8446 §4.1.2) and
 * refuses whatever a server could read differently.
 */
#ifndef MCPJAIL_PROXY_CLIENT_HELLO_H
#define MCPJAIL_PROXY_CLIENT_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/http1.h" /* PARSE_MORE, PARSE_BAD, HTTP1_HOST_MAX */

#define CLIENT_HELLO_MAX (16 * 1024) /* bytes, those of the records around it included */

struct client_hello {
	char server_name[HTTP1_HOST_MAX + 1]; /* normalised; "" if it names none */
	bool has_ech; /* an encrypted ClientHello (RFC 9849) or one of its drafts, also greased */
	const char *why; /* with PARSE_BAD: what is wrong, a static string */
};

/**
 * client_hello_parse() - Read the ClientHello at the front of a connection
 * @bytes: All that has come so far; call again with more after PARSE_MORE
 * @ret:   Untouched by PARSE_MORE; only .why is filled by PARSE_BAD
 *
 * Records may cut the message anywhere, as clients of large hellos do. What lies behind it
 * is not looked at.
 *
 * Return: bytes of the records that hold it; PARSE_MORE; PARSE_BAD, also past
 * CLIENT_HELLO_MAX
 */
int client_hello_parse(const uint8_t *bytes, size_t n, struct client_hello *ret);

#endif
