/* SPDX-License-Identifier: Apache-2.0 */
/**
 * base/text.h - hexadecimal, UTF-8, escaping, lists of words
 */
#ifndef MCPJAIL_BASE_TEXT_H
#define MCPJAIL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

/** text_hex() - Lower-case hexadecimal of @n bytes; @ret_hex holds 2 × @n + 1 bytes */
void text_hex(const uint8_t *bytes, size_t n, char *ret_hex);

/** text_unhex() - Return: 0; -EINVAL unless @hex is exactly 2 × @n hexadecimal digits */
int text_unhex(const char *hex, uint8_t *ret_bytes, size_t n);

/**
 * text_is_utf8() - Whether @n bytes are well-formed UTF-8 (RFC 3629)
 *
 * Overlong forms, surrogates and code points past U+10FFFF are not. NUL is.
 */
bool text_is_utf8(const void *bytes, size_t n);

/**
 * text_append_json_string() - Append a quoted JSON string (RFC 8259 §7)
 *
 * Escapes the quotation mark, the reverse solidus, C0 controls and DEL. Bytes that are
 * not UTF-8 become U+FFFD, so that the outcome is always one line of valid JSON.
 *
 * Return: 0; -EMSGSIZE; -ENOMEM
 */
int text_append_json_string(struct buf *b, const void *bytes, size_t n);

/**
 * text_escape_terminal() - Make text from a stranger safe to print on a terminal
 * @ret_text: Holds @size bytes, always NUL-terminated; cut at a whole escape
 *
 * C0, DEL, C1, bidirectional controls, zero-width and tag characters, line and
 * paragraph separators and bytes that are not UTF-8 become \xNN or \u{NNNN}; a
 * reverse solidus is doubled. Everything else is kept.
 */
void text_escape_terminal(const void *bytes, size_t n, char *ret_text, size_t size);

/** text_list_has() - Whether one of the words of @list, which commas part, is @word as a whole */
bool text_list_has(const char *list, struct span word);

#endif
