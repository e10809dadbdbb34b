// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes and lists as HTTP has them. Every byte class is spelled out once, here, so
 * that reader, normalisers and writers cannot disagree about one.
 */
#include "proxy/http1_internal.h"

#include <errno.h>
#include <string.h>

/*
 * One row for sixteen bytes from 0x20 on; C0 controls, DEL and all above are in no
 * class. The numbers are sums of HTTP1_C_*: 127 a digit, 111 a letter past 'f'.
 * A target excludes '"', '<', '>' and '#', which no client sends unescaped.
 */
const uint8_t http1_classes[256] = {
	[0x20] = 0,   7,   0,   1,   7,   3,   7,   7,   6,   6,   7,  7,  6,  79, 71, 6,
	[0x30] = 127, 127, 127, 127, 127, 127, 127, 127, 127, 127, 6,  6,  0,  6,  0,  2,
	[0x40] = 6,   111, 111, 111, 111, 111, 111, 79,  79,  79,  79, 79, 79, 79, 79, 79,
	[0x50] = 79,  79,  79,  79,  79,  79,  79,  79,  79,  79,  79, 2,  2,  2,  3,  79,
	[0x60] = 3,   111, 111, 111, 111, 111, 111, 79,  79,  79,  79, 79, 79, 79, 79, 79,
	[0x70] = 79,  79,  79,  79,  79,  79,  79,  79,  79,  79,  79, 2,  3,  2,  71, 0,
};

int http1_refuse(struct http1_refusal *ret_refusal, unsigned int status, const char *text)
{
	*ret_refusal = (struct http1_refusal){.status = (uint16_t)status, .text = text};
	return -EPROTO;
}

bool http1_span_is_class(struct span s, unsigned int class)
{
	for (size_t i = 0; i < s.n; i++)
		if (!http1_is(s.p[i], class))
			return false;
	return true;
}

#define ONES 0x0101010101010101u
#define TOPS 0x8080808080808080u

/* Whether one of eight bytes may be a control: exact for "below 0x20" and for DEL. */
static bool word_has_control(uint64_t w)
{
	uint64_t below_space = (w - ONES * 0x20) & ~w & TOPS;
	uint64_t x = w ^ (ONES * 0x7f);
	uint64_t is_delete = (x - ONES) & ~x & TOPS;

	return (below_space | is_delete) != 0;
}

static bool bytes_are_text(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((uint8_t)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f)
			return false;
	return true;
}

/* Eight bytes at a time, the last eight perhaps overlapping: values are the bulk of a head. */
bool http1_span_is_text(struct span s)
{
	size_t last = s.n - 8;
	uint64_t w;

	if (s.n < 8)
		return bytes_are_text(s.p, s.n);
	for (size_t i = 0;; i = i + 8 < last ? i + 8 : last) {
		memcpy(&w, s.p + i, 8);
		if (word_has_control(w) && !bytes_are_text(s.p + i, 8))
			return false;
		if (i == last)
			return true;
	}
}

bool http1_span_is_name(struct span s, const char *name, size_t n)
{
	if (s.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (http1_lower(s.p[i]) != name[i])
			return false;
	return true;
}

bool http1_span_is_any_case(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (http1_lower(a.p[i]) != http1_lower(b.p[i]))
			return false;
	return true;
}

static char field_letter(char c)
{
	return c == '_' ? '-' : http1_lower(c);
}

bool http1_span_is_field(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (field_letter(a.p[i]) != field_letter(b.p[i]))
			return false;
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

struct span http1_span_trim(struct span s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool http1_list_next(struct span *list, struct span *ret_element)
{
	const char *comma;
	size_t n;

	if (!list->p || !list->n)
		return false;
	comma = memchr(list->p, ',', list->n);
	n = comma ? (size_t)(comma - list->p) : list->n;
	*ret_element = http1_span_trim((struct span){list->p, n});
	if (comma)
		n++;
	list->p += n;
	list->n -= n;
	return true;
}

/* The type alone: what stands before the first parameter. */
static struct span media_type(struct span content_type)
{
	const char *semicolon = NULL;

	if (content_type.n)
		semicolon = memchr(content_type.p, ';', content_type.n);
	if (semicolon)
		content_type.n = (size_t)(semicolon - content_type.p);
	return http1_span_trim(content_type);
}

bool http1_media_type_is(struct span content_type, const char *type)
{
	return http1_span_is_any_case(media_type(content_type), span_of(type));
}

bool http1_media_type_ends(struct span content_type, const char *suffix)
{
	struct span type = media_type(content_type);
	size_t n = strlen(suffix);

	return type.n > n &&
	       http1_span_is_any_case(span_bytes(type.p + type.n - n, n), span_of(suffix));
}

/* What stands behind "charset", up to the next parameter. */
static bool says_utf8(struct span text)
{
	text = media_type(text);
	return http1_span_is_name(text, "=utf-8", 6) || http1_span_is_name(text, "=\"utf-8\"", 8);
}

bool http1_charset_is_utf8(struct span content_type)
{
	const size_t n = strlen("charset");
	bool named = false;

	for (size_t i = 0; i + n <= content_type.n; i++) {
		if (!http1_span_is_name(span_bytes(content_type.p + i, n), "charset", n))
			continue;
		if (named || !says_utf8(span_bytes(content_type.p + i + n, content_type.n - i - n)))
			return false;
		named = true;
	}
	return true;
}
