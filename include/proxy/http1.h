/* SPDX-License-Identifier: Apache-2.0 */
/**
 * proxy/http1.h - HTTP/1.x heads and bodies, read strictly and written anew
 *
 * Pure functions over struct buf, no I/O. The proxy never passes a head on: it
 * reads one, decides, and writes another. What two parsers could read in two
 * ways is refused, with the status and the sentence to answer it with.
 *
 * A connection goes: http1_read_request() → http1_request_authority(),
 * http1_request_path() → http1_body_begin() → http1_body_next() until
 * HTTP1_BODY_END; bytes of a pipelined request stay in the buffer.
 */
#ifndef MCPJAIL_PROXY_HTTP1_H
#define MCPJAIL_PROXY_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/span.h"

#define HTTP_PORT  80 /* where a URL names none */
#define HTTPS_PORT 443

#define HTTP1_HEAD_MAX       32768 /* bytes of a head, its empty line included */
#define HTTP1_FIELDS_MAX     128   /* field lines of a head */
#define HTTP1_HOST_MAX       253   /* bytes of a normalised host */
#define HTTP1_PATH_MAX       4096  /* bytes of a normalised path */
#define HTTP1_CHUNK_LINE_MAX 4096  /* bytes of a chunk's size line in a response */
#define HTTP1_TRAILER_MAX    8192  /* bytes of a response's trailer section */

/* What an incremental reader returns where it consumed nothing. */
#define PARSE_BAD  ((ssize_t)-1) /* refused for good: answer the refusal and close */
#define PARSE_MORE ((ssize_t)-2) /* so far so good: call again with more bytes */

/* Why something was refused. The text is a static string, without "mcpjail: ". */
struct http1_refusal {
	uint16_t status; /* 400, 413, 417, 421, 431, 500 (no memory), 502 (a response's), 505 */
	const char *text;
};

enum http1_method {
	HTTP1_OTHER = 0, /* a token that is none of these; see method_text */
	HTTP1_GET,
	HTTP1_HEAD,
	HTTP1_POST,
	HTTP1_PUT,
	HTTP1_DELETE,
	HTTP1_CONNECT,
	HTTP1_OPTIONS,
	HTTP1_PATCH,
	HTTP1_TRACE,
};

/* Forms of a request target, RFC 9112 §3.2. */
enum http1_form { HTTP1_ORIGIN = 0, HTTP1_ABSOLUTE, HTTP1_AUTHORITY, HTTP1_ASTERISK };

enum http1_scheme { HTTP1_SCHEME_NONE = 0, HTTP1_SCHEME_HTTP, HTTP1_SCHEME_HTTPS };

/* How the end of a body is found, RFC 9112 §6.3. */
enum http1_framing {
	HTTP1_FRAMING_NONE = 0, /* no body */
	HTTP1_FRAMING_LENGTH,   /* content_length bytes; may be 0 */
	HTTP1_FRAMING_CHUNKED,
	HTTP1_FRAMING_CLOSE, /* responses only: until the server closes */
};

/* Fields that the proxy knows, for look-up without comparing names. */
enum http1_known {
	HTTP1_F_OTHER = 0,
	HTTP1_F_ACCEPT,
	HTTP1_F_ACCEPT_ENCODING,
	HTTP1_F_AUTHORIZATION,
	HTTP1_F_CONNECTION,
	HTTP1_F_CONTENT_ENCODING,
	HTTP1_F_CONTENT_LENGTH,
	HTTP1_F_CONTENT_TYPE,
	HTTP1_F_EXPECT,
	HTTP1_F_HOST,
	HTTP1_F_HTTP2_SETTINGS,
	HTTP1_F_KEEP_ALIVE,
	HTTP1_F_LAST_EVENT_ID,
	HTTP1_F_LOCATION,
	HTTP1_F_MCP_METHOD,
	HTTP1_F_MCP_NAME,
	HTTP1_F_MCP_PROTOCOL_VERSION,
	HTTP1_F_MCP_SESSION_ID,
	HTTP1_F_ORIGIN,
	HTTP1_F_PROXY_AUTHENTICATE,
	HTTP1_F_PROXY_AUTHORIZATION,
	HTTP1_F_PROXY_CONNECTION,
	HTTP1_F_TE,
	HTTP1_F_TRAILER,
	HTTP1_F_TRANSFER_ENCODING,
	HTTP1_F_UPGRADE,
	HTTP1_F_USER_AGENT,
	HTTP1_F_WWW_AUTHENTICATE,
	HTTP1_F_COUNT,
};

