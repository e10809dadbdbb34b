/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ledger/scan.h - read JSON text in place, without building a tree
 *
 * The keeper embeds text that a stranger wrote only after scan_is_value() has said that it
 * is one well-formed value on one line; readers of the ledger take records apart with the
 * rest. No numbers are converted and no keys compared beyond what is asked for, so nothing
 * in a record's arguments can make the record itself unreadable.
 */
#ifndef MCPJAIL_LEDGER_SCAN_H
#define MCPJAIL_LEDGER_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

#define SCAN_DEPTH_MAX 64

/**
 * scan_is_value() - Whether @text is exactly one JSON value (RFC 8259) on one line
 *
 * Well-formed UTF-8, no control characters, no unpaired surrogate escapes, at most
 * SCAN_DEPTH_MAX levels deep, nothing before or behind it.
 */
bool scan_is_value(struct span text);

/**
 * scan_member() - Next member of an object
 * @cursor:    To begin with, the object's text, which scan_is_value(); moved forward
 * @ret_key:   Raw, without its quotation marks
 * @ret_value: Raw; a string with its quotation marks
 *
 * Return: false at the end, or if @cursor is no object
 */
bool scan_member(struct span *cursor, struct span *ret_key, struct span *ret_value);

/** scan_find() - The raw value of the first member @key; {NULL, 0} if there is none */
struct span scan_find(struct span object, const char *key);

/** scan_string() - Append a raw string value, unescaped, as UTF-8. Return: 0; -EINVAL; -errno */
int scan_string(struct span raw, struct buf *ret);

/** scan_copy_string() - As scan_string(), NUL-terminated. Return: false if it is none or too long
 */
bool scan_copy_string(struct span raw, char *ret, size_t size);

/** scan_u64() - Return: false unless @raw is a plain non-negative integer that fits */
bool scan_u64(struct span raw, uint64_t *ret);

#endif
