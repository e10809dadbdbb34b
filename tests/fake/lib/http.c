// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *http_field_find(const struct http_request *request, const char *name)
{
	for (size_t i = 0; i < request->n_fields; i++)
		if (!strcasecmp(request->fields[i].name, name))
			return request->fields[i].value;
	return NULL;
}

void http_request_clear(struct http_request *request)
{
	free(request->head);
	buf_free(&request->unchunked);
	*request = (struct http_request){0};
}

static char *line_take(char **cursor)
{
	char *line = *cursor;
	char *end = strstr(line, "\r\n");

	if (!end)
		return NULL;
	*end = '\0';
	*cursor = end + 2;
	return line;
}

static bool request_line_parse(char *line, struct http_request *request)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return false;
	*target++ = '\0';
	*version++ = '\0';
	request->method = line;
	request->target = target;
	request->close = !strcmp(version, "HTTP/1.0");
	return !strncmp(version, "HTTP/1.", 7);
}

static bool field_parse(char *line, struct http_request *request)
{
	char *value = strchr(line, ':');
	size_t n;

	if (!value || request->n_fields == HTTP_FIELDS_MAX)
		return false;
	*value++ = '\0';
	value += strspn(value, " \t");
	for (n = strlen(value); n && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
		value[n - 1] = '\0';
	request->fields[request->n_fields++] = (struct http_field){line, value};
	return true;
}

static bool head_parse(struct http_request *request)
{
	char *cursor = request->head;
	char *line = line_take(&cursor);
	const char *connection;

	if (!line || !request_line_parse(line, request))
		return false;
	while ((line = line_take(&cursor)) && *line)
		if (!field_parse(line, request))
			return false;
	connection = http_field_find(request, "Connection");
	if (connection && !strcasecmp(connection, "close"))
		request->close = true;
	return true;
}

/* One chunk from @text; *ret_used counts its size line and its final CRLF. */
static int chunk_take(const char *text, size_t n, struct buf *into, size_t *ret_used)
{
	const char *end = memmem(text, n, "\r\n", 2);
	size_t head, size;

	if (!end)
		return HTTP_MORE;
	head = (size_t)(end - text) + 2;
	size = strtoul(text, NULL, 16);
	if (size > HTTP_BODY_MAX)
		return HTTP_BAD;
	if (n < head + size + 2)
		return HTTP_MORE;
	if (buf_append(into, text + head, size) < 0)
		return HTTP_BAD;
	*ret_used = head + size + 2;
	return size ? 1 : 2;
}

static int chunked_body_take(const char *text, size_t n, struct http_request *request,
			     size_t *ret_used)
{
	size_t at = 0, used = 0;
	int got;

	request->unchunked = BUF_INIT(HTTP_BODY_MAX);
	do {
		got = chunk_take(text + at, n - at, &request->unchunked, &used);
		if (got <= 0)
			return got;
		at += used;
	} while (got == 1);
	request->body = (const char *)request->unchunked.data;
	request->body_bytes = request->unchunked.len;
	*ret_used = at;
	return 1;
}

static int body_take(const char *text, size_t n, struct http_request *request, size_t *ret_used)
{
	const char *coding = http_field_find(request, "Transfer-Encoding");
	const char *length = http_field_find(request, "Content-Length");
	size_t want = length ? strtoul(length, NULL, 10) : 0;

	if (coding && strcasestr(coding, "chunked"))
		return chunked_body_take(text, n, request, ret_used);
	if (want > HTTP_BODY_MAX)
		return HTTP_BAD;
	if (n < want)
		return HTTP_MORE;
	/* The caller consumes the input before the request is read: keep the body. */
	request->unchunked = BUF_INIT(HTTP_BODY_MAX);
	if (buf_append(&request->unchunked, text, want) < 0)
		return HTTP_BAD;
	request->body = (const char *)request->unchunked.data;
	request->body_bytes = want;
	*ret_used = want;
	return 1;
}

int http_request_take(struct buf *in, struct http_request *ret)
{
	struct http_request request = {.sni = ""};
	const char *text = (const char *)in->data;
	const char *end = in->len ? memmem(text, in->len, "\r\n\r\n", 4) : NULL;
	size_t head_bytes, used = 0;
	int got;

	if (!end)
		return in->len > HTTP_HEAD_MAX ? HTTP_BAD : HTTP_MORE;
	head_bytes = (size_t)(end - text) + 4;
	request.head = strndup(text, head_bytes);
	got = request.head && head_parse(&request)
		      ? body_take(text + head_bytes, in->len - head_bytes, &request, &used)
		      : HTTP_BAD;
	if (got <= 0) {
		http_request_clear(&request);
		return got;
	}
	buf_consume(in, head_bytes + used);
	*ret = request;
	return 1;
}

static const char *reason_of(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} table[] = {
		{200, "OK"},
		{202, "Accepted"},
		{400, "Bad Request"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{415, "Unsupported Media Type"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].reason;
	return "Status";
}

static int head_write(const struct http_reply *reply, struct buf *out)
{
	int r = buf_printf(out, "HTTP/1.1 %u %s\r\n", reply->status, reason_of(reply->status));

	if (r == 0 && reply->type)
		r = buf_printf(out, "Content-Type: %s\r\n", reply->type);
	if (r == 0 && reply->session[0])
		r = buf_printf(out, "Mcp-Session-Id: %s\r\n", reply->session);
	if (r == 0 && reply->is_stream)
		return buf_puts(out,
				"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n");
	return r ? r : buf_printf(out, "Content-Length: %zu\r\n\r\n", reply->body.len);
}

static int chunk_write(struct buf *out, const struct buf *data)
{
	int r;

	if (!data->len)
		return 0;
	r = buf_printf(out, "%zx\r\n", data->len);
	if (r == 0)
		r = buf_append(out, data->data, data->len);
	return r ? r : buf_puts(out, "\r\n");
}

int http_reply_begin(const struct http_reply *reply, struct buf *out)
{
	int r;

	if (!reply->is_stream)
		return 0;
	r = head_write(reply, out);
	return r ? r : chunk_write(out, &reply->early);
}

int http_reply_finish(const struct http_reply *reply, struct buf *out)
{
	size_t n = reply->fault == HTTP_TRUNCATE ? reply->body.len / 2 : reply->body.len;
	struct buf part = reply->body;
	int r;

	part.len = n;
	if (reply->is_stream) {
		r = chunk_write(out, &part);
		if (r < 0 || reply->endless || reply->fault)
			return r;
		return buf_puts(out, "0\r\n\r\n");
	}
	r = head_write(reply, out);
	return r < 0 || !n ? r : buf_append(out, part.data, n);
}

void http_reply_clear(struct http_reply *reply)
{
	buf_free(&reply->early);
	buf_free(&reply->body);
}