struct http1_slice {
	uint16_t at, n; /* bytes from the start of the head; HTTP1_HEAD_MAX fits */
};

struct http1_field {
	struct http1_slice name, value; /* value without the white space around it */
};

/*
 * A head that was read, and the reader's place while it is incomplete. All zero
 * is the empty state. Owns a copy of the head's bytes, so that spans taken from
 * it stay valid until the next read into it or http1_head_free(), whatever
 * becomes of the buffer it was read from.
 */
struct http1_head {
	enum http1_method method; /* of the request, also while reading a response */
	enum http1_form form;
	enum http1_scheme scheme; /* of an absolute target */
	enum http1_framing framing;
	uint64_t content_length; /* meaningful with HTTP1_FRAMING_LENGTH */
	uint16_t status;         /* of a response */
	uint8_t minor;           /* 1 or 0: HTTP/1.x */
	bool is_response;
	bool keep_alive;       /* the peer will take another message on this connection */
	bool expects_continue; /* Expect: 100-continue, and HTTP/1.1 */
	bool has_query;        /* the target has a '?' */
	bool drops_fields;     /* Connection names fields that the proxy does not know (private) */
	struct http1_slice method_text, target, authority, path, query; /* raw bytes */
	size_t n_fields;
	struct http1_field fields[HTTP1_FIELDS_MAX];
	uint8_t known[HTTP1_FIELDS_MAX]; /* enum http1_known of each field */
	uint8_t first[HTTP1_F_COUNT];    /* 1 + index of the first such field, 0 for none */
	struct buf bytes;                /* the head (private) */
	size_t line_at, scanned;         /* progress in an incomplete head (private) */
	uint8_t stage, leading;          /* (private) */
};

/** http1_head_free() - Release the bytes; the head is empty and usable afterwards */
void http1_head_free(struct http1_head *h);

/** http1_head_reset() - Forget the head and keep the memory; reads do it themselves */
void http1_head_reset(struct http1_head *h);

/**
 * http1_read_request() - Take one request head from the front of a buffer
 * @h:           Zeroed, or of an earlier message on this connection
 * @in:          Consumed from only when the head is whole (and then just the head);
 *               must be able to hold HTTP1_HEAD_MAX bytes
 * @ret_refusal: Filled with PARSE_BAD only
 *
 * Call again with the same @h after PARSE_MORE, with more bytes behind those
 * already in @in; no line is read twice. Refuses at the first line that is wrong,
 * not at the end of the head; @h is then empty. One empty line before the head is
 * skipped.
 *
 * What passes has exactly one reading: known HTTP version, one Host at most, one
 * of Content-Length and Transfer-Encoding: chunked at most, no folding, no bare
 * CR or LF, no control bytes, no duplicate of a field that may occur once, no
 * Connection option naming a field that means something here.
 *
 * Return: bytes consumed; PARSE_MORE; PARSE_BAD (400, 417, 431, 500, 505)
 */
ssize_t http1_read_request(struct http1_head *h, struct buf *in, struct http1_refusal *ret_refusal);

/**
 * http1_read_response() - Take one response head from the front of a buffer
 * @asked: Method of the request that it answers: HEAD and CONNECT decide the framing
 *
 * Informational responses (1xx) are heads of their own, with no body: read again
 * after them. A 101 must be treated as an error by the caller, who asked for none.
 * Everything else as for http1_read_request(). keep_alive is false for a response
 * whose end or successor is in any doubt; bytes that remain in @in after a whole
 * response mean that the connection must not be reused.
 *
 * Return: bytes consumed; PARSE_MORE; PARSE_BAD (502, 500)
 */
ssize_t http1_read_response(struct http1_head *h, struct buf *in, enum http1_method asked,
			    struct http1_refusal *ret_refusal);

/** http1_head_span() - Bytes of a slice: http1_head_span(h, h->target) */
static inline struct span http1_head_span(const struct http1_head *h, struct http1_slice s)
{
	return span_bytes(s.n ? h->bytes.data + s.at : NULL, s.n);
}

/** http1_head_name(), http1_head_value() - Of field @i < n_fields, in the order received */
static inline struct span http1_head_name(const struct http1_head *h, size_t i)
{
	return http1_head_span(h, h->fields[i].name);
}

static inline struct span http1_head_value(const struct http1_head *h, size_t i)
{
	return http1_head_span(h, h->fields[i].value);
}

/** http1_head_has() - Whether a known field occurs, also with an empty value */
static inline bool http1_head_has(const struct http1_head *h, enum http1_known known)
{
	return h->first[known] != 0;
}

