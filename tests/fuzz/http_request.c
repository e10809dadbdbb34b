// SPDX-License-Identifier: Apache-2.0
/*
 * Pipelined requests. What must hold:
 *   - the bytes read the same all at once and one by one: heads, bodies, refusals;
 *   - llhttp reads each request that we accept as the same request: method, target,
 *     fields, framing, body, end. Where it does not, the table below says why that is
 *     accepted;
 *   - a head that is written from one that was read, reads as that one, and writing what
 *     was read again changes nothing.
 */
#include <errno.h>

#include "fuzz.h"
#include "http_text.h"
#include "llhttp_oracle.h"

#define MESSAGES_MAX 8
#define BODY_MAX     65536

/* What llhttp refuses and we accept. It is the other way round nearly everywhere. */
static const struct {
	const char *error, *reason; /* reason: NULL for any */
	const char *why;
} accepted_refusals[] = {
	{NULL, NULL, NULL},
};

struct reading {
	struct buf text; /* of everything */
	struct {
		struct buf head, body;
		size_t at, end; /* in the input; end is 0 unless it is whole */
	} messages[MESSAGES_MAX];
	size_t n;
};

static void reading_free(struct reading *r)
{
	buf_free(&r->text);
	for (size_t i = 0; i < MESSAGES_MAX; i++) {
		buf_free(&r->messages[i].head);
		buf_free(&r->messages[i].body);
	}
}

/* Whom and what it is for, which the policy judges. Return: false where that is refused. */
static bool put_destination(const struct http1_head *h, struct buf *text)
{
	struct http1_refusal refusal = {0};
	struct http1_authority a = {0};
	char path[HTTP1_PATH_MAX + 1], formatted[HTTP1_HOST_MAX + 16];

	if (http1_request_authority(h, 443, &a, &refusal)) {
		must(refusal.status == 400 || refusal.status == 421);
		must(!buf_printf(text, "%u %s\n", refusal.status, refusal.text));
		return false;
	}
	must(a.port && a.host[0]);
	must(!http1_authority_format(&a, 443, formatted, sizeof(formatted)));
	must(!buf_printf(text, "for %s\n", formatted));
	if (http1_request_path(h, path, &refusal)) {
		must(!buf_printf(text, "%u %s\n", refusal.status, refusal.text));
		return false;
	}
	must(!buf_printf(text, "path %s\n", path));
	return true;
}

/* Write the head as the proxy would, and read that. */
static void check_rewriting(const struct http1_head *h)
{
	autobuf struct buf once = BUF_INIT(FUZZ_BUF_MAX), twice = BUF_INIT(FUZZ_BUF_MAX);
	struct http1_out out = {
		.relayed = h, .framing = h->framing, .content_length = h->content_length};
	char method[256], target[HTTP1_HEAD_MAX];
	struct http1_refusal refusal = {0};
	struct http1_head again = {0};
	struct http_feed feed;

	if (!span_copy(http1_head_span(h, h->method_text), method, sizeof(method)) ||
	    !span_copy(http1_head_span(h, h->target), target, sizeof(target)))
		return;
	must(!http1_write_request_head(&once, method, target, "example.org", &out));
	/* The head may have grown past the bound by our Host. */
	if (once.len > HTTP1_HEAD_MAX)
		return;
	http_feed_begin(&feed, span_bytes(once.data, once.len), 0);
	must(http1_read_request(&again, &feed.in, &refusal) == (ssize_t)once.len);
	must(again.method == h->method && again.form == h->form && again.framing == h->framing &&
	     again.content_length == h->content_length && again.minor == 1 && again.keep_alive);
	out.relayed = &again;
	must(!http1_write_request_head(&twice, method, target, "example.org", &out));
	must(fuzz_same(&once, &twice));
	http1_head_free(&again);
	buf_free(&feed.in);
}

