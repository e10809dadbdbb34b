/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scan.h - JSON text walked for its own sake: syntax, duplicate keys, positions
 *
 * jansson builds the tree but keeps no positions and reports one problem; this walk finds
 * where in the text a JSON pointer lies, and says in plain words what is wrong with a text
 * that is not JSON (RFC 8259). It is stricter than jansson in nothing that a person could
 * want: no comments, no trailing commas, no U+0000, no byte order mark, bounded depth.
 */
#ifndef MCPJAIL_POLICY_SCAN_H
#define MCPJAIL_POLICY_SCAN_H

#include <stddef.h>

#include "base/span.h"

struct scan_problem {
	size_t at;           /* byte offset in the text */
	struct span pointer; /* of the value or object that it is in */
	const char *what, *mend;
};

/**
 * scan_check() - Whether a text is well-formed JSON
 * @on_problem: Called for every duplicate key, and for the first error of syntax; what it is
 *              given is valid during the call only
 *
 * Return: 0, also with duplicates; -EINVAL after an error of syntax; -ENOMEM
 */
int scan_check(const char *text, size_t n,
	       void (*on_problem)(void *context, const struct scan_problem *problem),
	       void *context);

enum scan_part { SCAN_VALUE = 0, SCAN_KEY };

/**
 * scan_locate() - Where in a well-formed text the value at a pointer begins
 * @part: SCAN_KEY: where its key begins instead, if it has one
 *
 * Return: byte offset; of the nearest enclosing value if there is none at @pointer. Of
 * duplicate keys the last counts, as in jansson's tree
 */
size_t scan_locate(const char *text, size_t n, const char *pointer, enum scan_part part);

/** scan_place() - Line and column of an offset, both from 1; the column in characters */
void scan_place(const char *text, size_t n, size_t at, size_t *ret_line, size_t *ret_column);

#endif