/** http1_head_known() - Value of the first field of that kind; an empty span if there is none */
static inline struct span http1_head_known(const struct http1_head *h, enum http1_known known)
{
	return h->first[known] ? http1_head_value(h, h->first[known] - 1u) : (struct span){NULL, 0};
}

/** http1_media_type_is() - Whether a Content-Type is @type ("application/json"), parameters aside
 */
bool http1_media_type_is(struct span content_type, const char *type);

/** http1_media_type_ends() - Whether it ends with @suffix ("+json"), likewise, and is longer */
bool http1_media_type_ends(struct span content_type, const char *suffix);

/**
 * http1_charset_is_utf8() - Whether a Content-Type names no charset, or UTF-8 and that once
 *
 * Readers differ in which of two they take, and in what they make of odd ones.
 */
bool http1_charset_is_utf8(struct span content_type);

/* --- names and paths: the one normaliser -------------------------------------- */

enum http1_host_kind { HTTP1_HOST_NAME = 0, HTTP1_HOST_IPV4, HTTP1_HOST_IPV6 };

struct http1_authority {
	char host[HTTP1_HOST_MAX + 1]; /* normalised: see http1_host_normalise(); no brackets */
	enum http1_host_kind kind;
	uint16_t port; /* never 0 */
	bool has_port; /* it was written */
};

/**
 * http1_host_normalise() - The one spelling of a host name or address
 * @host:     From SNI, a Host field, a DNS query, a policy. IPv6 without brackets
 * @ret_host: HTTP1_HOST_MAX + 1 bytes
 * @ret_kind: May be NULL
 *
 * Names: lower case, one trailing dot dropped, labels of 1 to 63 letters, digits,
 * '-' and '_' that neither begin nor end with '-'. Addresses: as inet_ntop() has
 * them. Refused: the empty name, NUL and every other byte, non-ASCII (IDNs come
 * as xn--), a last label that is a number unless the whole is four plain decimal
 * numbers (0x7f.1, 2130706433, 127.1, 010.0.0.1), zone ids.
 *
 * Return: 0; -EINVAL
 */
int http1_host_normalise(struct span host, char *ret_host, enum http1_host_kind *ret_kind);

/**
 * http1_authority_parse() - "host", "host:port", "[v6]:port"
 * @default_port: For an authority that names none
 *
 * Userinfo is refused. A port is 1 to 65535 in plain decimal digits.
 *
 * Return: 0; -EINVAL
 */
int http1_authority_parse(struct span text, uint16_t default_port, struct http1_authority *ret);

/** http1_authority_format() - "host", or "host:port" unless it is @default_port; v6 in brackets */
int http1_authority_format(const struct http1_authority *a, uint16_t default_port, char *ret,
			   size_t size);

/**
 * http1_request_authority() - Whom a request is for
 * @default_port: 443 on an intercepted connection, 80 on a plain one; the scheme of
 *                an absolute target goes before it
 *
 * CONNECT and absolute targets name it themselves, and a Host beside them must
 * say the same; otherwise it is Host.
 *
 * Return: 0; -EPROTO with 400 (no or no valid host) or 421 (two that differ)
 */
int http1_request_authority(const struct http1_head *h, uint16_t default_port,
			    struct http1_authority *ret, struct http1_refusal *ret_refusal);

/**
 * http1_path_normalise() - The one spelling of a path, for exact comparison
 * @path:     From '/' up to, not including, '?'
 * @ret_path: HTTP1_PATH_MAX + 1 bytes
 *
 * Encoded unreserved characters are decoded, other escapes get upper-case digits.
 * Letter case and a trailing slash are kept. Refused: "." and ".." segments, empty
 * segments ("//"), '\', '#', and the escapes of '.', '/', '\', '%', C0 and DEL; escapes that
 * are none; non-ASCII.
 *
 * Return: 0; -EINVAL
 */
int http1_path_normalise(struct span path, char *ret_path);

/** http1_request_path() - http1_path_normalise() of an origin or absolute target ("" for others)
 * Return: 0; -EPROTO with 400 */
int http1_request_path(const struct http1_head *h, char *ret_path,
		       struct http1_refusal *ret_refusal);

/* --- bodies --------------------------------------------------------------------- */

enum http1_body_step {
	HTTP1_BODY_BAD = 0, /* refused: see the refusal */
	HTTP1_BODY_MORE,    /* nothing to do before more bytes arrive, or the peer closes */
	HTTP1_BODY_DATA,    /* the front of the buffer is payload: take it with http1_body_take() */
	HTTP1_BODY_END,     /* whole; what is left in the buffer belongs to the next message */
};

