// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void text_hex(const uint8_t *bytes, size_t n, char *ret_hex)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		ret_hex[2 * i] = digits[bytes[i] >> 4];
		ret_hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret_hex[2 * n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int text_unhex(const char *hex, uint8_t *ret_bytes, size_t n)
{
	if (strlen(hex) != 2 * n)
		return -EINVAL;
	for (size_t i = 0; i < 2 * n; i++)
		if (hex_digit(hex[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < n; i++)
		ret_bytes[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	return 0;
}

/*
 * Decode one code point (RFC 3629 §4). Returns its length in bytes, 0 where the
 * bytes are no well-formed sequence.
 */
static size_t utf8_decode(const uint8_t *p, size_t n, uint32_t *ret_code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len;
	uint32_t code;

	if (p[0] < 0x80) {
		*ret_code = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] < 0xe0)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] < 0xf0)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] < 0xf5)
		len = 4;
	else
		return 0;
	if (n < len)
		return 0;
	code = p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3fu);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return len;
}

bool text_is_utf8(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < n;) {
		uint32_t code;
		size_t len;

		if (p[i] < 0x80) {
			i++;
			continue;
		}
		len = utf8_decode(p + i, n - i, &code);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

static bool json_is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

int text_append_json_string(struct buf *b, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	size_t before = b->len;
	int r = buf_append(b, "\"", 1);

	for (size_t i = 0; !r && i < n;) {
		size_t run = i;
		uint32_t code;
		size_t len;

		while (run < n && json_is_plain(p[run]))
			run++;
		if (run > i) {
			r = buf_append(b, p + i, run - i);
			i = run;
			continue;
		}
		len = utf8_decode(p + i, n - i, &code);
		if (!len)
			r = buf_puts(b, "\\ufffd");
		else if (code == '"' || code == '\\')
			r = buf_printf(b, "\\%c", (char)code);
		else if (code < 0x20 || code == 0x7f)
			r = buf_printf(b, "\\u%04x", code);
		else
			r = buf_append(b, p + i, len);
		i += len ? len : 1;
	}
	if (!r)
		r = buf_append(b, "\"", 1);
	if (r)
		b->len = before;
	return r;
}

/* Characters that act on a terminal, or hide or reorder what a person reads. */
static bool is_unsafe_to_show(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},     {0x61c, 0x61c},
		{0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180e, 0x180e}, {0x200b, 0x200f},
		{0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164}, {0xfe00, 0xfe0f},
		{0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3},
		{0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

void text_escape_terminal(const void *bytes, size_t n, char *ret_text, size_t size)
{
	const uint8_t *p = bytes;
	size_t used = 0;

	for (size_t i = 0; i < n;) {
		uint32_t code = 0;
		size_t len = utf8_decode(p + i, n - i, &code);
		char piece[16];

		if (!len)
			snprintf(piece, sizeof(piece), "\\x%02x", p[i]);
		else if (code == '\\')
			snprintf(piece, sizeof(piece), "\\\\");
		else if (is_unsafe_to_show(code))
			snprintf(piece, sizeof(piece), code < 0x80 ? "\\x%02x" : "\\u{%x}", code);
		else
			snprintf(piece, sizeof(piece), "%.*s", (int)len, (const char *)p + i);
		if (used + strlen(piece) + 1 > size)
			break;
		memcpy(ret_text + used, piece, strlen(piece));
		used += strlen(piece);
		i += len ? len : 1;
	}
	ret_text[used] = '\0';
}

bool text_list_has(const char *list, struct span word)
{
	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == word.n && !memcmp(at, word.p, word.n))
			return true;
	return false;
}
