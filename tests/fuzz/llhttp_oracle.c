// SPDX-License-Identifier: Apache-2.0
/*
 * llhttp is compiled in its strict mode and stopped at the end of the message, so that
 * what it says about the end can be compared with what we say.
 */
#include "llhttp_oracle.h"

#include <llhttp.h>
#include <string.h>

#include "fuzz.h"

struct reader {
	llhttp_t parser; /* first, so that call-backs find the rest */
	struct oracle *out;
	struct buf url, name, value;
	bool has_no_body;
};

static struct reader *reader_of(llhttp_t *parser)
{
	return (struct reader *)(void *)parser;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
	return buf_append(&reader_of(p)->url, at, n) ? -1 : 0;
}

static int on_name(llhttp_t *p, const char *at, size_t n)
{
	return buf_append(&reader_of(p)->name, at, n) ? -1 : 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
	return buf_append(&reader_of(p)->value, at, n) ? -1 : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
	return buf_append(&reader_of(p)->out->body, at, n) ? -1 : 0;
}

static void put_first_line(struct reader *r)
{
	struct buf *head = &r->out->head;

	if (head->len)
		return;
	if (r->parser.type == HTTP_REQUEST)
		buf_printf(head, "%s %.*s 1.%u\n",
			   llhttp_method_name((llhttp_method_t)r->parser.method), (int)r->url.len,
			   r->url.len ? (char *)r->url.data : "", r->parser.http_minor);
	else
		buf_printf(head, "%u 1.%u\n", r->parser.status_code, r->parser.http_minor);
}

/* llhttp leaves white space behind a value to its callers; Node cuts it off. */
static void trim_end(struct buf *b)
{
	while (b->len && (b->data[b->len - 1] == ' ' || b->data[b->len - 1] == '\t'))
		b->len--;
}

static int on_field(llhttp_t *p)
{
	struct reader *r = reader_of(p);

	if (r->out->has_head) /* a trailer */
		return 0;
	put_first_line(r);
	trim_end(&r->value);
	buf_append(&r->out->head, r->name.data, r->name.len);
	buf_puts(&r->out->head, ": ");
	buf_append(&r->out->head, r->value.data, r->value.len);
	buf_puts(&r->out->head, "\n");
	buf_clear(&r->name);
	buf_clear(&r->value);
	return 0;
}

static int on_head(llhttp_t *p)
{
	struct reader *r = reader_of(p);
	struct buf *head = &r->out->head;

	put_first_line(r);
	if (p->flags & F_CHUNKED)
		buf_puts(head, "chunked\n");
	else if (p->flags & F_CONTENT_LENGTH)
		buf_printf(head, "%llu bytes\n", (unsigned long long)p->content_length);
	else
		buf_puts(head, "no framing\n");
	r->out->has_head = true;
	/* That some statuses have no body whatever their fields say (RFC 9112 §6.3, case 1)
	 * llhttp leaves to its callers. */
	if (p->type == HTTP_RESPONSE &&
	    (p->status_code < 200 || p->status_code == 204 || p->status_code == 304))
		return 1;
	return r->has_no_body ? 1 : 0;
}

static int on_end(llhttp_t *p)
{
	reader_of(p)->out->is_whole = true;
	return HPE_PAUSED;
}

static void read_message(struct span in, llhttp_type_t type, bool has_no_body, struct oracle *ret)
{
	llhttp_settings_t settings;
	struct reader r = {
		.out = ret,
		.url = BUF_INIT(FUZZ_BUF_MAX),
		.name = BUF_INIT(FUZZ_BUF_MAX),
		.value = BUF_INIT(FUZZ_BUF_MAX),
		.has_no_body = has_no_body,
	};
	llhttp_errno_t e;

	*ret = (struct oracle){.head = BUF_INIT(FUZZ_BUF_MAX), .body = BUF_INIT(FUZZ_BUF_MAX)};
	llhttp_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_header_field = on_name;
	settings.on_header_value = on_value;
	settings.on_header_value_complete = on_field;
	settings.on_headers_complete = on_head;
	settings.on_body = on_body;
	settings.on_message_complete = on_end;
	llhttp_init(&r.parser, type, &settings);
	e = llhttp_execute(&r.parser, in.p, in.n);
	if (ret->is_whole)
		ret->used = (size_t)(llhttp_get_error_pos(&r.parser) - in.p);
	else if (e != HPE_OK) {
		ret->error = llhttp_errno_name(e);
		ret->reason = llhttp_get_error_reason(&r.parser);
	} else if (llhttp_message_needs_eof(&r.parser) && ret->has_head) {
		ret->used = in.n;
	}
	buf_free(&r.url);
	buf_free(&r.name);
	buf_free(&r.value);
}

void oracle_read_request(struct span in, struct oracle *ret)
{
	read_message(in, HTTP_REQUEST, false, ret);
}

void oracle_read_response(struct span in, bool has_no_body, struct oracle *ret)
{
	read_message(in, HTTP_RESPONSE, has_no_body, ret);
}

void oracle_free(struct oracle *o)
{
	buf_free(&o->head);
	buf_free(&o->body);
}

bool oracle_knows_method(struct span method)
{
#define METHOD_NAME(number, name, text) #text,
	static const char *const names[] = {HTTP_METHOD_MAP(METHOD_NAME)};
#undef METHOD_NAME

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (span_equals(method, names[i]))
			return true;
	return false;
}