struct http1_body {
	enum http1_framing framing;
	bool is_response;  /* extensions and trailers are skipped rather than refused */
	uint64_t left;     /* payload bytes of this chunk or body still to come */
	uint64_t taken;    /* payload bytes so far */
	uint64_t max;      /* bound on the payload */
	size_t line_bytes; /* framing bytes of the line or section being read (private) */
	uint8_t stage;     /* (private) */
};

/**
 * http1_body_begin() - Prepare to read the body behind a head
 * @max_bytes: Bound on the payload; UINT64_MAX for none
 *
 * Return: 0; -EMSGSIZE with 413 (502 for a response) if its length is past the bound
 */
int http1_body_begin(struct http1_body *b, const struct http1_head *h, uint64_t max_bytes,
		     struct http1_refusal *ret_refusal);

/**
 * http1_body_next() - Where the body stands, given what is in the buffer
 * @in:        Framing is consumed from its front, payload never
 * @ret_bytes: With HTTP1_BODY_DATA: how many bytes at in->data are payload, at least 1
 *
 * After HTTP1_BODY_DATA use all or some of those bytes, then http1_body_take(), and
 * call again. Idempotent: without new bytes or a take it says the same again.
 */
enum http1_body_step http1_body_next(struct http1_body *b, struct buf *in, size_t *ret_bytes,
				     struct http1_refusal *ret_refusal);

/** http1_body_take() - Consume @n payload bytes, at most what http1_body_next() told */
void http1_body_take(struct http1_body *b, struct buf *in, size_t n);

/**
 * http1_body_close() - The peer closed its side, and the buffer is used up
 * Return: 0 if the body was whole or ends by closing; -EPROTO if it was cut short
 */
int http1_body_close(struct http1_body *b);

/* --- writing ---------------------------------------------------------------------- */

struct http1_pair {
	const char *name;
	struct span value;
};

/* What goes into a head beside its first line and Host. */
struct http1_out {
	const struct http1_head *relayed; /* a head to take fields from, or NULL */
	/* Names to take, in any case, NULL-terminated; NULL takes all. */
	const char *const *allowed;
	/* Names not to take, likewise, spelt with '-' or '_'; NULL: none. */
	const char *const *dropped;
	const struct http1_pair *fields; /* our own; each goes before a relayed one of its name */
	size_t n_fields;
	enum http1_framing framing; /* NONE writes no framing field at all */
	uint64_t content_length;
	bool close; /* Connection: close */
};

/*
 * The writers below append to @out, and write nothing at all on failure.
 * Return: 0; -EINVAL for a CR, LF, NUL or a name that is no token; -EMSGSIZE; -ENOMEM.
 *
 * Never relayed, allowed or not: Host, framing, Connection and what it names, the
 * other hop-by-hop fields, Expect, Upgrade, Proxy-*.
 */

/** http1_field_is_relayed() - Whether field @i of a head is one that the writers relay at all */
bool http1_field_is_relayed(const struct http1_head *h, size_t i);

/** http1_write_request_head() - @host as from http1_authority_format() */
int http1_write_request_head(struct buf *out, const char *method, const char *target,
			     const char *host, const struct http1_out *o);

/** http1_write_response_head() - With the usual reason phrase of @status */
int http1_write_response_head(struct buf *out, unsigned int status, const struct http1_out *o);

#define HTTP1_CLOSE     1u /* say Connection: close */
#define HTTP1_HEAD_ONLY 2u /* answers HEAD: the length without the body */

/**
 * http1_write_error() - A whole answer with a text body "mcpjail: @text\n"
 * @text:  Names host, rule and what to do; control characters become spaces
 * @flags: HTTP1_CLOSE, HTTP1_HEAD_ONLY
 */
int http1_write_error(struct buf *out, unsigned int status, const char *text, unsigned int flags);

/** http1_write_body() - A whole answer: head with Content-Type and Content-Length, and @body */
int http1_write_body(struct buf *out, unsigned int status, const char *content_type,
		     struct span body, unsigned int flags);

/** http1_write_continue() - "HTTP/1.1 100 Continue" */
int http1_write_continue(struct buf *out);

/** http1_write_chunk() - One chunk, size line and all; nothing for an empty one, which would end
 * the body */
int http1_write_chunk(struct buf *out, const void *bytes, size_t n);

/** http1_write_last_chunk() - The end of a chunked body */
int http1_write_last_chunk(struct buf *out);

/** http1_reason() - Reason phrase of a status; "" for one that has none */
const char *http1_reason(unsigned int status);

#endif
