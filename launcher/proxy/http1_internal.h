/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/http1_internal.h - what the files of proxy/http1 share
 */
#ifndef MCPJAIL_PROXY_HTTP1_INTERNAL_H
#define MCPJAIL_PROXY_HTTP1_INTERNAL_H

#include "proxy/http1.h"

/* Classes of bytes. */
#define HTTP1_C_TOKEN  1u /* RFC 9110 §5.6.2 */
#define HTTP1_C_TARGET 2u /* a request target, and nothing a parser could take for its end */
#define HTTP1_C_PATH   4u /* RFC 3986 §3.3: pchar without '%', and '/' */
#define HTTP1_C_LABEL  8u /* letters, digits, '-', '_' */
#define HTTP1_C_DIGIT  16u
#define HTTP1_C_HEX    32u
#define HTTP1_C_PLAIN  64u /* RFC 3986 §2.3: unreserved */

extern const uint8_t http1_classes[256];

static inline bool http1_is(char c, unsigned int class)
{
	return (http1_classes[(uint8_t)c] & class) != 0;
}

/* Letters only; other bytes that '|' would change are never compared equal by callers. */
static inline char http1_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Value of a character of HTTP1_C_HEX. */
static inline unsigned int http1_hex_value(char c)
{
	return c <= '9' ? (unsigned int)(c - '0') : (unsigned int)((c | 0x20) - 'a' + 10);
}

/** http1_span_is_class() - Whether all bytes are of a class; true for none */
bool http1_span_is_class(struct span s, unsigned int class);

/** http1_span_is_text() - HTAB, printable ASCII and bytes above it: RFC 9110 §5.5 */
bool http1_span_is_text(struct span s);

/** http1_span_is_name() - Equality in any case; @name in lower case */
bool http1_span_is_name(struct span s, const char *name, size_t n);

/** http1_span_is_any_case() - Equality where neither side is known to be in lower case */
bool http1_span_is_any_case(struct span a, struct span b);

/** http1_span_is_field() - Likewise, and '_' for '-': gateways in the CGI tradition have it so */
bool http1_span_is_field(struct span a, struct span b);

/** http1_span_trim() - Without spaces and tabs around it */
struct span http1_span_trim(struct span s);

/** http1_list_next() - Next element of a comma-separated list, trimmed; false at its end */
bool http1_list_next(struct span *list, struct span *ret_element);

/* How the proxy treats a known field. */
#define HTTP1_SINGLE 1u /* may occur once in a message */
#define HTTP1_HOP    2u /* of one connection; a Connection field may name it */
#define HTTP1_OURS   4u /* written by us for each message, never relayed */

/** http1_known_find() - HTTP1_F_OTHER for a name that is none of ours */
enum http1_known http1_known_find(struct span name);

/** http1_known_flags() - HTTP1_SINGLE, HTTP1_HOP, HTTP1_OURS; 0 for HTTP1_F_OTHER */
unsigned int http1_known_flags(enum http1_known known);

/** http1_head_add_field() - Count one field of @h in. Return: NULL, or why it is refused */
const char *http1_head_add_field(struct http1_head *h, const char *base, struct http1_field f);

/**
 * http1_head_settle() - Framing and connection once all fields are in
 *
 * @h->bytes holds the head. Return: 0; -EPROTO with a refusal
 */
int http1_head_settle(struct http1_head *h, struct http1_refusal *ret_refusal);

/** http1_refuse() - Fill a refusal. Return: -EPROTO */
int http1_refuse(struct http1_refusal *ret_refusal, unsigned int status, const char *text);

#endif
