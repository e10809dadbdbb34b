// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes from a stranger on their way to a person or a record. What must hold:
 *   - a JSON string of them is one that jansson reads, as these bytes if they are UTF-8;
 *   - what goes to a terminal is UTF-8 without one control character of any kind;
 *   - hexadecimal comes back as the bytes it was made of.
 */
#include <jansson.h>

#include "base/text.h"
#include "fuzz.h"
#include "ledger/record.h"
#include "ledger/scan.h"

#define TERMINAL_MAX 16384

static void check_json_string(struct span text)
{
	autobuf struct buf b = BUF_INIT(FUZZ_BUF_MAX), back = BUF_INIT(FUZZ_BUF_MAX);
	json_auto_t *value = NULL, *reference = json_stringn(text.p, text.n);
	bool is_utf8 = text_is_utf8(text.p, text.n);

	/* jansson has a UTF-8 decoder of its own. */
	must(is_utf8 == (reference != NULL));
	must(!text_append_json_string(&b, text.p, text.n) && fuzz_is_one_line(&b));
	must(scan_is_value(span_bytes(b.data, b.len)));
	value = json_loadb((char *)b.data, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	must(value && (!is_utf8 || json_equal(value, reference)));
	must(!scan_string(span_bytes(b.data, b.len), &back));
	must(back.len == json_string_length(value) &&
	     (!back.len || !memcmp(back.data, json_string_value(value), back.len)));
}

/* U+0080 to U+009F, bidirectional controls, zero-width characters, separators, tags. */
static bool is_invisible(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

static void check_terminal(struct span text, size_t size)
{
	autofree char *out = malloc(size);
	size_t n;

	must(out);
	text_escape_terminal(text.p, text.n, out, size);
	n = strnlen(out, size);
	must(n < size && text_is_utf8(out, n));
	for (size_t i = 0; i < n;) {
		uint8_t c = (uint8_t)out[i];
		size_t length = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		uint32_t code = length == 1 ? c : c & (0x7fu >> length);

		for (size_t k = 1; k < length; k++)
			code = code << 6 | ((uint8_t)out[i + k] & 0x3fu);
		must(!is_invisible(code));
		i += length;
	}
}

static void check_hex(struct span text)
{
	size_t n = text.n < 64 ? text.n : 64;
	uint8_t back[64];
	char hex[129];

	text_hex((const uint8_t *)text.p, n, hex);
	must(strlen(hex) == 2 * n && !text_unhex(hex, back, n));
	must(!n || !memcmp(back, text.p, n));
}

/* Whatever is put into a record, the record is one well-formed line. */
static void check_record(struct span text)
{
	struct record r = {.line = BUF_INIT(RECORD_MAX)};
	struct span line;

	record_open(&r);
	record_string(&r, "text", text);
	record_json(&r, "json", text);
	record_begin_list(&r, "list");
	record_begin_item(&r);
	record_json(&r, "json", text);
	record_end_item(&r);
	record_end_list(&r);
	record_u64(&r, "last", 7);
	record_close(&r);
	must(!r.error);
	line = span_bytes(r.line.data, r.line.len);
	while (line.n && line.p[line.n - 1] == '\n')
		line.n--;
	must(scan_is_value(line) && span_equals(scan_find(line, "last"), "7"));
	buf_free(&r.line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	autofree char *copy = fuzz_copy(data, n);
	struct span text = span_bytes(copy, n);

	check_json_string(text);
	check_terminal(text, TERMINAL_MAX);
	check_terminal(text, 1 + n % 40);
	check_hex(text);
	check_record(text);
	return 0;
}