static void read_all(struct span bytes, size_t step, struct reading *r)
{
	struct http1_refusal refusal = {0};
	struct http1_head h = {0};
	struct http_feed feed;
	bool goes_on = true;

	*r = (struct reading){.text = BUF_INIT(FUZZ_BUF_MAX)};
	http_feed_begin(&feed, bytes, step);
	while (goes_on && r->n < MESSAGES_MAX) {
		size_t at = bytes.n - feed.left.n - feed.in.len, i = r->n;
		enum http1_body_step end = HTTP1_BODY_BAD;
		struct http1_body body;
		ssize_t n;

		r->messages[i].head = BUF_INIT(FUZZ_BUF_MAX);
		r->messages[i].body = BUF_INIT(FUZZ_BUF_MAX);
		do {
			n = http1_read_request(&h, &feed.in, &refusal);
		} while (n == PARSE_MORE && http_feed_more(&feed));
		if (n == PARSE_BAD) {
			must(refusal.status >= 400 && refusal.status <= 505 && refusal.text);
			must(!buf_printf(&r->text, "refused %u %s\n", refusal.status,
					 refusal.text));
		}
		if (n < 0)
			break;
		http_text(&h, &r->messages[i].head);
		r->messages[i].at = at;
		must(!buf_append(&r->text, r->messages[i].head.data, r->messages[i].head.len));
		if (!put_destination(&h, &r->text))
			break;
		r->n++;
		if (!step)
			check_rewriting(&h);
		if (http1_body_begin(&body, &h, BODY_MAX, &refusal)) {
			must(refusal.status == 413);
			break;
		}
		end = http_feed_body(&feed, &body, &r->messages[i].body, &refusal);
		must(body.taken == r->messages[i].body.len && body.taken <= BODY_MAX);
		must(!buf_printf(&r->text, "body %.*s\n", (int)r->messages[i].body.len,
				 (char *)r->messages[i].body.data));
		must(!buf_printf(&r->text, "%d %s\n", end,
				 end == HTTP1_BODY_BAD ? refusal.text : ""));
		if (end == HTTP1_BODY_END) {
			must(!http1_body_close(&body));
			r->messages[i].end = bytes.n - feed.left.n - feed.in.len;
		} else {
			must(http1_body_close(&body) == -EPROTO);
		}
		goes_on = end == HTTP1_BODY_END && h.keep_alive;
	}
	http1_head_free(&h);
	buf_free(&feed.in);
}

static bool is_accepted(const struct oracle *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(accepted_refusals); i++)
		if (accepted_refusals[i].error && o->error &&
		    !strcmp(o->error, accepted_refusals[i].error) &&
		    (!accepted_refusals[i].reason ||
		     !strcmp(o->reason, accepted_refusals[i].reason)))
			return true;
	return false;
}

static void compare(struct span bytes, const struct reading *r, size_t i)
{
	const struct buf *head = &r->messages[i].head, *body = &r->messages[i].body;
	size_t at = r->messages[i].at, end = r->messages[i].end;
	char *copy = fuzz_copy(bytes.p + at, bytes.n - at);
	struct span method, rest;
	struct oracle o;

	fuzz_split(span_bytes(head->data, head->len), " ", &method, &rest);
	oracle_read_request(span_bytes(copy, bytes.n - at), &o);
	/* Methods that it has not heard of, which MCP and registries do not use either. */
	if (oracle_knows_method(method) && !is_accepted(&o)) {
		if (o.error && (end || !o.has_head))
			fprintf(stderr, "llhttp: %s: %s\n", o.error, o.reason);
		if (!o.has_head || !fuzz_same(&o.head, head)) {
			fuzz_show("we read", head);
			fuzz_show("llhttp read", &o.head);
		}
		must(o.has_head && fuzz_same(&o.head, head));
		must(!end || (o.is_whole && o.used == end - at && fuzz_same(&o.body, body)));
	}
	oracle_free(&o);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span bytes = span_bytes(data, n);
	struct reading whole, stepwise;

	read_all(bytes, 0, &whole);
	read_all(bytes, 1, &stepwise);
	if (!fuzz_same(&whole.text, &stepwise.text)) {
		fuzz_show("at once", &whole.text);
		fuzz_show("byte by byte", &stepwise.text);
	}
	must(fuzz_same(&whole.text, &stepwise.text));
	for (size_t i = 0; i < whole.n; i++)
		compare(bytes, &whole, i);
	reading_free(&whole);
	reading_free(&stepwise);
	return 0;
}
