/* SPDX-License-Identifier: Apache-2.0 */
/**
 * regex.h - regular expressions of a policy, searched for within bounds
 *
 * The syntax is what JavaScript and PCRE have in common: no back references, no recursion, no
 * possessive or atomic groups, no verbs. `^` and `$` are the ends of the whole text, `.` is any
 * character but a line feed, \d \w \s are ASCII's; characters are Unicode's.
 */
#ifndef MCPJAIL_POLICY_REGEX_H
#define MCPJAIL_POLICY_REGEX_H

#include "base/span.h"

#define REGEX_PATTERN_MAX 1024  /* bytes of a pattern */
#define REGEX_TEXT_MAX    65536 /* bytes of a text that can be searched */
#define REGEX_WHAT_MAX    256   /* bytes of a complaint */

struct regex;

/**
 * regex_compile() - Read a pattern
 * @ret_what: On -EINVAL, what is wrong with it; REGEX_WHAT_MAX bytes
 *
 * Return: 0; -EINVAL; -ENOMEM
 */
int regex_compile(struct span pattern, struct regex **ret, char *ret_what);

/** regex_free() - NULL is fine */
void regex_free(struct regex *regex);

/* GAVE_UP: the text is longer than REGEX_TEXT_MAX, or the search took too many steps. */
enum regex_answer { REGEX_GAVE_UP = 0, REGEX_MATCHES, REGEX_DIFFERS };

/** regex_search() - Whether the pattern matches anywhere in a text. At most about ten milliseconds
 */
enum regex_answer regex_search(const struct regex *regex, struct span text);

#endif
